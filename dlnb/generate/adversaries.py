"""What two players learn from: the loss of a GAN as it was first, and as it is mended; and eight heaps of points to learn on."""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from .models.gan import Judged

HEAPS, RADIUS, SPREAD = 8, 2.0, 0.02  # as in Metz et al. 2017, Unrolled generative adversarial networks, arXiv:1611.02163
FOUND = 0.01  # of all points that must lie at a heap for it to count


def naive(said: Judged, _: Tensor) -> Tensor:
    """The game as it was written down first: the critic tells real from made, the generator makes it fail.

    The critic minimises -log D(real) - log(1 - D(made)), the generator log(1 - D(made)). Nothing asks it to make all that is
    real: where the critic is fooled, all its points may lie. And where the critic sees through everything, that logarithm is
    flat, and the generator learns nothing more: so it goes when the critic learns ten times as quickly. Of the same pace, on
    points as simple as these, the two may yet get along.
    Source: Goodfellow et al. 2014, arXiv:1406.2661, equation 1.
    """
    real, fake, made, _ = said
    return (softplus(-real) + softplus(fake)).mean() - softplus(made).mean()


def mended(said: Judged, _: Tensor, strength: float = 0.1) -> Tensor:
    """Each made point is judged beside a real one, and the critic may not be steep.

    In pairs a generator gains nothing by a place where the real ones already are judged alike; the penalty makes the game settle.
    strength: of the penalty.
    Source: Huang et al. 2024, The GAN is dead; long live the GAN (R3GAN), arXiv:2501.05441; pairs: Jolicoeur-Martineau 2018,
    arXiv:1807.00734.
    """
    real, fake, made, steep = said
    return softplus(fake - real).mean() + softplus(real.detach() - made).mean() + strength / 2 * steep.mean()


LOSSES: dict[str, Callable[[Judged, Tensor], Tensor]] = {"naive": naive, "mended": mended}


@functools.cache
def heaps() -> Tensor:
    """The middles of the eight heaps, on a circle: (8, 2)."""
    angles = torch.arange(HEAPS) * (2 * math.pi / HEAPS)
    return RADIUS * torch.stack([angles.cos(), angles.sin()], 1)


def points(count: int, seed: int) -> Tensor:
    """Points of eight heaps, as many of each as chance will have it: (count, 2). Raises: ValueError if there are to be none."""
    if count < 1:
        raise ValueError(f"count must be 1 or more, got {count}")
    generator = torch.Generator().manual_seed(seed)
    which = torch.randint(HEAPS, (count,), generator=generator)
    return heaps()[which] + SPREAD * torch.randn(count, 2, generator=generator)


def at_heaps(made: Tensor) -> Tensor:
    """How much of what is made lies within three standard deviations of each heap: (N, 2) → (8,) shares."""
    if made.ndim != 2 or made.shape[1] != 2 or not len(made) or not bool(made.isfinite().all()):
        raise ValueError(f"expected points (N, 2) that are all finite numbers, got the shape {tuple(made.shape)}")
    near = torch.cdist(made.cpu(), heaps()) <= 3 * SPREAD  # (N, 8)
    return near.double().mean(0)


def heaps_found(made: Tensor) -> float:
    """At how many of the eight heaps one in a hundred of the points lies, or more."""
    return float((at_heaps(made) >= FOUND).sum())


def share_at_heaps(made: Tensor) -> float:
    """How much of what is made lies at any heap."""
    return at_heaps(made).sum().item()
