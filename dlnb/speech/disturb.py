"""What comes between a mouth and a microphone: the room, other noises, and how loud it arrives. In samples.

A sound is (samples,) float32 in [-1, 1] at RATE; what is random is drawn from a `RandomState` that the caller gives.
"""

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from .features import RATE

Sound = NDArray[np.float32]


def in_room(sound: Sound, seconds: float, draw: RandomState) -> Sound:
    """The sound in a room in which an echo of a thousandth remains after so many seconds (0 for none); as long, as loud.

    Source: a room's echoes as noise that decays exponentially: Polack 1988, La transmission de l'énergie sonore dans les salles.
    """
    from scipy.signal import oaconvolve

    if seconds * RATE < 1:
        return sound
    time = np.arange(int(seconds * RATE)) / RATE
    echoes = (draw.standard_normal(len(time)) * 10 ** (-3 * time / seconds)).astype(np.float32)
    echoes *= 0.6 / np.sqrt((echoes**2).sum() + 1e-12)
    echoes[0] = 1.0  # what comes straight
    there = oaconvolve(sound, echoes)[: len(sound)]
    return as_loud_as(there, sound)


def with_noise(sound: Sound, decibels: float, draw: RandomState, colour: float = 1.0) -> Sound:
    """The sound and a noise that is so many decibels weaker where the sound is loud.

    colour: the power of the noise falls with frequency to this power: 0 white, 1 pink, 2 brown.
    """
    size = 1 << (len(sound) - 1).bit_length()  # of other lengths the transform takes several times as long
    spectrum = np.fft.rfft(draw.standard_normal(size))
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 50.0)
    noise = np.fft.irfft(spectrum * frequency ** (-colour / 2), size)[: len(sound)]
    noise *= loudness(sound) * 10 ** (-decibels / 20) / (np.sqrt(np.mean(noise**2)) + 1e-12)
    return (sound + noise).astype(np.float32)


def loudness(sound: Sound) -> float:
    """The root mean square of the louder half of its tenths of a second; so pauses do not count."""
    length = RATE // 10
    pieces = np.pad(sound, (0, -len(sound) % length)).reshape(-1, length)
    power = np.sort((pieces.astype(np.float64) ** 2).mean(1))
    return float(np.sqrt(power[len(power) // 2 :].mean()))


def at_level(sound: Sound, decibels: float) -> Sound:
    """The sound so loud that its loudness is so many decibels below the loudest that samples can say (a negative number)."""
    there = sound * np.float32(10 ** (decibels / 20) / max(loudness(sound), 1e-6))
    return there.clip(-1, 1)


def as_loud_as(sound: Sound, other: Sound) -> Sound:
    """The sound with the other's root mean square."""
    wanted, has = (np.sqrt(np.mean(one.astype(np.float64) ** 2)) for one in (other, sound))
    return (sound * (wanted / max(has, 1e-9))).astype(np.float32)


def disturbed(sound: Sound, draw: RandomState, noise: tuple[float, float] = (15.0, 40.0), before: float = 0.1, after: float = 0.45) -> Sound:
    """Someone speaks in a room: a pause before and after, echoes, a noise and a level that are drawn.

    noise: the least and the most decibels by which it is weaker. before, after: seconds of pause.
    """
    pause = int(before * RATE), int(after * RATE)
    there = in_room(np.pad(sound, pause), draw.uniform(0.0, 0.4), draw)
    return at_level(with_noise(there, draw.uniform(*noise), draw, draw.uniform(0.0, 2.0)), draw.uniform(-32.0, -14.0))
