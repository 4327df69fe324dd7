"""The letters that a model of speech writes, and texts as rows of their numbers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .ctc import BLANK


class Letters:
    """Signs and their numbers, from 1 on; 0 is BLANK. A sign is a letter, or a whole word where `words` is true.

    >>> letters = Letters("abc ")
    >>> letters.encode("a cab"), letters.decode([3, 1, 2])
    ([1, 4, 3, 1, 2], 'cab')
    """

    def __init__(self, signs: Sequence[str], words: bool = False) -> None:
        self.signs, self.between = tuple(signs), " " if words else ""
        self._numbers = {sign: number for number, sign in enumerate(self.signs, 1)}

    def __len__(self) -> int:
        """How many there are, with BLANK."""
        return len(self.signs) + 1

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's signs.

        Raises: ValueError if it holds a sign that there is not.
        """
        parts = text.split() if self.between else text
        unknown = sorted({part for part in parts if part not in self._numbers})
        if unknown:
            raise ValueError(f"{', '.join(map(repr, unknown))} cannot be written: there are {', '.join(map(repr, self.signs))}")
        return [self._numbers[part] for part in parts]

    def decode(self, numbers: Sequence[int]) -> str:
        """The text that these are; BLANK is left out."""
        return self.between.join(self.signs[number - 1] for number in numbers if number != BLANK)

    def rows(self, texts: Sequence[str]) -> Tensor:
        """Texts as (N, L) int64, filled up with BLANK."""
        encoded = [self.encode(text) for text in texts]
        made = torch.full((len(texts), max(map(len, encoded), default=0)), BLANK)
        for row, numbers in zip(made, encoded, strict=True):
            row[: len(numbers)] = torch.tensor(numbers, dtype=torch.int64)
        return made


ENGLISH = Letters(" abcdefghijklmnopqrstuvwxyz")
DIGITS = Letters(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), words=True)
