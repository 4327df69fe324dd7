"""A set of sounds in memory: texts that people of espeak-ng have said in rooms, as pictures of one size."""

from functools import lru_cache
from typing import NamedTuple

import torch
from numpy.random import RandomState
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .disturb import disturbed
from .features import RATE, picture
from .voices import in_frames, spoken


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
        begins = [(number, int(before * RATE) + sample) for number, sample in voice.phonemes]
        phonemes.append(torch.from_numpy(in_frames(begins, len(pictures[-1]))))
    lengths = torch.tensor([len(one) for one in pictures])
    return Recorded(pad_sequence(pictures, batch_first=True), lengths, texts, pad_sequence(phonemes, batch_first=True))
