"""The exercises of chapter 05, tuning: learning rates, a schedule, first weights, and an honest verdict."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..train.engine import seeded
from .comparing import judge_verdict, verdict
from .exercise import Exercise, Unanswered, Wrong

# 05.1, the learning rates of a range test.


def rates(low: float, high: float, steps: int) -> list[float]:
    """From low to high, each the same factor above the one before."""
    return [low * (high / low) ** (step / (steps - 1)) for step in range(steps)]


RANGES = ((1e-5, 10.0, 7), (0.1, 0.8, 4), (0.001, 1.0, 50))  # low, high, steps
RATES_INSTEAD: tuple[tuple[str, Callable[[float, float, int], Sequence[float]]], ...] = (
    (
        "each rate is the same amount above the one before, so nearly all of them are large. Between 0.00001 and 0.0001 there should be as many as between 1 and 10",
        lambda low, high, steps: [low + (high - low) * step / (steps - 1) for step in range(steps)],
    ),
    (
        "it ends before `high`: between `steps` rates there are `steps - 1` gaps",
        lambda low, high, steps: [low * (high / low) ** (step / steps) for step in range(steps)],
    ),
    (
        "it begins with the rate after `low`: the first one is `low` itself",
        lambda low, high, steps: [low * (high / low) ** ((step + 1) / steps) for step in range(steps)],
    ),
    ("it runs backwards: the first is `low`, the last `high`", lambda low, high, steps: rates(low, high, steps)[::-1]),
    (
        "there is one rate too many: `steps` of them are wanted, both ends included",
        lambda low, high, steps: [low * (high / low) ** (step / steps) for step in range(steps + 1)],
    ),
    (
        "`low` and `high` were taken for powers of ten. They are the learning rates themselves",
        lambda low, high, steps: [10 ** (low + (high - low) * step / (steps - 1)) for step in range(steps)],
    ),
    (
        "every rate is ten times the one before, so it does not end at `high`. Which factor leads from `low` to `high` in `steps - 1` times?",
        lambda low, high, steps: [low * 10.0**step for step in range(steps)],
    ),
)


def judge_rates(answer: Any) -> str:
    """Whether a function gives the learning rates of a range test."""
    _is_function(answer, "rates")
    said = [_numbers(answer(*given), "rates") for given in RANGES]
    if all(one is None for one in said):
        raise Unanswered("the function returns nothing yet. What is the first learning rate, and what the last?")
    _recognise(said, [(words, [list(otherwise(*given)) for given in RANGES]) for words, otherwise in RATES_INSTEAD])
    for (low, high, steps), found in zip(RANGES, said, strict=True):
        wanted, call = rates(low, high, steps), f"`rates({low:g}, {high:g}, {steps})`"
        if found is None or len(found) != steps:
            raise Wrong(f"{call} should be {steps} learning rates, and is {'nothing' if found is None else len(found)}")
        for step, (one, right) in enumerate(zip(found, wanted, strict=True)):
            if not math.isclose(one, right, rel_tol=1e-4):
                raise Wrong(f"of {call} the rate at place {step} should be {right:.4g}, and is {one:.4g}")
    return "each step has the same factor, so every power of ten gets as many steps."


# 05.2, warm-up and cosine.


def share(step: int, total: int) -> float:
    """The share of the learning rate that a step gets, from 0."""
    warm_up = total // 10
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (total - warm_up)))


TOTALS = (100, 40, 5)  # with 5 steps there is no warm-up


def _shares(after: Callable[[int, int, int], float], warm: Callable[[int, int], float] = lambda step, u: (step + 1) / u) -> list[list[float]]:
    """A schedule that differs. after: of step, warm-up and total, behind the warm-up; warm: of step and warm-up, in it."""
    return [[warm(step, total // 10) if step < total // 10 else after(step, total // 10, total) for step in range(total)] for total in TOTALS]


def _done(step: int, u: int, total: int) -> float:
    return (step - u) / (total - u)


SHARES_INSTEAD = (
    (
        "there is no warm-up: the first steps get the whole learning rate at once",
        _shares(lambda s, u, total: 0.5 * (1 + math.cos(math.pi * s / total)), lambda s, u: 0.5 * (1 + math.cos(math.pi * s / (10 * u)))),
    ),
    (
        "the first step gets the share 0, so it moves nothing. The warm-up begins with 1/u and ends with 1",
        _shares(lambda s, u, total: 0.5 * (1 + math.cos(math.pi * _done(s, u, total))), lambda s, u: s / u),
    ),
    (
        "after the warm-up the share jumps down: the cosine has begun at step 0, and should begin where the warm-up ends",
        _shares(lambda s, u, total: 0.5 * (1 + math.cos(math.pi * s / total))),
    ),
    (
        "later shares are negative, and a step with a negative learning rate goes uphill. Half of (1 + the cosine) runs from 1 down to 0",
        _shares(lambda s, u, total: math.cos(math.pi * _done(s, u, total))),
    ),
    (
        "it sinks and then rises again: that is a whole wave. Half a wave is π long",
        _shares(lambda s, u, total: 0.5 * (1 + math.cos(2 * math.pi * _done(s, u, total)))),
    ),
    (
        "that is a quarter of a wave: it ends at 0, and falls steeply there instead of gently",
        _shares(lambda s, u, total: math.cos(0.5 * math.pi * _done(s, u, total))),
    ),
    ("after the warm-up it sinks in a straight line. Where is the cosine?", _shares(lambda s, u, total: 1 - _done(s, u, total))),
    (
        "`math.cos` counts angles in radians: half a wave is `math.pi`, not 180",
        _shares(lambda s, u, total: 0.5 * (1 + math.cos(180 * _done(s, u, total)))),
    ),
    ("it begins at 2: half of (1 + the cosine) is wanted", _shares(lambda s, u, total: 1 + math.cos(math.pi * _done(s, u, total)))),
)


def judge_share(answer: Any) -> str:
    """Whether a function is a schedule of warm-up and cosine."""
    _is_function(answer, "share")
    returned = [[answer(step, total) for step in range(total)] for total in TOTALS]
    if all(one is None for row in returned for one in row):
        raise Unanswered("the function returns nothing yet. Begin with the warm-up: what does step 0 get?")
    said = [_numbers(row, "share") for row in returned]
    _recognise(said, SHARES_INSTEAD)
    for total, row in zip(TOTALS, said, strict=True):
        for step, one in enumerate(row or []):
            if not math.isclose(one, share(step, total), abs_tol=1e-4):
                raise Wrong(f"of {total} steps, step {step} should get the share {share(step, total):.4g}, and gets {one:.4g}")
    return "it warms up, and sinks along half a wave to 0."


# 05.3, first weights.

LAYERS = ((256, 256), (400, 100), (100, 400))  # inputs, outputs
KEEPS = (0.8, 1.25)  # by which the mean square may change in a layer


def initialise(layer: nn.Linear) -> None:
    """He initialisation. Source: He et al. 2015, arXiv:1502.01852, section 2.2."""
    with torch.no_grad():
        layer.weight.normal_(0, math.sqrt(2 / layer.in_features))
        layer.bias.zero_()


def judge_initialise(answer: Any) -> str:
    """Whether signals keep their size through a layer with such weights and a ReLU."""
    _is_function(answer, "initialise")
    with seeded(0):
        layers = [nn.Linear(*shape) for shape in LAYERS]
        before = [layer.weight.detach().clone() for layer in layers]
        biases = [layer.bias.detach().clone() for layer in layers]
        returned = [_given_weights(answer, layer) for layer in layers]
        changed = [not torch.equal(layer.weight, old) for layer, old in zip(layers, before, strict=True)]
        if not any(changed):
            if any(isinstance(one, (Tensor, nn.Module)) for one in returned):
                raise Wrong("it returns new weights, and those of the layer are as they were. Change the layer itself: `layer.weight.normal_(…)` inside of `torch.no_grad()`")
            raise Unanswered("the weights of the layer are still those that it was made with")
        factors = [_factor(layer) for layer in layers]
    for (inputs, _), layer in zip(LAYERS, layers, strict=True):
        _spread(layer.weight.detach(), inputs)
    _sizes(factors, [layer.weight.detach().std().item() for layer in layers])
    if any(torch.equal(layer.bias, old) or layer.bias.any() for layer, old in zip(layers, biases, strict=True)):
        raise Wrong("the weights are right, and the biases are not 0 yet: `layer.bias.zero_()`")
    return "through any number of layers signals keep their size, whatever the numbers of inputs and outputs."


def _given_weights(answer: Callable[..., Any], layer: nn.Linear) -> Any:
    try:
        return answer(layer)
    except RuntimeError as error:
        if "leaf" in str(error) and "in-place" in str(error):
            raise Wrong("PyTorch follows what is done with the weights, and this is not to be followed: write it inside of `with torch.no_grad():`") from None
        raise


def _factor(layer: nn.Linear) -> float:
    """By how much the mean square of noise changes in the layer and a ReLU, without the biases."""
    signal = torch.randn(100, layer.in_features)
    with torch.no_grad():
        return (F.relu(signal @ layer.weight.T).square().mean() / signal.square().mean()).item() if torch.isfinite(layer.weight).all() else math.nan


def _spread(weight: Tensor, inputs: int) -> None:
    """Raises: Wrong where weights cannot be told apart."""
    if not torch.isfinite(weight).all():
        raise Wrong("there are weights that are not finite (NaN or infinity)")
    if not weight.any():
        raise Wrong("all weights are 0: no signal comes through, and every unit would learn the same")
    if weight.std() < 1e-3 / math.sqrt(inputs):
        raise Wrong("all weights are the same number, so all units say the same, get the same slopes, and stay the same. Draw them at random")


def _sizes(factors: list[float], spreads: list[float]) -> None:
    """Raises: Wrong if signals grow or shrink, with what was done instead."""
    # Half of the mean square of a sum of `inputs` products, as noise is as often above 0 as below.
    if all(KEEPS[0] < factor < KEEPS[1] for factor in factors):
        return
    formulas = {
        "2 / n is the variance. The spread, which `normal_` takes, is its root": lambda inputs, outputs: 2 / inputs,
        "with √(1/n) the sum keeps its size, and then the ReLU halves its mean square. The 2 in √(2/n) makes up for that": lambda inputs, outputs: math.sqrt(1 / inputs),
        "it counts the outputs. A unit adds up as many products as it has inputs": lambda inputs, outputs: math.sqrt(2 / outputs),
        "it takes the mean of inputs and outputs. A unit adds up as many products as it has inputs": lambda inputs, outputs: math.sqrt(4 / (inputs + outputs)),
        "2n instead of 2 / n: the root is of 2 divided by the number of inputs": lambda inputs, outputs: math.sqrt(2 * inputs),
    }
    for words, formula in formulas.items():
        if all(math.isclose(spread, formula(*shape), rel_tol=0.05) for spread, shape in zip(spreads, LAYERS, strict=True)):
            raise Wrong(words)
    worst = max(zip(factors, LAYERS, strict=True), key=lambda one: abs(math.log(max(one[0], 1e-30))))
    raise Wrong(f"a layer of {worst[1][0]} inputs and {worst[1][1]} outputs, with its ReLU, multiplies the mean square of a signal by {worst[0]:.2g}; it should stay about 1")


# What these judges share.


def _is_function(answer: Any, name: str) -> None:
    if not callable(answer) or isinstance(answer, nn.Module):
        raise Wrong(f"this is a {type(answer).__name__}; give the function itself, `{name}`, without brackets behind it")


def _numbers(returned: Any, name: str) -> list[float] | None:
    """Numbers of a list, an array or a tensor. Raises: Wrong if they are none."""
    if returned is None:
        return None
    try:
        return [float(one) for one in returned]
    except (TypeError, ValueError):
        raise Wrong(f"`{name}` returns {returned!r:.60}, and numbers are wanted") from None


def _recognise(said: Sequence[Sequence[float] | None], instead: Sequence[tuple[str, Sequence[Sequence[float]]]]) -> None:
    """Raises: Wrong if what was said is what is typically said instead."""
    for words, otherwise in instead:
        if all(one is not None and _alike(one, other) for one, other in zip(said, otherwise, strict=True)):
            raise Wrong(words)


def _alike(some: Sequence[float], others: Sequence[float]) -> bool:
    return len(some) == len(others) and all(math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-9) for a, b in zip(some, others, strict=True))


EXERCISES = {
    one.number: one
    for one in (
        Exercise(
            "05.1",
            "One factor, from low to high in steps - 1 times.",
            judge_rates,
            (
                "From one rate to the next there is always the same factor. How often is it applied on the way from `low` to `high`?",
                "It is applied `steps - 1` times, so it is the root of that order of `high / low`.",
                "`factor = (high / low) ** (1 / (steps - 1))`; the rate of a step is `low * factor**step`.",
            ),
            "def rates(low, high, steps):\n    factor = (high / low) ** (1 / (steps - 1))\n    return [low * factor**step for step in range(steps)]",
            lambda: rates,
        ),
        Exercise(
            "05.2",
            "A straight line up, then half a wave down.",
            judge_share,
            (
                "Two cases: `if step < warm_up`, and else.",
                "In the warm-up, step 0 gets `1 / warm_up` and the last of its steps gets 1.",
                "After it: `0.5 * (1 + math.cos(math.pi * (step - warm_up) / (total - warm_up)))`.",
            ),
            "def share(step, total):\n    warm_up = total // 10\n    if step < warm_up:\n        return (step + 1) / warm_up\n"
            "    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (total - warm_up)))",
            lambda: share,
        ),
        Exercise(
            "05.3",
            "Random weights with a spread of √(2/n), n the number of inputs.",
            judge_initialise,
            (
                "`layer.in_features` is the number of inputs. What spread belongs to it?",
                "`layer.weight.normal_(0, spread)` draws new weights in place; PyTorch wants it inside of `with torch.no_grad():`.",
                "The spread is `math.sqrt(2 / layer.in_features)`; then `layer.bias.zero_()`.",
            ),
            "def initialise(layer):\n    with torch.no_grad():\n        layer.weight.normal_(0, math.sqrt(2 / layer.in_features))\n        layer.bias.zero_()",
            lambda: initialise,
        ),
        Exercise(
            "05.4",
            "The difference of the means, measured in standard errors.",
            judge_verdict,
            (
                "Work out three numbers: the difference of the means, its standard error, and how many times the one goes into the other.",
                "`torch.tensor(first).var() / len(first)` is the square of one half of the standard error; the other list has the other half.",
                "If the difference lies within two standard errors: `\"cannot tell\"`. Else its sign says which.",
            ),
            "def verdict(first, second):\n    first, second = torch.tensor(first), torch.tensor(second)\n    difference = first.mean() - second.mean()\n"
            "    standard_error = (first.var() / len(first) + second.var() / len(second)).sqrt()\n    if abs(difference) <= 2 * standard_error:\n"
            '        return "cannot tell"\n    return "first" if difference > 0 else "second"',
            lambda: verdict,
        ),
    )
}
