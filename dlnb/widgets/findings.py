"""What one look at a split found: tables, lists of examples, and all of it in words. Nothing is drawn here."""

from dataclasses import dataclass, field

import numpy as np

from ..train.mistakes.answers import Answers
from ..train.mistakes.mistakes import (
    Calibration,
    Memory,
    PerClass,
    calibration,
    confusion,
    most_confused,
    per_class,
    worst,
)

MOST_CLASSES = 100  # in the matrix and the table
LISTS = ("worst", "new", "mended", "forgotten", "cell", "class")
SPLIT_WORDS = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class Findings:
    """One look at a split.

    steps: of the run at its first and last batch. confusion: (C, C), or None where there is not one class each.
    shown: numbers of the classes that are shown, all of them unless there are more than 100.
    new, mended: examples that became wrong or right since `since`, a step; None before there were two looks.
    forgotten: (N,) how often each was right at a look and wrong at the next; `looks` of them.
    """

    split: str
    steps: tuple[int, int]
    answers: Answers
    confusion: np.ndarray | None
    table: PerClass | None
    calibration: Calibration | None
    shown: np.ndarray
    new: np.ndarray
    mended: np.ndarray
    forgotten: np.ndarray
    looks: int
    since: int | None
    _lists: dict[tuple[str, int, int], np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, answers: Answers, split: str, steps: tuple[int, int], memory: Memory) -> "Findings":
        """Measure everything. The memory has this look already."""
        matrix = confusion(answers) if answers.kind == "classes" else None
        table = per_class(answers) if answers.classes and answers.probabilities is not None else None
        earlier = memory.earlier
        new, mended = memory.newly()
        if answers.right is None:
            new = memory.worse()
        return cls(
            split=split,
            steps=steps,
            answers=answers,
            confusion=matrix,
            table=table,
            calibration=calibration(answers) if table is not None else None,
            shown=_shown_classes(table),
            new=new,
            mended=mended,
            forgotten=memory.forgotten(),
            looks=memory.count,
            since=None if earlier is None else earlier.step,
        )

    def listed(self, name: str, truth: int = -1, said: int = -1) -> np.ndarray:
        """The numbers of the examples of a list, those to be seen first in front.

        name: "worst", "new", "mended" or "forgotten"; "cell" for those of class `truth` taken for class `said`; "class"
        for the mistakes that have to do with class `truth`.
        """
        key = (name, truth, said)
        if key not in self._lists:
            self._lists[key] = self._list(name, truth, said)
        return self._lists[key]

    def _list(self, name: str, truth: int, said: int) -> np.ndarray:
        answers = self.answers
        if name == "worst":
            return worst(answers.losses)
        if name == "new":
            return self.new if answers.right is None else worst(answers.losses, self.new)
        if name == "mended":
            return self.mended
        if name == "forgotten":
            order = worst(answers.losses)[: len(self.forgotten)]
            return order[np.argsort(-self.forgotten[order], kind="stable")][: int((self.forgotten > 0).sum())]
        if answers.truth is None or answers.said is None or answers.right is None:
            return np.zeros(0, np.int64)
        if name == "cell" and answers.kind == "classes":
            return worst(answers.losses, np.flatnonzero((answers.truth == truth) & (answers.said == said)))
        if answers.kind == "classes":
            concerned = (answers.truth == truth) | (answers.said == truth)
        else:
            concerned = answers.truth[:, truth] != answers.said[:, truth]
        return worst(answers.losses, np.flatnonzero(concerned & ~answers.right))

    # One example, in words.

    def truth_words(self, i: int) -> str:
        """What example `i` truly is."""
        return self._words(self.answers.truth, i, "no label")

    def said_words(self, i: int) -> str:
        """What the model says of example `i`."""
        if not self.answers.finite[i] and self.answers.kind in ("classes", "labels"):
            return "not finite"
        return self._words(self.answers.said, i, "not finite")

    def probabilities(self, i: int) -> tuple[float, float]:
        """Of what was said and of the truth: for several labels, of the label that is most wrong; NaN where unknown."""
        answers = self.answers
        if answers.probabilities is None or answers.truth is None or answers.said is None:
            return float("nan"), float("nan")
        shares = answers.probabilities[i]
        if answers.kind == "classes":
            said, truth = int(answers.said[i]), int(answers.truth[i])
            unknown = float("nan")
            return float(shares[said]) if said >= 0 else unknown, float(shares[truth]) if truth >= 0 else unknown
        of_truth = np.where(answers.truth[i], shares, 1 - shares)
        return float(np.maximum(shares, 1 - shares)[of_truth.argmin()]), float(of_truth.min())

    def _words(self, column: np.ndarray | None, i: int, unknown: str) -> str:
        if column is None:
            return ""
        names, value = self.answers.classes, column[i]
        if self.answers.kind == "classes":
            return names[value] if value >= 0 else unknown
        if self.answers.kind == "labels":
            return _some([names[k] for k in np.flatnonzero(value)]) or "none"
        return _some([f"{number:.4g}" for number in value])

    # All of it, in words.

    def summary(self) -> str:
        """Two or three sentences, for those who do not see the charts and for the figure's description."""
        return " ".join([self._score_words(), *self._change_words()])

    def _score_words(self) -> str:
        answers, count = self.answers, len(self.answers)
        one, many = ("batch", "batches") if answers.whole_batches else ("example", "examples")
        what = f"{SPLIT_WORDS[self.split]} {one if count == 1 else many}"
        losses = answers.losses[np.isfinite(answers.losses)]
        if answers.right is not None:
            right = int(answers.right.sum())
            words = f"Right on {right:,} of {count:,} {what} ({percent(right / max(1, count))})."
            pair = None if self.confusion is None else most_confused(self.confusion)
            if pair is not None and pair[2] > 1:
                truth, said, often = answers.classes[pair[0]], answers.classes[pair[1]], pair[2]
                words += f" Most often {truth} is taken for {said} ({times(often)})."
            if self.calibration is not None and np.isfinite(self.calibration.error):
                words += f" Its confidence is off by {percent(self.calibration.error)} on average."
            bad = int((~answers.finite).sum())
            return words + (f" {bad:,} of its answers are not finite numbers." if bad else "")
        if answers.kind == "numbers" and answers.truth is not None and answers.said is not None:
            error = (answers.said - answers.truth)[answers.finite]
            if len(error):
                size, square = float(np.abs(error).mean()), float(np.sqrt((error**2).mean()))
                return f"Off by {size:.3g} on average on {count:,} {what} (root mean square {square:.3g})."
        if not len(losses):
            return f"No loss of {count:,} {what} is a finite number."
        return f"The mean loss of {count:,} {what} is {losses.mean():.3g}, the largest {losses.max():.3g}."

    def _change_words(self) -> list[str]:
        if self.since is None or self.answers.right is None:
            return []
        return [f"Since step {self.since:,}, {len(self.new):,} became wrong and {len(self.mended):,} right."]


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{100 * share:.1f} %"


def times(count: int) -> str:
    """How often, in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _shown_classes(table: PerClass | None) -> np.ndarray:
    """All classes, or the hundred with most mistakes."""
    if table is None:
        return np.zeros(0, np.int64)
    count = len(table.support)
    if count <= MOST_CLASSES:
        return np.arange(count)
    mistakes = table.support + table.said - 2 * table.right
    return np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])


def _some(names: list[str], most: int = 3) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
