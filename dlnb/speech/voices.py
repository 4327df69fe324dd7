"""People who speak, made on the spot: voices, accents, speeds and pitches of espeak-ng.

A person is a variant of espeak-ng's voice: the shape of a throat. The people of the three splits are others: who is heard in
a test was never heard in training. Accent, speed, pitch and melody are another each time that someone speaks.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from .espeak import SPOKEN_RATE, Utterance, say
from .features import HOP, RATE, WINDOW

ACCENTS = ("en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-gb-x-gbclan")
PEOPLE = {
    "train": (
        "f1", "f2", "f4", "f5", "m1", "m2", "m3", "m5", "m6", "m8", "Alex", "Andy", "Annie", "Denis", "Diogo", "Gene", "Gene2",
        "Hugo", "Lee", "Marco", "Mario", "Mike", "RicishayMax", "adam", "anika", "antonio", "belinda", "boris", "caleb",
        "david", "grandma", "gustave", "ian", "john", "linda", "marcelo", "max", "miguel", "norbert", "pablo", "quincy",
        "steph", "steph2", "steph3", "travis", "zac",
    ),
    "valid": ("f3", "m4", "Alicia", "Michael", "benjamin", "ed", "edward", "grandpa"),
    "test": ("m7", "Andrea", "Henrique", "Jacky", "Nguyen", "aunty", "iven", "iven2", "iven3", "michel", "paul", "rob", "robert", "victor"),
}  # fmt: skip


PHONEMES = (  # espeak-ng's signs for the sounds of English, without stress and length; the first is a pause
    "", "n", "d", "t", "k", "s", "I", "D", "z", "@", "l", "b", "r", "m", "E", "3", "a#", "i", "aI", "0", "p", "w", "a", "I2", "@2",
    "oU", "f", "eI", "tS", "h", "v", "aU", "u", "A@", "V", "O@", "r-", "U", "@L", "g", "S", "j", "O", "N", "T", "aa", "i@3", "e@",
    "A", "o@", "O2", "aI2", "I#", "t#", "VR", "x", "aI@", "w#", "@5", "t2", "IR", "dZ", "Z", "OI", "U@", "i@",
)  # fmt: skip
_NUMBERS = {sign: number for number, sign in enumerate(PHONEMES)}


class Voice(NamedTuple):
    """What someone said. samples: float32 in [-1, 1] at RATE. phonemes: numbers in PHONEMES, each with the sample at which it begins."""

    samples: NDArray[np.float32]
    phonemes: list[tuple[int, int]]


def voiced(texts: Sequence[str], people: Sequence[str], draw: RandomState) -> list[Utterance]:
    """Each text by one of the people, in an accent, at a speed, with a pitch and a melody that are drawn."""
    return [
        Utterance(
            text,
            f"{ACCENTS[draw.randint(len(ACCENTS))]}+{people[draw.randint(len(people))]}",
            words=int(draw.randint(140, 211)),
            pitch=int(draw.randint(25, 76)),
            melody=int(draw.randint(20, 81)),
        )
        for text in texts
    ]


def spoken(texts: Sequence[str], people: Sequence[str], seed: int) -> Iterator[Voice]:
    """Each text, said by someone of the people; the same for the same arguments, and made as they are asked for.

    Raises: ValueError if a person is not known.
    """
    for said in say(voiced(texts, people, RandomState(seed))):
        yield Voice(
            resampled((said.samples / 32_768).astype(np.float32), SPOKEN_RATE),
            [(_NUMBERS.get(sign.strip("',%=_:|;"), 0), round(sample * RATE / SPOKEN_RATE)) for sign, sample in said.phonemes],
        )


def in_frames(phonemes: Sequence[tuple[int, int]], frames: int) -> NDArray[np.uint8]:
    """Which phoneme sounds in the middle of each frame of a picture. phonemes: as in `Voice` → (frames,); a pause before the first."""
    middles = np.arange(frames) * HOP + WINDOW // 2
    begins = np.array([sample for _, sample in phonemes])
    numbers = np.array([0, *(number for number, _ in phonemes)], np.uint8)
    return numbers[np.searchsorted(begins, middles, side="right")]


def resampled(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """A sound at another rate, brought to RATE with what RATE cannot carry filtered out. (samples,) → (samples·RATE/rate,)."""
    from scipy.signal import resample_poly

    if rate == RATE:
        return np.asarray(sound, np.float32)
    divisor = math.gcd(RATE, rate)
    up, down = RATE // divisor, rate // divisor
    return np.asarray(resample_poly(sound, up, down, window=_low_pass(max(up, down))), np.float32)


@lru_cache(maxsize=8)
def _low_pass(factor: int) -> NDArray[np.float32]:
    """The filter that `resample_poly` would make by itself, each time anew."""
    from scipy.signal import firwin

    return np.asarray(firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0)), np.float32)
