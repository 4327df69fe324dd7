"""Batches of tensors in memory: a pure function of (seed, epoch, position)."""

from collections.abc import Callable

import torch
from torch import Tensor

Augment = Callable[[Tensor], Tensor]
POOL = 16  # batches whose examples are sorted by length among each other


class TensorBatches:
    """Tensors that share their first dimension, cut into batches by index.

    shuffle: a new order each epoch, drawn from (seed, epoch).
    augment: applied to the first tensor of each batch; it draws from PyTorch's default generator,
        which the engine seeds for each step.

    The last batch of an epoch is smaller where the sizes do not divide.

    Raises: ValueError if the tensors are empty or of different lengths.

    >>> batches = TensorBatches(torch.arange(5), torch.arange(5), size=2)
    >>> len(batches), batches.batch(seed=0, epoch=0, position=2)
    (3, (tensor([4]), tensor([4])))
    """

    def __init__(self, *tensors: Tensor, size: int, shuffle: bool = False, augment: Augment | None = None) -> None:
        lengths = [len(tensor) for tensor in tensors]
        if not tensors or len(set(lengths)) > 1:
            raise ValueError(f"expected tensors of one length, got lengths {lengths}")
        if lengths[0] == 0:
            raise ValueError("there are no examples: the tensors have length 0")
        if size < 1:
            raise ValueError(f"a batch needs at least 1 example, got size={size}")
        self.tensors = tensors
        self.size = size
        self.shuffle = shuffle
        self.augment = augment
        self._order = torch.empty(0)
        self._order_of: tuple[int, int] | None = None

    def __len__(self) -> int:
        return -(-self.examples // self.size)

    @property
    def examples(self) -> int:
        """How many examples an epoch has."""
        return len(self.tensors[0])

    def batch(self, seed: int, epoch: int, position: int) -> tuple[Tensor, ...]:
        """Batch number `position` (from 0) of `epoch`."""
        return self.cut(seed, epoch, position * self.size, self.size)

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, ...]:
        """The `size` examples (fewer at the end) from number `start` of `epoch`."""
        if self.shuffle:
            if self._order_of != (seed, epoch):
                self._order, self._order_of = self._shuffled(seed, epoch), (seed, epoch)
            index = self._order[start : start + size]
            # Several times faster than tensor[index] where an example is large.
            batch = tuple([tensor.index_select(0, index) for tensor in self.tensors])
        else:
            batch = tuple([tensor[start : start + size] for tensor in self.tensors])
        return batch if self.augment is None else (self.augment(batch[0]), *batch[1:])

    def reader(self) -> "TensorBatches":
        """The same batches for another run, which keeps the order of an epoch of its own."""
        return TensorBatches(*self.tensors, size=self.size, shuffle=self.shuffle, augment=self.augment)

    def _shuffled(self, seed: int, epoch: int) -> Tensor:
        """The order of the examples in an epoch."""
        generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(self.examples, generator=generator).to(self.tensors[0].device)


def alike_together(lengths: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """An order, (N,) int64, in which examples of a like length come together, so that little of a batch is padding.

    lengths: (N,). Among POOL batches drawn at random the examples are sorted; then the batches come in any order. A batch that is
    smaller than `size` is the last.
    """
    order = torch.randperm(len(lengths), generator=generator)
    pools = [pool[lengths[pool].argsort(stable=True)] for pool in order.split(POOL * size)]
    batches = torch.cat(pools).split(size)
    turns = torch.randperm(len(batches), generator=generator).tolist()
    if len(batches[-1]) < size:
        turns = [turn for turn in turns if turn != len(batches) - 1] + [len(batches) - 1]
    return torch.cat([batches[turn] for turn in turns])
