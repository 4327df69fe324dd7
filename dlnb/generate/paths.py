"""From a picture to noise and back: two paths of one family, of which diffusion is one and flow matching the other.

At the time t in [0, 1] there is x = a(t)·picture + b(t)·noise: the picture at 0, noise alone at 1. A network learns the
velocity along the path; from where one is and the velocity, both picture and noise follow, so one sampler serves all.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

PATHS = ("round", "straight")


@dataclass(frozen=True)
class Path:
    """A path from pictures to noise.

    name: "round", along a quarter of a circle, which keeps the variance: diffusion (Ho et al. 2020, arXiv:2006.11239) with the
        cosine schedule and the velocity as its target (Salimans & Ho 2022, arXiv:2202.00512); or "straight": flow matching
        (Lipman et al. 2023, arXiv:2210.02747; Liu et al. 2023, arXiv:2209.03003).

    Raises: ValueError for another name.
    """

    name: str = "round"

    def __post_init__(self) -> None:
        if self.name not in PATHS:
            raise ValueError(f"path must be one of {', '.join(map(repr, PATHS))}, got {self.name!r}")

    def place(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """How much picture a and how much noise b there is at the time t: two tensors of its shape."""
        if self.name == "straight":
            return 1 - t, t
        angle = t * (math.pi / 2)
        return angle.cos(), angle.sin()

    def direction(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """How the two change there, as parts of the velocity; on the round path a full step is an angle of 1."""
        if self.name == "straight":
            return -torch.ones_like(t), torch.ones_like(t)
        angle = t * (math.pi / 2)
        return -angle.sin(), angle.cos()

    def noised(self, pictures: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Where pictures are at their times, and the velocity there. pictures, noise: (B, …); t: (B,) → two tensors (B, …)."""
        t = t.view(-1, *[1] * (pictures.ndim - 1))
        (a, b), (da, db) = self.place(t), self.direction(t)
        return a * pictures + b * noise, da * pictures + db * noise

    def ends(self, x: Tensor, velocity: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Which picture and which noise a place and a velocity belong to. t: a scalar tensor, or (B,).

        Two equations with two unknowns; a·db - da·b is 1 everywhere on both paths, so nothing is divided by.
        """
        t = t.view(-1, *[1] * (x.ndim - 1))
        (a, b), (da, db) = self.place(t), self.direction(t)
        return db * x - b * velocity, a * velocity - da * x
