"""Which runs there are, and which of them trains which model, without keeping any alive."""

import weakref
from itertools import count
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from .run import Run

_runs: "weakref.WeakKeyDictionary[nn.Module, weakref.ref[Run]]" = weakref.WeakKeyDictionary()
_all: "weakref.WeakValueDictionary[int, Run]" = weakref.WeakValueDictionary()
_numbers = count(1)


def register(run: "Run") -> int:
    """Note that a run trains its model. Returns its number in this process, from 1."""
    from .announce import announce

    _runs[run.model] = weakref.ref(run)
    number = next(_numbers)
    _all[number] = run
    announce()
    return number


def run_of(model: nn.Module) -> "Run | None":
    """The run that trained this model last, if it is still there; None if there is none."""
    reference = _runs.get(model)
    return None if reference is None else reference()


def runs() -> "list[Run]":
    """All runs that are still there, in the order in which they were made."""
    return [run for reference in _all.valuerefs() if (run := reference()) is not None]
