"""Attention: every position asks, every position it may see answers, and what it takes is a mix of the answers."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself.

    x: (B, T, C) → (B, T, C).
    mask: bool, broadcast to (B, heads, T, T), True where a position may be seen; none means everywhere.
    causal: position t sees the positions 0…t alone.
    cache: the keys and values of the positions before x; those of x are added to it.

    Raises: ValueError if the width is no multiple of the heads.
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, causal: bool = False) -> None:
        super().__init__()
        _refuse_unless_shared(width, heads)
        self.heads, self.dropout, self.causal = heads, dropout, causal
        self.to_qkv = nn.Linear(width, 3 * width)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: "KeyValues | None" = None) -> Tensor:
        """x: (B, T, C) → (B, T, C)."""
        q, k, v = (split_heads(part, self.heads) for part in self.to_qkv(x).chunk(3, dim=-1))  # (B, heads, T, C/heads)
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, heads, all positions so far, C/heads)
            mask = _seen_so_far(q, k) if self.causal else mask
        mixed = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=mask,
            is_causal=self.causal and cache is None,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.to_out(join_heads(mixed))


class CrossAttention(nn.Module):
    """Multi-head attention of one sequence to another, such as of a translation to its source.

    x: (B, T, C), memory: (B, S, C) → (B, T, C).
    mask: bool, broadcast to (B, heads, T, S), True where a position of the memory may be seen.

    Raises: ValueError if the width is no multiple of the heads.
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.3.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        _refuse_unless_shared(width, heads)
        self.heads, self.dropout = heads, dropout
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(width, 2 * width)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (B, T, C), memory: (B, S, C) → (B, T, C)."""
        q = split_heads(self.to_q(x), self.heads)  # (B, heads, T, C/heads)
        k, v = (split_heads(part, self.heads) for part in self.to_kv(memory).chunk(2, dim=-1))  # (B, heads, S, C/heads)
        dropout = self.dropout if self.training else 0.0
        return self.to_out(join_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)))


class KeyValues:
    """The keys and values of the positions that one layer has read, in memory allocated once; for writing, not for learning.

    context: how many positions there is room for.
    """

    def __init__(self, context: int) -> None:
        self.context = context
        self.length = 0
        self._keys = self._values = torch.empty(0)

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add those of the next T positions, (B, heads, T, C/heads); returns those of all positions so far."""
        batch, heads, more, size = keys.shape
        if not self.length:
            self._keys = keys.new_empty(batch, heads, self.context, size)
            self._values = torch.empty_like(self._keys)
        begin, self.length = self.length, self.length + more
        self._keys[:, :, begin : self.length] = keys
        self._values[:, :, begin : self.length] = values
        return self._keys[:, :, : self.length], self._values[:, :, : self.length]

    def reorder(self, rows: Tensor) -> None:
        """Go on with other rows of the batch: rows: (B',) int64, which ones."""
        self._keys, self._values = self._keys[rows], self._values[rows]


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, C) → (B, heads, T, C/heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, heads, T, C/heads) → (B, T, C)."""
    return x.transpose(1, 2).flatten(2)


def _refuse_unless_shared(width: int, heads: int) -> None:
    if width % heads:
        raise ValueError(f"{heads} heads cannot share a width of {width}: it must be a multiple of their number")


def _seen_so_far(q: Tensor, k: Tensor) -> Tensor | None:
    """The causal mask (T, S) of the last T of S positions; None where the only one asked for sees them all."""
    asked, all_ = q.shape[-2], k.shape[-2]
    return None if asked == 1 else torch.ones(asked, all_, dtype=torch.bool, device=q.device).tril(all_ - asked)
