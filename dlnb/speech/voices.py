"""People who speak, made on the spot: voices, accents, speeds and pitches of espeak-ng.

A person is a variant of espeak-ng's voice: the shape of a throat. The people of the three splits are others: who is heard in
a test was never heard in training. Accent, speed, pitch and melody are another each time that someone speaks.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from .espeak import SPOKEN_RATE, Utterance, say
from .features import RATE

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


def spoken(texts: Sequence[str], people: Sequence[str], seed: int) -> list[NDArray[np.float32]]:
    """Sounds of the texts, each by someone of the people: float32 in [-1, 1] at RATE. The same for the same arguments.

    Raises: ValueError if a person is not known.
    """
    return [resampled((sound / 32_768).astype(np.float32), SPOKEN_RATE) for sound in say(voiced(texts, people, RandomState(seed)))]


def resampled(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """A sound at another rate, brought to RATE with what RATE cannot carry filtered out. (samples,) → (samples·RATE/rate,)."""
    from scipy.signal import resample_poly

    if rate == RATE:
        return np.asarray(sound, np.float32)
    divisor = np.gcd(RATE, rate)
    return np.asarray(resample_poly(sound, RATE // divisor, rate // divisor), np.float32)
