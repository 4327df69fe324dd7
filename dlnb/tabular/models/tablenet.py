"""A network for tables: each number gets an embedding, and a few small networks with shared weights agree."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PiecewiseLinear(nn.Module):
    """Numbers as embeddings: how far each has got through each of the bins of its column, then a linear layer a column.

    x: (B, F) → (B, F, width). A number in the middle of the third of four bins is (1, 1, 0.5, 0).
    edges: (F, bins + 1), rising; by default of a normal distribution, which suits columns of mean 0 and deviation 1.
    Source: Gorishniy, Rubachev & Babenko 2022, arXiv:2203.05556, section 3.2.
    """

    edges: Tensor

    def __init__(self, features: int, width: int = 8, bins: int = 8, edges: Tensor | None = None) -> None:
        super().__init__()
        if edges is None:
            inner = torch.special.ndtri(torch.arange(1, bins) / bins)
            edges = torch.cat([inner[:1] - 1.5, inner, inner[-1:] + 1.5]).repeat(features, 1)
        if edges.ndim != 2 or len(edges) != features or not (edges.diff(dim=1) > 0).all():
            raise ValueError(f"edges have shape {tuple(edges.shape)}; expected ({features}, bins + 1), each row rising")
        self.register_buffer("edges", edges)
        bins = edges.shape[1] - 1
        self.weight = nn.Parameter(torch.randn(features, bins, width) / bins**0.5)
        self.bias = nn.Parameter(torch.zeros(features, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F) → (B, F, width)."""
        low, high = self.edges[:, :-1], self.edges[:, 1:]
        through = (x[:, :, None] - low) / (high - low)  # (B, F, bins)
        # The outer bins go on for ever, so that what lies beyond all that was seen is not all the same.
        inner = through.clamp(0, 1)
        first = torch.minimum(through[..., :1], inner[..., :1].new_ones(()))
        last = torch.maximum(through[..., -1:], inner[..., :1].new_zeros(()))
        encoded = torch.cat([first, inner[..., 1:-1], last], dim=-1)
        return torch.einsum("bfk,fkw->bfw", encoded, self.weight) + self.bias


class TableNet(nn.Module):
    """An MLP over embedded columns beside a line through them, as `members` that share their weights and differ in their input.

    x: (B, F) float32 of mean 0 and deviation 1 → (B, members, outputs): the logits of the classes, or the quantity, by each
    member. Their mean is the answer: members err in different ways.
    Source: Gorishniy, Kotelnikov & Babenko 2024 (TabM-mini), arXiv:2410.24210.
    """

    def __init__(
        self, features: int, outputs: int, width: int = 64, members: int = 8, embedding: int = 8, dropout: float = 0.1,
        edges: Tensor | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embed = PiecewiseLinear(features, embedding, edges=edges)
        inner = features * embedding
        self.scale = nn.Parameter(torch.randint(2, (members, inner)) * 2.0 - 1.0)  # what makes one member another
        self.first, self.second = nn.Linear(inner, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.line = nn.Linear(features, outputs)
        for part in self.line.parameters():
            nn.init.zeros_(part)
        self.head = nn.Parameter(torch.zeros(members, width, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F) → (B, members, outputs)."""
        embedded = self.embed(x).flatten(1)  # (B, F · embedding)
        hidden = embedded[:, None] * self.scale  # (B, members, F · embedding)
        for layer in (self.first, self.second):
            hidden = self.dropout(F.relu(layer(hidden)))  # (B, members, width)
        return torch.einsum("bmw,mwo->bmo", hidden, self.head) + self.line(x)[:, None]
