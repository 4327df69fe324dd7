"""The history: nothing lost, nothing invented."""

import math
import subprocess
import sys
import threading

import numpy as np
import pytest

from dlnb.train.history import History, Lengths, Mark
from dlnb.train.series import FIRST, LARGEST, Series


def filled(values: np.ndarray) -> History:
    history = History()
    for step, value in enumerate(values, start=1):
        history.add("loss", step, value)
    return history


def test_columns_grow_without_losing_a_value():
    values = np.random.default_rng(0).normal(size=10_000)
    assert np.array_equal(filled(values)["loss"], values)


def test_what_a_reader_holds_stays_as_it_was():
    history = filled(np.arange(1000.0))
    held = history["loss"]
    for step in range(1001, 5000):
        history.add("loss", step, -1)
    history.cut(500)
    for step in range(501, 2000):
        history.add("loss", step, -2)
    assert np.array_equal(held, np.arange(1000.0))
    with pytest.raises(ValueError):
        held[0] = 1


@pytest.mark.parametrize("value", [0.002, 1e-3, 1 / 3, 1e300, 5e-324, -0.0, 16777217.0, math.inf, -math.inf, math.nan])
def test_a_value_comes_back_exactly(value):
    history = filled(np.array([0.5, 0.25, value, 0.75]))
    assert history["loss"].tobytes() == np.array([0.5, 0.25, value, 0.75]).tobytes()


def test_a_million_losses_take_four_bytes_each():
    losses = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    column = Series()
    column.add_rows(np.arange(1, 1_000_001), losses)
    assert column.nbytes < 4.3e6
    assert np.array_equal(column.tail(0)[1], losses)


def test_a_number_of_any_kind_can_be_recorded():
    import torch

    history = History()
    for step, value in enumerate([1, np.float32(0.1), np.float64(0.1), torch.tensor(0.1), True]):
        history.add("x", step, value)
    assert history["x"].tolist() == [1, float(np.float32(0.1)), 0.1, float(np.float32(0.1)), 1]
    with pytest.raises((TypeError, ValueError)):
        history.add("x", 5, "0.1")
    assert len(history["x"]) == 5


@pytest.mark.parametrize("steps", [[0, 0, 0, 1], [0, 100, 200, 250], [5, 5 + 2**31, 6 + 2**31], [-3, 2**40, 2**40 + 1], [7]])
def test_uneven_steps_come_back(steps):
    one, all_at_once = Series(), Series()
    for step in steps:
        one.add(step, step)
    all_at_once.add_rows(np.array(steps), np.array(steps, float))
    for column in (one, all_at_once):
        assert column.tail(0)[0].tolist() == steps
        assert column.last_step == steps[-1]
        assert [column.rows_up_to(step) for step in steps] == [np.searchsorted(steps, step, "right") for step in steps]
        assert column.steps_at(np.arange(len(steps))).tolist() == steps


def test_a_step_that_lies_before_the_last_is_refused():
    history = filled(np.arange(3.0))
    with pytest.raises(ValueError, match="step 1 cannot be recorded after step 3"):
        history.add("loss", 1, 0.0)
    with pytest.raises(ValueError, match="steps only ever grow"):
        history.series("loss").add_rows(np.array([5, 4]), np.zeros(2))
    assert history.steps("loss")[:3].tolist() == [1, 2, 3]


@pytest.mark.parametrize("length", [1, 10, 2048, 2049, 100_003])
def test_pieces_keep_every_spike_and_the_mean(length):
    values = np.random.default_rng(length).normal(size=length)
    values[length // 2] = 100
    pieces = filled(values).buckets("loss", 2048)
    assert len(pieces.steps) <= 2048 and pieces.steps[-1] == length
    assert pieces.high.max() == 100 and pieces.low.min() == values.min()
    assert (pieces.low <= pieces.mean).all() and (pieces.mean <= pieces.high).all()
    widths = np.diff(np.append(0, pieces.steps))
    assert np.average(pieces.mean, weights=widths) == pytest.approx(values.mean())


def test_pieces_leave_out_nan_and_infinities_where_there_is_something_else():
    values = np.array([1, math.nan, 3, math.inf, math.nan, math.nan, math.inf, math.inf, -math.inf, 5, math.inf, -math.inf])
    pieces = filled(values).buckets("loss", 6)
    assert np.array_equal(pieces.low, [1, 3, math.nan, math.inf, -math.inf, -math.inf], equal_nan=True)
    assert np.array_equal(pieces.high, [1, math.inf, math.nan, math.inf, 5, math.inf], equal_nan=True)
    assert np.array_equal(pieces.mean, [1, 3, math.nan, math.inf, 5, math.nan], equal_nan=True)


def test_a_constant_stays_a_constant_in_pieces():
    pieces = filled(np.full(10_007, 0.1)).buckets("loss", 100)
    assert set(pieces.low) == set(pieces.mean) == set(pieces.high) == {0.1}


def test_it_is_known_where_numbers_ended():
    values = np.zeros(5000)
    values[[10, 4000]] = math.nan, -math.inf
    history = filled(values)
    assert history.not_finite("loss").tolist() == [11, 4001]
    ahead = history.cut(2000)
    assert history.not_finite("loss").tolist() == [11]
    assert ahead.not_finite("loss").tolist() == [4001]
    assert history.cut(5) and history.not_finite("loss").tolist() == []


@pytest.mark.parametrize(("first", "last"), [(100, 200), (-5, 3), (4990, 9999), (100.5, 100.6), (7, 7), (-9, -1), (-math.inf, math.inf)])
def test_a_window_holds_what_is_inside_and_one_row_more_on_each_side(first, last):
    values = np.random.default_rng(0).normal(size=5000)
    inside = [step for step in range(1, 5001) if first <= step <= last]
    before = [step for step in range(1, 5001) if step < first][-1:]
    after = [step for step in range(1, 5001) if step > last][:1]
    history = filled(values)
    every = history.window("loss", first, last, 10_000)
    assert every.steps.tolist() == [*before, *inside, *after]
    assert np.array_equal(every.mean, values[every.steps.astype(int) - 1])
    few = history.window("loss", first, last, 50)
    assert len(few.steps) <= max(50, 3)
    if inside:
        assert min(few.low) == min(every.mean) and max(few.high) == max(every.mean)
    assert few.steps[0] == (before or few.steps)[0] and few.steps[-1] == (after or inside or before)[0 if after else -1]


# Smoothing.


def naive_average(steps: np.ndarray, values: np.ndarray, half_life: float) -> np.ndarray:
    averages = []
    for now, value in zip(steps, values, strict=True):
        there = (steps <= now) & np.isfinite(values)
        weights = 0.5 ** ((now - steps[there]) / half_life)
        averages.append(np.average(values[there], weights=weights) if np.isfinite(value) else math.nan)
    return np.array(averages)


@pytest.mark.parametrize("half_life", [0.01, 1, 30, 1e9])
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("holes", [True, False])
def test_smoothing_is_a_debiased_average_with_its_half_life_in_steps(half_life, even, holes):
    random = np.random.default_rng(0)
    steps = np.arange(0, 900, 3) if even else np.cumsum(random.integers(1, 9, 300))
    values = random.normal(loc=50, size=300)
    if holes:
        values[[0, 7, 8, 150, 299]] = math.nan, math.inf, math.nan, -math.inf, math.nan
    history = History()
    history.series("loss").add_rows(steps, values)
    expected = naive_average(steps, values, half_life)
    assert np.allclose(history.smoothed("loss", half_life), expected, rtol=1e-9, equal_nan=True)


def test_smoothing_leaves_a_constant_alone():
    assert set(filled(np.full(20_000, 0.1)).smoothed("loss", 500)) == {0.1}


def test_smoothed_values_can_be_put_in_pieces_and_looked_at_in_a_window():
    history = filled(np.random.default_rng(0).normal(size=5000))
    smoothed = history.smoothed("loss", 100)
    assert np.array_equal(history.window("loss", 10, 20, 100, smoothed).mean, smoothed[8:21])
    assert history.buckets("loss", 10, values=smoothed).high.max() == smoothed.max()


@pytest.mark.parametrize("half_life", [-1, math.nan])
def test_a_half_life_that_is_none_is_refused(half_life):
    with pytest.raises(ValueError, match="half-life"):
        filled(np.ones(3)).smoothed("loss", half_life)


def test_a_history_is_there_without_scipy():
    code = "import sys, dlnb.train.history; print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# Cutting and joining.


def test_what_is_cut_off_can_be_put_back():
    history = filled(np.arange(200_000.0))
    history.mark(3, "begin")
    history.mark(100_000, "lr 1 → 2")
    ahead = history.cut(1234)
    assert (len(history["loss"]), len(ahead["loss"]), len(history.marks), len(ahead.marks)) == (1234, 198_766, 1, 1)
    history.extend(ahead, 100_000)
    assert (len(history["loss"]), len(ahead["loss"]), len(history.marks), len(ahead.marks)) == (100_000, 100_000, 2, 0)
    history.extend(ahead)
    assert np.array_equal(history["loss"], np.arange(200_000.0)) and ahead.names == []


def test_the_version_grows_when_rows_are_taken_off_and_only_then():
    history = filled(np.arange(10.0))
    history.cut(10)
    assert history.version == 0
    ahead = history.cut(5)
    assert (history.version, ahead.version) == (1, 0)
    history.extend(ahead, 7)
    assert (history.version, ahead.version) == (1, 1)


def test_a_cut_can_be_given_in_rows():
    history = filled(np.arange(3.0))
    history.mark(3, "before")
    then = history.lengths()
    assert then == Lengths({"loss": 3}, 1)
    history.add("loss", 3, 9.0)
    history.add("margin", 3, 0.5)
    history.mark(3, "after")
    ahead = history.cut(3, then)
    assert (list(history), len(history["loss"]), history.marks) == (["loss"], 3, [Mark(3, "before")])
    assert (ahead.names, ahead["loss"].tolist(), ahead.marks) == (["loss", "margin"], [9.0], [Mark(3, "after")])


def test_what_does_not_follow_is_refused_before_anything_moves():
    history, other = filled(np.arange(5.0)), filled(np.arange(3.0))
    other.add("margin", 1, 1.0)
    with pytest.raises(ValueError, match="does not continue"):
        history.extend(other)
    assert history.lengths() == Lengths({"loss": 5}, 0) and other.lengths() == Lengths({"loss": 3, "margin": 1}, 0)


def test_a_copy_shares_what_is_full_and_goes_its_own_way():
    history = filled(np.arange(100_000.0))
    copy = history.copy()
    history.add("loss", 100_001, -1.0)
    copy.add("loss", 100_001, -2.0)
    assert (history["loss"][-1], copy["loss"][-1]) == (-1, -2)
    mine, theirs = history.series("loss")._chunks, copy.series("loss")._chunks
    assert [a is b for a, b in zip(mine, theirs, strict=True)] == [True] * (len(mine) - 1) + [False]


def test_a_column_kept_from_before_a_cut_is_not_written_any_more():
    history = filled(np.arange(5.0))
    column = history.series("loss")
    history.cut(3)
    for write in (lambda: column.add(6, 1.0), lambda: column.add_rows(np.array([6]), np.ones(1))):
        with pytest.raises(RuntimeError, match="was cut"):
            write()
    assert column.tail(0)[1].tolist() == [0, 1, 2, 3, 4]


def test_many_cuts_in_a_row_leave_no_splinters():
    history = filled(np.arange(200_000.0))
    random = np.random.default_rng(0)
    pieces, size = len(history.series("loss")._chunks), history.nbytes
    ahead = History()
    for step in random.integers(1, 200_000, 300):
        if ahead.names and ahead.steps("loss")[0] <= step:
            history.extend(ahead, int(step))
        else:
            off = history.cut(int(step))
            off.extend(ahead)
            ahead = off
    history.extend(ahead)
    assert np.array_equal(history["loss"], np.arange(200_000.0))
    assert len(history.series("loss")._chunks) <= pieces + 2 and history.nbytes < 1.5 * size


class Naive:
    """The same in lists."""

    def __init__(self) -> None:
        self.columns: dict[str, list[tuple[int, float]]] = {}
        self.marks: list[Mark] = []

    def cut(self, step, lengths):
        off = Naive()
        for name, rows in list(self.columns.items()):
            kept = [row for row in rows if row[0] <= step]
            if lengths is not None:
                kept = kept[: lengths.columns.get(name, 0)]
            if rows[len(kept) :]:
                off.columns[name] = rows[len(kept) :]
            self.columns[name] = kept
            if not kept:
                del self.columns[name]
        kept = [mark for mark in self.marks if mark.step <= step][: None if lengths is None else lengths.marks]
        off.marks, self.marks = self.marks[len(kept) :], kept
        return off

    def extend(self, other, step):
        for name, rows in list(other.columns.items()):
            moved = [row for row in rows if step is None or row[0] <= step]
            if moved:
                self.columns.setdefault(name, []).extend(moved)
            other.columns[name] = rows[len(moved) :]
            if not other.columns[name]:
                del other.columns[name]
        moved = [mark for mark in other.marks if step is None or mark.step <= step]
        self.marks += moved
        other.marks = other.marks[len(moved) :]

    def copy(self):
        copy = Naive()
        copy.columns = {name: list(rows) for name, rows in self.columns.items()}
        copy.marks = list(self.marks)
        return copy


def same(history: History, naive: Naive) -> bool:
    def bits(values):
        return np.array(values, np.float64).tobytes()

    return (
        sorted(history.names) == sorted(naive.columns)
        and history.marks == naive.marks
        and all(
            history.steps(name).tolist() == [step for step, _ in rows]
            and bits(history[name]) == bits([value for _, value in rows])
            and history.not_finite(name).tolist() == [step for step, value in rows if not math.isfinite(value)]
            for name, rows in naive.columns.items()
        )
    )


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_done_in_whatever_order_it_holds_what_lists_would_hold(seed):
    random = np.random.default_rng(seed)
    step = 0
    history, naive = History(), Naive()
    ahead, naive_ahead = History(), Naive()
    remembered: list[tuple[int, Lengths]] = []
    forks = []
    for _ in range(80):
        doing = random.choice(["add", "add", "many", "mark", "cut", "cut to lengths", "extend", "copy", "remember"])
        if doing in ("add", "many"):
            if ahead.names or ahead.marks:  # a knob was turned: what lay ahead is a ghost now
                forks.append((ahead, naive_ahead))
                ahead, naive_ahead = History(), Naive()
            for _ in range(int(random.choice([5, 1500] if doing == "add" else [10_000]))):
                step += int(random.choice([0, 1, 3])) if seed % 2 else 1
                for name, stride in (("loss", 1), ("lr", 1), ("valid_loss", 50))[: 3 if doing == "add" else 1]:
                    if step % stride == 0:
                        value = float(np.float32(random.normal())) if name == "loss" else 0.1 / (step + 1)
                        value = math.nan if random.random() < 0.0005 else value
                        history.add(name, step, value)
                        naive.columns.setdefault(name, []).append((step, value))
        elif doing == "mark":
            if not ahead.names and not ahead.marks:
                history.mark(step, f"mark {step}")
                naive.marks.append(Mark(step, f"mark {step}"))
        elif doing == "remember":
            remembered.append((step, history.lengths()))
        elif doing in ("cut", "cut to lengths"):
            to, lengths = int(random.integers(-1, step + 2)), None
            remembered = [(at, lengths) for at, lengths in remembered if at <= step]
            if doing == "cut to lengths":
                if not remembered:
                    continue
                to, lengths = remembered[int(random.integers(len(remembered)))]
            off, naive_off = history.cut(to, lengths), naive.cut(to, lengths)
            off.extend(ahead)
            naive_off.extend(naive_ahead, None)
            ahead, naive_ahead, step = off, naive_off, min(step, max(0, to))
            remembered = [(at, lengths) for at, lengths in remembered if at < step]
        elif doing == "extend":
            to = None if random.random() < 0.3 else step + int(random.integers(0, 30_000))
            history.extend(ahead, to)
            naive.extend(naive_ahead, to)
            step = max([step, *(rows[-1][0] for rows in naive.columns.values()), *(mark.step for mark in naive.marks)])
        else:
            forks.append((history.copy(), naive.copy()))
        assert same(history, naive) and same(ahead, naive_ahead), doing
    assert all(same(fork, naive_fork) for fork, naive_fork in forks)


# Readers in other threads.


def test_reading_while_writing_never_sees_a_half_written_value():
    history = History()
    history.add("loss", 0, 0.0)
    wrong, read = [], []

    def look() -> None:
        while not done.is_set():
            steps, values = history.series("loss").tail(0)
            if not np.array_equal(np.sqrt(steps), values):
                wrong.append(len(steps))
            read.append(len(steps))

    done = threading.Event()
    reader = threading.Thread(target=look)
    reader.start()
    for step in range(1, 100_000):
        history.add("loss", step, math.sqrt(step))  # some fit float32, most do not
    done.set()
    reader.join()
    assert read and not wrong


def test_reading_while_rows_are_cut_off_and_added_never_sees_a_mixture():
    """Each time the writer comes back to a step it writes other values: the number of the time, ever larger."""
    history = History()
    wrong, looks = [], []

    def look() -> None:
        seen = (0, 0.0)
        while not done.is_set():
            still = history.still()
            if "loss" not in still:
                continue
            steps, values = still.series("loss").tail(0)
            if not (np.array_equal(steps, np.arange(1, len(steps) + 1)) and (np.diff(values) >= 0).all()):
                wrong.append("rows of two times are mixed")
            pieces = still.window("loss", 100, 40_000, 300)
            if not (pieces.low <= pieces.mean).all() or not (np.diff(pieces.steps) > 0).all():
                wrong.append("pieces are mixed")
            now = (still.version, values[-1])
            if now < seen:
                wrong.append(f"{now} after {seen}")
            seen = now
            looks.append(still.version)
            still.smoothed("loss", 10), still.copy().lengths(), still.not_finite("loss")

    for step in range(1, 10):
        history.add("begun", step, 0.0)
    history.smoothed("begun", 10)  # what smoothing imports can take as long as all the writing
    done = threading.Event()
    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    random, step, interval = np.random.default_rng(0), 0, sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        for time in range(60):
            for step in range(step + 1, step + int(random.integers(10, 5000))):  # noqa: B020
                history.add("loss", step, time + 0.1)
            step = int(random.integers(1, step + 1))
            ahead = history.cut(step)
            if time % 3 == 0 and ahead.names:
                history.extend(ahead)
                step = int(history.series("loss").last_step)
    finally:
        sys.setswitchinterval(interval)
        done.set()
        for reader in readers:
            reader.join()
    assert not wrong and len(set(looks)) > 5


def test_chunks_are_small_at_first_and_bounded():
    column = Series()
    column.add_rows(np.arange(10 * LARGEST), np.zeros(10 * LARGEST))
    sizes = [len(chunk.values) for chunk in column._chunks]
    assert sizes[0] == FIRST and max(sizes) == LARGEST and sum(sizes) < 11 * LARGEST
