"""One column of a history: (step, value) pairs in chunks, kept small and read without a lock.

A chunk holds float32 until a value needs more, and its steps as (first, stride) while they are
regular. Rows never move once written: a full chunk is shared between a run, its ghosts and its forks.
"""

import math
from typing import cast

import numpy as np

from .chunk import Chunk

FIRST, LARGEST = 1024, 65_536  # rows of the first chunk, and of the largest
NEVER = -(2**70)  # a step that is never asked for


class Series:
    """One column. One thread adds rows, any thread reads them: a row is there before `length` grows.

    Every chunk but the last is full.

    >>> series = Series()
    >>> series.add(1, 0.5)
    >>> series.add(2, 0.002)
    >>> series.tail(1)
    (array([2]), array([0.002]))
    """

    __slots__ = ("_chunks", "_next", "_row", "_stride", "_view", "length")

    def __init__(self) -> None:
        self.length = 0
        self._chunks: tuple[Chunk, ...] = ()
        self._row = 0  # the row of the last chunk that comes next
        self._view = memoryview(b"").cast("f")  # of the values of the last chunk, six times faster to write to
        self._next = NEVER  # the step that keeps the last chunk regular
        self._stride = 1

    def add(self, step: int, value: float) -> None:
        """Append one value. Raises: ValueError if `step` lies before the last one."""
        row = self._row
        if step == self._next and row < len(self._view):
            self._view[row] = value
            stored = self._view[row]
            if stored == value and stored - stored == 0:  # given back as it was, and finite
                self._row = row + 1
                self._next = step + self._stride
                self.length += 1
                return
        self._add(int(step), float(value))

    def add_rows(self, steps: np.ndarray, values: np.ndarray) -> None:
        """Append many rows. steps: (N,) int64; values: (N,) float. Raises: ValueError as `add` does."""
        if len(steps) != len(values):
            raise ValueError(f"there are {len(steps)} steps but {len(values)} values")
        start = 0
        while start < len(values):
            self._add(int(steps[start]), float(values[start]))  # makes a chunk if there is no room
            start += 1
            count = min(len(self._view) - self._row, len(values) - start)
            if count:
                self._fill(steps[start : start + count], values[start : start + count])
                start += count

    def tail(self, start: int, end: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Steps (int64) and values (float64) from row `start` to row `end` (the last there is), read-only."""
        pieces = self._pieces(start, end)
        steps = _joined([chunk.steps(low, high) for chunk, low, high in pieces], np.int64)
        values = _joined([chunk.values[low:high] for chunk, low, high in pieces], np.float64)
        if values.dtype != np.float64:
            values = values.astype(np.float64)
        steps.flags.writeable = values.flags.writeable = False
        return steps, values

    def values(self, start: int, end: int | None = None) -> tuple[np.ndarray, bool]:
        """Values as they are stored, float32 or float64, read-only; and whether there may be NaN or infinities."""
        pieces = self._pieces(start, end)
        values = _joined([chunk.values[low:high] for chunk, low, high in pieces], np.float32)
        values.flags.writeable = False
        return values, any(chunk.spotty for chunk, _, _ in pieces)

    def steps_at(self, rows: np.ndarray) -> np.ndarray:
        """The steps of the given rows, which ascend; int64."""
        found, start = [], 0
        for chunk in self._chunks:
            end = start + len(chunk.values)
            low, high = np.searchsorted(rows, (start, end))
            here = rows[low:high] - start
            if len(here):
                offsets = chunk.stride * here.astype(np.int64) if chunk.offsets is None else chunk.offsets[here]
                found.append(chunk.first + offsets.astype(np.int64))
            start = end
        return _joined(found, np.int64)

    def rows_up_to(self, step: int) -> int:
        """How many rows have a step of at most `step`."""
        length, start = self.length, 0
        for chunk in self._chunks:
            rows = min(len(chunk.values), length - start)
            below = chunk.rows_up_to(step, rows)
            start += below
            if below < rows or start == length:
                break
        return start

    def not_finite(self) -> np.ndarray:
        """The steps at which the value was NaN or an infinity, int64."""
        return _joined(
            [
                chunk.steps(low, high)[~np.isfinite(chunk.values[low:high])]
                for chunk, low, high in self._pieces(0, None)
                if chunk.spotty
            ],
            np.int64,
        )

    @property
    def last_step(self) -> int | None:
        """The step of the last row; None if there is none."""
        pieces = self._pieces(self.length - 1, None) if self.length else []
        return pieces[-1][0].step(pieces[-1][2] - 1) if pieces else None

    @property
    def nbytes(self) -> int:
        """Bytes of memory, also of what is shared with a fork."""
        return sum(chunk.nbytes for chunk in self._chunks)

    def copy(self) -> "Series":
        """A column of its own with the same rows; full chunks are shared."""
        return self._front(self.length)

    def split(self, row: int) -> "tuple[Series, Series]":
        """The rows before `row`, and those from it on. This column must not be written any more, and refuses it."""
        length = self.length
        front, rest = self._front(row), Series()
        start, chunks = 0, []
        for chunk in self._chunks:
            end = start + len(chunk.values)
            if start >= row and start < length:
                chunks.append(chunk)
            elif start < row < min(end, length):
                chunks.append(chunk.rest(row - start, length - start))
            start = end
        rest._take(tuple(chunks), length - row)
        self._view, self._row, self._next = memoryview(b"").cast("f"), -1, NEVER
        return front, rest

    def join(self, other: "Series") -> None:
        """Append all rows of `other`, which goes on after this one and must not be written any more.

        Raises: ValueError if it begins before this one ends.
        """
        for chunk, low, high in other._pieces(0, None):
            if self._row < len(self._view):
                self.add_rows(chunk.steps(low, high), chunk.values[low:high])
            else:
                self._check_order(chunk.first)
                self._take((*self._chunks, chunk), self.length + high)

    # The slow way, and what moves whole chunks.

    def _add(self, step: int, value: float) -> None:
        self._check_order(step)
        if self._row == len(self._view):
            room = min(LARGEST, max(FIRST, self.length))
            self._chunks = (*self._chunks, Chunk(np.empty(room, np.float32), step, self._stride))
            self._row = 0
        row, chunk = self._row, self._chunks[-1]
        if row == 1 and chunk.offsets is None:
            chunk.stride = step - chunk.first  # who reads one row does not ask for it
        elif chunk.offsets is None and step != chunk.step(row):
            chunk = chunk.with_offsets(row, step)
        if chunk.offsets is not None:
            if step - chunk.first >= 2**31 and chunk.offsets.dtype == np.int32:
                chunk = chunk.with_offsets(row, step)
            cast(np.ndarray, chunk.offsets)[row] = step - chunk.first
        if not math.isfinite(value):
            chunk.spotty = True
        elif chunk.values.dtype == np.float32 and not _fits_float32(value):
            chunk = chunk.in_float64(row)
        chunk.values[row] = value
        self._publish(chunk, row + 1)

    def _fill(self, steps: np.ndarray, values: np.ndarray) -> None:
        """Append rows for which the last chunk, which has one row or more, has room."""
        row, count, chunk = self._row, len(values), self._chunks[-1]
        end, last = row + count, int(steps[-1])
        if (np.diff(steps) < 0).any():
            raise ValueError("steps only ever grow")
        self._check_order(int(steps[0]))
        if row == 1 and chunk.offsets is None:
            chunk.stride = int(steps[0]) - chunk.first
        if chunk.offsets is None and not np.array_equal(chunk.steps(row, end), steps):
            chunk = chunk.with_offsets(row, last)
        if chunk.offsets is not None:
            if last - chunk.first >= 2**31 and chunk.offsets.dtype == np.int32:
                chunk = chunk.with_offsets(row, last)
            cast(np.ndarray, chunk.offsets)[row:end] = steps - chunk.first
        finite = np.isfinite(values)
        chunk.spotty = chunk.spotty or not finite.all()
        if chunk.values.dtype == np.float32 and values.dtype != np.float32:
            with np.errstate(over="ignore", invalid="ignore"):
                exact = values.astype(np.float32).astype(np.float64) == values
            if not (exact | ~finite).all():
                chunk = chunk.in_float64(row)
        chunk.values[row:end] = values
        self._publish(chunk, end)

    def _publish(self, chunk: Chunk, rows: int) -> None:
        """Show the last chunk, which has `rows` rows now, to those who read."""
        added = rows - self._row
        if chunk is not self._chunks[-1]:
            self._chunks = (*self._chunks[:-1], chunk)
        self.length += added
        self._look(chunk, rows)

    def _take(self, chunks: tuple[Chunk, ...], length: int) -> None:
        """Have these chunks, of which all but the last are full."""
        self._chunks = chunks
        self.length = length
        if chunks:
            self._look(chunks[-1], length - sum(len(chunk.values) for chunk in chunks[:-1]))

    def _look(self, chunk: Chunk, rows: int) -> None:
        """Make ready to write row number `rows` of the last chunk."""
        self._view = memoryview(chunk.values.data)
        self._row = rows
        self._stride = chunk.stride
        self._next = chunk.step(rows) if chunk.offsets is None else NEVER

    def _front(self, row: int) -> "Series":
        """The rows before `row`; what is not a full chunk is copied."""
        front, start, chunks = Series(), 0, []
        for chunk in self._chunks:
            end = start + len(chunk.values)
            if end <= row:
                chunks.append(chunk)
            elif start < row:
                chunks.append(chunk.begin(row - start))
            start = end
        front._take(tuple(chunks), row)
        return front

    def _pieces(self, start: int, end: int | None) -> list[tuple[Chunk, int, int]]:
        """The chunks that hold rows `start` to `end`, and which of their rows."""
        length = self.length  # before the chunks: what they hold is at least as long
        chunks = self._chunks
        end = length if end is None else min(end, length)
        pieces, first = [], 0
        for chunk in chunks:
            low, high = max(0, start - first), min(len(chunk.values), end - first)
            if low < high:
                pieces.append((chunk, low, high))
            first += len(chunk.values)
            if first >= end:
                break
        return pieces

    def _check_order(self, step: int) -> None:
        if self._row < 0:
            raise RuntimeError("this column was cut: ask the history for it again")
        if self.length and step < (last := cast(int, self.last_step)):
            raise ValueError(f"steps only ever grow: step {step} cannot be recorded after step {last}")


def _joined(parts: list[np.ndarray], kind: type) -> np.ndarray:
    """The parts in a row, or nothing at all of this kind; a part alone is not copied."""
    if not parts:
        return np.empty(0, kind)
    return parts[0].view() if len(parts) == 1 else np.concatenate(parts)


def _fits_float32(value: float) -> bool:
    with np.errstate(over="ignore"):
        return float(np.float32(value)) == value
