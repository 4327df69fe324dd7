"""What judges a comparison of two settings over several seeds that a learner wrote, beside what is typically compared instead."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from .exercise import Unanswered, Wrong

Results = Sequence[float]
FIRST, SECOND, OPEN = "first", "second", "cannot tell"


def verdict(first: Results, second: Results) -> str:
    """Which of two lists of results is larger, by more than two standard errors of the difference of their means."""
    return _by(_mean(first, second), 2 * math.hypot(_error(first), _error(second)))


CASES: tuple[tuple[list[float], list[float]], ...] = (
    ([0.90, 0.91, 0.92, 0.93], [0.80, 0.81, 0.82, 0.83]),  # clear
    ([0.80, 0.81, 0.82, 0.83], [0.90, 0.91, 0.92, 0.93]),
    ([0.90, 0.95, 0.85, 0.92], [0.91, 0.86, 0.94, 0.88]),  # mixed
    ([0.92, 0.88] * 15, [0.905, 0.865] * 15),  # overlapping, and yet clear, as there are many
    ([0.80, 0.80, 0.80, 0.99], [0.88, 0.89, 0.90, 0.88]),  # one lucky result
    ([0.70, 0.90, 0.75, 0.95], [0.90, 0.905] * 10),  # few and wild against many and calm
    ([0.90, 0.905] * 10, [0.70, 0.90, 0.75, 0.95]),
    ([0.90, 0.92, 0.88, 0.90], [0.882, 0.902, 0.862, 0.882]),  # between one standard error and two
)


def _mean(first: Results, second: Results) -> float:
    return statistics.fmean(first) - statistics.fmean(second)


def _error(results: Results) -> float:
    """The standard error of a mean."""
    return statistics.stdev(results) / math.sqrt(len(results))


def _by(difference: float, least: float) -> str:
    """The verdict of a difference that counts from some size on."""
    if abs(difference) <= least:
        return OPEN
    return FIRST if difference > 0 else SECOND


Compared = Callable[[Results, Results], str]
INSTEAD: tuple[tuple[str, Compared], ...] = (
    ("it compares the means alone: every difference counts, however much is luck", lambda a, b: _by(_mean(a, b), 0.0)),
    ("it compares the best results, and the best of many is lucky. Compare means", lambda a, b: _by(max(a) - max(b), 0.0)),
    (
        "it measures the difference in spreads of single results. A mean is surer than one result: divide the variance by the number of results",
        lambda a, b: _by(_mean(a, b), 2 * math.hypot(statistics.stdev(a), statistics.stdev(b))),
    ),
    (
        "one standard error is enough for it; luck alone passes that in a third of all cases. Ask for two",
        lambda a, b: _by(_mean(a, b), math.hypot(_error(a), _error(b))),
    ),
    (
        "it counts how sure the first mean is, and not how sure the second is: both belong under the root",
        lambda a, b: _by(_mean(a, b), 2 * _error(a)),
    ),
    (
        "it counts how sure the second mean is, and not how sure the first is: both belong under the root",
        lambda a, b: _by(_mean(a, b), 2 * _error(b)),
    ),
    ("the two are mixed up: where the first list is larger, the answer is “first”", lambda a, b: verdict(b, a)),
    (
        "it says “first” whenever there is a difference. Which of the two means is larger?",
        lambda a, b: OPEN if verdict(a, b) == OPEN else FIRST,
    ),
    (
        "where the second is clearly better, it cannot tell. A difference may be below 0: take its size, `abs(difference)`",
        lambda a, b: FIRST if verdict(a, b) == FIRST else OPEN,
    ),
    (
        "where the first is not clearly better, it says “second”. There is a third answer: “cannot tell”",
        lambda a, b: FIRST if verdict(a, b) == FIRST else SECOND,
    ),
)


def judge_verdict(answer: Any) -> str:
    """Whether a function compares two settings honestly."""
    if not callable(answer):
        raise Wrong(f"this is a {type(answer).__name__}; give the function itself, `verdict`, without brackets behind it")
    said = [answer(list(first), list(second)) for first, second in CASES]
    if all(one is None for one in said):
        raise Unanswered("the function returns nothing yet. Begin with the two means")
    for one in said:
        if one not in (FIRST, SECOND, OPEN):
            raise Wrong(f"it returns {one!r:.60}; the answers are “first”, “second” and “cannot tell”")
    right = [verdict(first, second) for first, second in CASES]
    if said == right:
        return "it believes in a difference that is more than two standard errors, and says when it cannot tell."
    for words, otherwise in INSTEAD:
        if said == [otherwise(first, second) for first, second in CASES]:
            raise Wrong(words)
    place = next(place for place, (one, wanted) in enumerate(zip(said, right, strict=True)) if one != wanted)
    first, second = CASES[place]
    error = math.hypot(_error(first), _error(second))
    raise Wrong(
        f"for {len(first)} results with the mean {statistics.fmean(first):.3g} and {len(second)} with {statistics.fmean(second):.3g} it says “{said[place]}”. "
        f"The difference is {_mean(first, second):.2g} and its standard error {error:.2g}, so it is “{right[place]}”"
    )
