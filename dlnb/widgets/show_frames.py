"""What a browser is sent of a thing that is shown: one frame with all of it, or as much as fits; the rest is said.

From then on the browser needs the kernel no more: zooming and reading go on while a cell computes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..preview import Scene
from .base import Message
from .show_about import About
from .show_facts import Numbers, counted, short
from .show_kinds import Given, Nothing, Pictures, Sounds, Table, Tokens
from .show_sound import spectrum
from .watch_gallery import gallery

VALUES = 1_000_000  # numbers that are sent
EXAMPLES = 64  # of a batch
SOUNDS = 8
TOKENS = 2_000  # of all texts together
ROWS, COLUMNS = 200, 100  # of a table
LETTERS = 200  # of one text in a table


def frame(given: Given, said: About, columns: dict[str, np.ndarray]) -> Message:
    """The header; adds its columns."""
    message: Message = {
        "title": said.title,
        "facts": [list(fact) for fact in said.facts],
        "strange": [[one.what, one.remedy] for one in said.strange],
        "low": None if said.numbers is None else said.numbers.low,
        "high": None if said.numbers is None else said.numbers.high,
        **_sight(given, columns),
    }
    if said.numbers is not None:
        columns["counts"] = said.numbers.counts
    return message


def _sight(given: Given, columns: dict[str, np.ndarray]) -> Message:
    sight = given.sight
    if isinstance(sight, Nothing):
        return {"sight": "nothing"}
    if isinstance(sight, Pictures):
        return {"sight": "pictures", "pictures": _pictures(sight, columns)}
    if isinstance(sight, Sounds):
        return {"sight": "sounds", "sounds": _sounds(sight, columns)}
    if isinstance(sight, Tokens):
        return {"sight": "tokens", "tokens": _tokens(sight, columns)}
    if isinstance(sight, Table):
        return {"sight": "table", "table": _table(sight, columns)}
    if isinstance(sight, Scene):
        return {"sight": "scene", "scene": _scene(sight, columns)}
    return {"sight": "preview", "gallery": gallery(sight, columns, True)}


def ramp(numbers: Numbers) -> tuple[str, float, float]:
    """How a picture is coloured: "grey" where it runs from 0 to 1 or 255, "signed" around 0, else "magnitude"; and what is dark, and bright."""
    low, high = numbers.low or 0.0, numbers.high or 0.0
    if low < 0:
        top = max(-low, high)
        return "signed", -top, top
    if high <= 1:
        return "grey", 0.0, 1.0
    return ("grey", 0.0, 255.0) if high <= 255 and high > 127 else ("magnitude", 0.0, high)


def fitted(values: np.ndarray, room: int) -> tuple[np.ndarray, int]:
    """Pictures (N, H, W, C) with at most `room` numbers, blocks of pixels averaged if need be; and the side of a block."""
    count, height, width, channels = values.shape
    block = max(1, int(np.ceil(np.sqrt(values.size / room))))
    if block == 1:
        return values, 1
    tall, wide = -(-height // block), -(-width // block)
    padded = np.pad(values.astype(np.float32), ((0, 0), (0, tall * block - height), (0, wide * block - width), (0, 0)), mode="edge")
    return padded.reshape(count, tall, block, wide, block, channels).mean((2, 4)), block


def _pictures(sight: Pictures, columns: dict[str, np.ndarray]) -> Message:
    each = max(1, sight.values[0].size)
    kept = max(1, min(len(sight.values), EXAMPLES, VALUES // each))
    values, block = fitted(sight.values[:kept], VALUES)
    columns["values"] = (values if values.dtype == np.uint8 else values.astype(np.float32)).reshape(-1)
    colours, dark, bright = ramp(Numbers.of(sight.values))
    if values.shape[3] == 3 and colours == "magnitude":
        colours, bright = "grey", 255.0 if sight.values.dtype == np.uint8 else bright
    note = ""
    if block > 1:
        note = f"Each number here is the mean of {block} × {block} pixels. For the pixels themselves show a part: x[..., :200, :200]."
    elif kept < len(sight.values):
        note = f"The first {kept} of {counted(len(sight.values), 'picture')} are shown."
    return {
        "count": kept, "height": values.shape[1], "width": values.shape[2], "channels": values.shape[3],
        "labels": None if sight.labels is None else _texts(sight.labels[:kept]), "colours": colours, "dark": dark, "bright": bright,
        "whole": bool(values.dtype.kind in "ui"), "several": sight.several, "note": note,
    }  # fmt: skip


def _sounds(sight: Sounds, columns: dict[str, np.ndarray]) -> Message:
    values = sight.values[:SOUNDS]
    kept = max(1, min(len(values), VALUES // max(1, values.shape[1])))
    sent = values[:kept, :VALUES].astype(np.float32)
    columns["values"] = sent.reshape(-1)
    notes = []
    if kept < len(sight.values):
        notes.append(f"The first {kept} of {counted(len(sight.values), 'sound')} are shown.")
    if sent.shape[1] < sight.values.shape[1]:
        notes.append(f"The first {VALUES:,} samples are shown.")
    message: Message = {
        "count": kept, "samples": sent.shape[1], "rate": sight.rate, "several": sight.several,
        "labels": None if sight.labels is None else _texts(sight.labels[:kept]), "note": " ".join(notes), "spectra": [],
    }  # fmt: skip
    if sight.rate is not None:
        found = [spectrum(sound, sight.rate) for sound in sent]
        message["spectra"] = [
            None if one is None else {"columns": one.loud.shape[0], "bins": one.loud.shape[1], "hop": one.hop, "window": one.window, "step": one.step}
            for one in found
        ]
        loud = [one.loud.reshape(-1) for one in found if one is not None]
        columns["spectra"] = np.concatenate(loud) if loud else np.zeros(0, np.uint8)
    return message


def _tokens(sight: Tokens, columns: dict[str, np.ndarray]) -> Message:
    rows: list[Sequence[str]] = []
    left = TOKENS
    for pieces in sight.pieces[:EXAMPLES]:
        if left <= 0:
            break
        rows.append(pieces[:left])
        left -= len(pieces)
    columns["ids"] = np.concatenate([row[: len(pieces)] for row, pieces in zip(sight.ids, rows, strict=False)]).clip(-(2**31), 2**31 - 1)
    all_of_them, sent = sum(map(len, sight.pieces)), sum(map(len, rows))
    note = f"The first {sent:,} of {all_of_them:,} tokens are shown." if sent < all_of_them else ""
    labels = None if sight.labels is None else _texts(sight.labels[: len(rows)])
    return {"pieces": [_texts(row) for row in rows], "labels": labels, "unknown": sight.unknown, "note": note}


def _table(sight: Table, columns: dict[str, np.ndarray]) -> Message:
    names, rows = sight.names[:COLUMNS], min(len(sight), ROWS)
    shown = []
    for place, name in enumerate(names):
        column = sight.columns[place]
        one: dict[str, Any] = {"name": _texts([name])[0], "missing": sight.missing.get(name, 0)}
        if isinstance(column, np.ndarray):
            columns[f"column/{place}"] = column[:rows].astype(np.float32)
            look = Numbers.of(column)
            one["about"] = [short(look.low), short(look.high), short(look.mean), short(look.deviation)]
        else:
            one["texts"] = _texts(column[:rows])
            one["about"] = [counted(len(set(column)), "word")]
        shown.append(one)
    notes = []
    if rows < len(sight):
        notes.append(f"the first {rows} of {counted(len(sight), 'row')}")
    if len(names) < len(sight.names):
        notes.append(f"the first {COLUMNS} of {counted(len(sight.names), 'column')}")
    labels = None if sight.labels is None else _texts(sight.labels[:rows])
    return {"rows": rows, "columns": shown, "labels": labels, "note": f"Shown are {' and '.join(notes)}." if notes else ""}


def _scene(sight: Scene, columns: dict[str, np.ndarray]) -> Message:
    columns |= {"pixels": sight.pixels.reshape(-1), "rows": sight.rows.reshape(-1), "boxes": sight.boxes.reshape(-1)}
    return {"height": sight.pixels.shape[0], "width": sight.pixels.shape[1], "names": list(sight.names), "count": len(sight.rows)}


def _texts(texts: Sequence[str]) -> list[str]:
    """As they can be sent: not endless, and without halves of characters, which no encoding knows."""
    return [(text if len(text) <= LETTERS else text[:LETTERS] + "…").encode("utf-8", "replace").decode() for text in texts]
