"""Tables of numbers: read, checked, and cut into parts to learn from, to validate and to test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDS = 5
FEW = 20  # different whole numbers in a target, up to which they are taken for classes


class TableError(ValueError):
    """A table cannot be learned from as it is; says which column, and what to do."""


@dataclass(frozen=True)
class Table:
    """Rows of numbers and what is to be said of each.

    rows: (N, F) float32. target: (N,) int64 labels below `len(classes)`, or float32 where there are no classes.
    names: of the F columns.
    """

    rows: np.ndarray
    target: np.ndarray
    names: tuple[str, ...]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scale:
    """What brings numbers to mean 0 and deviation 1, learned from the rows that are trained on and from no others.

    mean, deviation: (F,) float32; a column that never changes keeps the deviation 1.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> "Scale":
        """The scale of (N, F) numbers, or of (N,)."""
        deviation = rows.std(0)
        return cls(rows.mean(0), torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))

    def apply(self, rows: Tensor) -> Tensor:
        """To mean 0 and deviation 1."""
        return (rows - self.mean) / self.deviation

    def undo(self, rows: Tensor) -> Tensor:
        """Back to the numbers as they were."""
        return rows * self.deviation + self.mean


def read_table(source: "str | Path | Any", target: str) -> Table:
    """A table of one's own: a CSV file with a line of names, or a pandas DataFrame.

    target: the column that is to be said. Words, truth values, or up to 20 different whole numbers are taken for classes; all
        else for a quantity. The other columns must be numbers.

    Raises: TableError if the file is no table, there is no such column, a column is text or has missing or endless values, or
        there is nothing to learn; FileNotFoundError if there is no such file.
    """
    import pandas as pd

    if isinstance(source, str | Path):
        try:
            frame = pd.read_csv(source)
        except (ValueError, UnicodeError) as error:  # pandas' own errors of parsing and of empty files are ValueErrors
            raise TableError(f"{source} cannot be read as a table: {error}. Expected a CSV file whose first line names the columns") from error
    else:
        frame = pd.DataFrame(source)
    columns = [str(name) for name in frame.columns]
    frame.columns = pd.Index(columns)
    if target not in columns:
        raise TableError(f"there is no column {target!r}; the table has {', '.join(columns)}")
    if len(set(columns)) < len(columns):
        raise TableError("two columns have the same name: rename one of them")
    if len(frame) < 10:
        raise TableError(f"the table has {len(frame)} rows; at least 10 are needed to learn from some and to test on others")
    said, classes = _read_target(frame[target], target)
    numbers = frame.drop(columns=[target])
    if not len(numbers.columns):
        raise TableError(f"there is no column beside {target!r}: nothing to say it from")
    for name in numbers.columns:
        _check_column(numbers[name], name)
    with np.errstate(over="ignore"):  # what became endless is refused below, by its name
        rows = numbers.to_numpy(np.float32)
    if not np.isfinite(rows).all():
        name = numbers.columns[int(np.argmin(np.isfinite(rows).all(0)))]
        raise TableError(f"the column {name!r} has numbers beyond {np.finfo(np.float32).max:.1g}: divide it by a constant")
    return Table(rows, said, tuple(numbers.columns), classes)


def _check_column(column: Any, name: str) -> None:
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(column):
        first = next((value for value in column if isinstance(value, str)), column.iloc[0])
        raise TableError(
            f"the column {name!r} holds text ({str(first)[:40]!r}), and a network reads numbers: leave it out, or turn it to "
            f"numbers first, as pandas.get_dummies(table, columns=[{name!r}], dtype=float) does"
        )
    missing = int((~np.isfinite(column.to_numpy(float, na_value=np.nan))).sum())
    if missing:
        raise TableError(
            f"the column {name!r} has {missing} missing or endless values of {len(column)}: leave these rows out "
            f"(table.dropna()), or fill them in and add a column that says where"
        )


def _read_target(column: Any, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if column.isna().any():
        raise TableError(f"{int(column.isna().sum())} rows do not say {name!r}: leave them out, table.dropna(subset=[{name!r}])")
    numeric = is_numeric_dtype(column) and not is_bool_dtype(column)
    different = sorted(column.unique(), key=None if numeric else str)
    if len(different) < 2:
        raise TableError(f"the column {name!r} says the same in every row: there is nothing to learn")
    if numeric and not (len(different) <= FEW and np.all(np.mod(different, 1) == 0)):
        if not np.isfinite(column.to_numpy(float)).all():
            raise TableError(f"the column {name!r} has endless values")
        return column.to_numpy(np.float32), ()
    if len(different) > min(100, len(column) // 2):
        raise TableError(f"the column {name!r} says {len(different)} different things in {len(column)} rows: too many for classes")
    places = {value: place for place, value in enumerate(different)}
    return np.array([places[value] for value in column], np.int64), tuple(str(value) for value in different)


def parts(target: np.ndarray, seed: int, classes: Sequence[str] = (), fold: int = 0) -> list[Tensor]:
    """Indices of the rows to learn from (64 %), to validate (16 %) and to test (20 %); of classes, each has its share in each part.

    fold: which fifth is the test, 0 to 4; the five together test every row once.

    Raises: ValueError for another fold.
    """
    if fold not in range(FOLDS):
        raise ValueError(f"fold must be 0 to {FOLDS - 1}, which fifth of the rows is the test; got {fold!r}")
    order = np.random.default_rng(seed).permutation(len(target))
    groups = [order[target[order] == label] for label in range(len(classes))] if classes else [order]
    found: list[list[np.ndarray]] = [[], [], []]
    for rows in groups:
        fifths = np.array_split(rows, FOLDS)
        test = fifths.pop(fold)
        others = np.concatenate(fifths)
        valid = round(len(others) / FOLDS)
        for part, taken in zip(found, (others[valid:], others[:valid], test), strict=True):
            part.append(taken)
    return [torch.from_numpy(np.sort(np.concatenate(part))) for part in found]
