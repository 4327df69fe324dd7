"""A convolutional network for texts: it looks for short phrases, wherever they stand."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..tokenizers import UNKNOWN
from .tokens import TokenTable


class TextCNN(nn.Module):
    """Filters over one, three and five neighbouring words; of each filter only the place counts where it fits best.

    tokens: (B, T) int64, mask: (B, T) bool, False where there is only padding → logits (B, classes).
    word_dropout: the share of words that are hidden behind UNKNOWN while it learns (Iyyer et al. 2015).

    Source: Kim 2014, arXiv:1408.5882, also for how large the vectors of the words are at first.
    """

    def __init__(
        self, vocabulary: int, classes: int = 2, width: int = 64, filters: int = 64,
        lengths: tuple[int, ...] = (1, 3, 5), dropout: float = 0.5, word_dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        if not all(length % 2 for length in lengths):
            raise ValueError(f"the lengths of the filters must be odd, so that each has a word in its middle; got {lengths}")
        self.word_dropout = word_dropout
        self.token = TokenTable(vocabulary, width)
        nn.init.uniform_(self.token.weight, -0.25, 0.25)
        self.filters = nn.ModuleList(nn.Conv1d(width, filters, length, padding=length // 2) for length in lengths)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(filters * len(lengths), classes)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """tokens: (B, T) int64 → logits (B, classes)."""
        if self.training and self.word_dropout:
            hidden = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
            tokens = tokens.masked_fill(hidden, UNKNOWN)
        x = self.dropout(self.token(tokens))  # (B, T, C)
        if mask is not None:
            x = x * mask[..., None]
        found = [F.relu(filters(x.transpose(1, 2))) for filters in self.filters]  # each (B, filters, T)
        if mask is not None:
            found = [fits * mask[:, None] for fits in found]
        found = [fits.amax(dim=2) for fits in found]  # each (B, filters)
        return self.head(self.dropout(torch.cat(found, dim=1)))
