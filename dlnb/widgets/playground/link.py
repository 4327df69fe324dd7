"""What "copy link" copies: the settings of a playground as a short text for an address, and back.

JSON, compressed, in the letters that an address may hold, behind a version and before a checksum. It is read as data only:
every number goes through the checks of `Spec`, `Plan` and `Recipe`. Drawn points go along; the weights of a network that only
learned do not, as the same settings and so many epochs lead there again. Those of one that was edited do.
"""

import base64
import json
import math
import re
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from .checks import PlaygroundError, is_whole
from .network import LARGEST, Network
from .points import REACH, Points, Recipe, made
from .spec import CLASSES, Layer, Plan, Spec

VERSION = "1"
LONGEST = 32_000  # letters
EPOCHS = 100_000
PLAINEST = 400_000  # bytes of JSON, however well they compress
DRAWN = 800  # points that a link holds


@dataclass
class Shared:
    """What a link holds.

    weights: of every parameter and buffer in order, None for the start from the seed. epoch: that it had reached from there.
    """

    spec: Spec
    plan: Plan
    points: Points
    weights: list[Tensor] | None = None
    epoch: int = 0


def write_link(shared: Shared) -> str:
    """A text of A-Z, a-z, 0-9, - and _. Raises: PlaygroundError if there is too much to fit in."""
    points = shared.points
    state: dict[str, Any] = {"network": asdict(shared.spec), "plan": asdict(shared.plan)}
    if points.recipe is not None:
        state["recipe"] = asdict(points.recipe)
    else:
        if len(points.x) > DRAWN:
            raise PlaygroundError(
                f"A link holds {DRAWN} points of your own; there are {len(points.x)}. Take a sample of them."
            )
        state["points"] = {
            "x": [round(value, 3) for value in points.x.flatten().tolist()],
            "y": [round(value, 4) for value in points.y.tolist()],
            "classes": points.classes,
            "trains": "".join(str(int(train)) for train in points.trains),
            "names": points.names,
            "axes": points.axes,
        }
    if shared.epoch:
        state["epoch"] = shared.epoch
    if shared.weights is not None:
        flat = torch.cat([tensor.detach().double().flatten() for tensor in shared.weights])
        state["weights"] = [float(f"{value:.7g}") for value in flat.tolist()]
    text = json.dumps(state, separators=(",", ":"), allow_nan=False).encode()
    packed = zlib.compress(text, 9)
    link = VERSION + _letters(zlib.crc32(packed).to_bytes(4, "big") + packed)
    if len(link) > LONGEST:
        raise PlaygroundError(f"The link would be {len(link)} letters long; at most {LONGEST} fit. Take fewer points.")
    return link


def read_link(link: Any) -> Shared:
    """What `write_link` wrote. Raises: PlaygroundError in words if it is anything else."""
    if not isinstance(link, str) or not link:
        raise PlaygroundError("This is no link of a playground.")
    link = re.split("[#=]", link.strip())[-1]  # in an address it stands behind them
    if not link:
        raise PlaygroundError("This is no link of a playground.")
    if len(link) > LONGEST:
        raise PlaygroundError(f"This link is too long: {len(link)} letters, where {LONGEST} is the most.")
    if link[0] != VERSION:
        raise PlaygroundError(
            f"This is no link of a playground, or one of another version ({link[0]!r}, here {VERSION!r})."
        )
    try:
        raw = base64.b64decode(link[1:] + "=" * (-len(link[1:]) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise PlaygroundError("This link is damaged. Copy it again, from its first letter to its last.") from error
    packed = raw[4:]
    if len(raw) < 5 or zlib.crc32(packed).to_bytes(4, "big") != raw[:4]:
        raise PlaygroundError("This link is damaged. Copy it again, from its first letter to its last.")
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(packed, PLAINEST)
        if unpacker.unconsumed_tail:
            raise PlaygroundError("This link holds more than a playground has.")
        state = json.loads(text)
        spec, plan = _spec(state["network"]), _plan(state["plan"])
        points = made(Recipe(**state["recipe"])) if "recipe" in state else _points(state["points"])
        if spec.outputs != points.outputs:
            raise PlaygroundError("This link's network does not fit its data.")
        weights = _weights(spec, state["weights"]) if "weights" in state else None
        epoch = state.get("epoch", 0)
        if not is_whole(epoch) or not 0 <= epoch <= EPOCHS:
            raise PlaygroundError("its number of epochs is none.")
    except PlaygroundError as error:
        raise PlaygroundError(f"This link cannot be opened: {error}") from error
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise PlaygroundError("This link holds no playground. Copy it again from where it was made.") from error
    return Shared(spec, plan, points, weights, epoch)


def _spec(state: dict[str, Any]) -> Spec:
    layers = tuple(Layer(**layer) for layer in state["layers"])
    return Spec(tuple(state["inputs"]), layers, state["outputs"], state["seed"])


def _plan(state: dict[str, Any]) -> Plan:
    options = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in state["options"])
    return Plan(**{**state, "options": options})


def _points(state: dict[str, Any]) -> Points:
    x = torch.tensor(_numbers(state["x"], REACH)).reshape(-1, 2)
    y, classes, trains = state["y"], state["classes"], state["trains"]
    if classes == 1 or classes not in range(CLASSES + 1) or not 4 <= len(x) <= DRAWN or len(y) != len(x):
        raise PlaygroundError("its points are no data set.")
    if set(trains) != {"0", "1"} or len(trains) != len(x):
        raise PlaygroundError("its points are not split into those that train and those that test.")
    if classes and not set(y) <= set(range(classes)):
        raise PlaygroundError("its points have classes that are not there.")
    answers = torch.tensor(y, dtype=torch.int64) if classes else torch.tensor(_numbers(y, 1.0))
    names = tuple(str(name)[:40] for name in state["names"])
    first, second = (str(name)[:60] for name in state["axes"])
    if len(names) != classes:
        raise PlaygroundError("its classes have no names.")
    return Points(x, answers, classes, torch.tensor([mark == "1" for mark in trains]), None, names, (first, second))


def _weights(spec: Spec, flat: list[float]) -> list[Tensor]:
    network = Network(spec)
    tensors = [*network.parameters(), *network.buffers()]
    if len(flat) != sum(tensor.numel() for tensor in tensors):
        raise PlaygroundError("its weights do not fit its network.")
    parts = torch.tensor(_numbers(flat, LARGEST**2), dtype=torch.float64).split([tensor.numel() for tensor in tensors])
    return [part.to(tensor.dtype).view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


def _numbers(values: list[Any], most: float) -> list[float]:
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values):
        raise PlaygroundError("it holds something that is no number.")
    if any(abs(value) > most for value in values):
        raise PlaygroundError(f"it holds a number beyond {most:g}.")
    return [float(value) for value in values]


def _letters(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
