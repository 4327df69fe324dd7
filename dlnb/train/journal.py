"""The journal: what was done to a run, step by step, and a script that does the same again."""

import inspect
import math
import textwrap
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

if TYPE_CHECKING:
    from .run import Run
    from .timeline import Event


class Journal:
    """What was done to a run on the line it is on, up to where it is."""

    def __init__(self, run: "Run") -> None:
        self.run = run

    @property
    def events(self) -> "list[Event]":
        """Everything done, in order."""
        return self.run.line.events[: self.run._trail.applied]

    def python(self) -> str:
        """A Python script whose function `train(model, task)` gives the same numbers.

        The model must begin with the same weights and the task be the same: a journal holds neither. What no text can
        hold, a function that was given as an argument, becomes an argument of `train`.
        """
        run = self.run
        given: list[str] = []
        arguments = ", ".join(["model", "task", *(f"{name}={_code(value, name, given)}" for name, value in run.settings.items() if value is not None)])
        lines = [f"run = dl.fit({arguments}, start=False)"]
        done = 0
        for event in self.events:
            if event.step > done:
                lines.append(f"run.step({event.step - done})")
                done = event.step
            lines.append(_line(event, given))
        if run.steps > done:
            lines.append(f"run.step({run.steps - done})")
        header = ", ".join(["model", "task", *dict.fromkeys(given)])
        body = textwrap.indent("\n".join([*lines, "return run"]), "    ")
        return (
            "import dlnb as dl\n\n\n"
            f"def train({header}):\n"
            f'    """{type(run.model).__name__} on {run.task.name}: {run.steps} steps, as they were steered."""\n'
            f"{body}\n"
        )

    def __repr__(self) -> str:
        return "\n".join(f"step {event.step}: {event.words}" for event in self.events) or "nothing was done to this run"


def _line(event: "Event", given: list[str]) -> str:
    if event.kind == "set":
        return f"run.set({', '.join(f'{name}={_code(value, name, given)}' for name, value in event.arguments.items())})"
    if event.kind == "edit":
        given.append("edit")
        return f"run.edit(edit, {event.arguments['words']!r})"
    return f"run.{event.kind}({event.arguments['layer']!r})"


def _code(value: Any, name: str, given: list[str]) -> str:
    """A value as Python code; a function becomes an argument."""
    if isinstance(value, float) and value == math.inf:
        return "None"
    if isinstance(value, Optimizer):
        kind, defaults = type(value), value.defaults
        known = inspect.signature(kind.__init__).parameters
        settings = ", ".join(f"{key}={defaults[key]!r}" for key in known if key in defaults and key != "params")
        if kind.__module__.startswith("torch.optim") and len(value.param_groups) == 1:
            return f"lambda parameters: torch.optim.{kind.__name__}(parameters, {settings})"
        given.append(name)
        return name
    if callable(value):
        given.append(name)
        return name
    return repr(value)
