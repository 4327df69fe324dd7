"""Street scenes that are drawn, not photographed: each with the exact box and the exact pixels of every object.

A scene is a pure function of its number, drawn in a few milliseconds, so that a training need never see one twice.
"""

import threading
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

CLASSES = ("car", "bus", "person", "tree", "traffic light")
LEAST_SEEN = 0.3  # the share of an object's pixels that must not be hidden, else it does not count
LEAST_PIXELS = 12
# The noise of a camera for each value of a byte: drawing bytes is a hundred times quicker than drawing from a normal distribution.
NOISE = np.array([NormalDist().inv_cdf((byte + 0.5) / 256) for byte in range(256)], np.float32)

Colour = tuple[float, float, float]
Part = tuple[str, tuple[float, float, float, float], Colour]  # rectangle or ellipse; left, top, right, bottom from 0 to 1


@dataclass(frozen=True)
class Scene:
    """One street scene with N objects.

    picture: (size, size, 3) uint8. boxes: (N, 4) float32, x1, y1, x2, y2 in pixels, around what is seen of the object.
    labels: (N,) int64, places in `CLASSES`. ids: (size, size) uint8, n where object n - 1 is seen, 0 where there is none.
    """

    picture: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    ids: NDArray[np.uint8]

    @property
    def classes(self) -> NDArray[np.int64]:
        """(size, size) int64: 0 where there is no object, else the place of its class in `CLASSES`, plus 1."""
        return np.concatenate([[0], self.labels + 1])[self.ids]


def scene(number: int, seed: int = 0, size: int = 64, objects: int = 6) -> Scene:
    """The scene with this number.

    size: of the sides in pixels, 32 or more. objects: at the most; some are hidden behind others and do not count.

    Raises: ValueError if the size or the number of objects is out of range.
    """
    if size < 32:
        raise ValueError(f"a scene needs sides of 32 pixels or more, got {size}")
    if not 0 <= objects <= 200:
        raise ValueError(f"a scene has 0 to 200 objects, got {objects}")
    draw = _seeded((seed * 1_000_003 + number * 7919 + 1) % 2**32)
    canvas, horizon = _street(draw, size)
    ids = np.zeros((size, size), np.uint8)
    count = draw.randint(min(1, objects), objects + 1)
    feet = np.sort(horizon + (size - horizon) * (0.2 + 0.8 * draw.rand(count)))  # the far ones first
    labels = draw.choice(len(CLASSES), count, p=(0.34, 0.1, 0.26, 0.2, 0.1))
    whole = np.zeros(count, np.int64)
    for place, (label, foot) in enumerate(zip(labels, feet, strict=True)):
        whole[place] = _put(canvas, ids, place + 1, _parts(label, draw), _frame(label, foot, horizon, size, draw))
    picture = _light(canvas, draw)
    return _counted(picture, ids, labels, whole)


_own = threading.local()


def _seeded(seed: int) -> RandomState:
    """The generator of this thread, begun again: a new one takes a tenth of the time of a scene. NumPy promises never to change its numbers."""
    if not hasattr(_own, "draw"):
        _own.draw = RandomState()
    _own.draw.seed(seed)
    return _own.draw


def _street(draw: RandomState, size: int) -> tuple[NDArray[np.float32], float]:
    """Sky, houses, grass and road: (size, size, 3) in [0, 1], and the height of the horizon in pixels."""
    horizon = size * (0.28 + 0.14 * draw.rand())
    y = np.arange(size, dtype=np.float32)[:, None]
    x = np.arange(size, dtype=np.float32)[None, :]
    canvas = np.empty((size, size, 3), np.float32)
    sky = np.array([0.45, 0.62, 0.85]) + 0.15 * (draw.rand(3) - 0.5)
    canvas[:] = (sky + (1 - sky) * 0.5 * (y / horizon).clip(0, 1)[..., None]).astype(np.float32)  # a colour for each row
    left = 0.0
    while left < size:  # houses along the horizon
        wide, high = size * (0.08 + 0.2 * draw.rand()), horizon * (0.2 + 0.6 * draw.rand())
        top, right = max(0, int(horizon - high)), int(left + wide)
        canvas[top : int(horizon) + 1, int(left) : right] = 0.35 + 0.35 * draw.rand() + 0.12 * (draw.rand(3) - 0.5)
        left += wide + size * 0.1 * draw.rand()
    first = int(np.ceil(horizon))  # row of grass and road
    ground, depth = canvas[first:], (y[first:] - horizon) / (size - horizon)
    ground[:] = np.array([0.35, 0.5, 0.25]) + 0.12 * (draw.rand(3) - 0.5)
    aside = abs(x - size * (0.35 + 0.3 * draw.rand()))  # from the middle of the road
    half = size * (0.05 + (0.35 + 0.25 * draw.rand()) * depth)
    ground[aside < half] = 0.32 + 0.12 * draw.rand()
    dashed = np.sin(12 * np.sqrt(depth) * 6) > 0
    ground[(aside < 0.02 * half) & dashed] = 0.9
    return canvas, horizon


def _frame(label: int, foot: float, horizon: float, size: int, draw: RandomState) -> tuple[float, float, float, float]:
    """Where an object stands: left, top, right, bottom in pixels. The nearer it is, the lower and the larger."""
    nearness = (foot - horizon) / (size - horizon)
    high = size * (0.12 + 0.5 * nearness) * (0.8 + 0.4 * draw.rand())
    name = CLASSES[label]
    high *= {"car": 0.5, "bus": 0.95, "person": 0.8, "tree": 1.2, "traffic light": 1.0}[name]
    wide = high * {"car": 2.1, "bus": 1.9, "person": 0.38, "tree": 0.75, "traffic light": 0.3}[name] * (0.85 + 0.3 * draw.rand())
    middle = size * draw.rand()
    return middle - wide / 2, foot - high, middle + wide / 2, foot


def _parts(label: int, draw: RandomState) -> list[Part]:
    """What an object is made of, from back to front."""
    a, b = draw.rand(3), draw.rand(3)
    main: Colour = (0.15 + 0.75 * a[0], 0.15 + 0.75 * a[1], 0.15 + 0.75 * a[2])
    other: Colour = (0.1 + 0.8 * b[0], 0.1 + 0.8 * b[1], 0.1 + 0.8 * b[2])
    dark, glass = (0.08, 0.08, 0.1), (0.6, 0.75, 0.85)
    name = CLASSES[label]
    if name == "car":
        return [
            ("ellipse", (0.16, 0.0, 0.84, 1.0), main), ("rectangle", (0.0, 0.42, 1.0, 0.82), main),
            ("rectangle", (0.28, 0.12, 0.48, 0.42), glass), ("rectangle", (0.53, 0.12, 0.72, 0.42), glass),
            ("ellipse", (0.1, 0.62, 0.32, 1.0), dark), ("ellipse", (0.68, 0.62, 0.9, 1.0), dark),
        ]  # fmt: skip
    if name == "bus":
        windows: list[Part] = [("rectangle", (0.05 + 0.19 * i, 0.12, 0.19 + 0.19 * i, 0.45), glass) for i in range(5)]
        wheels: list[Part] = [("ellipse", (x, 0.78, x + 0.16, 1.0), dark) for x in (0.12, 0.7)]
        return [("rectangle", (0.0, 0.0, 1.0, 0.9), main), *windows, *wheels]
    if name == "person":
        skin = 0.35 + 0.55 * draw.rand()
        return [
            ("rectangle", (0.22, 0.5, 0.46, 1.0), other), ("rectangle", (0.54, 0.5, 0.78, 1.0), other),
            ("rectangle", (0.08, 0.2, 0.92, 0.58), main), ("ellipse", (0.25, 0.0, 0.75, 0.22), (skin, skin * 0.8, skin * 0.65)),
        ]  # fmt: skip
    if name == "tree":
        green: Colour = (0.1 + 0.25 * a[0], 0.3 + 0.4 * a[1], 0.08 + 0.15 * a[2])
        return [
            ("rectangle", (0.42, 0.5, 0.58, 1.0), (0.35, 0.22, 0.12)), ("ellipse", (0.0, 0.12, 1.0, 0.68), green),
            ("ellipse", (0.2, 0.0, 0.8, 0.45), (green[0] * 1.2, green[1] * 1.15, green[2] * 1.2)),
        ]  # fmt: skip
    on = draw.randint(3)
    lamps: list[Colour] = [(0.95, 0.1, 0.1), (0.95, 0.8, 0.1), (0.1, 0.9, 0.3)]
    lit: list[Part] = [
        ("ellipse", (0.2, 0.03 + 0.13 * i, 0.8, 0.15 + 0.13 * i), lamps[i] if i == on else (0.2, 0.2, 0.2)) for i in range(3)
    ]
    return [("rectangle", (0.4, 0.4, 0.6, 1.0), (0.3, 0.3, 0.32)), ("rectangle", (0.0, 0.0, 1.0, 0.45), dark), *lit]


def _put(
    canvas: NDArray[np.float32], ids: NDArray[np.uint8], number: int, parts: list[Part], frame: tuple[float, float, float, float]
) -> int:
    """Draw an object over what is there; returns how many pixels of the picture it takes."""
    size = len(canvas)
    left, top, right, bottom = frame
    wide, high = right - left, bottom - top
    window = slice(max(0, int(top)), max(0, int(bottom) + 2)), slice(max(0, int(left)), max(0, int(right) + 2))
    taken = np.zeros((size, size), bool)
    for kind, (a, b, c, d), colour in parts:
        x1, y1, x2, y2 = left + a * wide, top + b * high, left + c * wide, top + d * high
        rows = slice(max(0, int(np.ceil(y1 - 0.5))), max(0, min(size, int(np.ceil(y2 - 0.5)))))
        columns = slice(max(0, int(np.ceil(x1 - 0.5))), max(0, min(size, int(np.ceil(x2 - 0.5)))))
        if rows.stop <= rows.start or columns.stop <= columns.start:
            continue
        if kind == "rectangle":
            canvas[rows, columns] = colour
            taken[rows, columns] = True
            continue
        y = (np.arange(rows.start, rows.stop)[:, None] + 0.5 - (y1 + y2) / 2) / ((y2 - y1) / 2)
        x = (np.arange(columns.start, columns.stop)[None, :] + 0.5 - (x1 + x2) / 2) / ((x2 - x1) / 2)
        inside = x * x + y * y <= 1
        canvas[rows, columns][inside] = colour
        taken[rows, columns] |= inside
    ids[window][taken[window]] = number
    return int(np.count_nonzero(taken[window]))


def _light(canvas: NDArray[np.float32], draw: RandomState) -> NDArray[np.uint8]:
    """The hour of the day, a shade from one side, the tint of the light, and the noise of the camera."""
    size = len(canvas)
    day, tint = 0.45 + 0.65 * draw.rand(), 1 + 0.16 * (draw.rand(3) - 0.5)
    across = np.linspace(-1, 1, size)
    shade = 1 + 0.2 * (draw.rand() - 0.5) * across[None, :] + 0.2 * (draw.rand() - 0.5) * across[:, None]
    light = (day * shade)[..., None] * tint
    light *= canvas
    light += (0.01 + 0.05 * draw.rand()) * NOISE[np.frombuffer(draw.bytes(canvas.size), np.uint8)].reshape(canvas.shape)
    light *= 255
    return light.clip(0, 255, out=light).astype(np.uint8)


def _counted(picture: NDArray[np.uint8], ids: NDArray[np.uint8], labels: NDArray[np.int64], whole: NDArray[np.int64]) -> Scene:
    """The scene with the objects that can be seen well enough; the others are part of the background."""
    seen = np.bincount(ids.ravel(), minlength=len(labels) + 1)[1:]
    counts = (seen >= LEAST_PIXELS) & (seen >= LEAST_SEEN * whole)
    numbers = np.zeros(len(labels) + 1, np.uint8)
    numbers[1:][counts] = np.arange(1, counts.sum() + 1)
    ids = numbers[ids]
    boxes = np.zeros((int(counts.sum()), 4), np.float32)
    for place in range(len(boxes)):
        mine = ids == place + 1
        rows, columns = np.flatnonzero(mine.any(1)), np.flatnonzero(mine.any(0))
        boxes[place] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return Scene(picture, boxes, labels[counts].astype(np.int64), ids)
