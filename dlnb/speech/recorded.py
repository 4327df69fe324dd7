"""A set of sounds in memory: texts that people of espeak-ng have said in rooms, as pictures of one size."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .disturb import disturbed
from .features import picture
from .voices import spoken


class Recorded(NamedTuple):
    """Sounds. pictures: (N, T, MELS) uint8, filled up with 0; lengths: (N,) int64, of frames; texts: what is said in each."""

    pictures: Tensor
    lengths: Tensor
    texts: tuple[str, ...]


@lru_cache(maxsize=8)
def recorded(texts: tuple[str, ...], people: tuple[str, ...], seed: int, noise: tuple[float, float] = (15.0, 40.0), after: float = 0.4) -> Recorded:
    """Each text, said by one of the people in a room.

    noise: the least and the most decibels by which it is weaker. after: seconds of pause at the end.
    """
    draw = RandomState(seed + 1)
    return pictured([disturbed(sound, draw, noise, after=after) for sound in spoken(texts, people, seed)], texts)


def pictured(sounds: Sequence[NDArray[np.float32]], texts: Sequence[str]) -> Recorded:
    """Sounds (samples,) as a set."""
    pictures = [picture(torch.from_numpy(sound)) for sound in sounds]
    return Recorded(pad_sequence(pictures, batch_first=True), torch.tensor([len(one) for one in pictures]), tuple(texts))
