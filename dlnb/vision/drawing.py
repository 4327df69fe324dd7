"""From a drawing on a pad to one picture like those a model has learned from.

A model knows only pictures that were made in one way. A drawing must be made into a picture in the
same way, or even a perfect digit is like nothing the model has ever seen.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

INK = 0.2  # what is darker than this belongs to the drawing
BLACK = 0.3  # the share of black pixels in the pictures of NIST's preprocessing


def digit_from_drawing(drawing: np.ndarray) -> Tensor:
    """A drawing as the digits of scikit-learn were made: (S, S) in [0, 1] → (1, 8, 8) in [0, 1].

    They went through NIST's preprocessing (Garris et al. 1994, NIST Form-Based Handprint Recognition
    System): set upright, scaled to 20×32 pixels whatever their shape, strokes made thicker or thinner
    until about 30 % are black; then each block of 4×4 pixels was counted. An empty drawing gives zeros.
    """
    ink = _ink(drawing)
    if ink is None:
        return torch.zeros(1, 8, 8)
    narrow = F.pad(_resized(_upright(ink), 32, 20), (6, 6))  # (32, 32)
    # The wide blur only decides between pixels that are equally black: the middle of a broad stroke stays.
    soft = _blurred(narrow, sigma=0.8) + 0.1 * _blurred(narrow, sigma=4.0)
    black = soft > max(0.05, float(torch.quantile(soft, 1 - BLACK)))
    return F.avg_pool2d(black.float()[None], 4)  # (1, 8, 8), in steps of 1/16


def mnist_from_drawing(drawing: np.ndarray) -> Tensor:
    """A drawing as the digits of MNIST were made: (S, S) in [0, 1] → (1, 28, 28) in [0, 1].

    Scaled into 20×20 pixels in its own shape, and moved so that its centre of mass is in the middle.
    An empty drawing gives zeros.
    """
    ink = _ink(drawing)
    if ink is None:
        return torch.zeros(1, 28, 28)
    height, width = ink.shape
    scale = 20 / max(height, width)
    small = _resized(ink, max(1, round(height * scale)), max(1, round(width * scale)))
    y, x = _centre(small)
    top, left = (min(max(round(13.5 - at), 0), 28 - side) for at, side in zip((y, x), small.shape, strict=True))
    picture = torch.zeros(1, 28, 28)
    picture[0, top : top + small.shape[0], left : left + small.shape[1]] = small
    return picture


def _ink(drawing: np.ndarray) -> Tensor | None:
    """What is drawn, without the empty paper around it; None if nothing is.

    Raises: ValueError if it is no picture.
    """
    paper = np.asarray(drawing, dtype=np.float32)
    if paper.ndim != 2:
        raise ValueError(f"a drawing is an array (S, S) of numbers from 0 (paper) to 1 (ink), got shape {paper.shape}")
    paper = np.nan_to_num(paper).clip(0, 1)
    rows, columns = np.flatnonzero((paper > INK).any(axis=1)), np.flatnonzero((paper > INK).any(axis=0))
    if not len(rows):
        return None
    return torch.tensor(paper[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _resized(ink: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(ink[None, None], (height, width), mode="bilinear", antialias=True)[0, 0]


def _centre(ink: Tensor) -> tuple[float, float]:
    """The centre of mass, (y, x) in pixels."""
    weight = ink.sum()
    y = (ink.sum(dim=1) * torch.arange(ink.shape[0])).sum() / weight
    x = (ink.sum(dim=0) * torch.arange(ink.shape[1])).sum() / weight
    return y.item(), x.item()


def _upright(ink: Tensor) -> Tensor:
    """The drawing sheared until its ink leans neither left nor right."""
    height, width = ink.shape
    y, x = _centre(ink)
    dy, dx = torch.arange(height)[:, None] - y, torch.arange(width) - x
    slant = float((ink * dy * dx).sum() / (ink * dy**2).sum().clamp_min(1e-6))  # pixels to the right per pixel down
    slant = min(max(slant, -1.0), 1.0)
    margin = math.ceil(abs(slant) * height)
    wide = F.pad(ink, (margin, margin))
    shear = torch.tensor([[[1.0, slant * height / wide.shape[1], 0.0], [0.0, 1.0, 0.0]]])
    grid = F.affine_grid(shear, [1, 1, *wide.shape], align_corners=False)
    sheared = F.grid_sample(wide[None, None], grid, align_corners=False)[0, 0]
    columns = torch.nonzero((sheared > INK).any(dim=0)).flatten()
    return sheared[:, columns[0] : columns[-1] + 1] if len(columns) else ink


def _blurred(picture: Tensor, sigma: float) -> Tensor:
    reach = math.ceil(3 * sigma)
    at = torch.arange(-reach, reach + 1, dtype=torch.float32)
    bell = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = torch.outer(bell, bell) / bell.sum() ** 2
    paper = F.pad(picture[None, None], (reach,) * 4, mode="replicate")
    return F.conv2d(paper, kernel[None, None])[0, 0]
