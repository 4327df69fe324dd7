"""Whether a hand-written loop clears the gradients of a step before it adds those of the next.

PyTorch adds a gradient to what is in `.grad`, in place; clearing puts another tensor there, or writes zeros. So where the
tensor is the same as after the update before, and was written to only as often as a backward pass reached it, nothing
was cleared.
"""

import weakref
from typing import Any

from torch import Tensor, nn

OFTEN, SELDOM = 8, 64  # the first updates are all looked at, later ones now and then


class Clearing:
    """Looks on at the gradient of one parameter from one update to the next.

    kept: how many updates in a row, of those looked at, began with the gradients of the one before.
    """

    def __init__(self) -> None:
        self.kept = 0
        self._gradient: weakref.ref[Tensor] | None = None
        self._version = self._passes = 0
        self._handle: Any = None

    def updated(self, parameter: nn.Parameter | None, step: int) -> None:
        """An update was made; the gradients are still there."""
        if parameter is None or parameter.grad is None or not (step <= OFTEN or step % SELDOM == 0):
            return
        self._gradient = weakref.ref(parameter.grad)
        self._version, self._passes = parameter.grad._version, 0
        self._handle = parameter.register_post_accumulate_grad_hook(self._passed)

    def about_to_update(self, parameter: nn.Parameter | None) -> None:
        """The gradients of the next update are complete."""
        if self._handle is None:
            return
        gradient = None if self._gradient is None or parameter is None else self._gradient()
        self.stop()
        if gradient is None or parameter is None or parameter.grad is not gradient or not self._passes:
            self.kept = 0
        elif gradient._version == self._version + self._passes:
            self.kept += 1
        else:
            self.kept = 0

    def stop(self) -> None:
        """Leave the parameter as it was."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def _passed(self, parameter: Tensor) -> None:
        self._passes += 1
