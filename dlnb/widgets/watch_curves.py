"""What of a line's curves a browser view has not been sent yet, as columns of a frame.

A line of the timeline may go on ahead of its run. Both parts are sent as one curve: going back and forth along a
line then sends nothing, as the rows are the same.
"""

from dataclasses import dataclass, field

import numpy as np

from ..train.history import History, Mark, Series
from ..train.reduce import MEMORY, pieces, smooth, smooth_means
from ..train.timeline import Line

PIECES = 2048  # a column is sent in at most as many pieces
GAPS = 64  # of these, the newest values that are no numbers are marked


def histories(line: Line) -> list[History]:
    """What was recorded on a line: the part of the run that is on it, then what lies ahead of it."""
    if line.left is not None:
        return [line.left]
    # The run's own part first: what moves from one to the other meanwhile is then seen twice, not never.
    return [] if line.loop is None else [line.loop.history, line.ahead]


@dataclass
class Sent:
    """How many rows of each column of a line, and how many marks, a view has been sent."""

    line: int = -1
    rows: dict[str, int] = field(default_factory=dict)
    marks: int = 0


class Curves:
    """The curves of one line at one moment: what its run has recorded, then what lies ahead of it."""

    def __init__(self, line: Line) -> None:
        self.number = line.number
        self.histories = [history.still() for history in histories(line)]
        self.names = list(dict.fromkeys(name for history in self.histories for name in history.names))

    def column(self, name: str) -> "Column":
        """One column."""
        return Column([history.series(name) for history in self.histories if name in history])

    @property
    def marks(self) -> list[Mark]:
        """The marks; of those ahead, what was not made again yet."""
        own, *ahead = self.histories or [History()]
        marks = list(own.marks)
        last = self.last_step if ahead and ahead[0].marks else 0
        return marks + [mark for part in ahead for mark in part.marks if mark.step >= last]

    @property
    def last_step(self) -> int:
        """The last step that the run itself has recorded."""
        own = self.histories[0] if self.histories else History()
        return max((own.series(name).last_step or 0 for name in own.names), default=0)

    def is_cut(self, sent: Sent) -> bool:
        """Whether a view holds what is not there any more, and has to begin anew."""
        if sent.line != self.number or len(self.marks) < sent.marks:
            return True
        return any(name not in self.names or len(self.column(name)) < rows for name, rows in sent.rows.items())

    def new(self, sent: Sent, prefix: str = "", only: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
        """The columns that a view has not been sent, in at most PIECES pieces each; notes that they are sent."""
        columns: dict[str, np.ndarray] = {}
        for name in self.names if only is None else only:
            if name not in self.names:
                continue
            column, start = self.column(name), sent.rows.get(name, 0)
            if (end := len(column)) > start:
                columns |= column.reduced(f"{prefix}{name}", start, end, PIECES)
                columns |= _gaps(f"{prefix}{name}", column, start, end)
                sent.rows[name] = end
        sent.line = self.number
        return columns

    def new_smooth(
        self, rows: dict[str, int], half_life: float, names: list[str], prefix: str = "smooth:"
    ) -> dict[str, np.ndarray]:
        """The moving average of the rows that a view has not been sent, made of all rows; notes that they are sent."""
        columns: dict[str, np.ndarray] = {}
        for name in names:
            if name not in self.names:
                continue
            column, start = self.column(name), rows.get(name, 0)
            if len(column) > start:
                begin = column.rows_up_to(column.step(start) - int(MEMORY * half_life) - 1)
                rows[name] = end = len(column)
                columns |= column.smoothed(f"{prefix}{name}", begin, start, end, half_life, PIECES)
        return columns

    def window(self, name: str, first: int, last: int, count: int, half_life: float = 0.0) -> dict[str, np.ndarray]:
        """A column at steps `first` to `last` in detail, with one row more on each side; smoothed too if asked for."""
        column = self.column(name)
        begin, end = max(0, column.rows_up_to(first - 1) - 1), column.rows_up_to(last) + 1
        columns = column.reduced(name, begin, end, count)
        if half_life:
            early = column.rows_up_to(first - int(MEMORY * half_life) - 1)
            columns |= column.smoothed(f"smooth:{name}", early, begin, end, half_life, count)
        return columns


class Column:
    """One column of a line, put together from its parts."""

    def __init__(self, series: list[Series]) -> None:
        self._parts: list[tuple[Series, int, int]] = []  # the rows of each that count
        reached: int | None = None
        for part in series:
            length = part.length
            skip = 0 if reached is None else part.rows_up_to(reached)
            if skip < length:
                self._parts.append((part, skip, length))
                reached = part.last_step

    def __len__(self) -> int:
        return sum(end - begin for _, begin, end in self._parts)

    def tail(self, start: int, end: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Steps (int64) and values (float64) of rows `start` to `end`."""
        parts, at = [], 0
        end = len(self) if end is None else end
        for series, first, last in self._parts:
            low, high = max(start - at, 0), min(end - at, last - first)
            if low < high:
                parts.append(series.tail(first + low, first + high))
            at += last - first
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return np.empty(0, np.int64), np.empty(0)
        return np.concatenate([steps for steps, _ in parts]), np.concatenate([values for _, values in parts])

    def reduced(self, name: str, start: int, end: int, count: int) -> dict[str, np.ndarray]:
        """Rows `start` to `end` in at most `count` pieces; see the function `reduced`."""
        if len(self._parts) > 1 or end - start <= count:
            return reduced(name, *self.tail(start, end), count)
        # A million rows stay float32, and only the steps that are sent are made.
        ((series, first, last),) = self._parts
        values, spotty = series.values(first + start, min(first + end, last))
        width, n = -(-len(values) // count), len(values)
        steps = series.steps_at(_ends(n, width) + first + start)
        low, mean, high = pieces(values, width, spotty)
        return {f"{name}/steps": steps.astype(np.int32), f"{name}/mean": mean, f"{name}/low": low, f"{name}/high": high}

    def smoothed(
        self, name: str, first: int, start: int, end: int, half_life: float, count: int
    ) -> dict[str, np.ndarray]:
        """The moving average of rows `start` to `end`, made of those from `first` on, in at most `count` pieces."""
        end = min(end, len(self))
        n, width = end - start, -(-(end - start) // count)
        if width <= 1:
            steps, values = self.tail(first, end)
            made = smooth(steps, values, half_life)
            return {f"{name}/steps": steps[start - first :].astype(np.int32), f"{name}/mean": made[start - first :]}
        steps = self.steps_at(_ends(n, width) + start).astype(np.int32)
        return {f"{name}/steps": steps, f"{name}/mean": smooth_means(self.tail, first, start, end, half_life, width)}

    def not_finite(self, start: int, end: int) -> np.ndarray:
        """Which of the rows `start` to `end` hold NaN or an infinity, ascending."""
        found, at = [], 0
        for series, first, last in self._parts:
            rows = np.array([series.rows_up_to(int(step)) - 1 for step in series.not_finite()[-2 * GAPS :]], np.int64)
            found.append(rows[(rows >= first) & (rows < last)] - first + at)
            at += last - first
        rows = np.concatenate(found) if found else np.empty(0, np.int64)
        return rows[(rows >= start) & (rows < end)]

    def step(self, row: int) -> int:
        """The step of a row."""
        return int(self.steps_at(np.array([row]))[0])

    def steps_at(self, rows: np.ndarray) -> np.ndarray:
        """The steps of the given rows, which ascend."""
        found, at = [], 0
        for series, first, last in self._parts:
            here = rows[(rows >= at) & (rows < at + last - first)]
            found.append(series.steps_at(here - at + first))
            at += last - first
        return np.concatenate(found)

    def rows_up_to(self, step: int) -> int:
        """How many rows have a step of at most `step`."""
        return sum(max(0, min(series.rows_up_to(step), end) - begin) for series, begin, end in self._parts)


def reduced(
    name: str, steps: np.ndarray, values: np.ndarray, count: int = PIECES, band: bool = True
) -> dict[str, np.ndarray]:
    """A column in at most `count` pieces: steps, mean and, where a piece holds several rows, smallest and largest."""
    n = len(values)
    if n <= count:
        return {f"{name}/steps": steps.astype(np.int32), f"{name}/mean": values}
    width = -(-n // count)
    low, mean, high = pieces(values, width, spotty=not np.isfinite(values).all())
    # float32 could not count beyond 2**24
    columns = {f"{name}/steps": steps[_ends(n, width)].astype(np.int32), f"{name}/mean": mean}
    return columns | ({f"{name}/low": low, f"{name}/high": high} if band else {})


def _ends(count: int, width: int) -> np.ndarray:
    """The last row of each piece of `width` rows out of `count`."""
    return np.append(np.arange(width, count, width), count) - 1


def _gaps(name: str, column: Column, start: int, end: int) -> dict[str, np.ndarray]:
    """Where a stretch of values that are no numbers begins, and the last number before it."""
    steps, before = [], []
    for row in column.not_finite(start, end)[-GAPS:].tolist():
        places, values = column.tail(max(0, row - 1), row + 1)
        if len(values) == 2 and np.isfinite(values[0]):
            steps.append(places[1])
            before.append(values[0])
    return {f"{name}/gaps": np.array(steps, np.int32), f"{name}/before": np.array(before)} if steps else {}
