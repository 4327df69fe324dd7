"""What `dl.compare` draws: a line for each run or trial, the settings in which they differ, their curves in pieces.

Here is no channel and no browser; `compare.py` sends what this finds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..train.run import Run
from ..train.sweeps.sweep import Sweep
from ..train.sweeps.trial import Trial

Source = Run | Trial
LOG_FROM = 30  # a setting whose largest value is so many times its smallest is drawn on a logarithmic axis
EXACT = 2**24  # whole numbers beyond it are no float32
NOT_SHOWN = ("threads", "lr_scale")


class Lines:
    """The lines of a comparison, in the order in which they came.

    sweeps: whose trials are lines too, as they begin. goal, direction: what a line is judged by.
    """

    def __init__(self, sources: Iterable[Run | Trial | Sweep], goal: tuple[str, str] | None) -> None:
        self.sweeps = [one for one in sources if isinstance(one, Sweep)]
        self._singles: list[Source] = [one for one in sources if not isinstance(one, Sweep)]
        self._names: dict[int, str] = {}
        self._places: dict[tuple[int, int], int] = {}  # a line keeps its place, though a sweep begins others later
        self.goal, self.direction = goal or self._usual_goal()

    def all(self) -> list[Source]:
        """Every line now, each where it always was."""
        now: dict[tuple[int, int], Source] = {
            (id(sweep), trial.number): trial for sweep in self.sweeps for trial in sweep.trials
        }
        now |= {(0, id(single)): single for single in self._singles}
        for key in now:
            self._places.setdefault(key, len(self._places))
        return [now[key] for key in self._places if key in now]

    def add(self, run: Source, name: str = "") -> None:
        """One more line."""
        self._singles.append(run)
        if name:
            self._names[id(run)] = name

    def label(self, number: int, line: Source) -> str:
        """What a line is called."""
        if id(line) in self._names:
            return self._names[id(line)]
        if isinstance(line, Trial):
            return f"trial {line.number}"
        return f"run {number}" if line.line.name == "main" else f"run {number}, {line.line.name}"

    def value(self, line: Source) -> float:
        """The goal of a line at its end or now; NaN before there is one."""
        if isinstance(line, Trial):
            return line.value if math.isfinite(line.value) else line.latest
        steps, values = read(line, self.goal)
        return float(values[-1]) if len(values) and (steps[-1] > 0) else math.nan

    def best(self) -> tuple[int, Source] | None:
        """The line with the best value of those that came to their end."""
        ended = [
            (number, line)
            for number, line in enumerate(self.all())
            if line.state == "done" and math.isfinite(self.value(line))
        ]
        if not ended:
            return None
        return (min if self.direction == "minimize" else max)(ended, key=lambda one: self.value(one[1]))

    def importance(self) -> dict[str, float]:
        """How much each setting mattered, where one sweep is compared; else empty."""
        return self.sweeps[0].importance() if len(self.sweeps) == 1 else {}

    def _usual_goal(self) -> tuple[str, str]:
        if self.sweeps:
            return self.sweeps[0].goal, self.sweeps[0].direction
        runs = [one for one in self._singles if isinstance(one, Run)]
        return ("valid_loss" if any(run.task.valid is not None for run in runs) else "loss"), "minimize"


@dataclass
class Axis:
    """One setting in which the lines differ.

    values: (N,) float64, NaN where a line has none; for choices the number of the choice.
    """

    name: str
    values: np.ndarray
    choices: list[str] | None
    logarithmic: bool
    low: float
    high: float


def axes(lines: Sequence[Source], sweeps: Sequence[Sweep]) -> list[Axis]:
    """The settings in which the lines differ, those of a sweep first."""
    rows = [settings(line) for line in lines]
    names = list(dict.fromkeys(name for row in rows for name in row))
    found = []
    for name in names:
        column = [row.get(name) for row in rows]
        distribution = next((sweep.distributions[name] for sweep in sweeps if name in sweep.distributions), None)
        if distribution is None and len({repr(value) for value in column}) < 2:
            continue
        found.append(_axis(name, column, distribution))
    return found


def _axis(name: str, column: list[Any], distribution: Any) -> Axis:
    numbers = [value for value in column if _is_number(value)]
    chosen = (
        hasattr(distribution, "choices")
        or not numbers
        or any(value is not None and not _is_number(value) for value in column)
    )
    if chosen:
        kinds = [repr(choice) for choice in distribution.choices] if hasattr(distribution, "choices") else []
        kinds = list(dict.fromkeys([*kinds, *(repr(value) for value in column if value is not None)]))
        place = {kind: number for number, kind in enumerate(kinds)}
        values = np.array([math.nan if value is None else place[repr(value)] for value in column], float)
        return Axis(name, values, [kind.strip("'") for kind in kinds], False, 0.0, max(1.0, len(kinds) - 1.0))
    values = np.array([math.nan if value is None else float(value) for value in column])
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    logarithmic = low > 0 and high / low >= LOG_FROM
    if distribution is not None:
        low, high, logarithmic = (
            min(low, float(distribution.low)),
            max(high, float(distribution.high)),
            bool(distribution.log),
        )
    return Axis(name, values, None, logarithmic, low, high if high > low else low + 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < EXACT


def settings(line: Source) -> dict[str, Any]:
    """What a line was made with and what was set since: of a trial its own settings, of a run all that is known."""
    if isinstance(line, Trial):
        return {**line.settings, **({"promoted": True} if line.promoted else {})}
    run = line
    loop = run._loop
    known: dict[str, Any] = {
        "model": type(run.model).__name__,
        "parameters": sum(parameter.numel() for parameter in run.model.parameters()),
        "task": run.task.name,
        "optimizer": type(run.optimizer).__name__,
        "schedule": run.settings.get("schedule") if isinstance(run.settings.get("schedule"), str) else run.scheduled,
        "seed": loop.seed,
        **run.knobs,
    }
    if run.scheduled and run.settings.get("lr") is not None:
        known["lr"] = run.settings["lr"]  # the present one is only where the schedule is
    return {name: "off" if value == math.inf else value for name, value in known.items() if name not in NOT_SHOWN}


def read(line: Source, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of a column at one moment; empty if the line has none (yet)."""
    history = line.history
    if history is None or name not in history:
        return np.empty(0, np.int64), np.empty(0)
    steps, values = history.steps(name), history[name]
    rows = min(len(steps), len(values))  # the run may go on meanwhile
    return steps[:rows], values[:rows]


def columns(lines: Sequence[Source]) -> list[str]:
    """The columns that can be drawn, what the runs learn from first."""
    known = dict.fromkeys(name for line in lines if line.history is not None for name in line.history.names)
    first = [name for name in ("loss", "valid_loss") if name in known]
    return [*first, *(name for name in known if name not in first)]


def gap(lines: Sequence[Source], name: str) -> int:
    """Steps between two values of a column, as a rule."""
    for line in lines:
        steps, _ = read(line, name)
        if len(steps) > 2:
            return max(1, int(np.median(np.diff(steps))))
    return 1


def pieces(steps: np.ndarray, values: np.ndarray, width: int, start: int) -> np.ndarray:
    """The mean of a column in pieces of `width` steps, from piece `start` on; NaN where a piece holds nothing.

    Piece i holds the steps after (i - 1) · width up to i · width, so piece 0 is the state before the first step.
    """
    row = int(np.searchsorted(steps, (start - 1) * width, side="right")) if start else 0
    place = -(-steps[row:] // width) - start  # rounded up
    if not len(place):
        return np.empty(0, np.float32)
    there = np.isfinite(values[row:])
    count = np.bincount(place, there, minlength=int(place[-1]) + 1)
    total = np.bincount(place, np.where(there, values[row:], 0.0))
    with np.errstate(invalid="ignore", over="ignore"):  # 0 / 0 is NaN, as it should be
        return (total / count).astype(np.float32)
