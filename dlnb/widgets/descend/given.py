"""What is given to `dl.descend`, in a cell or by the browser, is read here and refused in words."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from torch.optim import Optimizer

from ..base import Message
from .rules import RULES, Rule, own_rule
from .surfaces import SURFACES, Box, Place, Surface

MOST = 200  # steps that the browser may ask for at once

Named = str | type[Optimizer]
Given = Named | Iterable[Named]


def read_surface(name: str, among: Mapping[str, Surface] = SURFACES) -> Surface:
    """A surface by its name. Raises: ValueError if there is none."""
    if name not in among:
        raise ValueError(f"there is no surface {name!r:.40}; there are {', '.join(among)}, or a function of your own")
    return among[name]


def read_rules(optimizers: Given) -> list[Rule]:
    """Optimisers by name or class. Raises: TypeError or ValueError if one of them is none, or two have the same name."""
    rules: dict[str, Rule] = {}
    for one in [optimizers] if isinstance(optimizers, str | type) else optimizers:
        rule = _rule(one)
        if rules.setdefault(rule.name, rule).optimizer is not rule.optimizer:
            raise ValueError(f"two optimisers have the name {rule.label!r}: give one of your classes another name")
    if not rules:
        raise ValueError("a race needs an optimiser at least: optimizers=('sgd', 'adam')")
    return list(rules.values())


def _rule(one: Any) -> Rule:
    if isinstance(one, str):
        if one not in RULES:
            raise ValueError(f"there is no optimiser {one!r}; there are {', '.join(RULES)}, or a class of your own")
        return RULES[one]
    if not (isinstance(one, type) and issubclass(one, Optimizer)):
        raise TypeError(f"an optimiser is a name, as 'adam', or a class of torch.optim's kind; got {one!r:.60}")
    known = RULES.get(one.__name__.lower())
    if known is None:
        return own_rule(one)
    if known.optimizer is not one:
        raise ValueError(f"an optimiser of the name {known.name!r} is there already: give your class another name")
    return known


def read_rates(lr: float | Mapping[str, float] | None, names: Iterable[str]) -> Mapping[str, float]:
    """Learning rates by optimiser; only those that were given."""
    if lr is None or isinstance(lr, Mapping):
        return lr or {}
    return dict.fromkeys(names, lr)


def read_place(place: Any) -> Place:
    """Two numbers. Raises: ValueError if it is something else."""
    try:
        x, y = (float(part) for part in place)
    except (TypeError, ValueError):
        raise ValueError(f"a place is two numbers, (x, y); got {place!r:.60}") from None
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"a place is two finite numbers, (x, y); got {place!r:.60}")
    return x, y


def read_box(box: Any) -> Box:
    """Four numbers, rising. Raises: ValueError if it is something else."""
    try:
        left, right, bottom, top = (float(part) for part in box)
    except (TypeError, ValueError):
        raise ValueError(f"box must be four numbers, (x from, x to, y from, y to); got {box!r:.60}") from None
    if not (all(map(math.isfinite, (left, right, bottom, top))) and left < right and bottom < top):
        raise ValueError(f"box must be (x from, x to, y from, y to), each from smaller to larger; got {box!r:.60}")
    return left, right, bottom, top


def read_count(message: Message) -> int:
    """How many steps the browser asks for. Raises: ValueError if that is no number of steps."""
    count = message.get("steps", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"steps must be a whole number from 1 up, got {count!r:.40}")
    return min(count, MOST)


def read_name(message: Message, key: str) -> str:
    """A name in what the browser says. Raises: ValueError if there is none."""
    name = message.get(key)
    if not isinstance(name, str) or not 0 < len(name) <= 100:
        raise ValueError(f"{key} must be a name, got {name!r:.40}")
    return name
