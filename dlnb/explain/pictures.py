"""Pictures of activations: a grid of maps, shrunk to what a row of an outline can show, as bytes."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

NAN = 255  # the byte of a value that is NaN or infinite
SIDE = 16  # pixels of one map in a thumbnail
TILES = 12  # maps in a thumbnail
LONG = 96  # pixels of a thumbnail that is one map


@dataclass
class Picture:
    """What a layer gave for one example.

    values: (n, h, w) float32: n maps of h by w.
    kind: "maps" (one for each channel), "units" (a vector: 1 map of one row), "time × units" or
        "units × time" (1 map), or "number".
    """

    values: Tensor
    kind: str

    def thumbnail(self, pixels: int = 2048) -> "Thumbnail":
        """At most `pixels` bytes; larger maps are averaged down, of many maps the first are shown."""
        count, height, width = self.values.shape
        if self.kind == "maps":
            height, width = fit(height, width, SIDE, SIDE, pixels)
            count = max(1, min(count, TILES, pixels // (height * width)))
        else:
            height, width = fit(height, width, LONG // 2, LONG, pixels)
        return Thumbnail(*to_bytes(shrink(self.values[:count], height, width)))

    def overview(self, side: int) -> "Thumbnail":
        """All its maps, each at most `side` pixels high and wide."""
        height, width = fit(self.values.shape[1], self.values.shape[2], side, side, side * side)
        return Thumbnail(*to_bytes(shrink(self.values, height, width)))


@dataclass
class Thumbnail:
    """Bytes to be coloured: (n, h, w) uint8 from -scale to scale if signed, else from 0 to scale; 255 is no number."""

    data: Tensor
    signed: bool
    scale: float


def fit(height: int, width: int, tall: int, wide: int, pixels: int) -> tuple[int, int]:
    """The size of a map that keeps within a frame and a number of pixels, in about its own proportions.

    >>> fit(28, 28, 16, 16, 2048), fit(1, 1000, 48, 96, 2048), fit(8, 8, 16, 16, 16)
    ((16, 16), (1, 96), (4, 4))
    """
    factor = min(1.0, tall / height, wide / width)
    if height > 4 * width or width > 4 * height:  # long ones are squeezed along their length only
        height, width = min(height, tall), min(width, wide)
    else:
        height, width = max(1, round(height * factor)), max(1, round(width * factor))
    while height * width > pixels and height * width > 1:
        shrunk = math.sqrt(pixels / (height * width))
        height, width = max(1, int(height * shrunk)), max(1, min(int(width * shrunk), pixels))
    return height, width


def shrink(values: Tensor, height: int, width: int) -> Tensor:
    """Maps (n, h, w) averaged down to (n, height, width). What holds a NaN stays one."""
    if values.shape[1:] == (height, width):
        return values
    return F.adaptive_avg_pool2d(values[None], (height, width))[0]


def to_bytes(values: Tensor) -> tuple[Tensor, bool, float]:
    """Values as bytes 0 to 254, 255 where no number is; whether they are signed; and the largest size.

    Signed values lie around 127, others begin at 0.
    """
    finite = values.isfinite()
    good = torch.where(finite, values, torch.zeros_like(values))
    scale = good.abs().amax().item() if good.numel() else 0.0
    signed = bool((good < 0).any())
    share = good / scale if scale > 0 else good
    data = (127 + 127 * share if signed else 254 * share).round().clamp(0, 254)
    return torch.where(finite, data, torch.full_like(data, NAN)).to(torch.uint8), signed, scale
