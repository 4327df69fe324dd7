"""Who looks into a step while it is made: the points at which the loop calls an observer.

The loop asks only in the steps an observer wants, so that a step nobody looks at costs one comparison.
"""

from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

if TYPE_CHECKING:
    from .loop import Loop


class Observer(Protocol):
    """Looks into single steps. `next_step` is the number, from 1, of the next step it wants to see."""

    next_step: int

    def begin(self, loop: "Loop", inputs: list[Any], target: Any) -> None:
        """Before the forward pass: the place to register hooks."""
        ...

    def seen(self, output: Any, loss: Tensor) -> None:
        """After the forward pass; the loss is finite."""
        ...

    def differentiated(self) -> None:
        """After the backward pass, before clipping and the update."""
        ...

    def end(self) -> None:
        """After the update: hooks are removed, `next_step` is set."""
        ...

    def abandon(self) -> None:
        """The step raised: hooks are removed."""
        ...

    def seek(self, step: int) -> None:
        """The loop is at another step than before."""
        ...
