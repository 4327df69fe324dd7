"""Average precision: how good a detector is at every threshold of being sure, by the rules of COCO."""

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np
from torch import Tensor

from .detection import NONE, Detections

COCO_OVERLAPS = tuple((50 + 5 * step) / 100 for step in range(10))  # 0.50, 0.55, …, 0.95


def average_precision(found: Sequence[Detections], target: dict[str, Tensor], overlaps: Sequence[float] = COCO_OVERLAPS) -> float:
    """Precision averaged over recall, over the classes that occur, and over the overlaps from which a box counts as found.

    found: of N pictures. target: {"boxes": (N, M, 4), "labels": (N, M)}, where the label -1 is no object.
    overlaps: intersections over union. Returns a number in [0, 1]; NaN where there is no object at all.

    Raises: ValueError if there are not as many of both.
    Source: Lin et al. 2014, arXiv:1405.0312; computed by pycocotools.
    """
    boxes, labels = target["boxes"].cpu(), target["labels"].cpu()
    if len(found) != len(labels):
        raise ValueError(f"there are detections of {len(found)} pictures but the objects of {len(labels)}")
    if not (labels != NONE).any():
        return float("nan")
    truth = [
        _record(number, box, label)
        for number in range(len(labels))
        for box, label in zip(boxes[number].tolist(), labels[number].tolist(), strict=True)
        if label != NONE
    ]
    said = [
        _record(number, box, label, score)
        for number, one in enumerate(found)
        for box, label, score in zip(one.boxes.tolist(), one.labels.tolist(), one.scores.tolist(), strict=True)
    ]
    if not said:
        return 0.0
    precision = _coco(truth, said, len(found), overlaps)  # (overlaps, recalls, classes), -1 where a class does not occur
    return float(precision[precision > -1].mean())


def ap50(found: Sequence[Detections], target: dict[str, Tensor]) -> float:
    """Average precision where half of the union of two boxes must be common."""
    return average_precision(found, target, (0.5,))


def _record(picture: int, box: list[float], label: int, score: float | None = None) -> dict[str, Any]:
    """One box as COCO writes it: x, y, width, height."""
    x1, y1, x2, y2 = box
    sides = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}
    record = {"image_id": picture, "category_id": label, "iscrowd": 0, **sides}
    return record if score is None else {**record, "score": score}


def _coco(truth: list[dict[str, Any]], said: list[dict[str, Any]], pictures: int, overlaps: Sequence[float]) -> np.ndarray:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    classes = sorted({record["category_id"] for record in truth})
    both = []
    for records in (truth, said):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": number} for number in range(pictures)],
            "categories": [{"id": label} for label in classes],
            "annotations": [{**record, "id": number} for number, record in enumerate(records, 1)],
        }
        _silent(COCO.createIndex)(coco)
        both.append(coco)
    judge = COCOeval(*both, iouType="bbox")
    judge.params.iouThrs = np.array(overlaps)
    judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
    judge.params.maxDets = [100]
    # Both call each other's parts on `judge`, and print what they are about to do.
    _silent(COCOeval.evaluate)(judge)
    _silent(COCOeval.accumulate)(judge)
    return np.asarray(judge.eval["precision"])[..., 0, 0]


def _silent(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with a `print` that does nothing; what others print meanwhile, in another thread, is not held back."""
    assert isinstance(function, FunctionType)
    surroundings = {**function.__globals__, "print": lambda *_, **__: None}
    return FunctionType(function.__code__, surroundings, function.__name__, function.__defaults__)
