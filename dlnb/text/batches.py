"""Batches of texts: a pure function of (seed, epoch, position), as all batches are, and no longer than their longest text."""

import torch
from torch import Tensor

from ..data.batches import TensorBatches, alike_together
from .tokenizers import MASK, PADDING, SPECIAL

IGNORED = -100  # the target where nothing is asked, as PyTorch's cross-entropy has it


class TextBatches(TensorBatches):
    """Texts with what is said of each: `(tokens, mask, target)`.

    tokens: (N, T) int64, filled up with PADDING; mask: (B, T) bool, True where there is text; target: (N, …).
    shuffle: a new order each epoch, in which texts of a like length come together; their batches are then as short as they
        can be. Without it every batch is as long as the longest text of all.
    """

    def __init__(self, *tensors: Tensor, size: int, shuffle: bool = False) -> None:
        super().__init__(*tensors, size=size, shuffle=shuffle)
        self.lengths = sum(((tensor != PADDING).sum(1) for tensor in tensors if tensor.ndim == 2), torch.tensor(0))

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, ...]:
        """The `size` texts (fewer at the end) from number `start` of `epoch`."""
        tokens, target = super().cut(seed, epoch, start, size)
        tokens = self._short(tokens)
        return tokens, tokens != PADDING, target

    def reader(self) -> "TextBatches":
        """The same batches for another run, which keeps the order of an epoch of its own."""
        return type(self)(*self.tensors, size=self.size, shuffle=self.shuffle)

    def _short(self, tokens: Tensor) -> Tensor:
        """(B, T) → (B, T'), without the columns that are padding in every row."""
        return tokens[:, : max(1, int((tokens != PADDING).sum(1).max()))] if self.shuffle else tokens

    def _shuffled(self, seed: int, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
        return alike_together(self.lengths, self.size, generator)


class PairBatches(TextBatches):
    """Sentences and their translations: `(source, written, next)`, in which `next` is what follows each token of `written`.

    source: (N, S), target: (N, T) int64, filled up with PADDING; the target with its START and END.
    """

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, ...]:
        """The `size` pairs (fewer at the end) from number `start` of `epoch`."""
        source, target = super(TextBatches, self).cut(seed, epoch, start, size)
        source, target = self._short(source), self._short(target)
        return source, target[:, :-1], target[:, 1:]


class MaskedBatches(TextBatches):
    """Texts in which some tokens are hidden, and what stood there: `(tokens, mask, target)`.

    tokens: (N, T) int64. vocabulary: its size. share: of the tokens that are asked for; of these 80 % are hidden behind MASK,
    10 % are replaced by any other and 10 % left as they are. The target is IGNORED everywhere else.

    Source: Devlin, Chang, Lee & Toutanova 2019, arXiv:1810.04805, section 3.1.
    """

    def __init__(self, tokens: Tensor, *, vocabulary: int, size: int, shuffle: bool = False, share: float = 0.15) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"the share of hidden tokens must be above 0 and at most 1, got {share}")
        super().__init__(tokens, size=size, shuffle=shuffle)
        self.vocabulary, self.share = vocabulary, share

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, ...]:
        """The `size` texts (fewer at the end) from number `start` of `epoch`; what is hidden is drawn anew each epoch."""
        (tokens,) = super(TextBatches, self).cut(seed, epoch, start, size)
        tokens = self._short(tokens)
        text = tokens != PADDING
        generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch * 7919 + start) % 2**63)
        chance, kind = torch.rand(2, *tokens.shape, generator=generator)
        asked = text & (chance < self.share)
        lowest = chance.masked_fill(~text, 2.0)
        asked |= (lowest == lowest.amin(1, keepdim=True)) & ~asked.any(1, keepdim=True)  # one in each text at least
        others = torch.randint(len(SPECIAL), self.vocabulary, tokens.shape, generator=generator)
        target = tokens.masked_fill(~asked, IGNORED)
        hidden = tokens.masked_fill(asked & (kind < 0.8), MASK)
        return torch.where(asked & (kind >= 0.9), others, hidden), text, target

    def reader(self) -> "MaskedBatches":
        """See `TextBatches.reader`."""
        return MaskedBatches(
            *self.tensors, vocabulary=self.vocabulary, size=self.size, shuffle=self.shuffle, share=self.share
        )
