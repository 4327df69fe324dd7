"""What is remembered of settings that train at once: one row a step, one column a setting."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .together import Together


class Columns:
    """One row a step, one column a setting. One thread writes, any reads: a row is there before `length` grows."""

    def __init__(self, settings: int) -> None:
        self._steps = np.empty(256, np.int64)
        self._values = np.empty((256, settings), np.float32)
        self.length = 0

    def add(self, step: int, row: np.ndarray) -> None:
        """Append a row: (K,)."""
        n = self.length
        if n == len(self._steps):
            self._steps = np.concatenate([self._steps, np.empty_like(self._steps)])
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
        self._steps[n] = step
        self._values[n] = row
        self.length = n + 1

    def read(self, setting: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps (int64) and values (float64) of one setting up to step `end`."""
        length = self.length
        rows = int(np.searchsorted(self._steps[:length], end, side="right"))
        return self._steps[:rows].copy(), self._values[:rows, setting].astype(np.float64)


class SettingHistory:
    """The columns of one setting, read as one reads the history of a run."""

    version = 0

    def __init__(self, together: "Together", setting: int) -> None:
        self._together, self._setting = together, setting

    @property
    def names(self) -> list[str]:
        """The columns there are."""
        return list(self._together.columns)

    def __contains__(self, name: object) -> bool:
        return name in self._together.columns

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of a column, (N,) float64. Raises: KeyError if there is none."""
        return self.read(name)[1]

    def steps(self, name: str) -> np.ndarray:
        """The steps of a column, (N,) int64. Raises: KeyError if there is none."""
        return self.read(name)[0]

    def read(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values of a column, of one moment."""
        return self._together.columns[name].read(self._setting, self._together.reached(self._setting))
