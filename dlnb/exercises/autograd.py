"""The autograd of chapter 03 in small, with which the rules and the sweep of a learner are judged."""

import math
from collections.abc import Callable, Mapping
from itertools import count

Local = tuple[float, ...]
Rules = Mapping[str, Callable[..., tuple[float, Local]]]

RULES: Rules = {
    "add": lambda a, b: (a + b, (1.0, 1.0)),
    "multiply": lambda a, b: (a * b, (b, a)),
    "divide": lambda a, b: (a / b, (1 / b, -a / b**2)),
    "relu": lambda a: (max(a, 0.0), (float(a > 0),)),
    "exp": lambda a: (math.exp(a), (math.exp(a),)),
    "log": lambda a: (math.log(a), (1 / a,)),
}
_births = count()


class Number:
    """A number that remembers what it was made of, by which rule, and its slope for each, like that of the chapter's cell."""

    def __init__(self, value: float, made_of: "tuple[Number, ...]" = (), slopes: Local = (), rule: str = "") -> None:
        self.value, self.made_of, self.slopes, self.rule = value, made_of, slopes, rule
        self.grad, self.born = 0.0, next(_births)

    def __repr__(self) -> str:
        return f"Number({self.value:.4g})"


def by(rule: str, *numbers: Number) -> Number:
    """What a rule makes of numbers."""
    value, slopes = RULES[rule](*[number.value for number in numbers])
    return Number(value, numbers, slopes, rule)


def in_order(last: Number) -> list[Number]:
    """`last` and all that it was made of, the oldest first."""
    found, waiting = {last}, [last]
    while waiting:
        for source in waiting.pop().made_of:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return sorted(found, key=lambda number: number.born)


def backward(last: Number) -> None:
    """The slope of `last` for every number behind it, into `grad`."""
    last.grad = 1.0
    for number in reversed(in_order(last)):
        for source, slope in zip(number.made_of, number.slopes, strict=True):
            source.grad += slope * number.grad
