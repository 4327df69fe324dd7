"""What is told to a run and when it is obeyed: a state machine, and a queue of commands drained between two steps.

Any thread may send a command; it takes effect on the thread that trains. `Run` says what the commands do.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Literal

from .engine import ENGINE
from .teams import let_helpers_go

log = logging.getLogger(__name__)

State = Literal["ready", "running", "paused", "done", "failed"]
Command = tuple[str, Callable[[], Any], Future[Any]]


class Controlled:
    """A state, a queue of commands, and those who wait for either."""

    def __init__(self) -> None:
        self.state: State = "ready"
        self.error: BaseException | None = None
        self.on_change: list[Callable[[Any], None]] = []
        self._commands: deque[Command] = deque()
        self._settled = threading.Condition()

    def request(self, command: str, **arguments: Any) -> "Future[Any]":
        """Send a command by name and return at once; for views, which must not wait.

        command: the name of a method that takes effect between two steps: "pause", "set", "seek", …
        The future gives the step at which it took effect, or what was asked for.

        Raises: ValueError for an unknown command.
        """
        action = getattr(self, f"_do_{command}", None)
        if action is None:
            raise ValueError(f"a run has no command {command!r}")
        return self._send(command, lambda: action(**arguments))

    def _send(self, name: str, action: Callable[[], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        if self._is_on_training_thread:
            _answer(action, future)
            return future
        if ENGINE.is_held_here:
            raise RuntimeError("inside dl.seeded(...) no run takes a step: close that block before you control a run")
        self._commands.append((name, action, future))
        self._wake()
        return future

    def _obey(self) -> None:
        """Do what was asked for, unless something is under way that must come to its end first."""
        while self._commands and not self._is_under_way():
            _, action, future = self._commands.popleft()
            if future.set_running_or_notify_cancel():
                _answer(action, future)

    @property
    def _is_on_training_thread(self) -> bool:
        return ENGINE.is_current_thread

    def _is_under_way(self) -> bool:
        return False

    def _wake(self) -> None:
        """Have somebody drain the queue."""
        ENGINE.wake(self)  # type: ignore[arg-type]

    def _become(self, state: State) -> None:
        with self._settled:
            self.state = state
            self._settled.notify_all()
        self._changed()

    def _changed(self) -> None:
        for listener in list(self.on_change):
            try:
                listener(self)
            except Exception:
                # Whoever looks on must never end the training.
                log.exception("dlnb: a listener of %r raised and is not asked again", self)
                with suppress(ValueError):  # it may have left by itself meanwhile
                    self.on_change.remove(listener)

    def _wait_while(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        if ENGINE.is_held_here:
            raise RuntimeError("inside dl.seeded(...) no run takes a step: close that block before you wait for a run")
        if self._is_on_training_thread:
            raise RuntimeError("the thread that trains cannot wait for itself: wait for the run in a cell")
        end = None if timeout is None else time.monotonic() + timeout
        let_helpers_go()
        with self._settled:
            while condition():
                left = math.inf if end is None else end - time.monotonic()
                if left <= 0:
                    return False
                # In short waits, as an interrupt does not end a long one everywhere.
                self._settled.wait(min(left, 0.2))
        return True

    def _raise_error(self) -> None:
        if self.state == "failed" and self.error is not None:
            raise self.error


def _answer(action: Callable[[], Any], future: "Future[Any]") -> None:
    try:
        answer = action()
    except BaseException as error:  # SystemExit too: it must not end the thread, and somebody waits
        future.set_exception(error)
        return
    if isinstance(answer, Future):
        # What takes more than a moment gives a future of its own.
        answer.add_done_callback(lambda done: _hand_on(done, future))
    else:
        future.set_result(answer)


def _hand_on(done: "Future[Any]", future: "Future[Any]") -> None:
    error = done.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())
