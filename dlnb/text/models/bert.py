"""BERT: a Transformer that reads a whole text at once, to both sides, and learns by filling in what was hidden."""

from collections.abc import Callable
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import SelfAttention
from .initial import small_normal
from .tokens import TokenTable


class BERT(nn.Module):
    """An encoder: token, position and kind are added up, every block mixes all positions, the head says what stood there.

    tokens: (B, T) int64 below `vocabulary`, T ≤ `context` → logits (B, T, vocabulary).
    mask: (B, T) bool, False where there is only padding; none means that all is text.
    kinds: (B, T) int64 below `kinds`, to which of two texts a token belongs; none means all to the first.

    Published weights fit: `BERT.from_pretrained("bert-base-uncased")`.
    Source: Devlin, Chang, Lee & Toutanova 2019, arXiv:1810.04805.
    """

    def __init__(
        self, vocabulary: int, context: int = 64, width: int = 128, layers: int = 4, heads: int = 4, dropout: float = 0.1,
        inner: int | None = None, activation: Callable[[Tensor], Tensor] = F.gelu, eps: float = 1e-12, kinds: int = 2,
        tied: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.vocabulary, self.context, self.width, self.activation = vocabulary, context, width, activation
        self.token = TokenTable(vocabulary, width)
        self.position = nn.Embedding(context, width)
        self.kind = nn.Embedding(kinds, width)
        self.norm = nn.LayerNorm(width, eps)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(width, heads, dropout, inner or 4 * width, activation, eps) for _ in range(layers)
        )
        self.guess = nn.Linear(width, width)
        self.guess_norm = nn.LayerNorm(width, eps)
        self.head = nn.Linear(width, vocabulary)
        if tied:
            self.head.weight = self.token.weight
        self.apply(small_normal)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, kinds: Tensor | None = None) -> Tensor:
        """tokens: (B, T) int64 → logits (B, T, vocabulary) of what stands at each position."""
        x = self.read(tokens, mask, kinds)  # (B, T, C)
        return self.head(self.guess_norm(self.activation(self.guess(x))))  # (B, T, vocabulary)

    def read(self, tokens: Tensor, mask: Tensor | None = None, kinds: Tensor | None = None) -> Tensor:
        """tokens: (B, T) int64 → what the last block makes of each position, (B, T, C)."""
        self._check(tokens)
        positions = torch.arange(tokens.shape[1], device=tokens.device)  # (T,)
        kinds = torch.zeros_like(tokens) if kinds is None else kinds
        x = self.dropout(self.norm(self.token(tokens) + self.position(positions) + self.kind(kinds)))  # (B, T, C)
        seen = None if mask is None else mask[:, None, None, :].bool()  # (B, 1, 1, T)
        for block in self.blocks:
            x = block(x, seen)
        return x

    @classmethod
    def from_pretrained(cls, name: str | PathLike[str]) -> "BERT":
        """BERT with published weights. name: a folder, or a name on the Hugging Face hub, such as "bert-base-uncased".

        Raises: `dlnb.text.pretrained.PretrainedError` in words if the checkpoint cannot be had, or is of another model.
        """
        from ..pretrained import load_bert

        return load_bert(cls, name)

    def _check(self, tokens: Tensor) -> None:
        if tokens.ndim != 2:
            raise ValueError(f"this BERT reads tokens of shape (B, T), got {tuple(tokens.shape)}")
        if tokens.shape[1] > self.context:
            raise ValueError(f"this BERT reads {self.context} tokens at once, got {tokens.shape[1]}: cut the text")


class Block(nn.Module):
    """x: (B, T, C) → (B, T, C): look at all positions, then think about it; the sum is normalised after each."""

    def __init__(
        self, width: int, heads: int, dropout: float, inner: int, activation: Callable[[Tensor], Tensor], eps: float
    ) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads, dropout)
        self.after_attention = nn.LayerNorm(width, eps)
        self.widen = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)
        self.after_thought = nn.LayerNorm(width, eps)
        self.dropout = nn.Dropout(dropout)
        self.activation = activation

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (B, T, C) → (B, T, C)."""
        x = self.after_attention(x + self.dropout(self.attention(x, mask)))
        return self.after_thought(x + self.dropout(self.shrink(self.activation(self.widen(x)))))


class BERTClassifier(nn.Module):
    """A BERT that is fine-tuned to say of which class a text is: one layer on what it makes of the first position.

    tokens: (B, T) int64, mask: (B, T) bool → logits (B, classes).
    Source: Devlin, Chang, Lee & Toutanova 2019, arXiv:1810.04805, section 3.2.
    """

    def __init__(self, bert: BERT, classes: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.bert = bert
        for parameter in (*bert.guess.parameters(), *bert.guess_norm.parameters(), bert.head.bias):
            parameter.requires_grad_(False)  # nobody asks for hidden words any more
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(bert.width, classes)
        self.head.apply(small_normal)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """tokens: (B, T) int64 → logits (B, classes)."""
        return self.head(self.dropout(self.bert.read(tokens, mask)[:, 0]))
