"""Waiting for a word: clips to learn it from, streams to be tested on, and how often it is missed or heard where it was not.

A model says at each 30 ms how sure it is that the word has just ended. Its probabilities are smoothed, and where they rise
above a threshold there is an alarm.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, count
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import Tensor

from .disturb import at_level, in_room, with_noise
from .features import HOP, RATE, frames_of, picture
from .house import command
from .models.listener import STRIDE
from .sentences import sentence
from .voices import Voice, in_frames, spoken

WAKE_WORD = "hey computer"
ALIKE = ("hey", "computer", "hey peter", "a commuter", "the computer game", "hey commander", "play computer", "they compute", "hey teacher", "my computer")
AFTER_END, UNSURE = 8, 6  # steps of 30 ms: how long a model is to be sure after the word, and how long before nothing is asked
SMOOTHED = 8  # steps
REFRACTORY = 33  # steps: for a second after an alarm there is no other
LATE = 20  # steps after its end in which the word may still be noticed
IGNORED = -1


class Streams(NamedTuple):
    """Rows of sound of one length. pictures: (N, T, MELS) uint8.

    target: (N, T // STRIDE) int64: 1 where the word has just ended, 0 where it has not, IGNORED where that is not asked.
    phonemes: (N, T) uint8, which of `dlnb.speech.voices.PHONEMES` sounds in each frame.
    """

    pictures: Tensor
    target: Tensor
    phonemes: Tensor


@lru_cache(maxsize=6)
def streams(
    words: int, others: int, seconds: float, people: tuple[str, ...], seed: int, noise: tuple[float, float] = (10.0, 30.0), alike: float = 0.2
) -> Streams:
    """So many rows in which the word is said once, among other speech, and so many with other speech only.

    noise: the least and the most decibels by which it is weaker than the speech. alike: the share of the other speech that is
    words like the word (ALIKE).
    """
    draw = RandomState(seed)
    need = int((words + others) * (seconds / 1.6 + 1))  # about what is needed; after the last comes the first again
    texts = tuple(_other(draw, alike) for _ in range(need))
    other = chain.from_iterable(spoken(texts, people, seed) for _ in count())
    said = spoken((WAKE_WORD,) * words, people, seed + 1)
    rows, targets, sounding = [], [], []
    for number in range(words + others):
        (sound, phonemes), end = _row(other, next(said) if number < words else None, int(seconds * RATE), draw)
        there = in_room(sound, draw.uniform(0.0, 0.4), draw)
        there = at_level(with_noise(there, draw.uniform(*noise), draw, draw.uniform(0.0, 2.0)), draw.uniform(-32.0, -14.0))
        rows.append(picture(torch.from_numpy(there)))
        targets.append(_target(frames_of(len(sound)) // STRIDE, end))
        sounding.append(torch.from_numpy(in_frames(phonemes, frames_of(len(sound)))))
    return Streams(torch.stack(rows), torch.stack(targets), torch.stack(sounding))


def smoothed(logits: Tensor) -> Tensor:
    """The mean probability of the last SMOOTHED steps. (N, T) → (N, T)."""
    padded = torch.nn.functional.pad(logits.float().sigmoid(), (SMOOTHED - 1, 0))
    return padded.unfold(1, SMOOTHED, 1).mean(2)


def alarms(probabilities: Sequence[float], threshold: float) -> list[int]:
    """The steps at which there is an alarm: where the threshold is reached, and none was in the last second."""
    found: list[int] = []
    for step, probability in enumerate(probabilities):
        if probability >= threshold and (not found or step - found[-1] >= REFRACTORY):
            found.append(step)
    return found


def rates(logits: Tensor, target: Tensor, threshold: float) -> tuple[float, float]:
    """The share of words that were missed, and false alarms an hour. logits, target: (N, T).

    An alarm counts for a word from a few steps before its end to LATE after; every other is false.
    """
    return _counted(smoothed(logits).tolist(), target, threshold)


def _counted(rows: list[list[float]], target: Tensor, threshold: float) -> tuple[float, float]:
    missed = false = words = 0
    for probabilities, row in zip(rows, target.tolist(), strict=True):
        found = alarms(probabilities, threshold) if max(probabilities) >= threshold else []
        if 1 in row:
            words += 1
            end = row.index(1)
            right = [step for step in found if end - UNSURE <= step <= end + LATE]
            missed += not right
            false += len(found) - len(right)
        else:
            false += len(found)
    hours = target.numel() * STRIDE * HOP / RATE / 3600
    return missed / max(1, words), false / hours


def threshold_for(logits: Tensor, target: Tensor, most: float = 1.0) -> float:
    """A threshold with at most so many false alarms an hour: of those that miss least, the middle one; 1 if there is none."""
    rows = smoothed(logits).tolist()
    thresholds = (1 / (1 + np.exp(-np.linspace(-3.0, 6.0, 91)))).tolist()  # finer towards 0 and 1
    found = {threshold: share for threshold in thresholds for share, an_hour in [_counted(rows, target, threshold)] if an_hour <= most}
    best = [threshold for threshold, share in found.items() if share == min(found.values())]
    return best[len(best) // 2] if best else 1.0


def missed(logits: Tensor, target: Tensor) -> float:
    """The share of words that are missed where the threshold allows one false alarm an hour in these very streams."""
    return rates(logits, target, threshold_for(logits, target))[0]


def waking_loss(output: tuple[Tensor, Tensor], target: Any) -> Tensor:
    """How well the word is told from others, and the cross-entropy of the phonemes. output: (B, T) and (B, T, phonemes)."""
    logits, phonemes = output
    return told_apart(logits, target["said"]) + torch.nn.functional.cross_entropy(phonemes.flatten(0, 1), target["phonemes"].flatten())


def told_apart(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy over the steps that are asked for; those after the word count as much as ten others. (B, T) each."""
    weight = (target != IGNORED).float() * (1 + 9 * (target == 1))
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, (target == 1).float(), weight, reduction="sum")
    return losses / weight.sum().clamp(min=1)


def _other(draw: RandomState, alike: float) -> str:
    """Something else that is said: a sentence, a command, or words that are like the word."""
    if draw.rand() < alike:
        return ALIKE[draw.randint(len(ALIKE))]
    return command(draw, learned=True).text if draw.randint(3) == 0 else sentence(draw, learned=True)


def _row(
    other: Iterator[Voice], word: Voice | None, length: int, draw: RandomState
) -> tuple[Voice, int | None]:
    """Speech that fills a row, with the word at some place in it, and the sample at which it ends."""
    pieces: list[NDArray[np.float32]] = []
    phonemes: list[tuple[int, int]] = []
    filled, end = 0, None
    latest = 0 if word is None else max(0, length - len(word.samples) - 3 * RATE // 4)  # so that a pause follows
    place = min(draw.uniform(0.0, 0.9) * length, latest)
    while filled < length:
        if word is not None and end is None and filled >= place:
            piece, sounding = word
            end = filled + len(_trimmed(piece))
        else:
            piece, sounding = next(other)
            if word is not None and end is None:
                piece = piece[: max(0, latest - filled)]
        phonemes += [(number, filled + sample) for number, sample in sounding if sample < len(piece)]
        phonemes.append((0, filled + len(piece)))
        pause = np.zeros(int(draw.uniform(0.02, 0.5) * RATE), np.float32)
        pieces += [piece, pause]
        filled += len(piece) + len(pause)
    return Voice(np.concatenate(pieces)[:length], phonemes), end


def _trimmed(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the silence at its end."""
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    return sound[: loud[-1] + 1]


def _target(steps: int, end: int | None) -> Tensor:
    target = torch.zeros(steps, dtype=torch.int64)
    if end is not None:
        step = min(end // HOP // STRIDE, steps - 1)
        target[max(0, step - UNSURE) : step] = IGNORED
        target[step : step + AFTER_END] = 1
        target[step + AFTER_END : step + 2 * AFTER_END] = IGNORED
    return target
