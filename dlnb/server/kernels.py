"""What kernels tell of their runs, and what is told to them: two small files beside each kernel's connection file.

A kernel in which dlnb trains looks four times a second whether there is `dlnb-asked-…json` beside its connection file
(`dlnb/train/announce.py`). While that says that somebody looks, it writes its runs to `dlnb-runs-…json`, once a second at
most; else it writes nothing. This needs no port, works while a cell is busy, and leaves Jupyter's own messages alone: a
question on the control channel would make JupyterLab show a busy kernel as idle.
"""

import json
import os
import secrets
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..course.memory import memory, of_process
from .course import Refused

ASKED, RUNS = "dlnb-asked-", "dlnb-runs-"  # before the name of the connection file
LOOKING = 10.0  # seconds for which a kernel goes on telling after it was asked
AGAIN = 3.0  # seconds after which it is asked again
FRESH = 6.0  # seconds after which what it told is old
LARGEST = 200_000  # bytes that a kernel may tell
KEPT = 0.5  # seconds for which memory is not measured again, however many panels ask
COMMANDS = ("pause", "resume", "stop")


@dataclass
class Kernel:
    """A kernel of this server. file: its connection file. pid: of its process, or None if it is elsewhere."""

    id: str
    file: Path
    pid: int | None


@dataclass
class _Asked:
    """What was last written for a kernel. at: when. commands: the latest, each with a number of its own."""

    at: float = 0.0
    commands: list[dict[str, Any]] = field(default_factory=list)


class Kernels:
    """The kernels of this server. `here` is called on the event loop, the others in a thread."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager
        self._asked: dict[str, _Asked] = {}
        self._lock = threading.Lock()
        self._measured: tuple[float, dict[str, Any]] = (0.0, {})
        self._session = secrets.token_hex(4)  # so that a kernel does not take a new server's first command for an old one
        self._number = 0

    def here(self) -> list[Kernel]:
        """The kernels that this server has now."""
        found = []
        for name in self.manager.list_kernel_ids():
            try:
                kernel = self.manager.get_kernel(name)
            except KeyError:  # it ended just now
                continue
            provisioner = getattr(kernel, "provisioner", None)
            if getattr(kernel, "connection_file", ""):
                found.append(Kernel(name, Path(kernel.connection_file), getattr(provisioner, "pid", None)))
        return found

    def look(self, kernels: list[Kernel]) -> dict[str, Any]:
        """Memory in use, and for each kernel its memory and its runs. Asks the kernels to go on telling."""
        with self._lock:
            self._forget_all_but(kernels)
            for kernel in kernels:
                if time.time() - self._asked.setdefault(kernel.id, _Asked()).at > AGAIN:
                    self._ask(kernel)
            if time.monotonic() - self._measured[0] > KEPT or self._measured[1].keys() != {kernel.id for kernel in kernels} | {""}:
                measured = {kernel.id: kernel.pid and of_process(kernel.pid) for kernel in kernels}
                self._measured = (time.monotonic(), {**measured, "": asdict(memory())})
            taken = self._measured[1]
        told = [{"id": kernel.id, "memory": taken[kernel.id], **_told(kernel)} for kernel in kernels]
        return {"memory": taken[""], "kernels": told}

    def tell(self, kernels: list[Kernel], name: str, run: str, command: str) -> None:
        """Have a kernel do something with a run. It does so within a quarter of a second or two; `look` shows what came of it.

        Raises: Refused if there is no such kernel or run.
        """
        kernel = next((kernel for kernel in kernels if kernel.id == name), None)
        if kernel is None:
            raise Refused(404, "There is no such kernel. It may have ended.")
        if not any(one.get("id") == run for one in _told(kernel)["runs"]):
            raise Refused(404, "There is no such run. It may have ended.")
        with self._lock:
            asked = self._asked.setdefault(kernel.id, _Asked())
            self._number += 1
            asked.commands = [*asked.commands[-7:], {"number": f"{self._session}-{self._number}", "run": run, "do": command}]
            self._ask(kernel)

    def _ask(self, kernel: Kernel) -> None:
        asked = self._asked[kernel.id]
        asked.at = time.time()
        text = json.dumps({"until": asked.at + LOOKING, "commands": asked.commands})
        try:
            number, name = tempfile.mkstemp(prefix="." + ASKED, dir=kernel.file.parent)
        except OSError:  # a full disk: the runs are not shown, and nothing else is touched by it
            return
        try:
            with os.fdopen(number, "w") as out:
                out.write(text)
            os.replace(name, kernel.file.with_name(ASKED + kernel.file.name))
        except OSError:
            Path(name).unlink(missing_ok=True)

    def _forget_all_but(self, kernels: list[Kernel]) -> None:
        """Remove what kernels that have ended left behind: files of ours whose connection file is gone."""
        for name in self._asked.keys() - {kernel.id for kernel in kernels}:
            del self._asked[name]
        for folder in {kernel.file.parent for kernel in kernels} or {Path(self.manager.connection_dir)}:
            for start in (ASKED, RUNS):
                for left in folder.glob(f"{start}*.json"):
                    if not left.with_name(left.name.removeprefix(start)).exists():
                        left.unlink(missing_ok=True)


def _told(kernel: Kernel) -> dict[str, Any]:
    """What a kernel told last: its runs, and whether that is old, as when a long operation keeps it."""
    nothing: dict[str, Any] = {"runs": [], "old": False}
    file = kernel.file.with_name(RUNS + kernel.file.name)
    try:
        if file.stat().st_size > LARGEST:
            return nothing
        told = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return nothing
    if not isinstance(told, dict) or not isinstance(told.get("runs"), list) or not isinstance(told.get("at"), int | float):
        return nothing
    if kernel.pid is not None and told.get("pid") != kernel.pid:
        return nothing  # of the process before the kernel was started again
    return {"runs": [run for run in told["runs"] if isinstance(run, dict)], "old": time.time() - told["at"] > FRESH}
