"""The Penn-Fudan photographs: people walking in streets, each with a box and a mask."""

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.store import fetch
from .annotated import Annotated
from .boxes import check_boxes
from .detection import NONE
from .images import PictureError, read_mask, read_picture

PEOPLE = ("person",)
TEST = 50  # the last pictures of the list are for the test, as in PyTorch's tutorial on detection
VALID_EVERY = 10  # of the others, each tenth is for validation
GREY = 128  # around a picture of other proportions than the canvas
BOX = re.compile(r"\(Xmin, Ymin\) - \(Xmax, Ymax\) : \((\d+), (\d+)\) - \((\d+), (\d+)\)")


def read_penn_fudan(height: int, width: int, source: str = "penn_fudan") -> tuple[Annotated, Annotated, Annotated]:
    """The pictures to learn from (108), to validate (12) and to test on (50), each scaled onto a canvas of this size.

    A picture keeps its proportions and lies in the middle of the canvas; the rest is grey. Masks are 1 where a person is.
    source: the name of the set in `dlnb.data.store`.

    Raises: DataError if a file cannot be had; PictureError or ValueError naming the file whose mask or boxes do not fit.
    """
    files = fetch(source)
    names = sorted(Path(file).stem for file in files if file.startswith("PNGImages/"))
    parts = [(files[f"PNGImages/{n}.png"], files[f"PedMasks/{n}_mask.png"], files[f"Annotation/{n}.txt"]) for n in names]
    whole = _read(tuple(parts), height, width)
    place = torch.arange(len(whole))
    test = place >= len(whole) - TEST
    valid = ~test & (place % VALID_EVERY == VALID_EVERY - 1)
    train, valid_rows, test_rows = (whole.rows(part.nonzero()[:, 0]) for part in (~test & ~valid, valid, test))
    return train, valid_rows, test_rows


@lru_cache(maxsize=2)
def _read(parts: tuple[tuple[Path, Path, Path], ...], height: int, width: int) -> Annotated:
    """Picture, mask and annotation files, onto one canvas."""
    pictures = torch.full((len(parts), 3, height, width), GREY, dtype=torch.uint8)
    masks = torch.zeros(len(parts), height, width, dtype=torch.uint8)
    found: list[Tensor] = []
    for number, (picture_file, mask_file, annotation) in enumerate(parts):
        picture = read_picture(picture_file)
        high, wide = picture.shape[1:]
        mask = read_mask(mask_file, (high, wide))
        boxes = read_boxes(annotation, wide, high)
        if set(np.unique(mask)) - {0} != set(range(1, len(boxes) + 1)):
            raise PictureError(
                f"the mask {mask_file} holds the objects {sorted(set(np.unique(mask).tolist()) - {0})}, but {annotation.name} "
                f"has {len(boxes)} boxes: expected 1 to {len(boxes)}"
            )
        scale = min(height / high, width / wide)
        h, w = max(1, round(high * scale)), max(1, round(wide * scale))
        top, left = (height - h) // 2, (width - w) // 2
        scaled = F.interpolate(picture[None], (h, w), mode="bilinear", antialias=True)[0]
        pictures[number, :, top : top + h, left : left + w] = scaled
        small = F.interpolate((mask > 0)[None, None].float(), (h, w), mode="nearest")[0, 0]
        masks[number, top : top + h, left : left + w] = small.to(torch.uint8)
        factor = torch.tensor([w / wide, h / high, w / wide, h / high])
        found.append(boxes * factor + torch.tensor([left, top, left, top]))
    most = max(len(boxes) for boxes in found)
    boxes, labels = torch.zeros(len(parts), most, 4), torch.full((len(parts), most), NONE)
    for number, mine in enumerate(found):
        boxes[number, : len(mine)], labels[number, : len(mine)] = mine, 0
    return Annotated(pictures, masks, boxes, labels)


def read_boxes(file: Path, width: int, height: int) -> Tensor:
    """The boxes of an annotation file: (N, 4) float32, x1, y1, x2, y2 in pixels from 0.

    Raises: ValueError naming the file if it has none, or one that has no area or lies outside width × height pixels.
    """
    # In the file, pixels are counted from 1, and the last one belongs to the box.
    corners = [[int(x1) - 1, int(y1) - 1, int(x2), int(y2)] for x1, y1, x2, y2 in BOX.findall(file.read_text("latin-1"))]
    if not corners:
        raise ValueError(f"{file} names no bounding box")
    boxes = torch.tensor(corners, dtype=torch.float32)
    check_boxes(boxes, width, height, str(file))
    return boxes
