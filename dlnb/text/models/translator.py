"""A translator: one Transformer reads the sentence, another writes it in the other language, looking back at the first."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import CrossAttention, KeyValues, SelfAttention
from .tokens import TokenTable

PADDING = 0  # the token that fills up short sentences


class Translator(nn.Module):
    """An encoder and a decoder, with layer norms before each part (Xiong et al. 2020, arXiv:2002.04745).

    source: (B, S) int64 below `source_vocabulary`, target: (B, T) int64 below `target_vocabulary`; where they are 0 there is
    only padding → logits (B, T, target_vocabulary) of the word that follows each position of `target`.

    Source: Vaswani et al. 2017, arXiv:1706.03762.
    """

    position: Tensor  # (context, C)

    def __init__(
        self, source_vocabulary: int, target_vocabulary: int, context: int = 64, width: int = 128, layers: int = 2,
        heads: int = 4, inner: int | None = None, dropout: float = 0.1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.context = context
        self.source_token = TokenTable(source_vocabulary, width)
        self.target_token = TokenTable(target_vocabulary, width)
        for table in (self.source_token, self.target_token):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.register_buffer("position", waves(context, width), persistent=False)
        self.dropout = nn.Dropout(dropout)
        inner = inner or 4 * width
        self.encoder = nn.ModuleList(EncoderBlock(width, heads, inner, dropout) for _ in range(layers))
        self.encoder_norm = nn.LayerNorm(width)
        self.decoder = nn.ModuleList(DecoderBlock(width, heads, inner, dropout) for _ in range(layers))
        self.decoder_norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, target_vocabulary, bias=False)
        self.head.weight = self.target_token.weight  # one row a word, for reading it and for saying it
        # Small at first: what was just written looks most like itself, and would be said again with great confidence.
        nn.init.constant_(self.decoder_norm.weight, width**-0.5)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """source: (B, S), target: (B, T) → logits (B, T, target_vocabulary)."""
        return self.write(target, self.read(source), source)

    def read(self, source: Tensor) -> Tensor:
        """source: (B, S) → what the encoder makes of each word, (B, S, C)."""
        x = self._embed(source, self.source_token)
        for block in self.encoder:
            x = block(x, _words(source))
        return self.encoder_norm(x)

    def write(self, target: Tensor, memory: Tensor, source: Tensor, cache: list[KeyValues] | None = None) -> Tensor:
        """target: (B, T), memory: `read(source)` → logits (B, T, target_vocabulary). cache: what came before `target`."""
        x = self._embed(target, self.target_token, cache[0].length if cache else 0)
        for number, block in enumerate(self.decoder):
            x = block(x, memory, _words(source), cache[number] if cache else None)
        return self.head(self.decoder_norm(x))

    def empty_cache(self) -> list[KeyValues]:
        """Room for the keys and values of each block of the decoder, so that no position is read twice."""
        return [KeyValues(self.context) for _ in self.decoder]

    def _embed(self, tokens: Tensor, table: nn.Embedding, begin: int = 0) -> Tensor:
        end = begin + tokens.shape[1]
        if end > self.context:
            raise ValueError(f"this translator holds {self.context} tokens of a sentence, got {end}: cut it, or give `context`")
        return self.dropout(math.sqrt(table.embedding_dim) * table(tokens) + self.position[begin:end])


class EncoderBlock(nn.Module):
    """x: (B, S, C) → (B, S, C): look at the whole sentence, then think about it."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.before_attention, self.before_thought = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.widen, self.shrink = nn.Linear(width, inner), nn.Linear(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: (B, S, C) → (B, S, C)."""
        x = x + self.dropout(self.attention(self.before_attention(x), mask))
        return x + self.dropout(self.shrink(F.relu(self.widen(self.before_thought(x)))))


class DecoderBlock(nn.Module):
    """x: (B, T, C) → (B, T, C): look at what is written, then at the source, then think about it."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.before_attention, self.before_source, self.before_thought = (nn.LayerNorm(width) for _ in range(3))
        self.attention = SelfAttention(width, heads, dropout, causal=True)
        self.source = CrossAttention(width, heads, dropout)
        self.widen, self.shrink = nn.Linear(width, inner), nn.Linear(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor, cache: KeyValues | None = None) -> Tensor:
        """x: (B, T, C), memory: (B, S, C) → (B, T, C)."""
        x = x + self.dropout(self.attention(self.before_attention(x), cache=cache))
        x = x + self.dropout(self.source(self.before_source(x), memory, mask))
        return x + self.dropout(self.shrink(F.relu(self.widen(self.before_thought(x)))))


def waves(context: int, width: int) -> Tensor:
    """Where a word stands, as waves of many lengths: (context, width). Source: Vaswani et al. 2017, section 3.5."""
    position = torch.arange(context)[:, None]
    lengths = 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([(position / lengths).sin(), (position / lengths).cos()], dim=2).flatten(1)[:, :width]


def _words(tokens: Tensor) -> Tensor:
    """Where there is a word and no padding, (B, 1, 1, S) bool."""
    return (tokens != PADDING)[:, None, None, :]
