"""How a segmentation learns and how it is judged: cross-entropy and Dice; intersection over union."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 - Dice: how far what is said and what is true are from covering each other, the mean over the classes that occur.

    logits: (B, C, H, W), target: (B, H, W) int64 → a scalar in [0, 1]. Counted over the whole batch, so that a
    class weighs the same however small it is.

    Source: Milletari, Navab & Ahmadi 2016, arXiv:1606.04797, with the sums in place of the squares below the line.
    """
    said = logits.softmax(dim=1).transpose(0, 1).flatten(1)  # (C, B·H·W)
    true = F.one_hot(target, logits.shape[1]).permute(3, 0, 1, 2).flatten(1).to(said)
    common, both, size = (said * true).sum(1), said.sum(1) + true.sum(1), true.sum(1)
    dice = 2 * common / both.clamp(min=1e-9)
    return 1 - dice[size > 0].mean()


def segmentation_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy, which wants each pixel right, and Dice, which wants each class covered; a scalar.

    logits: (B, C, H, W), target: (B, H, W) int64.

    Raises: ValueError if the target has another size than the picture.
    """
    if target.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f"the masks have the shape {tuple(target.shape)} but the model answers for {(logits.shape[0], *logits.shape[2:])}"
        )
    return F.cross_entropy(logits, target) + dice_loss(logits, target)


def ious(said: Tensor, true: Tensor, classes: int) -> Tensor:
    """Intersection over union of each class over all pixels: (…), (…) whole numbers → (classes,) float64.

    NaN where a class is neither said nor true anywhere.
    """
    pairs = torch.bincount(classes * true.flatten().long() + said.flatten().long(), minlength=classes**2)
    table = pairs.view(classes, classes).double()  # true × said
    common = table.diagonal()
    return common / (table.sum(0) + table.sum(1) - common)  # 0/0 is NaN


def iou_metrics(classes: tuple[str, ...]) -> dict[str, Callable[[Tensor, Tensor], float]]:
    """The mean over the classes that occur, and each class: metrics of the classes said (N, H, W) and true (N, H, W)."""

    def of(label: int) -> Callable[[Tensor, Tensor], float]:
        return lambda said, true: ious(said, true, len(classes))[label].item()

    return {"mean IoU": lambda said, true: ious(said, true, len(classes)).nanmean().item()} | {
        f"IoU {name}": of(label) for label, name in enumerate(classes) if label
    }
