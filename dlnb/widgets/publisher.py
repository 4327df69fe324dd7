"""The clock of the views: one thread that publishes what has changed, ten times a second at most,
and less often where publishing would cost more than its share of the training time.

Training and publishing each keep their own time. A run says that it has changed, which costs it a
microsecond; this thread looks at the run when a frame is due and sends what is new.
"""

import logging
import threading
import time
from typing import Protocol

PERIOD = 0.1  # seconds between two frames of a view
LONGEST = 0.5
SHARE = 0.003  # of the time that publishing may take

log = logging.getLogger(__name__)


class Published(Protocol):
    """A widget that sends frames."""

    def publish(self) -> None:
        """Send what is new to every browser view that can take it."""
        ...


class Publisher:
    """Calls `publish` of every widget that has changed, soon after it changed but not too often."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: set[Published] = set()
        self._urgent = False
        self._thread: threading.Thread | None = None

    def changed(self, widget: Published, urgent: bool = False) -> None:
        """Say that a widget has something to send; urgent if a person waits for it."""
        with self._changed:
            self._waiting.add(widget)
            self._urgent |= urgent
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._loop, name="dlnb-publisher", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _loop(self) -> None:
        due = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                self._changed.wait_for(lambda: self._urgent, timeout=max(0.0, due - time.monotonic()))
                widgets, self._waiting, self._urgent = self._waiting, set(), False
            begin = time.thread_time()
            for widget in widgets:
                try:
                    widget.publish()
                except Exception:
                    # A view must never end the thread that serves the others.
                    log.exception("dlnb: a frame of %r could not be sent", widget)
            cost = time.thread_time() - begin
            due = time.monotonic() + min(LONGEST, max(PERIOD, cost / SHARE))


PUBLISHER = Publisher()
