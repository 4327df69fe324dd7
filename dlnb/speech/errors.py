"""How wrong what was written is: word error rates, by jiwer."""

from collections.abc import Sequence

from torch import Tensor

from .letters import Letters


class WordErrors:
    """The word error rate of texts: words left out, put in and replaced, for each word that was said.

    Called as a metric: with written texts as a list of strings, and true ones as (N, L) int64, filled up with BLANK.
    """

    def __init__(self, letters: Letters) -> None:
        self.letters = letters

    def __call__(self, written: Sequence[str], target: Tensor) -> float:
        """The rate, 0 if all is right; above 1 if more was put in than said."""
        import jiwer

        return float(jiwer.wer([self.letters.decode(row) for row in target.tolist()], list(written)))


def sentences_right(letters: Letters, written: Sequence[str], target: Tensor) -> float:
    """The share of texts in which no letter is wrong."""
    true = [letters.decode(row) for row in target.tolist()]
    return sum(one == other for one, other in zip(written, true, strict=True)) / max(1, len(true))
