"""A small language model of letters, counted: how likely each letter is after the few before it."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from .ctc import BLANK


class LetterLanguage:
    """P(letter | the `order` - 1 before it), counted in texts; where little was counted, shorter beginnings have a say.

    texts: rows of numbers of letters. letters: how many there are, with BLANK, which stands for the beginning and for the end.
    Called with the letters so far and the next, it gives the logarithm of its probability, as `dlnb.speech.ctc.beam` asks.

    Source: Witten & Bell 1991, The zero-frequency problem, as interpolation.
    Raises: ValueError if the order is below 1.
    """

    def __init__(self, texts: Iterable[Sequence[int]], letters: int, order: int = 6) -> None:
        if order < 1:
            raise ValueError(f"the order must be 1 or more, got {order}")
        self.order, self.letters = order, letters
        self.counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for text in texts:
            marked = [BLANK] * (order - 1) + list(text) + [BLANK]
            for place in range(order - 1, len(marked)):
                for length in range(order):
                    self.counts[tuple(marked[place - length : place])][marked[place]] += 1
        self._known: dict[tuple[tuple[int, ...], int], float] = {}

    def __call__(self, before: Sequence[int], letter: int) -> float:
        """Log P(letter | before)."""
        short = self.order - 1
        context = tuple(([BLANK] * short + list(before))[-short:]) if short else ()
        if (context, letter) not in self._known:
            self._known[context, letter] = math.log(self._probability(context, letter))
        return self._known[context, letter]

    def _probability(self, context: tuple[int, ...], letter: int) -> float:
        shorter = self._probability(context[1:], letter) if context else 1 / self.letters
        counted = self.counts.get(context)
        if not counted:
            return shorter
        kinds = len(counted)
        return (counted[letter] + kinds * shorter) / (counted.total() + kinds)
