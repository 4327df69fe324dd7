"""Whether probabilities mean what they say, and what makes them: of a hundred cases called "80 % sure", eighty should be so."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Reliability:
    """How sure, and how often right, in bins of the same width. sure, right: (bins,) shares, NaN in an empty bin; count: (bins,)."""

    sure: Tensor
    right: Tensor
    count: Tensor


def reliability(probabilities: Tensor, target: Tensor, bins: int = 10) -> Reliability:
    """The reliability diagram of answers. probabilities: (N, C); target: (N,) int64.

    Raises: ValueError if the shapes do not fit, or these are no probabilities.
    """
    if probabilities.ndim != 2 or target.shape != probabilities.shape[:1] or not len(target):
        raise ValueError(f"probabilities are {tuple(probabilities.shape)} and target {tuple(target.shape)}; expected (N, C) and (N,), N ≥ 1")
    if not (probabilities.min() >= 0 and (probabilities.sum(1) - 1).abs().max() < 1e-3):
        raise ValueError("each row must be probabilities that sum up to 1; give logits.softmax(1)")
    sure, said = probabilities.max(1)
    place = (sure * bins).long().clamp(max=bins - 1)
    count = torch.bincount(place, minlength=bins)
    mean = [torch.bincount(place, weights=column, minlength=bins) / count for column in (sure.double(), (said == target).double())]
    return Reliability(mean[0].float(), mean[1].float(), count)


def expected_calibration_error(probabilities: Tensor, target: Tensor, bins: int = 10) -> float:
    """The mean distance between how sure and how often right, each bin by how many are in it; in [0, 1].

    Source: Naeini, Cooper & Hauskrecht 2015; Guo et al. 2017, arXiv:1706.04599, equation 3. Raises: as `reliability`.
    """
    found = reliability(probabilities, target, bins)
    return float(((found.sure - found.right).abs().nan_to_num() * found.count).sum() / found.count.sum())


def temperature(logits: Tensor, target: Tensor) -> float:
    """The number by which to divide logits, so that the likelihood of the validation examples is greatest.

    logits: (N, C); target: (N,). Above 1 the model was too sure. It changes no answer, only how sure the model is.
    Source: Guo et al. 2017, arXiv:1706.04599, section 4.2.
    Raises: ValueError if logits are not finite, or the shapes do not fit.
    """
    if logits.ndim != 2 or target.shape != logits.shape[:1] or not len(target):
        raise ValueError(f"logits are {tuple(logits.shape)} and target {tuple(target.shape)}; expected (N, C) and (N,), N ≥ 1")
    if not torch.isfinite(logits).all():
        raise ValueError("logits must be finite numbers")
    logits = logits.double()
    # The loss has one valley along log T, so a search by thirds finds its floor.
    low, high = -5.0, 5.0
    for _ in range(60):
        thirds: Sequence[float] = (low + (high - low) / 3, high - (high - low) / 3)
        losses = [F.cross_entropy(logits * torch.exp(torch.tensor(-place, dtype=torch.float64)), target).item() for place in thirds]
        low, high = (low, thirds[1]) if losses[0] <= losses[1] else (thirds[0], high)
    return float(torch.exp(torch.tensor((low + high) / 2)))
