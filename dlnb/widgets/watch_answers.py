"""What the dashboard asks once: a window of the curves in detail, everything as CSV, why a finding was made."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..train.history import History
from ..train.run import Run
from .base import Message
from .watch_curves import Curves, reduced

if TYPE_CHECKING:
    from ..train.health.finding import Finding

ROWS = 20_000  # rows of the table in one answer
MOST = 4096  # pieces of a window
POINTS = 300  # points of a curve that shows a finding

Answer = tuple[Message, dict[str, np.ndarray]]


def window(run: Run, message: Message) -> Answer:
    """The curves at steps `first` to `last` in at most `count` pieces each, smoothed ones too."""
    first, last, count = (_whole(message, key) for key in ("first", "last", "count"))
    half_life = message.get("half_life", 0)
    if not isinstance(half_life, (int, float)) or isinstance(half_life, bool) or not 0 <= half_life < 1e9:
        raise ValueError("half_life must be a number of steps")
    curves = Curves(run.line)
    columns: dict[str, np.ndarray] = {}
    for name in curves.names:
        smooth = 0.0 if name.startswith("valid_") else float(half_life)
        columns |= curves.window(name, first, last, min(max(count, 3), MOST), smooth)
    return {}, columns


def csv(run: Run, message: Message) -> Answer:
    """Every recorded number as CSV, a part at a time: what `from` on fits into one answer, and where the `next` begins.

    Raises: RuntimeError if the run went elsewhere on its timeline since the first part.
    """
    history = run.history.still()
    if message.get("version") not in (None, history.version):
        raise RuntimeError("the run went to another step meanwhile: save the table again")
    steps = _all_steps(history)
    start, rows = _whole(message, "from"), message.get("rows")
    rows = len(steps) if rows is None else min(_whole(message, "rows"), len(steps))
    part = steps[start : min(start + ROWS, rows)]
    columns = [_at(history, name, part) for name in history.names]
    lines = [",".join(["step", *map(_quoted, history.names)])] if start == 0 else []
    lines += [",".join([str(step), *row]) for step, *row in zip(part.tolist(), *columns, strict=True)]
    text = "".join(f"{line}\r\n" for line in lines).encode()
    end = start + len(part)
    header = {"rows": rows, "version": history.version, "next": end if end < rows else None}
    return header, {"text": np.frombuffer(text, np.uint8)}


def script(run: Run, _: Message) -> Answer:
    """The session as a Python script."""
    return {"text": run.journal.python()}, {}


def evidence(find: "Callable[[str], Finding]", message: Message) -> Answer:
    """What shows a finding: a curve or bars, and the facts in words."""
    found = find(str(message.get("finding"))).evidence
    data = {name: np.asarray(values, np.float64) for name, values in found.get("columns", {}).items()}
    x = found.get("x", "")
    facts = ", ".join(f"{key.replace('_', ' ')} {_short(value)}" for key, value in found.get("facts", {}).items())
    header = {"words": facts, "x_label": x, "labels": [str(label) for label in found.get("labels", ())], "names": []}
    columns: dict[str, np.ndarray] = {}
    across = data.pop(x, None)
    for i, (name, values) in enumerate(data.items()):
        if values.ndim == 1 and len(values):
            steps = np.arange(len(values)) if across is None or len(across) != len(values) else across
            fine = len(values) <= POINTS
            columns |= {f"{i}/x": steps, f"{i}/y": values} if fine else _thinned(i, steps, values)
            header["names"] = [*header["names"], name]
    return header, columns


def _thinned(i: int, steps: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """At most POINTS means of a long curve."""
    made = reduced("", steps, values, POINTS, band=False)
    return {f"{i}/x": made["/steps"], f"{i}/y": made["/mean"]}


def _all_steps(history: History) -> np.ndarray:
    """Every step at which something was recorded, (N,) int64."""
    steps = [history.series(name).tail(0)[0] for name in history.names]
    return np.unique(np.concatenate(steps)) if steps else np.empty(0, np.int64)


def _at(history: History, name: str, steps: np.ndarray) -> list[str]:
    """The values of a column at these steps as text, empty where there is none; of several at one step the last."""
    column = history.series(name)
    if not len(steps):
        return []
    begin, end = column.rows_up_to(int(steps[0]) - 1), column.rows_up_to(int(steps[-1]))
    there, values = column.tail(begin, end)
    texts = [""] * len(steps)
    for place, value in zip(np.searchsorted(steps, there).tolist(), values.tolist(), strict=True):
        texts[place] = repr(value)
    return texts


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"\r\n') else name


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _whole(message: Message, key: str) -> int:
    value = message.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{key} must be a whole number, 0 or more; got {value!r}")
    return value
