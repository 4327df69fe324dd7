"""Sounds in files: read, checked, mixed down and brought to the rate at which models listen."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .voices import resampled

LONGEST = 60.0  # seconds
SHORTEST = 0.1
SILENT = 1e-4  # the largest sample of a sound in which nothing is heard
CLIPPED = 0.01  # the share of samples at the limit above which a sound is spoiled


class SoundError(ValueError):
    """A sound that cannot be listened to, and why."""


def read_sound(path: str | Path, longest: float = LONGEST) -> NDArray[np.float32]:
    """A file (WAV, FLAC, OGG, MP3, …) as (samples,) float32 in [-1, 1] at RATE. Stereo is mixed down, other rates are resampled.

    Raises: FileNotFoundError if there is no such file; SoundError, naming it, if it is no sound, longer than `longest`
    seconds (which is known before it is read), too short, silent, or clipped.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        about = soundfile.info(str(path))
        if about.duration > longest:
            raise SoundError(
                f"{path.name} lasts {about.duration:.0f} s, but at most {longest:.0f} s are read at once: cut it, or let a "
                "`Hearing` listen to it piece by piece"
            )
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)  # (samples, channels)
    except soundfile.SoundFileError as error:
        raise SoundError(f"{path.name} is no sound that can be read ({error}): expected WAV, FLAC, OGG or MP3") from error
    return heard(samples.T, rate, path.name)


def heard(samples: NDArray[np.floating], rate: int, name: str = "the sound") -> NDArray[np.float32]:
    """Samples in [-1, 1] at any rate, (samples,) or (channels, samples), as (samples,) float32 at RATE, checked.

    Raises: SoundError if they are too short, silent, clipped, no numbers, or outside [-1, 1].
    """
    sound = np.asarray(samples, np.float32)
    if sound.ndim not in (1, 2) or (sound.ndim == 2 and len(sound) > 8):
        raise SoundError(f"{name} has the shape {sound.shape}: expected (samples,) or (channels, samples) with at most 8 channels")
    if not 1_000 <= rate <= 400_000:
        raise SoundError(f"{name} has a rate of {rate} Hz: expected 1,000 to 400,000 samples a second")
    seconds = sound.shape[-1] / rate
    if seconds < SHORTEST:
        raise SoundError(f"{name} lasts {seconds:.3f} s: expected {SHORTEST:g} s or more")
    if not np.isfinite(sound).all():
        raise SoundError(f"{name} has samples that are no numbers (NaN or infinite)")
    loudest = float(np.abs(sound).max())
    if loudest > 1.5:
        raise SoundError(f"{name} has samples up to {loudest:g}: expected -1 to 1; divide 16-bit numbers by 32,768")
    if loudest < SILENT:
        raise SoundError(f"{name} is silent: is the microphone muted?")
    at_limit = float((np.abs(sound) >= 0.999).mean())
    if at_limit > CLIPPED:
        raise SoundError(f"{name} is clipped: {at_limit:.0%} of its samples are at the limit; record it more quietly")
    return resampled(sound if sound.ndim == 1 else sound.mean(0), rate)
