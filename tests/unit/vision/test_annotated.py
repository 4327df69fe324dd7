"""Annotated pictures: batches are pure, and whatever is done to a picture is done to its boxes and masks."""

import pytest
import torch

import dlnb as dl
from dlnb.vision.annotated import (
    Annotated,
    AnnotatedBatches,
    DrawnScenes,
    boxes_of,
    drawn_splits,
    masks_of,
    mirrored,
    moved,
    pasted,
    relit,
)
from dlnb.vision.detection import NONE
from dlnb.vision.scenes import scene


@pytest.fixture(scope="module")
def rows() -> Annotated:
    """Pictures that are white where their one object is, and its mask likewise."""
    pictures, masks = torch.zeros(40, 3, 48, 64, dtype=torch.uint8), torch.zeros(40, 48, 64, dtype=torch.uint8)
    boxes, labels = torch.zeros(40, 2, 4), torch.full((40, 2), NONE)
    generator = torch.Generator().manual_seed(0)
    for row in range(40):
        x, y = int(torch.randint(10, 40, (), generator=generator)), int(torch.randint(10, 30, (), generator=generator))
        pictures[row, :, y : y + 12, x : x + 16], masks[row, y : y + 12, x : x + 16] = 255, 1
        boxes[row, 0], labels[row, 0] = torch.tensor([x, y, x + 16, y + 12]), 0
    return Annotated(pictures, masks, boxes, labels)


def box_around(mask):
    """x1, y1, x2, y2 of what is True."""
    y, x = mask.nonzero(as_tuple=True)
    return torch.tensor([x.min(), y.min(), x.max() + 1, y.max() + 1]).float()


@pytest.mark.parametrize("change", [mirrored, moved, lambda rows: mirrored(moved(rows, zoom=(1.5, 2.5)))])
def test_boxes_and_masks_follow_their_pictures(rows, change):
    with dl.seeded(0):
        other = change(rows)
    assert (other.pictures != rows.pictures).any(1).flatten(1).any(1).float().mean() > 0.3
    for picture, mask, boxes, labels in zip(other.pictures, other.masks, other.boxes, other.labels, strict=True):
        assert labels[1] == NONE
        if labels[0] == NONE:
            continue
        assert (boxes[0] - box_around(mask == 1)).abs().max() <= 1.5
        assert (boxes[0] - box_around(picture[0] > 190)).abs().max() <= 2
        assert boxes[0, 0] >= 0 and boxes[0, 1] >= 0 and boxes[0, 2] <= 64 and boxes[0, 3] <= 48


def test_what_was_moved_out_of_the_picture_does_not_count(rows):
    with dl.seeded(0):
        other = moved(rows, zoom=(3.0, 3.0))
    gone = other.labels[:, 0] == NONE
    assert 0 < gone.sum() < 40
    assert (other.boxes[gone] == 0).all()
    assert (other.masks[gone].flatten(1) == 1).float().mean(1).max() < 0.3 * 9 * 16 * 12 / (48 * 64) + 0.02


def test_what_is_pasted_brings_its_mask_and_its_box(rows):
    with dl.seeded(0):
        other = pasted(rows, share=0.5)
    pasted_into = other.labels[:, 2] != NONE
    assert 8 < pasted_into.sum() < 32 and other.boxes.shape == (40, 4, 4)
    assert (other.labels[:, 0] == 0).all() and (other.labels[:, [1, 3]] == NONE).all()
    assert torch.equal(other.boxes[:, :2], rows.boxes) and (other.boxes[~pasted_into][:, 2:] == 0).all()
    for picture, mask, boxes, labels in zip(other.pictures, other.masks, other.boxes, other.labels, strict=True):
        where = torch.zeros(48, 64, dtype=torch.bool)
        for x1, y1, x2, y2 in boxes[labels != NONE].int().tolist():
            where[y1:y2, x1:x2] = True
        assert torch.equal(mask == 1, where) and torch.equal(picture[0] == 255, where)


def test_light_changes_no_more_than_the_picture(rows):
    with dl.seeded(0):
        other = relit(rows)
    assert other.masks is rows.masks and other.boxes is rows.boxes
    assert (other.pictures.float().amax((1, 2, 3)) < 255).any() and other.pictures.dtype == torch.uint8


def test_scenes_are_drawn_when_they_are_asked_for_and_are_those_of_their_numbers():
    scenes = DrawnScenes(range(5, 25), seed=1, size=64, objects=4)
    assert scenes._drawn.sum() == 0
    rows = scenes.rows(torch.tensor([3, 7]))
    assert scenes._drawn.sum() == 2 and rows.pictures.shape == (2, 3, 64, 64)
    one = scene(8, seed=1, size=64, objects=4)
    assert torch.equal(rows.pictures[0], torch.from_numpy(one.picture).permute(2, 0, 1))
    assert torch.equal(masks_of(rows)[0], torch.from_numpy(one.classes))
    assert torch.equal(rows.boxes[0][: len(one.labels)], torch.from_numpy(one.boxes))
    assert (rows.labels[0][len(one.labels) :] == NONE).all()


def test_splits_share_no_scene():
    parts = drawn_splits(50, seed=0, size=64, objects=4)
    numbers = [number for part in parts for number in part.numbers]
    assert len(set(numbers)) == len(numbers)
    with pytest.raises(ValueError, match="scenes must be 1 to 1,000,000, got 0"):
        drawn_splits(0, 0, 64, 4)


def test_a_batch_is_a_pure_function_of_its_place():
    def made():
        return AnnotatedBatches(DrawnScenes(range(20), 0, 64, 4), boxes_of, size=6, shuffle=True, augment=mirrored)

    def drawn(batches, position):
        with dl.seeded(position):
            return batches.batch(3, 1, position)

    one, other = made(), made().reader()
    assert len(one) == 4 and one.examples == 20
    first = [drawn(one, position) for position in range(4)]
    for position in (2, 0, 3, 1):
        x, target = drawn(other, position)
        assert torch.equal(x, first[position][0]) and torch.equal(target["boxes"], first[position][1]["boxes"])
    assert first[3][0].shape == (2, 3, 64, 64) and 0 <= first[0][0].min() and first[0][0].max() <= 1
