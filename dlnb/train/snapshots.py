"""Where snapshots are kept: in memory under a budget, the rest on disk, dense near now.

A snapshot costs memory and saves time: going to a step takes the nearest snapshot before it and makes the steps in
between again. Memory holds the newest. Of the others as many go to disk as it takes to be anywhere soon; where there is
no room for these either, the one goes whose absence would cost least for its age: gaps double as age grows fourfold.
"""

import heapq
import itertools
import weakref
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator

import psutil

from .buffers import SMALL, Buffers
from .spill import Spill, Spilled, free_disk, size_on_disk
from .state import Snapshot

MEMORY = 256 << 20  # bytes, or an eighth of what is free if that is less
DISK = 16 << 30  # bytes, or a quarter of what is free if that is less
APART = 0.6  # seconds of training that may lie between two snapshots while there is room on disk
MOST = 4096  # snapshots in all, as each takes a little memory also while it is on disk
BATCH = 16  # what is full is emptied by this part at once, as looking for what to drop takes time
FAR = 1e3  # seconds of training that the first and the last snapshot of a line are worth
PATIENCE = 2.0  # seconds that training waits for a snapshot to be written that may not be lost


class Entry:
    """A snapshot of a line, in memory, on disk (then without its tensors) or both. kept: why it may not go."""

    def __init__(self, line: int, snapshot: Snapshot, seconds: float, kept: set[str], number: int) -> None:
        self.line = line
        self.snapshot = snapshot
        self.seconds = seconds  # of training, when it was taken
        self.kept = kept
        self.number = number  # of all that were taken
        self.spilled: Spilled | None = None

    @property
    def is_on_disk(self) -> bool:
        """Whether its tensors are in a file."""
        return self.spilled is not None and self.spilled.state == "there"

    @property
    def is_waiting(self) -> bool:
        """Whether they soon will be."""
        return self.spilled is not None and self.spilled.state == "waiting"


class Snapshots:
    """The snapshots of all lines of a timeline.

    budget, disk_budget: bytes; by default 256 MB or 1/8 of the free memory, and 16 GB or 1/4 of the free disk. Memory may
    go beyond its budget only by the newest snapshot, if it alone is too large, and by those to be kept if no disk takes them.
    buffers: memory for the next snapshot, within the budget too.
    """

    def __init__(self, budget: int | None = None, disk_budget: int | None = None) -> None:
        self.budget = min(MEMORY, psutil.virtual_memory().available // 8) if budget is None else budget
        self.disk_bytes = 0
        self.buffers = Buffers()
        self._disk_budget = disk_budget
        self._disk = Spill()
        self._lines: dict[int, dict[int, Entry]] = {}
        self._steps: dict[int, list[int]] = {}  # of each line, in order
        self._held: set[Entry] = set()  # those in memory
        self._memory = 0  # bytes of these, and of the plain data of all
        self._plain = 0  # bytes of the plain data of all
        self._count = 0
        self._puts = 0
        self._newest: Entry | None = None
        self._finished = 0  # writes that have been taken note of
        weakref.finalize(self, self._disk.close)

    @property
    def nbytes(self) -> int:
        """Bytes in memory now, those on their way to disk and the memory for the next one included."""
        return self._memory + self.buffers.nbytes

    @property
    def trouble(self) -> str:
        """Why the disk takes no snapshots at present; empty if all is well."""
        return self._disk.trouble

    def put(self, line: int, snapshot: Snapshot, seconds: float, kept: str = "") -> None:
        """Keep a snapshot of a line that was taken after so many seconds of training; others go until it fits."""
        reasons = {kept} if kept else set()
        if not self._puts:
            reasons.add("begin")  # without the first nothing can be made again
        old = self._lines.get(line, {}).get(snapshot.step)
        if old is not None:
            reasons |= old.kept
            self._drop(old)
        self._puts += 1
        self._newest = entry = Entry(line, snapshot, seconds, reasons, self._puts)
        self._lines.setdefault(line, {})[snapshot.step] = entry
        insort(self._steps.setdefault(line, []), snapshot.step)
        size, spare = snapshot.nbytes, self._spare
        self.buffers.limit = spare
        self._make_count(snapshot)
        self._make_room(size)
        self._held.add(entry)
        self._memory += size
        self._plain += snapshot.plain_bytes
        self._count += 1
        if size > self.budget // 4:
            self._make_room(0)
        elif spare:
            self.buffers.provide([flat.nbytes for flat in snapshot.flats.values() if flat.nbytes >= SMALL])

    def tidy(self) -> None:
        """Free memory that was to be free already, once the disk has what was in it."""
        if self._finished != self._disk.finished and self.nbytes > self.budget:
            self._make_room(0)

    def keep(self, line: int, step: int, why: str, events: int | None = None) -> bool:
        """Let the snapshot of a step not be dropped. Returns whether there is one, with so many events."""
        entry = self._lines.get(line, {}).get(step)
        if entry is None or events not in (None, entry.snapshot.events):
            return False
        entry.kept.add(why)
        return True

    def release(self, line: int, step: int, why: str) -> None:
        """Take back a reason to keep."""
        entry = self._lines.get(line, {}).get(step)
        if entry is not None:
            entry.kept.discard(why)

    def steps(self, line: int) -> list[int]:
        """The steps of a line at which there is a snapshot, in order."""
        return list(self._steps.get(line, ()))

    def before(self, line: int, step: int) -> tuple[int, float] | None:
        """The step of the newest snapshot of a line that is not after `step`, and its seconds of training."""
        steps = self._steps.get(line, [])
        place = bisect_right(steps, step)
        return (steps[place - 1], self._lines[line][steps[place - 1]].seconds) if place else None

    def held(self, line: int, step: int) -> Snapshot | None:
        """The snapshot of a step, if it is in memory."""
        entry = self._lines.get(line, {}).get(step)
        return entry.snapshot if entry is not None and entry in self._held else None

    def at_or_before(self, line: int, step: int, events: int | None = None) -> Snapshot | None:
        """The newest snapshot of a line that is not after `step` and has at most `events` events, read from disk if it is there."""
        steps = self._steps.get(line, [])
        for candidate in reversed(steps[: bisect_right(steps, step)]):
            entry = self._lines[line][candidate]
            if events is None or entry.snapshot.events <= events:
                snapshot = self._read(entry)
                if snapshot is not None:
                    return snapshot
                self._drop(entry)
        return None

    def close(self) -> None:
        """Forget all, on disk too."""
        self._disk.close()
        self._lines, self._steps, self._held, self._newest = {}, {}, set(), None
        self._memory = self._plain = self._count = self.disk_bytes = self.buffers.limit = 0

    # Making room.

    @property
    def _spare(self) -> int:
        """Bytes of the budget that are left to the memory for the next snapshot, if there is room for many."""
        size = 0 if self._newest is None else sum(flat.nbytes for flat in self._newest.snapshot.flats.values())
        return size if size >= SMALL and 6 * size <= self.budget else 0

    def _make_room(self, size: int) -> None:
        """Free memory for so many bytes.

        Writing takes time, so it begins while there is room for a few more. What the disk has is freed; of what it does
        not need the rest is dropped.
        """
        self._finished = self._disk.finished
        hard = self.budget - self._spare
        soft = hard - min(max(hard // 8, 2 * size), hard // 2)
        if self._memory + size <= soft:
            return
        low, waiting = soft - soft // BATCH, 0
        for entry in self._least_first(self._held):
            if self._memory + size - waiting <= low:
                break
            if entry.spilled is not None and entry.spilled.state == "failed":
                self.disk_bytes -= entry.spilled.nbytes
                entry.spilled = None
            if entry.is_on_disk:
                self._free(entry)
            elif entry.is_waiting:
                waiting += entry.snapshot.nbytes
            elif not entry.kept and self._gap(entry) <= APART:
                self._drop(entry)
            elif self._disk_takes(entry):
                entry.spilled = self._disk.write(entry.snapshot)
                self.disk_bytes += entry.spilled.nbytes
                waiting += entry.snapshot.nbytes
            elif not entry.kept and entry is not self._newest:
                self._drop(entry)
        if self._memory + size > hard:
            self._make_room_at_once(size, hard)

    def _make_room_at_once(self, size: int, hard: int) -> None:
        """Drop also what going back will miss, and wait for what may not be dropped."""
        for entry in self._least_first(self._held):
            if self._memory + size <= hard:
                return
            in_hand = entry.spilled is not None and self._disk.is_in_hand(entry.spilled)
            if not entry.kept and not in_hand and entry is not self._newest:
                self._drop(entry)
        for entry in list(self._held):
            if self._memory + size <= hard:
                return
            if entry is not self._newest and entry.spilled is not None and self._disk.wait(entry.spilled, PATIENCE):
                self._free(entry)

    def _make_count(self, new: Snapshot) -> None:
        """Drop some where there are very many. Plain data may take half of the memory, if tensors have enough left."""
        limit = max(self.budget // 8, self.budget // 2 - new.nbytes) - new.plain_bytes
        if self._count < MOST and self._plain <= limit:
            return
        for entry in self._least_first(self._everything()):
            if self._count < MOST - MOST // BATCH and self._plain <= limit - limit // BATCH:
                return
            if not entry.kept and entry is not self._newest:
                self._drop(entry)

    def _disk_takes(self, entry: Entry) -> bool:
        """Whether there is room for a snapshot on disk, now or after dropping what is worth less."""
        if not self._disk.works:
            return False
        limit, size = self._disk_limit, size_on_disk(entry.snapshot)
        if self.disk_bytes + size <= limit:
            return True
        if size > limit:
            return False
        for other in self._least_first(
            [other for other in self._everything() if other.is_on_disk and other not in self._held]
        ):
            if self.disk_bytes + size <= limit - limit // BATCH:
                break
            if not other.kept:
                self._drop(other)
        return self.disk_bytes + size <= limit

    @property
    def _disk_limit(self) -> int:
        if self._disk_budget is None:
            self._disk_budget = min(DISK, free_disk() // 4)
        return self._disk_budget

    def _everything(self) -> Iterator[Entry]:
        return itertools.chain.from_iterable(line.values() for line in self._lines.values())

    def _least_first(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Those whose absence would cost least first, also as some of them go meanwhile."""
        heap = [(self._worth(entry), entry.number, entry) for entry in entries]
        heapq.heapify(heap)
        while heap:
            worth, number, entry = heapq.heappop(heap)
            if self._lines[entry.line].get(entry.snapshot.step) is not entry:
                continue
            now = self._worth(entry)
            if now > worth:  # its neighbour has gone
                heapq.heappush(heap, (now, number, entry))
            else:
                yield entry

    def _worth(self, entry: Entry) -> float:
        return self._gap(entry) / (self._puts + 1 - entry.number) ** 0.5

    def _gap(self, entry: Entry) -> float:
        """Seconds of training between the snapshots before and after it."""
        steps, entries = self._steps[entry.line], self._lines[entry.line]
        place = bisect_left(steps, entry.snapshot.step)
        if place == 0 or place + 1 == len(steps):
            return FAR
        return entries[steps[place + 1]].seconds - entries[steps[place - 1]].seconds

    # One snapshot.

    def _free(self, entry: Entry) -> None:
        """Keep it on disk alone."""
        self._memory -= entry.snapshot.nbytes - entry.snapshot.plain_bytes
        entry.snapshot = entry.snapshot.with_flats({})
        self._held.discard(entry)

    def _drop(self, entry: Entry) -> None:
        self._memory -= entry.snapshot.nbytes
        self._plain -= entry.snapshot.plain_bytes
        self._count -= 1
        self._held.discard(entry)
        if entry.spilled is not None:
            self.disk_bytes -= entry.spilled.nbytes
            self._disk.remove(entry.spilled)
        steps = self._steps[entry.line]
        del steps[bisect_left(steps, entry.snapshot.step)]
        del self._lines[entry.line][entry.snapshot.step]

    def _read(self, entry: Entry) -> Snapshot | None:
        if entry in self._held:
            return entry.snapshot
        flats = None if entry.spilled is None else self._disk.read(entry.spilled, entry.snapshot, self.buffers)
        return None if flats is None else entry.snapshot.with_flats(flats)
