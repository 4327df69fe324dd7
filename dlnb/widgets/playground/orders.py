"""What the browser says to a playground, checked, and what comes of it on the desk."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..base import Message
from .checks import PlaygroundError, is_number, is_whole
from .desk import Desk
from .points import MOST
from .table import LARGEST

Order = Callable[[Message, list[memoryview]], None]


def orders(desk: Desk) -> dict[str, Order]:
    """What to do with a message of each kind. Raises: PlaygroundError if it cannot be, ValueError if it makes no sense."""
    return {
        "step": lambda m, _: desk.step(m.get("unit"), m.get("count", 1)),
        "seek": lambda m, _: desk.seek(m.get("epoch")),
        "restart": lambda m, _: desk.restart(_seed(m)),
        "undo": lambda *_: desk.undo(),
        "add_unit": lambda m, _: desk.add_unit(m.get("layer")),
        "remove_unit": lambda m, _: desk.remove_unit(m.get("layer"), m.get("unit")),
        "add_layer": lambda m, _: desk.add_layer(m.get("at")),
        "remove_layer": lambda m, _: desk.remove_layer(m.get("layer")),
        "layer": lambda m, _: desk.set_layer(m.get("layer"), **{_name(m): m.get("value")}),
        "inputs": lambda m, _: desk.set_inputs(_names(m)),
        "weight": lambda m, _: desk.set_weight(m.get("layer"), m.get("unit"), m.get("source"), m.get("value")),
        "plan": lambda m, _: desk.set_plan(**{_known(m, ("optimizer", "lr", "batch", "l1", "l2")): m.get("value")}),
        "option": lambda m, _: desk.set_option(_name(m), m.get("value")),
        "recipe": lambda m, _: desk.set_recipe(**{_name(m): m.get("value")}),
        "share": lambda m, _: desk.set_share(_number(m, "value")),
        "paint": lambda m, buffers: desk.paint(_places(buffers), m.get("label")),
        "wipe": lambda m, _: desk.wipe(_number(m, "x"), _number(m, "y"), _number(m, "radius")),
        "clear": lambda *_: desk.clear(),
        "table": lambda _, buffers: desk.read(_text(buffers)),
        "columns": lambda m, _: desk.choose_columns(*(_name(m, key) for key in ("x", "y", "target"))),
        "seeds": lambda m, _: desk.show_seeds(m.get("on") is True),
        "mission": lambda m, _: desk.begin_mission(m.get("number")),
        "open": lambda m, _: desk.open(m.get("link")),
    }


def answer(desk: Desk, about: Any) -> str:
    """A text that was asked for. Raises: PlaygroundError if there is none."""
    if about == "code":
        return desk.code()
    if about == "link":
        return desk.link()
    raise ValueError(f"nothing is known about {about!r:.40}")


def _seed(message: Message) -> int | None:
    seed = message.get("seed")
    if seed is not None and (not is_whole(seed) or not 0 <= seed < 2**31):
        raise PlaygroundError(f"A seed is a whole number from 0, not {seed!r:.40}.")
    return seed


def _name(message: Message, key: str = "name") -> str:
    name = message.get(key)
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise PlaygroundError(f"A name is a short text, not {name!r:.40}.")
    return name


def _known(message: Message, known: tuple[str, ...]) -> str:
    if (name := _name(message)) not in known:
        raise PlaygroundError(f"There is no {name!r:.40}; there are {', '.join(known)}.")
    return name


def _names(message: Message) -> list[str]:
    names = message.get("names")
    if not isinstance(names, list) or len(names) > 20:
        raise PlaygroundError("Inputs are a list of names.")
    return names


def _number(message: Message, key: str) -> float:
    value: Any = message.get(key)
    if not is_number(value):
        raise PlaygroundError(f"{key.capitalize()} must be a number, not {value!r:.40}.")
    return float(value)


def _places(buffers: list[memoryview]) -> np.ndarray:
    if len(buffers) != 1 or buffers[0].nbytes % 8 or buffers[0].nbytes > 8 * MOST:
        raise ValueError("points are one buffer of pairs of float32")
    return np.frombuffer(buffers[0], np.float32).reshape(-1, 2)


def _text(buffers: list[memoryview]) -> str:
    if len(buffers) != 1 or buffers[0].nbytes > 4 * LARGEST:
        raise PlaygroundError(f"A table has at most {LARGEST / 1e6:g} million letters.")
    try:
        return bytes(buffers[0]).decode("utf-8-sig")
    except UnicodeDecodeError:
        return bytes(buffers[0]).decode("cp1252", errors="replace")  # as Excel saves a CSV
