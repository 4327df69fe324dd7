"""The surfaces of `dl.descend`: a loss over two weights, as a plain function, with its lowest place where it is known."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

SIDE = 96  # cells of the map on a side
FEWEST = 24  # where the loss takes long to compute
CHUNK = 256  # places that a function is asked for at once
AT_ONCE = 4_000_000  # numbers that these may take together
IN_ALL = 200_000_000  # numbers that a map may take
PATIENCE = 1.0  # seconds that the map of a slow function may take
SHAKE = 1.5  # how far a batch of the noisy surface is off with its slope, as a standard deviation

Place = tuple[float, float]
Box = tuple[float, float, float, float]  # x from, x to, y from, y to
OfBoth = Callable[[Tensor, Tensor], Tensor]
Loss = Callable[[Any, Any], Tensor]


def bowl(x: Tensor, y: Tensor) -> Tensor:
    """Round: equally steep in all directions. Lowest at (0, 0)."""
    return x**2 + y**2


def valley(x: Tensor, y: Tensor) -> Tensor:
    """Fifty times as curved in y as in x. Lowest at (0, 0)."""
    return 0.05 * x**2 + 2.5 * y**2


def rosenbrock(x: Tensor, y: Tensor) -> Tensor:
    """A bent valley with an almost level floor. Lowest at (1, 1). Source: Rosenbrock 1960, doi:10.1093/comjnl/3.3.175."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def saddle(x: Tensor, y: Tensor) -> Tensor:
    """Up in x and down in y from (0, 0), where it is level. Lowest, -1, at (0, √2) and (0, -√2)."""
    return x**2 - y**2 + y**4 / 4


def two_valleys(x: Tensor, y: Tensor) -> Tensor:
    """A deep valley, its floor -1.96875 at (-1.5, 0), and a shallow one, -2/3 at (1, 0)."""
    return x**4 / 2 + x**3 / 3 - 1.5 * x**2 + y**2


def noisy(x: Tensor, y: Tensor) -> Tensor:
    """What all data say together; each step sees a batch, whose slope is off by chance. Lowest at (0, 0)."""
    return 0.5 * x**2 + 2 * y**2


@dataclass(frozen=True)
class Rates:
    """Learning rates to begin with: of plain steps, of steps with momentum, of steps that are scaled by the slopes' size."""

    plain: float
    momentum: float
    scaled: float


@dataclass(frozen=True)
class Surface:
    """A loss over two weights.

    whole: the loss on all data, (2,) float64 → (). part: the loss that step k sees, if it differs from step to step.
    box: what the map shows. minima: the lowest places, and lowest: the loss there; empty and None if unknown.
    numbers: how many the loss is computed from, as the data of a model.
    """

    name: str
    title: str
    about: str
    whole: Callable[[Tensor], Tensor]
    box: Box
    start: Place
    rates: Rates
    minima: tuple[Place, ...] = ()
    lowest: float | None = None
    part: Callable[[Tensor, int], Tensor] | None = None
    weights: tuple[str, str] = ("x", "y")
    numbers: int = 1

    def loss(self, weights: Tensor, step: int) -> Tensor:
        """What step number `step` sees, counted from 0: (2,) → ()."""
        return self.whole(weights) if self.part is None else self.part(weights, step)

    def height(self, weights: Tensor) -> float:
        """The loss on all data at a place, (2,)."""
        with torch.no_grad():
            return float(self.whole(weights))

    def within(self, box: Box) -> "Surface":
        """The same with another map."""
        return replace(self, box=box)

    def begun_at(self, start: Place) -> "Surface":
        """The same with another start. Raises: ValueError if the loss is no number there."""
        check_number(self.whole(torch.tensor(start, dtype=torch.float64)), start)
        return replace(self, start=start)

    def map(self) -> np.ndarray:
        """The loss at the middle of each cell of the box, row 0 at the lowest y, NaN where there is none: (H, W) float32."""
        try:
            chunk = max(1, min(CHUNK, AT_ONCE // self.numbers))
            side = math.isqrt(IN_ALL // self.numbers)
            return self._heights(min(SIDE, max(FEWEST, side)), torch.func.vmap(self.whole, chunk_size=chunk))
        except Exception:  # whatever a function raises that can take one place only, as one with an `if`
            begin = time.perf_counter()
            self.height(torch.tensor(self.start, dtype=torch.float64))
            side = int(math.sqrt(PATIENCE / max(time.perf_counter() - begin, 1e-9)))
            return self._heights(min(SIDE, max(FEWEST, side)), self._one_by_one)

    def _one_by_one(self, places: Tensor) -> Tensor:
        return torch.tensor([self._height_or_nan(place) for place in places])

    def _height_or_nan(self, place: Tensor) -> float:
        try:
            return self.height(place)
        except Exception:  # a learner's function that knows no loss there; the map says so by its colour
            return math.nan

    def _heights(self, side: int, of: Callable[[Tensor], Tensor]) -> np.ndarray:
        left, right, bottom, top = self.box
        middles = (torch.arange(side, dtype=torch.float64) + 0.5) / side
        y, x = torch.meshgrid(bottom + (top - bottom) * middles, left + (right - left) * middles, indexing="ij")
        with torch.no_grad():
            return of(torch.stack([x, y], dim=-1).reshape(-1, 2)).reshape(side, side).float().numpy()


def check_number(value: Tensor, start: Place) -> None:
    """Raises: ValueError if the loss at the start is no number."""
    if value.numel() != 1:
        raise ValueError(f"the loss must be one number, got a tensor of shape {tuple(value.shape)}; take its mean: value.mean()")
    if not math.isfinite(value.item()):
        raise ValueError(f"the loss at the start {start} is {value.item()}: choose another start=(x, y), where it is a number")


def _plain(
    name: str, title: str, about: str, function: OfBoth, box: Box, start: Place, rates: Rates, minima: tuple[Place, ...],
    part: Callable[[Tensor, int], Tensor] | None = None,
) -> Surface:  # fmt: skip
    x, y = torch.tensor(minima[0], dtype=torch.float64)
    return Surface(
        name, title, about, lambda w: function(w[0], w[1]), box, start, rates, minima, float(function(x, y)), part
    )


def _shaken(weights: Tensor, step: int) -> Tensor:
    """The noisy surface as a batch sees it: the same at the same step, for every optimiser."""
    chance = np.random.default_rng([7, step]).normal(0.0, SHAKE, 2)
    return noisy(weights[0], weights[1]) + (torch.from_numpy(chance) * weights).sum()


SURFACES = {
    surface.name: surface
    for surface in (
        _plain(
            "bowl", "Round bowl", "The same slope on all sides: straight down is straight to the lowest place.",
            bowl, (-3, 3, -3, 3), (-2.4, 1.8), Rates(0.1, 0.02, 0.1), ((0.0, 0.0),),
        ),
        _plain(
            "valley", "Narrow valley", "Steep across, almost level along. Plain steps jump from wall to wall and hardly get on.",
            valley, (-10, 2, -2.5, 2.5), (-9.0, 1.8), Rates(0.35, 0.05, 0.3), ((0.0, 0.0),),
        ),
        _plain(
            "rosenbrock", "Bent valley (Rosenbrock)", "Down into the valley is easy; along its bend to the star is a long way.",
            rosenbrock, (-2, 2, -1, 3), (-1.2, 2.6), Rates(0.0005, 0.0003, 0.05), ((1.0, 1.0),),
        ),
        _plain(
            "saddle", "Saddle", "In the middle it is level, and yet it is no lowest place. Who begins on the ridge stays there long.",
            saddle, (-2.5, 2.5, -2.5, 2.5), (-2.0, 0.001), Rates(0.1, 0.02, 0.05), ((0.0, math.sqrt(2)), (0.0, -math.sqrt(2))),
        ),
        _plain(
            "two valleys", "Two valleys", "A shallow valley and a deep one. The start decides, and with momentum the run-up.",
            two_valleys, (-2.5, 2.5, -2, 2), (2.2, 1.2), Rates(0.03, 0.02, 0.1), ((-1.5, 0.0),),
        ),
        _plain(
            "noisy", "Noisy bowl", "Each step sees another small batch of data, and its slope is off by chance.",
            noisy, (-4, 4, -3, 3), (-3.5, 2.4), Rates(0.1, 0.02, 0.1), ((0.0, 0.0),), _shaken,
        ),
    )
}  # fmt: skip


