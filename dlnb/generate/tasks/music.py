"""Tasks of composing: Bach's chorales, frame after frame."""

import functools
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...task import Task, remembered
from ..bach import PARTS, Chorale, corpus, published
from ..models.composer import KEYS, Composer
from ..music import Score, to_keys
from ..music_batches import IGNORED, PieceBatches
from ..music_midi import checked_per_quarter
from ..music_preview import Harmonised

EVALUATED_AT_ONCE = 16
HELD_OUT = 0.1  # of the chorales, for validation and for the test each
SHOWN, SHOWN_FRAMES = 3, 16  # melodies in a preview, and frames of each
TRUST = 10.0  # times a note must have been sung before what followed weighs as much as how often each note is sung

Parts = tuple[list[Tensor], list[Tensor], list[Tensor]]


@remembered
def jsb_chorales(batch_size: int = 16, transpose: int = 0, pieces: int | None = None) -> Task:
    """The published set of Bach's chorales at each quarter, fetched once through `dlnb.data.store` (0.4 MB), with its own split.

    229 pieces to learn from, 76 to validate, 77 for the test, all in C major or C minor. A frame is a set of up to four notes.
    transpose: semitones by which pieces are moved up or down in training, drawn anew each epoch.
    pieces: so many of each part, the first ones; by default all.

    "nats a frame" is the mean over all frames of a split, the first of each piece included, of −log p(frame | those before),
    where the probabilities of all sets of up to four of a piano's 88 keys add up to 1.

    Raises: DataError if the file cannot be had, ValueError for numbers out of range.
    Source: Boulanger-Lewandowski, Bengio & Vincent 2012, arXiv:1206.6392.
    """
    if pieces is not None and pieces < 1:
        raise ValueError(f"pieces must be 1 or more, or None for all; got {pieces!r}")
    train, valid, test = ([to_keys(score) for score in _published(part)[:pieces]] for part in PARTS)
    credit = "JSB chorales, N. Boulanger-Lewandowski et al. 2012, as put together by C.-Z. A. Huang; public domain music"
    return _task("jsb_chorales", (train, valid, test), batch_size, transpose, crossing=False, credit=credit)


@remembered
def chorales(pieces: int | None = None, per_quarter: int = 1, batch_size: int = 16, transpose: int = 0, seed: int = 0) -> Task:
    """Bach's chorales from music21's own corpus in their four voices, in the keys they are written in; nothing to download.

    pieces: how many files are read, from the first on; by default all 350, of which 329 have four voices. Reading takes about
    a minute, once. per_quarter: frames in a quarter, 1, 2 or 4. transpose: semitones by which pieces are moved up or down in
    training, drawn anew each epoch. seed: of the split; a tune is in one part only, in however many settings.

    Raises: ValueError for numbers out of range, or pieces of fewer than three tunes.
    """
    if per_quarter not in (1, 2, 4):
        raise ValueError(f"per_quarter must be 1, 2 or 4, got {per_quarter!r}")
    every = 4 // checked_per_quarter(per_quarter)
    train, valid, test = ([to_keys(one.notes[::every]) for one in part] for part in by_tune(corpus(pieces), seed))
    credit = "Bach's chorales from the corpus of music21, M. S. Cuthbert et al.; public domain music"
    return _task("chorales", (train, valid, test), batch_size, transpose, crossing=True, credit=credit)


def by_tune(pieces: Sequence[Chorale], seed: int) -> tuple[list[Chorale], list[Chorale], list[Chorale]]:
    """To learn from, to validate, and for the test: a tenth of the pieces or a little more for each of the last two.

    No tune is in two of them, by its first steps.

    Raises: ValueError if there are fewer than three tunes.
    """
    tunes: dict[tuple[int, ...], list[Chorale]] = {}
    for piece in pieces:
        tunes.setdefault(piece.tune, []).append(piece)
    if len(tunes) < 3:
        raise ValueError(f"{len(pieces)} pieces with four voices of {len(tunes)} tunes cannot be divided in three: read more pieces")
    groups = list(tunes.values())
    order = [groups[i] for i in np.random.RandomState(seed % 2**32).permutation(len(groups))]
    parts: list[list[Chorale]] = [[], []]
    for part in parts:
        while not part or len(part) < HELD_OUT * len(pieces):
            part += order.pop()
    valid, test = parts
    return [piece for group in order for piece in group], valid, test


def nats(logits: Tensor, target: Tensor) -> Tensor:
    """The mean over frames of −log p(frame | those before): of a frame's notes summed, over all frames of all pieces averaged.

    logits: (B, T, voices, 89); target: (B, T, voices) int64, IGNORED where a piece has ended.
    """
    frames = (target[..., 0] != IGNORED).sum()
    return F.cross_entropy(logits.flatten(0, 2), target.flatten(), ignore_index=IGNORED, reduction="sum") / frames


def each_by_itself(train: Sequence[Tensor], test: Sequence[Tensor]) -> float:
    """Nats a frame if each voice sings each note as often as it does in what is learned, whatever was sung before."""
    often = torch.stack([_often(train, voice) for voice in range(train[0].shape[1])])  # (voices, 89)
    likely = sum(often[voice, torch.cat(list(test))[:, voice]].log().sum().item() for voice in range(len(often)))
    return -likely / sum(map(len, test))


def each_after_its_last(train: Sequence[Tensor], test: Sequence[Tensor]) -> float:
    """Nats a frame if each voice goes on from its last note as it does in what is learned.

    What followed few times is mixed with how often each note is sung. Source: MacKay & Peto 1995, A hierarchical Dirichlet
    language model.
    """
    likely = 0.0
    for voice in range(train[0].shape[1]):
        often = _often(train, voice)
        counts = torch.zeros(KEYS + 1, KEYS + 1)
        for piece in train:
            counts.index_put_((F.pad(piece[:-1, voice], (1, 0)), piece[:, voice]), torch.ones(len(piece)), accumulate=True)
        after = (counts + TRUST * often) / (counts.sum(1, keepdim=True) + TRUST)
        likely += sum(after[F.pad(piece[:-1, voice], (1, 0)), piece[:, voice]].log().sum().item() for piece in test)
    return -likely / sum(map(len, test))


def _often(pieces: Sequence[Tensor], voice: int) -> Tensor:
    """How often a voice sings each note, (89,); each note once more than it did, so that none is impossible."""
    counts = torch.bincount(torch.cat([piece[:, voice] for piece in pieces]), minlength=KEYS + 1).float() + 1
    return counts / counts.sum()


def _task(name: str, parts: Parts, batch_size: int, transpose: int, crossing: bool, credit: str) -> Task:
    train, valid, test = parts
    melodies = [piece[:SHOWN_FRAMES, 0] for piece in valid if len(piece) >= SHOWN_FRAMES and piece[:SHOWN_FRAMES, 0].all()]
    return Task(
        name=name,
        train=PieceBatches(train, size=batch_size, shuffle=True, transpose=transpose),
        valid=PieceBatches(valid, size=EVALUATED_AT_ONCE),
        test=PieceBatches(test, size=EVALUATED_AT_ONCE),
        loss=nats,
        metrics={"nats a frame": lambda logits, target: nats(logits, target).item()},
        baselines={
            "each voice by itself": lambda: {"nats a frame": each_by_itself(train, test)},
            "each voice after its last note": lambda: {"nats a frame": each_after_its_last(train, test)},
        },
        preview=Harmonised(torch.stack(melodies[:SHOWN])) if melodies else None,
        credit=credit,
        models={"Composer": lambda: Composer(crossing=crossing)},
    )


@functools.lru_cache(maxsize=3)
def _published(part: str) -> tuple[Score, ...]:
    return tuple(published(part))
