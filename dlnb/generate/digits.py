"""The real pictures from which drawing is learned: scikit-learn's handwritten digits, and pictures with noise on them."""

import numpy as np
import torch
from torch import Tensor

from ..data.batches import TensorBatches
from ..data.digits import read_digits
from .paths import Path

DROPPED = 0.1  # of the classes that are kept from the model, so that it learns to draw without one too


def parts_of_digits(seed: int) -> list[tuple[Tensor, Tensor]]:
    """Pictures and labels to learn from (70 %), to validate (10 %) and to test (20 %), drawn by the seed."""
    pictures, labels = read_digits()
    order = torch.from_numpy(np.random.RandomState(seed).permutation(len(labels)))
    ends = [0, round(0.7 * len(order)), round(0.8 * len(order)), len(order)]
    return [(pictures[order[a:b]], labels[order[a:b]]) for a, b in zip(ends, ends[1:], strict=False)]


class NoisedBatches(TensorBatches):
    """Pictures somewhere on their way to noise: (x, t, label), and the velocity there; a pure function of (seed, epoch, position).

    pictures: (N, C, H, W) float32 in [0, 1]; labels: (N,) int64 below `classes`. In what is learned from (`learn`) order, times
    and noise are drawn anew for each epoch, and one class in ten is replaced by `classes`, which stands for none; elsewhere all
    of it is the same each time. The times of a batch are spread evenly over [0, 1], each a little off its place.

    Raises: ValueError if the pictures are not in [0, 1].
    """

    def __init__(self, pictures: Tensor, labels: Tensor, *, classes: int, path: Path, size: int, learn: bool = False) -> None:
        if not bool(((pictures >= 0) & (pictures <= 1)).all()):
            raise ValueError("pictures must be numbers from 0 to 1; some are NaN or outside")
        super().__init__(pictures, labels, size=size, shuffle=learn)
        self.classes, self.path, self.learn = classes, path, learn

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, ...]:
        """The `size` pictures (fewer at the end) from number `start` of `epoch`."""
        if not self.learn:
            seed = epoch = 0
        pictures, labels = super().cut(seed, epoch, start, size)
        generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch * 7_919 + start) % 2**63)
        count = len(labels)
        t = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
        x, velocity = self.path.noised(2 * pictures - 1, torch.randn(pictures.shape, generator=generator), t)
        if self.learn:
            labels = torch.where(torch.rand(count, generator=generator) < DROPPED, self.classes, labels)
        return x, t, labels, velocity

    def reader(self) -> "NoisedBatches":
        """The same pictures for another run."""
        pictures, labels = self.tensors
        return NoisedBatches(pictures, labels, classes=self.classes, path=self.path, size=self.size, learn=self.learn)
