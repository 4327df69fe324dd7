"""The way of one run along its timeline: what is done to it, going back and forth, and making steps again.

Everything done to a run is an event with the step after which it took effect. A step is found again by putting the
nearest snapshot back and making the steps from there once more, with the events that fell between.
"""

import math
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from .history import History, Lengths
from .knobs import check_knobs, freeze, turn_knobs
from .loop import Loop
from .state import Snapshot, capture, restore
from .timeline import Event, Line, Timeline

EVERY = 0.25  # seconds of training between two snapshots, or more where they would take more than
SHARE = 0.007  # of the training time
LOOKED_AT = 5  # snapshots of which the middle one says what the next will cost

if TYPE_CHECKING:
    from .run import Run

FAR = 2**62  # beyond every step

Edit = Callable[[nn.Module], Any]


class Trail:
    """Where a loop is on its timeline.

    line: the line it is on; applied: how many of the line's events have taken effect; target: the step that it is
    going to, or None; exact: False once steps made again gave other numbers than the first time.
    """

    def __init__(self, loop: Loop, timeline: Timeline, line: Line) -> None:
        self.loop = loop
        self.timeline = timeline
        self.line = line
        self.applied = len(line.events)
        self.target: int | None = None
        self.exact = True
        self.cost = 0.0  # seconds that snapshots have taken in all
        self._like: Snapshot | None = None  # the last one, without its tensors
        self._last_seconds = -math.inf
        self._told = ""  # of the disk's trouble
        self._base = loop.history.lengths()  # where what lies ahead begins
        self._wanted = 0  # events that are to have taken effect at the target
        self._costs: deque[float] = deque(maxlen=LOOKED_AT)  # seconds that the last ones took
        self._best: tuple[int, int] | None = None  # line and step of the snapshot that is kept as the best
        line.loop = loop

    # What is done.

    def do(self, kind: str, arguments: dict[str, Any], edit: Edit | None = None, undoes: bool = False) -> Event:
        """Do something to the loop now, and write it down. Where steps lie ahead, a new line begins.

        Raises: ValueError if it cannot be done; then nothing has changed.
        """
        if kind == "set":
            arguments = check_knobs(self.loop, arguments)
        lengths, steps = self.loop.history.lengths(), self.loop.steps
        before = self._apply(kind, arguments, edit)
        event = Event(steps, kind, arguments, before, lengths, edit, undoes)
        self._part()
        self.line.events.append(event)
        self.applied += 1
        self._note(event)
        if kind == "edit":
            self.snapshot("edit")
        return event

    def _apply(self, kind: str, arguments: dict[str, Any], edit: Edit | None) -> dict[str, Any]:
        if kind == "set":
            return turn_knobs(self.loop, arguments)
        if kind == "edit":
            assert edit is not None
            with self.loop.randomness.installed():
                self.loop.seed_step()
                edit(self.loop.model)
            self.loop.look_for_sentinel()
        else:
            freeze(self.loop, arguments["layer"], kind == "freeze")
        return {}

    def _note(self, event: Event) -> None:
        history, step = self.loop.history, event.step
        if event.kind != "set":
            history.mark(step, event.words)
            return
        for name, value in event.arguments.items():
            if name == "schedule":
                words = getattr(value, "__name__", type(value).__name__) if callable(value) else value
                history.mark(step, f"schedule {words}")
                history.add("lr", step, self.loop.lr)
                continue
            history.mark(step, event.words_of(name))
            if math.isfinite(value):
                history.add(name, step, value)
        if "schedule" in event.before and "schedule" not in event.arguments:
            history.mark(step, "schedule off")

    def note(self, text: str) -> None:
        """Put a word of the learner's on the curve."""
        self.loop.history.mark(self.loop.steps, text)
        if self.is_behind:
            self._base = self._base._replace(marks=self._base.marks + 1)  # it was not there the first time

    def last_event(self) -> Event | None:
        """The last thing done that has not been taken back."""
        taken_back = 0
        for event in reversed(self.line.events[: self.applied]):
            if event.undoes:
                taken_back += 1
            elif event.kind != "edit":
                if not taken_back:
                    return event
                taken_back -= 1
        return None

    def undo(self, event: Event) -> None:
        """Do what brings back what was before an event."""
        if event.kind == "set":
            self.do("set", event.before, undoes=True)
        else:
            self.do("unfreeze" if event.kind == "freeze" else "freeze", event.arguments, undoes=True)

    # Other runs.

    def copy_loop(self) -> Loop:
        """A loop of its own in the same state. Raises: TypeError if the model cannot be copied."""
        return self.loop.copy()

    def fork(self, run: "Run", knobs: dict[str, Any]) -> "Run":
        """A run on a new line that leaves this one here."""
        from .run import Run

        check_knobs(self.loop, knobs)
        loop = self.copy_loop()
        loop.history = self.loop.history.copy()
        if not self.timeline.store.keep(self.line.number, loop.steps, "fork", self.applied):
            self.snapshot("fork")
        line = self.timeline.add(
            self.timeline.new_name(), self.line, loop.steps, tuple(self.line.events[: self.applied])
        )
        fork = Run(loop, threads=run.threads, settings=run.settings, timeline=self.timeline, line=line)
        fork._trail._like, fork._trail._last_seconds = self._like, loop.seconds  # it need not take one at once
        fork.state, fork.seconds, fork.rate = "paused", run.seconds, run.rate
        if knobs:
            fork._trail.do("set", knobs)
        return fork

    def adopt(self, other: "Trail") -> None:
        """Go to where another trail is, on a line of its own from there."""
        with other.loop.awake():
            taken = capture(other.loop, other.applied)
        run = self.timeline.run_on(self.line)
        self.leave()
        self.loop.wake()
        restore(self.loop, taken)
        self.loop.history.extend(other.loop.history.copy())
        line = self.timeline.add(
            self.timeline.new_name(), other.line, taken.step, tuple(other.line.events[: other.applied])
        )
        self._enter(line, run)
        self.applied = other.applied
        self._base = self.loop.history.lengths()
        self.note(f"adopted {other.line.name}")
        self.snapshot("fork")

    def way_to(self, step: int) -> tuple[Snapshot, list[Event], int]:
        """A snapshot and the events from which a step of this line is made again.

        Raises: ValueError if there is no such step.
        """
        self._check(step, self.line)
        found = self.timeline.at_or_before(self.line, step)
        if found is None:
            raise ValueError(f"there is no snapshot from which step {step} could be made again: the first is after it")
        return found, self.line.events[found.events :], step

    # Snapshots.

    def snapshot(self, kept: str = "") -> Snapshot:
        """Take one now."""
        begin = time.perf_counter()
        store = self.timeline.store
        with self.loop.awake():
            taken = capture(self.loop, self.applied, self._like, store.buffers)
        store.put(self.line.number, taken, self.loop.seconds, kept)
        self._like, self._last_seconds = taken.with_flats({}), self.loop.seconds
        self._keep_best()
        self._tell()
        cost = time.perf_counter() - begin
        self.cost += cost
        # The first is copied into memory that is new to the process, which takes many times as long.
        self._costs.append(cost if self._costs else cost / 8)
        return taken

    def _tell(self) -> None:
        """Show on the run why the disk takes no snapshots, and take it away when it does again."""
        trouble, run = self.timeline.store.trouble, self.timeline.run_on(self.line)
        if run is None or trouble == self._told:
            return
        if run.notice == self._told:
            run.notice = trouble
        elif trouble:
            run.notice = f"{run.notice}; {trouble}" if run.notice else trouble
        self._told = trouble

    @property
    def _last(self) -> Snapshot | None:
        """The last one taken, with its tensors if it is still in memory."""
        held = None if self._like is None else self.timeline.store.held(self.line.number, self._like.step)
        return held or self._like

    def _keep_best(self) -> None:
        """Keep the snapshot from which the best model on the validation split so far is soonest made again."""
        history, store = self.loop.history, self.timeline.store
        if "valid_loss" not in history:
            return
        values = history["valid_loss"]
        best = int(history.steps("valid_loss")[int(np.argmin(np.where(np.isnan(values), np.inf, values)))])
        found = store.before(self.line.number, best)
        now = None if found is None else (self.line.number, found[0])
        if now is None or now == self._best:
            return
        if self._best is not None and self._best[0] == self.line.number:
            store.release(*self._best, "best")
        store.keep(*now, "best")
        self._best = now

    def snapshot_if_due(self) -> None:
        """Take one if enough training has gone by since the last one."""
        self.timeline.store.tidy()
        usual = statistics.median(self._costs) if self._costs else 0.0
        least = max(EVERY, usual / SHARE)
        if self.loop.seconds - self._last_seconds < least:
            return
        if self.is_behind:
            found = self.timeline.store.before(self.line.number, self.loop.steps)
            if found is not None and self.loop.seconds - found[1] < least:
                return  # there is one from the first time
        self.snapshot()

    # Going to a step.

    @property
    def end(self) -> int:
        """The last step of the line so far."""
        return self.line.end

    def go(
        self, step: int, line: Line | None = None, before: Event | None = None, found: Snapshot | None = None
    ) -> None:
        """Put back the nearest snapshot before a step; `make_again` then makes the steps that are left.

        before: the event of that step that is not to have taken effect yet; by default the first. found: the snapshot to
        begin from, whatever the loop holds; by default the nearest.
        Raises: ValueError if the line has no such step, RuntimeError if another run is on that line.
        """
        line = line or self.line
        self._check(step, line)
        given, found = found, found or self.timeline.at_or_before(line, step)
        if found is None:
            raise ValueError(f"there is no snapshot from which step {step} could be made again: the first is after it")
        loop, history = self.loop, self.loop.history
        loop.wake()
        near = given is None and line is self.line and self.target is None and found.step <= loop.steps <= step
        self._take_line(line)
        if not near:
            restore(loop, found)
            self.applied = found.events
            self._like, self._last_seconds = found.with_flats({}), loop.seconds
        # What an event of this very step recorded lies ahead, as the event itself does.
        before = before or next((event for event in line.events if event.step == step), None)
        self._wanted = 0 if before is None else line.events.index(before)
        line.ahead = history.cut(step, None if before is None else before.lengths)
        self._base = history.lengths()
        self.target = step
        if loop.observer is not None:
            loop.observer.seek(step)

    def _check(self, step: int, line: Line) -> None:
        other = self.timeline.run_on(line)
        if line is not self.line and other is not None:
            raise RuntimeError(f"{other!r} is on the line {line.name!r}: adopt it, or take a step of another line")
        if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= line.end:
            at = "" if line is self.line else f" on the line {line.name!r}"
            raise ValueError(f"the run has steps 0 to {line.end}{at}; step {step!r} is none of them")

    def _take_line(self, line: Line) -> None:
        """Have the whole history of a line in the loop's own, and leave the line that the loop was on."""
        history = self.loop.history
        if line is self.line:
            line.furthest = line.end
            history.extend(self._what_lies_ahead())
            return
        run = self.timeline.run_on(self.line)
        self.leave()
        assert line.left is not None
        history.extend(line.left)
        line.left = None
        self._enter(line, run)

    def leave(self) -> None:
        """Leave the line, which keeps its whole history, behind."""
        line, history = self.line, self.loop.history
        line.furthest = line.end
        history.extend(self._what_lies_ahead())
        line.left = history.cut(-1)
        line.loop = None
        self.timeline.leave(line)

    def _enter(self, line: Line, run: "Run | None") -> None:
        self.line, line.loop = line, self.loop
        if run is not None:
            self.timeline.place(run, line)

    def make_again(self, until: float) -> bool:
        """Make steps towards the target until a moment of `time.perf_counter()`. Returns whether it is reached."""
        assert self.target is not None
        loop = self.loop
        observer, loop.observer = loop.observer, None  # it has seen these steps
        try:
            while loop.steps < self.target:
                self.obey()
                begin = time.perf_counter()
                if begin >= until:
                    return False
                value = loop.advance(record=False)
                loop.seconds += time.perf_counter() - begin
                self.compare(value)
        finally:
            loop.observer = observer
        self.arrive()
        return True

    def arrive(self) -> None:
        """Be at the target, now that its steps are made.

        Raises: RuntimeError if they are not, as where a snapshot is lost and nobody can make steps.
        """
        if self.target is not None and self.loop.steps < self.target:
            step, here = self.target, self.loop.steps
            self.stay()
            raise RuntimeError(f"step {step} cannot be gone to, as its snapshot is lost: the run is at step {here}")
        self._obey_while(lambda: self.applied < self._wanted)
        self.loop.drop_late_losses()
        self.target = None

    def stay(self) -> None:
        """Be where it is, also short of the target."""
        if self.target is not None:
            self.target = None
            history = self.loop.history
            history.extend(self.line.ahead)
            self.line.ahead = history.cut(self.loop.steps)
            self._base = history.lengths()

    def drop_what_is_passed(self) -> None:
        """Forget what lay ahead once all of it was made again."""
        if not self.is_behind:
            self.line.ahead = History()

    def forget_what_lies_ahead(self) -> None:
        """Begin a new line here, on which nothing was done yet."""
        self._part()

    # Going on where steps lie ahead.

    @property
    def is_behind(self) -> bool:
        """Whether steps lie ahead that the run has made before."""
        return self.loop.steps < self.line.furthest or self.applied < len(self.line.events)

    @property
    def next_event(self) -> float:
        """After which step the next event is to take effect; infinite if there is none."""
        events = self.line.events
        return events[self.applied].step if self.applied < len(events) else math.inf

    def obey(self) -> None:
        """Let the events of this step take effect once more."""
        events = self.line.events
        self._obey_while(lambda: self.applied < len(events) and events[self.applied].step <= self.loop.steps)

    def _obey_while(self, there_are: Callable[[], bool]) -> None:
        while there_are():
            event = self.line.events[self.applied]
            self._apply(event.kind, event.arguments, event.edit)
            self.applied += 1
            if self.target is None:
                self._note(event)

    def passed(self, value: float | None) -> None:
        """Compare a step that was recorded again with the first time; at the end of what lay ahead, forget it."""
        self.compare(value)
        if self.loop.steps >= self.line.furthest:
            self.line.ahead = History()

    def compare(self, value: float | None) -> None:
        """Note it if the loss of a step that was made before is another now."""
        self.compare_at(self.loop.steps, value)

    def compare_at(self, step: int, value: float | None) -> None:
        """The same for a step of another number."""
        history = self.loop.history if self.target is not None else self.line.ahead
        if value is None or "loss" not in history:
            return
        column = history.series("loss")
        first, last = column.rows_up_to(step - 1), column.rows_up_to(step)
        if first < last and value not in column.tail(first, last)[1]:  # several, where gradients are added up
            self.exact = False

    def _what_lies_ahead(self) -> History:
        """What is recorded of the steps ahead, without those that were made again meanwhile; taken off the line."""
        again, history = self.line.ahead, self.loop.history.lengths()
        self.line.ahead = History()
        made = {name: rows - self._base.columns.get(name, 0) for name, rows in history.columns.items()}
        return again.cut(FAR, Lengths(made, history.marks - self._base.marks))

    def _part(self) -> None:
        """Begin a new line here if steps lie ahead on this one, which stays as it was."""
        old, loop = self.line, self.loop
        if not self.is_behind:
            return
        old.furthest = old.end
        old.left = loop.history.copy()
        old.left.extend(self._what_lies_ahead())
        old.loop = None
        run = self.timeline.run_on(old)
        self.timeline.leave(old)
        new = self.timeline.add(self.timeline.new_name(), old, loop.steps, tuple(old.events[: self.applied]))
        self.line, new.loop = new, loop
        if run is not None:
            self.timeline.place(run, new)
