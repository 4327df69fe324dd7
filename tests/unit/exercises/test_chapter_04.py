"""Chapter 04: each exercise with nothing, with typical wrong answers, each of which gets its own message, and with its solution."""

import numpy as np
import pytest
import torch
from judging import refused, tries
from torch import nn

import dlnb as dl
from dlnb.exercises import chapter_04, desk
from dlnb.exercises.stopping import early_stop

NUMBERS = ["04.1", "04.2", "04.3", "04.4"]


# 04.1


def nothing(parameters, lr):
    """What the cell begins with."""


def rebinds(parameters, lr):
    for parameter in parameters:
        parameter = parameter - lr * parameter.grad


def followed(parameters, lr):
    for parameter in parameters:
        parameter -= lr * parameter.grad
        parameter.grad = None


def only_clears(parameters, lr):
    for parameter in parameters:
        parameter.grad = None


@torch.no_grad()
def never_clears(parameters, lr):
    for parameter in parameters:
        parameter -= lr * parameter.grad


@torch.no_grad()
def clears_first(parameters, lr):
    for parameter in parameters:
        parameter.grad = None
        parameter -= lr * parameter.grad


@torch.no_grad()
def uphill(parameters, lr):
    for parameter in parameters:
        parameter += lr * parameter.grad
        parameter.grad = None


@torch.no_grad()
def without_rate(parameters, lr):
    for parameter in parameters:
        parameter -= parameter.grad
        parameter.grad = None


@torch.no_grad()
def returns_early(parameters, lr):
    for parameter in parameters:
        parameter -= lr * parameter.grad
        parameter.grad = None
        return parameter


@torch.no_grad()
def signs(parameters, lr):
    for parameter in parameters:
        parameter -= lr * parameter.grad.sign()
        parameter.grad = None


STEPS = {
    "makes a new tensor and leaves": rebinds,
    "inside of `with torch.no_grad": followed,
    "the slopes are cleared, and no parameter has moved": only_clears,
    "they were added up": never_clears,
    "cleared too early": clears_first,
    "it goes uphill": uphill,
    "10 times as long": without_rate,
    "only some of the parameters": returns_early,
    "along their own slopes": signs,
    "give the function itself": 3.0,
    "raised TypeError": lambda parameters: None,
}


@pytest.mark.parametrize("words", STEPS)
def test_a_step_of_sgd_that_is_not_right(words):
    refused("04.1", STEPS[words], words)


def test_a_step_that_clears_in_another_way_is_right():
    def zeroes(parameters, lr):
        with torch.no_grad():
            for place in range(len(parameters)):
                parameters[place].copy_(parameters[place] - lr * parameters[place].grad)
                parameters[place].grad.zero_()

    def by_data(parameters, lr):
        for parameter in parameters:
            parameter.data = parameter.data - lr * parameter.grad
        for parameter in parameters:
            parameter.grad = None

    assert dl.check("04.1", zeroes) and dl.check("04.1", by_data)


# 04.2

MOMENTA = {
    "the old speed has no effect": lambda w, g, s, lr, mu: (w - lr * g, s),
    "by the slope alone": lambda w, g, s, lr, mu: (w - lr * g, mu * s + g),
    "worked out from it, and returned": lambda w, g, s, lr, mu: (w - lr * (mu * s + g), s),
    "the speed of the step before": lambda w, g, s, lr, mu: (w - lr * s, mu * s + g),
    "uphill": lambda w, g, s, lr, mu: (w + lr * (mu * s + g), mu * s + g),
    "1 − μ only": lambda w, g, s, lr, mu: (w - lr * (mu * s + (1 - mu) * g), mu * s + (1 - mu) * g),
    "multiplied by μ too": lambda w, g, s, lr, mu: (w - lr * mu * (s + g), mu * (s + g)),
    "the share μ is missing": lambda w, g, s, lr, mu: (w - lr * (s + g), s + g),
    "Nesterov": lambda w, g, s, lr, mu: (w - lr * (g + mu * (mu * s + g)), mu * s + g),
    "rate is inside the speed": lambda w, g, s, lr, mu: (w + mu * s - lr * g, mu * s - lr * g),
    "returns one thing; return all": lambda w, g, s, lr, mu: w,
    "returns 3 things": lambda w, g, s, lr, mu: (w, s, s),
    "the new speed is a float": lambda w, g, s, lr, mu: (w, 0.0),
    r"weight is a tensor of shape \(\)": lambda w, g, s, lr, mu: (w.sum(), s),
    "after the first step the weight is another": lambda w, g, s, lr, mu: (w - 2 * lr * (mu * s + g), mu * s + g),
    "after the first step the speed is another": lambda w, g, s, lr, mu: (w, mu * s + 3 * g),
    "this is a float": 0.9,
}


@pytest.mark.parametrize("words", MOMENTA)
def test_a_step_of_momentum_that_is_not_right(words):
    refused("04.2", MOMENTA[words], words)


def test_a_function_that_returns_nothing_or_what_it_was_given():
    refused("04.2", lambda w, g, s, lr, mu: None, "returns nothing; return all")
    verdict = dl.check("04.2", lambda w, g, s, lr, mu: (w, s))
    assert not verdict and "does nothing yet" in verdict.words and tries("04.2") == 1  # no try


def test_momentum_may_change_what_it_is_given():
    def in_place(w, g, s, lr, mu):
        s *= mu
        s += g
        w -= lr * s
        return [w, s]

    assert dl.check("04.2", in_place)


# 04.3


def means(g, m, v):
    return 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2


def made(step, keep=lambda m, v, t: (m, v)):
    """An Adam of which one part is wrong."""

    def adam(w, g, m, v, t, lr):
        m, v = means(g, m, v)
        return (w - lr * step(g, m, v, t), *keep(m, v, t))

    return adam


def right(g, m, v, t):
    return m / (1 - 0.9**t) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)


def not_squared(w, g, m, v, t, lr):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g
    return w - lr * right(g, m, v, t), m, v


def exchanged(w, g, m, v, t, lr):
    m, v = 0.999 * m + 0.001 * g, 0.9 * v + 0.1 * g**2
    return w - lr * (m / (1 - 0.999**t)) / ((v / (1 - 0.9**t)).sqrt() + 1e-8), m, v


ADAMS = {
    "are not divided by 1 − 0.9ᵗ and": made(lambda g, m, v, t: m / (v.sqrt() + 1e-8)),
    "the mean of the squares not by": made(lambda g, m, v, t: m / (1 - 0.9**t) / (v.sqrt() + 1e-8)),
    "the mean of the slopes not by": made(lambda g, m, v, t: m / ((v / (1 - 0.999**t)).sqrt() + 1e-8)),
    "returns the means after the division": made(right, lambda m, v, t: (m / (1 - 0.9**t), v / (1 - 0.999**t))),
    "the root is missing": made(lambda g, m, v, t: m / (1 - 0.9**t) / (v / (1 - 0.999**t) + 1e-8)),
    "stands under the root": made(lambda g, m, v, t: m / (1 - 0.9**t) / (v / (1 - 0.999**t) + 1e-8).sqrt()),
    "uphill": made(lambda g, m, v, t: -right(g, m, v, t)),
    "the newest slope alone": made(lambda g, m, v, t: g / ((v / (1 - 0.999**t)).sqrt() + 1e-8)),
    "not squared": not_squared,
    "no 1 is added": made(lambda g, m, v, t: right(g, m, v, t + 1)),
    "have changed places": exchanged,
    "returns 2 things": lambda w, g, m, v, t, lr: (w, m),
    "no number any more": made(lambda g, m, v, t: (m - m) / (v - v)),
    "after the first step the weight": made(lambda g, m, v, t: 0.5 * right(g, m, v, t)),
    "up to step 4 all is right, and in step 5 the weight": lambda w, g, m, v, t, lr: (w - 0.1 * right(g, *means(g, m, v), t), *means(g, m, v)),
    "raised ZeroDivisionError": lambda w, g, m, v, t, lr: 1 / (t - 1),
}


@pytest.mark.parametrize("words", ADAMS)
def test_a_step_of_adam_that_is_not_right(words):
    refused("04.3", ADAMS[words], words)


@pytest.mark.parametrize("number", ["04.2", "04.3"])
def test_what_is_taken_for_right_is_what_pytorch_does(number):
    weight = torch.randn(5, dtype=torch.float64)
    theirs = nn.Parameter(weight.clone())
    optimizer = torch.optim.SGD([theirs], lr=0.1, momentum=0.9) if number == "04.2" else torch.optim.Adam([theirs], lr=0.1)
    kept = torch.zeros(int(number[-1]) - 1, 5, dtype=torch.float64).unbind()
    for t in range(1, 101):
        slope = torch.randn(5, dtype=torch.float64)
        if number == "04.2":
            weight, *kept = chapter_04.momentum(weight, slope, *kept, 0.1, 0.9)
        else:
            weight, *kept = chapter_04.adam(weight, slope, *kept, t, 0.1)
        theirs.grad = slope
        optimizer.step()
    assert (weight - theirs).abs().max() < 1e-6


# 04.4


def following(better, done, answer):
    """Goes through the losses; what counts as better, when it ends, and what it then returns."""

    def stop(losses, patience):
        best = since = 0
        for epoch in range(1, len(losses)):
            if better(losses, epoch, best):
                best, since = epoch, 0
            else:
                since += 1
            if done(since, patience):
                return answer(losses, epoch, best)
        return answer(losses, len(losses) - 1, best)

    return stop


def below(losses, epoch, best):
    return losses[epoch] < losses[best]


def counts_all(losses, patience):
    best = bad = 0
    for epoch in range(1, len(losses)):
        best, bad = (epoch, bad) if losses[epoch] < losses[best] else (best, bad + 1)
        if bad >= patience:
            break
    return best


def rises(losses, patience):
    best = rising = 0
    for epoch in range(1, len(losses)):
        best = epoch if losses[epoch] < losses[best] else best
        rising = 0 if losses[epoch] < losses[epoch - 1] else rising + 1
        if rising >= patience:
            break
    return best


def at_least(since, patience):
    return since >= patience


STOPS = {
    "it looks ahead": lambda losses, patience: int(np.argmin(losses)),
    "at which it stops": following(below, at_least, lambda losses, epoch, best: epoch),
    "at the first rise": following(below, lambda since, patience: since >= 1, lambda losses, epoch, best: best),
    "with the one before": rises,
    "the count begins anew": counts_all,
    "better means smaller": following(lambda losses, epoch, best: losses[epoch] <= losses[best], at_least, lambda losses, epoch, best: best),
    "one epoch too long": following(below, lambda since, patience: since > patience, lambda losses, epoch, best: best),
    "returns the smallest error": following(below, at_least, lambda losses, epoch, best: losses[best]),
    "it returns 'two'": lambda losses, patience: "two",
    r"5, 4, 3, 4, 5, 6, 7, 1 and a patience of 3 it returns 0\. The epoch to go back to is 2": lambda losses, patience: 0,
    "raised IndexError": lambda losses, patience: losses[99],
    "give the function itself": 2,
}


@pytest.mark.parametrize("words", STOPS)
def test_an_early_stop_that_is_not_right(words):
    refused("04.4", STOPS[words], words)


@pytest.mark.parametrize("form", [np.int64, torch.tensor, int])
def test_an_epoch_in_any_form_of_a_whole_number(form):
    assert dl.check("04.4", lambda losses, patience: form(early_stop(losses, patience)))


# All


@pytest.mark.parametrize(("number", "answer"), [("04.1", nothing), ("04.2", lambda w, g, s, lr, mu: (w, s)), ("04.3", lambda w, g, m, v, t, lr: (w, m, v)), ("04.4", lambda losses, patience: None)])
def test_what_the_cell_begins_with_is_no_try(number, answer):
    verdict = dl.check(number, answer)
    assert not verdict and "nothing yet" in verdict.words and tries(number) == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_right(number):
    asked = desk.exercise(number)
    names = {"torch": torch}
    exec(asked.solution, names)
    assert dl.check(number, next(value for name, value in names.items() if name not in ("torch", "__builtins__")))
