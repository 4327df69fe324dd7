"""Windows of a series: what was, what is known of the time ahead, and what came."""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.batches import TensorBatches


class SeriesBatches:
    """Windows of several series of one length, cut by where their present is; nothing is copied before it is asked for.

    measured: (T, C) float32, the series that is forecast first. known: (T, D) float32, what is known ahead of time.
    presents: (N,) int64: the first step that is not known yet, for each window. behind, ahead: steps.
    A batch is (past (B, behind, C), known (B, ahead, D), what came (B, ahead)).

    Raises: ValueError if a window does not fit into the series.
    """

    def __init__(
        self, measured: Tensor, known: Tensor, presents: Tensor, behind: int, ahead: int, *, size: int, shuffle: bool = False
    ) -> None:
        if len(measured) != len(known) or measured.ndim != 2 or known.ndim != 2:
            raise ValueError(f"measured is {tuple(measured.shape)} and known {tuple(known.shape)}; expected (T, C) and (T, D)")
        if behind < 1 or ahead < 1:
            raise ValueError(f"behind and ahead must be 1 or more, got {behind} and {ahead}")
        if len(presents) and not behind <= int(presents.min()) <= int(presents.max()) <= len(measured) - ahead:
            raise ValueError(
                f"windows of {behind} steps behind and {ahead} ahead do not fit around {int(presents.min())} to "
                f"{int(presents.max())} in a series of {len(measured)} steps"
            )
        self.measured, self.known, self.behind, self.ahead = measured, known, behind, ahead
        self._presents = TensorBatches(presents, size=size, shuffle=shuffle)

    @property
    def size(self) -> int:
        """Windows in a batch."""
        return self._presents.size

    @size.setter
    def size(self, size: int) -> None:
        self._presents.size = size

    @property
    def examples(self) -> int:
        """How many windows an epoch has."""
        return self._presents.examples

    def __len__(self) -> int:
        return len(self._presents)

    def batch(self, seed: int, epoch: int, position: int) -> tuple[Tensor, Tensor, Tensor]:
        """Batch number `position` (from 0) of `epoch`."""
        return self.around(self._presents.batch(seed, epoch, position)[0])

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """The `size` windows (fewer at the end) from number `start` of `epoch`."""
        return self.around(self._presents.cut(seed, epoch, start, size)[0])

    def reader(self) -> SeriesBatches:
        """The same windows for another run."""
        presents = self._presents
        return SeriesBatches(
            self.measured, self.known, presents.tensors[0], self.behind, self.ahead, size=presents.size, shuffle=presents.shuffle
        )

    def around(self, presents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The windows around these presents, (B,) int64."""
        before = presents[:, None] + torch.arange(-self.behind, 0)
        after = presents[:, None] + torch.arange(self.ahead)
        return self.measured[before], self.known[after], self.measured[after, 0]
