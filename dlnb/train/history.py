"""What a run remembers: named columns over steps, every value kept, and marks on the curve.

One thread writes, any thread reads without a lock: a value is stored before the length grows, and
rows that are cut off leave whole columns behind, so what a reader holds stays as it was.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .reduce import Buckets, pieces, smooth
from .series import Series

if TYPE_CHECKING:
    import pandas

__all__ = ["Buckets", "History", "Lengths", "Mark", "Series"]

FAR = 2**62  # steps, further than any run goes


@dataclass(frozen=True)
class Mark:
    """Something that happened after `step` steps: a knob was turned, a run was stopped."""

    step: int
    text: str


class Lengths(NamedTuple):
    """How much a history holds: the rows of each column, and the number of marks."""

    columns: dict[str, int]
    marks: int


class History:
    """The columns recorded so far.

    version: grows when rows were taken off. Who remembers row numbers reads it first, and begins
        again where it has grown; a `Series` kept from before is not written any more.

    >>> history = History()
    >>> for step in (1, 2, 3):
    ...     history.add("loss", step, 1 / step)
    >>> history["loss"]
    array([1.        , 0.5       , 0.33333333])
    >>> history.steps("loss")
    array([1, 2, 3])
    >>> ahead = history.cut(1)
    >>> history, ahead
    (History(loss: 1), History(loss: 2))
    """

    def __init__(self) -> None:
        self._series: Mapping[str, Series] = {}
        self.marks: list[Mark] = []
        self.version = 0

    # Writing: by one thread.

    def add(self, name: str, step: int, value: float) -> None:
        """Append a value to a column, which is made when it is new.

        Raises: ValueError if `step` lies before the last one of this column.
        """
        try:
            column = self._series[name]
        except KeyError:
            column = self.series(name)
        column.add(step, value)

    def series(self, name: str) -> Series:
        """The column itself, made when it is new."""
        column = self._series.get(name)
        if column is None:
            # A new dictionary, so that a reader who walks over the old one is not disturbed.
            column = Series()
            self._series = {**self._series, name: column}
        return column

    def mark(self, step: int, text: str) -> None:
        """Note something on the curve."""
        self.marks.append(Mark(step, text))

    def cut(self, step: int, lengths: Lengths | None = None) -> "History":
        """Take off what was recorded after `step`, and what goes beyond `lengths`; returns it.

        lengths: as `lengths()` gave them; a column that is not among them is taken off altogether.
        """
        kept: dict[str, Series] = {}
        off = History()
        taken: dict[str, Series] = {}
        for name, column in self._series.items():
            row = column.rows_up_to(step)
            if lengths is not None:
                row = min(row, lengths.columns.get(name, 0))
            if row == column.length:
                kept[name] = column
                continue
            front, taken[name] = column.split(row)
            if row:
                kept[name] = front
        off._series = taken
        before = [mark for mark in self.marks if mark.step <= step]
        off.marks = [mark for mark in self.marks if mark.step > step]
        if lengths is not None:
            before, off.marks = before[: lengths.marks], before[lengths.marks :] + off.marks
        if taken or off.marks:
            self._become({name: column for name, column in kept.items() if column.length}, before)
        return off

    def extend(self, other: "History", step: int | None = None) -> None:
        """Move what `other` recorded up to `step` (all when None) to the end of this history.

        Raises: ValueError if `other` begins before this one ends.
        """
        for name, column in other._series.items():
            mine = self._series.get(name)
            if (
                mine is not None
                and mine.length
                and column.length
                and column.steps_at(np.array([0]))[0] < mine.last_step
            ):
                raise ValueError(f"this does not continue the history: {name!r} begins before step {mine.last_step}")
        left: dict[str, Series] = {}
        for name, column in other._series.items():
            row = column.length if step is None else column.rows_up_to(step)
            if not row:
                left[name] = column
                continue
            front, rest = column.split(row)
            self.series(name).join(front)
            if rest.length:
                left[name] = rest
        moved = [mark for mark in other.marks if step is None or mark.step <= step]
        self.marks.extend(moved)
        if moved or left != other._series:
            other._become(left, [mark for mark in other.marks if step is not None and mark.step > step])

    def _become(self, series: Mapping[str, Series], marks: list[Mark]) -> None:
        self._series, self.marks = series, marks
        self.version += 1  # last: who read the old number begins again

    # Reading: by any thread.

    def copy(self) -> "History":
        """The same in a history of its own, which may be written; long columns share their memory."""
        copy = History()
        copy.version = self.version
        copy.marks = list(self.marks)
        copy._series = {name: column.copy() for name, column in self._series.items()}
        return copy

    def still(self) -> "History":
        """A history to read, whose columns do not go away while it is read; rows may still be added to them.

        For a reader in another thread than the one that cuts. It costs nothing.
        """
        still = History()
        still.version = self.version  # first: see `_become`
        still.marks = self.marks
        still._series = self._series
        return still

    def lengths(self) -> Lengths:
        """How much there is now."""
        return Lengths({name: column.length for name, column in self._series.items()}, len(self.marks))

    @property
    def names(self) -> list[str]:
        """The columns there are."""
        return list(self._series)

    @property
    def is_empty(self) -> bool:
        """Whether there is no column at all."""
        return not self._series

    @property
    def nbytes(self) -> int:
        """Bytes of memory, also of what is shared with a fork."""
        return sum(column.nbytes for column in self._series.values())

    def __contains__(self, name: object) -> bool:
        return name in self._series

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of a column, (N,) float64.

        Raises: KeyError if there is no such column (yet).
        """
        return self._find(name).tail(0)[1]

    def steps(self, name: str) -> np.ndarray:
        """The steps at which the values of a column were recorded, (N,) int64."""
        return self._find(name).tail(0)[0]

    def not_finite(self, name: str) -> np.ndarray:
        """The steps at which NaN or an infinity was recorded, (K,) int64."""
        return self._find(name).not_finite()

    def frame(self) -> "pandas.DataFrame":
        """All columns as a table with one row a step, empty where nothing was recorded.

        Raises: ModuleNotFoundError if pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError:
            raise ModuleNotFoundError("history.frame() needs pandas: install it with `pip install pandas`") from None
        columns = {}
        for name, series in self._series.items():
            steps, values = series.tail(0)  # both at once, as the run may go on meanwhile
            column = pandas.Series(values, index=steps)
            columns[name] = column[~column.index.duplicated(keep="last")]
        return pandas.DataFrame(columns).rename_axis("step")

    def buckets(
        self, name: str, count: int, start: int = 0, end: int | None = None, values: np.ndarray | None = None
    ) -> Buckets:
        """Rows from `start` to `end` (the last there is) in at most `count` pieces of equal length.

        values: what to reduce instead of the column, one value for each of its rows, such as `smoothed` gives.
        """
        column = self._find(name)
        return _buckets(column, count, start, column.length if end is None else end, values)

    def window(self, name: str, first: float, last: float, count: int, values: np.ndarray | None = None) -> Buckets:
        """What lies at steps `first` to `last`, in at most `count` pieces, with one row more on each side.

        These two are pieces of their own, so that the lines run out of the picture and nothing else
        from outside is in it. values: see `buckets`.
        """
        column = self._find(name)
        length = column.length if values is None else min(len(values), column.length)
        begin = min(length, column.rows_up_to(math.ceil(max(first, -FAR)) - 1))
        end = max(begin, min(length, column.rows_up_to(math.floor(min(last, FAR)))))
        parts = [
            _buckets(column, 1, max(0, begin - 1), begin, values),
            _buckets(column, max(1, count - 2), begin, end, values),
            _buckets(column, 1, end, min(length, end + 1), values),
        ]
        steps, low, mean, high = (np.concatenate(part) for part in zip(*parts, strict=True))
        raw = all(part.low is part.mean for part in parts)
        return Buckets(steps, mean, mean, mean) if raw else Buckets(steps, low, mean, high)

    def smoothed(self, name: str, half_life: float) -> np.ndarray:
        """The column as a debiased exponential moving average, (N,) float64.

        half_life: in steps; a value so many steps back weighs half as much. What is not finite is left out, and is NaN.
        Raises: KeyError if there is no such column (yet), ValueError if half_life is below 0 or no number.
        """
        return smooth(*self._find(name).tail(0), half_life)

    def _find(self, name: str) -> Series:
        column = self._series.get(name)
        if column is None:
            known = ", ".join(map(repr, self.names)) or "nothing yet"
            raise KeyError(f"the history has no column {name!r}; it has {known}")
        return column

    def __repr__(self) -> str:
        return "History(" + ", ".join(f"{name}: {column.length}" for name, column in self._series.items()) + ")"


def _buckets(column: Series, count: int, start: int, end: int, values: np.ndarray | None) -> Buckets:
    if values is None:
        rows, spotty = column.values(start, end)
    else:
        rows, spotty = values[start : min(end, column.length)], True
    n = len(rows)
    if n <= count:
        rows = rows.astype(np.float64)
        return Buckets(column.steps_at(np.arange(start, start + n)).astype(np.float64), rows, rows, rows)
    width = -(-n // count)
    last = np.append(np.arange(width, n, width), n) - 1 + start
    return Buckets(column.steps_at(last).astype(np.float64), *pieces(rows, width, spotty))
