"""GPT: a Transformer that reads from left to right and says, at each position, what may come next."""

import math
from collections.abc import Callable
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import KeyValues, SelfAttention
from .initial import small_normal
from .tokens import TokenTable


class GPT(nn.Module):
    """A decoder: token and position are added up, every block mixes what stands to the left, the head says what comes next.

    tokens: (B, T) int64 below `vocabulary`, T ≤ `context` → logits (B, T, vocabulary).

    The plan, and the names of the sizes, are GPT-2's, so that its published weights fit: `GPT.from_pretrained("gpt2")`.
    Source: Radford et al. 2019, Language models are unsupervised multitask learners.
    """

    def __init__(
        self, vocabulary: int, context: int = 64, width: int = 128, layers: int = 4, heads: int = 4, dropout: float = 0.0,
        inner: int | None = None, activation: Callable[[Tensor], Tensor] = F.gelu, eps: float = 1e-5, tied: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.vocabulary, self.context = vocabulary, context
        self.token = TokenTable(vocabulary, width)
        self.position = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(width, heads, dropout, inner or 4 * width, activation, eps) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width, eps)
        self.head = nn.Linear(width, vocabulary, bias=False)
        if tied:  # one row a token, for reading it and for saying it (Press & Wolf 2017, arXiv:1608.05859)
            self.head.weight = self.token.weight
        self.apply(small_normal)
        for name, weight in self.named_parameters():  # the more blocks add to the stream, the less each adds at first
            if name.endswith(("to_out.weight", "shrink.weight")):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers))

    def forward(self, tokens: Tensor, cache: list[KeyValues] | None = None) -> Tensor:
        """tokens: (B, T) int64 → logits (B, T, vocabulary). cache: `empty_cache()`, filled with what came before `tokens`."""
        begin = cache[0].length if cache else 0
        self._check(tokens, begin)
        positions = torch.arange(begin, begin + tokens.shape[1], device=tokens.device)  # (T,)
        x = self.dropout(self.token(tokens) + self.position(positions))  # (B, T, C)
        for number, block in enumerate(self.blocks):
            x = block(x, cache[number] if cache else None)
        return self.head(self.norm(x))  # (B, T, vocabulary)

    def empty_cache(self) -> list[KeyValues]:
        """Room for the keys and values of each block, so that no position is read twice."""
        return [KeyValues(self.context) for _ in self.blocks]

    @classmethod
    def from_pretrained(cls, name: str | PathLike[str]) -> "GPT":
        """GPT-2 with published weights. name: a folder, or a name on the Hugging Face hub, such as "gpt2".

        Raises: `dlnb.text.pretrained.PretrainedError` in words if the checkpoint cannot be had, or is of another model.
        """
        from ..pretrained import load_gpt

        return load_gpt(cls, name)

    def _check(self, tokens: Tensor, begin: int) -> None:
        if tokens.ndim != 2:
            raise ValueError(f"this GPT reads tokens of shape (B, T), got {tuple(tokens.shape)}")
        if begin + tokens.shape[1] > self.context:
            raise ValueError(f"this GPT sees {self.context} tokens at once, got {begin + tokens.shape[1]}: leave out the first ones")


class Block(nn.Module):
    """x: (B, T, C) → (B, T, C): look to the left, then think about it; both are added to what was there."""

    def __init__(
        self, width: int, heads: int, dropout: float, inner: int, activation: Callable[[Tensor], Tensor], eps: float
    ) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(width, eps)
        self.attention = SelfAttention(width, heads, dropout, causal=True)
        self.before_thought = nn.LayerNorm(width, eps)
        self.widen = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)
        self.dropout = nn.Dropout(dropout)
        self.activation = activation

    def forward(self, x: Tensor, cache: KeyValues | None = None) -> Tensor:
        """x: (B, T, C) → (B, T, C)."""
        x = x + self.dropout(self.attention(self.before_attention(x), cache=cache))
        return x + self.dropout(self.shrink(self.activation(self.widen(self.before_thought(x)))))
