"""A network that decides: it looks at the other cars, as many as there are, and says how good each action is."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLOSED = -30.0  # the score of an action that cannot be taken


class Policy(nn.Module):
    """The own car asks, the others answer: attention over cars, then a decision.

    cars: (B, 1 + N, features), the own one first; a car's first feature is 1, and 0 where there is none. able: (B, actions),
    1 where an action can be taken. Returns scores (B, actions): logits of a choice, or values of actions.

    The order of the others makes no difference. Source: Leurent & Mercat 2019, Social attention, arXiv:1911.12250.
    """

    def __init__(self, features: int = 14, actions: int = 5, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.features, self.heads = features, heads
        self.own = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, width))
        self.other = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, width))
        self.asks, self.keys, self.tells = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.decide = nn.Sequential(nn.LayerNorm(3 * width), nn.Linear(3 * width, width), nn.GELU())
        self.head = nn.Linear(width, actions)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, cars: Tensor, able: Tensor) -> Tensor:
        """cars: (B, 1 + N, features), able: (B, actions) → scores (B, actions)."""
        if cars.ndim != 3 or cars.shape[2] != self.features:
            raise ValueError(f"this Policy reads cars (B, 1 + N, {self.features}), got {tuple(cars.shape)}")
        own, others = self.own(cars[:, 0]), self.other(cars[:, 1:])  # (B, C), (B, N, C)
        there = cars[:, None, None, 1:, 0] > 0  # (B, 1, 1, N)
        asked, key, told = (self._split(part) for part in (self.asks(own)[:, None], self.keys(others), self.tells(others)))
        # Nobody is always there to be looked at, so that an empty road gives no NaN.
        nobody = torch.zeros_like(key[:, :, :1])
        key, told = torch.cat([nobody, key], 2), torch.cat([nobody, told], 2)
        mask = F.pad(there, (1, 0), value=True)
        heard = F.scaled_dot_product_attention(asked, key, told, attn_mask=mask)  # (B, heads, 1, C/heads)
        nearest = others.masked_fill(~there[:, 0, 0, :, None], 0).amax(1)  # (B, C)
        scores = self.head(self.decide(torch.cat([own, heard.transpose(1, 2).flatten(1), nearest], 1)))
        return scores.masked_fill(able < 0.5, CLOSED)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, N, C/heads)
