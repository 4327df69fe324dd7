"""What a long column is made into before it is drawn: pieces that keep every spike, and smooth curves.

Pure functions of arrays.
"""

from typing import NamedTuple

import numpy as np


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


def _average(steps: np.ndarray, values: np.ndarray, half_life: float) -> np.ndarray:
    """Weighted sums over sums of weights: n[i] = w[i] n[i - 1] + x[i], with w = 0.5 ** (Δstep / half-life)."""
    gaps = np.diff(steps)
    if (gaps == gaps[0]).all():
        from scipy.signal import lfilter  # 0.2 s, and only who smooths needs it

        fade = -np.log(2) * int(gaps[0]) / half_life
        weights = np.arange(1, len(values) + 1, dtype=np.float64)
        if fade:  # the sum of a geometric series
            np.expm1(np.multiply(weights, fade, out=weights), out=weights)
            weights /= np.expm1(fade)
        return lfilter([1.0], [1.0, -np.exp(fade)], values) / weights
    from scipy.linalg.blas import dtbsv

    # The recurrence is a triangular system with two diagonals: (1, -w) · n = x.
    diagonals = np.zeros((2, len(values)), order="F")
    diagonals[1, :-1] = -np.exp2(gaps / -half_life)
    sums = [dtbsv(1, diagonals, right, lower=1, diag=1) for right in (values, np.ones(len(values)))]
    return sums[0] / sums[1]
