"""A long row of tokens, cut into windows: a pure function of (seed, epoch, position), as all batches are."""

import torch
from torch import Tensor


class Windows:
    """Windows of `length` tokens, each with the tokens that follow: (B, length), (B, length) int64.

    tokens: (N,) int64. size: windows in a batch.
    shuffle: in an order, and cut at places, that are drawn anew for each epoch; else one after the other from the first
        token on, and fewer than `length` tokens at the end are left out.

    Raises: ValueError if there are too few tokens for one window.

    >>> windows = Windows(torch.arange(10), length=4, size=2)
    >>> windows.batch(seed=0, epoch=0, position=0)[1]
    tensor([[1, 2, 3, 4],
            [5, 6, 7, 8]])
    """

    def __init__(self, tokens: Tensor, *, length: int, size: int, shuffle: bool = False) -> None:
        if length < 1 or size < 1:
            raise ValueError(f"a window needs at least 1 token and a batch 1 window, got length={length} and size={size}")
        if tokens.ndim != 1 or len(tokens) < length + 1:
            raise ValueError(f"expected a row of {length + 1} tokens or more, got the shape {tuple(tokens.shape)}")
        self.tokens, self.length, self.size, self.shuffle = tokens, length, size, shuffle
        self._starts = torch.empty(0)
        self._starts_of: tuple[int, int] | None = None

    def __len__(self) -> int:
        return -(-self.examples // self.size)

    @property
    def examples(self) -> int:
        """How many windows an epoch has."""
        return (len(self.tokens) - 1 - self._shifts) // self.length

    def batch(self, seed: int, epoch: int, position: int) -> tuple[Tensor, Tensor]:
        """Batch number `position` (from 0) of `epoch`."""
        return self.cut(seed, epoch, position * self.size, self.size)

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, Tensor]:
        """The `size` windows (fewer at the end) from number `start` of `epoch`."""
        key = (seed, epoch) if self.shuffle else (0, 0)
        if self._starts_of != key:
            self._starts, self._starts_of = self._begin(*key), key
        index = self._starts[start : start + size, None] + torch.arange(self.length + 1)  # (B, length + 1)
        windows = self.tokens[index.to(self.tokens.device)]
        return windows[:, :-1], windows[:, 1:]

    def reader(self) -> "Windows":
        """The same windows for another run, which keeps the order of an epoch of its own."""
        return Windows(self.tokens, length=self.length, size=self.size, shuffle=self.shuffle)

    @property
    def _shifts(self) -> int:
        """By how many tokens the windows may be shifted."""
        return min(self.length - 1, len(self.tokens) - 1 - self.length) if self.shuffle else 0

    def _begin(self, seed: int, epoch: int) -> Tensor:
        """Where each window of an epoch begins."""
        starts = torch.arange(self.examples) * self.length
        if not self.shuffle:
            return starts
        generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
        shift = torch.randint(self._shifts + 1, (), generator=generator)
        return starts[torch.randperm(self.examples, generator=generator)] + shift
