"""A Vision Transformer: the picture is cut into patches, and the patches are read like the words of a sentence."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class VisionTransformer(nn.Module):
    """Patches become vectors, every block lets all patches look at each other, and their mean decides.

    x: (B, channels, size, size) → logits (B, classes).

    Raises: ValueError if the picture cannot be cut into whole patches.
    Source: Dosovitskiy et al. 2021, arXiv:2010.11929; the mean instead of a token of its own: Beyer et al. 2022, arXiv:2205.01580.
    """

    def __init__(
        self, classes: int = 10, size: int = 28, channels: int = 1, patch: int = 4, width: int = 64, layers: int = 4,
        heads: int = 4, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        if size % patch:
            raise ValueError(f"a picture of {size}×{size} pixels cannot be cut into patches of {patch}×{patch}")
        self.expects = (channels, size, size)
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)  # (B, C, size/patch, size/patch)
        self.position = nn.Parameter(0.02 * torch.randn((size // patch) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, channels, size, size) float32 → logits (B, classes)."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.expects:
            raise ValueError(f"this VisionTransformer reads pictures of shape (B, {', '.join(map(str, self.expects))}), got {tuple(x.shape)}")
        x = self.patches(x).flatten(2).transpose(1, 2)  # (B, patches, C)
        x = self.norm(self.blocks(x + self.position))  # (B, patches, C)
        return self.head(x.mean(1))  # (B, classes)


class Block(nn.Module):
    """x: (B, T, C) → (B, T, C): look at all patches, then think about it; both are added to what was there."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads cannot share a width of {width}: it must be a multiple of their number")
        self.heads = heads
        self.before_attention, self.before_thought = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv, self.to_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, T, C) → (B, T, C)."""
        qkv = self.to_qkv(self.before_attention(x)).unflatten(2, (3, self.heads, -1))  # (B, T, 3, heads, C/heads)
        q, k, v = qkv.transpose(1, 3).unbind(2)  # each (B, heads, T, C/heads)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)  # (B, T, C)
        x = x + self.dropout(self.to_out(mixed))
        return x + self.dropout(self.shrink(F.gelu(self.widen(self.before_thought(x)))))
