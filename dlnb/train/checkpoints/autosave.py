"""Autosave: every few seconds a checkpoint on disk, written by another thread than the one that trains.

The two newest are kept, and all are removed when the run ends as it should. What a killed process leaves behind,
`recover` finds: the folder of a live process is locked.
"""

import atexit
import logging
import os
import shutil
import threading
import time
import weakref
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from filelock import FileLock, Timeout

from ..loop import Loop
from ..state import Snapshot
from .checkpoint import Checkpoint, take, write
from .tensorfile import CheckpointError

if TYPE_CHECKING:
    from ..run import Run

PERIOD = 5.0  # seconds between two saves
SHARE = 0.003  # of the training time that saving may take
PER_BYTE = 2e-9  # seconds that saving takes, before it has been measured
AGAIN = 30.0  # seconds until it is tried again when the disk took nothing
OLD = 14 * 86_400.0  # seconds after which what nobody recovered is removed
KEPT = 2

log = logging.getLogger(__name__)


def home() -> Path:
    """The folder in which every run has its own."""
    return Path(platformdirs.user_state_dir("dlnb", appauthor=False)) / "runs"


def saved_in(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the oldest first; none if another process removes the folder."""
    try:
        return sorted(folder.glob("*.safetensors"))
    except FileNotFoundError:
        return []


def period() -> float:
    """Seconds between two saves; `DLNB_AUTOSAVE` sets them, and 0 there switches autosave off."""
    try:
        return float(os.environ.get("DLNB_AUTOSAVE", PERIOD))
    except ValueError:
        return PERIOD


class Autosave:
    """Saves one run, called as a listener of it: on the thread that trains, between two steps.

    folder, lock: of a run that was recovered, which goes on in the same place.
    notice: why nothing is being saved at present, in words; empty if all is well.
    cost: seconds that saving has taken so far, on whatever thread.
    """

    def __init__(self, run: "Run", folder: Path | None = None, lock: FileLock | None = None) -> None:
        self.folder = folder
        self.notice = ""
        self.cost = 0.0
        self.saved = 0
        self._lock = lock
        self._period = period()
        size = sum(parameter.nbytes for parameter in run.model.parameters())
        self._next = 3 * size * PER_BYTE / SHARE  # seconds that the next save is away from the last
        self._last = (time.monotonic(), run.seconds)
        self._what: tuple[int, ...] = ()
        self._off = self._period <= 0 or type(run._loop) is not Loop
        self._run = weakref.ref(run)
        self._writing = False
        self._timer: threading.Timer | None = None
        self._files = threading.RLock()  # a run may be thrown away while this very thread writes
        # Who throws a run away does not want it back; at the end of the process it is kept.
        weakref.finalize(run, self._remove).atexit = False

    def __call__(self, run: "Run") -> None:
        """Save if it is time to, without waiting for the disk."""
        if self._off:
            return
        if run.state == "done":
            if self.folder is not None and not self._writing:
                self._remove()
            return
        if self._writing:
            return  # whoever writes looks again afterwards
        elapsed = time.monotonic() - self._last[0]
        trained = elapsed if run.state == "paused" else run.seconds - self._last[1]
        if elapsed < self._period or trained < self._next:
            if run.state == "paused":
                self._come_back(max(self._period, self._next) - elapsed)
            return
        what = (run.line.number, run.steps, run._trail.applied, len(run.history.marks))
        if _closing.is_set() or run._arriving is not None or what == self._what or not run.steps:
            return
        # A snapshot that the timeline has just taken costs nothing more: wait for the next one, but not for long.
        snapshot = _just_taken(run)
        if snapshot is None and run.state == "running" and elapsed < 2 * self._period:
            return
        begin = time.perf_counter()
        try:
            checkpoint = take(run._loop, run.journal.events, run.threads, run.settings, snapshot)
        except Exception as error:
            self._give_up(run, error)
            return
        self._what = what
        self._writing = True
        writer = threading.Thread(target=self._write, args=(checkpoint, time.perf_counter() - begin), name="dlnb-autosave", daemon=True)
        _writers.add(writer)
        writer.start()

    def _come_back(self, seconds: float) -> None:
        """Look again later, as a run that is paused calls nobody. At the end of the process all is saved, and no thread begins."""
        if not _closing.is_set() and (self._timer is None or not self._timer.is_alive()):
            self._timer = threading.Timer(min(max(0.1, seconds), 60.0) + 0.05, self._ask)
            self._timer.daemon = True
            self._timer.start()

    def _ask(self) -> None:
        run = self._run()
        if run is not None and not _closing.is_set() and run.state == "paused":
            run._send("autosave", lambda: self(run))

    # On the thread that writes.

    def _write(self, checkpoint: Checkpoint, taken: float) -> None:
        begin = time.thread_time()
        again = 0.0
        try:
            with self._files:
                folder = self._own_folder()
                write(checkpoint, folder / f"{self.saved:08d}.safetensors")
                self.saved += 1
                for old in saved_in(folder)[:-KEPT]:
                    old.unlink(missing_ok=True)
            self._say("")
        except CheckpointError as error:
            self._give_up(self._run(), error)
        except (OSError, Timeout) as error:
            again = AGAIN
            self._what = ()
            self._say(f"autosave: {error.strerror or error} ({self.folder or home()}). The run goes on, and saving is tried again.")
        except Exception as error:
            self._give_up(self._run(), error)
        cost = taken + time.thread_time() - begin
        self.cost += cost
        run = self._run()
        self._last = (time.monotonic(), 0.0 if run is None else run.seconds)
        self._next = max(cost / SHARE, again)
        self._writing = False  # before its state is looked at: whatever it becomes later, it is asked here itself
        if run is None or run.state == "done":
            self._remove()
        elif run.state == "paused":
            self._come_back(max(self._period, self._next))  # something may have been done to it meanwhile

    def _own_folder(self) -> Path:
        """The folder of this run, locked; made anew if somebody has taken it away."""
        if self.folder is not None and self._lock is not None and (self.folder / "lock").exists():
            return self.folder
        if self._lock is not None:
            with suppress(OSError):
                self._lock.release(force=True)
        if self.folder is None:
            _remove_old()
            self.folder = home() / f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}-{id(self) % 2**32:08x}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / "lock", timeout=0, thread_local=False)
        self._lock.acquire()
        return self.folder

    def _say(self, notice: str) -> None:
        """Show what is the matter, once; take it away when it is over."""
        run = self._run()
        if run is not None and run.notice == self.notice and notice != self.notice:
            run.notice = notice
        elif run is not None and notice and notice != self.notice:
            run.notice = f"{run.notice}; {notice}" if run.notice else notice
        if notice and not self.notice:
            log.warning("dlnb: %s", notice)
        self.notice = notice

    def _give_up(self, run: "Run | None", error: Exception) -> None:
        self._off = True
        self._say(f"this run is not saved by itself: {error}")

    def _remove(self) -> None:
        """Take everything off the disk."""
        with self._files:
            folder, self.folder = self.folder, None
            lock, self._lock = self._lock, None
            self._what = ()
            if folder is None:
                return
            for file in saved_in(folder):
                with suppress(OSError):
                    file.unlink()
            if lock is not None:
                with suppress(OSError):
                    lock.release(force=True)
            shutil.rmtree(folder, ignore_errors=True)


def attach(run: "Run", folder: Path | None = None, lock: FileLock | None = None) -> Autosave:
    """Have a run saved by itself from now on; the autosave that it has, if it has one."""
    for listener in run.on_change:
        if isinstance(listener, Autosave):
            return listener
    autosave = Autosave(run, folder, lock)
    if folder is not None:
        numbers = [int(file.stem) for file in saved_in(folder) if file.stem.isdigit()]
        autosave.saved = max(numbers, default=-1) + 1
    run.on_change.append(autosave)
    return autosave


def _just_taken(run: "Run") -> Snapshot | None:
    """The timeline's newest snapshot, if it is of the state that the run is in now."""
    last: Snapshot | None = run._trail._last
    is_now = last is not None and (last.step, last.events) == (run.steps, run._trail.applied) and bool(last.flats)
    return last if is_now else None


def unlocked(folder: Path) -> FileLock | None:
    """The lock of a folder, held now; None if a live process holds it."""
    lock = FileLock(folder / "lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return None
    return lock


def _remove_old() -> None:
    """Remove what was left behind long ago."""
    if not home().is_dir():
        return
    for folder in home().iterdir():
        with suppress(OSError):
            if folder.is_dir() and time.time() - folder.stat().st_mtime > OLD and (lock := unlocked(folder)) is not None:
                lock.release()
                shutil.rmtree(folder, ignore_errors=True)


_closing = threading.Event()
_writers: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()


def _finish_writing() -> None:
    """At the end of the process: a thread that is inside PyTorch then would abort it."""
    _closing.set()
    for writer in list(_writers):
        writer.join(timeout=10)


atexit.register(_finish_writing)
