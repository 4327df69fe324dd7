"""The tasks on drawn scenes: previews, metrics that a perfect answer tops, and baselines that are what they say."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.preview import Boxes, Masks
from dlnb.train.evaluate import evaluate
from dlnb.vision import classical
from dlnb.vision.annotated import DrawnScenes
from dlnb.vision.detection import NONE
from dlnb.vision.scenes import CLASSES


@pytest.fixture(scope="module")
def detection():
    return dl.vision.scenes_detection(scenes=8, batch_size=4, size=64)


@pytest.fixture(scope="module")
def segmentation():
    return dl.vision.scenes_segmentation(scenes=8, batch_size=4)


class Knows(nn.Module):
    """Gives what it was told, batch by batch."""

    def __init__(self, answers) -> None:
        super().__init__()
        self.answers = iter(answers)
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return next(self.answers)


def perfect_boxes(task, split):
    for position in range(len(split)):
        target = split.batch(0, 0, position)[1]
        which, found = task.loss.assign(target["boxes"], target["labels"])
        scores = torch.full((*found.shape, len(CLASSES)), -12.0)
        rows, places = found.nonzero(as_tuple=True)
        scores[rows, places, target["labels"].gather(1, which)[rows, places]] = 12.0
        yield scores, target["boxes"].gather(1, which[..., None].expand(-1, -1, 4)), torch.full(found.shape, 12.0)


def test_what_finds_everything_has_next_to_full_average_precision(detection):
    measured = evaluate(Knows(perfect_boxes(detection, detection.valid)), detection, "valid", torch.device("cpu"))
    assert measured["AP50"] > 0.97 and measured["AP"] > 0.97
    assert measured["loss"] < 0.1


def test_what_is_right_everywhere_covers_everything(segmentation):
    answers = (
        20.0 * F.one_hot(segmentation.valid.batch(0, 0, position)[1], 6).permute(0, 3, 1, 2).float()
        for position in range(len(segmentation.valid))
    )
    measured = evaluate(Knows(answers), segmentation, "valid", torch.device("cpu"))
    assert measured["mean IoU"] == measured["IoU person"] == 1.0 and measured["loss"] < 1e-3


def test_the_previews_hold_the_truth_and_what_the_model_says(detection, segmentation):
    with dl.seeded(0):
        detector, unet = detection.models["Detector"]().eval(), segmentation.models["UNet"]().eval()
    boxes, masks = detection.preview(detector), segmentation.preview(unet)
    assert isinstance(boxes, Boxes) and isinstance(masks, Masks)
    assert len(boxes.pixels) == len(masks.pixels) == 12
    assert (boxes.true_labels != NONE).sum() > 12 and masks.truth.max() == 5
    assert boxes.pixels is detection.preview(detector).pixels  # so that they travel once
    assert isinstance(detection.show(detection.valid.batch(0, 0, 0)[0]), Boxes)


def test_the_loader_can_be_cut_to_another_size_while_a_run_goes_on(detection):
    x, target = detection.train.cut(0, 0, 2, 3)
    assert x.shape == (3, 3, 64, 64) and target["boxes"].shape == (3, 6, 4) and detection.train.examples == 8


def test_baselines_are_better_than_nothing():
    train, test = DrawnScenes(range(40), 0, 48, 4), DrawnScenes(range(1000, 1012), 0, 48, 4)
    found = {name: measure() for name, measure in classical.detection_baselines(train, test, CLASSES).items()}
    assert all(0 <= value <= 1 for measures in found.values() for value in measures.values())
    usual, islands = found.values()
    assert islands["AP50"] > usual["AP50"]
    covered = {
        name: measure()["mean IoU"]
        for name, measure in classical.segmentation_baselines(train, test, ("background", *CLASSES)).items()
    }
    nothing, place, forest = covered.values()
    assert nothing <= place + 0.05 < forest
