"""Snapshots on disk: a folder of this process, and the one thread that writes there, as training must not wait for it.

A file holds the flat tensors of one snapshot, in the safetensors format. It is read back only by the process that wrote
it, which knows what must be in it: a file that was cut short or changed meanwhile is found out.
Source: https://github.com/huggingface/safetensors#format
"""

import logging
import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import platformdirs
import psutil
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from .buffers import Buffers
from .checkpoints.tensorfile import CODES, header_of, write_all
from .state import Snapshot

AGAIN = 30.0  # seconds until it is tried again when the disk took nothing
PREFIX = "dlnb-timeline-"
ABANDONED = 60.0  # seconds after which a folder that nobody has locked is removed
IN_MEMORY = {"tmpfs", "ramfs"}  # file systems

log = logging.getLogger(__name__)

Flats = dict[torch.dtype, Tensor]


class Spilled:
    """One snapshot on its way to disk, or there.

    state: "waiting", then "there" or "failed". flats: its tensors until it is there.
    """

    def __init__(self, name: str, snapshot: Snapshot) -> None:
        self.name = name
        self.step = snapshot.step
        self.nbytes = size_on_disk(snapshot)
        self.state: Literal["waiting", "there", "failed", "removed"] = "waiting"
        self.flats: Flats = snapshot.flats
        self.check = 0


class Spill:
    """Writes snapshots, reads them, removes them.

    trouble: why the disk takes none at present, in words; empty if all is well. finished: how many writes have ended.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self.finished = 0
        self.folder: Path | None = None
        self._lock: FileLock | None = None
        self._process = os.getpid()
        self._queue: queue.SimpleQueue[Spilled | None] = queue.SimpleQueue()
        self._settled = threading.Condition()
        self._in_hand: Spilled | None = None
        self._thread: threading.Thread | None = None
        self._numbers = 0
        self._closing = False
        self._again = 0.0  # when it may be tried again
        self._lost = False

    @property
    def works(self) -> bool:
        """Whether it is worth while to write."""
        return not self.trouble or time.monotonic() >= self._again

    def write(self, snapshot: Snapshot) -> Spilled:
        """Write soon."""
        self._numbers += 1
        self._closing = False
        spilled = Spilled(f"{snapshot.step:09d}-{self._numbers}.safetensors", snapshot)
        self._queue.put(spilled)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="dlnb-spill", daemon=True)
            self._thread.start()
        return spilled

    def is_in_hand(self, spilled: Spilled) -> bool:
        """Whether it is being written at this moment, so that its memory would not become free."""
        return spilled is self._in_hand

    def wait(self, spilled: Spilled, seconds: float) -> bool:
        """Wait for a snapshot to be written. Returns whether it is."""
        with self._settled:
            self._settled.wait_for(lambda: spilled.state != "waiting", seconds)
        return spilled.state == "there"

    def remove(self, spilled: Spilled) -> None:
        """Delete the file, or do not write it."""
        with self._settled:
            was_there = spilled.state == "there"
            spilled.state = "removed"
            spilled.flats = {}
        if was_there:
            self._delete(spilled)

    def read(self, spilled: Spilled, like: Snapshot, buffers: Buffers) -> Flats | None:
        """The tensors of a snapshot; None if they are lost, which is said once. like: the snapshot without them."""
        with self._settled:
            flats = spilled.flats
        if flats:
            return flats
        try:
            return self._read(spilled, like, buffers)
        except (OSError, ValueError) as error:
            if not self._lost:
                log.warning(
                    "dlnb: snapshots of the timeline are lost, such as the one of step %d: %s. Going back takes longer.",
                    spilled.step,
                    error,
                )
            self._lost = True
            return None

    def close(self) -> None:
        """End the thread and remove everything."""
        if os.getpid() != self._process:
            return  # a copy of the process that a fork of the operating system made: it is all its parent's
        self._closing = True
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            if self._thread is not threading.current_thread():
                self._thread.join(timeout=5)
        if self._lock is not None:
            self._lock.release(force=True)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = self._lock = None

    # On the thread that writes.

    def _work(self) -> None:
        while (spilled := self._queue.get()) is not None and not self._closing:
            with self._settled:
                if spilled.state == "removed":
                    continue
                self._in_hand, flats = spilled, spilled.flats
            error = None
            try:
                self._write(spilled, flats)
            except (OSError, Timeout) as caught:
                error = caught
            del flats  # the block may come back
            with self._settled:
                self._in_hand = None
                self.finished += 1
                spilled.flats = {}
                if spilled.state == "waiting":
                    spilled.state = "failed" if error else "there"
                is_wanted = spilled.state != "removed"
                self._settled.notify_all()
            if error is not None or not is_wanted:
                self._delete(spilled)
            self._say(error)

    def _write(self, spilled: Spilled, flats: Flats) -> None:
        folder = self._own_folder()
        check = 0
        with open(folder / spilled.name, "xb", buffering=0) as file:
            write_all(file, _header({dtype: flat.numel() for dtype, flat in flats.items()}))
            for dtype in _order(flats):
                data = _bytes(flats[dtype].cpu())
                check += _sum(data)
                write_all(file, data)
            _out_of_memory(file)
        spilled.check = check

    def _read(self, spilled: Spilled, like: Snapshot, buffers: Buffers) -> Flats:
        if self.folder is None:
            raise ValueError("nothing was written")
        header, check = _header(like.lengths), 0
        flats: Flats = {}
        with open(self.folder / spilled.name, "rb", buffering=0) as file:
            if file.read(len(header)) != header:
                raise ValueError(f"{spilled.name} is of something else")
            for dtype in _order(like.lengths):
                block = buffers.take(like.lengths[dtype] * dtype.itemsize)
                data = _bytes(block)
                if not _get(file, data):
                    raise ValueError(f"{spilled.name} is cut short")
                check += _sum(data)
                flats[dtype] = block.view(dtype)
        if check != spilled.check:
            raise ValueError(f"{spilled.name} was changed")
        return flats

    def _own_folder(self) -> Path:
        """The folder, locked; made anew if somebody has taken it away."""
        if self.folder is not None and self.folder.is_dir():
            return self.folder
        home = place()
        home.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(home)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
        self._lock = FileLock(self.folder / "lock", timeout=0, thread_local=False)
        self._lock.acquire()
        return self.folder

    def _delete(self, spilled: Spilled) -> None:
        with suppress(OSError):
            if self.folder is not None:
                (self.folder / spilled.name).unlink(missing_ok=True)

    def _say(self, error: Exception | None) -> None:
        if error is None:
            self.trouble = ""
            return
        self._again = time.monotonic() + AGAIN
        if not self.trouble:
            self.trouble = (
                f"the timeline can write no snapshots: {getattr(error, 'strerror', None) or error} "
                f"({self.folder or place()}). The run goes on; going back to old steps may take longer."
            )
            log.warning("dlnb: %s", self.trouble)


def place() -> Path:
    """Where the folder lies: with the temporary files, if they are on a disk."""
    temporary = Path(tempfile.gettempdir())
    return (
        temporary if _kind(temporary) not in IN_MEMORY else Path(platformdirs.user_cache_dir("dlnb", appauthor=False))
    )


def free_disk() -> int:
    """Bytes that are free where the folder lies."""
    home = place()
    return shutil.disk_usage(next(folder for folder in (home, *home.parents) if folder.exists())).free


def size_on_disk(snapshot: Snapshot) -> int:
    """Bytes of the file of a snapshot."""
    return len(_header(snapshot.lengths)) + sum(dtype.itemsize * length for dtype, length in snapshot.lengths.items())


def _kind(folder: Path) -> str:
    """The kind of the file system that a folder is on."""
    around = {str(folder.resolve()), *map(str, folder.resolve().parents)}
    mounted = [part for part in psutil.disk_partitions(all=True) if part.mountpoint in around]
    return max(mounted, key=lambda part: len(part.mountpoint)).fstype if mounted else ""


def _remove_abandoned(home: Path) -> None:
    """Remove what killed processes left behind: a live one has its folder locked."""
    for folder in home.glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            if time.time() - folder.stat().st_mtime > ABANDONED:
                with FileLock(folder / "lock", timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)


def _order(flats: dict[torch.dtype, Any]) -> Iterator[torch.dtype]:
    """The largest kinds first, so that every tensor lies at a multiple of its own size."""
    yield from sorted(flats, key=lambda dtype: (-dtype.itemsize, str(dtype)))


def _header(lengths: dict[torch.dtype, int]) -> bytes:
    kinds = []
    for dtype in _order(lengths):
        name, nbytes = str(dtype).removeprefix("torch."), lengths[dtype] * dtype.itemsize
        # As bytes, where the format has no such numbers.
        kinds.append((name, CODES.get(name, "U8"), [lengths[dtype] if name in CODES else nbytes], nbytes))
    return header_of(kinds)


def _bytes(flat: Tensor) -> "np.ndarray[Any, Any]":
    return flat.view(torch.uint8).numpy()


def _sum(data: "np.ndarray[Any, Any]") -> int:
    """A number that is another if one of the bytes is; quick, and on this thread alone."""
    whole = len(data) // 8 * 8
    return int(data[:whole].view(np.uint64).sum()) + int(data[whole:].sum())


def _out_of_memory(file: Any) -> None:
    """Have the system not keep what was written in memory as well.

    Else gigabytes of it would push out what other programs have there, and each page would be new memory, which takes
    this thread ten times as long.
    """
    if hasattr(os, "posix_fadvise"):
        os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _get(file: Any, data: Any) -> bool:
    view = memoryview(data)
    while len(view):
        count = file.readinto(view)
        if not count:
            return False
        view = view[count:]
    return True
