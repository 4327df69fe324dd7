"""Boxes: how far two overlap, and which of many that overlap are left. A box is x1, y1, x2, y2 in pixels."""

import numpy as np
import torch
from torch import Tensor


def area(boxes: Tensor) -> Tensor:
    """(…, 4) → (…)."""
    return (boxes[..., 2:] - boxes[..., :2]).prod(-1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of each of `a` with each of `b`: (…, N, 4), (…, M, 4) → (…, N, M) in [0, 1]."""
    a, b = a[..., :, None, :], b[..., None, :, :]
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    common = sides.prod(-1)
    return common / (area(a) + area(b) - common).clamp(min=1e-9)


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised intersection over union of pairs: (…, 4), (…, 4) → (…) in (-1, 1].

    Below 0 where two boxes lie apart, and the lower the farther: so that there is always a way to go.
    Source: Rezatofighi et al. 2019, arXiv:1902.09630.
    """
    common = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = area(a) + area(b) - common
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return common / union.clamp(min=1e-9) - (around - union) / around.clamp(min=1e-9)


def nms(boxes: Tensor, scores: Tensor, labels: Tensor | None = None, threshold: float = 0.5) -> Tensor:
    """Non-maximum suppression: of boxes that overlap, only the one with the best score is left.

    boxes: (N, 4), scores: (N,) → the places of those that are left, the best first, (K,) int64.
    labels: (N,); boxes of different classes leave each other alone.
    threshold: the intersection over union above which two boxes are taken to be of one object.
    """
    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order]
    overlap = iou(boxes, boxes) > threshold  # (N, N)
    if labels is not None:
        overlap &= labels[order][:, None] == labels[order][None, :]
    hides = overlap.cpu().numpy()  # one small question after the other, which NumPy answers sooner
    left = np.ones(len(boxes), bool)
    for place in range(len(boxes)):
        if left[place]:
            left[place + 1 :] &= ~hides[place, place + 1 :]
    return order[torch.from_numpy(left).to(order.device)]


def check_boxes(boxes: Tensor, width: int, height: int, what: str = "picture") -> None:
    """Raises: ValueError naming the first box that has no area or lies outside a picture of this size."""
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"the boxes of {what} must have the shape (N, 4), got {tuple(boxes.shape)}")
    for number, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        where = f"box {number} of {what}, ({x1:g}, {y1:g}, {x2:g}, {y2:g}),"
        if not (x2 > x1 and y2 > y1):
            raise ValueError(f"{where} has no area: expected x1 < x2 and y1 < y2")
        if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
            raise ValueError(f"{where} lies outside the picture of {width}×{height} pixels")
