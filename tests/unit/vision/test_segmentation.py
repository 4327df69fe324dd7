"""Segmentation: the loss is its formula, and intersection over union is scikit-learn's Jaccard score."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import jaccard_score

from dlnb.vision.segmentation import dice_loss, iou_metrics, ious, segmentation_loss


@pytest.fixture
def masks():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(3, (4, 8, 6), generator=generator), torch.randint(4, (4, 8, 6), generator=generator)


def test_intersection_over_union_is_scikit_learns_jaccard_score(masks):
    said, true = masks
    expected = jaccard_score(true.flatten(), said.flatten(), labels=range(4), average=None, zero_division=0)
    assert np.allclose(ious(said, true, 4), expected)
    metrics = iou_metrics(("background", "cat", "dog", "hen"))
    assert metrics["mean IoU"](said, true) == pytest.approx(expected.mean())
    assert metrics["IoU dog"](said.to(torch.uint8), true) == pytest.approx(expected[2])


def test_a_class_that_is_nowhere_does_not_count():
    none = torch.zeros(1, 2, 2, dtype=torch.long)
    assert ious(none, none, 2).isnan().tolist() == [False, True]
    assert iou_metrics(("background", "cat"))["mean IoU"](none, none) == 1.0


def test_dice_is_twice_the_common_over_both(masks):
    said, true = masks
    logits = 50.0 * F.one_hot(said, 4).permute(0, 3, 1, 2).float()  # as good as certain
    share = ious(said, true, 4)
    assert dice_loss(logits, true).item() == pytest.approx(1 - (2 * share / (1 + share)).mean().item(), abs=1e-6)
    assert dice_loss(50.0 * F.one_hot(true, 4).permute(0, 3, 1, 2).float(), true).item() == pytest.approx(0, abs=1e-6)


def test_the_loss_falls_where_the_truth_gets_likelier_and_refuses_masks_of_another_size(masks):
    _, true = masks
    logits = torch.zeros(4, 4, 8, 6, requires_grad=True)
    segmentation_loss(logits, true).backward()
    better = (logits - logits.grad).detach()
    assert segmentation_loss(better, true) < segmentation_loss(logits, true)
    with pytest.raises(ValueError, match=r"masks have the shape \(4, 4, 6\) but the model answers for \(4, 8, 6\)"):
        segmentation_loss(logits, true[:, :4])
