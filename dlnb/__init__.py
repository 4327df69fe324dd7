"""dlnb: a deep-learning course taken inside JupyterLab, and the workbench it is taken on.

The public names, on one screen. Each is imported when it is first used, so that the parts that
need no PyTorch (the server extension, the command line) never load it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import driving, generate, speech, tabular, text, vision
    from .exercises.desk import check, given, hint, solution
    from .exercises.quiz import quiz
    from .fast import Muon
    from .metrics import accuracy
    from .task import Task
    from .train.checkpoints.checkpoint import CheckpointError
    from .train.checkpoints.recover import recover, recoverable
    from .train.engine import seeded
    from .train.fit import fit
    from .train.record import record
    from .train.registry import run_of
    from .train.run import Run
    from .train.sweeps.sweep import sweep
    from .widgets.backprop.widget import backprop
    from .widgets.compare import compare
    from .widgets.descend.widget import descend
    from .widgets.errors import errors
    from .widgets.pad import pad
    from .widgets.playground.widget import playground
    from .widgets.show import show
    from .widgets.watch import watch
    from .widgets.xray import xray

__version__ = "0.1.0"

_HOME = {
    "CheckpointError": "dlnb.train.checkpoints.checkpoint",
    "Muon": "dlnb.fast",
    "Run": "dlnb.train.run",
    "Task": "dlnb.task",
    "accuracy": "dlnb.metrics",
    "backprop": "dlnb.widgets.backprop.widget",
    "check": "dlnb.exercises.desk",
    "compare": "dlnb.widgets.compare",
    "descend": "dlnb.widgets.descend.widget",
    "errors": "dlnb.widgets.errors",
    "fit": "dlnb.train.fit",
    "given": "dlnb.exercises.desk",
    "hint": "dlnb.exercises.desk",
    "pad": "dlnb.widgets.pad",
    "playground": "dlnb.widgets.playground.widget",
    "quiz": "dlnb.exercises.quiz",
    "record": "dlnb.train.record",
    "recover": "dlnb.train.checkpoints.recover",
    "recoverable": "dlnb.train.checkpoints.recover",
    "run_of": "dlnb.train.registry",
    "seeded": "dlnb.train.engine",
    "show": "dlnb.widgets.show",
    "solution": "dlnb.exercises.desk",
    "sweep": "dlnb.train.sweeps.sweep",
    "watch": "dlnb.widgets.watch",
    "xray": "dlnb.widgets.xray",
}
_ROOMS = ("driving", "generate", "speech", "tabular", "text", "vision")

__all__ = [
    "CheckpointError",
    "Muon",
    "Run",
    "Task",
    "accuracy",
    "backprop",
    "check",
    "compare",
    "descend",
    "driving",
    "errors",
    "fit",
    "generate",
    "given",
    "hint",
    "pad",
    "playground",
    "quiz",
    "record",
    "recover",
    "recoverable",
    "run_of",
    "seeded",
    "show",
    "solution",
    "speech",
    "sweep",
    "tabular",
    "text",
    "vision",
    "watch",
    "xray",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _ROOMS:
        return import_module(f"dlnb.{name}")
    raise AttributeError(f"module 'dlnb' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell `jupyter labextension develop` where the prebuilt extension is."""
    return [{"src": "labextension", "dest": "dlnb"}]
