"""Where a model is wrong: confusion, precision and recall, calibration, and what it forgot from one look to the next.

All of it is arithmetic on `Answers`; nothing here asks a model. scikit-learn measures what it can measure.
"""

from dataclasses import dataclass

import numpy as np

from .answers import Answers

BINS = 15  # of the reliability diagram, as in Guo et al.
POINTS = 64  # of a precision-recall curve, at most
LOOKS = 400  # that are remembered one by one


@dataclass(frozen=True)
class PerClass:
    """For each of C classes: its examples, how often it was said, how often rightly; and shares, NaN where undefined.

    support, said, right: (C,) int64; precision, recall, f1, average_precision: (C,) float64.
    """

    support: np.ndarray
    said: np.ndarray
    right: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    average_precision: np.ndarray


@dataclass(frozen=True)
class Calibration:
    """How often answers given with some confidence are right.

    confidence, accuracy: (bins,) means in a bin, NaN where it is empty; count: (bins,).
    error: the expected calibration error, the mean gap between the two weighted by count; NaN without answers.
    Source: Guo, Pleiss, Sun & Weinberger 2017, arXiv:1706.04599.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray
    error: float


def confusion(answers: Answers) -> np.ndarray:
    """(C, C) how many examples of the class of the row were taken for the class of the column.

    Examples without a label or without a finite answer are not in it. Raises: ValueError if it is no classification.
    """
    if answers.kind != "classes":
        raise ValueError(f"a confusion matrix needs one class for each example; these answers are {answers.kind}")
    from sklearn.metrics import confusion_matrix

    assert answers.truth is not None and answers.said is not None
    count = len(answers.classes)
    known = (answers.truth >= 0) & (answers.said >= 0)
    if not known.any():
        return np.zeros((count, count), np.int64)
    return confusion_matrix(answers.truth[known], answers.said[known], labels=np.arange(count))


def per_class(answers: Answers) -> PerClass:
    """Precision, recall, F1 and average precision of each class. An answer that is not finite is a miss.

    Raises: ValueError if there are no classes.
    """
    from sklearn.metrics import precision_recall_fscore_support

    truth, said, _ = _indicators(answers)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, said, average=None, zero_division=np.nan, labels=np.arange(truth.shape[1])
    )
    return PerClass(
        support.astype(np.int64),
        said.sum(axis=0, dtype=np.int64),
        (said & truth).sum(axis=0, dtype=np.int64),
        precision,
        recall,
        np.where(support > 0, f1, np.nan),
        np.array([average_precision(answers, k) for k in range(truth.shape[1])]),
    )


def average_precision(answers: Answers, k: int) -> float:
    """The area under the precision-recall curve of class `k`, as scikit-learn sums it; NaN without examples of it."""
    from sklearn.metrics import average_precision_score

    truth, _, shares = _indicators(answers)
    finite = np.isfinite(shares).all(axis=1)
    if not truth[finite, k].any():
        return float("nan")
    return float(average_precision_score(truth[finite, k], shares[finite, k]))


def precision_recall(answers: Answers, k: int | None = None, points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision, each (P,) with P ≤ points, as the threshold falls; of class `k`, or of all together.

    Empty where there is nothing to find.
    """
    from sklearn.metrics import precision_recall_curve

    truth, _, shares = _indicators(answers)
    finite = np.isfinite(shares).all(axis=1)
    truth, shares = (part[finite] if k is None else part[finite, k] for part in (truth, shares))
    if not truth.any():
        return np.zeros(0), np.zeros(0)
    precision, recall, _ = precision_recall_curve(truth.reshape(-1), shares.reshape(-1))
    precision, recall = precision[::-1], recall[::-1]
    # Evenly along the curve in both directions, so that neither its flat nor its steep part is lost.
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(recall)) + np.abs(np.diff(precision)))])
    chosen = np.unique(np.searchsorted(way, np.linspace(0, way[-1], points)).clip(max=len(way) - 1))
    return recall[chosen], precision[chosen]


def calibration(answers: Answers, bins: int = BINS) -> Calibration:
    """Confidence against accuracy in bins of equal width: of the class that was said, or of each label alone.

    Raises: ValueError if there are no probabilities.
    """
    truth, said, shares = _indicators(answers)
    finite = np.isfinite(shares).all(axis=1) & (truth.any(axis=1) | (answers.kind == "labels"))
    truth, shares = truth[finite], shares[finite]
    if answers.kind == "classes":
        confidence, right = shares.max(axis=1, initial=0.0), (truth & said[finite]).any(axis=1)
    else:
        confidence, right = shares.reshape(-1), truth.reshape(-1)
    place = np.ceil(confidence.astype(np.float64) * bins).clip(1, bins).astype(int) - 1
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(place, confidence, bins) / count
        accuracy = np.bincount(place, right, bins) / count
    gaps = np.abs(accuracy - mean_confidence)[count > 0]
    error = float((gaps * count[count > 0]).sum() / count.sum()) if count.sum() else float("nan")
    return Calibration(mean_confidence, accuracy, count, error)


def worst(losses: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Examples by falling loss, one that is no number first. among: the numbers of those to be sorted, or all."""
    numbers = np.arange(len(losses)) if among is None else np.asarray(among)
    return numbers[np.argsort(-np.nan_to_num(losses[numbers], nan=np.inf), kind="stable")]


def most_confused(matrix: np.ndarray) -> tuple[int, int, int] | None:
    """The class, what it is most often taken for, and how often; None without mistakes."""
    mistakes = matrix - np.diag(np.diag(matrix))
    i, j = np.unravel_index(int(mistakes.argmax()), matrix.shape) if matrix.size else (0, 0)
    return (int(i), int(j), int(mistakes[i, j])) if matrix.size and mistakes[i, j] else None


@dataclass
class Look:
    """Which examples were right at a step (None where there is no right and wrong), and their losses."""

    step: int
    right: np.ndarray | None
    losses: np.ndarray | None


class Memory:
    """What was right at each look at one split, so that what is forgotten can be counted.

    A forgetting is a look at which an example is wrong that was right the look before (Toneva et al. 2019,
    arXiv:1812.05159, who look at each example whenever it is trained on). A look at or before the step of an earlier
    one takes its place: who rewinds a run has not yet forgotten what it forgets later.
    """

    def __init__(self) -> None:
        self._looks: list[Look] = []
        self._length = 0
        self._before: int | np.ndarray = 0  # forgettings among looks that are not remembered one by one any more
        self.reference: Look | None = None  # to compare with, instead of the look before

    @property
    def count(self) -> int:
        """How many looks are remembered."""
        return len(self._looks)

    def add(self, step: int, right: np.ndarray | None, losses: np.ndarray, shared: int | None = None) -> None:
        """Remember a look. shared: the last step whose looks belong to the line of the run; none beyond `step` do."""
        kept = step - 1 if shared is None else min(step - 1, shared)
        self._looks = [look for look in self._looks if look.step <= kept]
        if self._looks and (self._length != len(losses) or (self._looks[-1].right is None) != (right is None)):
            self._looks, self._before, self.reference = [], 0, None  # the data were changed
        self._looks.append(Look(step, None if right is None else np.packbits(right), losses))
        self._length = len(losses)
        for look in self._looks[:-2]:
            look.losses = None
        if len(self._looks) > LOOKS:
            if right is not None:
                self._before = self._before + (self._bits(0) & ~self._bits(1))
            del self._looks[0]

    @property
    def earlier(self) -> Look | None:
        """What the newest look is compared with: the reference, or the look before."""
        if self.reference is not None:
            return self.reference
        return self._unpacked(-2) if len(self._looks) > 1 else None

    def compare_from_here(self) -> None:
        """Compare with the newest look from now on."""
        self.reference = self._unpacked(-1) if self._looks else None

    def forgotten(self) -> np.ndarray:
        """(N,) how often each example was forgotten."""
        if not self._looks or self._looks[-1].right is None:
            return np.zeros(0, np.int64)
        total = np.zeros(self._length, np.int64) + self._before
        for k in range(1, len(self._looks)):
            total += self._bits(k - 1) & ~self._bits(k)
        return total

    def newly(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the examples that became wrong, and of those that became right, since `earlier`."""
        earlier = self.earlier
        none = np.zeros(0, np.int64)
        if earlier is None or earlier.right is None or len(earlier.right) != self._length:
            return none, none
        now = self._bits(-1)
        return np.flatnonzero(earlier.right & ~now), np.flatnonzero(~earlier.right & now)

    def worse(self) -> np.ndarray:
        """The numbers of the examples whose loss has grown since `earlier`, most first."""
        earlier = self.earlier
        now = self._looks[-1].losses if self._looks else None
        if earlier is None or earlier.losses is None or now is None or len(now) != len(earlier.losses):
            return np.zeros(0, np.int64)
        growth = np.nan_to_num(now, nan=np.inf) - np.nan_to_num(earlier.losses, nan=np.inf)
        order = np.argsort(-np.nan_to_num(growth, nan=0.0), kind="stable")
        return order[growth[order] > 0]

    def _bits(self, k: int) -> np.ndarray:
        packed = self._looks[k].right
        assert packed is not None
        return np.unpackbits(packed, count=self._length).astype(bool)

    def _unpacked(self, k: int) -> Look:
        look = self._looks[k]
        return Look(look.step, None if look.right is None else self._bits(k), look.losses)


def _indicators(answers: Answers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth and what was said as (N, C) bool, probabilities (N, C)."""
    truth, said, shares = answers.truth, answers.said, answers.probabilities
    if truth is None or said is None or shares is None:
        raise ValueError(f"this needs classes and probabilities; these answers are {answers.kind}")
    if answers.kind == "labels":
        return truth, said, shares
    classes = np.arange(shares.shape[1])
    return truth[:, None] == classes, said[:, None] == classes, shares
