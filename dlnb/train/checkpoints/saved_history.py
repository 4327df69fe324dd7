"""A history as arrays for a file and back: values as they are kept, steps as a few runs of (first, stride, count)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ..history import History, Mark
from .tensorfile import CheckpointError

DAMAGED = "the history of the checkpoint is damaged"


def to_arrays(history: History) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays, "history/<number>/values" and "…/steps", and plain data: the names of the columns, and the marks."""
    arrays = {}
    for number, name in enumerate(history.names):
        column = history.series(name)
        arrays[f"history/{number}/values"] = column.values(0)[0]
        arrays[f"history/{number}/steps"] = _to_runs(column.tail(0)[0])
    return arrays, {"columns": history.names, "marks": [(mark.step, mark.text) for mark in history.marks]}


def from_arrays(arrays: Mapping[str, Tensor], plain: Mapping[str, Any]) -> History:
    """What `to_arrays` was given. Raises: CheckpointError, KeyError, TypeError or ValueError if it is damaged."""
    history = History()
    for number, name in enumerate(plain["columns"]):
        values = arrays[f"history/{number}/values"].numpy()
        if values.ndim != 1 or values.dtype not in (np.float32, np.float64) or str(name) in history:
            raise CheckpointError(DAMAGED)
        history.series(str(name)).add_rows(_from_runs(arrays[f"history/{number}/steps"].numpy(), len(values)), values)
    history.marks = [Mark(int(step), str(text)) for step, text in plain["marks"]]
    return history


def _to_runs(steps: np.ndarray) -> np.ndarray:
    """Steps as rows of (first, stride, count), (K, 3) int64, where that is shorter than the steps themselves, (N,) int64."""
    if len(steps) < 4:
        return steps
    gaps = np.diff(steps)
    # A run ends where the gap behind a step is another than the one before it, but no step ends two.
    ends = np.flatnonzero(np.diff(gaps)) + 2
    starts = np.concatenate([[0], ends[np.concatenate([[True], np.diff(ends) > 1])]]) if len(ends) else np.zeros(1, np.int64)
    counts = np.diff(np.append(starts, len(steps)))
    strides = np.where(counts > 1, gaps[np.minimum(starts, len(gaps) - 1)], 1)
    runs = np.stack([steps[starts], strides, counts], axis=1)
    is_shorter = runs.size < len(steps) and np.array_equal(_from_runs(runs, len(steps)), steps)
    return runs if is_shorter else steps


def _from_runs(runs: np.ndarray, length: int) -> np.ndarray:
    if runs.dtype != np.int64 or runs.ndim not in (1, 2) or (runs.ndim == 2 and runs.shape[1] != 3):
        raise CheckpointError(DAMAGED)
    if runs.ndim == 1:
        if len(runs) != length:
            raise CheckpointError(DAMAGED)
        return runs
    firsts, strides, counts = runs.T
    if (counts < 1).any() or (counts > length).any() or int(counts.sum()) != length:
        raise CheckpointError(DAMAGED)
    place = np.arange(length) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(firsts, counts) + np.repeat(strides, counts) * place
