"""The frames of `dl.xray`: a tree of rows as JSON, everything that is a number as columns."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..explain.pictures import Thumbnail
from ..explain.surgery import Off
from ..explain.tree import Row
from .base import Message
from .xray_sight import Sight

NUMBERS = ("mean", "std", "low", "high", "zeros", "bad", "dead", "units", "gradient_norm")


def tree(rows: Sequence[Row], sight: Sight | None) -> list[Message]:
    """The rows as the browser lists them: everything that is text."""
    listed = []
    for row in rows:
        said: Message = {
            "path": row.path,
            "name": row.name,
            "kind": row.kind,
            "settings": row.settings,
            "depth": row.depth,
        }
        said |= {"place": row.place, "siblings": row.siblings, "children": row.children, "open": row.is_open}
        said |= {"parameters": row.parameters, "frozen": row.frozen, "same": row.same_as, "more": row.more}
        activity = None if sight is None else sight.activities.get(row.path)
        said["calls"] = 0 if activity is None else activity.calls
        said["shape"] = "" if activity is None else activity.shape
        listed.append(said)
    return listed


def pack_sight(
    rows: Sequence[Row], sight: Sight, updates: Mapping[str, float]
) -> tuple[Message, dict[str, np.ndarray]]:
    """What was seen, as a header and columns: one value a row, the thumbnails one after the other."""
    activities = [sight.activities.get(row.path) if not row.more else None for row in rows]
    columns: dict[str, np.ndarray] = {
        name: np.array([math.nan if a is None else float(getattr(a, name)) for a in activities], np.float32)
        for name in NUMBERS
    }
    columns["update"] = np.array([updates.get(row.path, math.nan) for row in rows], np.float32)
    paths = [None if row.more else row.path for row in rows]
    columns |= _thumbnails("thumbnails", [None if path is None else sight.thumbnails.get(path) for path in paths])
    if sight.gradients:
        columns |= _thumbnails("gradients", [None if path is None else sight.gradients.get(path) for path in paths])
    if sight.answer is not None:
        columns["answer"] = sight.answer
    if sight.answer_before is not None:
        columns["answer_before"] = sight.answer_before
    header: Message = {
        "measures": _numbers(sight.measures),
        "before": None if sight.measures_before is None else _numbers(sight.measures_before),
        "changed": sight.changed,
        "difference": number(sight.difference),
        "truth": sight.truth,
        "example": sight.example,
        "examples": sight.examples,
        "problems": [problem[:300] for problem in sight.problems[:4]],
    }
    if sight.detail is not None:
        header["detail"] = _detail(sight, columns, updates)
    return header, columns


def status(off: Sequence[Off]) -> list[Message]:
    """What is switched off."""
    return [{"path": part.path, "unit": part.unit} for part in off]


def number(value: float | None) -> float | None:
    """JSON has no NaN."""
    return None if value is None or not math.isfinite(value) else value


def _detail(sight: Sight, columns: dict[str, np.ndarray], updates: Mapping[str, float]) -> Message:
    detail = sight.detail
    assert detail is not None
    activity = sight.activities.get(detail.path)
    low, high, counted, total = detail.weights
    columns["detail/values"] = detail.values.reshape(-1)
    columns["detail/peaks"] = detail.peaks
    columns["detail/weights"] = detail.counts
    if detail.gradient is not None:
        columns["detail/gradient"] = detail.gradient.reshape(-1)
    said: Message = {
        "path": detail.path, "kind": detail.kind, "rows": detail.values.shape[0], "cells": detail.values.shape[1],
        "height": detail.height, "width": detail.width, "unit": detail.unit,
        "weights": {"low": number(low), "high": number(high), "counted": counted, "total": total},
        "reinitialise": detail.can_reinitialise, "update": number(updates.get(detail.path)),
        "calls": 0, "call": 0, "shape": "", "taken": "", "problem": "", "units": 0, "numbers": {},
    }  # fmt: skip
    if activity is not None:
        said |= {"calls": activity.calls, "call": activity.call, "shape": activity.shape, "taken": activity.taken}
        said |= {"problem": activity.problem[:300], "units": activity.units}
        said["numbers"] = _numbers({name: float(getattr(activity, name)) for name in NUMBERS})
    if detail.overview is not None:
        columns |= _thumbnails("overview", [detail.overview])
    return said


def _thumbnails(name: str, pictures: Sequence[Thumbnail | None]) -> dict[str, np.ndarray]:
    """Pictures as three columns: count, height, width and signed of each; its scale; all bytes."""
    layout = [(0, 0, 0, 0) if p is None else (*p.data.shape, int(p.signed)) for p in pictures]
    data = [p.data.reshape(-1).numpy() for p in pictures if p is not None]
    return {
        f"{name}/layout": np.array(layout, np.int32).reshape(-1),
        f"{name}/scale": np.array([math.nan if p is None else p.scale for p in pictures], np.float32),
        f"{name}/data": np.concatenate(data) if data else np.zeros(0, np.uint8),
    }


def _numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: number(value) for name, value in values.items()}
