"""What a long history costs: 1,000,000 steps of 8 columns, recorded, drawn, zoomed into, smoothed, cut and joined.

    python benchmarks/history.py

Each figure is a median; the limits are those that the project has set itself.
"""

import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from scipy.signal import lfilter  # noqa: F401  # its import is not what is measured

from dlnb.train.history import History
from dlnb.widgets.frames import pack
from dlnb.widgets.watch_curves import Curves

STEPS, COLUMNS, PIECES = 1_000_000, 8, 2048
LONG, WINDOW = 600_000, 1024  # the run that is zoomed into while it is smoothed, and the pieces of a window


def main() -> None:
    """Measure, print, and leave with 1 if a limit is passed."""
    limits: list[tuple[str, float, float, str]] = []
    random = np.random.default_rng(0)
    # Losses as PyTorch's float32 gives them, and learning rates that float32 does not hold.
    values = [random.lognormal(size=STEPS).astype(np.float32).astype(float).tolist() for _ in range(3)]
    values.append((0.002 * np.linspace(1, 0, STEPS)).tolist())
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)  # or what was freed before would be taken for free
    memory, history = resident(), History()
    times = []
    for column in range(COLUMNS):
        add, name, source = history.add, f"column {column}", values[column % len(values)]
        begin = time.perf_counter()
        for step, value in enumerate(source, start=1):
            add(name, step, value)
        times.append((time.perf_counter() - begin) / STEPS)
    used = resident() - memory
    limits.append(("history.add, with the loop around it", 1e6 * statistics.median(times), 2.0, "µs"))
    limits.append(("resident memory", used / 1e6, 64.0, "MB"))
    limits.append(("full picture of 8 columns, packed", milliseconds(lambda: picture(history)), 100.0, "ms"))
    windows = iter(np.sort(random.integers(0, STEPS, size=(1000, 2)), axis=1).tolist())
    limits.append(
        ("zoom of 8 columns, any window, packed", milliseconds(lambda: picture(history, *next(windows))), 50.0, "ms")
    )
    limits.append(
        (
            "zoom of one column, the whole",
            milliseconds(lambda: history.window("column 0", 0, STEPS, PIECES)),
            50.0,
            "ms",
        )
    )
    limits.append(("smoothing one column", milliseconds(lambda: history.smoothed("column 0", 100)), 50.0, "ms"))
    uneven = History()
    uneven.series("loss").add_rows(np.cumsum(random.integers(1, 4, STEPS)), np.asarray(values[0]))
    limits.append(
        ("smoothing one column with uneven steps", milliseconds(lambda: uneven.smoothed("loss", 100)), 50.0, "ms")
    )
    even, spotty = (smooth_windows(random, share) for share in (0.0, 1e-5))
    limits.append((f"smoothing begins, 8 columns × {LONG:,}", milliseconds(even["all"]), 100.0, "ms"))
    limits.append(("smoothed zoom of them, any window, packed", milliseconds(even["any"]), 50.0, "ms"))
    limits.append(("the same with a NaN in every 100,000 steps", milliseconds(spotty["any"]), 50.0, "ms"))
    limits.append(("copy, as a fork takes it", milliseconds(lambda: history.copy()), 10.0, "ms"))
    limits.append(
        (
            "cut in the middle and extend again",
            milliseconds(lambda: history.extend(history.cut(STEPS // 2))),
            100.0,
            "ms",
        )
    )
    print(f"{STEPS:,} steps × {COLUMNS} columns; {history.nbytes / 1e6:.1f} MB in arrays")
    for what, value, limit, unit in limits:
        print(f"{what:42}{value:10.2f} {unit:3} limit {limit:6.1f}  {'ok' if value <= limit else 'TOO MUCH'}")
    sys.exit(any(value > limit for _, value, limit, _ in limits))


def picture(history: History, first: float = -np.inf, last: float = np.inf) -> bytes:
    """What a browser is sent."""
    columns = {}
    for name in history.names:
        pieces = history.window(name, first, last, PIECES)
        columns[f"{name}/steps"] = pieces.steps.astype(np.int32)
        columns[f"{name}/low"], columns[f"{name}/mean"], columns[f"{name}/high"] = pieces.low, pieces.mean, pieces.high
    return pack(columns)[1]


def smooth_windows(random: np.random.Generator, missing: float) -> dict[str, Callable[[], object]]:
    """What a dashboard asks for when smoothing is switched on, and when the reader zooms into the smoothed curves."""
    history = History()
    for column in range(COLUMNS):
        values = random.lognormal(size=LONG).astype(np.float32).astype(float)
        values[random.random(LONG) < missing] = np.nan
        history.series(f"column {column}").add_rows(np.arange(1, LONG + 1), values)
    curves = Curves(SimpleNamespace(number=0, left=None, loop=SimpleNamespace(history=history), ahead=History()))  # type: ignore[arg-type]
    windows = iter(np.sort(random.integers(0, LONG, size=(1000, 2)), axis=1).tolist())

    def window() -> bytes:
        first, last = next(windows)
        return pack(
            {key: part for name in curves.names for key, part in curves.window(name, first, last, WINDOW, 100).items()}
        )[1]

    return {"all": lambda: pack(curves.new_smooth({}, 100, curves.names)), "any": window}


def milliseconds(what: Callable[[], object]) -> float:
    """The median of 15 times, after one that does not count."""
    times = []
    for _ in range(16):
        begin = time.perf_counter()
        what()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times[1:])


def resident() -> int:
    """Bytes of memory that the process holds; needs Linux."""
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
