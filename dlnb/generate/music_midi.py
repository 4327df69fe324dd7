"""Scores to MIDI files and back."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from .music import HIGHEST, LOWEST, REST, Score, as_score, from_sounding

TICKS = 480  # in a quarter, as most programs write
LATE = 0.25  # of a frame: what sounds so long after a frame's begin counts, so that a hand that is a little late is forgiven
LONGEST = 20_000  # frames
CHOIR = 52  # of the General MIDI sounds, counted from 0


def save_midi(score: Score, path: str | os.PathLike[str], tempo: float = 80.0, per_quarter: int = 1) -> Path:
    """Write a score as a MIDI file, with a track for each voice.

    score: (T, voices) MIDI numbers, 0 for silence. tempo: quarters a minute. per_quarter: frames in a quarter; a note that
    goes on is held within a quarter and struck again at the next.

    Raises: ValueError if the score is none, or tempo or per_quarter cannot be written.
    """
    import mido

    score = as_score(score)
    ticks = ticks_of_frame(tempo, per_quarter)
    if score.shape[1] > 15:
        raise ValueError(f"a MIDI file has 15 channels for voices, but the score has {score.shape[1]} voices")
    file = mido.MidiFile(ticks_per_beat=TICKS)
    for voice, column in enumerate(score.T.tolist()):
        channel = voice if voice < 9 else voice + 1  # channel 9 is the drums
        track = mido.MidiTrack([mido.Message("program_change", channel=channel, program=CHOIR)])
        if not voice:
            track.insert(0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)))
        silent = 0  # ticks since the last message
        for begin, end in spans(column, per_quarter):
            note, length = column[begin], (end - begin) * ticks
            if note == REST:
                silent += length
                continue
            track.append(mido.Message("note_on", channel=channel, note=note, velocity=80, time=silent))
            track.append(mido.Message("note_off", channel=channel, note=note, time=length))
            silent = 0
        track.append(mido.MetaMessage("end_of_track", time=silent))
        file.tracks.append(track)
    file.save(path)
    return Path(path)


def read_midi(path: str | os.PathLike[str], per_quarter: int = 1) -> Score:
    """Read a MIDI file as a score: (T, voices) MIDI numbers, 0 for silence.

    per_quarter: frames in a quarter. Where every track has one note at a time, a track is a voice; else all tracks are put
    together, and a frame is what sounds in it from high to low. The drums are left out.

    Raises: FileNotFoundError if there is no such file; ValueError if it is damaged or no MIDI file, counts its time by film
    frames, has no notes, notes that no piano has, or more than 20,000 frames.
    """
    import mido

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        file = mido.MidiFile(path)
    except (OSError, EOFError, ValueError, LookupError, TypeError, mido.KeySignatureError) as error:
        raise ValueError(
            f"{path.name} cannot be read as a MIDI file: it is damaged, cut short, or something else ({type(error).__name__}: {error}). "
            "Fetch or save it again."
        ) from error
    if file.ticks_per_beat <= 0 or file.ticks_per_beat >= 1 << 15:
        raise ValueError(f"{path.name} counts its time by the frames of a film, not by quarters: save it with quarters")
    frame = file.ticks_per_beat / checked_per_quarter(per_quarter)
    tracks = [_notes_of(track) for track in file.tracks]
    ticks = max((sum(message.time for message in track) for track in file.tracks), default=0)
    frames = max(1, round(ticks / frame))
    if frames > LONGEST:
        raise ValueError(f"{path.name} is {frames:,} frames long; at most {LONGEST:,} are read. Cut it, or read fewer frames a quarter.")
    tracks = [track for track in tracks if track]
    if not tracks:
        raise ValueError(f"{path.name} has no notes")
    wrong = [note for track in tracks for note, _, _ in track if not LOWEST <= note <= HIGHEST]
    if wrong:
        raise ValueError(f"{path.name} has the note {wrong[0]}; a piano has {LOWEST} to {HIGHEST}. Transpose it.")
    sets = [_sounding(track, frame, frames) for track in tracks]
    if all(len(notes) <= 1 for voice in sets for notes in voice):
        return as_score(np.array([[next(iter(notes), REST) for notes in voice] for voice in sets]).T)
    together = [set().union(*notes) for notes in zip(*sets, strict=True)]
    return from_sounding([sorted(notes) for notes in together], voices=max(map(len, together)))


def spans(column: list[int], per_quarter: int) -> list[tuple[int, int]]:
    """From which frame to which (not included) each note of a voice, or each silence, lasts: until it changes or a quarter ends."""
    begins = [t for t, note in enumerate(column) if not t or t % per_quarter == 0 or note != column[t - 1]]
    return list(zip(begins, [*begins[1:], len(column)], strict=True))


def ticks_of_frame(tempo: float, per_quarter: int) -> int:
    """Ticks of a MIDI file in a frame.

    Raises: ValueError if the tempo is not from 10 to 400 quarters a minute, or frames in a quarter do not come out even.
    """
    if not 10 <= tempo <= 400:
        raise ValueError(f"the tempo must be from 10 to 400 quarters a minute, got {tempo!r}")
    return TICKS // checked_per_quarter(per_quarter)


def checked_per_quarter(per_quarter: int) -> int:
    """Frames in a quarter. Raises: ValueError unless they are 1, 2, 3, 4, 6, 8 or 12."""
    if per_quarter not in (1, 2, 3, 4, 6, 8, 12):
        raise ValueError(f"a quarter has 1, 2, 3, 4, 6, 8 or 12 frames, got {per_quarter!r}")
    return per_quarter


def _notes_of(track: Any) -> list[tuple[int, int, int]]:
    """Note, begin and end of each note of a track, in ticks; one that is never ended lasts until the track does."""
    now, notes = 0, []
    begun: dict[tuple[int, int], int] = {}
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == 9:
            continue
        at = (message.channel, message.note)
        if at in begun:
            notes.append((message.note, begun.pop(at), now))
        if message.type == "note_on" and message.velocity:
            begun[at] = now
    return notes + [(note, begin, now) for (_, note), begin in begun.items()]


def _sounding(notes: list[tuple[int, int, int]], frame: float, frames: int) -> list[set[int]]:
    """The notes of a track that sound in each frame."""
    sets: list[set[int]] = [set() for _ in range(frames)]
    for note, begin, end in notes:
        first = int(np.ceil(begin / frame - LATE))
        for t in range(max(0, first), min(frames, int(np.ceil(end / frame - LATE)))):
            sets[t].add(note)
    return sets
