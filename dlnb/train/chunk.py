"""Rows of one column in a block of memory: values in the smallest type that gives them back, steps as a rule where there is one."""

import numpy as np


class Chunk:
    """Up to `len(values)` rows.

    values: float32, or float64 where float32 would not give every value back.
    offsets: each step less `first`, or None while step number i is `first + i * stride`.
    spotty: whether there may be NaN or an infinity among the values.
    """

    __slots__ = ("first", "offsets", "spotty", "stride", "values")

    def __init__(
        self, values: np.ndarray, first: int, stride: int, offsets: np.ndarray | None = None, spotty: bool = False
    ) -> None:
        self.values = values
        self.first = first
        self.stride = stride
        self.offsets = offsets
        self.spotty = spotty

    def steps(self, start: int, end: int) -> np.ndarray:
        """The steps of rows `start` to `end`, int64."""
        if self.offsets is None:
            return self.first + self.stride * np.arange(start, end, dtype=np.int64)
        return self.first + self.offsets[start:end].astype(np.int64)

    def step(self, row: int) -> int:
        """The step of one row."""
        return self.first + (self.stride * row if self.offsets is None else int(self.offsets[row]))

    def rows_up_to(self, step: int, rows: int) -> int:
        """How many of the first `rows` have a step of at most `step`."""
        if self.offsets is not None:
            return int(np.searchsorted(self.offsets[:rows], step - self.first, side="right"))
        if step < self.first:
            return 0
        return rows if self.stride == 0 else min(rows, (step - self.first) // self.stride + 1)

    def begin(self, rows: int) -> "Chunk":
        """The first `rows` in a chunk of their own, with as much room as this one."""
        values, offsets = np.empty_like(self.values), None
        values[:rows] = self.values[:rows]
        if self.offsets is not None:
            offsets = np.empty_like(self.offsets)
            offsets[:rows] = self.offsets[:rows]
        return Chunk(values, self.first, self.stride, offsets, self._spotty(0, rows))

    def rest(self, start: int, end: int) -> "Chunk":
        """The rows from `start` on, and the room behind row `end`, in the same memory."""
        offsets = None if self.offsets is None else self.offsets[start:] - self.offsets[start]
        return Chunk(self.values[start:], self.step(start), self.stride, offsets, self._spotty(start, end))

    def in_float64(self, rows: int) -> "Chunk":
        """The same, in float64."""
        values = np.empty(len(self.values), np.float64)
        values[:rows] = self.values[:rows]
        return Chunk(values, self.first, self.stride, self.offsets, self.spotty)

    def with_offsets(self, rows: int, last: int) -> "Chunk":
        """The same with each step written down, wide enough for a step as large as `last`."""
        kind = np.int32 if last - self.first < 2**31 else np.int64
        offsets = np.empty(len(self.values), kind)
        offsets[:rows] = self.steps(0, rows) - self.first
        return Chunk(self.values, self.first, self.stride, offsets, self.spotty)

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self.values.nbytes + (0 if self.offsets is None else self.offsets.nbytes)

    def _spotty(self, start: int, end: int) -> bool:
        return self.spotty and not np.isfinite(self.values[start:end]).all()
