"""What a teacher of harmony would mark: parallel fifths and octaves, voices that cross, notes outside of the key."""

import itertools

import numpy as np

from .music import NAMES, REST, Score, as_score

MAJOR = (0, 2, 4, 5, 7, 9, 11)  # semitones above the first note of the scale


def parallels(score: Score, interval: int) -> int:
    """How often two voices move from an interval to the same one, both in one direction: 7 counts fifths, 0 octaves and unisons.

    interval: semitones, octaves left out. The four-part writing of Bach's time avoids both.

    Raises: ValueError if the score is none, or the interval is not from 0 to 11.
    """
    score = as_score(score)
    if interval not in range(12):
        raise ValueError(f"an interval without its octaves has 0 to 11 semitones, got {interval!r}")
    count = 0
    for first, second in itertools.combinations(score.T, 2):
        sung = (first != REST) & (second != REST)
        high, low = np.maximum(first, second), np.minimum(first, second)
        there = sung & ((high - low) % 12 == interval)
        moves = np.sign(np.diff(first)) * np.sign(np.diff(second)) > 0
        count += int((there[:-1] & there[1:] & moves).sum())
    return count


def crossings(score: Score) -> int:
    """In how many frames a voice lies above one that stands before it.

    Raises: ValueError if the score is none.
    """
    score = as_score(score)
    roof = np.full(len(score), np.iinfo(np.int64).max)
    crossed = np.zeros(len(score), bool)
    for voice in score.T:
        crossed |= (voice != REST) & (voice > roof)
        roof = np.where(voice == REST, roof, np.minimum(roof, voice))
    return int(crossed.sum())


def key_of(score: Score) -> tuple[str, float]:
    """The major scale that most of the notes belong to, and their share: ("G", 0.97). A minor key has the notes of its major one.

    Raises: ValueError if the score is none, or silent throughout.
    """
    notes = as_score(score)
    notes = notes[notes != REST]
    if not notes.size:
        raise ValueError("the score is silent throughout, so it is in no key")
    shares = [float(np.isin((notes - tonic) % 12, MAJOR).mean()) for tonic in range(12)]
    best = int(np.argmax(shares))
    return NAMES[best], shares[best]
