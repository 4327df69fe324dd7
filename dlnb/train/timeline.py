"""The timeline: the lines along which a run and its forks have gone, as a tree that shares history and snapshots.

A run sits at a step of a line. Behind it lies its history. Ahead may lie what it did before it was taken back: going on
without a change makes the same steps again, to the bit. A change made there begins a new line, and the old one stays.
"""

import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .history import History, Lengths
from .snapshots import Snapshots
from .state import Snapshot

if TYPE_CHECKING:
    from .loop import Loop
    from .run import Run


@dataclass(frozen=True)
class Event:
    """Something that was done to a run after `step` steps.

    kind: "set", "freeze", "unfreeze" or "edit"; arguments: its arguments; before: what `undo` sets again;
    lengths: rows of the history before it. edit: the function of an "edit".
    undoes: whether it takes back an earlier one.
    """

    step: int
    kind: str
    arguments: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)
    lengths: Lengths | None = None
    edit: Any = None
    undoes: bool = False

    @property
    def words(self) -> str:
        """What was done, as a person says it."""
        if self.kind == "set":
            return ", ".join(map(self.words_of, self.arguments))
        if self.kind == "edit":
            return str(self.arguments["words"])
        return f"{self.kind} {self.arguments['layer']}"

    def words_of(self, knob: str) -> str:
        """How one knob was turned."""
        return f"{knob} {_short(self.before.get(knob))} → {_short(self.arguments[knob])}"


def _short(value: Any) -> str:
    if isinstance(value, float) and value == float("inf"):
        return "off"
    return f"{value:.4g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


class Line:
    """A sequence of steps: what was done to it decides all its numbers.

    number: of the line in its timeline, from 0. parent, start: the line it left, and after which step.
    shared: events that it has in common with its parent. events: everything done on it, what lies ahead included.
    """

    def __init__(
        self, number: int, name: str, parent: "Line | None" = None, start: int = 0, events: tuple[Event, ...] = ()
    ) -> None:
        self.number = number
        self.name = name
        self.parent = parent
        self.start = start
        self.shared = len(events)
        self.events: list[Event] = list(events)
        self.loop: Loop | None = None  # of the run that is on it
        self.ahead = History()  # what lies ahead of that run
        self.furthest = start  # the last step that it came to
        self.left: History | None = None  # its whole history when no run is on it

    @property
    def end(self) -> int:
        """Its last step so far."""
        return self.furthest if self.loop is None else max(self.furthest, self.loop.steps)

    @property
    def history(self) -> History:
        """Everything recorded on it, also what lies ahead of the run."""
        if self.left is not None:
            return self.left
        whole = self.loop.history.copy() if self.loop is not None else History()
        ahead = self.ahead.copy()
        if "loss" in whole and "loss" in ahead:
            ahead = ahead.cut(int(whole.steps("loss")[-1]))
        with suppress(ValueError):  # the run goes on meanwhile
            whole.extend(ahead)
        return whole

    def __repr__(self) -> str:
        return f"Line({self.name!r} from step {self.start})"


class Timeline:
    """The lines of a run and of its forks, and their snapshots under one budget of memory.

    budget: bytes in memory; default 256 MB or 1/8 of what is free. disk_budget: bytes that may be spilled to disk.
    """

    def __init__(self, budget: int | None = None, disk_budget: int | None = None) -> None:
        self.store = Snapshots(budget, disk_budget)
        self.lines: list[Line] = []
        self._runs: dict[int, weakref.ref[Run]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the snapshots take."""
        return self.store.nbytes

    @property
    def budget(self) -> int:
        """Bytes of memory that they may take."""
        return self.store.budget

    def add(self, name: str, parent: Line | None = None, start: int = 0, events: tuple[Event, ...] = ()) -> Line:
        """A new line."""
        line = Line(len(self.lines), name, parent, start, events)
        self.lines = [*self.lines, line]
        return line

    def new_name(self) -> str:
        """A name for one more line: A for the first, then B, C, …, AA."""
        number, name = len(self.lines), ""
        while number >= 0:
            number, letter = divmod(number, 26)
            name, number = chr(ord("A") + letter) + name, number - 1
        return name

    def place(self, run: "Run", line: Line) -> None:
        """Note that a run is on a line."""
        self._runs[line.number] = weakref.ref(run)

    def leave(self, line: Line) -> None:
        """Note that no run is on a line any more."""
        self._runs.pop(line.number, None)

    def run_on(self, line: Line) -> "Run | None":
        """The run that is on a line now, if one is."""
        reference = self._runs.get(line.number)
        return None if reference is None else reference()

    def snapshots(self, line: Line) -> list[int]:
        """The steps of a line at which there is a snapshot, those it shares with its parents included."""
        steps, last = set(self.store.steps(line.number)), line.start
        while line.parent is not None:
            line = line.parent
            steps |= {step for step in self.store.steps(line.number) if step <= last}
            last = min(last, line.start)
        return sorted(steps)

    def at_or_before(self, line: Line, step: int) -> Snapshot | None:
        """The snapshot from which the steps up to `step` of a line are to be made again."""
        events: int | None = None
        here: Line | None = line
        while here is not None:
            found = self.store.at_or_before(here.number, step, events)
            if found is not None:
                return found
            step, events, here = (
                min(step, here.start),
                here.shared if events is None else min(events, here.shared),
                here.parent,
            )
        return None

    def __repr__(self) -> str:
        rows = [
            f"{line.number} {line.name!r}" + (f" from step {line.start} of {line.parent.name!r}" if line.parent else "")
            for line in self.lines
        ]
        return f"Timeline({'; '.join(rows)})"
