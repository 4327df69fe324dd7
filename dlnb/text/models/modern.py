"""A GPT with what was found since GPT-2: it learns the same text in a fraction of the steps."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import KeyValues, join_heads, split_heads
from .tokens import TokenTable

CAP = 15.0  # no logit is larger


class ModernGPT(nn.Module):
    """As GPT, but: positions are turns of the queries and keys, which have length 1; norms have no weights; what a block adds is
    nothing at first; the thought is a squared ReLU; logits are capped.

    tokens: (B, T) int64 below `vocabulary`, T ≤ `context` → logits (B, T, vocabulary).
    linear: the kind of its matrices, such as `dlnb.fast.BFloat16Linear` where the processor multiplies those faster.

    Sources: rotary positions: Su et al. 2021, arXiv:2104.09864; norms of queries and keys: Henry et al. 2020, arXiv:2010.04245;
    squared ReLU: So et al. 2021, arXiv:2109.08668; capped logits: Gemma 2, arXiv:2408.00118.
    """

    turns: Tensor  # (context, C/heads/2) complex64

    def __init__(
        self, vocabulary: int, context: int = 64, width: int = 128, layers: int = 4, heads: int = 4, linear: type[nn.Linear] = nn.Linear,
    ) -> None:  # fmt: skip
        super().__init__()
        self.vocabulary, self.context = vocabulary, context
        self.token = TokenTable(vocabulary, width)
        self.blocks = nn.ModuleList(ModernBlock(width, heads, linear) for _ in range(layers))
        self.head = nn.Linear(width, vocabulary, bias=False)
        nn.init.zeros_(self.head.weight)
        speeds = 1000.0 ** -torch.linspace(0, 1, width // heads // 2)
        angles = torch.outer(torch.arange(context), speeds)  # (context, C/heads/2)
        self.register_buffer("turns", torch.polar(torch.ones_like(angles), angles), persistent=False)

    def forward(self, tokens: Tensor, cache: list[KeyValues] | None = None) -> Tensor:
        """tokens: (B, T) int64 → logits (B, T, vocabulary). cache: `empty_cache()`, filled with what came before `tokens`."""
        begin = cache[0].length if cache else 0
        if tokens.ndim != 2 or begin + tokens.shape[1] > self.context:
            raise ValueError(f"this GPT sees {self.context} tokens at once, (B, T); got {tuple(tokens.shape)} after {begin}: leave out the first ones")
        turns = self.turns[begin : begin + tokens.shape[1]]  # (T, C/heads/2)
        x = normed(self.token(tokens))  # (B, T, C)
        for number, block in enumerate(self.blocks):
            x = block(x, turns, cache[number] if cache else None)
        return CAP * torch.tanh(self.head(normed(x)) / CAP)  # (B, T, vocabulary)

    def empty_cache(self) -> list[KeyValues]:
        """Room for the keys and values of each block, so that no position is read twice."""
        return [KeyValues(self.context) for _ in self.blocks]


class ModernBlock(nn.Module):
    """x: (B, T, C) → (B, T, C): look to the left, then think about it."""

    def __init__(self, width: int, heads: int, linear: type[nn.Linear]) -> None:
        super().__init__()
        if width % (2 * heads):
            raise ValueError(f"{heads} heads cannot share a width of {width} in pairs: it must be a multiple of twice their number")
        self.heads = heads
        self.to_qkv = linear(width, 3 * width, bias=False)
        self.to_out = linear(width, width, bias=False)
        self.widen = linear(width, 4 * width, bias=False)
        self.shrink = linear(4 * width, width, bias=False)
        for matrix in (self.to_out, self.shrink):
            nn.init.zeros_(matrix.weight)

    def forward(self, x: Tensor, turns: Tensor, cache: KeyValues | None = None) -> Tensor:
        """x: (B, T, C), turns: (T, C/heads/2) → (B, T, C)."""
        q, k, v = (split_heads(part, self.heads) for part in self.to_qkv(normed(x)).chunk(3, dim=-1))
        q, k = turned(normed(q), turns), turned(normed(k), turns)  # (B, heads, T, C/heads)
        causal = True
        if cache is not None:
            k, v = cache.extend(k, v)
            causal = q.shape[2] == k.shape[2]
        mask = None
        if not causal and q.shape[2] > 1:
            mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=x.device).tril(k.shape[2] - q.shape[2])
        x = x + self.to_out(join_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)))
        return x + self.shrink(F.relu(self.widen(normed(x))).square())


def normed(x: Tensor) -> Tensor:
    """Each vector along the last dimension brought to the mean square 1."""
    return F.rms_norm(x, (x.shape[-1],))


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Pairs of numbers turned by the angles of their position: x (B, heads, T, D), turns (T, D/2) complex → (B, heads, T, D)."""
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2)
