"""The smoothed curves of a dashboard: the means of pieces, made without averaging row by row, are those of the plain recursion."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlnb.train.history import History
from dlnb.widgets.watch_curves import Curves, Sent

ROWS = 150_000


def plain(steps: np.ndarray, values: np.ndarray, half_life: float) -> np.ndarray:
    """The debiased moving average as one would write it down."""
    total = weight = 0.0
    before, made = None, []
    for step, value in zip(steps.tolist(), values.tolist(), strict=True):
        if not np.isfinite(value):
            made.append(np.nan)
            continue
        fade = 0.0 if before is None else 0.5 ** ((step - before) / half_life)
        total, weight, before = fade * total + value, fade * weight + 1.0, step
        made.append(total / weight)
    return np.array(made)


def even(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(1, ROWS + 1), 2 + np.cumsum(random.normal(size=ROWS)) / 300 + random.normal(size=ROWS)


def every_tenth_step(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    steps, values = even(random)
    return 7 + 10 * steps, values


def with_gaps(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    steps, values = even(random)
    values[random.integers(0, ROWS, 40)] = np.nan
    values[70_000:70_900] = np.nan
    values[[0, 1, 90_000]] = np.inf
    return steps, values


def with_jumps(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    steps, values = even(random)
    steps = steps + np.where(steps > 60_000, 100_000, 0)
    steps[80_000:] += np.arange(ROWS - 80_000) * 4  # from here on every fifth step
    steps[100_000] += 1
    return steps, values


def uneven(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.cumsum(random.integers(1, 5, ROWS)), even(random)[1]


def nothing(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(1, ROWS + 1), np.full(ROWS, np.nan)


def curves_of(steps: np.ndarray, values: np.ndarray, ahead: int = 0) -> Curves:
    """A line with these rows, of which the last `ahead` lie ahead of its run."""
    own, beyond = History(), History()
    own.series("loss").add_rows(steps[: len(steps) - ahead], values[: len(steps) - ahead])
    beyond.series("loss").add_rows(steps[len(steps) - ahead :], values[len(steps) - ahead :])
    return Curves(SimpleNamespace(number=0, left=None, loop=SimpleNamespace(history=own), ahead=beyond))


@pytest.mark.parametrize("rows", [even, every_tenth_step, with_gaps, with_jumps, uneven, nothing])
@pytest.mark.parametrize("half_life", [1.0, 30.0, 512.0])
def test_a_smoothed_window_is_that_of_the_plain_recursion(rows, half_life):
    steps, values = rows(np.random.default_rng(0))
    made = plain(steps, values, half_life)
    curves = curves_of(steps, values, ahead=40_000)
    for first, last in [(0, ROWS - 1), (20_000, 130_000), (61_000, 62_000), (99_000, 99_100)]:
        low, high = int(steps[first]), int(steps[last])
        columns = curves.window("loss", low, high, 1024, half_life)
        check(columns, steps, made, max(0, first - 1), min(ROWS, last + 2), 1024)


@pytest.mark.parametrize("rows", [even, with_gaps, uneven])
def test_what_is_sent_bit_by_bit_is_the_plain_recursion_too(rows):
    steps, values = rows(np.random.default_rng(1))
    made = plain(steps, values, 20.0)
    sent = {}
    for end in (50_000, 50_010, ROWS):
        start = sent.get("loss", 0)
        columns = curves_of(steps[:end], values[:end]).new_smooth(sent, 20.0, ["loss"])
        assert sent["loss"] == end
        check(columns, steps, made, start, end, 2048)


def check(
    columns: dict[str, np.ndarray], steps: np.ndarray, made: np.ndarray, start: int, end: int, count: int
) -> None:
    """What was sent are the means of at most `count` pieces of the rows from `start` to `end`."""
    width = -(-(end - start) // count)
    parts = [made[at : min(at + width, end)] for at in range(start, end, width)]
    wanted = [part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan for part in parts]
    ends = np.minimum(np.arange(start, end, width) + width, end) - 1
    assert columns["smooth:loss/steps"].tolist() == steps[ends].tolist()
    assert columns["smooth:loss/mean"] == pytest.approx(np.array(wanted), rel=1e-9, nan_ok=True)


def test_a_constant_stays_what_it_is():
    steps = np.arange(1, ROWS + 1)
    columns = curves_of(steps, np.full(ROWS, 0.1)).new_smooth({}, 8.0, ["loss"])
    assert columns["smooth:loss/mean"] == pytest.approx(0.1, rel=1e-14)


def test_a_view_is_sent_only_what_is_new():
    steps, values = even(np.random.default_rng(2))
    sent = Sent()
    assert "loss/mean" in curves_of(steps, values).new(sent)
    assert sent.rows == {"loss": ROWS}
    assert curves_of(steps, values).new(sent) == {}
