"""The updates of the optimisers, written out with numbers.

The arithmetic here is written by hand, from the state that the optimiser had before the step. The tests hold it against
what the optimiser of PyTorch made of the weights.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Pair = tuple[float, float]
Knobs = Mapping[str, float]
State = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of the arithmetic, for both weights.

    name: what is computed; words: what that is; formula: with letters; numbers: with what stands for them; values: what comes out.
    """

    name: str
    words: str
    formula: str
    numbers: tuple[str, str]
    values: Pair


@dataclass(frozen=True)
class Update:
    """What one step was made of. state: of the optimiser, before the step; step: counted from 1."""

    weights: Pair
    slope: Pair
    knobs: Knobs
    state: State
    step: int

    def before(self, key: str) -> Pair:
        """A pair of the state before the step; zeros where nothing is remembered yet."""
        value = self.state.get(key)
        return pair(value) if isinstance(value, Tensor) else (0.0, 0.0)


Written = Callable[[Update], list[Line]]


def pair(tensor: Tensor) -> Pair:
    """Two numbers of a tensor."""
    first, second = tensor.detach().reshape(-1).tolist()
    return float(first), float(second)


def said(value: float) -> str:
    """A number with four digits, a negative one in brackets.

    >>> said(0.12345), said(-2.0), said(1.5e-7)
    ('0.1235', '(−2)', '1.5e−07')
    """
    text = f"{value:.4g}".replace("-", "−")
    return f"({text})" if text.startswith("−") else text


def _line(
    name: str, words: str, formula: str, pattern: str, count: Callable[..., float], *parts: Pair | float
) -> Line:
    """A line whose numbers and values come from the same parts: a pair stands for both weights, one number for each of them."""
    both = [[part if isinstance(part, float) else part[i] for part in parts] for i in (0, 1)]
    first, second = ((pattern.format(*map(said, own)), _counted(count, own)) for own in both)
    return Line(name, words, formula, (first[0], second[0]), (first[1], second[1]))


def _counted(count: Callable[..., float], parts: list[float]) -> float:
    """What comes out; as in PyTorch infinity or NaN where Python would raise."""
    try:
        return float(count(*parts))
    except (OverflowError, ZeroDivisionError):
        return math.nan


def _slope(update: Update) -> Line:
    return Line("g", "the slope here: how fast the loss grows with each weight", "∂loss/∂w", ("", ""), update.slope)


def _move(update: Update, move: Line, of: Pair | None = None) -> Line:
    return _line(
        "new w", "the weight after the step", "w + step", "{} + {}", lambda w, step: w + step, of or update.weights, move.values
    )


def sgd(update: Update) -> list[Line]:
    """Plain: w ← w - lr · g."""
    slope = _slope(update)
    step = _line(
        "step", "downhill: against the slope", "−lr · g", "−{} · {}", lambda lr, g: -lr * g, update.knobs["lr"], slope.values
    )
    return [slope, step, _move(update, step)]


def momentum(update: Update) -> list[Line]:
    """With a run-up: b ← μ · b + g; w ← w - lr · b. Source: Polyak 1964, doi:10.1016/0041-5553(64)90137-5."""
    slope, speed = _slope(update), _speed(update)
    step = _line(
        "step", "downhill, with the run-up", "−lr · b", "−{} · {}", lambda lr, b: -lr * b, update.knobs["lr"], speed.values
    )
    return [slope, speed, step, _move(update, step)]


def nesterov(update: Update) -> list[Line]:
    """With a look ahead: b ← μ · b + g; w ← w - lr · (g + μ · b). Source: Sutskever et al. 2013, ICML, PMLR 28(3)."""
    slope, speed = _slope(update), _speed(update)
    ahead = _line(
        "a", "the slope, and the run-up as it will be: one look ahead", "g + μ · b", "{} + {} · {}", lambda g, mu, b: g + mu * b,
        slope.values, update.knobs["momentum"], speed.values,
    )  # fmt: skip
    step = _line("step", "downhill", "−lr · a", "−{} · {}", lambda lr, a: -lr * a, update.knobs["lr"], ahead.values)
    return [slope, speed, ahead, step, _move(update, step)]


def _speed(update: Update) -> Line:
    return _line(
        "b", "the run-up: a share μ of the old one, and the new slope", "μ · b + g", "{} · {} + {}", lambda mu, b, g: mu * b + g,
        update.knobs["momentum"], update.before("momentum_buffer"), update.slope,
    )  # fmt: skip


def rmsprop(update: Update) -> list[Line]:
    """Scaled: v ← α · v + (1 - α) · g²; w ← w - lr · g / (√v + ε). Source: Tieleman & Hinton 2012, lecture 6.5."""
    slope, alpha = _slope(update), update.knobs["alpha"]
    size = _line(
        "v", "the mean of g², which says how large slopes have been", "α · v + (1 − α) · g²", "{} · {} + {} · {}²",
        lambda alpha, v, rest, g: alpha * v + rest * g * g, alpha, update.before("square_avg"), 1 - alpha, slope.values,
    )  # fmt: skip
    step = _scaled_step("g", slope, size, update)
    return [slope, size, step, _move(update, step)]


def adam(update: Update) -> list[Line]:
    """The means m and v, each divided by what they lack at first; w ← w - lr · m̂ / (√v̂ + ε). Source: Kingma & Ba 2015, arXiv:1412.6980."""
    lines, step = _adam(update)
    return [*lines, step, _move(update, step)]


def adamw(update: Update) -> list[Line]:
    """Adam, after the weights were made smaller by themselves. Source: Loshchilov & Hutter 2019, arXiv:1711.05101."""
    lines, step = _adam(update)
    small = _line(
        "w′", "weight decay: first the weight shrinks by itself", "w − lr · λ · w", "{} − {} · {} · {}",
        lambda w, lr, decay, _: w - lr * decay * w, update.weights, update.knobs["lr"], update.knobs["weight_decay"], update.weights,
    )  # fmt: skip
    new = _move(update, step, small.values)
    return [lines[0], small, *lines[1:], step, Line(new.name, new.words, "w′ + step", new.numbers, new.values)]


def _adam(update: Update) -> tuple[list[Line], Line]:
    slope, one, two, t = _slope(update), update.knobs["beta1"], update.knobs["beta2"], update.step
    mean = _line(
        "m", "the mean of the slopes so far", "β₁ · m + (1 − β₁) · g", "{} · {} + {} · {}",
        lambda beta, m, rest, g: beta * m + rest * g, one, update.before("exp_avg"), 1 - one, slope.values,
    )  # fmt: skip
    size = _line(
        "v", "the mean of g², which says how large slopes have been", "β₂ · v + (1 − β₂) · g²", "{} · {} + {} · {}²",
        lambda beta, v, rest, g: beta * v + rest * g * g, two, update.before("exp_avg_sq"), 1 - two, slope.values,
    )  # fmt: skip
    full_mean, full_size = _corrected(mean, "β₁", one, t), _corrected(size, "β₂", two, t)
    step = _scaled_step("m̂", full_mean, full_size, update)
    return [slope, mean, size, full_mean, full_size], step


def _corrected(mean: Line, beta: str, share: float, step: int) -> Line:
    """The mean began at 0; divided by this it is one of the `step` slopes only."""
    return _line(
        f"{mean.name}̂", f"{mean.name} began at 0; this takes that out", f"{mean.name} / (1 − {beta}ᵗ)",
        "{} / (1 − {}^{})", lambda m, beta, t: m / (1 - beta**t), mean.values, share, float(step),
    )  # fmt: skip


def _scaled_step(name: str, way: Line, size: Line, update: Update) -> Line:
    return _line(
        "step", "downhill; where slopes are large, divided by a large number", f"−lr · {name} / (√{size.name} + ε)", "−{} · {} / (√{} + {})",
        lambda lr, g, v, eps: -lr * g / (math.sqrt(v) + eps), update.knobs["lr"], way.values, size.values, update.knobs["eps"],
    )  # fmt: skip


def unwritten(update: Update, after: Pair) -> list[Line]:
    """What is known of a step of an optimiser whose formula is not: the slope, and how far the weights went."""
    slope = _slope(update)
    step = Line(
        "step", "how far the weights went", "computed by your optimiser", ("", ""),
        (after[0] - update.weights[0], after[1] - update.weights[1]),
    )  # fmt: skip
    return [slope, step, _move(update, step)]
