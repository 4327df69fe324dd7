"""What a playground learns: points of the plane with a class or a value, and which of them are held back as a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from .checks import PlaygroundError, is_whole, one_of, within
from .shapes import CLASSIFIED, SURFACES
from .spec import CLASSES

REACH = 6.0  # the picture shows -REACH to REACH in both directions
MOST = 5000  # points


@dataclass(frozen=True)
class Recipe:
    """How points are made. Raises: PlaygroundError if they cannot be.

    points: of all classes together. noise: how far points are moved, 0 to 1. flipped: share of wrong labels, for regression of
    arbitrary values. imbalance: how much rarer each class is than the one before, 0 to 0.9. share: of the points that train.
    """

    shape: str = "circle"
    points: int = 500
    classes: int = 2
    noise: float = 0.0
    flipped: float = 0.0
    imbalance: float = 0.0
    share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        one_of("data set", self.shape, [*CLASSIFIED, *SURFACES])
        if not is_whole(self.points) or not 20 <= self.points <= MOST:
            raise PlaygroundError(f"There can be 20 to {MOST} points, not {self.points!r:.40}.")
        if not is_whole(self.classes) or not 2 <= self.classes <= CLASSES:
            raise PlaygroundError(f"There are 2 to {CLASSES} classes, not {self.classes!r:.40}.")
        if not is_whole(self.seed) or not 0 <= self.seed < 2**31:
            raise PlaygroundError(f"A seed is a whole number from 0, not {self.seed!r:.40}.")
        within("Noise", self.noise, 0, 1)
        within("The share of wrong labels", self.flipped, 0, 1)
        within("Imbalance", self.imbalance, 0, 0.9)
        within("The share of points that train", self.share, 0.1, 0.9)


@dataclass(frozen=True, eq=False)
class Points:
    """Points that can be learned.

    x: (N, 2) float32. y: (N,) int64, the class from 0, or float32. classes: 0 for regression. trains: (N,) bool.
    recipe: how they were made, None if drawn or read. names: of the classes. axes: what x and y are.
    """

    x: Tensor
    y: Tensor
    classes: int
    trains: Tensor
    recipe: Recipe | None = None
    names: tuple[str, ...] = ()
    axes: tuple[str, str] = ("x", "y")

    @property
    def outputs(self) -> int:
        """Outputs that a network needs for them."""
        return self.classes if self.classes > 2 else 1

    @cached_property
    def target(self) -> Tensor:
        """What the loss compares with: (N,) int64 for three classes and more, else (N, 1) float32."""
        return self.y if self.classes > 2 else self.y.float()[:, None]

    def split(self, share: float, seed: int) -> "Points":
        """The same points, others held back. share: of those that train."""
        within("The share of points that train", share, 0.1, 0.9)
        return Points(self.x, self.y, self.classes, drawn_lots(len(self.x), share, seed), None, self.names, self.axes)


def made(recipe: Recipe) -> Points:
    """The points of a recipe; the same recipe gives the same points."""
    generator = torch.Generator().manual_seed(recipe.seed)
    regression = recipe.shape in SURFACES
    if regression:
        x = 10 * torch.rand(recipe.points, 2, generator=generator) - 5
        y = SURFACES[recipe.shape](x)
    else:
        counts = class_sizes(recipe.points, recipe.classes, recipe.imbalance)
        shape = CLASSIFIED[recipe.shape]
        x = torch.cat([shape(n, k, recipe.classes, generator) for k, n in enumerate(counts)])
        y = torch.arange(recipe.classes).repeat_interleave(torch.tensor(counts))
    x = x + recipe.noise * torch.randn(len(x), 2, generator=generator)
    wrong = torch.rand(len(x), generator=generator) < recipe.flipped
    if regression:
        y = torch.where(wrong, 2 * torch.rand(len(x), generator=generator) - 1, y)
    else:
        other = torch.randint(1, recipe.classes, (len(x),), generator=generator)
        y = torch.where(wrong, (y + other) % recipe.classes, y)
    classes = 0 if regression else recipe.classes
    names = tuple("ABCDEF"[:classes])
    return Points(x, y, classes, drawn_lots(len(x), recipe.share, recipe.seed), recipe, names)


def class_sizes(points: int, classes: int, imbalance: float) -> list[int]:
    """How many points each class gets; the sum is points, and none gets fewer than 2.

    >>> class_sizes(100, 2, 0.5)
    [67, 33]
    """
    weights = [(1 - imbalance) ** k for k in range(classes)]
    sizes = [max(2, round(points * weight / sum(weights))) for weight in weights]
    sizes[0] += points - sum(sizes)
    return sizes


def drawn_lots(n: int, share: float, seed: int) -> Tensor:
    """Which of n points train, (n,) bool: at least one, and at least one does not."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    trains = torch.zeros(n, dtype=torch.bool)
    trains[order[: min(n - 1, max(1, round(n * share)))]] = True
    return trains


class Drawing:
    """Points that are set, painted and wiped away by hand. They may be of one class yet, which cannot be learned."""

    def __init__(self, x: Tensor | None = None, y: Tensor | None = None) -> None:
        self.x = torch.empty(0, 2) if x is None else x.clone()
        self.y = torch.empty(0, dtype=torch.int64) if y is None else y.clone()

    def add(self, x: np.ndarray | Sequence[Sequence[float]], label: int) -> None:
        """Set points (n, 2) of one class. Raises: PlaygroundError if they lie outside or are too many."""
        places = torch.as_tensor(np.array(x, dtype=np.float32).reshape(-1, 2))
        if not is_whole(label) or not 0 <= label < CLASSES:
            raise PlaygroundError(f"Classes are numbered 0 to {CLASSES - 1}, not {label!r:.40}.")
        if not (places.abs() <= REACH).all():  # which NaN is not either
            raise PlaygroundError(f"Points lie between -{REACH:g} and {REACH:g} in both directions.")
        if len(self.x) + len(places) > MOST:
            raise PlaygroundError(f"A drawing holds {MOST} points at most. Wipe some away first.")
        self.x = torch.cat([self.x, places])
        self.y = torch.cat([self.y, torch.full((len(places),), label)])

    def wipe(self, x: float, y: float, radius: float) -> int:
        """Take away the points around a place; returns how many."""
        for value in (x, y):
            within("A place", value, -2 * REACH, 2 * REACH)
        within("A radius", radius, 0, 4 * REACH)
        stay = (self.x - torch.tensor([float(x), float(y)])).norm(dim=1) > radius
        gone = len(stay) - int(stay.sum())
        self.x, self.y = self.x[stay], self.y[stay]
        return gone

    def points(self, share: float = 0.5, seed: int = 0) -> Points:
        """What was drawn, to be learned. Raises: PlaygroundError if it is of one class or less."""
        return classified(self.x, self.y, tuple("ABCDEF"), share, seed)


def classified(
    x: Tensor, y: Tensor, names: tuple[str, ...], share: float, seed: int, axes: tuple[str, str] = ("x", "y")
) -> Points:
    """Points with classes; numbers of classes that do not occur are left out.

    Raises: PlaygroundError for fewer than 2 classes, or fewer than 2 points in one.
    """
    found, numbers, sizes = y.unique(return_inverse=True, return_counts=True)
    if len(found) == 0:
        raise PlaygroundError("There are no points yet. Draw some of one class, then some of another.")
    if len(found) == 1:
        raise PlaygroundError(
            f"All points are of class {names[int(found[0])]}. With one class there is nothing to tell apart:"
            " add points of another."
        )
    if (sizes < 2).any():
        lonely = names[int(found[sizes.argmin()])]
        raise PlaygroundError(
            f"Class {lonely} has one point only. Add another, so that one can train and one can test."
        )
    within("The share of points that train", share, 0.1, 0.9)
    trains = torch.zeros(len(x), dtype=torch.bool)
    for number in range(len(found)):  # each class has its share in both halves
        of_class = (numbers == number).nonzero()[:, 0]
        trains[of_class] = drawn_lots(len(of_class), share, seed)
    return Points(x, numbers, len(found), trains, None, tuple(names[int(k)] for k in found), axes)
