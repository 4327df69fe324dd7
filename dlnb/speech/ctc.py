"""Connectionist temporal classification: how a row of frames comes to say a shorter row of letters, and how to read it.

In each frame a model says one letter or BLANK; what it says is the row without repetitions and without blanks. The
probability of a text is the sum over all rows of frames that say it.
Source: Graves, Fernández, Gomez & Schmidhuber 2006, Connectionist temporal classification.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

BLANK = 0  # also fills up shorter texts, in which it never stands itself

Language = Callable[[Sequence[int], int], float]  # of the letters so far and the next: the logarithm of its probability


def forward(log_probs: Tensor, text: Sequence[int]) -> Tensor:
    """-log P(text | frames) by the forward algorithm, written out. log_probs: (T, letters) → ().

    alpha[s] is the probability of all ways to have said the first s of _ t₁ _ t₂ _ … _ by now, where _ is BLANK.

    Raises: ValueError if the text holds BLANK.
    """
    if BLANK in text:
        raise ValueError("a text to be said holds no BLANK (0)")
    states = [BLANK]
    for letter in text:
        states += [letter, BLANK]
    alpha = {s: log_probs[0, state] for s, state in enumerate(states[:2])}  # what cannot have been reached is left out
    for frame in log_probs[1:]:
        ways = {}
        for s, state in enumerate(states):
            from_there = [s, s - 1]  # it stays, or goes on
            if s > 1 and state not in (BLANK, states[s - 2]):
                from_there.append(s - 2)  # it leaves a blank out, which only two equal letters need
            reached = [alpha[place] for place in from_there if place in alpha]
            if reached:
                ways[s] = torch.logsumexp(torch.stack(reached), 0) + frame[state]
        alpha = ways
    ends = [alpha[s] for s in (len(states) - 1, len(states) - 2) if s in alpha]
    return -torch.logsumexp(torch.stack(ends), 0) if ends else log_probs.new_tensor(math.inf)


def ctc_loss(logits: Tensor, target: Tensor) -> Tensor:
    """The mean of -log P(text) a letter, over all texts of a batch together.

    logits: (B, T, letters). target: (B, L) int64, filled up with BLANK. A text that does not fit into its frames counts 0.
    """
    batch, frames, _ = logits.shape
    lengths = (target != BLANK).sum(1)
    log_probs = logits.float().log_softmax(-1).transpose(0, 1)  # (T, B, letters)
    asked = torch.full((batch,), frames)
    losses = F.ctc_loss(log_probs, target, asked, lengths, BLANK, reduction="none", zero_infinity=True)
    return losses.sum() / lengths.sum().clamp(min=1)


def greedy(logits: Tensor) -> list[list[int]]:
    """The likeliest letter of each frame, without repetitions and blanks. logits: (B, T, letters)."""
    return [collapsed(row) for row in logits.argmax(-1).tolist()]


def collapsed(row: Sequence[int], before: int = BLANK) -> list[int]:
    """What a row of frames says. before: what the frame before the first said."""
    return [letter for last, letter in zip([before, *row], row, strict=False) if letter not in (BLANK, last)]


def beam(log_probs: Tensor, width: int = 8, language: Language | None = None, weight: float = 0.5, reward: float = 0.0) -> list[int]:
    """The likeliest text that a search over prefixes finds. log_probs: (T, letters).

    width: prefixes that are kept. language: how likely a letter is after others, and with BLANK for a letter, that the text ends
    there; it counts `weight` times as much as the frames. reward: for each letter, as a language makes short texts likely.

    Source: Hannun, Maas, Jurafsky & Ng 2014, First-pass large vocabulary continuous speech recognition, arXiv:1408.2873.
    """
    # Of each prefix: log P(it, ending in BLANK), log P(it, ending in its last letter), and what the language makes of it.
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    known: dict[tuple[int, ...], float] = {(): 0.0}
    for frame in log_probs.tolist():
        likely = [letter for letter, score in enumerate(frame) if score > -8.0 and letter != BLANK]
        ways: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [-math.inf, -math.inf])
        for prefix, (blank, last) in beams.items():
            total = _add(blank, last)
            ways[prefix][0] = _add(ways[prefix][0], total + frame[BLANK])
            for letter in likely:
                if prefix and letter == prefix[-1]:
                    ways[prefix][1] = _add(ways[prefix][1], last + frame[letter])
                    new = blank + frame[letter]
                else:
                    new = total + frame[letter]
                longer = (*prefix, letter)
                if longer not in known:
                    said = weight * language(prefix, letter) if language else 0.0
                    known[longer] = known[prefix] + said + reward
                ways[longer][1] = _add(ways[longer][1], new)
        best = sorted(ways, key=lambda prefix: _add(*ways[prefix]) + known[prefix], reverse=True)[:width]
        beams = {prefix: (ways[prefix][0], ways[prefix][1]) for prefix in best}
    ended = {prefix: weight * language(prefix, BLANK) if language else 0.0 for prefix in beams}
    return list(max((_add(*ends) + known[prefix] + ended[prefix], prefix) for prefix, ends in beams.items())[1])


def _add(a: float, b: float) -> float:
    """log(exp a + exp b)."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
