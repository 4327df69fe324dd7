"""A run on the thread that trains: its turns, its way to other steps, and the state it is in.

What one asks and tells a run is in `run.py`; the step itself is `Loop.advance`; where the run is on its timeline, and how
it gets elsewhere, is `Trail`.
"""

import math
import time
import traceback
from concurrent.futures import Future
from typing import TYPE_CHECKING

import torch

from .control import Controlled
from .culprit import NotFiniteError
from .loop import Loop, use_loop
from .spoiled import before_the_bad_step
from .timeline import Event, Line
from .trail import Trail

if TYPE_CHECKING:
    from .health import Health


class Driven(Controlled):
    """What takes turns on the engine thread. `Run` is the one there is.

    seconds: spent training; observed: of these, what frames, looks at the model and snapshots took. rate: steps per
    second; busy: how many times slower than alone a busy kernel makes it.
    """

    threads: int
    health: "Health"
    seconds: float
    observed: float
    rate: float
    busy: float
    _loop: Loop
    _trail: Trail
    _pause_at: int | None
    _arriving: "Future[int] | None"
    _forget: bool
    _traceback: str
    _rate_since: tuple[float, int]

    @property
    def steps(self) -> int:
        """Optimiser updates made so far."""
        return self._loop.steps

    @property
    def total_steps(self) -> int:
        """Steps planned in all."""
        return self._loop.total_steps

    # Its turns.

    @property
    def has_work(self) -> bool:
        """Whether a turn would do something."""
        return self.state == "running" or bool(self._commands) or self._arriving is not None

    def turn(self, seconds: float) -> None:
        """Obey what was asked, then train for about `seconds`."""
        use_loop(self._loop)
        self._obey()
        if self.state != "running" and self._arriving is None:
            return
        begin, own, all_threads = time.perf_counter(), time.thread_time(), time.process_time()
        steps = self._loop.steps
        try:
            if torch.get_num_threads() != self.threads:
                torch.set_num_threads(self.threads)
            if self._arriving is not None:
                self._arrive(begin + seconds)
                return
            self._train_until(begin + seconds)
        except BaseException as caught:
            # As text now, since each wait() that raises the error adds its own frames to it.
            error = before_the_bad_step(self._trail, caught) if isinstance(caught, NotFiniteError) else caught
            self._traceback = "".join(traceback.format_exception(error))
            self.error = error
            self.health.failed(error)
            self._become("failed")
        elapsed = time.perf_counter() - begin
        self.seconds += elapsed
        if self._loop.steps > steps:
            self._measure_busy(elapsed, time.thread_time() - own, time.process_time() - all_threads)
        self._measure_rate()
        self.health.after_turn()
        self._changed()

    def _train_until(self, end: float) -> None:
        """Steps, until the time is over, a command waits, or the plan or a pause that was asked for ends them."""
        loop, commands, trail = self._loop, self._commands, self._trail
        begin = time.perf_counter()
        with loop.randomness.installed():
            if loop.steps == 0:
                loop.validate()  # how good chance is
                trail.snapshot_if_due()
            trail.obey()
            last = self.total_steps if self._pause_at is None else min(self._pause_at, self.total_steps)
            if trail.is_behind:
                self._go_over(last, end)
            else:
                while loop.steps < last and not commands and time.perf_counter() < end:
                    loop.advance()
            loop.read_late_losses()
            last = self.total_steps if self._pause_at is None else min(self._pause_at, self.total_steps)
            over = loop.steps >= self.total_steps
            if over:
                loop.validate()
        loop.randomness.decide(loop.steps)
        loop.seconds += time.perf_counter() - begin
        before = trail.cost
        trail.snapshot_if_due()
        self.observed += trail.cost - before
        if over:
            self._finish()
        elif loop.steps == last:
            self._become("paused")

    def _go_over(self, last: int, end: float) -> None:
        """Steps that were made before, recorded once more and compared, with what was done then."""
        loop, commands, trail = self._loop, self._commands, self._trail
        while loop.steps < last and not commands and time.perf_counter() < end and trail.is_behind:
            trail.obey()
            trail.passed(loop.advance())
            last = self.total_steps if self._pause_at is None else min(self._pause_at, self.total_steps)

    # Going elsewhere on the timeline.

    def _travel(self, step: int, line: Line | None, before: Event | None = None) -> "Future[int]":
        self._trail.go(step, line, before)
        if self.state == "running":
            self._become("paused")
        self._arriving = Future()
        self._forget = before is not None
        self._wake()
        return self._arriving

    def _is_under_way(self) -> bool:
        if self._arriving is None:
            return False
        if any(name == "seek" for name, _, _ in self._commands):
            # The newest wish counts, as when a slider moves; what was on its way arrives where it is.
            self._arrived()
        return self._arriving is not None

    def _arrive(self, end: float) -> None:
        try:
            with self._loop.randomness.installed():
                there = self._trail.make_again(end)
        except BaseException as error:
            arriving, self._arriving = self._arriving, None
            assert arriving is not None
            self._trail.stay()
            arriving.set_exception(error)
            return
        if there:
            if self._forget:
                self._trail.forget_what_lies_ahead()
            self._arrived()

    def _arrived(self) -> None:
        arriving, self._arriving = self._arriving, None
        assert arriving is not None
        self._trail.stay()
        self.error = None
        self._pause_at = None
        self._become("paused")
        arriving.set_result(self.steps)

    # State.

    def _go(self) -> int:
        self._loop.wake()
        self.error = None
        self._pause_at = None
        self._become("running")
        return self.steps

    def _finish(self, mark: str = "") -> None:
        if mark:
            self._trail.note(mark)
        self.health.at_end()
        self._loop.rest()
        self._become("done")

    def _measure_rate(self) -> None:
        seconds, steps = self._rate_since
        if self.steps < steps:
            self._rate_since = (self.seconds, self.steps)
        # A turn that only validates says nothing of how fast steps are.
        elif self.steps > steps and (self.seconds - seconds >= 0.5 or math.isnan(self.rate)):
            self.rate = (self.steps - steps) / (self.seconds - seconds)
            self._rate_since = (self.seconds, self.steps)

    def _measure_busy(self, elapsed: float, own: float, all_threads: float) -> None:
        """How much slower the interpreter makes the training because another thread of the kernel uses it too."""
        others = all_threads - own
        slower = elapsed / own if own > 0 and others > 0.3 * elapsed and self.threads == 1 else 1.0
        self.busy += 0.1 * (slower - self.busy)
