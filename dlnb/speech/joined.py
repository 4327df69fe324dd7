"""Rows of digits, said one after another: joined from recordings, another way each epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .digits import Spoken
from .features import HOP, MELS, RATE, WINDOW, as_numbers, picture

SILENCE_AFTER = 0.35  # seconds in which a model may still say what it heard


class JoinedDigits:
    """Rows of `least` to `most` digits by one speaker each: `(numbers, target)`; target: (B, most) int64, 1 to 10 for the digits, then 0.

    part: which recordings may be used. anew: other rows each epoch; else the same in every.
    Each recording is brought to one loudness first; between two are up to 0.25 s of pause, or they touch.
    vary: of the pictures of a batch, makes what the model reads.

    Rows that are other ones each epoch are joined from pictures of the recordings, each made once: to join the samples and to
    look at them anew takes ten times as long. `vary` may then bring the noise. Rows that stay the same are joined in samples.
    """

    def __init__(
        self, spoken: Spoken, part: Tensor, *, rows: int, size: int, least: int = 3, most: int = 6, seed: int = 0, anew: bool = False,
        vary: Callable[[Tensor], Tensor] | None = None,
    ) -> None:  # fmt: skip
        if not 1 <= least <= most:
            raise ValueError(f"a row has 1 digit or more, got least={least} and most={most}")
        self.spoken, self.part, self.rows, self.size, self.least, self.most = spoken, part, rows, size, least, most
        self.seed, self.anew, self.vary = seed, anew, vary
        self.by_speaker = [part[spoken.speaker[part] == who].numpy() for who in spoken.speaker[part].unique()]
        self.sounds = {place: _levelled(spoken.sounds[place]) for place in part.tolist()}
        self.pictures = {place: picture(torch.from_numpy(np.pad(sound, (0, WINDOW - HOP)))) for place, sound in self.sounds.items()} if anew else {}

    def __len__(self) -> int:
        return -(-self.rows // self.size)

    @property
    def examples(self) -> int:
        """How many rows an epoch has."""
        return self.rows

    def batch(self, seed: int, epoch: int, position: int) -> tuple[Tensor, Tensor]:
        """Batch number `position` (from 0) of `epoch`."""
        return self.cut(seed, epoch, position * self.size, self.size)

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, Tensor]:
        """The `size` rows (fewer at the end) from number `start` of `epoch`."""
        numbers = range(start, min(start + size, self.rows))
        target = torch.zeros(len(numbers), self.most, dtype=torch.int64)
        shown = []
        for place, number in enumerate(numbers):
            _, chosen, pauses = self._drawn(number, seed, epoch)
            target[place, : len(chosen)] = self.spoken.digit[chosen] + 1
            if self.anew:
                said = [[self.pictures[one], _quiet(pause)] for one, pause in zip(chosen.tolist(), pauses[1:], strict=True)]
                shown.append(torch.cat([_quiet(pauses[0]), *(part for pair in said for part in pair)]))
            else:
                sound, _ = self.row(number)
                shown.append(picture(torch.from_numpy(np.pad(sound, (0, self.longest - len(sound))))))
        return (as_numbers if self.vary is None else self.vary)(pad_sequence(shown, batch_first=True)), target

    def row(self, number: int, seed: int = 0, epoch: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """A row: samples (N,) float32 in [-1, 1], and its digits."""
        draw, chosen, pauses = self._drawn(number, seed, epoch)
        pieces = [_silence(pauses[0])]
        for place, pause in zip(chosen.tolist(), pauses[1:], strict=True):
            pieces += [self.sounds[place], _silence(pause)]
        sound = np.concatenate(pieces)
        sound += draw.standard_normal(len(sound)).astype(np.float32) * np.float32(10 ** draw.uniform(-4.0, -2.7))
        return sound, self.spoken.digit[chosen].numpy()

    def _drawn(self, number: int, seed: int, epoch: int) -> tuple[RandomState, NDArray[np.int64], list[float]]:
        """What draws a row, its recordings, and the seconds of pause before the first and after each."""
        key = (seed, epoch, number) if self.anew else (self.seed, 2**31, number)
        draw = RandomState(np.array(key, np.uint64).astype(np.uint32))
        speaker = self.by_speaker[draw.randint(len(self.by_speaker))]
        chosen = speaker[draw.randint(len(speaker), size=draw.randint(self.least, self.most + 1))]
        pauses = [draw.uniform(0.02, 0.2), *(max(0.0, draw.uniform(-0.1, 0.25)) for _ in chosen)]
        return draw, chosen, [*pauses[:-1], pauses[-1] + SILENCE_AFTER]

    def text(self, number: int) -> str:
        """What is said in a row that is the same each epoch, as "3 1 4"."""
        return " ".join(map(str, self.row(number)[1].tolist()))

    @property
    def longest(self) -> int:
        """Samples of the longest row that there can be; rows of the same each epoch are all filled up to it."""
        if not hasattr(self, "_longest"):
            self._longest = max(len(self.row(number)[0]) for number in range(self.rows))
        return self._longest

    def reader(self) -> Any:
        """Nothing is remembered from one batch to the next: the same will do for another run."""
        return self


def _levelled(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """A recording with a tenth as the root mean square of its samples."""
    return (sound * (0.1 / (np.sqrt(np.mean(sound.astype(np.float64) ** 2)) + 1e-6))).clip(-1, 1).astype(np.float32)


def _silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(max(int(seconds * RATE), 0), np.float32)


def _quiet(seconds: float) -> Tensor:
    """The picture of silence: (frames, MELS) uint8."""
    return torch.zeros(round(seconds * RATE / HOP), MELS, dtype=torch.uint8)
