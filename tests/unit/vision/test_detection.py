"""Detecting: the loss is what the papers say, each object is found by places of one floor, perfect answers give the true boxes."""

import math

import pytest
import torch
import torch.nn.functional as F

import dlnb as dl
from dlnb.vision import Detector
from dlnb.vision.boxes import iou
from dlnb.vision.detection import NONE, DetectionLoss, decode, focal_loss
from dlnb.vision.scenes import CLASSES, scene


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Two threads that share a busy machine wait for each other: twenty times as long was seen."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch(numbers, size=64):
    """Pictures (B, 3, size, size) in [0, 1] and their objects, filled up to the longest list."""
    scenes = [scene(number, size=size) for number in numbers]
    longest = max(1, *(len(one.labels) for one in scenes))
    boxes, labels = torch.zeros(len(scenes), longest, 4), torch.full((len(scenes), longest), NONE)
    for row, one in enumerate(scenes):
        boxes[row, : len(one.labels)] = torch.from_numpy(one.boxes)
        labels[row, : len(one.labels)] = torch.from_numpy(one.labels)
    pictures = torch.stack([torch.from_numpy(one.picture).permute(2, 0, 1) / 255 for one in scenes])
    return pictures, {"boxes": boxes, "labels": labels}


@pytest.fixture
def detector():
    with dl.seeded(0):
        return Detector(classes=len(CLASSES))


def loss_of(detector, size=64):
    return DetectionLoss(detector.places(size, size), detector.strides)


def test_focal_loss_is_its_formula():
    logits = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    targets = (torch.rand(4, 7, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    expected = 0.0
    for z, t in zip(logits.flatten().tolist(), targets.flatten().tolist(), strict=True):
        p = 1 / (1 + math.exp(-z))
        expected -= 0.25 * (1 - p) ** 2 * math.log(p) if t else 0.75 * p**2 * math.log(1 - p)
    assert torch.isclose(focal_loss(logits, targets), torch.tensor(expected), rtol=1e-4)
    plain = F.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    assert torch.isclose(2 * focal_loss(logits, targets, alpha=0.5, gamma=0.0), plain, rtol=1e-5)


def test_each_place_finds_an_object_that_it_lies_in_or_next_to_and_large_ones_are_found_higher_up(detector):
    _, target = batch(range(60), size=128)
    loss = loss_of(detector, size=128)
    which, found = loss.assign(target["boxes"], target["labels"])
    rows, places = found.nonzero(as_tuple=True)
    boxes = target["boxes"][rows, which[rows, places]]
    at = loss.places[places]
    stride = loss.stride[places]
    inside = ((at > boxes[:, :2]) & (at < boxes[:, 2:])).all(1)
    nearest = (at - (boxes[:, :2] + boxes[:, 2:]) / 2).abs().amax(1) <= stride / 2
    assert (inside | nearest).all() and inside.float().mean() > 0.95
    assert (target["labels"][rows, which[rows, places]] != NONE).all()
    side = (boxes[:, 2:] - boxes[:, :2]).amax(1)
    assert side[stride == 4].max() <= 32 <= side[stride == 8].min() and side[stride == 8].max() <= 64 <= side[stride == 16].min()
    objects = target["labels"] != NONE
    hit = torch.zeros_like(objects)
    hit[rows, which[rows, places]] = True
    assert hit[objects].float().mean() > 0.99  # the rest have the middle of a smaller one in their own


def perfect(loss, target, classes):
    """What a detector that knows everything would put out."""
    which, found = loss.assign(target["boxes"], target["labels"])
    scores = torch.full((*found.shape, classes), -10.0)
    labels = target["labels"].gather(1, which)
    rows, places = found.nonzero(as_tuple=True)
    scores[rows, places, labels[rows, places]] = 10.0
    boxes = target["boxes"].gather(1, which[..., None].expand(-1, -1, 4))
    return scores, boxes, torch.full(found.shape, 10.0)


def test_perfect_answers_give_the_true_boxes_and_next_to_no_loss(detector):
    _, target = batch(range(20))
    loss = loss_of(detector)
    scores, boxes, centredness = perfect(loss, target, len(CLASSES))
    which, found = loss.assign(target["boxes"], target["labels"])
    for row, detections in enumerate(decode((scores, boxes, centredness), 64, 64)):
        wanted = {int(place) for place in which[row][found[row]]}
        assert len(detections.boxes) == len(wanted)
        for place in wanted:
            true, label = target["boxes"][row, place], target["labels"][row, place]
            same = (iou(detections.boxes, true[None])[:, 0] > 0.99) & (detections.labels == label)
            assert same.sum() == 1
    worse = loss((scores, boxes + 3.0, centredness), target)
    assert loss((scores, boxes, centredness), target) < worse
    assert loss((-scores, boxes, centredness), target) > worse


def test_a_street_with_nothing_on_it_has_a_loss_too(detector):
    pictures, target = batch([0, 1])
    target = {"boxes": torch.zeros_like(target["boxes"]), "labels": torch.full_like(target["labels"], NONE)}
    loss = loss_of(detector)(detector(pictures), target)
    loss.backward()
    assert loss.isfinite() and all(p.grad is not None and p.grad.isfinite().all() for p in detector.parameters())
    assert decode((torch.full((1, 5, 2), -10.0), torch.zeros(1, 5, 4), torch.zeros(1, 5)), 64, 64)[0].boxes.shape == (0, 4)


def test_a_few_scenes_are_learned_by_heart(detector):
    pictures, target = batch(range(4))
    loss, optimizer = loss_of(detector), torch.optim.AdamW(detector.parameters(), lr=3e-3)
    with dl.seeded(0):
        for _ in range(80):
            optimizer.zero_grad()
            loss(detector(pictures), target).backward()
            optimizer.step()
    detector.eval()
    found = missed = 0
    for row, detections in enumerate(decode(detector(pictures), 64, 64, least=0.3)):
        for true, label in zip(target["boxes"][row], target["labels"][row], strict=True):
            if label == NONE:
                continue
            hit = bool(((iou(detections.boxes, true[None])[:, 0] > 0.5) & (detections.labels == label)).any())
            found, missed = found + hit, missed + (not hit)
    assert found >= 4 * missed


def test_an_object_thinner_than_the_places_lie_apart_is_found_too(detector):
    target = {"boxes": torch.tensor([[[33.0, 20.0, 34.5, 30.0]]]), "labels": torch.tensor([[2]])}
    loss = loss_of(detector)
    _, found = loss.assign(target["boxes"], target["labels"])
    assert found.sum() >= 1
    assert iou(decode(perfect(loss, target, len(CLASSES)), 64, 64)[0].boxes, target["boxes"][0]).min() > 0.99


def test_the_loss_asks_for_the_overlap_of_the_box_that_was_said(detector):
    _, target = batch(range(6))
    loss = loss_of(detector)
    scores, boxes, overlap = perfect(loss, target, len(CLASSES))
    wide = torch.cat([boxes[..., :2], 2 * boxes[..., 2:] - boxes[..., :2]], -1)  # twice as wide and high: a quarter overlaps
    sure, unsure = (loss((scores, wide, torch.full_like(overlap, logit)), target) for logit in (5.0, math.log(0.25 / 0.75)))
    assert unsure < sure
