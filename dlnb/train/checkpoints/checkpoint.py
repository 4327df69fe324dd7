"""Checkpoints: a run as one file, from which it goes on in another process with the same losses to the bit.

The file is safetensors: weights, optimiser state and history as arrays, everything else as JSON in its metadata. Never pickle.
Loading checks everything before it touches anything.
"""

import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ...task import Task
from ..history import History
from ..loop import Loop
from ..state import Snapshot, capture, pack_tensors
from ..timeline import Event
from . import rebuild
from .plain import NotSaved, dumps, encode, loads
from .put_back import check_form, check_tensors, put_back
from .saved_history import from_arrays, to_arrays
from .tensorfile import CheckpointError, read_metadata, read_tensors, write_tensors

__all__ = ["Checkpoint", "CheckpointError", "apply_to", "loop_of", "read", "take", "write"]

FORMAT, VERSION = "dlnb checkpoint", 1
KINDS = ("set", "freeze", "unfreeze", "edit")  # of events


@dataclass(frozen=True)
class Checkpoint:
    """A run after some step.

    snapshot: all that decides the next step. history: what was recorded up to there. events: what was done to it.
    about: what it is of: model, task, optimisers, schedule, seed, threads, versions; plain data.
    """

    snapshot: Snapshot
    history: History
    events: tuple[Event, ...]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> int:
        """The step after which it was taken."""
        return self.snapshot.step

    @property
    def threads(self) -> int:
        """PyTorch's threads of the run: exactly the same numbers come only from the same number."""
        return int(self.about["threads"])

    def cautions(self) -> list[str]:
        """In words, what is different here, so that the numbers may differ in their last digits."""
        here = _machine()
        return [
            f"the checkpoint comes from {what} {there}, this is {here[what]}: the losses may differ in their last digits"
            for what, there in self.about["machine"].items()
            if here.get(what) != there
        ]

    def __repr__(self) -> str:
        return f"Checkpoint({self.about['model']['class']} on {self.about['task']['name']}, step {self.step})"


def take(
    loop: Loop,
    events: Iterable[Event] = (),
    threads: int = 1,
    settings: Mapping[str, Any] | None = None,
    snapshot: Snapshot | None = None,
) -> Checkpoint:
    """A checkpoint of a loop between two steps; on the thread that trains it, in about the time of a snapshot.

    events: those that have taken effect. threads: PyTorch's threads of the run. settings: what the run was made with.
    snapshot: one that was taken of this very state.
    """
    done = tuple(events)
    if snapshot is None:
        with loop.awake():
            snapshot = capture(loop, len(done))
    about = {
        "model": rebuild.describe_model(loop.model),
        "task": rebuild.describe_task(loop.task),
        "optimizers": [rebuild.describe_optimizer(optimizer, loop) for optimizer in loop.optimizers],
        "schedule": rebuild.describe_schedule(loop.scheduler),
        "seed": loop.seed,
        "validate_every": loop.validate_every,
        "threads": threads,
        "settings": _named(settings or {}),
        "own_loop": type(loop) is not Loop,
        "machine": _machine(),
        "saved_at": time.time(),
    }
    return Checkpoint(snapshot, loop.history.copy(), done, about)


def write(checkpoint: Checkpoint, path: str | os.PathLike[str]) -> int:
    """Write a checkpoint; on any thread. The file that was there stays whole until the new one is. Returns its bytes.

    Raises: OSError if the disk does not take it, CheckpointError if something in the run cannot be written.
    """
    place = Path(path)
    if place.is_dir():
        raise IsADirectoryError(f"{place} is a folder: give the name of a file in it, such as {place / 'run.safetensors'}")
    if not place.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {place.absolute().parent} to save into: make it first")
    snapshot = checkpoint.snapshot
    state = {f"state/{name}": tensor for name, tensor in snapshot.tensors.items()}
    arrays, recorded = to_arrays(checkpoint.history)
    content = {
        "about": checkpoint.about,
        "step": snapshot.step,
        "rest": _saveable(snapshot.rest),
        "names": [name for name, _, _ in snapshot.layout],
        "history": recorded,
        "events": [_event(event) for event in checkpoint.events],
    }
    apart: dict[str, Tensor] = {}
    try:
        text = dumps(content, apart)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"this run cannot be saved: {error}") from error
    return write_tensors(place, {**state, **arrays, **apart}, {"format": FORMAT, "version": str(VERSION), "json": text})


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint, without making anything of it yet.

    Raises: CheckpointError in words if it is none, is damaged, or comes from a newer dlnb; FileNotFoundError.
    """
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"there is no file {place}")
    if place.is_dir():
        raise CheckpointError(f"{place} is a folder, and a checkpoint is a file")
    metadata, tensors = read_tensors(place)
    _check_version(place, metadata)
    content = loads(metadata.get("json", ""), tensors)
    try:
        about = content["about"]
        rebuild.check_about(about)
        check_form(content["rest"])
        names = [str(name) for name in content["names"]]
        layout, flats = pack_tensors([(name, tensors[f"state/{name}"]) for name in names])
        history = from_arrays(tensors, content["history"])
        events = tuple(
            Event(int(step), str(kind), dict(arguments), dict(before), lengths, None, bool(undoes))
            for step, kind, arguments, before, lengths, undoes in content["events"]
        )
        for event in events:
            if event.kind not in KINDS or not all(name.isidentifier() for name in (*event.arguments, *event.before)):
                raise CheckpointError(f"{place} is damaged: {event.kind!r} is nothing that is done to a run")
        snapshot = Snapshot(int(content["step"]), layout, flats, dict(content["rest"]), None, len(events))
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RuntimeError) as error:
        raise CheckpointError(f"{place} is damaged: {type(error).__name__}: {error}") from error
    return Checkpoint(snapshot, history, events, about)


def peek(path: Path) -> tuple[dict[str, Any], int]:
    """What a file says that it is of, and after which step, without reading its arrays. Raises: as `read` does."""
    metadata = read_metadata(path)
    _check_version(path, metadata)
    content = loads(metadata.get("json", ""), _Unread())
    try:
        rebuild.check_about(content["about"])
        return content["about"], int(content["step"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: {type(error).__name__}: {error}") from error


class _Unread(dict[str, Any]):
    """Tensors that nobody asks for."""

    def __missing__(self, name: str) -> None:
        return None


def loop_of(
    checkpoint: Checkpoint,
    model: nn.Module | None = None,
    task: Task | None = None,
    *,
    optimizer: Optimizer | Callable[[list[nn.Parameter]], Optimizer] | None = None,
    schedule: Callable[[Optimizer], LRScheduler] | None = None,
    device: str | torch.device | None = None,
) -> Loop:
    """The loop of a checkpoint, ready for its next step.

    model, task: made again by themselves where they are dlnb's own, else to be given as they were made then.
    optimizer, schedule: only where they are of a class of your own.

    Raises: CheckpointError in words if something does not fit; the model that was given is then as it was.
    """
    about, snapshot = checkpoint.about, checkpoint.snapshot
    if about["own_loop"]:
        raise CheckpointError("this checkpoint is of a loop that you wrote yourself, which no file holds: begin that loop again")
    task = rebuild.make_task(about["task"]) if task is None else task
    rebuild.check_task(about["task"], task)
    shapes = {name.removeprefix("model/"): shape for name, _, shape in snapshot.layout if name.startswith("model/")}
    model = rebuild.make_model(about["model"], task, shapes) if model is None else model
    modules: list[tuple[str, nn.Module]] = [("model", model)]
    if isinstance(task.loss, nn.Module):
        modules.append(("loss", task.loss))
    check_tensors(about, snapshot, modules)
    if device is not None:
        model.to(device)
    made = _optimizer_of(checkpoint, modules, optimizer)
    loop = Loop(model, task, made, seed=int(about["seed"]), validate_every=about["validate_every"])
    rebuild.check_optimizer(about["optimizers"][0], made, loop)
    scheduler = rebuild.make_schedule(about["schedule"], made) if schedule is None else schedule(made)
    put_back(loop, replace(snapshot, schedule=scheduler))
    loop.history = checkpoint.history.copy()
    return loop


def apply_to(checkpoint: Checkpoint, loop: Loop) -> None:
    """Put a loop that is there, such as one written by hand, where a checkpoint of it was taken.

    Raises: CheckpointError in words if something does not fit; the loop is then as it was.
    """
    check_tensors(checkpoint.about, checkpoint.snapshot, loop.modules)
    described = checkpoint.about["optimizers"]
    if len(described) != len(loop.optimizers):
        raise CheckpointError(f"this checkpoint has {len(described)} optimisers, and there are {len(loop.optimizers)} here")
    for about, optimizer in zip(described, loop.optimizers, strict=True):
        rebuild.check_optimizer(about, optimizer, loop)
    put_back(loop, replace(checkpoint.snapshot, schedule=loop.scheduler))
    loop.history = checkpoint.history.copy()


def _optimizer_of(
    checkpoint: Checkpoint,
    modules: list[tuple[str, nn.Module]],
    given: Optimizer | Callable[[list[nn.Parameter]], Optimizer] | None,
) -> Optimizer:
    about, numbers = checkpoint.about["optimizers"], checkpoint.snapshot.rest["optimizers"]
    if len(about) != 1 or len(numbers) != 1:
        raise CheckpointError("this checkpoint has several optimisers: it is of a loop of your own, so begin that loop again")
    if isinstance(given, Optimizer):
        return given
    parameters = rebuild.parameters_of(modules)
    if given is not None:
        return given([parameters[name] for names in about[0]["groups"] for name in names if name in parameters])
    return rebuild.make_optimizer(about[0], numbers[0]["groups"], parameters)


def _check_version(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is a safetensors file, but no checkpoint of dlnb: run.save(path) writes one")
    version = metadata.get("version", "")
    if not version.isascii() or not version.isdigit() or len(version) > 9:
        raise CheckpointError(f"{path} is damaged: it does not say which version of the format it has")
    if int(version) > VERSION:
        raise CheckpointError(
            f"{path} has version {version} of the format and this dlnb reads versions up to {VERSION}: it was written by a "
            "newer dlnb. `pip install --upgrade dlnb` reads it."
        )


def _machine() -> dict[str, str]:
    return {"PyTorch": str(torch.__version__), "processor": f"{platform.system()} {platform.machine()}"}


def _saveable(rest: dict[str, Any]) -> dict[str, Any]:
    """The plain data of a snapshot; what a schedule holds of functions is given again when it is loaded."""
    if rest.get("schedule") is None:
        return rest
    return {**rest, "schedule": {key: value for key, value in rest["schedule"].items() if _is_plain(value)}}


def _event(event: Event) -> tuple[Any, ...]:
    """An event as plain data."""
    return event.step, event.kind, _named(event.arguments), _named(event.before), event.lengths, event.undoes


def _named(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with a placeholder for what is not plain: it has taken effect, and a journal only says its name."""
    return {key: value if _is_plain(value) else NotSaved(getattr(value, "__name__", type(value).__name__)) for key, value in arguments.items()}


def _is_plain(value: Any) -> bool:
    try:
        encode(value, {})
    except TypeError:
        return False
    return True
