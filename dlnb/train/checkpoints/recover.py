"""`dl.recover()`: the run that a killed kernel left behind, from its last autosave."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from torch import nn

from ...task import Task
from ..run import Run
from .autosave import attach, home, saved_in, unlocked
from .checkpoint import CheckpointError, peek, read
from .load import run_from


@dataclass(frozen=True)
class Lost:
    """A run that was cut short: when it was last saved, what it trained on what, and after which step."""

    folder: Path
    when: datetime
    model: str
    task: str
    step: int

    def __repr__(self) -> str:
        return f"{self.model} on {self.task} at step {self.step}, saved {self.when:%Y-%m-%d %H:%M:%S}"


def recoverable() -> list[Lost]:
    """The runs that can be recovered, the newest first. Those of live processes are not among them."""
    found = []
    folders = list(home().iterdir()) if home().is_dir() else []
    for folder in folders:
        if not folder.is_dir() or not saved_in(folder) or (lock := unlocked(folder)) is None:
            continue
        try:
            for file in reversed(saved_in(folder)):
                try:
                    about, step = peek(file)
                except (CheckpointError, OSError):
                    continue
                when = datetime.fromtimestamp(about["saved_at"])
                found.append(Lost(folder, when, about["model"]["class"], about["task"]["name"], step))
                break
        finally:
            lock.release()
    return sorted(found, key=lambda lost: lost.when, reverse=True)


def recover(model: nn.Module | None = None, task: Task | None = None, *, number: int = 0, **own: Any) -> Run:
    """The run that was cut short last, paused where it was last saved; `run.resume()` goes on.

    model, task: as for `Run.load`: only where they are your own. Where a model is given, the newest run that fits it.
    number: which of `dl.recoverable()`.

    Raises: LookupError if there is none; CheckpointError in words if something has to be given, or does not fit.
    """
    lost = recoverable()[number:]
    if not lost:
        raise LookupError(
            f"there is no run to recover in {home()}: a run is saved there every few seconds while it trains, and removed when it ends"
        )
    problems: list[CheckpointError] = []
    for candidate in lost if model is not None and number == 0 else lost[:1]:
        lock = unlocked(candidate.folder)
        if lock is None:  # another process was faster
            continue
        try:
            run = _newest_whole(candidate.folder, model, task, own)
        except BaseException as error:
            lock.release()
            if not isinstance(error, CheckpointError):
                raise
            problems.append(error)
            continue
        attach(run, candidate.folder, lock)
        return run
    if problems:
        raise problems[0]
    raise LookupError("another process has just recovered this run")


def _newest_whole(folder: Path, model: nn.Module | None, task: Task | None, own: dict[str, Any]) -> Run:
    """The run of the newest file that is not damaged."""
    problem: CheckpointError | None = None
    for file in reversed(saved_in(folder)):
        try:
            checkpoint = read(file)
        except CheckpointError as error:
            problem = problem or error
            continue
        return run_from(checkpoint, model, task, **own)
    raise problem or CheckpointError(f"there is no checkpoint in {folder}")
