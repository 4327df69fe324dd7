"""Boxes: overlaps against counted pixels, suppression against the definition, and boxes that make no sense are named."""

import pytest
import torch

from dlnb.vision.boxes import area, check_boxes, giou, iou, nms


def some_boxes(count, seed, size=20):
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(0, size - 1, (count, 2), generator=generator)
    sides = torch.randint(1, size // 2, (count, 2), generator=generator)
    return torch.cat([first, (first + sides).clamp(max=size)], dim=1).float()


def painted(box, size=20):
    x1, y1, x2, y2 = box.int().tolist()
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[y1:y2, x1:x2] = True
    return mask


def test_overlaps_are_those_of_the_pixels():
    a, b = some_boxes(30, 0), some_boxes(25, 1)
    found = iou(a, b)
    for i, one in enumerate(a):
        assert area(one) == painted(one).sum()
        for j, other in enumerate(b):
            common, both = (painted(one) & painted(other)).sum(), (painted(one) | painted(other)).sum()
            assert torch.isclose(found[i, j], common / both)


def test_giou_is_iou_less_what_is_empty_around_the_two():
    a, b = some_boxes(200, 0), some_boxes(200, 1)
    for one, other, found in zip(a, b, giou(a, b), strict=True):
        around = torch.cat([torch.minimum(one[:2], other[:2]), torch.maximum(one[2:], other[2:])])
        union = (painted(one) | painted(other)).sum()
        expected = iou(one[None], other[None])[0, 0] - (area(around) - union) / area(around)
        assert torch.isclose(found, expected, atol=1e-6)
    assert torch.allclose(giou(a, a), torch.ones(200))


def by_definition(boxes, scores, labels, threshold):
    left, kept = list(scores.argsort(descending=True, stable=True).tolist()), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [
            i for i in left if labels[i] != labels[best] or iou(boxes[i][None], boxes[best][None])[0, 0] <= threshold
        ]
    return kept


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_suppression_does_what_its_definition_says(threshold, seed):
    boxes = some_boxes(60, seed)
    generator = torch.Generator().manual_seed(seed)
    scores, labels = torch.rand(60, generator=generator), torch.randint(3, (60,), generator=generator)
    assert nms(boxes, scores, labels, threshold).tolist() == by_definition(boxes, scores, labels, threshold)
    assert nms(boxes, scores, None, threshold).tolist() == by_definition(boxes, scores, [0] * 60, threshold)


def test_nothing_is_left_of_nothing():
    assert nms(torch.zeros(0, 4), torch.zeros(0)).tolist() == []
    assert iou(torch.zeros(0, 4), some_boxes(3, 0)).shape == (0, 3)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((3, 3, 3, 8), "box 1 of street.png, .3, 3, 3, 8., has no area"),
        ((5, 5, 2, 8), "has no area"),
        ((float("nan"), 0, 2, 2), "has no area"),
        ((-1, 0, 5, 5), "outside the picture of 20×10 pixels"),
        ((0, 0, 5, 11), "outside the picture of 20×10 pixels"),
    ],
)
def test_a_box_that_makes_no_sense_is_named(box, words):
    with pytest.raises(ValueError, match=words):
        check_boxes(torch.tensor([(0, 0, 5, 5), box]), 20, 10, "street.png")
    check_boxes(torch.tensor([(0.0, 0, 20, 10)]), 20, 10)
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        check_boxes(torch.zeros(4), 20, 10)
