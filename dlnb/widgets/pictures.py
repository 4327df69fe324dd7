"""Small pictures of any examples of a split, for views that show them beside what a model says."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..preview import Boxes, Captioned, Images, Masks
from ..task import Task

SIDE = 64  # pixels that a small picture may have on a side


def pictures_of(task: Task, inputs: list[Any]) -> np.ndarray | None:
    """The inputs of a batch as (N, H, W) or (N, H, W, 3) uint8 with sides up to 64; None if they are no pictures.

    The task says how (`task.show`); else a single tensor (N, 1 or 3, H, W) is taken for pictures.

    Raises: what `task.show` raises.
    """
    if task.show is not None:
        shown = task.show(*inputs)
        return _small(shown.pixels) if isinstance(shown, Images | Boxes | Masks | Captioned) else None
    if len(inputs) != 1 or not isinstance(inputs[0], Tensor):
        return None
    tensor = inputs[0]
    if tensor.ndim != 4 or tensor.shape[1] not in (1, 3) or min(tensor.shape[2:]) < 4 or not len(tensor):
        return None
    return _small(_as_bytes(tensor.detach().cpu()))


def _as_bytes(tensor: Tensor) -> np.ndarray:
    """(N, C, H, W) → (N, H, W[, 3]) uint8: as it is if it runs from 0 to 1 or 255, else each channel stretched."""
    if tensor.dtype != torch.uint8:
        tensor = tensor.float().nan_to_num()
        low, high = tensor.amin(), tensor.amax()
        if low < 0 or high > 255:  # normalised: the darkest of the batch becomes black, the brightest white
            low, high = (part.view(1, -1, 1, 1) for part in (tensor.amin((0, 2, 3)), tensor.amax((0, 2, 3))))
            tensor = (tensor - low) / (high - low).clamp(min=1e-12)
            high = tensor.new_tensor(1.0)
        tensor = (tensor * (255 if high <= 1 else 1)).round().to(torch.uint8)
    pixels = tensor.permute(0, 2, 3, 1).numpy()
    return pixels[..., 0] if pixels.shape[3] == 1 else pixels


def _small(pixels: np.ndarray) -> np.ndarray:
    """Blocks of pixels averaged until both sides are at most SIDE."""
    count, height, width, *rest = pixels.shape
    block = -(-max(height, width) // SIDE)
    if block == 1:
        return pixels
    height, width = height // block * block, width // block * block
    if not height or not width:
        return pixels[:, ::block, ::block]
    blocks = pixels[:, :height, :width].reshape(count, height // block, block, width // block, block, *rest)
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)
