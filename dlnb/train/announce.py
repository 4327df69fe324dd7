"""A kernel tells of its runs, for the course panel: a small file beside the kernel's connection file, written only while
somebody looks. `dlnb/server/kernels.py` is the other side.

A thread of its own looks four times a second whether it is asked, which costs some microseconds; so it answers while a cell is
busy. Outside of a notebook's kernel nothing of this happens.
"""

import atexit
import functools
import json
import logging
import math
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .registry import runs

if TYPE_CHECKING:
    from .run import Run

PERIOD = 0.25  # seconds between two looks
WRITE = 1.0  # seconds between two writes
SHOWN = ("ready", "running", "paused", "failed")
MOST = 20  # runs that are told of, the latest first
COMMANDS = ("pause", "resume", "stop")
log = logging.getLogger(__name__)


@functools.cache
def announce() -> None:
    """Begin to listen, once in a kernel's life."""
    connection = _connection_file()
    if connection is not None:
        announcer = Announcer(connection)
        threading.Thread(target=announcer.listen, name="dlnb-announcer", daemon=True).start()
        atexit.register(announcer.clear)


class Announcer:
    """Answers for one kernel. connection: its connection file."""

    def __init__(self, connection: Path) -> None:
        self.asked = connection.with_name("dlnb-asked-" + connection.name)
        self.told = connection.with_name("dlnb-runs-" + connection.name)
        self._seen: tuple[int, int] | None = None
        self._until = 0.0
        self._obeyed: set[str] = set()
        self._written = (0.0, "")
        self._expecting = False

    def listen(self) -> None:
        """Look again and again, until the process ends."""
        while True:
            try:
                self.look()
            except Exception:  # whoever looks on must never disturb the kernel
                log.debug("dlnb: the course panel was not answered", exc_info=True)
            time.sleep(PERIOD)

    def look(self) -> None:
        """Obey what is new, and tell of the runs if somebody looks."""
        try:
            stat = self.asked.stat()
        except OSError:
            return
        obeyed = False
        if (stat.st_mtime_ns, stat.st_ino) != self._seen:
            asked = json.loads(self.asked.read_bytes())
            self._seen = (stat.st_mtime_ns, stat.st_ino)
            self._until = float(asked["until"])
            obeyed = any([self._obey(command) for command in asked["commands"]])
        now = time.time()
        if now < self._until and (obeyed or self._expecting or not 0 <= now - self._written[0] < WRITE):
            self._tell(now)
        self._expecting = obeyed  # what it led to is told at the next look

    def clear(self) -> None:
        """Leave nothing behind."""
        for file in (self.told, self.asked):
            with suppress(OSError):
                file.unlink(missing_ok=True)

    def _obey(self, command: dict[str, Any]) -> bool:
        if command["number"] in self._obeyed or command["do"] not in COMMANDS:
            return False
        self._obeyed.add(command["number"])
        run = next((run for run in runs() if _name(run) == command["run"]), None)
        if run is not None:
            run.request(command["do"])
        return run is not None

    def _tell(self, now: float) -> None:
        shown = [run for run in runs() if run.state in SHOWN]
        text = json.dumps([about(run) for run in reversed(shown[-MOST:])])
        if not shown and self._written[1] == text:
            self._written = (now, text)  # nothing to tell, and that was said
            return
        part = self.told.with_name(f".{self.told.name}.part")
        part.write_text(f'{{"at": {now}, "pid": {os.getpid()}, "runs": {text}}}')
        part.replace(self.told)
        self._written = (now, text)


def about(run: "Run") -> dict[str, Any]:
    """A run in a few words and numbers. loss: the last one that was recorded, None before there is one or if it is not finite."""
    return {
        "id": _name(run),
        "name": f"{type(run.model).__name__} on {run.task.name}"[:120],
        "state": run.state,
        "step": run.steps,
        "steps": run.total_steps if math.isfinite(run.total_steps) else None,
        "loss": _last_loss(run),
        "error": f"{type(run.error).__name__}: {run.error}"[:300] if run.state == "failed" else "",
    }


def _last_loss(run: "Run") -> float | None:
    name = "loss" if "loss" in run.history else next(iter(run.history), None)
    if name is None:
        return None
    length = run.history.series(name).length
    values = run.history.series(name).values(max(0, length - 1))[0]
    return float(values[-1]) if len(values) and math.isfinite(values[-1]) else None


def _name(run: "Run") -> str:
    return f"run-{run.number}"


def _connection_file() -> Path | None:
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    parent = getattr(getattr(shell, "kernel", None), "parent", None)  # the application that reads the connection file
    name = getattr(parent, "abs_connection_file", "")
    return Path(name) if name else None
