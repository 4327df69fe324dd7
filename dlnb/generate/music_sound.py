"""What a score sounds like: each note a sum of sines that swells and fades, as a soft organ does."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .music import REST, Score, as_score
from .music_midi import spans, ticks_of_frame

RATE = 22_050  # samples a second
OVERTONES = 6
LOUDEST = 0.8  # of what a file can hold, so that nothing is clipped
SWELL, FADE = 0.02, 0.06  # seconds
HALVED = 0.9  # seconds in which a note that is held loses half of its loudness


def sound(score: Score, tempo: float = 80.0, per_quarter: int = 1, rate: int = RATE) -> NDArray[np.float32]:
    """A score as sound: (N,) float32 between -0.8 and 0.8, silent where the score is.

    score: (T, voices) MIDI numbers, 0 for silence. tempo: quarters a minute. per_quarter: frames in a quarter; a note that
    goes on is held within a quarter and struck again at the next. rate: samples a second.

    Raises: ValueError if the score is none, or tempo, per_quarter or rate (8,000 to 48,000) is out of range.
    """
    score = as_score(score)
    ticks_of_frame(tempo, per_quarter)
    if not 8_000 <= rate <= 48_000:
        raise ValueError(f"the rate must be from 8,000 to 48,000 samples a second, got {rate!r}")
    frame = 60.0 / tempo / per_quarter  # seconds
    heard = np.zeros(round((len(score) * frame + FADE) * rate) + 1, np.float32)
    for column in score.T.tolist():
        for begin, end in spans(column, per_quarter):
            if column[begin] != REST:
                start = round(begin * frame * rate)
                made = tone(column[begin], (end - begin) * frame, rate)[: len(heard) - start]
                heard[start : start + len(made)] += made
    return heard * np.float32(LOUDEST / max(np.abs(heard).max(), 1e-9))


def tone(note: int, seconds: float, rate: int) -> NDArray[np.float32]:
    """One note: (N,) float32, held for so long, and fading afterwards. note: MIDI number; 69 is 440 Hz."""
    time = np.arange(round((seconds + FADE) * rate)) / rate
    pitch = 440.0 * 2 ** ((note - 69) / 12)  # Hz
    wave = np.zeros_like(time)
    for number in range(1, OVERTONES + 1):
        if number * pitch < rate / 2:  # higher ones would come back as wrong tones
            wave += np.sin(2 * np.pi * number * pitch * time) / number**1.5
    loudness = 0.5 ** (time / HALVED) * np.clip(time / SWELL, 0, 1) * np.clip((seconds + FADE - time) / FADE, 0, 1)
    return (wave * loudness).astype(np.float32)


def save_wav(score: Score, path: str | os.PathLike[str], tempo: float = 80.0, per_quarter: int = 1, rate: int = RATE) -> Path:
    """Write what a score sounds like as a WAV file of 16 bits.

    Raises: ValueError as `sound` does.
    """
    import soundfile

    heard = sound(score, tempo, per_quarter, rate)
    soundfile.write(str(path), heard, rate, format="WAV", subtype="PCM_16")
    return Path(path)
