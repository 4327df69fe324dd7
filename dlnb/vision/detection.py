"""How a detector learns, and how its many answers become a few boxes."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .boxes import area, giou, iou, nms

RADIUS = 1.5  # places from the middle of an object, in strides, that are to find it
MOST_PLACES = 300  # the surest places of a picture, which are compared with each other
NONE = -1  # the label that fills up the list of a picture with fewer objects
EDGES = 2.0  # the weight of where the edges are, beside what is there

Output = tuple[Tensor, Tensor, Tensor]  # see Detector.forward


def focal_loss(logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Cross-entropy in which what is answered well hardly counts; the sum over all elements.

    logits, targets: of one shape; targets in [0, 1].
    Source: Lin, Goyal, Girshick, He & Dollár 2017, arXiv:1708.02002.
    """
    probabilities = logits.sigmoid()
    wrong = (targets - probabilities).abs()
    weight = (alpha * targets + (1 - alpha) * (1 - targets)) * wrong**gamma
    return (weight * F.binary_cross_entropy_with_logits(logits, targets, reduction="none")).sum()


class DetectionLoss:
    """What is there (focal loss), where its edges are (GIoU), and how good the box is (binary cross-entropy with its IoU).

    places: of each floor, (places, 2), as `Detector.places` gives them. strides: of each floor, in pixels.
    Called with what the detector puts out and {"boxes": (B, N, 4), "labels": (B, N)}, where the label -1 is no object.

    Source: Tian, Shen, Chen & He 2019, arXiv:1904.01355, section 3; places near the middle only: its later version, arXiv:2006.09214;
        the overlap in the place of the centredness: Wu, Li & Wang 2020, arXiv:1912.05992.
    """

    def __init__(self, places: list[Tensor], strides: tuple[int, ...]) -> None:
        self.places = torch.cat(places)  # (P, 2)
        floors = [torch.full((len(at),), float(stride)) for at, stride in zip(places, strides, strict=True)]
        self.stride = torch.cat(floors)  # (P,)
        # An object belongs to the floor on which it is four to eight strides wide or high; the smallest and the largest to the ends.
        self.least = torch.where(self.stride == strides[0], 0.0, 4 * self.stride)
        self.most = torch.where(self.stride == strides[-1], torch.inf, 8 * self.stride)

    def to(self, device: torch.device) -> None:
        """Have its tensors where the answers are."""
        if self.places.device != device:
            for name in ("places", "stride", "least", "most"):
                setattr(self, name, getattr(self, name).to(device))

    def assign(self, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Which object each place is to find: boxes (B, N, 4), labels (B, N) → places in the list (B, P), and whether any."""
        at, stride = self.places[None, :, None, :], self.stride[None, :, None]  # (1, P, 1, 2), (1, P, 1)
        box = boxes[:, None]  # (B, 1, N, 4)
        inside = ((at > box[..., :2]) & (at < box[..., 2:])).all(-1)  # (B, P, N)
        far = (at - (box[..., :2] + box[..., 2:]) / 2).abs().amax(-1) / stride  # (B, P, N), from the middle, in strides
        # The nearest place of all, too: an object may be thinner than the places lie apart.
        near = (far <= 0.5) | (inside & (far < RADIUS))
        size = (box[..., 2:] - box[..., :2]).amax(-1)  # (B, 1, N)
        fits = (size >= self.least[None, :, None]) & (size < self.most[None, :, None])
        may = near & fits & (labels[:, None] != NONE)  # (B, P, N)
        smallest = area(boxes)[:, None].masked_fill(~may, torch.inf)
        least, which = smallest.min(-1)  # of several, the smallest
        return which, least.isfinite()

    def __call__(self, output: Output, target: Any) -> Tensor:
        """The loss of a batch, a scalar."""
        scores, boxes, overlap = output
        self.to(scores.device)
        which, found = self.assign(target["boxes"], target["labels"])
        labels = target["labels"].gather(1, which)[found]  # (K,), K places that are to find something
        wanted = torch.zeros_like(scores)
        wanted[found] = F.one_hot(labels, scores.shape[-1]).to(scores)
        loss = focal_loss(scores, wanted) / max(1, len(labels))
        if not len(labels):
            return loss + 0 * (boxes.sum() + overlap.sum())
        true = target["boxes"].gather(1, which[..., None].expand(-1, -1, 4))[found]  # (K, 4)
        mine = boxes[found]
        edges = (1 - giou(mine, true)).mean()
        common = iou(mine.detach()[:, None], true[:, None])[:, 0, 0]  # (K,)
        return loss + EDGES * edges + F.binary_cross_entropy_with_logits(overlap[found], common)


@dataclass(frozen=True)
class Detections:
    """What was found in one picture, the surest first. boxes: (K, 4), scores: (K,) in [0, 1], labels: (K,)."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor


@torch.no_grad()
def decode(output: Output, height: int, width: int, least: float = 0.1, threshold: float = 0.5, most: int = 100) -> list[Detections]:
    """The detections in each picture of a batch of pictures of height × width pixels.

    least: scores below it are dropped. threshold: of `boxes.nms`. most: detections of one picture.
    """
    scores, boxes, overlap = output
    sure = (scores.sigmoid() * overlap.sigmoid()[..., None]).sqrt()  # (B, P, classes)
    limit = torch.tensor([width, height, width, height], device=boxes.device)
    result = []
    for score, box in zip(sure, boxes, strict=True):
        place, label = (score > least).nonzero(as_tuple=True)
        found = score[place, label]
        if len(found) > MOST_PLACES:
            found, best = found.topk(MOST_PLACES)
            place, label = place[best], label[best]
        clipped = torch.minimum(box[place].clamp(min=0), limit)
        kept = nms(clipped, found, label, threshold)[:most]
        result.append(Detections(clipped[kept], found[kept], label[kept]))
    return result
