"""Chapter 03: each exercise with nothing, with typical wrong answers, each of which gets its own message, and with its solution."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from judging import tries

import dlnb as dl
from dlnb.exercises import autograd
from dlnb.exercises.autograd import RULES, Number, by, in_order
from dlnb.exercises.chapter_03 import cross_entropy, slopes_by_hand

NUMBERS = ["03.1", "03.2", "03.3", "03.4"]
NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "03_error_and_backpropagation.ipynb"


def chances_of(scores, axis=1):
    powers = np.exp(scores)
    return powers / powers.sum(axis=axis, keepdims=True)


def of_true(table, truth):
    return table[np.arange(len(truth)), truth]


def only_small(scores, truth):
    with np.errstate(all="ignore"):
        return -np.log(of_true(chances_of(scores), truth)).mean()


ENTROPIES = {
    "the errors of the rows are added up": lambda scores, truth: cross_entropy(scores, truth) * len(truth),
    "the sign is missing": lambda scores, truth: -cross_entropy(scores, truth),
    "it is the mean probability of the true class": lambda scores, truth: of_true(chances_of(scores), truth).mean(),
    "it is 1 minus the probability": lambda scores, truth: (1 - of_true(chances_of(scores), truth)).mean(),
    "the mean comes too early": lambda scores, truth: -np.log(of_true(chances_of(scores), truth).mean()),
    "to the base of 10": lambda scores, truth: -np.log10(of_true(chances_of(scores), truth)).mean(),
    "to the base of 2": lambda scores, truth: -np.log2(of_true(chances_of(scores), truth)).mean(),
    "softmax runs down the columns": lambda scores, truth: -np.log(of_true(chances_of(scores, 0), truth)).mean(),
    "the class with the largest score": lambda scores, truth: -np.log(chances_of(scores).max(axis=1)).mean(),
    "it takes all classes together": lambda scores, truth: -np.log(chances_of(scores)).mean(),
    "all true classes of all rows": lambda scores, truth: -np.log(chances_of(scores)[:, truth]).mean(),
    "softmax is missing": lambda scores, truth: -of_true(scores, truth).mean(),
    "for five pictures and four classes it gives": lambda scores, truth: 7.0,
    "`np.exp` runs over": only_small,
    "the error should be 0, and is 5": lambda scores, truth: cross_entropy(scores, truth) + 5 * (scores.max() > 100),
    "the error should have the shape (), and has (5,)": lambda scores, truth: -np.log(of_true(chances_of(scores), truth)),
    "the error is nothing at all": lambda scores, truth: None,
    "does not take 2 things": lambda scores: 0.0,
    "your answer raised IndexError": lambda scores, truth: scores[99],
}


@pytest.mark.parametrize("words", ENTROPIES)
def test_a_cross_entropy_that_is_none(words):
    verdict = dl.check("03.1", ENTROPIES[words])
    assert not verdict and words in verdict.words and tries("03.1") == 1


def test_a_cross_entropy_in_another_form():
    assert dl.check("03.1", lambda scores, truth: F.cross_entropy(torch.tensor(scores), torch.tensor(truth)))

    def row_by_row(scores, truth):
        errors = [math.log(sum(math.exp(one - max(row)) for one in row)) + max(row) - row[true] for row, true in zip(scores, truth, strict=True)]
        return sum(errors) / len(errors)

    assert dl.check("03.1", row_by_row)


def with_parts(change):
    """A function for 03.2; `change` gets x, miss, whether the ReLU is on, what comes out of it, its input and w2."""

    def slopes(x, t, w1, b, w2):
        inner = w1 * x + b
        return change(x, w2 * max(inner, 0.0) - t, float(inner > 0), max(inner, 0.0), inner, w2)

    return slopes


SLOPES = {
    "half as large": with_parts(lambda x, miss, on, out, inner, w2: (miss * w2 * on * x, miss * w2 * on, miss * out)),
    "have the wrong sign": with_parts(lambda x, miss, on, out, inner, w2: (-2 * miss * w2 * on * x, -2 * miss * w2 * on, -2 * miss * out)),
    "the ReLU is off. Through it nothing passes back": with_parts(lambda x, miss, on, out, inner, w2: (2 * miss * w2 * x, 2 * miss * w2, 2 * miss * out)),
    "However w2 changes, the answer stays 0": with_parts(lambda x, miss, on, out, inner, w2: (2 * miss * w2 * on * x, 2 * miss * w2 * on, 2 * miss * inner)),
    "and once more times x": with_parts(lambda x, miss, on, out, inner, w2: (2 * miss * w2 * on, 2 * miss * w2 * on, 2 * miss * out)),
    "the slope for b is 8.5, and yours is -17": with_parts(lambda x, miss, on, out, inner, w2: (2 * miss * w2 * on * x, 2 * miss * on, 2 * miss * out)),
    "the slope for w2 is -119, and yours is -17": with_parts(lambda x, miss, on, out, inner, w2: (2 * miss * w2 * on * x, 2 * miss * w2 * on, 2 * miss)),
    "in another order": with_parts(lambda x, miss, on, out, inner, w2: (2 * miss * out, 2 * miss * w2 * on, 2 * miss * w2 * on * x)),
    "should have the shape (3,), and has (2,)": lambda x, t, w1, b, w2: (1.0, 2.0),
    "does not take 5 things": lambda x, t: (1.0, 2.0, 3.0),
}


@pytest.mark.parametrize("words", SLOPES)
def test_slopes_that_are_wrong(words):
    verdict = dl.check("03.2", SLOPES[words])
    assert not verdict and words in verdict.words and tries("03.2") == 1


def test_the_reference_slopes_are_pytorchs():
    random = np.random.default_rng(0)
    for _ in range(50):
        x, t, *values = random.normal(size=5)
        w1, b, w2 = (torch.tensor(value, requires_grad=True) for value in values)
        ((w2 * torch.relu(w1 * x + b) - t) ** 2).backward()
        assert np.allclose(slopes_by_hand(x, t, *values), [w1.grad, b.grad, w2.grad])


def with_rule(name, rule):
    return {**RULES, name: rule}


RULEBOOKS = {
    "there is no rule for divide, exp": {name: RULES[name] for name in ("add", "multiply", "relu", "log")},
    'the slopes of "multiply" are swapped': with_rule("multiply", lambda a, b: (a * b, (a, b))),
    'a slope of "divide" has the wrong sign': with_rule("divide", lambda a, b: (a / b, (1 / b, a / b**2))),
    "the slope for b is -0.2222, and yours is -0.6667": with_rule("divide", lambda a, b: (a / b, (1 / b, -a / b))),
    '"relu" at 2: the slope for a is 1, and yours is 2': with_rule("relu", lambda a: (max(a, 0.0), (max(a, 0.0),))),
    '"relu" at -1.5: the slope for a is 0, and yours is 1': with_rule("relu", lambda a: (max(a, 0.0), (1.0,))),
    '"exp" at 2: the slope for a is 7.389': with_rule("exp", lambda a: (math.exp(a), (a * math.exp(a - 1),))),
    '"log" at 2 gives 0.301; the result is 0.6931': with_rule("log", lambda a: (math.log10(a), (1 / a,))),
    "come in a tuple, even a single one": with_rule("relu", lambda a: (max(a, 0.0), float(a > 0))),
    "should give two things": with_rule("exp", lambda a: math.exp(a)),
    '"multiply" needs 2 slopes, one for each number that went in, and has 1': with_rule("multiply", lambda a, b: (a * b, (b,))),
    "does not take 2 things": with_rule("multiply", lambda a: (a, (1.0,))),
    "give the dictionary itself": list(RULES),
    "your answer raised ZeroDivisionError": with_rule("log", lambda a: (1 / 0, (1.0,))),
}


@pytest.mark.parametrize("words", RULEBOOKS)
def test_rules_that_are_wrong(words):
    verdict = dl.check("03.3", RULEBOOKS[words])
    assert not verdict and words in verdict.words and tries("03.3") == 1


def swept(hand_on, order=lambda last: in_order(last)[::-1], start=1.0):
    """A sweep; `hand_on` says what becomes of a source's `grad`."""

    def backward(last):
        last.grad = start
        for number in order(last):
            for source, slope in zip(number.made_of, number.slopes, strict=True):
                source.grad = hand_on(source.grad, slope, number.grad)

    return backward


def on_every_way(last, grad=1.0):
    """Along each way alone, without waiting for the others: right, but each way anew, and `grad` is overwritten on the way."""
    last.grad = grad
    for source, slope in zip(last.made_of, last.slopes, strict=True):
        on_every_way(source, slope * grad)


def too_soon(last):
    """Hands on what has arrived, each time that something arrives."""
    last.grad = 1.0
    waiting = [last]
    while waiting:
        number = waiting.pop()
        for source, slope in zip(number.made_of, number.slopes, strict=True):
            source.grad += slope * number.grad
            waiting.append(source)


SWEEPS = {
    "Slopes that meet are added": swept(lambda before, slope, grad: slope * grad),
    "times its own `grad`": swept(lambda before, slope, grad: before + slope),
    "it goes from the oldest to the newest": swept(lambda before, slope, grad: before + slope * grad, order=in_order),
    "`last.grad` is 2 afterwards": swept(lambda before, slope, grad: before + slope * grad, start=2.0),
    "yours are -10 and -4": swept(lambda before, slope, grad: before - slope * grad),
    "only after all that was made of it": too_soon,
    "only what one of them hands on is there": on_every_way,
    "does not take 1 things": lambda: None,
    "your answer raised ZeroDivisionError": lambda last: 1 / 0,
}


@pytest.mark.parametrize("words", SWEEPS)
def test_a_sweep_that_is_wrong(words):
    verdict = dl.check("03.4", SWEEPS[words])
    assert not verdict and words in verdict.words and tries("03.4") == 1


def test_a_sweep_along_every_way_by_itself_is_slow_and_right():
    def backward(last, grad=1.0):
        last.grad += grad
        for source, slope in zip(last.made_of, last.slopes, strict=True):
            backward(source, slope * grad)

    assert dl.check("03.4", backward)


def test_our_small_autograd_is_pytorchs():
    a, b = Number(0.7), Number(-1.3)
    last = by("log", by("add", by("exp", by("multiply", a, b)), by("relu", by("divide", b, a))))
    autograd.backward(last)
    x, y = torch.tensor(0.7, dtype=torch.float64, requires_grad=True), torch.tensor(-1.3, dtype=torch.float64, requires_grad=True)
    ((x * y).exp() + (y / x).relu()).log().backward()
    assert math.isclose(a.grad, x.grad.item()) and math.isclose(b.grad, y.grad.item()) and "Number(0.7)" in repr(a)


def test_the_autograd_of_the_chapter_has_about_fifty_lines():
    sources = ["".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    pieces = [[text for text in sources if text.startswith(begin)] for begin in ("rules = {", "RULES = ", "def in_order", "def backward")]
    assert [len(found) for found in pieces] == [1, 1, 1, 1]
    lines = [line for (text,) in pieces for line in text.splitlines() if line.strip() and "SOLUTION" not in line]
    assert 40 < len(lines) < 60  # a learner's may have a hundred


BEGINNINGS = {
    "03.1": (lambda scores, truth: 0.0, "the error is still 0"),
    "03.2": (lambda x, t, w1, b, w2: (0.0, 0.0, 0.0), "all three slopes are 0"),
    "03.3": ({"add": RULES["add"]}, 'there is only "add" yet'),
    "03.4": (lambda last: setattr(last, "grad", 1.0), "no slope has gone back yet"),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_what_a_cell_begins_with_is_no_try(number):
    answer, words = BEGINNINGS[number]
    verdict = dl.check(number, answer)
    assert not verdict and words in verdict.words and tries(number) == 0
