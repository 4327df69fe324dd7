"""The Free Spoken Digit Dataset: ten digits by six speakers, fifty times each, at 8,000 Hz."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.store import fetch
from .files import SoundError

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TAKES = 50
TEST, VALID = 5, 10  # takes 0 to 4 are the official test; 5 to 9 validate


class Spoken(NamedTuple):
    """Recordings. sounds: each (samples,) float32 at 8,000 Hz; digit, speaker, take: (N,) int64."""

    sounds: tuple[NDArray[np.float32], ...]
    digit: Tensor
    speaker: Tensor
    take: Tensor


@lru_cache(maxsize=2)
def read_digits(source: str = "fsdd", takes: int = TAKES) -> Spoken:
    """The first so many takes of each digit by each speaker, fetched once through `dlnb.data.store`.

    Raises: DataError if the files cannot be had; SoundError, naming it, if one is no recording at 8,000 Hz.
    """
    import soundfile

    which = [(digit, speaker, take) for digit in range(10) for speaker in range(len(SPEAKERS)) for take in range(takes)]
    names = [f"recordings/{digit}_{SPEAKERS[speaker]}_{take}.wav" for digit, speaker, take in which]
    files = fetch(source, names)
    sounds = []
    for name in names:
        try:
            sound, rate = soundfile.read(str(files[name]), dtype="float32")
        except soundfile.SoundFileError as error:
            raise SoundError(f"{name} of {source!r} is no sound that can be read ({error}): fetch it anew") from error
        if rate != 8_000 or sound.ndim != 1 or not len(sound):
            raise SoundError(f"{name} of {source!r} has {rate} Hz and the shape {sound.shape}: expected 8,000 Hz and one channel")
        sounds.append(sound)
    return Spoken(tuple(sounds), *torch.tensor(which).T.contiguous())


def official(take: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where the takes of the official split lie: to learn from, to validate, to test. take: (N,)."""
    return (take >= VALID).nonzero()[:, 0], ((take >= TEST) & (take < VALID)).nonzero()[:, 0], (take < TEST).nonzero()[:, 0]


def without(speaker: Tensor, take: Tensor, who: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same where one speaker is heard in the test only, with all that they said."""
    others = speaker != who
    learned, checked = others & ~((take >= TEST) & (take < VALID)), others & (take >= TEST) & (take < VALID)
    return learned.nonzero()[:, 0], checked.nonzero()[:, 0], (~others).nonzero()[:, 0]
