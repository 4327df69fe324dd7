"""Where snapshots are kept: in memory under a budget, what is thinned out there on disk, dense near now.

A snapshot costs memory and saves time: going to a step takes the nearest snapshot before it and makes the steps in
between again. So the oldest may lie far apart and the newest close together, in powers of two: of all that could go,
the one goes whose absence would cost least for its age.
"""

import logging
import os
import queue
import shutil
import tempfile
import threading
import weakref
from dataclasses import dataclass, field
from pathlib import Path

from .state import Snapshot

MEMORY = 256 << 20  # bytes, or an eighth of what is free if that is less
DISK = 8 << 30  # bytes, or a quarter of what is free if that is less
APART = 0.7  # seconds of training between two snapshots on disk

log = logging.getLogger(__name__)


@dataclass
class Entry:
    """A snapshot, in memory or on disk (then its tensors are in the file)."""

    snapshot: Snapshot
    seconds: float  # of training, when it was taken
    kept: set[str] = field(default_factory=set)  # why it may not go
    path: Path | None = None

    @property
    def in_memory(self) -> bool:
        """Whether its tensors are in memory."""
        return bool(self.snapshot.flats)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.snapshot.nbytes


class Snapshots:
    """The snapshots of all lines of a timeline.

    budget, disk_budget: bytes; by default 256 MB or 1/8 of the free memory, and 8 GB or 1/4 of the free disk.
    """

    def __init__(self, budget: int | None = None, disk_budget: int | None = None) -> None:
        self.budget = min(MEMORY, _free_memory() // 8) if budget is None else budget
        self._disk_budget = disk_budget
        self._lines: dict[int, dict[int, Entry]] = {}
        self._memory = 0
        self.disk_bytes = 0
        self._folder: Path | None = None
        self._writer: _Writer | None = None
        self._disk_is_broken = False

    def put(self, line: int, snapshot: Snapshot, seconds: float, kept: str = "") -> None:
        """Keep a snapshot of a line, and thin out until all fit into the budget."""
        entries = self._lines.setdefault(line, {})
        old = entries.pop(snapshot.step, None)
        if old is not None:
            self._forget(old)
        entry = Entry(snapshot, seconds, set(old.kept if old else ()) | ({kept} if kept else set()))
        entries[snapshot.step] = entry
        self._memory += entry.nbytes
        self._thin(newest=entry)

    @property
    def nbytes(self) -> int:
        """Bytes in memory now, those on their way to disk included."""
        return self._memory + (0 if self._writer is None else self._writer.nbytes)

    def keep(self, line: int, step: int, why: str) -> bool:
        """Let the snapshot of a step not be thinned out. Returns whether there is one."""
        entry = self._lines.get(line, {}).get(step)
        if entry is not None:
            entry.kept.add(why)
        return entry is not None

    def release(self, line: int, why: str) -> None:
        """Take back a reason to keep."""
        for entry in self._lines.get(line, {}).values():
            entry.kept.discard(why)

    def steps(self, line: int) -> list[int]:
        """The steps of a line at which there is a snapshot, in order."""
        return sorted(self._lines.get(line, {}))

    def at_or_before(self, line: int, step: int, events: int | None = None) -> Snapshot | None:
        """The newest snapshot of a line that is not after `step` and has at most `events` events, read from disk if it is there."""
        for candidate in reversed(self.steps(line)):
            entry = self._lines[line][candidate]
            if candidate <= step and (events is None or entry.snapshot.events <= events):
                snapshot = self._read(entry)
                if snapshot is not None:
                    return snapshot
                del self._lines[line][candidate]  # its file is gone
        return None

    def move(self, line: int, other: int, after: int) -> None:
        """Give the snapshots after a step to another line."""
        entries = self._lines.get(line, {})
        for step in [step for step in entries if step > after]:
            self._lines.setdefault(other, {})[step] = entries.pop(step)

    def close(self) -> None:
        """Forget all, on disk too."""
        if self._writer is not None:
            self._writer.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._lines, self._memory, self.disk_bytes = {}, 0, 0

    # Thinning.

    def _thin(self, newest: Entry) -> None:
        while self.nbytes > self.budget:
            found = self._least_worth(newest, on_disk=False)
            if found is None:
                break
            line, step, kept = found
            entry = self._lines[line][step]
            if (kept or self._is_worth_disk(line, step)) and self._spill(entry):
                continue
            if kept:
                break  # it may not go and cannot be written: rather over the budget than lost
            del self._lines[line][step]
            self._forget(entry)
        limit = self._disk_limit
        while self.disk_bytes > limit:
            found = self._least_worth(newest, on_disk=True)
            if found is None or found[2]:
                break
            self._forget(self._lines[found[0]].pop(found[1]))

    def _least_worth(self, newest: Entry, on_disk: bool) -> tuple[int, int, bool] | None:
        """Line and step of the snapshot whose absence costs least, and whether it is to be kept; those last of all."""
        best: tuple[tuple[bool, float], int, int] | None = None
        for line, entries in self._lines.items():
            steps = sorted(entries)
            for i, step in enumerate(steps):
                entry = entries[step]
                if entry is newest or entry.in_memory == on_disk:
                    continue
                before = entries[steps[i - 1]].seconds if i else entry.seconds - 1e3  # the first of a line is worth much
                after = entries[steps[i + 1]].seconds if i + 1 < len(steps) else newest.seconds
                age = max(newest.seconds - entry.seconds, 1e-3)
                worth = (bool(entry.kept), max(after - before, 0.0) / age**0.5)
                if best is None or worth < best[0]:
                    best = (worth, line, step)
        return None if best is None else (best[1], best[2], best[0][0])

    def _is_worth_disk(self, line: int, step: int) -> bool:
        """Whether going to a step would take too long without this snapshot."""
        entries = self._lines[line]
        steps = sorted(entries)
        i = steps.index(step)
        if i == 0 or i + 1 == len(steps):
            return True
        return entries[steps[i + 1]].seconds - entries[steps[i - 1]].seconds > APART

    def _forget(self, entry: Entry) -> None:
        if entry.in_memory:
            self._memory -= entry.nbytes
        if entry.path is not None:
            self.disk_bytes -= _size(entry.snapshot)
            if self._writer is not None:
                self._writer.remove(entry.path)

    # Disk.

    @property
    def _disk_limit(self) -> int:
        if self._disk_budget is None:
            self._disk_budget = min(DISK, shutil.disk_usage(tempfile.gettempdir()).free // 4)
        return self._disk_budget

    def _spill(self, entry: Entry) -> bool:
        """Write a snapshot and free its memory. Returns whether it could be done."""
        if self._disk_is_broken or _size(entry.snapshot) > self._disk_limit:
            return False
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="dlnb-timeline-"))
                self._writer = _Writer()
                weakref.finalize(self, _remove, self._writer, self._folder)
            assert self._writer is not None
            path = self._folder / f"{entry.snapshot.step}-{id(entry)}.safetensors"
            if not self._writer.write(entry.snapshot, path):
                return False
        except OSError as error:
            log.warning("dlnb: the timeline keeps fewer snapshots, as the disk takes no more: %s", error)
            self._disk_is_broken = True
            return False
        self._memory -= entry.nbytes
        self.disk_bytes += _size(entry.snapshot)
        entry.path = path
        snapshot = entry.snapshot
        entry.snapshot = Snapshot(snapshot.step, snapshot.layout, {}, snapshot.rest, snapshot.schedule, snapshot.events)
        return True

    def _read(self, entry: Entry) -> Snapshot | None:
        if entry.in_memory:
            return entry.snapshot
        assert entry.path is not None and self._writer is not None
        pending = self._writer.pending(entry.path)
        if pending is not None:
            return pending
        from safetensors.torch import load_file

        try:
            tensors = load_file(entry.path)
        except (OSError, ValueError) as error:
            log.warning("dlnb: the snapshot of step %d is lost: %s", entry.snapshot.step, error)
            return None
        flats = {flat.dtype: flat for flat in tensors.values()}
        kept = entry.snapshot
        return Snapshot(kept.step, kept.layout, flats, kept.rest, kept.schedule, kept.events)


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _size(snapshot: Snapshot) -> int:
    return sum(shape.numel() * dtype.itemsize for _, dtype, shape in snapshot.layout)


class _Writer:
    """One thread that writes snapshots, as training must not wait for a disk."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Path | None] = queue.Queue()
        self._pending: dict[Path, Snapshot] = {}
        self._lock = threading.Lock()
        self._failed: OSError | None = None
        self._thread: threading.Thread | None = None

    def write(self, snapshot: Snapshot, path: Path) -> bool:
        """Write soon. False if too much is waiting. Raises: OSError if an earlier write failed."""
        if self._failed is not None:
            raise self._failed
        with self._lock:
            if len(self._pending) >= 2:
                return False
            self._pending[path] = snapshot
        self._queue.put(path)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._loop, name="dlnb-snapshots", daemon=True)
            self._thread.start()
        return True

    @property
    def nbytes(self) -> int:
        """Bytes that wait to be written."""
        with self._lock:
            return sum(snapshot.nbytes for snapshot in self._pending.values())

    def pending(self, path: Path) -> Snapshot | None:
        """A snapshot that is not written yet."""
        with self._lock:
            return self._pending.get(path)

    def remove(self, path: Path) -> None:
        """Delete a file, or do not write it."""
        with self._lock:
            waiting = self._pending.pop(path, None) is not None
        if not waiting:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """End the thread."""
        self._queue.put(None)

    def _loop(self) -> None:
        from safetensors.torch import save_file

        while (path := self._queue.get()) is not None:
            snapshot = self.pending(path)
            if snapshot is None:
                continue
            try:
                partial = path.with_suffix(".part")
                save_file({str(dtype): flat.cpu() for dtype, flat in snapshot.flats.items()}, partial)
                os.replace(partial, path)
            except OSError as error:
                self._failed = error
            else:
                with self._lock:
                    removed = self._pending.pop(path, None) is None
                if removed:
                    path.unlink(missing_ok=True)


def _remove(writer: _Writer, folder: Path) -> None:
    writer.close()
    shutil.rmtree(folder, ignore_errors=True)
