"""What judges early stopping that a learner wrote: the epochs that it goes back to, beside those that are typically gone back to instead."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from .exercise import Unanswered, Wrong


def early_stop(losses: Sequence[float], patience: int) -> int:
    """The epoch to go back to."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best


CASES = (  # the losses after each epoch, and the patience
    ([5.0, 4.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1.0], 3),  # what comes after the stop is never seen
    ([5.0, 4.0, 4.5, 4.2, 3.0, 3.5, 2.5], 3),  # small bumps
    ([5.0, 4.0, 3.0], 2),  # falls to the end
    ([5.0, 3.0, 4.0, 3.8, 3.6, 3.4, 2.0], 3),  # falls again, and not below the best
    ([5.0, 3.0, 4.0, 4.0, 2.0, 6.0], 3),  # in the last moment
    ([4.0, 3.0, 3.0, 3.0, 3.0, 2.0], 3),  # no worse is no better
    ([1.0, 2.0, 3.0, 0.5], 2),  # best before the first step
    ([2.0, 3.0, 1.0], 1),
)


def _stopping_at(losses: Sequence[float], patience: int) -> int:
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            return epoch
    return len(losses) - 1


def _rises_in_a_row(losses: Sequence[float], patience: int) -> int:
    best = rises = 0
    for epoch in range(1, len(losses)):
        best = epoch if losses[epoch] < losses[best] else best
        rises = rises + 1 if losses[epoch] >= losses[epoch - 1] else 0
        if rises >= patience:
            break
    return best


def _never_forgets(losses: Sequence[float], patience: int) -> int:
    best = bad = 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        else:
            bad += 1
        if bad >= patience:
            break
    return best


def _no_worse(losses: Sequence[float], patience: int) -> int:
    best = 0
    for epoch, loss in enumerate(losses):
        if loss <= losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best


STOPS: tuple[tuple[str, Callable[[Sequence[float], int], Any]], ...] = (
    (
        "it looks ahead: the best of all epochs is known only to who has trained all of them. Stop where the patience ends",
        lambda losses, patience: min(range(len(losses)), key=lambda epoch: losses[epoch]),
    ),
    ("it returns the epoch at which it stops. The weights to go back to are older: those of the best epoch", _stopping_at),
    (
        "it stops at the first rise, whatever the patience. A small bump may be over after an epoch",
        lambda losses, patience: early_stop(losses, 1),
    ),
    ("it compares each epoch with the one before. A curve may fall again and still be above the best: compare with the best so far", _rises_in_a_row),
    ("bad epochs are counted over the whole way. When a new best comes, the count begins anew", _never_forgets),
    ("an epoch that is as good as the best counts as better. Then a level curve would never stop: better means smaller", _no_worse),
    (
        "it waits one epoch too long: after `patience` epochs that were no better it is over",
        lambda losses, patience: early_stop(losses, patience + 1),
    ),
    (
        "it returns the smallest error. Return the epoch, a whole number: when it was",
        lambda losses, patience: losses[early_stop(losses, patience)],
    ),
)


def judge_stop(answer: Any) -> str:
    """Whether a function finds the epoch to go back to."""
    if not callable(answer):
        raise Wrong(f"this is a {type(answer).__name__}; give the function itself, `early_stop`, without brackets behind it")
    said = [answer(list(losses), patience) for losses, patience in CASES]
    if all(one is None for one in said):
        raise Unanswered("the function returns nothing yet. Which epoch was the best so far?")
    right = [early_stop(losses, patience) for losses, patience in CASES]
    for words, otherwise in STOPS:
        if _alike(said, [otherwise(losses, patience) for losses, patience in CASES]) and not _alike(said, right):
            raise Wrong(words)
    for (losses, patience), one, wanted in zip(CASES, said, right, strict=True):
        try:
            epoch = operator.index(one)
        except TypeError:
            raise Wrong(f"it returns {one!r:.60}; an epoch is a whole number, counted from 0") from None
        if epoch != wanted:
            shown = ", ".join(f"{loss:g}" for loss in losses)
            raise Wrong(f"for the errors {shown} and a patience of {patience} it returns {epoch}. The epoch to go back to is {wanted}")
    return "it rides over small bumps, never looks ahead, and returns to the best epoch."


def _alike(said: Sequence[Any], others: Sequence[Any]) -> bool:
    try:
        return [float(one) for one in said] == [float(other) for other in others]
    except (TypeError, ValueError, RuntimeError):
        return False
