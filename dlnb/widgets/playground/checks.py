"""What is asked of a playground is checked here, and refused in words."""

import math
from typing import Any


class PlaygroundError(ValueError):
    """What was asked cannot be done; the words say why and what to do. Nothing has changed."""


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def one_of(what: str, value: Any, known: Any) -> None:
    """Raises: PlaygroundError unless value is among the known ones."""
    if not isinstance(value, str) or value not in known:
        raise PlaygroundError(f"There is no {what} {value!r:.40}. Choose one of: {', '.join(known)}.")


def within(what: str, value: Any, low: float, high: float) -> None:
    """Raises: PlaygroundError unless value is a number from low to high."""
    if not is_number(value) or not low <= value <= high:
        raise PlaygroundError(f"{what} must be a number from {low:g} to {high:g}, got {value!r:.40}.")
