"""What a long column is made into before it is drawn: pieces that keep every spike, and smooth curves.

Pure functions of arrays.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

MEMORY = 60  # half-lives after which a value counts no more: 2 ** -60 is far below what a float64 holds
BLOCK, SMALL = 65_536, 4096  # rows that are averaged at once, so that they stay in the cache; and at first, to settle


class Buckets(NamedTuple):
    """A column in at most `count` pieces, so that no spike is lost when it is drawn small.

    steps: (K,) float64, the last step of each piece; low, mean, high: (K,) float64.

    NaN counts only in a piece that holds nothing else. An infinity counts for `low` and `high`, and
    for `mean` only in a piece without a finite value.
    """

    steps: np.ndarray
    low: np.ndarray
    mean: np.ndarray
    high: np.ndarray


def pieces(values: np.ndarray, width: int, spotty: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The smallest, the mean and the largest of each `width` values, the last piece being shorter.

    values: (N,) float32 or float64; spotty: whether there may be NaN or infinities among them.
    Returns three arrays of ceil(N / width) float64.
    """
    whole = len(values) // width * width
    reduced = [_piece(values[:whole].reshape(-1, width), spotty)]
    if whole < len(values):
        reduced.append(_piece(values[whole:].reshape(1, -1), spotty))
    low, mean, high = (np.concatenate(parts) for parts in zip(*reduced, strict=True))
    return low, mean, high


def _piece(rows: np.ndarray, spotty: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reduce each row of (K, width)."""
    if not spotty:
        low, high = rows.min(axis=1).astype(np.float64), rows.max(axis=1).astype(np.float64)
        mean = rows.mean(axis=1, dtype=np.float64)
    else:
        low, high = (join.reduce(rows, axis=1).astype(np.float64) for join in (np.fmin, np.fmax))
        finite = np.isfinite(rows)
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, as it should be
            mean = np.where(finite, rows, 0).sum(axis=1, dtype=np.float64) / finite.sum(axis=1)
            mean = np.where(finite.any(axis=1), mean, low + high)
    return low, np.clip(mean, low, high), high  # a mean of equal values may be off by a rounding


def smooth(steps: np.ndarray, values: np.ndarray, half_life: float) -> np.ndarray:
    """Debiased exponential moving average: a value `half_life` steps back weighs half as much.

    steps: (N,) int64, ascending; values: (N,) float64. Returns (N,) float64. NaN and infinities
    are left out, and are NaN in what is returned.

    Raises: ValueError if half_life is below 0 or no number.
    Source: the debiasing of Kingma & Ba 2015, arXiv:1412.6980, section 3, for uneven steps.
    """
    if not half_life >= 0:
        raise ValueError(f"a half-life is a number of steps, 0 or more; got {half_life!r}")
    there = np.isfinite(values)
    if not there.all():
        smoothed = np.full(len(values), np.nan)
        smoothed[there] = smooth(steps[there], values[there], half_life)
        return smoothed
    if half_life == 0 or len(values) < 2:
        return values.astype(np.float64)
    # What is averaged is the distance from the first value: so a constant stays what it is, exactly.
    return values[0] + _average(steps, values - values[0], half_life)


Rows = Callable[[int, int], tuple[np.ndarray, np.ndarray]]  # steps and values of the rows from one number to another


class Average:
    """The average of `smooth` as it goes on from block to block of a long column; it gives the means of its pieces.

    Behind MEMORY half-lives of even steps the sum of the weights stands still. The mean of a piece then follows from its
    sum, its weighted sum and the average at its beginning, which is ten times as fast as to average row by row.
    """

    def __init__(self, half_life: float) -> None:
        self.half_life = half_life
        self.zero: float | None = None  # the first value: what is averaged is the distance from it, as in `smooth`
        self.total, self.weight = 0.0, 0.0  # n and the sum of the weights at the last row with a number
        self.last = 0  # its step
        self.row = 0  # the step of the last row, number or not
        self.stride = 0
        self.calm = 0  # rows since the stride changed or a value was no number

    def means(self, steps: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
        """The means of each `width` of the rows that come next, the last piece being shorter."""
        stride = int(steps[-1]) - int(steps[-2] if len(steps) > 1 else self.row)
        settled = stride == self.stride > 0 and self.calm * stride >= MEMORY * self.half_life
        if settled and len(values) % width == 0:
            if self._is_even(steps) and math.isfinite(values.sum()):
                self.calm += len(values)
                self.row = self.last = int(steps[-1])
                return self._from_sums(values.reshape(-1, width), -math.log(2) * stride / self.half_life)
            part = max(1, SMALL // width) * width
            if len(values) > part:  # most of them are even all the same
                starts = range(0, len(values), part)
                return np.concatenate(
                    [self.means(steps[at : at + part], values[at : at + part], width) for at in starts]
                )
        there = np.isfinite(values)
        odd = np.flatnonzero((np.diff(steps, prepend=self.row) != stride) | ~there)
        before = self.calm if stride == self.stride else -1
        self.calm = len(values) + (-1 - int(odd[-1]) if len(odd) else before)
        self.row, self.stride = int(steps[-1]), stride
        if there.all():
            made = self._row_by_row(steps, values)
        else:
            made = np.full(len(values), np.nan)
            if there.any():
                made[there] = self._row_by_row(steps[there], values[there])
        return pieces(made, width, spotty=not there.all())[1]

    def _is_even(self, steps: np.ndarray) -> bool:
        return int(steps[0]) - self.row == self.stride and bool((steps[1:] - steps[:-1] == self.stride).all())

    def _from_sums(self, rows: np.ndarray, fade: float) -> np.ndarray:
        """n[i] = d n[i - 1] + x[i] sums up, over w rows, to (d (1 - dʷ) n₀ + Σ x - d Σ dʷ⁻¹⁻ʲ x[j]) / (1 - d)."""
        assert self.zero is not None
        width = rows.shape[1]
        weights = np.column_stack((np.exp(fade * np.arange(width - 1, -1, -1)), np.ones(width)))
        ends, sums = (rows @ weights - self.zero * weights.sum(axis=0)).T
        begins, passed = [], math.exp(fade * width)
        for end in ends.tolist():
            begins.append(self.total)
            self.total = passed * self.total + end
        kept = math.exp(fade)
        return self.zero + (kept * -math.expm1(fade * width) * np.array(begins) + sums - kept * ends) / width

    def _row_by_row(self, steps: np.ndarray, values: np.ndarray) -> np.ndarray:
        from scipy.linalg.blas import dtbsv

        if self.zero is None:
            self.zero, self.last = float(values[0]), int(steps[0])
        fades = _fades(np.diff(steps, prepend=self.last), self.half_life)
        diagonals = np.zeros((2, len(values)), order="F")
        diagonals[1, :-1] = -fades[1:]
        sums = []
        for right, before in ((values - self.zero, self.total), (np.ones(len(values)), self.weight)):
            right[0] += fades[0] * before
            sums.append(dtbsv(1, diagonals, right, lower=1, diag=1))
        self.total, self.weight = float(sums[0][-1]), float(sums[1][-1])
        self.last = int(steps[-1])
        return self.zero + sums[0] / sums[1]


def smooth_means(rows: Rows, first: int, start: int, end: int, half_life: float, width: int) -> np.ndarray:
    """The means of each `width` rows from `start` to `end` of what `smooth` makes of the rows from `first` to `end`."""
    average = Average(half_life)
    whole = start + (end - start) // width * width
    means, at, size = [], first, SMALL
    while at < end:
        many = max(1, size // width) * width
        size = min(2 * size, BLOCK)
        to = min(at + many, next(edge for edge in (start, whole, end) if edge > at))
        made = average.means(*rows(at, to), width if at >= start else to - at)
        if at >= start:
            means.append(made)
        at = to
    return np.concatenate(means)


def _average(steps: np.ndarray, values: np.ndarray, half_life: float) -> np.ndarray:
    """Weighted sums over sums of weights: n[i] = w[i] n[i - 1] + x[i], with w = 0.5 ** (Δstep / half-life)."""
    gaps = np.diff(steps)
    if (gaps == gaps[0]).all():
        from scipy.signal import lfilter  # 0.2 s, and only who smooths needs it

        fade = -math.log(2) * int(gaps[0]) / half_life
        made = lfilter([1.0], [1.0, -math.exp(fade)], values)
        if not fade:
            return made / np.arange(1, len(values) + 1)
        # The sums of weights are those of a geometric series, and stand still at last.
        changing = min(len(values), math.ceil(MEMORY * math.log(2) / -fade))
        made[:changing] /= np.expm1(fade * np.arange(1, changing + 1)) / math.expm1(fade)
        made[changing:] *= -math.expm1(fade)
        return made
    from scipy.linalg.blas import dtbsv

    # The recurrence is a triangular system with two diagonals: (1, -w) · n = x.
    diagonals = np.zeros((2, len(values)), order="F")
    diagonals[1, :-1] = -_fades(gaps, half_life)
    sums = [dtbsv(1, diagonals, right, lower=1, diag=1) for right in (values, np.ones(len(values)))]
    return sums[0] / sums[1]


def _fades(gaps: np.ndarray, half_life: float) -> np.ndarray:
    """What is left of a value after each of these numbers of steps."""
    farthest = int(gaps.max())
    if farthest < len(gaps):  # a power is dear, and there are few different gaps
        return np.exp2(np.arange(farthest + 1) / -half_life)[gaps]
    return np.exp2(gaps / -half_life)
