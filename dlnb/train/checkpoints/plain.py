"""Plain data as JSON and back, exactly: numbers, texts, tuples, bytes, and dictionaries of them; tensors apart.

Every JSON object has one key, which says what it is. Nothing else can come out of a file: no class is ever looked up.
"""

import base64
import json
import math
from collections import Counter
from typing import Any

import numpy as np
from torch import Tensor

from ..history import Lengths
from ..loop import OwnKnob
from .tensorfile import CheckpointError


class NotSaved:
    """Stands for a function that a file cannot hold; it has its name, and refuses to be called."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *_: Any) -> Any:
        """Refuse. Raises: RuntimeError."""
        raise RuntimeError(f"the function {self.__name__} was not saved with the run, so this step cannot be made again")

    def __repr__(self) -> str:
        return f"<the function {self.__name__!r}, which was not saved>"


def encode(value: Any, tensors: dict[str, Tensor]) -> Any:
    """What `json.dumps` takes; each tensor in it is added to `tensors` under a new name.

    Raises: TypeError if something in it is no plain data.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, OwnKnob):
        return {"knob": [encode(number, tensors) for number in (value.value, value.low, value.high)]}
    if isinstance(value, NotSaved):
        return {"function": value.__name__}
    if isinstance(value, Lengths):
        return {"lengths": [{"pairs": [[name, rows] for name, rows in value.columns.items()]}, value.marks]}
    if isinstance(value, (list, tuple)):
        items = [encode(item, tensors) for item in value]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, dict):
        pairs = [[encode(key, tensors), encode(item, tensors)] for key, item in value.items()]
        return {"counter" if isinstance(value, Counter) else "pairs": pairs}
    if isinstance(value, Tensor):
        name = f"plain/{len(tensors)}"
        tensors[name] = value
        return {"tensor": name}
    raise TypeError(f"a {type(value).__name__} cannot be written into a checkpoint")


def decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    """What was encoded. Raises: CheckpointError if it is nothing that `encode` makes."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [decode(item, tensors) for item in value]
    try:
        ((kind, content),) = value.items()
        if kind == "float":
            return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[content]
        if kind == "bytes":
            return base64.b64decode(content, validate=True)
        if kind == "tensor" and content.startswith("plain/"):
            return tensors[content]
        if kind == "tuple":
            return tuple(decode(list(content), tensors))
        if kind in ("pairs", "counter"):
            pairs = {decode(key, tensors): decode(item, tensors) for key, item in content}
            return pairs if kind == "pairs" else Counter(pairs)
        if kind == "function":
            return NotSaved(str(content))
        if kind == "knob":
            number, low, high = decode(list(content), tensors)
            return OwnKnob(float(number), float(low), float(high))
        if kind == "lengths":
            columns, marks = decode(list(content), tensors)
            return Lengths(dict(columns), int(marks))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"the checkpoint's description is damaged: {type(error).__name__}: {error}") from error
    raise CheckpointError(f"the checkpoint's description is damaged: it holds a {kind!r}, which is unknown here")


def dumps(value: Any, tensors: dict[str, Tensor]) -> str:
    """The text of plain data. Raises: TypeError as `encode` does."""
    return json.dumps(encode(value, tensors), allow_nan=False)


def loads(text: str, tensors: dict[str, Tensor]) -> Any:
    """The plain data of a text. Raises: CheckpointError if the text is damaged or made to do harm."""
    try:
        return decode(json.loads(text, parse_constant=_refuse), tensors)
    except RecursionError:
        raise CheckpointError("the checkpoint's description is nested deeper than any that dlnb writes") from None
    except CheckpointError:
        raise
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise CheckpointError(f"the checkpoint's description is damaged: {error}") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
