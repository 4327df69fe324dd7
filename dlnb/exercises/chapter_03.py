"""The exercises of chapter 03, error and backpropagation."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from . import autograd
from .autograd import Number
from .exercise import Exercise, Unanswered, Wrong
from .forms import Floats, function, numbers, same

POINTS = ((3.0, 5.0, 2.0, 1.0, -0.5), (-1.5, 0.5, 2.0, 1.0, 3.0), (0.5, -1.0, -1.0, 2.0, 1.5))  # x, t, w1, b, w2
AT = ((2.0, 3.0), (0.5, -4.0), (1.5, 0.25))  # where the rules are tried; the first number is also tried below 0 for ReLU
GRAPHS, OPERATIONS, LEAVES = 40, 10, 3  # formulas written by chance
IN_TORCH: dict[str, Callable[..., torch.Tensor]] = {
    "add": torch.add, "multiply": torch.mul, "divide": torch.div, "relu": torch.relu, "exp": torch.exp, "log": torch.log,
}  # fmt: skip


def judge_cross_entropy(answer: Any) -> str:
    """Whether a function gives the mean cross-entropy of scores, large ones too."""
    ask = function(answer, "cross_entropy(scores, truth)", 2)
    random = np.random.default_rng(3)
    scores, truth = 2 * random.normal(size=(5, 4)), np.array([0, 3, 1, 1, 2])
    said = float(numbers(ask(scores.copy(), truth.copy()), (), "the error"))
    if said == 0:
        raise Unanswered("the error is still 0. Begin with softmax: `np.exp` of each score, divided by the sum of its row")
    _entropy(said, scores, truth)
    with np.errstate(all="ignore"):
        large = float(ask(np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([0, 1])))
    if not np.isfinite(large):
        raise Wrong("it is right for small scores. With scores of 1,000 `np.exp` runs over: take the largest score of each row off all of them first")
    if not same(large, 0):
        raise Wrong(f"it is right for small scores. Where the true class leads by 1,000, the error should be 0, and is {large:.3g}")
    return "the same as PyTorch's, and it bears scores of 1,000."


def judge_slopes(answer: Any) -> str:
    """Whether a function gives the three slopes of a squared error behind a ReLU."""
    ask = function(answer, "slopes_by_hand(x, t, w1, b, w2)", 5)
    told = [numbers(ask(*point), (3,), "what it returns") for point in POINTS]
    if not np.any(told):
        raise Unanswered("all three slopes are 0. Start at the error: it grows 2 · (answer − t) times as fast as the answer")
    right = [np.array(slopes_by_hand(*point)) for point in POINTS]
    for point, said, wanted in zip(POINTS, told, right, strict=True):
        if not same(said, wanted):
            _slopes(point, said, wanted)
    return "also where the ReLU is off, and two of the three slopes are 0."


def judge_rules(answer: Any) -> str:
    """Whether each rule gives its result, and the slope for each number that went in."""
    if not isinstance(answer, Mapping):
        raise Wrong(f"this is a {type(answer).__name__}; give the dictionary itself, `rules`")
    missing = [name for name in autograd.RULES if name not in answer]
    if len(missing) == len(autograd.RULES) - 1:
        raise Unanswered('there is only "add" yet. Write `rules["multiply"] = lambda a, b: (…, (…, …))`')
    if missing:
        raise Wrong(f"there is no rule for {', '.join(missing)} yet; the rest comes after that")
    for name in autograd.RULES:
        unary = name in ("relu", "exp", "log")
        rule = function(answer[name], f"{name}({'a' if unary else 'a, b'})", 1 if unary else 2)
        for point in AT:
            _rule(name, rule, point[:1] if unary else point)
        if name in ("relu", "exp"):
            _rule(name, rule, (-1.5,))
    return "six rules, each with the result and the slopes. PyTorch has some hundreds of the same kind."


def judge_backward(answer: Any) -> str:
    """Whether a function sweeps slopes back as PyTorch does, through formulas in which numbers are used several times."""
    ask = function(answer, "backward(last)", 1)
    _simple(ask)
    random = np.random.default_rng(5)
    for _ in range(GRAPHS):
        leaves, last = _random_graph(random)
        ask(last)
        _compare(leaves, last)
    return f"{GRAPHS} formulas written by chance, and every slope is PyTorch's."


def cross_entropy(scores: Floats, truth: np.ndarray) -> float:
    """Of scores (B, C) and the true classes (B,): the mean of −ln of what softmax gives to the true class."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(truth)), truth].mean())


def slopes_by_hand(x: float, t: float, w1: float, b: float, w2: float) -> tuple[float, float, float]:
    """The slopes of (w2 · relu(w1 · x + b) − t)² for w1, b and w2."""
    inner = w1 * x + b
    pull = 2 * (w2 * max(inner, 0.0) - t)
    for_b = pull * w2 * (inner > 0)
    return for_b * x, for_b, pull * max(inner, 0.0)


def _entropy(said: float, scores: Floats, truth: np.ndarray) -> None:
    """Raises: Wrong, with what was worked out instead, as far as that can be told."""
    right = cross_entropy(scores, truth)
    if same(said, right):
        return
    powers = np.exp(scores)
    chances, rows = powers / powers.sum(axis=1, keepdims=True), np.arange(len(truth))
    down = powers / powers.sum(axis=0, keepdims=True)
    instead = {
        "the errors of the rows are added up. Take their mean, so that a larger batch is no larger error": right * len(truth),
        "the sign is missing: the logarithm of a probability is negative, and an error should not be": -right,
        "it is the mean probability of the true class. The error is −ln of it": chances[rows, truth].mean(),
        "it is 1 minus the probability of the true class. The error is −ln of it": 1 - chances[rows, truth].mean(),
        "the mean comes too early: −ln of each row's probability first, then the mean": -math.log(chances[rows, truth].mean()),
        "the logarithm is one to the base of 10; ln is `np.log`": right / math.log(10),
        "the logarithm is one to the base of 2; ln is `np.log`": right / math.log(2),
        "softmax runs down the columns. Each row is one picture: `axis=1`": -np.log(down[rows, truth]).mean(),
        "it takes the class with the largest score of each row, and not the true one": -np.log(chances.max(axis=1)).mean(),
        "it takes all classes together. Of each row only the true one counts: `[np.arange(len(truth)), truth]`": -np.log(chances).mean(),
        "it takes all true classes of all rows. To each row belongs its own: `[np.arange(len(truth)), truth]`": -np.log(chances[:, truth]).mean(),
        "softmax is missing: that is the mean score of the true class, with a minus": -scores[rows, truth].mean(),
    }
    for words, wrong in instead.items():
        if same(said, wrong):
            raise Wrong(words)
    raise Wrong(f"for five pictures and four classes it gives {said:.4f}, and {right:.4f} is right. Softmax of each row, −ln of the true class, the mean")


def _slopes(point: tuple[float, ...], said: Floats, right: Floats) -> None:
    """Say what is wrong with the slopes at a point. Raises: always."""
    x, t, w1, b, w2 = point
    inner = w1 * x + b
    where = f"at x = {x:g}, t = {t:g}, w1 = {w1:g}, b = {b:g}, w2 = {w2:g}"
    if same(said, -right):
        raise Wrong("all slopes have the wrong sign: the miss is answer − t, and not t − answer")
    if same(said, right / 2):
        raise Wrong("all slopes are half as large as they should be: the slope of a square is *twice* the miss")
    if same(sorted(said), sorted(right)) and inner > 0:
        raise Wrong("the numbers are right, in another order: first for w1, then for b, then for w2")
    if inner <= 0:
        if not same(said[2], 0):
            raise Wrong(f"{where} the ReLU gives 0. However w2 changes, the answer stays 0: its slope is {right[2]:g}, and yours is {said[2]:g}")
        raise Wrong(f"{where} the ReLU is off. Through it nothing passes back, so for w1 and b the slope is 0")
    for place, (name, words) in enumerate(
        {
            "w1": "its way is that of b, and once more times x",
            "b": "back through the square, through w2, and through the ReLU, which passes it on where it is on",
            "w2": "w2 is multiplied by what comes out of the ReLU",
        }.items()
    ):
        if not same(said[place], right[place]):
            raise Wrong(f"{where} the slope for {name} is {right[place]:g}, and yours is {said[place]:g}: {words}")


def _rule(name: str, rule: Any, at: tuple[float, ...]) -> None:
    """Raises: Wrong if a rule does not give the result and the slopes at a place."""
    value, slopes = autograd.RULES[name](*at)
    where = f'"{name}" at {" and ".join(f"{one:g}" for one in at)}'
    said = rule(*at)
    if not isinstance(said, tuple | list) or len(said) != 2:
        raise Wrong(f"{where} should give two things: the result, and a tuple of slopes")
    if not isinstance(said[1], tuple | list):
        raise Wrong(f'the slopes of "{name}" come in a tuple, even a single one: `(slope,)`, with the comma')
    if len(said[1]) != len(slopes):
        raise Wrong(f'"{name}" needs {len(slopes)} slope{"s" if len(slopes) > 1 else ""}, one for each number that went in, and has {len(said[1])}')
    if not same(float(said[0]), value):
        raise Wrong(f"{where} gives {float(said[0]):.4g}; the result is {value:.4g}")
    told = numbers(said[1], (len(slopes),), f'the slopes of "{name}"')
    if same(told, slopes):
        return
    if len(slopes) == 2 and same(told, slopes[::-1]):
        raise Wrong(f'the slopes of "{name}" are swapped: the first belongs to a. If a grows by 1, by how much does the result grow?')
    if same(told, np.abs(slopes)):
        raise Wrong(f'a slope of "{name}" has the wrong sign: does the result grow with b, or shrink?')
    for letter, mine, right in zip("ab", told, slopes, strict=False):
        if not same(mine, right):
            raise Wrong(f"{where}: the slope for {letter} is {right:.4g}, and yours is {mine:.4g}. Nudge {letter} a little, and see how far the result goes")


def _simple(ask: Any) -> None:
    """A formula so small that a mistake shows what it is. Raises: Unanswered or Wrong."""
    a, b = Number(3.0), Number(5.0)
    product = autograd.by("multiply", a, b)
    total = autograd.by("add", product, b)
    last = autograd.by("multiply", total, Number(2.0))  # (a · b + b) · 2
    ask(last)
    words = "in (a · b + b) · 2 with a = 3 and b = 5"
    if not (a.grad or b.grad or product.grad or total.grad):
        raise Unanswered("no slope has gone back yet. Go through `order` from its end, and let each number hand on: `source.grad += …`")
    if not same(last.grad, 1):
        raise Wrong(f"`last.grad` is {last.grad:g} afterwards. It is 1: a number grows as fast as itself")
    if not (a.grad or b.grad):
        raise Wrong(f"{words} the slopes come as far as the sum and no further: it goes from the oldest to the newest. `reversed(order)` begins at the end")
    if same(a.grad, 10) and (same(b.grad, 6) or same(b.grad, 2)):
        raise Wrong(f"{words}, b goes in at two places, and only what one of them hands on is there. Slopes that meet are added: `+=`")
    if same((a.grad, b.grad), (5, 4)):
        raise Wrong(f"{words} the slopes are 10 and 8, and yours are 5 and 4: each number hands on its slope times its own `grad`")
    if not same((a.grad, b.grad), (10, 8)):
        raise Wrong(f"{words} the slopes are 10 and 8, and yours are {a.grad:g} and {b.grad:g}")


def _random_graph(random: np.random.Generator) -> tuple[list[Number], Number]:
    """Some numbers, and what a formula written by chance makes of them."""
    leaves = [Number(float(value)) for value in random.normal(size=LEAVES)]
    made, one = list(leaves), Number(1.0)
    for _ in range(OPERATIONS):
        a, b = (made[place] for place in random.integers(len(made), size=2))
        square = autograd.by("multiply", a, a)
        choice = random.integers(5)
        if choice == 0:
            made.append(autograd.by("add", a, b))
        elif choice == 1:
            made.append(autograd.by("divide", autograd.by("multiply", a, b), autograd.by("add", square, one)))
        elif choice == 2:
            made.append(autograd.by("exp", autograd.by("multiply", square, Number(-1.0))))
        elif choice == 3:
            made.append(autograd.by("log", autograd.by("add", square, one)))
        else:
            made.append(autograd.by("relu", a))
    last = made[0]
    for number in made[1:]:
        last = autograd.by("add", last, number)
    return leaves, last


def _compare(leaves: list[Number], last: Number) -> None:
    """Raises: Wrong if the slopes for the leaves are not PyTorch's."""
    tensors: dict[Number, torch.Tensor] = {}
    for number in autograd.in_order(last):
        if not number.made_of:
            tensors[number] = torch.tensor(number.value, dtype=torch.float64, requires_grad=True)
        else:
            tensors[number] = IN_TORCH[number.rule](*[tensors[source] for source in number.made_of])
    tensors[last].backward()
    for leaf in leaves:
        wanted = tensors[leaf].grad.item()  # type: ignore[union-attr]
        if not math.isclose(leaf.grad, wanted, rel_tol=1e-6, abs_tol=1e-9):
            raise Wrong(
                f"small formulas are right. In one of {len(tensors)} numbers a slope is {wanted:.4g}, and yours is {leaf.grad:.4g}. Does every number "
                "hand on only after all that was made of it, once, and times its own `grad`?"
            )


EXERCISES = {
    one.number: one
    for one in (
        Exercise(
            "03.1",
            "The logarithm of softmax is the score, less ln of the sum of all powers. With the largest score taken off, nothing runs over.",
            judge_cross_entropy,
            (
                "Three steps: softmax of each row, −ln of what the true class got, and the mean over the rows.",
                "`keepdims=True` keeps the sum of each row in its row. `chances[np.arange(len(truth)), truth]` picks from each row the true class.",
                "Before `np.exp`, take the largest score of each row off: `scores - scores.max(axis=1, keepdims=True)`.",
            ),
            "shifted = scores - scores.max(axis=1, keepdims=True)\nlogs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))\nerror = -logs[np.arange(len(truth)), truth].mean()",
            lambda: cross_entropy,
        ),
        Exercise(
            "03.2",
            "From the error back: twice the miss, then w2, then the ReLU, then x.",
            judge_slopes,
            (
                "Start at the error. For the answer its slope is 2 · (answer − t). Everything else is multiplied with that.",
                "The way to w2 ends there: times what comes out of the ReLU. The way to b goes on: times w2, times the slope of the ReLU.",
                "The slope of a ReLU is 1 where its input is above 0, else 0. To w1 it is that of b, times x.",
            ),
            "inner = w1 * x + b\npull = 2 * (w2 * max(inner, 0.0) - t)\nfor_w2 = pull * max(inner, 0.0)\nfor_b = pull * w2 * (inner > 0)\nfor_w1 = for_b * x",
            lambda: slopes_by_hand,
        ),
        Exercise(
            "03.3",
            "If a grows a little, how many times as much does the result grow? That is the slope for a.",
            judge_rules,
            (
                "Nudge a by a little and see how far the result goes: that is the slope for a. For a · b it is b.",
                "exp is its own slope. The slope of ln is 1/a, that of a ReLU 1 or 0. A tuple of one: `(slope,)`.",
                "a / b: for a the slope is 1/b, for b it is −a/b².",
            ),
            'rules["multiply"] = lambda a, b: (a * b, (b, a))\nrules["divide"] = lambda a, b: (a / b, (1 / b, -a / b**2))\nrules["relu"] = lambda a: (max(a, 0.0), (float(a > 0),))\nrules["exp"] = lambda a: (math.exp(a), (math.exp(a),))\nrules["log"] = lambda a: (math.log(a), (1 / a,))',
            lambda: dict(autograd.RULES),
        ),
        Exercise(
            "03.4",
            "From the newest to the oldest, each hands on its slope times its own grad, and what meets is added.",
            judge_backward,
            (
                "`reversed(order)` begins with `last`. Each number there has `made_of` and, in the same order, `slopes`.",
                "Two loops, one in the other: over the numbers, and over `zip(number.made_of, number.slopes)`.",
                "`source.grad += slope * number.grad`.",
            ),
            "for number in reversed(order):\n    for source, slope in zip(number.made_of, number.slopes):\n        source.grad += slope * number.grad",
            lambda: autograd.backward,
        ),
    )
}
