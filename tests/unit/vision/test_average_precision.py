"""Average precision: what is known by hand comes out, and nothing is printed."""

import math

import pytest
import torch

from dlnb.vision.average_precision import ap50, average_precision
from dlnb.vision.detection import NONE, Detections

BOX = [10.0, 10.0, 30.0, 30.0]
NEXT = [12.0, 10.0, 32.0, 30.0]  # overlaps BOX with 18/22 = 0.82


def found(*boxes, label=0):
    return Detections(torch.tensor(boxes).reshape(-1, 4), torch.linspace(0.9, 0.5, len(boxes)), torch.full((len(boxes),), label))


def target(*pictures, labels=None):
    boxes = torch.tensor(pictures).reshape(len(pictures), -1, 4)
    return {"boxes": boxes, "labels": torch.zeros(boxes.shape[:2], dtype=torch.long) if labels is None else labels}


def test_what_is_found_exactly_has_precision_one_and_nothing_is_printed(capsys):
    assert average_precision([found(BOX)], target([BOX])) == pytest.approx(1)
    assert ap50([found(BOX), found(NEXT)], target([BOX], [NEXT])) == pytest.approx(1)
    assert capsys.readouterr().out == ""


def test_a_box_a_little_beside_counts_up_to_its_overlap():
    assert ap50([found(NEXT)], target([BOX])) == pytest.approx(1)
    assert average_precision([found(NEXT)], target([BOX])) == pytest.approx(0.7)  # 0.50, 0.55, …, 0.80 of the ten


def test_half_of_the_objects_found_is_half_of_the_recall():
    one_of_two = average_precision([found(BOX), found()], target([BOX], [BOX]))
    assert one_of_two == pytest.approx(51 / 101)  # of 101 recalls from 0 to 1, those up to a half


def test_a_surer_box_on_nothing_halves_the_precision():
    assert ap50([found([40.0, 40.0, 60.0, 60.0], BOX)], target([BOX])) == pytest.approx(0.5)


def test_a_box_of_another_class_is_none():
    assert ap50([found(BOX, label=1)], target([BOX])) == 0.0


def test_where_there_is_nothing_to_find_or_nothing_was_found():
    nothing = target([BOX], labels=torch.tensor([[NONE]]))
    assert math.isnan(average_precision([found(BOX)], nothing))
    assert average_precision([found()], target([BOX])) == 0.0
    with pytest.raises(ValueError, match="1 pictures but the objects of 2"):
        average_precision([found()], target([BOX], [BOX]))
