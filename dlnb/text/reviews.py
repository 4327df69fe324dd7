"""Reviews that a grammar writes: their opinion follows from how they are put together, not from which words occur.

"not bad" is praise, "never boring" too, and of "the acting is fine, but the story is dull" the second half counts. So who
counts words is often wrong. Every review is a pure function of its number.
"""

import functools
import itertools
from dataclasses import dataclass

from numpy.random import RandomState

THINGS = (
    "story", "acting", "music", "plot", "camera", "ending", "dialogue", "cast", "pace", "humour", "script", "opening",
    "lighting", "direction", "sound", "scenery",
)  # fmt: skip
GOOD = (
    "good", "great", "wonderful", "clever", "moving", "fresh", "brilliant", "charming", "funny", "strong", "elegant", "warm",
    "honest", "gripping", "lovely", "superb", "witty", "bold", "tender", "memorable",
)  # fmt: skip
BAD = (
    "bad", "awful", "terrible", "dull", "boring", "stale", "weak", "clumsy", "flat", "cheap", "tired", "cold",
    "false", "tedious", "ugly", "poor", "silly", "timid", "shallow", "forgettable",
)  # fmt: skip
DEGREES = ("really", "very", "quite", "truly", "so", "rather")
NEGATIONS = ("not", "never", "hardly", "by no means")
NEUTRAL = (
    "i saw it on a monday", "it runs for two hours", "we sat in the third row", "it is set in a small town",
    "a friend gave me the ticket", "it was made last year", "the hall was half full", "there is a train in it",
)  # fmt: skip
OTHERS = "the a i would not say that is and but although even if . ,"
EVERY_WORD = " ".join((*THINGS, *GOOD, *BAD, *DEGREES, *NEGATIONS, *NEUTRAL, OTHERS))
CLASSES = ("negative", "positive")


@dataclass(frozen=True)
class Review:
    """A text in small letters, words and signs parted by spaces; label: 1 if it is praise, else 0."""

    text: str
    label: int


def review(number: int, seed: int = 0) -> Review:
    """The review with this number."""
    draw = RandomState((seed * 1_000_003 + number * 6271 + 5) % 2**32)
    label = int(draw.randint(2))
    return Review(_review(draw, label), label)


@functools.lru_cache(maxsize=8)
def different_reviews(count: int, seed: int = 0, without: frozenset[str] = frozenset()) -> tuple[tuple[str, int], ...]:
    """The texts and labels of so many reviews, no two alike and none of those in `without`."""
    found: dict[str, int] = {}
    for number in itertools.count():
        if len(found) == count:
            return tuple(found.items())
        made = review(number, seed)
        if made.text not in without:
            found[made.text] = made.label
    raise AssertionError("numbers have no end")


def _review(draw: RandomState, label: int) -> str:
    parts = [_sentence(draw, label) for _ in range(1 + draw.randint(2))]
    if draw.rand() < 0.5:
        parts.insert(draw.randint(len(parts) + 1), _pick(draw, NEUTRAL))
    return " . ".join(parts) + " ."


def _sentence(draw: RandomState, label: int) -> str:
    """A sentence with this opinion."""
    kind = draw.choice(6, p=(0.35, 0.35, 0.09, 0.07, 0.07, 0.07))
    if kind == 0:
        return _clause(draw, label)
    if kind == 1:
        return f"{_clause(draw, label)} and {_clause(draw, label)}"
    if kind == 2:  # the half after "but" counts
        return f"{_clause(draw, 1 - label)} , but {_clause(draw, label)}"
    if kind == 3:  # the half without "although" counts
        return f"although {_clause(draw, 1 - label)} , {_clause(draw, label)}"
    if kind == 4:
        return f"{_clause(draw, label)} , even if {_clause(draw, 1 - label)}"
    return f"i would not say that {_clause(draw, 1 - label)}"


def _clause(draw: RandomState, label: int) -> str:
    """Something is, or is not, as it should be."""
    thing = _pick(draw, THINGS)
    if draw.rand() < 0.15:
        return f"the {thing} is {_pick(draw, NEGATIONS)} {_described(draw, 1 - label)}"
    return f"the {thing} is {_described(draw, label)}"


def _described(draw: RandomState, label: int) -> str:
    known = GOOD if label else BAD
    first, second = draw.choice(len(known), 2, replace=False)
    words = known[first]
    if draw.rand() < 0.4:
        words = f"{_pick(draw, DEGREES)} {words}"
    return f"{words} and {known[second]}" if draw.rand() < 0.25 else words


def _pick(draw: RandomState, words: tuple[str, ...]) -> str:
    return words[draw.randint(len(words))]
