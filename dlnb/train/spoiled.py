"""Weights that a NaN has got into are made again as they were before it.

One small gradient is looked at in every step; a NaN that does not reach it, or that is on a device where looking would
wait, spoils the weights and shows in a later loss. Then the steps since the last good snapshot are made once more, with
every loss and every gradient looked at, up to the one that went wrong.
"""

import math
from typing import TYPE_CHECKING

from torch import Tensor

from .culprit import NotFiniteError
from .state import Snapshot

if TYPE_CHECKING:
    from .loop import Loop
    from .trail import Trail


def before_the_bad_step(trail: "Trail", error: NotFiniteError) -> NotFiniteError:
    """Put the loop of a trail back to before the step that spoiled it, if one did.

    Returns the error to show: `error`, or the one that names where the first bad number came from. Should the steps not
    be made again, as where the data raises now, it says at which step the run is.
    """
    loop = trail.loop
    if not any(True for _, module in loop.modules for _ in module.buffers()) and _is_whole(loop):
        return error
    found = _last_good(trail, loop.steps)
    if found is None:
        return error
    try:
        first = _first_bad(trail, found)
        if first is not None:
            _make_again(trail, found)  # once more, without the half step that its forward pass left in the buffers
    except Exception as other:
        words = (
            f"{error} But the steps since the last snapshot could not be made again ({type(other).__name__}: {other}): "
            f"the run is at step {loop.steps}."
        )
        return NotFiniteError(words, error.culprit, error.step, error.value)
    return first or error


def _first_bad(trail: "Trail", found: Snapshot) -> NotFiniteError | None:
    """Make the steps again, each looked at; returns what the first bad one raises."""
    trail.loop.is_wary = True
    try:
        _make_again(trail, found)
    except NotFiniteError as first:
        return first
    finally:
        trail.loop.is_wary = False
    return None


def _make_again(trail: "Trail", found: Snapshot) -> None:
    """The steps from a snapshot up to where the loop is."""
    trail.go(trail.loop.steps, found=found)
    try:
        with trail.loop.randomness.installed():
            trail.make_again(math.inf)
    finally:
        trail.loop.drop_late_losses()
        trail.stay()


def _last_good(trail: "Trail", step: int) -> Snapshot | None:
    while step >= 0:
        found = trail.timeline.at_or_before(trail.line, step)
        if found is None or all(map(_fine, found.tensors.values())):
            return found
        step = found.step - 1
    return None


def _is_whole(loop: "Loop") -> bool:
    return all(_fine(tensor) for _, module in loop.modules for tensor in (*module.parameters(), *module.buffers()))


def _fine(tensor: Tensor) -> bool:
    """Whether a tensor holds no NaN. Infinity may be meant, in a mask."""
    return not tensor.is_floating_point() or not bool(tensor.isnan().any())
