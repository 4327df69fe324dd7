"""What tests of exercises ask of a verdict and of the learner's progress."""

import re
from typing import Any

import dlnb as dl
from dlnb.course.progress import Progress


def tries(number: str) -> int:
    """How many answers were counted."""
    kept = Progress().exercises().get(number)
    return kept.tries if kept else 0


def refused(number: str, answer: Any, words: str) -> None:
    """The first answer is wrong, is told so in these words (a regular expression), gets a hint, and counts as a try."""
    verdict = dl.check(number, answer)
    assert not verdict and re.search(words, verdict.words), verdict.words
    assert verdict.hint and tries(number) == 1
