"""Which run trains which model, without keeping either alive."""

import weakref
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from .run import Run

_runs: "weakref.WeakKeyDictionary[nn.Module, weakref.ref[Run]]" = weakref.WeakKeyDictionary()


def register(run: "Run") -> None:
    """Note that a run trains its model."""
    _runs[run.model] = weakref.ref(run)


def run_of(model: nn.Module) -> "Run | None":
    """The run that trained this model last, if it is still there; None if there is none."""
    reference = _runs.get(model)
    return None if reference is None else reference()
