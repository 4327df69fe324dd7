"""The spectrogram of any sound, whatever its rate: which pitches sound when. In NumPy, written out."""

from dataclasses import dataclass

import numpy as np

WINDOW = 0.032  # seconds that one column looks at
COLUMNS = 600  # of a spectrogram at the most
RANGE = 80.0  # decibels below the loudest that are told apart


@dataclass(frozen=True)
class Spectrum:
    """Which pitches sound when.

    loud: (columns, bins) uint8, 255 for the loudest, 0 for RANGE decibels below it and less; the first bin is 0 Hz.
    hop: samples from one column to the next; window: samples that a column looks at; step: Hz from one bin to the next.
    """

    loud: np.ndarray
    hop: int
    window: int
    step: float


def spectrum(sound: np.ndarray, rate: float) -> Spectrum | None:
    """Of a sound (samples,) at `rate` Hz; None where it is shorter than a window, or has no sound in it."""
    window = max(8, 2 ** round(np.log2(WINDOW * rate)))
    if len(sound) < window:
        return None
    hop = max(1, window // 16, -(-(len(sound) - window) // COLUMNS))
    windows = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(sound.astype(np.float64), posinf=0, neginf=0), window)[::hop]
    power = np.abs(np.fft.rfft(windows * np.hanning(window), axis=1)) ** 2  # (columns, bins)
    if not power.max() > 0:
        return None
    decibels = 10 * np.log10(np.maximum(power / power.max(), 10 ** (-RANGE / 10)))
    return Spectrum(((decibels / RANGE + 1) * 255).round().astype(np.uint8), hop, window, rate / window)
