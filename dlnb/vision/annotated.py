"""Pictures in which every object is marked, in memory: which of them make a batch, and how they are varied."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.batches import TensorBatches
from .boxes import area
from .detection import NONE
from .scenes import scene

VALID, TEST = 100, 300  # scenes to validate and to test on
LEAST_LEFT = 0.3  # the share of a box that must still be in the picture when it was moved, else it does not count


@dataclass(frozen=True)
class Annotated:
    """N pictures with up to M objects each.

    pictures: (N, 3, H, W) uint8. masks: (N, H, W) uint8, the class of each pixel, where 0 is the background.
    boxes: (N, M, 4) float32, x1, y1, x2, y2 in pixels. labels: (N, M) int64, where -1 is no object.
    """

    pictures: Tensor
    masks: Tensor
    boxes: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.pictures)

    def rows(self, index: Tensor) -> "Annotated":
        """Those of them at these places."""
        return Annotated(*(column.index_select(0, index) for column in (self.pictures, self.masks, self.boxes, self.labels)))


class DrawnScenes:
    """The scenes of these numbers, each drawn when it is first asked for and kept from then on."""

    def __init__(self, numbers: range, seed: int, size: int, objects: int) -> None:
        self.numbers, self.seed, self.size, self.objects = numbers, seed, size, objects
        count = len(numbers)
        self.kept = Annotated(
            torch.zeros(count, 3, size, size, dtype=torch.uint8),
            torch.zeros(count, size, size, dtype=torch.uint8),
            torch.zeros(count, objects, 4),
            torch.full((count, objects), NONE),
        )
        self._drawn = np.zeros(count, bool)

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, index: Tensor) -> Annotated:
        """Those of them at these places."""
        for place in index.tolist():
            if not self._drawn[place]:
                self._draw(place)
        return self.kept.rows(index)

    def _draw(self, place: int) -> None:
        one = scene(self.numbers[place], self.seed, self.size, self.objects)
        count, kept = len(one.labels), self.kept
        kept.pictures[place] = torch.from_numpy(one.picture).permute(2, 0, 1)
        kept.masks[place] = torch.from_numpy(one.classes.astype(np.uint8))
        kept.boxes[place, :count] = torch.from_numpy(one.boxes)
        kept.labels[place, :count] = torch.from_numpy(one.labels)
        self._drawn[place] = True


def drawn_splits(scenes: int, seed: int, size: int, objects: int) -> tuple[DrawnScenes, DrawnScenes, DrawnScenes]:
    """Scenes to learn from, to validate and to test on: with different numbers, so that none is in two of them.

    Raises: ValueError if there are no scenes to learn from, or more than there are numbers.
    """
    if not 1 <= scenes <= 1_000_000:
        raise ValueError(f"scenes must be 1 to 1,000,000, got {scenes!r}")
    parts = (range(scenes), range(1_000_000, 1_000_000 + VALID), range(2_000_000, 2_000_000 + TEST))
    train, valid, test = (DrawnScenes(numbers, seed, size, objects) for numbers in parts)
    return train, valid, test


Ask = Callable[[Annotated], Any]
Augment = Callable[[Annotated], Annotated]


class AnnotatedBatches:
    """Batches of annotated pictures, by index: (B, 3, H, W) float32 in [0, 1] and what is asked of them.

    ask: what is to be learned of them. shuffle: a new order each epoch, drawn from (seed, epoch).
    augment: how they are changed, which draws from PyTorch's default generator.
    """

    def __init__(
        self, source: Annotated | DrawnScenes, ask: Ask, *, size: int, shuffle: bool = False, augment: Augment | None = None
    ) -> None:
        self.source, self.ask, self.shuffle, self.augment = source, ask, shuffle, augment
        self.places = TensorBatches(torch.arange(len(source)), size=size, shuffle=True)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def size(self) -> int:
        """Pictures in a batch."""
        return self.places.size

    @property
    def examples(self) -> int:
        """Pictures in an epoch."""
        return self.places.examples

    def batch(self, seed: int, epoch: int, position: int) -> tuple[Tensor, Any]:
        """Batch number `position` (from 0) of `epoch`."""
        return self.cut(seed, epoch, position * self.size, self.size)

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, Any]:
        """The `size` pictures (fewer at the end) from number `start` of `epoch`."""
        places = self.places.cut(seed, epoch, start, size)[0] if self.shuffle else self.places.tensors[0][start : start + size]
        rows = self.source.rows(places)
        if self.augment is not None:
            rows = self.augment(rows)
        return as_input(rows.pictures), self.ask(rows)

    def reader(self) -> "AnnotatedBatches":
        """The same batches for another run, which keeps the order of an epoch of its own."""
        return AnnotatedBatches(self.source, self.ask, size=self.size, shuffle=self.shuffle, augment=self.augment)


def as_input(pictures: Tensor) -> Tensor:
    """What a model reads: (B, 3, H, W) uint8 → float32 in [0, 1]; colours side by side in memory, as convolutions like it."""
    return pictures.contiguous(memory_format=torch.channels_last).float().div_(255)


def boxes_of(rows: Annotated) -> dict[str, Tensor]:
    """What a detector is asked: {"boxes": (B, M, 4), "labels": (B, M)}."""
    return {"boxes": rows.boxes, "labels": rows.labels}


def masks_of(rows: Annotated) -> Tensor:
    """What a segmentation is asked: (B, H, W) int64, the class of each pixel."""
    return rows.masks.long()


def mirrored(rows: Annotated) -> Annotated:
    """Each picture seen in a mirror, or not."""
    turned = torch.rand(len(rows.pictures)) < 0.5
    width = rows.pictures.shape[3]
    x1, y1, x2, y2 = rows.boxes.unbind(-1)
    boxes = torch.where((rows.labels != NONE)[..., None], torch.stack([width - x2, y1, width - x1, y2], -1), rows.boxes)
    return Annotated(
        torch.where(turned[:, None, None, None], rows.pictures.flip(3), rows.pictures),
        torch.where(turned[:, None, None], rows.masks.flip(2), rows.masks),
        torch.where(turned[:, None, None], boxes, rows.boxes),
        rows.labels,
    )


def relit(rows: Annotated, light: float = 0.2, tint: float = 0.1) -> Annotated:
    """Each picture darker or lighter by up to `light`, and each colour of it by up to `tint` more."""
    count = len(rows.pictures)
    factor = 1 + light * (2 * torch.rand(count, 1) - 1) + tint * (2 * torch.rand(count, 3) - 1)  # (B, 3)
    pictures = (rows.pictures * factor[:, :, None, None]).clamp_(0, 255).to(torch.uint8)
    return Annotated(pictures, rows.masks, rows.boxes, rows.labels)


def moved(rows: Annotated, zoom: tuple[float, float] = (0.8, 1.6)) -> Annotated:
    """Each picture enlarged or made smaller, and another part of it seen; what was not in the picture is grey.

    zoom: the least and the largest factor. Boxes are cut at the edges; those of which too little is left do not count.
    """
    count, _, height, width = rows.pictures.shape
    low, high = (torch.tensor(factor).log() for factor in zoom)
    factor = (low + (high - low) * torch.rand(count)).exp()  # (B,)
    # Where the middle of what is seen lies in the old picture, from -1 to 1: as far out as the old picture reaches.
    middle = (2 * torch.rand(count, 2) - 1) * (1 - 1 / factor).abs()[:, None]  # (B, 2), x and y
    where = torch.zeros(count, 2, 3)
    where[:, 0, 0] = where[:, 1, 1] = 1 / factor
    where[:, :, 2] = middle
    grid = F.affine_grid(where, [count, 1, height, width], align_corners=False)
    pictures = F.grid_sample(rows.pictures.float() - 128, grid, align_corners=False) + 128
    masks = F.grid_sample(rows.masks[:, None].float(), grid, mode="nearest", align_corners=False)[:, 0]
    sides = torch.tensor([width, height]).float()
    # The new place of a point: from its old one in [-1, 1], less the middle, times the factor, and back to pixels.
    points = 2 * rows.boxes.unflatten(-1, (2, 2)) / sides - 1  # (B, M, 2, 2)
    points = ((points - middle[:, None, None]) * factor[:, None, None, None] + 1) / 2 * sides
    whole = points.flatten(2)
    boxes = torch.minimum(points.clamp(min=0), sides).flatten(2)
    gone = area(boxes) < (LEAST_LEFT * area(whole)).clamp(min=1.0)
    labels = rows.labels.masked_fill(gone, NONE)
    boxes = boxes.masked_fill((labels == NONE)[..., None], 0.0)
    return Annotated(pictures.round().clamp_(0, 255).to(torch.uint8), masks.to(torch.uint8), boxes, labels)


def varied_photographs(rows: Annotated) -> Annotated:
    """Few photographs made many: mirrored, enlarged, moved and lit."""
    return relit(mirrored(moved(rows)), light=0.35, tint=0.15)


def pasted(rows: Annotated, share: float = 0.5) -> Annotated:
    """Into a `share` of the pictures, all that is marked in another one of them is pasted, at the place where it was there.

    The list of objects becomes twice as long: the own ones, also where they are covered now, and the others.
    Source: Ghiasi et al. 2021, arXiv:2012.07177.
    """
    other = rows.rows(torch.randperm(len(rows)))
    taken = torch.rand(len(rows)) < share
    new = (other.masks > 0) & taken[:, None, None]
    labels = other.labels.masked_fill(~taken[:, None], NONE)
    return Annotated(
        torch.where(new[:, None], other.pictures, rows.pictures),
        torch.where(new, other.masks, rows.masks),
        torch.cat([rows.boxes, other.boxes.masked_fill((labels == NONE)[..., None], 0.0)], dim=1),
        torch.cat([rows.labels, labels], dim=1),
    )
