"""Reading a split of a run, piece by piece, as often as a share of the training time allows.

A piece is a question to the run of about 20 ms: one batch, or several small ones. Between two of them the run trains
on, so a look while it trains may span a few steps; a look at a run that rests is of one step, or begun again.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..task import Task
from ..train.mistakes.answers import Reading
from ..train.run import Run

PERIOD = 1.0  # seconds between two looks while the model trains, at least
SHARE = 0.005  # of the training time that looks may take
PIECE = 0.02  # seconds after which a question reads no further batch
STALE = 5.0  # seconds without a piece after which a look is begun again; and until one that failed is

OnInputs = Callable[[int, list[Any]], None]
Place = tuple[Any, int, int]


@dataclass
class Look:
    """One pass through a split.

    steps: of the run at its first and at its last piece; place: where it was at the last one; seconds: that they took.
    """

    split: str
    reading: Reading
    steps: tuple[int, int]
    place: Place
    wanted: int
    seconds: float = 0.0

    def read(self, run: Run, model: nn.Module) -> None:
        """Read on for a moment; in a question to the run."""
        begin = time.perf_counter()
        first = self.steps[0] if self.reading.position else run.steps
        while not self.reading.done and time.perf_counter() - begin < PIECE:
            self.reading.read(model)
        self.steps, self.place = (first, run.steps), place_of(run)
        self.seconds += time.perf_counter() - begin


class Looking:
    """Looks again and again. `go_on` is called by one thread, as often as anything changes.

    task: whose splits are read, and whose loss judges them.
    changed: called when a piece has been read; with True if somebody waits for the rest.
    failed: called with what the model, the data or the loss raised.
    """

    def __init__(
        self, run: Run, task: Task, changed: Callable[[bool], None], failed: Callable[[BaseException], None]
    ) -> None:
        self.run = run
        self.task = task
        self.under_way: Look | None = None
        self._changed = changed
        self._failed = failed
        self._asked = False
        self._piece_at = 0.0  # when the last piece came back
        self._place: Place | None = None  # where the run was at the last look
        self._begun = 0.0
        self._rest = 0.0  # seconds from the beginning of the last look to that of the next one
        self._looks = 0
        self._lock = threading.Lock()  # of what follows
        self._wanted = 0  # grows when somebody wants a new look, so that one begun before does not count

    def go_on(self, split: str, on_inputs: Callable[[], OnInputs]) -> Look | None:
        """Ask for the next piece, or the first one of a look that is due. Returns a look that is complete, once."""
        if self._asked:
            return None
        look = self.under_way
        if look is not None and (look.split != split or look.wanted != self._wanted or self._is_overtaken(look)):
            self.under_way = look = self._place = None
        if look is not None and look.reading.done:
            self.under_way = None
            return look
        if look is None:
            if not self._is_due():
                return None
            self._place, self._begun = place_of(self.run), time.monotonic()
            look = self.under_way = self.begin(split, on_inputs())
        self._ask(look)
        return None

    def begin(self, split: str, on_inputs: OnInputs) -> Look:
        """A look of which nothing has been read."""
        run = self.run
        return Look(split, Reading(self.task, split, on_inputs), (run.steps, run.steps), place_of(run), self._wanted)

    def concluded(self, look: Look, seconds: float) -> None:
        """A look has been measured, which took so many seconds: rest for as long as its cost demands."""
        self._looks += 1
        with self._lock:
            if look.wanted != self._wanted:
                return
            self._place = look.place
            # The first look pays for what is done for the first time, so it says little of what the next will cost.
            self._rest = max(PERIOD, (look.seconds + seconds) / SHARE * (0.1 if self._looks == 1 else 1.0))

    def begin_anew(self) -> None:
        """Look at once, whatever the run does."""
        with self._lock:
            self._wanted += 1
            self._place, self._rest = None, 0.0

    def _is_overtaken(self, look: Look) -> bool:
        """Whether the run went elsewhere meanwhile, or nobody wanted to see it for a while."""
        run = self.run
        moved = run.steps < look.steps[0] or (run.state != "running" and run.steps != look.steps[1])
        return (bool(look.reading.position) and moved) or time.monotonic() - self._piece_at > STALE

    def _is_due(self) -> bool:
        place = place_of(self.run)
        if place == self._place:
            return False
        back = self._place is not None and (place[1] < self._place[1] or place[0] is not self._place[0])
        return back or self.run.state != "running" or time.monotonic() - self._begun >= self._rest

    def _ask(self, look: Look) -> None:
        self._asked, self._piece_at = True, time.monotonic()
        piece = self.run.ask(lambda model: look.read(self.run, model))
        piece.add_done_callback(lambda answer: self._answered(look, answer))

    def _answered(self, look: Look, answer: "Future[None]") -> None:
        # On the engine thread: short, and without a lock that measuring may hold.
        self._asked, self._piece_at = False, time.monotonic()
        error = answer.exception()
        if error is None:
            self._changed(self.run.state != "running")
            return
        if look is self.under_way:
            self.under_way, self._rest = None, max(self._rest, STALE)
        if look.wanted == self._wanted:
            self._failed(error)
        else:
            self._changed(True)


def place_of(run: Run) -> Place:
    """Where a run is: its line, its step, and how much was done to it there, as a layer that was edited."""
    return run.line, run.steps, len(run.line.events)


def shared_step(one: Any, other: Any) -> int | None:
    """The last step that two lines of a timeline have in common; None for one and the same line."""
    if one is other:
        return None
    ends: dict[int, float] = {}
    end = float("inf")
    while one is not None:
        ends[id(one)], end, one = end, min(end, one.start), one.parent
    end = float("inf")
    while other is not None:
        if id(other) in ends:
            return int(min(end, ends[id(other)]))
        end, other = min(end, other.start), other.parent
    return 0
