"""What a model makes of the same few sounds each time: their pictures, what was said, and what it heard."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..preview import Captioned
from .features import as_numbers

Said = Callable[[nn.Module, Tensor], Sequence[str]]


class Heard:
    """The preview of a task of hearing. pictures: (N, T, MELS) uint8; truth: what is said in each; said: what a model makes of it."""

    def __init__(self, pictures: Tensor, truth: Sequence[str], said: Said) -> None:
        self.pictures, self.truth, self.said = pictures, tuple(truth), said

    def __call__(self, model: nn.Module) -> Captioned:
        """model: in eval mode, reads pictures (N, T, MELS) float."""
        device = next(model.parameters()).device
        with torch.no_grad():
            said = tuple(self.said(model, as_numbers(self.pictures).to(device)))
        right = np.array([one == true for one, true in zip(said, self.truth, strict=True)])
        return Captioned(upright(self.pictures), self.truth, said, right)


def shown(numbers: Tensor) -> Captioned:
    """The inputs of a batch (B, T, MELS), scaled as a model reads them, as pictures."""
    low, high = as_numbers(torch.tensor([0, 255], dtype=torch.uint8)).tolist()
    return Captioned(upright(((numbers - low) * (255 / (high - low))).round().clamp(0, 255).to(torch.uint8)))


def upright(pictures: Tensor) -> np.ndarray:
    """(N, T, MELS) uint8 → (N, MELS, T): time goes to the right, high sounds are at the top."""
    return np.ascontiguousarray(pictures.transpose(1, 2).flip(1).cpu().numpy())
