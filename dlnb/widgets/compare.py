"""`dl.compare(runs)`: curves over each other, what differs, what mattered. The drawing half is `widgets/src/compare/`."""

import base64
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..train.run import Run
from ..train.sweeps.search import read_goal
from ..train.sweeps.sweep import Sweep
from ..train.sweeps.trial import Trial
from .base import Message, View, Widget
from .compare_lines import Lines, Source, axes, columns, gap, pieces, read
from .frames import pack

MOST = 512  # lines that are shown
VALUES = 12_000  # values of curves that are sent for all lines together: 48 kB
FEW = 16  # lines up to which frames may follow each other faster
PERIODS = (0.5, 1.0)  # seconds between two frames of few lines, and of many
THINKING = 2.0  # seconds between two looks at what mattered
STATES = ("running", "paused", "done", "pruned", "stopped", "failed", "ready")


def compare(*runs: "Run | Trial | Sweep | Iterable[Run | Trial]", goal: tuple[str, str] | None = None) -> "Compare":
    """Open the curves of several runs, or of all trials of a sweep, over each other; live while they train.

    Below them stand the settings in which they differ, and for a sweep what mattered. A line that is clicked can be
    stopped, promoted (it goes on unpruned and longer) or forked.

        dl.compare(run, run.fork(lr=1e-2))
        dl.compare(dl.sweep(make_run, space))

    goal: the column that lines are judged and coloured by, and "minimize" or "maximize"; that of the sweep, or the
        validation loss, unless given.

    Raises: TypeError if something is no run, ValueError if there is nothing to compare.
    """
    sources: list[Run | Trial | Sweep] = []
    for one in runs:
        sources += [one] if isinstance(one, (Run, Trial, Sweep)) else list(_several(one))
    for source in sources:
        if not isinstance(source, (Run, Trial, Sweep)):
            raise TypeError(
                f"compare needs runs or a sweep, such as dl.fit and dl.sweep return; got a {type(source).__name__}"
            )
    if not sources:
        raise ValueError("there is nothing to compare: give at least one run, or a sweep")
    return Compare(sources, None if goal is None else read_goal(goal))


def _several(some: Any) -> Iterable[Any]:
    try:
        return iter(some)
    except TypeError:
        raise TypeError(
            f"compare needs runs or a sweep, such as dl.fit and dl.sweep return; got a {type(some).__name__}"
        ) from None


class Compare(Widget):
    """Runs or trials over each other."""

    bundle = "compare"

    def __init__(self, sources: list[Run | Trial | Sweep], goal: tuple[str, str] | None) -> None:
        self.lines = Lines(sources, goal)
        self.notice = ""
        self._mattered: dict[str, float] = {}
        self._thought = (-1, 0.0)  # trials that had ended, seconds
        self._urgent = False
        super().__init__()
        self.hears |= {
            "show": self._show,
            "stop": lambda message, _: self._do(self._stop, message),
            "promote": lambda message, _: self._do(self._promote, message),
            "fork": lambda message, _: self._do(self._fork, message),
            "sweep": lambda message, _: self._do(self._tell_sweep, message),
        }
        self._listened = [source for source in sources if not isinstance(source, Trial)]
        self._listened += [
            trial.run for source in sources if isinstance(source, Trial) and (trial := source).run is not None
        ]
        for source in self._listened:
            source.on_change.append(self._changed_there)

    def close(self) -> None:
        """Take the comparison off its runs."""
        for source in self._listened:
            if self._changed_there in source.on_change:
                source.on_change.remove(self._changed_there)
        super().close()

    def add(self, run: Run, name: str = "") -> None:
        """Draw one more run. Raises: TypeError if it is none."""
        if not isinstance(run, Run):
            raise TypeError(f"only a run can be added, not a {type(run).__name__}")
        self.lines.add(run, name)
        run.on_change.append(self._changed_there)
        self._listened.append(run)
        self.changed(urgent=True)

    def still(self) -> str | None:
        """The curves and the settings, once everything has come to rest."""
        lines = self.lines.all()
        if any(line.state in ("running", "ready") for line in lines) or not any(
            len(read(line, "loss")[0]) for line in lines
        ):
            return None
        from .compare_picture import picture  # Matplotlib, half a second

        return base64.b64encode(picture(self.lines)).decode()

    def publish(self) -> None:
        """See `Widget.publish`; a view that must wait for its next frame is looked at again."""
        if self.is_watched:
            self._think()
        super().publish()
        if any(view.ready and view.cursors.get("waits") for view in list(self.views.values())):
            self.changed()

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`: what is new, and of the curves only the column that this view shows."""
        every = self.lines.all()
        lines = every[-MOST:]
        cursors = view.cursors
        states = np.array([STATES.index(line.state) for line in lines], np.uint8)
        drawn = cursors.get("column") or self._first_column(lines)
        status = (
            len(every),
            states.tobytes(),
            drawn,
            self.notice,
            tuple(self._mattered.items()),
            tuple(s.state for s in self.lines.sweeps),
        )
        steps = np.array([line.steps for line in lines], np.int32)
        if cursors.get("status") == status and cursors.get("steps") == steps.tobytes():
            cursors["waits"] = False
            return None
        now = time.monotonic()
        period = PERIODS[len(lines) > FEW]
        # At once when something begins, ends or is asked for; while lines merely grow, when it is time.
        settled = cursors.get("status", ())[:4] != status[:4] and len(lines) <= FEW
        asked = view.sent == 0 or cursors.get("drawn") != drawn or cursors.get("notice") != self.notice
        if not (asked or settled) and now - cursors.get("at", 0.0) < period:
            cursors["waits"] = True
            return None
        columns_ = self._curves(view, lines, drawn, len(every) - len(lines))
        columns_ |= {
            "states": states,
            "steps": steps,
            "totals": np.array([line.total_steps for line in lines], np.int32),
        }
        columns_["values"] = np.array([self.lines.value(line) for line in lines], np.float32)
        columns_["promoted"] = np.array([isinstance(line, Trial) and line.promoted for line in lines], np.uint8)
        header: Message = {
            "full": view.sent == 0,
            "goal": self.lines.goal,
            "direction": self.lines.direction,
            "column": drawn,
            "drawable": columns(lines),
            "importance": list(self._mattered.items()),
            "hidden": len(every) - len(lines),
            "notice": self.notice,
            "sweep": self._sweep(),
            "width": cursors["width"],
            "restart": cursors["restart"],
        }
        self._describe(header, columns_, cursors, every, lines)
        cursors |= {
            "status": status,
            "steps": steps.tobytes(),
            "at": now,
            "waits": False,
            "drawn": drawn,
            "notice": self.notice,
        }
        header["columns"], buffer = pack(columns_)
        return header, [buffer]

    def _describe(
        self,
        header: Message,
        sent: dict[str, np.ndarray],
        cursors: dict[str, Any],
        every: list[Source],
        lines: list[Source],
    ) -> None:
        """The names of the lines and the settings in which they differ, where they changed."""
        first = len(every) - len(lines)
        labels = [self.lines.label(first + number, line) for number, line in enumerate(lines)]
        found = axes(lines, self.lines.sweeps)
        known = (labels, [(axis.name, axis.choices, axis.values.tobytes()) for axis in found])
        if cursors.get("known") == known:
            return
        cursors["known"] = known
        header["labels"] = labels
        header["kinds"] = [
            "run" if isinstance(line, Run) else "trial" if line.run is not None else "setting" for line in lines
        ]
        header["axes"] = [
            {"name": axis.name, "choices": axis.choices, "log": axis.logarithmic, "low": axis.low, "high": axis.high}
            for axis in found
        ]
        for number, axis in enumerate(found):
            sent[f"axis/{number}"] = axis.values.astype(np.float32)

    def _curves(self, view: View, lines: list[Source], drawn: str, hidden: int) -> dict[str, np.ndarray]:
        """What is new of the curves: for each line that grew, which pieces, and their values.

        All lines share one width of the pieces, which doubles when they have grown so long that all would be too much.
        """
        cursors = view.cursors
        most = max(8, VALUES // max(1, len(lines)))
        reached = max([line.steps for line in lines], default=0)
        width = gap(lines, drawn)
        while reached > width * (most - 1):
            width *= 2
        names = (drawn, width, hidden)
        cursors["restart"] = cursors.get("curves") != names
        if cursors["restart"]:
            cursors["curves"], cursors["rows"] = names, {}
        cursors["width"] = width
        rows: dict[int, tuple[int, int, int]] = cursors[
            "rows"
        ]  # pieces that were sent, values of the history, its version
        found: list[tuple[int, int, np.ndarray]] = []
        for number, line in enumerate(lines):
            steps, values = read(line, drawn)
            version = getattr(line.history, "version", 0)
            start, length, known = rows.get(number, (0, 0, version))
            if version != known or len(steps) < length:
                start = length = 0  # it went back in time
            if len(steps) == length and number in rows:
                continue
            new = pieces(steps, values, width, max(0, start - 1))  # the last one may have grown
            found.append((number, max(0, start - 1), new))
            rows[number] = (max(0, start - 1) + len(new), len(steps), version)
        return {
            "curve/line": np.array([number for number, _, _ in found], np.int32),
            "curve/start": np.array([start for _, start, _ in found], np.int32),
            "curve/length": np.array([len(new) for _, _, new in found], np.int32),
            "curve/values": np.concatenate([new for _, _, new in found]) if found else np.empty(0, np.float32),
        }

    def _first_column(self, lines: list[Source]) -> str:
        there = columns(lines)
        return self.lines.goal if self.lines.goal in there or not there else there[0]

    def _sweep(self) -> Message | None:
        if len(self.lines.sweeps) != 1:
            return None
        sweep = self.lines.sweeps[0]
        trials = sweep.trials
        return {
            "state": sweep.state,
            "wanted": sweep.wanted,
            "begun": len(trials),
            "ended": sum(trial.state not in ("running", "paused") for trial in trials),
            "error": "" if sweep.error is None else f"{type(sweep.error).__name__}: {sweep.error}"[:2000],
        }

    def _think(self) -> None:
        """What mattered, anew when more trials have ended."""
        ended, at = self._thought
        number = sum(trial.told == "done" for sweep in self.lines.sweeps for trial in sweep.trials)
        if number != ended and time.monotonic() - at >= THINKING:
            self._mattered = self.lines.importance()
            self._thought = (number, time.monotonic())
        elif number != ended:
            self.changed()

    def _changed_there(self, _: Any) -> None:
        self.changed()

    # What the browser asks for.

    def _show(self, message: Message, _: list[memoryview]) -> None:
        column, view = message.get("column"), self.views.get(str(message.get("view")))
        if not isinstance(column, str) or column not in columns(self.lines.all()):
            raise ValueError(f"there is no column {column!r:.100}")
        if view is not None:
            view.cursors["column"] = column
            self.changed(urgent=True)

    def _do(self, action: Any, message: Message) -> None:
        """Do what was asked; what is refused is shown in the widget."""
        try:
            action(message)
            self.notice = ""
        except (ValueError, RuntimeError, TypeError) as error:
            self.notice = str(error)
        self.changed(urgent=True)

    def _stop(self, message: Message) -> None:
        self._line(message)[1].stop()

    def _promote(self, message: Message) -> None:
        label, line = self._line(message)
        if not isinstance(line, Trial):
            line.set(epochs=2 * line.epochs)
            line.resume()
            return
        line.promote()

    def _fork(self, message: Message) -> None:
        label, line = self._line(message)
        scale = message.get("scale", 1.0)
        if not isinstance(scale, (int, float)) or not 1e-3 <= scale <= 1e3:
            raise ValueError(f"a fork may have 1/1000 to 1000 times the learning rate; got {scale!r:.100}")
        fork = line.fork()
        if scale != 1 and "lr" in fork.knobs:
            fork.set(lr=fork.knobs["lr"] * scale)
        self.add(fork, f"fork of {label}" + (f", lr × {scale:.3g}" if scale != 1 else ""))
        if fork.steps < fork.total_steps:
            fork.resume()

    def _tell_sweep(self, message: Message) -> None:
        command = message.get("command")
        if command not in ("pause", "resume", "stop") or len(self.lines.sweeps) != 1:
            raise ValueError(f"a sweep has no command {command!r:.100}")
        getattr(self.lines.sweeps[0], command)()

    def _line(self, message: Message) -> tuple[str, Source]:
        number, every = message.get("line"), self.lines.all()
        first = len(every) - len(every[-MOST:])
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(every) - first:
            raise ValueError(f"there is no line {number!r:.100}")
        line = every[first + number]
        return self.lines.label(first + number, line), line

    def __repr__(self) -> str:
        sweeps = [type(sweep).__name__ for sweep in self.lines.sweeps]
        runs = len(self.lines.all()) - sum(len(sweep.trials) for sweep in self.lines.sweeps)
        return "Compare(" + ", ".join([*sweeps, *([f"{runs} runs"] if runs else [])]) + ")"
