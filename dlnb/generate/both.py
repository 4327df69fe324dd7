"""Two optimisers that step as one: a run in which two networks learn, each in its own way."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


class Both(Optimizer):
    """Two optimisers of PyTorch behind one, so that a run saves, restores and turns the knobs of both.

    They hold the same groups and the same state as this one does, not copies: a learning rate that is set here is theirs.

    Raises: ValueError if a parameter is in both.

    >>> first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    >>> optimizer = Both(torch.optim.Adam(first.parameters(), 1e-3), torch.optim.SGD(second.parameters(), 1e-2))
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.001, 0.01]
    """

    def __init__(self, one: Optimizer, other: Optimizer) -> None:
        groups = [*one.param_groups, *other.param_groups]
        held = [id(parameter) for group in groups for parameter in group["params"]]
        if len(held) != len(set(held)):
            raise ValueError("a parameter is in both optimisers, so it would be moved twice: give each its own")
        self.one, self.other = one, other
        super().__init__(groups, {})
        for optimizer in (one, other):
            self.state.update(optimizer.state)
        self._share()

    @classmethod
    def of(cls, model: nn.Module, first: str = "generator", second: str = "critic", lr: float = 1e-3, lr_second: float = 1e-3,
           betas: tuple[float, float] = (0.5, 0.99)) -> "Both":  # fmt: skip
        """Adam for each of two parts of a model. Raises: AttributeError if it has no such part."""
        return cls(
            torch.optim.Adam(model.get_submodule(first).parameters(), lr, betas),
            torch.optim.Adam(model.get_submodule(second).parameters(), lr_second, betas),
        )

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """A step of the first, then one of the second, by gradients that were all computed before."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.one.step()
        self.other.step()
        return loss

    def _share(self) -> None:
        """Both hold the state of this one, and their own part of its groups."""
        ends = len(self.one.param_groups)
        self.one.param_groups, self.other.param_groups = self.param_groups[:ends], self.param_groups[ends:]
        self.one.state = self.other.state = self.state

    def __getstate__(self) -> dict[str, Any]:
        """Also the two, which a copy of this optimiser has to have; torch's own leaves out what it does not know."""
        return {**super().__getstate__(), "one": self.one, "other": self.other}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Of a copy, or of what `load_state_dict` makes, which has new groups and new state."""
        super().__setstate__(state)
        self._share()
