"""A run into a file, and from it: paused where it was saved, with the same model, history, knobs and journal."""

import os
from typing import Any

from torch import nn

from ...task import Task
from ..fit import _refuse_model_in_use
from ..run import Run
from ..timeline import Timeline
from .checkpoint import Checkpoint, loop_of, read, take, write


def save(run: Run, path: str | os.PathLike[str]) -> int:
    """Write a run as it is between two steps; training goes on while the disk is written. Returns the step.

    Raises: OSError if the disk does not take it, CheckpointError if something in the run cannot be written; the file
    that was there is then as it was.
    """
    taken = run._send("save", lambda: take(run._loop, run.journal.events, run.threads, run.settings)).result()
    write(taken, path)
    return taken.step


def load(path: str | os.PathLike[str], model: nn.Module | None = None, task: Task | None = None, **own: Any) -> Run:
    """The run of a file that `run.save` wrote. See `run_from`; FileNotFoundError if there is no such file."""
    return run_from(read(path), model, task, **own)


def run_from(checkpoint: Checkpoint, model: nn.Module | None = None, task: Task | None = None, **own: Any) -> Run:
    """A run of a checkpoint, paused; done if it has no steps left.

    model, task: made again by themselves where they are dlnb's own, else as they were made then; the model's weights
        are replaced.
    own: optimizer, schedule: functions that make them, where they are of your own; device: where to train.

    Raises: CheckpointError in words if something does not fit, and the model is as it was; RuntimeError if another run
    is training it.
    """
    if model is not None:
        _refuse_model_in_use(model)
    loop = loop_of(checkpoint, model, task, **own)
    timeline = Timeline()
    line = timeline.add("main", events=checkpoint.events)
    run = Run(loop, threads=checkpoint.threads, settings=dict(checkpoint.about["settings"]), timeline=timeline, line=line)
    run.seconds = loop.seconds
    run.notice = "; ".join(checkpoint.cautions())
    run._trail.snapshot("loaded")
    if loop.steps >= loop.total_steps:
        loop.rest()
        run.state = "done"
    elif loop.steps:
        run.state = "paused"
    return run
