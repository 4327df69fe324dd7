"""Pictures of sounds, another way each time they are learned from: faster or slower, a longer or shorter throat, louder, with
noise, with parts covered. It all happens in the picture, so that it costs next to nothing.

All is drawn from PyTorch's default generator, which the engine seeds for each step.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .features import QUIETEST, as_logarithms, as_numbers


def varied(
    pictures: Tensor, speed: float = 0.12, throat: float = 0.12, loud: float = 1.0, noise: tuple[float, float] = (-16.0, -10.0),
    masks: int = 2,
) -> Tensor:  # fmt: skip
    """(B, T, MELS) uint8 → (B, T', MELS) float32 as a model reads them.

    speed: by how much faster or slower the whole batch is at the most. throat: by how much higher or lower each voice sounds.
    loud: by how much louder or quieter, in logarithms of power. noise: the least and the most of its power.
    masks: bands, and as many spans of time, that are covered in each.

    Source: Park et al. 2019, SpecAugment, arXiv:1904.08779; Jaitly & Hinton 2013, Vocal tract length perturbation.
    """
    batch, frames, mels = pictures.shape
    factor = 1 + speed * (2 * torch.rand(()).item() - 1)
    size = max(1, round(frames * factor))
    grid = torch.empty(batch, size, mels, 2)
    places = torch.linspace(-1, 1, mels)
    lengths = 1 + throat * (2 * torch.rand(batch, 1, 1) - 1)
    grid[..., 0] = (places + 1) * lengths - 1  # the lowest band stays where it is
    grid[..., 1] = torch.linspace(-1, 1, size)[:, None]
    x = F.grid_sample(as_logarithms(pictures)[:, None], grid, padding_mode="border", align_corners=True)[:, 0]
    x = x + loud * (2 * torch.rand(batch, 1, 1) - 1)
    low, high = noise
    floor = low + (high - low) * torch.rand(batch, 1, 1) - 3 * torch.rand(batch, 1, 1) * (places + 1)
    flicker = torch.empty(1, size, mels).exponential_().log_()  # one for all: to draw it takes long
    x = torch.logaddexp(x, floor + flicker)
    return covered(as_numbers(x.clamp(QUIETEST, 0)), masks)


def covered(x: Tensor, masks: int, widest: int = 5, longest: int = 8) -> Tensor:
    """(B, T, MELS) with bands and spans of time set to 0, the middle of the scale; in place."""
    batch, frames, mels = x.shape
    for size, most, dimension in ((mels, widest, 2), (frames, longest, 1)):
        place = torch.arange(size).view(1, -1)
        hidden = torch.zeros(batch, size, dtype=torch.bool)
        for _ in range(masks):
            width = torch.randint(0, most + 1, (batch, 1))
            start = (torch.rand(batch, 1) * (size - width).clamp(min=1)).long()
            hidden |= (place >= start) & (place < start + width)
        x.masked_fill_(hidden.unsqueeze(3 - dimension), 0.0)
    return x
