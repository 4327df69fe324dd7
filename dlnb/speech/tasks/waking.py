"""Tasks that wait for a word."""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...task import Task, remembered
from ..alike import like_word
from ..batches import AlignedBatches
from ..features import as_numbers
from ..models import Spotter
from ..previews import Heard, shown
from ..variety import varied
from ..voices import PEOPLE, PHONEMES
from ..waking import WAKE_WORD, Streams, alarms, missed, smoothed, streams, waking_loss

SECONDS = 10.0  # of a row of validation or test
CLIP = 3.0  # of a row to learn from
EVALUATED_AT_ONCE = 30
SHOWN = 8
SURE = 0.5
OFTEN_ALIKE, RARELY_ALIKE = 0.5, 0.01  # the share of words like the word in other speech: to learn from; in validation and the test
MISSED = "missed at one false alarm an hour"


@remembered
def wake_word(clips: int = 3600, minutes: int = 60, seed: int = 0, batch_size: int = 24) -> Task:
    """"Hey computer", noticed in a stream of other speech, as soon as it was said; nothing to download.

    clips: of three seconds, to learn from, a third of them with the word. minutes: of speech of other people in validation and
    in the test each, with a noise 10 dB weaker; beside them 200 rows (fewer for less than an hour) with the word in each. They
    are made when they are first needed.

    A target is {"said": (B, T // 3), 1 where the word has just ended, 0 elsewhere, -1 where nothing is asked; "phonemes":
    (B, T // 3), which of dlnb.speech.voices.PHONEMES sounds when}.

    Raises: ValueError if there are too few clips or minutes.
    """
    if clips < 12 or minutes < 1:
        raise ValueError(f"12 clips and 1 minute are needed at least, got clips={clips} and minutes={minutes}")
    learned = streams(clips // 3, clips - clips // 3, CLIP, PEOPLE["train"], seed, alike=OFTEN_ALIKE)
    heard = {name: Lazy(minutes, PEOPLE[name], seed + place) for place, name in enumerate(("valid", "test"), 1)}
    some = learned.target.eq(1).any(1).nonzero()[:, 0][: SHOWN // 2].tolist() + list(range(len(learned.target) - SHOWN // 2, len(learned.target)))

    def said(model: nn.Module, inputs: Tensor) -> Sequence[str]:
        return [_caption(bool(alarms(row, SURE))) for row in smoothed(model(inputs)[0]).tolist()]

    return Task(
        name="wake word",
        train=_batches(learned, size=batch_size, shuffle=True, vary=functools.partial(varied, speed=0.0, throat=0.08, noise=(-17.0, -11.0), masks=0)),
        valid=heard["valid"],
        test=heard["test"],
        loss=waking_loss,
        metrics={MISSED: lambda logits, target: missed(logits, target["said"])},
        predict=lambda model, inputs, output: output[0],
        baselines={"like the mean of the word": lambda: {MISSED: _like_word(learned, heard["test"].streams)}},
        preview=Heard(learned.pictures[some], [_caption(bool(row.eq(1).any())) for row in learned.target[some]], said),
        show=shown,
        credit="voices of espeak-ng",
        models={"Spotter": lambda: Spotter(phonemes=len(PHONEMES))},
    )


class Lazy:
    """Rows of ten seconds, made when they are first asked for, as an hour of speech takes a while."""

    def __init__(self, minutes: int, people: tuple[str, ...], seed: int) -> None:
        self.others = round(minutes * 60 / SECONDS)
        self.words = max(10, min(200, self.others))
        self.people, self.seed = people, seed

    def __len__(self) -> int:
        return -(-(self.words + self.others) // EVALUATED_AT_ONCE)

    def batch(self, seed: int, epoch: int, position: int) -> Any:
        """Batch number `position`, the same in every epoch."""
        return _batches(self.streams, size=EVALUATED_AT_ONCE).batch(seed, epoch, position)

    @property
    def streams(self) -> Streams:
        """All rows, first those with the word."""
        return streams(self.words, self.others, SECONDS, self.people, self.seed, (10.0, 10.0), RARELY_ALIKE)


def _batches(rows: Streams, **settings: Any) -> AlignedBatches:
    lengths = torch.full((len(rows.pictures),), rows.pictures.shape[1])
    return AlignedBatches(rows.pictures, lengths, rows.target, rows.phonemes, **settings)


def _like_word(learned: Streams, asked: Streams) -> float:
    parts = as_numbers(asked.pictures).split(EVALUATED_AT_ONCE)
    return missed(torch.cat([like_word(learned.pictures, learned.target, part) for part in parts]), asked.target)


def _caption(word: bool) -> str:
    return WAKE_WORD if word else "-"
