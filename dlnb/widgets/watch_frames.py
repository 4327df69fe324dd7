"""The parts of the dashboard's frames: plain data that says how a run is, one function a panel."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch.nn.functional as F
from torch import nn

from ..train.history import History
from ..train.lookahead import WhatIf
from ..train.run import Run
from ..train.timeline import Line
from .base import Message
from .watch_curves import histories

if TYPE_CHECKING:
    from ..train.probes.probes import Probes

LONGEST = 20_000  # characters of an error that are sent
LAYERS = 200  # layers that are listed
LINES = 12  # lines of the timeline that are shown, the newest
BINS = 48  # of a little histogram
FIRST = ("weight_decay", "dropout", "batch_size", "clip", "momentum")  # knobs, behind lr and the run's own
SHOWN = ("gradient", "update", "mean", "std", "dead")  # statistics of a layer
CHANCE = (F.cross_entropy, F.nll_loss)


def status(run: Run) -> Message:
    """All that is small and always sent."""
    error = None
    if run.error is not None:
        words, traceback = str(run.error)[:LONGEST], run.traceback[-LONGEST:]
        error = {"kind": type(run.error).__name__, "words": words, "traceback": traceback}
    return {
        "model": type(run.model).__name__,
        "task": run.task.name,
        "state": run.state,
        "step": run.steps,
        "total": run.total_steps,
        "epoch": run.epoch,
        "epochs": run.epochs,
        "seconds": run.seconds,
        "rate": number(run.rate),
        "left": number(run.seconds_left),
        "observing": run.observing,
        "busy": number(run.busy),
        "loss": _last_loss(run.history),
        "word": run.notice,
        "knobs": {name: number(value) for name, value in run.knobs.items()},
        "error": error,
    }


def fixed(run: Run, only: str | None) -> Message:
    """What is sent once."""
    chance, classes, loss = None, len(run.task.classes), run.task.loss
    if classes > 1 and (loss in CHANCE or isinstance(loss, (nn.CrossEntropyLoss, nn.NLLLoss))):
        chance = {"value": math.log(classes), "label": f"guessing: ln {classes} = {math.log(classes):.3f}"}
    return {"only": only, "examples": run.task.preview is not None, "chance": chance}


def panel_of_knobs(run: Run, turned: dict[str, int]) -> Message:
    """The knobs without their values, the schedule, the layers that can be held still.

    turned: the step at which a knob was last turned from here.
    """
    loop = run._loop
    controls = [control for control in run.controls() if control.name != "lr_scale"]  # the schedule has it
    controls.sort(key=lambda control: _place(control.name, run))
    schedule = None
    if loop.scheduler is not None:
        schedule = {"words": _schedule_words(loop.scheduler), "held": loop.held, "scale": loop.lr_scale}
    frozen = set(run.frozen)
    modules = [(name, module) for name, module in run.model.named_modules() if name]
    layers = [name for name, module in modules if any(True for _ in module.parameters(recurse=False))]
    last = run._trail.last_event()
    return {
        "controls": [
            {
                "name": control.name,
                "low": control.low,
                "high": control.high,
                "scale": control.scale,
                "off": control.name == "clip",
                "at": turned.get(control.name),
            }
            for control in controls
        ],
        "schedule": schedule,
        "layers": [{"name": name, "frozen": name in frozen} for name in layers[:LAYERS]],
        "undo": "" if last is None else last.words,
    }


def panel_of_time(run: Run, columns: dict[str, np.ndarray], hidden: set[int]) -> Message:
    """The lines of the timeline but the hidden ones; adds the steps of their snapshots to the columns."""
    timeline = run.timeline
    lines = [line for line in timeline.lines if line is not run.line and line.number not in hidden][-LINES:]
    lines = sorted([*lines, run.line], key=lambda line: line.number)
    for line in lines:
        columns[f"time{line.number}"] = np.array(timeline.snapshots(line), np.int32)
    return {
        "lines": [_line(run, line) for line in lines],
        "current": run.line.number,
        "exact": run.exact,
        "megabytes": round(timeline.nbytes / 2**20, 1),
        "budget": round(timeline.budget / 2**20),
    }


def panel_of_layers(probes: "Probes", columns: dict[str, np.ndarray]) -> Message:
    """The latest statistics of the layers, and histograms of what comes out of them, as columns."""
    table = dict(list(probes.table().items())[:LAYERS])
    for statistic in SHOWN:
        columns[f"layers/{statistic}"] = np.array([row.get(statistic, math.nan) for row in table.values()])
    heights = [_heights(probes, name) for name in table]
    columns["layers/histograms"] = np.concatenate(heights or [np.zeros(0, np.uint8)])
    seen = [probes.series(name, "weight")[0] for name in table]
    step = max((int(steps[-1]) for steps in seen if len(steps)), default=0)
    return {"names": list(table), "step": step, "columns": list(SHOWN)}


def ghosts(number_of: int, knob: str, whatif: WhatIf, columns: dict[str, np.ndarray]) -> Message:
    """The curves that might be, as columns."""
    for i, losses in enumerate(whatif.losses):
        columns[f"fan{i}"], columns[f"fan{i}/loss"] = whatif.steps.astype(np.int32), losses
    last = whatif.losses[:, -max(1, whatif.losses.shape[1] // 4) :].mean(axis=1)
    return {
        "number": number_of,
        "knob": knob,
        "step": whatif.start,
        "steps": whatif.losses.shape[1],
        "settings": [
            {"value": number(float(setting[knob])), "loss": number(float(loss))}
            for setting, loss in zip(whatif.settings, last, strict=True)
        ],
    }


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None


def _last_loss(history: History) -> float | None:
    if "loss" not in history:
        return None
    series = history.series("loss")
    values = series.tail(max(0, series.length - 1))[1]
    return number(float(values[-1])) if len(values) else None


def _place(name: str, run: Run) -> tuple[int, str]:
    if name == "lr":
        return (0, name)
    if name in run._loop.own_knobs:
        return (1, name)
    return (2 + FIRST.index(name), name) if name in FIRST else (20, name)


def _schedule_words(scheduler: Any) -> str:
    """The name of a schedule: "cosine" of ours, else the class."""
    shapes = [type(shape).__name__ for shape in getattr(scheduler, "lr_lambdas", ()) if shape is not None]
    shapes = [shape for shape in shapes if shape != "function"]
    return f"schedule: {(shapes[0] if shapes else type(scheduler).__name__).lower()}"


def _line(run: Run, line: Line) -> Message:
    other = run.timeline.run_on(line)
    if other is run:
        other = None
    done = [event.words for event in line.events[line.shared :]]
    return {
        "number": line.number,
        "name": line.name,
        "parent": None if line.parent is None else line.parent.number,
        "start": line.start,
        "end": line.end,
        "best": _best(line),
        "run": other and {"state": other.state, "step": other.steps, "loss": _last_loss(other.history)},
        "knobs": ", ".join(done[:2]) + (f" and {len(done) - 2} more" if len(done) > 2 else "") if line.parent else "",
    }


def _best(line: Line) -> int | None:
    """The step at which a line has its smallest validation loss, if it has been measured twice."""
    found: list[tuple[float, int]] = []
    count = 0
    for history in histories(line):
        if "valid_loss" in history:
            steps, values = history.series("valid_loss").tail(0)
            count += len(values)
            if len(values) and np.isfinite(values).any():
                best = int(np.nanargmin(np.where(np.isfinite(values), values, np.nan)))
                found.append((float(values[best]), int(steps[best])))
    return min(found)[1] if count > 1 and found else None


def _heights(probes: "Probes", name: str) -> np.ndarray:
    """(BINS,) uint8: the histogram of what comes out of a layer, 255 for its fullest bin."""
    counts = probes.histogram(name, "activation", BINS)[0]
    if not len(counts):
        return np.zeros(BINS, np.uint8)
    return np.ceil(255 * np.sqrt(counts / counts.max())).astype(np.uint8)  # the root, so that tails are seen
