"""A U-Net: down to see what there is, up again to say where, with shortcuts across."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """For each pixel a decision, made of what is near (the way down) and of what is in the whole picture (the bottom).

    x: (B, channels, H, W), H and W multiples of patch · 2^depth → logits (B, classes, H, W).

    patch: sides of the squares of pixels that are read and answered together. With 2 the largest maps, which cost most and
    hold least, are not made: the same time pays for more filters below.

    Source: Ronneberger, Fischer & Brox 2015, arXiv:1505.04597; with batch normalisation and padded convolutions.
    Squares of pixels: Shi et al. 2016, arXiv:1609.05158.
    """

    def __init__(self, classes: int = 2, channels: int = 3, width: int = 16, depth: int = 3, patch: int = 1) -> None:
        super().__init__()
        self.channels, self.patch, self.multiple = channels, patch, patch * 2**depth
        widths = [width * 2**level for level in range(depth + 1)]  # 16, 32, 64, 128
        inputs = [channels * patch**2, *widths[:-2]]
        self.down = nn.ModuleList(TwoConvs(a, b) for a, b in zip(inputs, widths[:-1], strict=True))
        self.bottom = TwoConvs(widths[-2], widths[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1]))
        self.across = nn.ModuleList(TwoConvs(2 * w, w) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(width, classes * patch**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, channels, H, W) float32 → logits (B, classes, H, W)."""
        if x.ndim != 4 or x.shape[1] != self.channels or x.shape[2] % self.multiple or x.shape[3] % self.multiple:
            raise ValueError(
                f"this UNet reads pictures of shape (B, {self.channels}, H, W) with sides that are multiples of {self.multiple}, got {tuple(x.shape)}"
            )
        seen = []
        x = F.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last)  # (B, 3 · patch², H/patch, W/patch)
        for part in self.down:  # with patch 1: (B, 16, H, W) → (B, 32, H/2, W/2) → (B, 64, H/4, W/4)
            x = part(x)
            seen.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)  # (B, 128, H/8, W/8)
        for up, across in zip(self.up, self.across, strict=True):
            x = across(torch.cat([seen.pop(), up(x)], dim=1))
        return F.pixel_shuffle(self.head(x), self.patch)  # (B, classes, H, W)


class TwoConvs(nn.Sequential):
    """x: (B, inputs, H, W) → (B, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
        )  # fmt: skip
