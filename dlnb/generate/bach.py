"""Bach's chorales: the published set, and the four voices as music21 has them, read once and kept as arrays."""

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.store import path
from .music import HIGHEST, LOWEST, REST, Score, as_score, from_sounding

PARTS = ("train", "valid", "test")
VOICES = 4
GRID = 4  # frames in a quarter that are kept
OPENING = 8  # changes of the melody by which a tune is known


@dataclass(frozen=True)
class Chorale:
    """One chorale. name: as music21 has it, such as "bwv269". notes: (T, 4) MIDI numbers at each 16th, soprano first."""

    name: str
    notes: Score

    @property
    def tune(self) -> tuple[int, ...]:
        """The first steps of its melody in semitones: the same for two settings of a tune, in whatever key."""
        melody = self.notes[:, 0]
        melody = melody[melody != REST]
        steps = np.diff(melody)
        return tuple(steps[steps != 0][:OPENING].tolist())


def published(part: str) -> list[Score]:
    """The chorales of a part of the set `jsb_chorales`, at each quarter: (T, 4) MIDI numbers from high to low, 0 for silence.

    part: "train", "valid" or "test", as Boulanger-Lewandowski et al. 2012 divided them; all are in C major or C minor.

    Raises: ValueError for another part, or if the file is not what it should be; DataError if it cannot be had.
    """
    if part not in PARTS:
        raise ValueError(f"the set has the parts {', '.join(map(repr, PARTS))}, not {part!r}")
    file = path("jsb_chorales", "jsb-chorales-quarter.json")
    return [from_sounding(frames, VOICES) for frames in json.loads(file.read_text(encoding="utf-8"))[part]]


def corpus(pieces: int | None = None) -> list[Chorale]:
    """The chorales in music21's own corpus, those of 371 that have four voices, each once; nothing to download.

    pieces: how many of the files are read, from the first on; by default all. The first time that takes half a minute; what
    was read is kept as arrays in the cache of data sets (DLNB_CACHE moves it) and is there at once from then on.

    Raises: ValueError if the number of pieces is below 1.
    """
    if pieces is not None and pieces < 1:
        raise ValueError(f"pieces must be 1 or more, or None for all; got {pieces!r}")
    import music21

    kept = cache() / f"music21-{music21.__version__}-{pieces or 'all'}.npz"
    if kept.exists():
        try:
            return read_kept(kept)
        except (OSError, ValueError, KeyError, EOFError) as error:
            print(f"{kept} is damaged ({error}). It is not used; the chorales are read again.")
    found = parsed(pieces)
    try:
        keep(kept, found)
    except OSError as error:
        print(f"The chorales cannot be kept in {kept.parent} ({error.strerror or error}), so they are read again next time.")
    return found


def parsed(pieces: int | None) -> list[Chorale]:
    """The chorales as music21 reads them from its scores."""
    import music21
    from tqdm.auto import tqdm

    names = list(dict.fromkeys(music21.corpus.chorales.Iterator(returnType="filename")))[:pieces]
    found: dict[bytes, Chorale] = {}
    for name in tqdm(names, desc="chorales", unit="piece", leave=False):
        notes = voices_of(music21.corpus.parse(name))
        if notes is not None:
            found.setdefault(notes.tobytes(), Chorale(name.rpartition("/")[2], notes))
    return list(found.values())


def voices_of(score: Any) -> Score | None:
    """The four voices of a score of music21, highest first, at each 16th; None if there are not four, or not notes of a piano."""
    parts = list(score.parts)
    if len(parts) != VOICES:
        return None
    length = int(round(float(score.duration.quarterLength) * GRID))
    columns = []
    for part in parts:
        column = np.full(length, REST, np.int64)
        for element in part.flatten().notes:
            if element.duration.isGrace:
                continue
            begin = float(element.offset) * GRID
            end = begin + float(element.duration.quarterLength) * GRID
            column[int(np.ceil(begin - 1e-6)) : int(np.ceil(end - 1e-6))] = max(pitch.midi for pitch in element.pitches)
        columns.append(column)
    if not length or not all(column.any() for column in columns):
        return None
    columns.sort(key=lambda column: -float(column[column != REST].mean()))
    notes = np.stack(columns, 1)
    sung = notes[notes != REST]
    return as_score(notes) if LOWEST <= sung.min() and sung.max() <= HIGHEST else None


def cache() -> Path:
    """The folder in which parsed chorales are kept."""
    import platformdirs

    return Path(os.environ.get("DLNB_CACHE") or platformdirs.user_cache_dir("dlnb", appauthor=False)) / "chorales"


def keep(file: Path, chorales: Sequence[Chorale]) -> None:
    """Write chorales to a file, in one go: who reads it meanwhile finds all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    notes = np.concatenate([chorale.notes for chorale in chorales]).astype(np.uint8)
    lengths = np.array([len(chorale.notes) for chorale in chorales])
    names = np.array([chorale.name for chorale in chorales])
    handle, part = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            np.savez_compressed(out, notes=notes, lengths=lengths, names=names)
        os.replace(part, file)
    finally:
        Path(part).unlink(missing_ok=True)


def read_kept(file: Path) -> list[Chorale]:
    """The chorales of a file that `keep` wrote.

    Raises: ValueError, OSError, KeyError or EOFError if it is damaged.
    """
    import zipfile

    try:
        with np.load(file, allow_pickle=False) as columns:
            notes, lengths, names = columns["notes"], columns["lengths"], columns["names"]
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error
    if notes.ndim != 2 or notes.shape[1] != VOICES or len(lengths) != len(names) or lengths.sum() != len(notes):
        raise ValueError(f"notes {notes.shape} do not fit the lengths of {len(lengths)} and the names of {len(names)} chorales")
    pieces = np.split(notes, np.cumsum(lengths)[:-1])
    return [Chorale(str(name), as_score(piece)) for name, piece in zip(names, pieces, strict=True)]
