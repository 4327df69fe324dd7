"""Single pieces of work done on the engine thread for another thread, which waits for them."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from ..engine import ENGINE


class _Errand:
    """One piece of work that is done on the engine thread."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.future: Future[Any] = Future()

    @property
    def has_work(self) -> bool:
        """Whether it still has to be done."""
        return not self.future.done()

    def turn(self, seconds: float) -> None:
        """Do it, unless nobody waits for it any more."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            answer = self.work()
        except BaseException as error:  # whoever waits for it is told
            self.future.set_exception(error)
        else:
            self.future.set_result(answer)


def await_all(futures: "list[Future[Any]]") -> None:
    """Wait until the runs have obeyed; not for ever, as somebody may hold the engine."""
    for future in futures:
        with suppress(Exception):
            future.result(timeout=5)


def on_engine(work: Callable[[], Any], given_up: Callable[[], bool]) -> Any:
    """What `work` gives, done on the engine thread while no run takes a turn. Raises: what it does; CancelledError."""
    errand = _Errand(work)
    ENGINE.wake(errand)
    while True:
        try:
            return errand.future.result(timeout=0.2)
        except TimeoutError:
            if errand.future.done():
                raise
            if given_up():
                errand.future.cancel()
