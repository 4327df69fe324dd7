"""From samples to what a model listens to: the short-time Fourier transform and the mel filterbank, written out.

A sound is (…, samples) float in [-1, 1] at RATE; its picture is (…, frames, MELS): how much sounds, at each hundredth of a
second, in each of 40 bands that are as wide as the ear hears them. Frame t is made of the samples from t·HOP on, and of no
others: so a stream gives the same frames as the whole.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

RATE = 8_000  # Hz
WINDOW = 256  # samples in a frame, 32 ms
HOP = 80  # samples from a frame to the next, 10 ms
MELS = 40
LOWEST, HIGHEST = 60.0, 3_900.0  # Hz
QUIETEST = -16.0  # the logarithm of a power below which nothing is heard; 0 is about as loud as can be
MIDDLE, SPREAD = -9.0, 3.0  # of what speech is like on that scale


def frames_of(samples: int) -> int:
    """How many frames a sound of so many samples has."""
    return max(0, (samples - WINDOW) // HOP + 1)


def stft(sound: Tensor, window: int = WINDOW, hop: int = HOP) -> Tensor:
    """The short-time Fourier transform with Hann's window: (…, samples) → (…, frames, window // 2 + 1) complex.

    X[t, k] = Σₙ w[n] x[t·hop + n] exp(-2πi·k·n / window), as two products of matrices.

    Raises: ValueError if the sound is shorter than one window.
    """
    if sound.shape[-1] < window:
        raise ValueError(f"the sound has {sound.shape[-1]} samples, but one frame needs {window}: give a longer one")
    cosines, sines = _waves(window)
    frames = sound.unfold(-1, window, hop)  # (…, frames, window)
    return torch.complex(frames @ cosines, -(frames @ sines))


def hertz_to_mel(hertz: float) -> float:
    """Source: O'Shaughnessy 1987, Speech communication: 2595 log₁₀(1 + f / 700)."""
    return 2595 * math.log10(1 + hertz / 700)


@lru_cache(maxsize=8)
def mel_filters(mels: int = MELS, window: int = WINDOW, rate: int = RATE, low: float = LOWEST, high: float = HIGHEST) -> Tensor:
    """Triangles that overlap by half, evenly spaced in mel: (window // 2 + 1, mels) float32 in [0, 1].

    Raises: ValueError if low, high and rate do not fit together.
    """
    if not 0 <= low < high <= rate / 2:
        raise ValueError(f"expected 0 ≤ low < high ≤ {rate / 2:g} Hz, half the rate; got low={low:g} and high={high:g}")
    mel = torch.linspace(hertz_to_mel(low), hertz_to_mel(high), mels + 2, dtype=torch.float64)
    corners = 700 * (10 ** (mel / 2595) - 1)  # (mels + 2,) Hz
    bins = torch.arange(window // 2 + 1, dtype=torch.float64)[:, None] * rate / window  # (bins, 1) Hz
    left, middle, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return torch.minimum(rising, falling).clamp(min=0).float()  # (bins, mels)


def log_mel(sound: Tensor) -> Tensor:
    """(…, samples) float in [-1, 1] → (…, frames, MELS) float32: natural logarithms of powers, from QUIETEST up to about 0.

    Raises: ValueError if the sound is shorter than one frame.
    """
    spectrum = stft(sound)
    power = (spectrum.real.square() + spectrum.imag.square()) * (4 / WINDOW**2)  # a sine of height 1 has about 1/4
    return (power @ mel_filters()).clamp(min=math.exp(QUIETEST)).log()


def picture(sound: Tensor) -> Tensor:
    """The same in a quarter of the memory: (…, frames, MELS) uint8, in steps of a sixteenth."""
    return ((log_mel(sound).clamp(max=0) - QUIETEST) * (255 / -QUIETEST)).round().to(torch.uint8)


def as_logarithms(pictures: Tensor) -> Tensor:
    """uint8 pictures as logarithms of powers."""
    return pictures.float() * (-QUIETEST / 255) + QUIETEST


def as_numbers(pictures: Tensor) -> Tensor:
    """Pictures, uint8 or logarithms, as a model reads them: float32 around 0, of about unit size."""
    logarithms = pictures if pictures.is_floating_point() else as_logarithms(pictures)
    return (logarithms - MIDDLE) / SPREAD


@lru_cache(maxsize=4)
def _waves(window: int) -> tuple[Tensor, Tensor]:
    """Hann's window times cosines and sines of all frequencies: (window, window // 2 + 1) each."""
    n = torch.arange(window, dtype=torch.float64)
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * n / window)
    angles = 2 * math.pi / window * (n[:, None] * torch.arange(window // 2 + 1))
    return (hann[:, None] * angles.cos()).float(), (hann[:, None] * angles.sin()).float()
