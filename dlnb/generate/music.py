"""Scores as arrays: a row for each frame of time, a column for each voice, a MIDI number in it, 0 for silence."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

REST = 0  # where a voice is silent
LOWEST, HIGHEST = 21, 108  # MIDI numbers of the keys of a piano
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
COLOURS = np.array([(214, 69, 65), (44, 130, 201), (38, 166, 91), (142, 104, 188)], np.uint8)  # of the voices from the first on
PAPER, SHADE, BAR = 255, 240, 225  # of white keys, of black keys, and of the first of four frames

Score = NDArray[np.int64]


def as_score(notes: ArrayLike) -> Score:
    """notes: (T, voices) MIDI numbers from 21 to 108, 0 for silence → the same as int64, checked.

    Raises: ValueError if the shape is another one, a number is not whole or no key of a piano, or there is nothing.
    """
    score = np.asarray(notes)
    if score.ndim != 2 or not score.size:
        raise ValueError(f"a score has the shape (frames, voices) with at least one of each, got {score.shape}")
    return _whole_notes(score, "score")


def as_melody(notes: ArrayLike, lowest: int = LOWEST, highest: int = HIGHEST) -> Score:
    """notes: (T,) MIDI numbers from `lowest` to `highest`, 0 for silence → the same as int64, checked.

    Raises: ValueError if it is empty or silent throughout, has another shape, or a number is not whole or out of range.
    """
    melody = np.asarray(notes)
    if melody.ndim != 1:
        raise ValueError(f"a melody has the shape (frames,), one note at a time; got {melody.shape}")
    if not melody.size:
        raise ValueError("the melody is empty: give at least one note, as a MIDI number such as 72")
    melody = _whole_notes(melody, "melody")
    sung = melody[melody != REST]
    if not sung.size:
        raise ValueError("the melody is silent throughout: give at least one note, as a MIDI number such as 72")
    if sung.min() < lowest or sung.max() > highest:
        raise ValueError(
            f"the melody runs from {note_name(sung.min())} ({sung.min()}) to {note_name(sung.max())} ({sung.max()}), out of the "
            f"range {note_name(lowest)} ({lowest}) to {note_name(highest)} ({highest}). Move it by an octave, 12 semitones."
        )
    return melody


def _whole_notes(notes: NDArray[Any], what: str) -> Score:
    if not np.issubdtype(notes.dtype, np.number) or not np.isfinite(notes).all() or (notes != np.floor(notes)).any():
        raise ValueError(f"a {what} is of whole numbers, MIDI numbers of notes; got {notes.dtype} with something else in it, such as NaN or a half")
    sung = notes[notes != REST]
    if sung.size and (sung.min() < LOWEST or sung.max() > HIGHEST):
        raise ValueError(
            f"the {what} has notes from {sung.min():g} to {sung.max():g}; a piano has the MIDI numbers {LOWEST} to {HIGHEST}, and {REST} is silence"
        )
    return notes.astype(np.int64)


def from_sounding(frames: Iterable[Sequence[int]], voices: int = 4) -> Score:
    """Sets of notes that sound together → (T, voices), in each frame from high to low, silent voices last.

    Two sets have the same row only if they are the same set.

    Raises: ValueError if a frame has more notes than there are voices, or as `as_score` does.
    """
    rows = [sorted(set(frame), reverse=True) for frame in frames]
    if most := max((len(row) for row in rows if len(row) > voices), default=0):
        raise ValueError(f"{most} notes sound together, but there are {voices} voices: give voices={most}")
    return as_score([row + [REST] * (voices - len(row)) for row in rows])


def sounding(score: Score) -> list[list[int]]:
    """The notes of each frame, from low to high, each once: what `from_sounding` undoes."""
    return [sorted(set(row) - {REST}) for row in score.tolist()]


def to_keys(score: Score) -> Tensor:
    """MIDI numbers → keys of a piano from 1 to 88 as int64, silence stays 0."""
    keys = torch.from_numpy(np.ascontiguousarray(score))
    return torch.where(keys == REST, 0, keys - LOWEST + 1)


def from_keys(keys: Tensor) -> Score:
    """Keys of a piano from 1 to 88 → MIDI numbers, silence stays 0."""
    return torch.where(keys == 0, REST, keys + LOWEST - 1).cpu().numpy()


def transposed(score: Score, semitones: int) -> Score:
    """The same music higher or lower; silence stays silence.

    Raises: ValueError if a note would leave the piano.
    """
    return _whole_notes(np.where(score == REST, REST, score + semitones), "score")


def note_name(note: int) -> str:
    """60 → "C4", as pianists say; silence is a dash."""
    return "–" if note == REST else f"{NAMES[note % 12]}{note // 12 - 1}"


def roll(score: Score, lowest: int, highest: int, frame: int = 6, key: int = 3) -> NDArray[np.uint8]:
    """A piano roll: time to the right, high notes at the top, a colour for each voice.

    lowest, highest: MIDI numbers of the bottom and top rows; notes outside are not drawn. frame, key: their size in pixels.
    → (key · (highest − lowest + 1), frame · T, 3) uint8.

    Raises: ValueError if there is no row, or a size is below 1.
    """
    if highest < lowest or frame < 1 or key < 1:
        raise ValueError(f"expected lowest ≤ highest and sizes of 1 or more, got {lowest}, {highest}, frame={frame} and key={key}")
    notes = np.arange(highest, lowest - 1, -1)
    black = np.isin(notes % 12, (1, 3, 6, 8, 10))
    picture = np.where(black, SHADE, PAPER).astype(np.uint8)[:, None, None].repeat(len(score), 1).repeat(3, 2)  # (notes, T, 3)
    picture = picture.repeat(key, 0).repeat(frame, 1)
    picture[:, :: 4 * frame] = BAR
    for voice in range(score.shape[1] - 1, -1, -1):  # the first voice is drawn over the others
        for place, note in enumerate(score[:, voice].tolist()):
            if lowest <= note <= highest:
                top, left = (highest - note) * key, place * frame
                # A gap of a pixel between two notes, so that one sees when a note is struck again.
                picture[top : top + key, left : left + max(1, frame - 1)] = COLOURS[voice % len(COLOURS)]
    return picture
