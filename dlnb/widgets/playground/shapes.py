"""The data sets of a playground, each a function that draws points of one class, or a surface over the plane.

They stand on their own, so that "show as PyTorch" can print them. n: points; k: the class, from 0, of so many classes;
generator: where the random numbers come from. Returns (n, 2), x and y between about -6 and 6.
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor


def circle(n: int, k: int, classes: int, generator: Generator) -> Tensor:
    """A disc, and rings around it."""
    radius = 5 * (k + 0.75 * torch.rand(n, generator=generator)) / (classes - 0.25)
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    return torch.stack([radius * angle.sin(), radius * angle.cos()], 1)


def xor(n: int, k: int, classes: int, generator: Generator) -> Tensor:
    """The fields of a chess board."""
    column = torch.randint(classes, (n,), generator=generator)
    row = (k - column) % classes
    place = 0.05 + 0.9 * torch.rand(n, 2, generator=generator)
    return (torch.stack([column, row], 1) + place) * 10 / classes - 5


def gaussians(n: int, k: int, classes: int, generator: Generator) -> Tensor:
    """A cloud for each class, around the middle."""
    angle = 2 * math.pi * k / classes + math.pi / 4
    centre = torch.tensor([math.cos(angle), math.sin(angle)]) * 3
    return centre + 0.6 * torch.randn(n, 2, generator=generator)


def spiral(n: int, k: int, classes: int, generator: Generator) -> Tensor:
    """Arms that wind around each other."""
    share = torch.rand(n, generator=generator)
    angle = 2 * math.pi * (1.75 * share + k / classes)
    return torch.stack([angle.sin(), angle.cos()], 1) * 5 * share[:, None]


def moons(n: int, k: int, classes: int, generator: Generator) -> Tensor:
    """Half circles that reach into each other."""
    radius = 9 / (classes + 1)
    angle = math.pi * torch.rand(n, generator=generator)
    side = 1 if k % 2 == 0 else -1
    x = radius * (1.5 * (k - (classes - 1) / 2) + angle.cos())
    return torch.stack([x, side * radius * (angle.sin() - 0.25)], 1)


def plane(points: Tensor) -> Tensor:
    """A value that rises evenly. points: (N, 2) → (N,), -1 to 1."""
    return points.sum(1) / 10


def hills(points: Tensor) -> Tensor:
    """Hills and hollows. points: (N, 2) → (N,), -1 to 1."""
    centres = torch.tensor([[-4.0, 2.5], [0, 2.5], [4, 2.5], [-4, -2.5], [0, -2.5], [4, -2.5]])
    signs = torch.tensor([1.0, -1, 1, -1, 1, -1])
    heights = (1 - torch.cdist(points, centres) / 2).clamp(min=0)  # (N, 6)
    return (heights * signs).sum(1)


CLASSIFIED: dict[str, Callable[[int, int, int, Generator], Tensor]] = {
    "circle": circle,
    "xor": xor,
    "gaussians": gaussians,
    "spiral": spiral,
    "moons": moons,
}
SURFACES: dict[str, Callable[[Tensor], Tensor]] = {"plane": plane, "hills": hills}
