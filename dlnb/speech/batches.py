"""Batches of sounds of different lengths: a pure function of (seed, epoch, position), as all batches are."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..data.batches import TensorBatches, alike_together
from .features import as_numbers
from .models.listener import STRIDE

LATE = 4  # frames of 10 ms


class SoundBatches(TensorBatches):
    """Pictures of sounds and what is true of them: `(numbers, target)`.

    pictures: (N, T, MELS) uint8, filled up with 0. lengths: (N,) int64, their frames. target: (N, …).
    shuffle: a new order each epoch, in which sounds of a like length come together, and each batch is as short as it can be.
    shortest_first: go from the shortest to the longest in the first epoch, as what is short is learned more easily.
    vary: of the pictures of a batch, makes what the model reads; without it they are only scaled.

    Source: from short to long: Amodei et al. 2016, Deep Speech 2, arXiv:1512.02595, section 3.2.
    """

    def __init__(
        self, pictures: Tensor, lengths: Tensor, target: Tensor, *, size: int, shuffle: bool = False,
        shortest_first: bool = False, vary: Callable[[Tensor], Tensor] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(pictures, lengths, target, size=size, shuffle=shuffle)
        self.shortest_first, self.vary = shortest_first, vary

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, ...]:
        """The `size` sounds (fewer at the end) from number `start` of `epoch`."""
        pictures, lengths, target = super().cut(seed, epoch, start, size)
        if self.shuffle:
            pictures = pictures[:, : int(lengths.max())]
        return self._read(pictures), target

    def _read(self, pictures: Tensor) -> Tensor:
        return (as_numbers if self.vary is None else self.vary)(pictures)

    def reader(self) -> Any:
        """The same batches for another run, which keeps the order of an epoch of its own."""
        return type(self)(*self.tensors, size=self.size, shuffle=self.shuffle, shortest_first=self.shortest_first, vary=self.vary)

    def _shuffled(self, seed: int, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
        if self.shortest_first and epoch == 0:
            order = torch.randperm(self.examples, generator=generator)
            return order[self.tensors[1][order].argsort(stable=True)]
        return alike_together(self.tensors[1], self.size, generator)


class AlignedBatches(SoundBatches):
    """The same where it is known which phoneme sounds when: `(numbers, {"said": (B, …), "phonemes": (B, T // STRIDE)})`.

    phonemes: (N, T) uint8. A model is asked for the one that sounded LATE frames before, as what follows tells much of it.
    """

    def __init__(
        self, pictures: Tensor, lengths: Tensor, target: Tensor, phonemes: Tensor, *, size: int, shuffle: bool = False,
        shortest_first: bool = False, vary: Callable[[Tensor], Tensor] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(pictures, lengths, target, size=size, shuffle=shuffle, shortest_first=shortest_first, vary=vary)
        self.tensors = (*self.tensors, phonemes)

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Any, ...]:
        """The `size` sounds (fewer at the end) from number `start` of `epoch`."""
        pictures, lengths, target, phonemes = super(SoundBatches, self).cut(seed, epoch, start, size)
        before = int(lengths.max()) if self.shuffle else pictures.shape[1]
        numbers = self._read(pictures[:, :before])
        steps = torch.arange(numbers.shape[1] // STRIDE) * STRIDE - LATE  # frames, before which it was another length
        places = (steps * before / numbers.shape[1]).round().long().clamp(0, before - 1)
        return numbers, {"said": target, "phonemes": phonemes[:, places].long()}
