"""The one thread on which all runs take turns.

Two training threads would halve the speed of small models and share one random generator; one
thread that gives each run a slice of 20 ms does neither, and leaves the kernel free for the reader.
"""

import atexit
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

from .teams import let_helpers_go, let_helpers_go_after_cells

SLICE = 0.02  # seconds
IDLE = 0.2  # seconds without work after which the helpers of this thread go
# While a run trains, a busy Python cell in another thread would otherwise keep the interpreter for
# 5 ms at each of the thousand operations of a step: training became up to 200 times slower.
SWITCH_INTERVAL = 1e-4  # seconds


class Turn(Protocol):
    """What takes turns on the engine thread: a run."""

    @property
    def has_work(self) -> bool:
        """Whether a turn would do something."""
        ...

    def turn(self, seconds: float) -> None:
        """Work for about `seconds`, then return."""
        ...


class Engine:
    """Gives every run with work to do its turn, one after the other, until the interpreter exits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._runs: list[Turn] = []
        self._thread: threading.Thread | None = None
        self._turning = False
        self._holders: list[int] = []
        self._stopping = False
        self._rounds = 0

    def wake(self, run: Turn) -> None:
        """Say that a run has work; starts the thread when it is needed for the first time."""
        if not self.is_current_thread:
            let_helpers_go()
        with self._changed:
            if run not in self._runs:
                self._runs.append(run)
            if self._thread is None or not self._thread.is_alive():
                let_helpers_go_after_cells()
                self._thread = threading.Thread(target=self._loop, name="dlnb-engine", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller is the engine thread itself."""
        return threading.current_thread() is self._thread

    @property
    def is_held_here(self) -> bool:
        """Whether the caller's thread holds the engine, so that waiting for a run would never end."""
        return threading.get_ident() in self._holders

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let no run take a turn inside this block."""
        if self.is_current_thread:
            yield
            return
        with self._changed:
            self._holders.append(threading.get_ident())
        try:
            # Inside, as an interrupt may end this wait.
            with self._changed:
                self._changed.wait_for(lambda: not self._turning)
            yield
        finally:
            let_helpers_go()
            with self._changed:
                self._holders.remove(threading.get_ident())
                self._changed.notify_all()

    def give_way(self) -> None:
        """Inside a `hold`: let the runs that have work take one turn each."""
        me = threading.get_ident()
        with self._changed:
            if me not in self._holders or not any(run.has_work for run in self._runs):
                return
            rounds = self._rounds
            self._holders.remove(me)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stopping or self._rounds > rounds, timeout=1)
            self._holders.append(me)
            self._changed.wait_for(lambda: not self._turning)

    def stop(self) -> None:
        """End the thread after the step it is at (a thread inside PyTorch at exit aborts the process)."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None and not self.is_current_thread:
            self._thread.join(timeout=10)

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._runs = [run for run in self._runs if run.has_work]
                if not self._changed.wait_for(self._can_go, timeout=IDLE):
                    let_helpers_go()
                    self._changed.wait_for(self._can_go)
                if self._stopping:
                    return
                runs = list(self._runs)
            interval = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_INTERVAL)
            try:
                for run in runs:
                    self._take_turn(run)
                with self._changed:
                    self._rounds += 1
                    self._changed.notify_all()
            finally:
                sys.setswitchinterval(interval)
                del run, runs  # a thread that waits must not keep a finished run and its model in memory

    def _can_go(self) -> bool:
        return self._stopping or (not self._holders and any(run.has_work for run in self._runs))

    def _take_turn(self, run: Turn) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or not self._holders)
            if self._stopping:
                return
            self._turning = True
        try:
            run.turn(SLICE)
        finally:
            with self._changed:
                self._turning = False
                self._changed.notify_all()


ENGINE = Engine()
atexit.register(ENGINE.stop)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers drawn inside come from `seed`, and the generator is put back afterwards.

    No training step runs meanwhile: a model made here starts the same way each time, also while
    another one trains. Waiting for a run inside raises RuntimeError, as it would never end.

    >>> with seeded(0):
    ...     first = torch.rand(3)
    >>> with seeded(0):
    ...     second = torch.rand(3)
    >>> torch.equal(first, second)
    True
    """
    with ENGINE.hold(), torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
