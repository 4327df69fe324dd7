"""Tasks that say of each pixel what it belongs to."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ...data.sets import PENN_FUDAN
from ...preview import Masks
from ...task import Task, remembered
from .. import classical
from ..annotated import (
    Annotated,
    AnnotatedBatches,
    as_input,
    drawn_splits,
    masks_of,
    mirrored,
    pasted,
    varied_photographs,
)
from ..data import as_pixels
from ..models import UNet
from ..penn_fudan import PEOPLE, read_penn_fudan
from ..scenes import CLASSES as OBJECTS
from ..segmentation import iou_metrics, segmentation_loss

SHOWN = 12  # pictures in a preview
EVALUATED_AT_ONCE = 50
CLASSES = ("background", *OBJECTS)


@remembered
def scenes_segmentation(seed: int = 0, batch_size: int = 4, scenes: int = 2700, size: int = 64, objects: int = 6) -> Task:
    """Which pixels are car, bus, person, tree, traffic light, or none of these, in drawn street scenes; nothing to download.

    scenes: to learn from, each drawn when it is first needed, under a light of its own, and mirrored or not each time; 100
        more to validate and 300 to test. seed: of all of them. size: of their sides in pixels, a multiple of 8.
    objects: in a scene at the most.

    A model gives logits (B, 6, size, size); a target is (B, size, size) int64, where 0 is the background.

    >>> scenes_segmentation()
    Task(scenes_segmentation: train 675, valid 2, test 6 batches)
    """
    train, valid, test = drawn_splits(scenes, seed, size, objects)
    return Task(
        name="scenes_segmentation",
        train=AnnotatedBatches(train, masks_of, size=batch_size, shuffle=True, augment=mirrored),
        valid=AnnotatedBatches(valid, masks_of, size=EVALUATED_AT_ONCE),
        test=AnnotatedBatches(test, masks_of, size=EVALUATED_AT_ONCE),
        loss=segmentation_loss,
        metrics=iou_metrics(CLASSES),
        predict=_predict,
        classes=CLASSES,
        baselines=classical.segmentation_baselines(train, test, CLASSES),
        preview=_Gallery(lambda: valid.rows(torch.arange(SHOWN)), CLASSES),
        show=_pictures(CLASSES),
        credit="drawn by dlnb",
        models={"UNet": lambda: UNet(len(CLASSES), width=24, depth=2, patch=2)},
    )


@remembered
def penn_fudan_segmentation(batch_size: int = 8, height: int = 112, width: int = 144, source: str = "penn_fudan") -> Task:
    """Which pixels are people, in 170 photographs of streets, fetched once through `dlnb.data.store` (53 MB).

    Photographs, splits and arguments are those of `penn_fudan_detection`; half of those to learn from have the people of
    another one pasted in too. A model gives logits (B, 2, height, width); a target is (B, height, width) int64, 1 where a person is.

    Raises: DataError if the files cannot be had; PictureError or ValueError naming a file that does not fit.
    """
    train, valid, test = read_penn_fudan(height, width, source)
    classes = ("background", *PEOPLE)
    return Task(
        name=f"{source}_segmentation",
        train=AnnotatedBatches(train, masks_of, size=batch_size, shuffle=True, augment=lambda rows: pasted(varied_photographs(rows))),
        valid=AnnotatedBatches(valid, masks_of, size=EVALUATED_AT_ONCE),
        test=AnnotatedBatches(test, masks_of, size=EVALUATED_AT_ONCE),
        loss=segmentation_loss,
        metrics=iou_metrics(classes),
        predict=_predict,
        classes=classes,
        baselines=classical.segmentation_baselines(train, test, classes),
        preview=_Gallery(lambda: valid.rows(torch.arange(SHOWN)), classes),
        show=_pictures(classes),
        credit=PENN_FUDAN.source,
        models={"UNet": lambda: UNet(len(classes), width=24, depth=3, patch=2)},
    )


def _predict(model: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    """The most likely class of each pixel: (B, C, H, W) → (B, H, W) uint8."""
    return output.argmax(dim=1).to(torch.uint8)


def _pictures(classes: tuple[str, ...]) -> Callable[[Tensor], Masks]:
    """What can be shown of inputs (B, 3, H, W)."""
    return lambda pictures: Masks(as_pixels(pictures), classes)


class _Gallery:
    """The preview of a segmentation: the same few pictures each time, with the class that the model gives each pixel."""

    def __init__(self, rows: Callable[[], Annotated], classes: tuple[str, ...]) -> None:
        self.rows, self.classes = rows, classes
        self.pixels: np.ndarray | None = None

    def __call__(self, model: nn.Module) -> Masks:
        """model: in eval mode, gives logits (B, C, H, W)."""
        rows = self.rows()
        if self.pixels is None:
            self.pixels = as_pixels(rows.pictures)
        with torch.no_grad():
            output = model(as_input(rows.pictures).to(next(model.parameters()).device))
        said = output.argmax(dim=1).to(torch.uint8).cpu().numpy()
        return Masks(self.pixels, self.classes, truth=rows.masks.numpy(), said=said)
