"""A widget that is made inside `with dl.record(…)` shows itself.

A cell shows the value of its last line only, when all else has run: too late for a loop that one wants to watch.
"""

import sys
from typing import Any, TypeVar

from ..train.record import Recording
from .base import Widget

W = TypeVar("W", bound=Widget)


def shown_inside(widget: W, run: Any) -> W:
    """The widget; shown at once where the cell that makes it is also the one whose loop makes the steps."""
    if isinstance(run, Recording) and run._is_on_training_thread and (shell := _shell()) is not None:
        from IPython.display import display

        display(widget)
        widget.shown_in = shell.execution_count
    return widget


def is_shown_here(widget: Widget) -> bool:
    """Whether the cell that runs has shown this widget by itself."""
    shell = _shell()
    return shell is not None and widget.shown_in == shell.execution_count


def _shell() -> Any:
    """IPython in a kernel; None in a plain script or a terminal."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    return shell if hasattr(shell, "kernel") else None
