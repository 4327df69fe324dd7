"""What the probes remember of one layer: a row of statistics for each observation, in memory allocated once."""

import math

import numpy as np

from .layers import STATISTICS

ROWS = 1024  # observations that are kept; when full, every second one goes
DEAD_AFTER = 1000  # samples without a sign of life


class Track:
    """The statistics of one layer over the steps, and for how many samples each of its units has been quiet.

    One thread writes, any thread reads: a row is stored before the length grows, and a track that is thinned moves
    to new memory.
    """

    def __init__(self) -> None:
        self._steps = np.zeros(ROWS, np.int64)
        self._values = np.full((ROWS, len(STATISTICS)), np.nan)
        self._length = 0
        self._live = np.zeros(0)
        self._samples = 0
        self._dead = math.nan

    def add(self, step: int, values: tuple[float, ...]) -> None:
        """Remember the statistics of a step."""
        if self._length == ROWS:
            steps, rows = self._steps.copy(), self._values.copy()
            steps[: ROWS // 2], rows[: ROWS // 2] = self._steps[1::2], self._values[1::2]
            self._length = ROWS // 2  # first, so that nobody reads old rows as new ones
            self._steps, self._values = steps, rows
        self._steps[self._length], self._values[self._length] = step, values
        self._length += 1

    def count_live(self, live: np.ndarray, samples: int, tolerance: float = 0.0) -> None:
        """In how many of so many samples each unit gave a sign of life, (units,).

        tolerance: the share of the samples in which a unit that counts as quiet may do so. Once a thousand samples are together, it is judged who was quiet, and counted anew.
        """
        if len(self._live) != len(live):
            self._live, self._samples, self._dead = np.zeros(len(live)), 0, math.nan
        self._live += live
        self._samples += samples
        if self._samples >= DEAD_AFTER:
            self._dead = float((self._live <= tolerance * self._samples).mean())
            self._live[:] = 0
            self._samples = 0

    @property
    def dead(self) -> float:
        """The share of the units that were quiet for the last 1,000 samples and more; NaN before so many were seen."""
        return self._dead

    @property
    def units(self) -> int:
        """How many units were looked at."""
        return len(self._live)

    def latest(self) -> dict[str, float]:
        """The last row, by the names of the statistics; all NaN before there is one."""
        n = self._length
        row = self._values[n - 1] if n else np.full(len(STATISTICS), np.nan)
        return dict(zip(STATISTICS, row.tolist(), strict=True))

    def column(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values of one statistic."""
        n = self._length
        return self._steps[:n].copy(), self._values[:n, number].copy()

    def cut(self, step: int) -> None:
        """Forget what was seen after `step`."""
        self._length = int(np.searchsorted(self._steps[: self._length], step, side="right"))
        self._live[:] = 0
        self._samples, self._dead = 0, math.nan
