"""A set of sounds in memory: texts that people of espeak-ng have said in rooms, as pictures of one size."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import RandomState
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .disturb import disturbed
from .features import HOP, RATE, WINDOW, picture
from .voices import spoken


class Recorded(NamedTuple):
    """Sounds. pictures: (N, T, MELS) uint8, filled up with 0; lengths: (N,) int64, of frames; texts: what is said in each.

    phonemes: (N, T) uint8, which of `dlnb.speech.voices.PHONEMES` sounds in each frame, where that is known.
    """

    pictures: Tensor
    lengths: Tensor
    texts: tuple[str, ...]
    phonemes: Tensor


@lru_cache(maxsize=8)
def recorded(texts: tuple[str, ...], people: tuple[str, ...], seed: int, noise: tuple[float, float] = (15.0, 40.0), after: float = 0.4) -> Recorded:
    """Each text, said by one of the people in a room.

    noise: the least and the most decibels by which it is weaker. after: seconds of pause at the end.
    """
    draw = RandomState(seed + 1)
    pictures, phonemes = [], []
    for voice in spoken(texts, people, seed):
        before = draw.uniform(0.03, 0.15)
        pictures.append(picture(torch.from_numpy(disturbed(voice.samples, draw, noise, before, after))))
        phonemes.append(_in_frames(voice.phonemes, before, len(pictures[-1])))
    lengths = torch.tensor([len(one) for one in pictures])
    return Recorded(pad_sequence(pictures, batch_first=True), lengths, texts, pad_sequence(phonemes, batch_first=True))


def _in_frames(phonemes: list[tuple[int, int]], before: float, frames: int) -> Tensor:
    """Which phoneme sounds in the middle of each frame. phonemes: numbers and the samples at which they begin; before: seconds."""
    places = np.arange(frames) * HOP + WINDOW // 2 - int(before * RATE)
    begins = np.array([sample for _, sample in phonemes])
    numbers = np.array([0, *(number for number, _ in phonemes)], np.uint8)
    return torch.from_numpy(numbers[np.searchsorted(begins, places, side="right")])
