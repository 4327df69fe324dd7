"""Chapter 05: each exercise with nothing, with typical wrong answers, each of which gets its own message, and with its solution."""

import math
import statistics

import numpy as np
import pytest
import torch
from judging import refused, tries
from torch import nn

import dlnb as dl
from dlnb.exercises import chapter_05, comparing, desk

NUMBERS = ["05.1", "05.2", "05.3", "05.4"]


# 05.1

RATES = {
    "the same amount above": lambda low, high, steps: np.linspace(low, high, steps),
    "it ends before": lambda low, high, steps: [low * (high / low) ** (k / steps) for k in range(steps)],
    "it begins with the rate after": lambda low, high, steps: [low * (high / low) ** (k / steps) for k in range(1, steps + 1)],
    "it runs backwards": lambda low, high, steps: np.geomspace(high, low, steps),
    "one rate too many": lambda low, high, steps: np.geomspace(low, high, steps + 1),
    "taken for powers of ten": lambda low, high, steps: np.logspace(low, high, steps),
    "ten times the one before": lambda low, high, steps: [low * 10**k for k in range(steps)],
    r"`rates\(1e-05, 10, 7\)` should be 7 learning rates, and is 3": lambda low, high, steps: [low, 1.0, high],
    "the rate at place 0 should be 1e-05, and is 0.0001": lambda low, high, steps: np.geomspace(10 * low, high, steps),
    "returns 'many'": lambda low, high, steps: "many",
    "returns 0.1": lambda low, high, steps: 0.1,
    "give the function itself": [1e-5, 10],
    "raised TypeError": lambda low, high: [],
}


@pytest.mark.parametrize("words", RATES)
def test_rates_that_are_not_right(words):
    refused("05.1", RATES[words], words)


@pytest.mark.parametrize("form", [list, tuple, np.array, torch.tensor, iter])
def test_rates_in_any_form(form):
    assert dl.check("05.1", lambda low, high, steps: form(chapter_05.rates(low, high, steps)))
    assert dl.check("05.1", lambda low, high, steps: torch.logspace(math.log10(low), math.log10(high), steps))


# 05.2


def after(curve, warm=lambda step, u: (step + 1) / u):
    """A schedule: warm-up, then a curve of how much is done and of step and total."""

    def share(step, total):
        u = total // 10
        return warm(step, u) if step < u else curve((step - u) / (total - u), step / total)

    return share


def half(done, _):
    return 0.5 * (1 + math.cos(math.pi * done))


SHARES = {
    "there is no warm-up": lambda step, total: 0.5 * (1 + math.cos(math.pi * step / total)),
    "the first step gets the share 0": after(half, lambda step, u: step / u),
    "the share jumps down": after(lambda _, whole: half(whole, 0)),
    "negative": after(lambda done, _: math.cos(math.pi * done)),
    "rises again": after(lambda done, _: half(2 * done, 0)),
    "quarter of a wave": after(lambda done, _: math.cos(math.pi * done / 2)),
    "in a straight line": after(lambda done, _: 1 - done),
    "radians": after(lambda done, _: 0.5 * (1 + math.cos(180 * done))),
    "begins at 2": after(lambda done, _: 2 * half(done, 0)),
    "of 100 steps, step 0 should get the share 0.1, and gets 1": lambda step, total: 1.0,
    "numbers are wanted": lambda step, total: "half",
    "give the function itself": 0.5,
    "raised ZeroDivisionError": lambda step, total: 1 / (step - 50),
}


@pytest.mark.parametrize("words", SHARES)
def test_a_schedule_that_is_not_right(words):
    refused("05.2", SHARES[words], words)


# 05.3


def drawn(spread, biases=True):
    """Weights of a spread that is a function of inputs and outputs."""

    def initialise(layer):
        with torch.no_grad():
            layer.weight.normal_(0, spread(layer.in_features, layer.out_features))
            if biases:
                layer.bias.zero_()

    return initialise


def followed(layer):
    layer.weight.normal_(0, 0.1)


def filled(number):
    return lambda layer: nn.init.constant_(layer.weight, number)


WEIGHTS = {
    "is the variance": drawn(lambda inputs, outputs: 2 / inputs),
    "the ReLU halves": drawn(lambda inputs, outputs: math.sqrt(1 / inputs)),
    "it counts the outputs": drawn(lambda inputs, outputs: math.sqrt(2 / outputs)),
    "the mean of inputs and outputs": drawn(lambda inputs, outputs: math.sqrt(4 / (inputs + outputs))),
    "2n instead of": drawn(lambda inputs, outputs: math.sqrt(2 * inputs)),
    "with its ReLU, multiplies the mean square of a signal by": drawn(lambda inputs, outputs: 0.01),
    "biases are not 0 yet": drawn(lambda inputs, outputs: math.sqrt(2 / inputs), biases=False),
    "all weights are 0": filled(0.0),
    "all weights are the same number": filled(0.1),
    "not finite": filled(float("nan")),
    "inside of `with torch.no_grad": followed,
    "it returns new weights": lambda layer: torch.randn(layer.weight.shape) * math.sqrt(2 / layer.in_features),
    "give the function itself": nn.Linear(2, 2),
}


@pytest.mark.parametrize("words", WEIGHTS)
def test_first_weights_that_are_not_right(words):
    refused("05.3", WEIGHTS[words], words)


def test_first_weights_drawn_in_another_way_are_right():
    def evenly(layer):
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)

    def by_data(layer):
        layer.weight.data = torch.randn_like(layer.weight) * (2 / layer.weight.shape[1]) ** 0.5
        layer.bias.data.fill_(0)

    assert dl.check("05.3", evenly) and dl.check("05.3", by_data)


# 05.4


def error(results):
    return statistics.stdev(results) / math.sqrt(len(results))


def judged(difference, least):
    return "cannot tell" if abs(difference) <= least else "first" if difference > 0 else "second"


def mean(a, b):
    return statistics.fmean(a) - statistics.fmean(b)


VERDICTS = {
    "the means alone": lambda a, b: judged(mean(a, b), 0),
    "the best results": lambda a, b: judged(max(a) - max(b), 0),
    "of single results": lambda a, b: judged(mean(a, b), 2 * math.hypot(statistics.stdev(a), statistics.stdev(b))),
    "one standard error": lambda a, b: judged(mean(a, b), math.hypot(error(a), error(b))),
    "not how sure the second is": lambda a, b: judged(mean(a, b), 2 * error(a)),
    "not how sure the first is": lambda a, b: judged(mean(a, b), 2 * error(b)),
    "mixed up": lambda a, b: comparing.verdict(b, a),
    "whenever there is a difference": lambda a, b: comparing.verdict(a, b).replace("second", "first"),
    "take its size": lambda a, b: "first" if mean(a, b) > 2 * math.hypot(error(a), error(b)) else "cannot tell",
    "There is a third answer": lambda a, b: "first" if mean(a, b) > 2 * math.hypot(error(a), error(b)) else "second",
    r"for 4 results with the mean 0\.915 and 4 with 0\.815 it says “cannot tell”": lambda a, b: "cannot tell",
    "it returns True": lambda a, b: True,
    "give the function itself": "first",
    "raised ValueError": lambda a, b: math.sqrt(-1),
}


@pytest.mark.parametrize("words", VERDICTS)
def test_a_verdict_that_is_not_right(words):
    refused("05.4", VERDICTS[words], words)


def test_a_spread_of_all_and_one_of_some_are_both_right():
    def of_all(a, b):
        return judged(mean(a, b), 2 * math.hypot(statistics.pstdev(a) / math.sqrt(len(a)), statistics.pstdev(b) / math.sqrt(len(b))))

    assert dl.check("05.4", of_all)


# All


@pytest.mark.parametrize(("number", "answer"), [("05.1", lambda low, high, steps: None), ("05.2", lambda step, total: None), ("05.3", lambda layer: None), ("05.4", lambda a, b: None)])
def test_what_the_cell_begins_with_is_no_try(number, answer):
    verdict = dl.check(number, answer)
    assert not verdict and ("nothing yet" in verdict.words or "still those" in verdict.words) and tries(number) == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_right(number):
    asked = desk.exercise(number)
    names = {"torch": torch, "math": math}
    exec(asked.solution, names)
    assert dl.check(number, next(value for name, value in names.items() if name not in ("torch", "math", "__builtins__")))
