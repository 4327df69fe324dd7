"""What may come next, by counting: the strongest way to model a language before there were neural networks."""

from collections import Counter
from collections.abc import Sequence
from math import log


class NGrams:
    """The chance of the next token, given up to `order` - 1 tokens before it, mixed from the counts of all shorter contexts.

    A long context that was seen often and with few different successors is trusted most.

    tokens: what is counted, from 0 to `vocabulary` - 1.
    Source: Witten & Bell 1991, The zero-frequency problem (method C), interpolated as in Chen & Goodman 1999, section 2.5.

    >>> model = NGrams([0, 1, 0, 1, 0], vocabulary=2, order=2)
    >>> model.chance([0], 1) > 0.8
    True
    """

    def __init__(self, tokens: Sequence[int], vocabulary: int, order: int = 6) -> None:
        self.vocabulary, self.order = vocabulary, order
        tokens = tuple(tokens)
        self._counts: list[Counter[tuple[int, ...]]] = []  # how often each row of n tokens occurs, n = 1 … order
        for length in range(1, order + 1):
            self._counts.append(Counter(zip(*(tokens[shift:] for shift in range(length)), strict=False)))
        self._seen: list[Counter[tuple[int, ...]]] = []  # how often something follows each context of n - 1 tokens
        self._kinds: list[Counter[tuple[int, ...]]] = []  # and how many different tokens
        for counts in self._counts:
            seen: Counter[tuple[int, ...]] = Counter()
            kinds: Counter[tuple[int, ...]] = Counter()
            for row, count in counts.items():
                seen[row[:-1]] += count
                kinds[row[:-1]] += 1
            self._seen.append(seen)
            self._kinds.append(kinds)

    def chance(self, context: Sequence[int], token: int) -> float:
        """The probability of `token` after `context`, of which the last `order` - 1 tokens count."""
        probability = 1 / self.vocabulary
        longest = min(len(context), self.order - 1)
        for length in range(longest + 1):
            before = tuple(context[len(context) - length :])
            seen = self._seen[length].get(before)
            if not seen:
                break
            kinds = self._kinds[length][before]
            probability = (self._counts[length].get((*before, token), 0) + kinds * probability) / (seen + kinds)
        return probability

    def loss(self, tokens: Sequence[int], window: int | None = None) -> float:
        """The mean of -ln chance of each token but the first, in nats.

        window: of how many tokens a context starts anew, as for a model that sees windows of this length.
        """
        total, count = 0.0, len(tokens) - 1
        for place in range(count):
            begin = 0 if window is None else place - place % window
            total -= log(self.chance(tokens[max(begin, place + 2 - self.order) : place + 1], tokens[place + 1]))
        return total / count
