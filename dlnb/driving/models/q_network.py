"""A network that learns what actions are worth from what they led to, and the slower copy of it that it learns from."""

import copy

import torch
from torch import Tensor, nn

from .policy import Policy


class QNetwork(nn.Module):
    """Values of actions, now and after the next step.

    cars, able: a scene, as a `Policy` reads it; later_cars, later_able: the one after it. Returns
        values: (B, actions) of the network itself
        after: (B,), what the slow copy says the next scene is worth, if the network itself chooses there; no gradient flows back
    Called with a scene alone it returns the values only.

    slow: how far the copy moves towards the network with each step of training. The copy is no parameter, but it is kept with
    the weights. Source: Mnih et al. 2015, Human-level control; choosing by one and valuing by the other: van Hasselt, Guez &
    Silver 2015, arXiv:1509.06461.
    """

    def __init__(self, slow: float = 0.01, **settings: int) -> None:
        super().__init__()
        self.slow = slow
        self.now = Policy(**settings)
        self.copy = copy.deepcopy(self.now).requires_grad_(False)

    def forward(
        self, cars: Tensor, able: Tensor, later_cars: Tensor | None = None, later_able: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """cars: (B, 1 + N, features), able: (B, actions), and the same of the next scene → values, and after."""
        values = self.now(cars, able)
        if later_cars is None or later_able is None:
            return values
        with torch.no_grad():
            if self.training:
                for slow, fast in zip(self.copy.parameters(), self.now.parameters(), strict=True):
                    slow.lerp_(fast, self.slow)
            best = self.now(later_cars, later_able).argmax(1, keepdim=True)
            after = self.copy(later_cars, later_able).gather(1, best)[:, 0]
        return values, after
