"""An object detector without anchors: each place says what is there, and where its box lies."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .resnet import Residual


class Detector(nn.Module):
    """A backbone, a feature pyramid, and a head that is the same on every floor of it.

    x: (B, channels, H, W), H and W multiples of the largest stride → for the P places of all floors together
        scores: (B, P, classes) logits, what is there; all low where there is nothing
        boxes: (B, P, 4), x1, y1, x2, y2 in pixels
        overlap: (B, P) logits, how good the box is: its intersection over union with the true one

    Source: FCOS, Tian, Shen, Chen & He 2019, arXiv:1904.01355; the pyramid: Lin et al. 2017, arXiv:1612.03144.
    """

    strides = (4, 8, 16)  # pixels between two places of a floor: small objects on the first, large ones on the last

    def __init__(self, classes: int, channels: int = 3, width: int = 32, pyramid: int = 48) -> None:
        super().__init__()
        self.channels, self.classes = channels, classes
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        )  # (B, 32, H/2, W/2)  # fmt: skip
        widths = [width, 2 * width, 4 * width]
        self.stages = nn.ModuleList(Residual(a, b, stride=2) for a, b in zip([width, *widths[:-1]], widths, strict=True))
        self.across = nn.ModuleList(nn.Conv2d(w, pyramid, 1) for w in widths)
        self.tower = nn.Sequential(
            nn.Conv2d(pyramid, pyramid, 3, padding=1, bias=False), nn.GroupNorm(8, pyramid), nn.ReLU(),
            nn.Conv2d(pyramid, pyramid, 3, padding=1, bias=False), nn.GroupNorm(8, pyramid), nn.ReLU(),
        )  # fmt: skip
        self.what = nn.Conv2d(pyramid, classes, 3, padding=1)
        self.where = nn.Conv2d(pyramid, 5, 3, padding=1)  # the middle, logarithms of width and height, the overlap
        # At first each place believes at 1 % that something is there.
        self.what.bias = nn.Parameter(torch.full((classes,), -math.log(99)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: (B, channels, H, W) float32 → scores (B, P, classes), boxes (B, P, 4), overlap (B, P)."""
        if x.ndim != 4 or x.shape[1] != self.channels or x.shape[2] % self.strides[-1] or x.shape[3] % self.strides[-1]:
            raise ValueError(
                f"this Detector reads pictures of shape (B, {self.channels}, H, W) with sides that are multiples of {self.strides[-1]}, "
                f"got {tuple(x.shape)}"
            )
        places = self.places(x.shape[2], x.shape[3], x.device)
        scores, boxes, overlap = [], [], []
        for floor, at, stride in zip(self._pyramid(x), places, self.strides, strict=True):
            seen = self.tower(floor)  # (B, 48, H/stride, W/stride)
            scores.append(self.what(seen).flatten(2).transpose(1, 2))  # (B, places, classes)
            where = self.where(seen).flatten(2).transpose(1, 2)  # (B, places, 5)
            middle, half = at + stride * where[..., :2], 2 * stride * where[..., 2:4].clamp(max=5).exp()
            boxes.append(torch.cat([middle - half, middle + half], dim=-1))
            overlap.append(where[..., 4])
        return torch.cat(scores, 1), torch.cat(boxes, 1), torch.cat(overlap, 1)

    @classmethod
    def places(cls, height: int, width: int, device: torch.device | None = None) -> list[Tensor]:
        """The places of each floor, x and y in pixels: (places, 2)."""
        result = []
        for stride in cls.strides:
            y, x = (stride * (torch.arange(n // stride, device=device) + 0.5) for n in (height, width))
            result.append(torch.cartesian_prod(y, x).flip(1))
        return result

    def _pyramid(self, x: Tensor) -> list[Tensor]:
        """What each floor sees: its own stage, and what the floors above it made of the whole."""
        x = self.stem(x)
        seen = []
        for stage, across in zip(self.stages, self.across, strict=True):
            x = stage(x)
            seen.append(across(F.relu(x)))
        for below in range(len(seen) - 2, -1, -1):
            seen[below] = seen[below] + F.interpolate(seen[below + 1], scale_factor=2.0, mode="nearest")
        return seen
