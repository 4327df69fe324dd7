"""Memory of snapshots that are gone, for those to come.

Memory that is new to a process comes page by page, which takes ten times as long as copying into it. So the block that a
snapshot lay in comes back when nobody holds the snapshot any more, nor a tensor of it, whoever that was.

Blocks are pages of their own, not memory of the C library: there thousands of them, coming and going among what is small
and stays, would leave holes that nothing fits into, hundreds of megabytes in an hour.
"""

import mmap
import threading
import weakref
from contextlib import suppress

import torch
from torch import Tensor

SMALL = 64 << 10  # bytes: below, pages would be too coarse, and the C library has a block at hand
PAGE = 4096  # bytes
HUGE = 2 << 20  # bytes


class Buffers:
    """Blocks of memory that are lent, and come back by themselves.

    limit: bytes of blocks that may lie here unused.
    """

    def __init__(self) -> None:
        self._limit = 0
        self._free: list[Tensor] = []
        # A block comes back on whatever thread let go of it, also in the middle of a method of this class.
        self._lock = threading.RLock()
        self._provider: threading.Thread | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that lie here unused."""
        return sum(block.numel() for block in list(self._free))

    @property
    def limit(self) -> int:
        """Bytes that may."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        with self._lock:
            self._limit = limit
            while self._free and self.nbytes > limit:
                self._free.pop(0)

    def take(self, nbytes: int) -> Tensor:
        """A block, uint8 of shape (nbytes,), with whatever it held before; it comes back when all views of it are gone."""
        with self._lock:
            place = next((i for i, block in enumerate(self._free) if block.numel() == nbytes), None)
            block = _pages(nbytes) if place is None else self._free.pop(place)
        # Every tensor over this array shares one storage, which holds the array until the last of them is gone.
        lent = block.numpy()
        weakref.finalize(lent, self._come_back, block).atexit = False
        return torch.from_numpy(lent)

    def provide(self, sizes: list[int]) -> None:
        """Have blocks ready for the next `take`s, made by another thread as long as none come back."""
        with self._lock:
            there = [block.numel() for block in self._free]
            missing = [size for size in sizes if size not in there]
            busy = self._provider is not None and self._provider.is_alive()
            if not missing or busy or sum(missing) > self._limit:
                return
            self._provider = threading.Thread(target=self._make, args=(missing,), name="dlnb-buffers", daemon=True)
        self._provider.start()

    def _make(self, sizes: list[int]) -> None:
        for size in sizes:
            block = _pages(size)
            block.numpy()[::PAGE] = 0  # touched here, so that the training does not wait for each page
            self._come_back(block)

    def _come_back(self, block: Tensor) -> None:
        with self._lock:
            self._free.append(block)
            while self.nbytes > self._limit:
                self._free.pop(0)  # the oldest may be of a model that is no more


def _pages(nbytes: int) -> Tensor:
    """New memory, uint8 of shape (nbytes,), that goes back to the system when nobody holds it."""
    if not hasattr(mmap, "MAP_ANONYMOUS"):  # Windows
        return torch.frombuffer(mmap.mmap(-1, nbytes), dtype=torch.uint8)
    # Private, as shared pages take longer to come; and by two megabytes at once, where the system has such pages.
    pages = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if nbytes >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without them
            pages.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(pages, dtype=torch.uint8)
