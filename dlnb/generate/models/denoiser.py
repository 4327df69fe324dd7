"""The network of diffusion and flow matching: it sees a noisy picture, how noisy it is, and what it is to show."""

import math

import torch
from torch import Tensor, nn

from ..paths import Path


class Denoiser(nn.Module):
    """From a noisy picture to the velocity along its path.

    x: (B, C, H, W); t: (B,) in [0, 1], 1 is noise alone; label: (B,) int64, a class or `classes` for none in particular.
    → (B, C, H, W). `shape`: (C, H, W). `path`: along which it learns, so that a sampler knows.

    Residual blocks over all pixels at once, each steered by time and class: a scale and a shift of what is normalised, and a
    gate that opens while it learns (adaLN-Zero; Peebles & Xie 2023, arXiv:2212.09748). For pictures as small as 8×8 that
    learns faster than convolutions.
    """

    def __init__(
        self, classes: int = 10, shape: tuple[int, int, int] = (1, 8, 8), width: int = 256, blocks: int = 3, path: str = "round"
    ) -> None:
        super().__init__()
        if classes < 1 or width < 2 or width % 2 or blocks < 1:
            raise ValueError(f"expected classes and blocks of 1 or more and an even width, got {classes}, {blocks} and {width}")
        self.classes, self.shape, self.path = classes, shape, Path(path)
        pixels = math.prod(shape)
        self.enter = nn.Linear(pixels, width)
        self.when = nn.Sequential(nn.Linear(width // 2, width), nn.SiLU(), nn.Linear(width, width))
        self.what = nn.Embedding(classes + 1, width)
        self.blocks = nn.ModuleList([Block(width) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, pixels)
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.exp(torch.linspace(0, math.log(100.0), width // 4)), persistent=False)
        nn.init.normal_(self.what.weight, std=0.5)
        nn.init.normal_(self.head.weight, std=1e-3)  # at first it says that nothing moves
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        """(B, C, H, W), (B,), (B,) → (B, C, H, W)."""
        if x.shape[1:] != self.shape:
            raise ValueError(f"this Denoiser takes pictures of shape {self.shape}, got {tuple(x.shape[1:])}")
        angles = t[:, None] * self.frequencies  # (B, width / 4)
        steer = self.when(torch.cat([angles.cos(), angles.sin()], 1)) + self.what(label)  # (B, width)
        steer = nn.functional.silu(steer)
        hidden = self.enter(x.flatten(1))  # (B, width)
        for block in self.blocks:
            hidden = block(hidden, steer)
        return self.head(self.norm(hidden)).view_as(x)


class Block(nn.Module):
    """A residual block that time and class steer. hidden, steer: (B, width) → (B, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.steered = nn.Linear(width, 3 * width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        nn.init.normal_(self.steered.weight, std=1e-2)
        nn.init.zeros_(self.steered.bias)

    def forward(self, hidden: Tensor, steer: Tensor) -> Tensor:
        """(B, width), (B, width) → (B, width)."""
        scale, shift, gate = self.steered(steer).chunk(3, dim=1)
        inner = nn.functional.silu(self.up(self.norm(hidden) * (1 + scale) + shift))  # (B, 2 · width)
        return hidden + (0.1 + gate) * self.down(inner)
