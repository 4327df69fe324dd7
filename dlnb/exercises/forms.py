"""What a judge asks first of an answer: is it a function of so many things, are these numbers of that shape?"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .exercise import Wrong

Floats = np.ndarray[Any, np.dtype[np.float64]]


def function(answer: Any, call: str, things: int) -> Callable[..., Any]:
    """The answer, where it can be called with that many things; `call` is how the judge calls it.

    Raises: Wrong if it is no function, or takes another number of things.
    """
    name = call.split("(")[0]
    if not callable(answer):
        raise Wrong(f"this is a {type(answer).__name__}; give the function itself, `{name}`, without brackets behind it")
    try:
        inspect.signature(answer).bind(*[None] * things)
    except TypeError:
        raise Wrong(f"it is called as `{call}`, and yours does not take {things} things") from None
    except ValueError:
        pass  # a built-in function that tells nobody what it takes
    return answer


def numbers(answer: Any, shape: tuple[int, ...], what: str) -> Floats:
    """The answer as float64 numbers of that shape; `what` it is begins a sentence.

    Raises: Wrong if it is nothing, is not of numbers or of another shape, or if one of them is not finite.
    """
    if answer is None:
        raise Wrong(f"{what} is nothing at all: is a `return` missing?")
    try:
        found = np.asarray(answer.detach() if hasattr(answer, "detach") else answer, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"{what} should be numbers of the shape {shape}, and is a {type(answer).__name__}") from None
    if found.shape != shape:
        raise Wrong(f"{what} should have the shape {shape}, and has {found.shape}")
    if not np.isfinite(found).all():
        raise Wrong(f"{what} has numbers that are not finite (NaN or infinity)")
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two things are the same numbers, in the same shape, but for rounding."""
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-4, atol=1e-6))
