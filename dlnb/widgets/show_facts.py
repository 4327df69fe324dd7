"""What is said of any numbers before they are drawn: shape, type, range, and what is strange about them.

Everything here is NumPy and plain words, and is worked out on all the numbers, not only on those that are drawn.
"""

from dataclasses import dataclass

import numpy as np

BINS = 24  # of the histogram
WIDE = 100.0  # times as far spread as another column: too much for one learning rate
LOUD, CLIPPED = 1.0, 0.005  # the largest sample of a sound, and the share of samples that may lie on its edge
OFFSET = 0.1  # of the largest sample, by which the middle of a sound may lie beside 0
ENOUGH, RARE = 20, 5  # rows, and rows of each answer, below which a column may tell the answer by accident
MANY = 100_000  # examples among which equal ones are looked for


@dataclass(frozen=True)
class Strange:
    """Something that is not as usual. what: in a sentence. remedy: what to do, with the code for it between backticks; "" if nothing."""

    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()


@dataclass(frozen=True)
class Numbers:
    """Any numbers in one look.

    low, high, mean, deviation: of those that are finite; None where there are none. counts: (BINS,) of the histogram from low to high.
    """

    low: float | None
    high: float | None
    mean: float | None
    deviation: float | None
    counts: np.ndarray
    missing: int
    endless: int

    @classmethod
    def of(cls, values: np.ndarray) -> "Numbers":
        """Of an array of any shape."""
        flat = values.reshape(-1)
        missing = endless = 0
        if flat.dtype.kind == "f":
            finite = np.isfinite(flat)
            if not finite.all():
                missing = int(np.isnan(flat).sum())
                endless = len(flat) - missing - int(finite.sum())
                flat = flat[finite]
        if not len(flat):
            return cls(None, None, None, None, np.zeros(BINS, np.int32), missing, endless)
        low, high = float(flat.min()), float(flat.max())
        exact = flat.astype(np.float64)
        counts = np.zeros(BINS, np.int32)
        if low < high:
            places = ((exact - low) * (BINS / (high - low))).astype(np.int64).clip(0, BINS - 1)
            counts = np.bincount(places, minlength=BINS).astype(np.int32)
        else:
            counts[0] = len(flat)
        return cls(low, high, float(exact.mean()), float(exact.std()), counts, missing, endless)

    @property
    def constant(self) -> bool:
        """Whether they are all the same, and more than none."""
        return self.low is not None and self.low == self.high

    def words(self) -> str:
        """The range in words."""
        if self.low is None:
            return "no number at all"
        if self.constant:
            return f"all are {short(self.low)}"
        return f"{short(self.low)} to {short(self.high)}, on the average {short(self.mean)}"


def short(value: float | None) -> str:
    """A number as people read it: three digits that count."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−")
    if 1e3 <= abs(value) < 1e6:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def bytes_in_words(size: int) -> str:
    """Memory as people read it."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return counted(size, "byte")


def about_memory(values: np.ndarray, dtype: str) -> str:
    """The type of the numbers and what they take."""
    size = values.dtype.itemsize
    return f"{dtype}: {counted(size, 'byte')} a number, {bytes_in_words(values.size * size)} in all"


def strange_numbers(numbers: Numbers, size: int, dtype: str) -> list[Strange]:
    """What is strange about any numbers, whatever they stand for."""
    found = []
    if size == 0:
        return [Strange("There is nothing in it: one side has the length 0.", "Look at how it was cut or filtered.")]
    if numbers.missing:
        found.append(Strange(f"{_share(numbers.missing, size)} NaN (not a number).", "One is enough to turn every weight to NaN. Find out where it comes from, then leave it out or fill it in."))
    if numbers.endless:
        found.append(Strange(f"{_share(numbers.endless, size)} infinite.", "Often a division by 0, or the logarithm of 0."))
    if numbers.constant and size > 1 and not numbers.missing + numbers.endless:
        found.append(Strange(f"All numbers are the same, {short(numbers.low)}.", "There is nothing to learn from."))
    if dtype == "float64":
        found.append(Strange("The numbers are float64.", "PyTorch's layers expect float32, in half the memory: `x.float()`."))
    return found


def strange_pictures(values: np.ndarray, numbers: Numbers, last: bool, truth: np.ndarray | None) -> list[Strange]:
    """What is strange about pictures (N, H, W, C). last: their channels came last. truth: their labels."""
    found = []
    if numbers.low is not None and numbers.high is not None and numbers.low >= 0 and numbers.high > 2:
        top = next((top for top in (16, 255, 1023, 4095, 65535) if numbers.high <= top), None)
        usual = short(top if top is not None else numbers.high).replace(",", "")
        what = f"The numbers run up to {short(numbers.high)}, where 0 to 1 is usual."
        found.append(Strange(what, f"Divide by the largest that is possible: `x / {usual}`."))
    if last:
        found.append(Strange("The channels come last.", "PyTorch's layers want them before the rows: `x.movedim(-1, -3)`."))
    if len(values) > 1:
        flat = values.reshape(len(values), -1)
        empty = int((flat.min(axis=1) == flat.max(axis=1)).sum()) if flat.shape[1] else 0
        if empty and not numbers.constant:
            found.append(Strange(f"{counted(empty, 'picture')} of {len(values):,} {_is(empty)} of one colour only.", "Perhaps empty, or not read well."))
        found += strange_twins(flat, "picture")
    if truth is not None and len(truth) > 1 and len(np.unique(truth)) == 1:
        found.append(Strange("All labels are the same.", "Was the data shuffled before it was cut into batches?"))
    return found


def strange_sounds(values: np.ndarray, numbers: Numbers) -> list[Strange]:
    """What is strange about sounds (N, samples)."""
    found: list[Strange] = []
    if numbers.low is None or numbers.high is None or numbers.constant:
        return found
    top = max(-numbers.low, numbers.high)
    if top > LOUD:
        usual = 32768 if top > 128 else 128 if top > 2 else None
        remedy = f"Divide by {short(usual)}: `x / {usual}`." if usual else "What is beyond 1 is cut off when it is played."
        found.append(Strange(f"The samples run up to {short(top)}, where −1 to 1 is usual.", remedy))
    flat = (values[:, 1:] == values[:, :-1]) & (np.abs(values[:, 1:].astype(np.float64)) >= 0.999 * top)
    edge = float(flat.mean()) if flat.size else 0.0
    if edge > CLIPPED:
        found.append(Strange(f"The tops are flat: {edge:.1%} of the samples lie on the very edge.", "It was recorded too loud, and what was louder is lost."))
    if numbers.mean is not None and abs(numbers.mean) > OFFSET * top:
        found.append(Strange(f"The middle lies at {short(numbers.mean)}, not at 0.", "Take it away: `x - x.mean()`."))
    return found


def strange_tokens(ids: np.ndarray, unknown: int | None) -> list[Strange]:
    """What is strange about tokens. unknown: the id that stands for a piece that the tokeniser does not know."""
    missed = 0 if unknown is None else int((ids == unknown).sum())
    if not missed:
        return []
    what = f"{counted(missed, 'token')} of {len(ids):,} {_is(missed)} unknown: the tokeniser has never seen {'it' if missed == 1 else 'them'}."
    return [Strange(what, "What stood there is lost to the model.")]


def strange_columns(names: tuple[str, ...], columns: list[np.ndarray], truth: np.ndarray | None, missing: dict[str, int]) -> list[Strange]:
    """What is strange about a table's columns of numbers, each (N,) float64. truth: what is to be said of each row, (N,).

    missing: of each column, text or numbers, how many values are missing.
    """
    found = []
    gaps = {name: count for name, count in missing.items() if count}
    if gaps:
        worst = max(gaps, key=lambda name: gaps[name])
        others = f", and {counted(len(gaps) - 1, 'other column')} too" if len(gaps) > 1 else ""
        found.append(Strange(f"{worst!r} has {counted(gaps[worst], 'missing value')}{others}.", "Leave these rows out, or fill them in and add a column that says where."))
    looks = [Numbers.of(column) for column in columns]
    same = [name for name, look in zip(names, looks, strict=True) if look.constant and len(columns[0]) > 1]
    if same:
        found.append(Strange(f"{_listed(same)} never {'changes' if len(same) == 1 else 'change'}.", "Such a column says nothing: leave it out."))
    spreads = {name: look.deviation for name, look in zip(names, looks, strict=True) if look.deviation}
    if len(spreads) > 1:
        least, most = min(spreads, key=lambda name: spreads[name] or 0), max(spreads, key=lambda name: spreads[name] or 0)
        times = (spreads[most] or 0) / (spreads[least] or 1)
        if times > WIDE:
            what = f"{most!r} is spread {times:,.0f} times as far as {least!r}."
            found.append(Strange(what, "To a network the large numbers drown the small ones. Scale each column: `(x - mean) / deviation`."))
    if truth is not None:
        told = [name for name, column in zip(names, columns, strict=True) if _tells(column, truth)]
        if told:
            what = f"{_listed(told)} {'gives' if len(told) == 1 else 'give'} the answer away: it can be read off."
            found.append(Strange(what, "Will this be known when the answer is not? If it will not, leave it out."))
    return found


def strange_twins(rows: np.ndarray, one: str) -> list[Strange]:
    """Examples (N, F) that occur more than once."""
    if not 1 < len(rows) <= MANY or not rows.shape[1]:
        return []
    whole = np.ascontiguousarray(rows)
    different = len({row.tobytes() for row in whole})
    twins = len(rows) - different
    if not twins or different == 1:
        return []
    what = f"{counted(twins, one)} of {len(rows):,} {_is(twins)} the same as an earlier one."
    return [Strange(what, "After a split by lot, one may be learned from and the other asked about.")]


def _tells(column: np.ndarray, truth: np.ndarray) -> bool:
    """Whether one column alone sorts the rows by what is to be said of them: each value, or each stretch of values, has one answer."""
    known = np.isfinite(column)
    if known.sum() < ENOUGH or len(np.unique(column[known])) < 2:
        return False
    order = np.argsort(column[known], kind="stable")
    values, answers = column[known][order], truth[known][order]
    kinds, often = np.unique(answers, return_counts=True)
    if answers.dtype.kind == "f" and len(kinds) > 20:
        spread = values.std() * answers.std()
        return bool(spread > 0 and abs(float(((values - values.mean()) * (answers - answers.mean())).mean() / spread)) > 0.999)
    if len(kinds) < 2 or often.min() < RARE:
        return False
    changes = answers[1:] != answers[:-1]
    return bool(changes.sum() == len(kinds) - 1 and (values[1:] != values[:-1])[changes].all())


def _share(part: int, size: int) -> str:
    return f"{part:,} of {size:,} numbers {_is(part)}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    return shown + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
