"""Tasks that find objects: what is there, and where."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...data.sets import PENN_FUDAN
from ...preview import Boxes
from ...task import Task, remembered
from .. import classical
from ..annotated import (
    Annotated,
    AnnotatedBatches,
    as_input,
    boxes_of,
    drawn_splits,
    mirrored,
    varied_photographs,
)
from ..average_precision import ap50, average_precision
from ..data import as_pixels
from ..detection import NONE, DetectionLoss, Detections, decode
from ..models import Detector
from ..penn_fudan import PEOPLE, read_penn_fudan
from ..scenes import CLASSES

SHOWN = 12  # pictures in a preview
MOST_SHOWN = 12  # boxes that are shown of a picture
SURE = 0.3  # how sure the model must be of a box that is shown
EVALUATED_AT_ONCE = 50
METRICS = {"AP": average_precision, "AP50": ap50}


@remembered
def scenes_detection(seed: int = 0, batch_size: int = 8, scenes: int = 1200, size: int = 96, objects: int = 6) -> Task:
    """Cars, buses, people, trees and traffic lights in drawn street scenes; nothing to download.

    scenes: to learn from, each drawn when it is first needed, under a light of its own, and mirrored or not each time; 100
        more to validate and 300 to test. seed: of all of them. size: of their sides in pixels, a multiple of 16.
    objects: in a scene at the most.

    A model gives what `dlnb.vision.Detector` does. A target is {"boxes": (B, objects, 4), "labels": (B, objects)}: x1, y1,
    x2, y2 in pixels, and the label -1 where there are fewer.

    >>> scenes_detection()
    Task(scenes_detection: train 150, valid 2, test 6 batches)
    """
    train, valid, test = drawn_splits(scenes, seed, size, objects)
    return Task(
        name="scenes_detection",
        train=AnnotatedBatches(train, boxes_of, size=batch_size, shuffle=True, augment=mirrored),
        valid=AnnotatedBatches(valid, boxes_of, size=EVALUATED_AT_ONCE),
        test=AnnotatedBatches(test, boxes_of, size=EVALUATED_AT_ONCE),
        loss=_loss(size, size),
        metrics=METRICS,
        predict=_predict,
        classes=CLASSES,
        baselines=classical.detection_baselines(train, test, CLASSES),
        preview=_Gallery(lambda: valid.rows(torch.arange(SHOWN)), CLASSES),
        show=_pictures(CLASSES),
        credit="drawn by dlnb",
        models={"Detector": lambda: Detector(len(CLASSES), width=24, pyramid=32)},
    )


@remembered
def penn_fudan_detection(batch_size: int = 8, height: int = 112, width: int = 144, source: str = "penn_fudan") -> Task:
    """People in 170 photographs of streets, fetched once through `dlnb.data.store` (53 MB).

    108 photographs to learn from, each enlarged, moved, mirrored and lit in another way each time; 12 to validate, and the
    last 50 to test, as in PyTorch's tutorial on detection. height, width: in pixels, multiples of 16, of the canvas onto
    which each is scaled with its proportions kept. source: the name of a set in the store that comes in the same files.

    A model gives what `dlnb.vision.Detector` does. A target is {"boxes": (B, 8, 4), "labels": (B, 8)}: x1, y1, x2, y2 in
    pixels of the canvas, and the label -1 where there are fewer.

    Raises: DataError if the files cannot be had; PictureError or ValueError naming a file that does not fit.
    """
    train, valid, test = read_penn_fudan(height, width, source)
    return Task(
        name=f"{source}_detection",
        train=AnnotatedBatches(train, boxes_of, size=batch_size, shuffle=True, augment=varied_photographs),
        valid=AnnotatedBatches(valid, boxes_of, size=EVALUATED_AT_ONCE),
        test=AnnotatedBatches(test, boxes_of, size=EVALUATED_AT_ONCE),
        loss=_loss(height, width),
        metrics=METRICS,
        predict=_predict,
        classes=PEOPLE,
        baselines=classical.detection_baselines(train, test, PEOPLE),
        preview=_Gallery(lambda: valid.rows(torch.arange(SHOWN)), PEOPLE),
        show=_pictures(PEOPLE),
        credit=PENN_FUDAN.source,
        models={"Detector": lambda: Detector(len(PEOPLE), width=24, pyramid=32)},
    )


def _loss(height: int, width: int) -> DetectionLoss:
    return DetectionLoss(Detector.places(height, width), Detector.strides)


def _predict(model: nn.Module, inputs: tuple[Tensor], output: Any) -> list[Detections]:
    """The few boxes that a detector's many answers come to."""
    return decode(output, *inputs[0].shape[2:])


def _pictures(classes: tuple[str, ...]) -> Callable[[Tensor], Boxes]:
    """What can be shown of inputs (B, 3, H, W)."""
    return lambda pictures: Boxes(as_pixels(pictures), classes)


class _Gallery:
    """The preview of a detection: the same few pictures each time, with the boxes that the model is sure of."""

    def __init__(self, rows: Callable[[], Annotated], classes: tuple[str, ...]) -> None:
        self.rows, self.classes = rows, classes
        self.pixels: np.ndarray | None = None

    def __call__(self, model: nn.Module) -> Boxes:
        """model: in eval mode, gives what a `Detector` does."""
        rows = self.rows()
        if self.pixels is None:
            self.pixels = as_pixels(rows.pictures)
        with torch.no_grad():
            output = model(as_input(rows.pictures).to(next(model.parameters()).device))
        count, height, width = self.pixels.shape[:3]
        found = np.zeros((count, MOST_SHOWN, 4), np.float32)
        labels, scores = np.full((count, MOST_SHOWN), NONE), np.zeros((count, MOST_SHOWN), np.float32)
        for row, one in enumerate(decode(output, height, width, least=SURE, most=MOST_SHOWN)):
            few = len(one.boxes)
            found[row, :few], labels[row, :few], scores[row, :few] = one.boxes.cpu(), one.labels.cpu(), one.scores.cpu()
        return Boxes(
            self.pixels,
            self.classes,
            truth=rows.boxes.numpy(),
            true_labels=rows.labels.numpy(),
            found=found,
            found_labels=labels,
            scores=scores,
        )
