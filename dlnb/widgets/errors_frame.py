"""The frames of `dl.errors`: what is new for one browser view, as small as it can be.

A view has a wish, the list and the curve it shows. It gets the cells of the matrix that changed, the examples of its
list, and the pictures it has not had before.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..train.mistakes.mistakes import precision_recall
from .base import Message, View
from .findings import Findings
from .frames import pack

if TYPE_CHECKING:
    from .errors import Errors

PAGE = 24  # examples that a list shows at once
LIVE = 5_000  # bytes in a frame that comes by itself, from which on it takes no further pictures
ANSWER = 64_000  # and in one that somebody waits for
KNOWN = 500  # pictures that a browser keeps
DOTS = 256  # of a scatter plot
COLUMNS = 8  # numbers of a regression that can be shown


@dataclass
class Wish:
    """What a view shows: a list of examples (of classes, of which page), and the curve of a class or of all (-1)."""

    name: str = "worst"
    truth: int = -1
    said: int = -1
    page: int = 0
    curve: int = -1


def frame_for(widget: "Errors", view: View) -> tuple[Message | None, bytes, list[int]]:
    """The frame for a view (None if nothing is new), its buffer, and the examples whose pictures are missing."""
    run, found = widget.run, widget.found
    cursors, wish = view.cursors, view.cursors.setdefault("wish", Wish())
    reading = widget.progress
    header: Message = {
        "full": view.sent == 0,
        "model": type(run.model).__name__,
        "task": widget.task.name,
        "split": widget.split,
        "splits": widget.splits,
        "state": run.state,
        "notice": widget.notice,
        "reading": reading,
        "influence": widget.influence,
    }
    columns: dict[str, np.ndarray] = {}
    status = (widget.number, run.state, tuple(reading or ()))
    new_wish = cursors.get("wished") != asdict(wish)
    fresh = found is not None and (cursors.get("found") is not found)
    missing: list[int] = []
    if found is not None:
        if fresh:
            header["found"] = _found(found, columns, cursors)
        if fresh or new_wish:
            header["curve"] = _curve(found, wish, columns)
            header["list"] = _list(found, wish, columns)
        waited_for = new_wish or view.sent == 0 or run.state != "running"
        room = (ANSWER if waited_for else LIVE) - sum(column.nbytes for column in columns.values())
        missing = _pictures(widget, found, wish, cursors, header, columns, room)
    if status == cursors.get("status") and not (fresh or new_wish or "pictures" in header) and view.sent:
        return None, b"", missing
    cursors["status"], cursors["found"], cursors["wished"] = status, found, asdict(wish)
    header["columns"], buffer = pack(columns)
    return header, buffer, missing


def _found(found: Findings, columns: dict[str, np.ndarray], cursors: dict[str, Any]) -> Message:
    answers = found.answers
    before: Findings | None = cursors.get("found")
    header: Message = {
        "kind": answers.kind,
        "steps": list(found.steps),
        "count": len(answers),
        "batches": answers.whole_batches,
        "classCount": len(answers.classes),
        "summary": found.summary(),
        "since": found.since,
        "looks": found.looks,
        "new": len(found.new),
        "mended": len(found.mended),
        "forgotten": int((found.forgotten > 0).sum()),
        "comparable": answers.right is not None,
    }
    if before is not None and (
        (before.split, before.answers.kind, before.answers.classes) != (found.split, answers.kind, answers.classes)
        or not np.array_equal(before.shown, found.shown)
    ):
        before = None
    header["anew"] = before is None
    if before is None:
        header["classes"] = [answers.classes[k] for k in found.shown]
        columns["shown"] = found.shown.astype(np.int32)
    if found.confusion is not None:
        cells = found.confusion[np.ix_(found.shown, found.shown)].reshape(-1)
        if before is None or before.confusion is None:
            changed = np.flatnonzero(cells)
        else:
            changed = np.flatnonzero(cells != before.confusion[np.ix_(found.shown, found.shown)].reshape(-1))
        columns["cell/gap"], columns["cell/count"] = _narrow(np.diff(changed, prepend=0)), _narrow(cells[changed])
    if found.table is not None:
        table = found.table
        for name in ("support", "said", "right"):  # precision, recall and F1 follow from these
            columns[f"class/{name}"] = _narrow(getattr(table, name)[found.shown])
        columns["class/average"] = table.average_precision[found.shown]
    if found.calibration is not None:
        bins = found.calibration
        header["calibration"] = bins.error if np.isfinite(bins.error) else None
        columns["bin/confidence"], columns["bin/accuracy"] = bins.confidence, bins.accuracy
        columns["bin/count"] = bins.count.astype(np.int32)
    if answers.kind == "numbers" and answers.truth is not None and answers.said is not None:
        header["outputs"] = min(COLUMNS, answers.truth.shape[1])
    return header


def _narrow(counts: np.ndarray) -> np.ndarray:
    """Counts in one byte each where they fit."""
    return counts.astype(np.uint8 if counts.max(initial=0) < 256 else np.int32)


def _curve(found: Findings, wish: Wish, columns: dict[str, np.ndarray]) -> Message | None:
    """The precision-recall curve of a class, or the predictions of one output of a regression."""
    answers = found.answers
    if answers.kind == "numbers" and answers.truth is not None and answers.said is not None:
        output = max(0, min(wish.curve, answers.truth.shape[1] - 1, COLUMNS - 1))
        dots = _dots(found)
        columns["dot/index"] = dots.astype(np.int32)
        columns["dot/truth"], columns["dot/said"] = answers.truth[dots, output], answers.said[dots, output]
        return {"class": output}
    if found.table is None:
        return None
    k = wish.curve if 0 <= wish.curve < len(answers.classes) else -1
    columns["curve/recall"], columns["curve/precision"] = precision_recall(answers, None if k < 0 else k)
    area = float(found.table.average_precision[k]) if k >= 0 else None
    return {"class": k, "area": area if area is not None and np.isfinite(area) else None}


def _dots(found: Findings) -> np.ndarray:
    """Examples for a scatter plot: the worst, and of the others so many evenly."""
    finite = found.answers.finite
    order = found.listed("worst")
    order = order[finite[order]]
    if len(order) <= DOTS:
        return order
    rest = order[PAGE:]
    return np.concatenate([order[:PAGE], rest[np.linspace(0, len(rest) - 1, DOTS - PAGE).astype(int)]])


def page_of(found: Findings, wish: Wish) -> np.ndarray:
    """The numbers of the examples that a view shows."""
    return _chosen(found, wish)[wish.page * PAGE : (wish.page + 1) * PAGE]


def _chosen(found: Findings, wish: Wish) -> np.ndarray:
    classes = len(found.answers.classes)
    if max(wish.truth, wish.said) >= classes or (wish.name in ("cell", "class") and wish.truth < 0):
        return np.zeros(0, np.int64)
    return found.listed(wish.name, wish.truth, wish.said)


def _list(found: Findings, wish: Wish, columns: dict[str, np.ndarray]) -> Message:
    answers, every = found.answers, _chosen(found, wish)
    wish.page = min(wish.page, max(0, (len(every) - 1) // PAGE))  # the list may have grown shorter
    numbers = page_of(found, wish)
    shares = np.array([found.probabilities(i) for i in numbers], np.float32).reshape(-1, 2)
    columns["list/number"] = numbers.astype(np.int32)
    columns["list/loss"] = answers.losses[numbers]
    columns["list/said"], columns["list/truth"] = shares[:, 0], shares[:, 1]
    if len(found.forgotten):
        columns["list/forgotten"] = found.forgotten[numbers].astype(np.int32)
    if answers.right is not None:
        columns["list/right"] = answers.right[numbers].astype(np.uint8)
    return {
        "name": wish.name,
        "truth": wish.truth,
        "said": wish.said,
        "page": wish.page,
        "pages": -(-len(every) // PAGE),
        "total": len(every),
        "truths": [found.truth_words(i) for i in numbers],
        "answers": [found.said_words(i) for i in numbers],
    }


def _pictures(
    widget: "Errors",
    found: Findings,
    wish: Wish,
    cursors: dict[str, Any],
    header: Message,
    columns: dict[str, np.ndarray],
    room: int,
) -> list[int]:
    """Add pictures that the view has not had, as many as there is room for; returns those that nobody has yet."""
    if found.answers.whole_batches:
        return []
    kept = widget.pictures.get(found.split, {})
    had: set[tuple[str, int]] = cursors.setdefault("had", set())
    page = [int(number) for number in page_of(found, wish)]
    wanted = [number for number in page if (found.split, number) not in had]
    sent: list[tuple[int, np.ndarray]] = []
    for number in wanted:
        if number in kept and (room > 0 or not sent):
            sent.append((number, kept[number]))
            room -= kept[number].nbytes
    if sent:
        header["forget"] = len(had) + len(sent) > KNOWN
        if header["forget"]:
            had.clear()
        had.update((found.split, number) for number, _ in sent)
        shapes = [[number, *picture.shape[:2], picture[0, 0].size] for number, picture in sent]
        header["pictures"] = len(sent)
        columns["picture/shape"] = np.array(shapes, np.int32).reshape(-1)
        columns["picture/pixels"] = np.concatenate([picture.reshape(-1) for _, picture in sent])
        if any(number in kept and (found.split, number) not in had for number in page):
            widget.changed()  # the others with the next frame
    return [number for number in wanted if number not in kept]
