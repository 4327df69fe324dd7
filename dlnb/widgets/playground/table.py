"""A table of the learner's own: two columns with numbers and one with the answer, from CSV or a data frame."""

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .checks import PlaygroundError
from .points import MOST, Points, classified, drawn_lots
from .spec import CLASSES

LARGEST = 2_000_000  # characters of a CSV
SIDE = 5.0  # columns are stretched to -SIDE … SIDE


def read_table(
    table: Any, inputs: Sequence[str] | None = None, target: str | None = None, share: float = 0.5, seed: int = 0
) -> Points:
    """Points from a table.

    table: the text of a CSV with a line of names, or a data frame.
    inputs, target: names of the two columns that are x and y, and of the one that is learned. A table with three columns needs
        neither: its last one is learned. 2 to 6 different texts or whole numbers are classes, other numbers are values.

    Both inputs are stretched to -5 … 5, values to -1 … 1.

    Raises: PlaygroundError that says what is wrong with the table, and what to do.
    """
    columns = _of_text(table) if isinstance(table, str) else _of_frame(table)
    names = list(columns)
    if inputs is None and target is None and len(names) > 3:
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise PlaygroundError(
            f"The table has {len(names)} columns ({shown}), but the plane has room for two. Choose two that become x and y, "
            "and one that is learned."
        )
    if inputs is None and len(names) < 3:
        raise PlaygroundError(
            f"The table has {len(names)} columns. It needs three: two with numbers, one with the answer."
        )
    target = names[-1] if target is None else target
    chosen = [name for name in names if name != target][:2] if inputs is None else list(inputs)
    if len(chosen) != 2 or len({*chosen, target}) < 3:
        raise PlaygroundError("Choose two different columns that become x and y, and a third that is learned.")
    for name in (*chosen, target):
        if name not in columns:
            raise PlaygroundError(f"The table has no column {name!r:.60}. It has: {', '.join(names)[:300]}.")
    for name in (*chosen, target):
        _check_complete(name, columns[name])
    x, y = (_numbers(name, columns[name]) for name in chosen)
    places = torch.stack([_stretched(chosen[0], x, SIDE), _stretched(chosen[1], y, SIDE)], 1)
    axes = (chosen[0], chosen[1])
    answers = columns[target]
    different = sorted(set(answers), key=_in_order)
    whole = all(_number(value) is not None and float(_number(value) or 0).is_integer() for value in different)
    if any(_number(value) is None for value in different) or (whole and len(different) <= CLASSES):
        if len(different) > CLASSES:
            raise PlaygroundError(
                f"Column {target!r} holds {len(different)} different texts. At most {CLASSES} can be classes: "
                "choose another column, or put some of them together."
            )
        numbers = {value: number for number, value in enumerate(different)}
        labels = torch.tensor([numbers[value] for value in answers])
        return classified(places, labels, tuple(str(value)[:40] for value in different), share, seed, axes)
    values = _stretched(target, _numbers(target, answers), 1.0)
    return Points(places, values, 0, drawn_lots(len(places), share, seed), None, (), axes)


def column_names(table: Any) -> list[str]:
    """The columns of a table. Raises: PlaygroundError if it is none."""
    return list(_of_text(table) if isinstance(table, str) else _of_frame(table))


def _of_text(text: str) -> dict[str, list[Any]]:
    if len(text) > LARGEST:
        raise PlaygroundError(
            f"The table is {len(text) / 1e6:.1f} MB large; at most {LARGEST / 1e6:g} MB can be shown."
        )
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4000], ",;\t")
    except csv.Error:
        dialect = "excel"
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text.lstrip("\ufeff")), dialect) if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise PlaygroundError(f"This is no CSV: {error}.") from error
    if len(rows) < 2:
        raise PlaygroundError("The table is empty. Its first line names the columns, each further line is a point.")
    names = [name.strip() for name in rows[0]]
    if all(_number(name) is not None for name in names):
        raise PlaygroundError(
            "The first line of the table holds numbers. Put a line with the names of the columns above it."
        )
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise PlaygroundError(f"Line {number} has {len(row)} cells, but there are {len(names)} columns.")
    return _checked(names, [[row[k].strip() for row in rows[1:]] for k in range(len(names))])


def _of_frame(frame: Any) -> dict[str, list[Any]]:
    if not hasattr(frame, "columns") or not hasattr(frame, "__getitem__") or not hasattr(frame, "shape"):
        raise PlaygroundError(f"A table is the text of a CSV or a data frame, not a {type(frame).__name__}.")
    names = [str(name) for name in frame.columns]
    if len(frame) > MOST:
        raise _too_long(len(frame))
    return _checked(names, [list(frame.iloc[:, k]) for k in range(len(names))])


def _checked(names: list[str], columns: list[list[Any]]) -> dict[str, list[Any]]:
    if len(set(names)) < len(names):
        raise PlaygroundError("Two columns have the same name. Give each a name of its own.")
    if not columns or len(columns[0]) < 4:
        raise PlaygroundError("The table needs at least 4 points.")
    if len(columns[0]) > MOST:
        raise _too_long(len(columns[0]))
    return dict(zip(names, columns, strict=True))


def _too_long(rows: int) -> PlaygroundError:
    return PlaygroundError(
        f"The table has {rows} rows; at most {MOST} can be drawn. Take a sample, such as every tenth."
    )


def _check_complete(name: str, column: list[Any]) -> None:
    missing = [row for row, value in enumerate(column, 1) if _is_missing(value)]
    if missing:
        more = "" if len(missing) == 1 else f" and {len(missing) - 1} more"
        raise PlaygroundError(
            f"Column {name!r} has no value at point {missing[0]}{more}. Leave such points out, or fill in a value."
        )


def _is_missing(value: Any) -> bool:
    if value is None or (isinstance(value, str) and value.lower() in ("", "na", "nan", "null", "none", "?")):
        return True
    return bool(value != value)  # NaN, and pandas' NaT


def _number(value: Any) -> float | None:
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _in_order(value: Any) -> tuple[bool, float, str]:
    number = _number(value)
    return number is None, number or 0.0, str(value)


def _numbers(name: str, column: list[Any]) -> np.ndarray:
    numbers = [_number(value) for value in column]
    for row, number in enumerate(numbers):
        if number is None:
            raise PlaygroundError(
                f"Column {name!r} must hold numbers, but point {row + 1} has {column[row]!r:.40}. Choose another column."
            )
    return np.array(numbers, np.float64)


def _stretched(name: str, column: np.ndarray, side: float) -> torch.Tensor:
    low, high = column.min(), column.max()
    if not high > low:
        raise PlaygroundError(f"Column {name!r} is {low:g} everywhere, so it says nothing. Choose another column.")
    middle = low / 2 + high / 2  # as high - low may be too large for a float
    return torch.tensor((column / 2 - middle / 2) / (high / 4 - low / 4) * side, dtype=torch.float32)
