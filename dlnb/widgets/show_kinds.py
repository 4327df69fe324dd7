"""What `dl.show` can draw, as plain data: pictures, tokens, sounds, a table. How anything becomes one of them: `show_data.py`."""

from dataclasses import dataclass, field

import numpy as np

from ..preview import Preview, Scene


@dataclass(frozen=True)
class Pictures:
    """One picture or several of one size.

    values: (N, H, W, C) of any type of number, C 1 or 3. labels: what is true of each, in words. last: their channels came last.
    several: it is a batch, though perhaps of one. truth: (N,) the labels as numbers, where they are.
    """

    values: np.ndarray
    labels: tuple[str, ...] | None = None
    truth: np.ndarray | None = None
    last: bool = False
    several: bool = False


@dataclass(frozen=True)
class Tokens:
    """Texts in pieces. pieces and ids: of each text, as many of the one as of the other. known: how many tokens there are. unknown: the
    id of what is not known.
    """

    pieces: tuple[tuple[str, ...], ...]
    ids: tuple[np.ndarray, ...]
    labels: tuple[str, ...] | None = None
    known: int | None = None
    unknown: int | None = None


@dataclass(frozen=True)
class Sounds:
    """Sounds, or other series, of one length. values: (N, samples). rate: samples a second in Hz, None where it is no sound."""

    values: np.ndarray
    rate: float | None = None
    labels: tuple[str, ...] | None = None
    truth: np.ndarray | None = None
    several: bool = False


@dataclass(frozen=True)
class Table:
    """Rows and columns with names. columns: each (N,) float64, NaN where a value is missing, or a list of N texts. truth: (N,), what is
    to be said of each row; labels: the same in words.
    """

    names: tuple[str, ...]
    columns: tuple[np.ndarray | list[str], ...]
    truth: np.ndarray | None = None
    labels: tuple[str, ...] | None = None
    missing: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0


@dataclass(frozen=True)
class Nothing:
    """Something without a number in it."""


Sight = Pictures | Tokens | Sounds | Table | Scene | Nothing | Preview


@dataclass(frozen=True)
class Given:
    """What was given, and what it can be drawn as.

    sight: that. array: the numbers as they were given, None for what is no array. shape and dtype: in words. note: what is not shown.
    """

    sight: Sight
    array: np.ndarray | None
    shape: str
    dtype: str
    note: str = ""
