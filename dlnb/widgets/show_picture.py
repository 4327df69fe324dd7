"""What is shown as a still picture, for saved notebooks and where no widget can run."""

import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from ..preview import Boxes, Captioned, Forecasts, Images, Masks, Scene, Texts
from ..train.plot import TRAIN, VALID, Curves, png
from .show_about import About
from .show_facts import Numbers, short
from .show_frames import fitted, ramp
from .show_kinds import Given, Nothing, Pictures, Sounds, Table, Tokens
from .show_sound import RANGE, spectrum

SIGNED = LinearSegmentedColormap.from_list("signed", [VALID, "#FAFAFA", TRAIN])
NUMBERED = 16  # pixels on a side, up to which the numbers stand in a picture
IN_A_ROW, EXAMPLES = 8, 16
ROWS, COLUMNS = 8, 7  # of a table
PIECES, LINES = 14, 4  # of a text in a line, and of texts
ROOM = 250_000  # numbers that are drawn of one picture


def picture(given: Given, said: About) -> bytes:
    """As a PNG picture."""
    sight = given.sight
    if isinstance(sight, Pictures):
        drawn = _pictures(sight)
    elif isinstance(sight, Sounds):
        drawn = _sounds(sight)
    elif isinstance(sight, Tokens):
        drawn = _tokens(sight)
    elif isinstance(sight, Table):
        drawn = _table(sight)
    elif isinstance(sight, Scene):
        drawn = _scene(sight)
    elif isinstance(sight, Nothing):
        drawn = _figure(6, 0.6)
    else:
        drawn = _preview(sight)
    lines = [f"{name}: {words}" for name, words in said.facts] + [f"! {one}" for one in said.strange]
    wide = int(drawn.get_figwidth() * 15)
    text = "\n".join("\n  ".join(textwrap.wrap(line, wide)) for line in [said.title, *lines])
    drawn.suptitle(text, fontsize=8, x=0.02, ha="left", linespacing=1.4, parse_math=False)
    drawn.set_figheight(drawn.get_figheight() + 0.17 * (text.count("\n") + 1))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a sign that the font has not is drawn as a box
        return png(drawn)


def _figure(width: float, height: float) -> Curves:
    figure = Curves(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _pictures(sight: Pictures) -> Curves:
    count = min(len(sight.values), EXAMPLES)
    values, block = fitted(sight.values[:count], ROOM * count)
    if count == 1:
        height, width = values.shape[1:3]
        tall = float(np.clip(4.2 * height / width, 0.8, 4.2))
        figure = _figure(5.2, tall)
        axis = figure.subplots()
        _draw(axis, sight, values[0])
        for image in axis.images:  # rows and columns are counted as they are, also where several make one
            image.set_extent((-0.5, width * block - 0.5, height * block - 0.5, -0.5))
        rows, columns = sight.values.shape[1:3]
        axis.set(xlabel="column", ylabel="row", xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        if max(height, width) <= NUMBERED and values.shape[3] == 1:
            _numbers(axis, values[0, :, :, 0], sight.values)
        if sight.labels:
            axis.set_title(sight.labels[0], fontsize=9, parse_math=False)
        return figure
    across = min(count, IN_A_ROW)
    down = -(-count // across)
    figure = _figure(1.1 * across, 1.25 * down)
    for place, axis in enumerate(figure.subplots(down, across, squeeze=False).flat):
        axis.set_axis_off()
        if place < count:
            _draw(axis, sight, values[place])
            if sight.labels:
                axis.set_title(_cut(sight.labels[place], 14), fontsize=8, parse_math=False)
    return figure


def _draw(axis: Axes, sight: Pictures, values: np.ndarray) -> None:
    """One picture (H, W, C) in its colours; what is no number in magenta."""
    colours, dark, bright = ramp(Numbers.of(sight.values))
    if values.shape[2] == 3:
        top = 255.0 if sight.values.dtype == np.uint8 else bright
        axis.imshow(np.nan_to_num((values - dark) / ((top - dark) or 1)).clip(0, 1), interpolation="nearest")
        return
    cmap: Any = {"grey": "gray", "magnitude": "viridis", "signed": SIGNED}[colours]
    axis.imshow(values[:, :, 0], cmap=cmap, vmin=dark, vmax=bright, interpolation="nearest")
    axis.set_facecolor("#e600c8")


def _numbers(axis: Axes, values: np.ndarray, whole: np.ndarray) -> None:
    colours, dark, bright = ramp(Numbers.of(whole))
    for (row, column), value in np.ndenumerate(values):
        share = (float(value) - dark) / ((bright - dark) or 1)
        light = abs(share - 0.5) < 0.3 if colours == "signed" else share > 0.6
        words = short(round(float(value), 2)) if np.isfinite(value) else "NaN"
        axis.text(column, row, words, ha="center", va="center", fontsize=7, color="black" if light else "white")


def _sounds(sight: Sounds) -> Curves:
    sound = sight.values[0]
    seen = None if sight.rate is None else spectrum(sound, sight.rate)
    figure = _figure(8, 3.8 if seen is not None else 1.9)
    axes = figure.subplots(2 if seen is not None else 1, 1, sharex=True, squeeze=False)[:, 0]
    step = 1 / sight.rate if sight.rate else 1.0
    pieces = np.array_split(sound.astype(np.float64), min(len(sound), 1500))
    times = np.cumsum([0, *(len(piece) for piece in pieces[:-1])]) * step
    lows, highs = (np.array([edge(piece) for piece in pieces]) for edge in (np.min, np.max))
    axes[0].fill_between(times, lows, highs, color=TRAIN, linewidth=0.8, edgecolor=TRAIN)
    axes[0].set(ylabel="sample" if sight.rate else "number")
    if seen is not None:
        ends = (0, (seen.loud.shape[0] * seen.hop + seen.window) * step, 0, seen.step * seen.loud.shape[1] / 1000)
        drawn = axes[1].imshow(seen.loud.T / 255 * RANGE - RANGE, origin="lower", aspect="auto", extent=ends, cmap="viridis", interpolation="nearest")
        axes[1].set(ylabel="kHz")
        figure.colorbar(drawn, ax=axes, label="decibels", shrink=0.6)
    axes[-1].set(xlabel="seconds" if sight.rate else "place")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _tokens(sight: Tokens) -> Curves:
    lines: list[tuple[Sequence[str], np.ndarray]] = []
    for whole, numbers in zip(sight.pieces[:LINES], sight.ids, strict=False):
        ends = range(0, min(len(whole), LINES * PIECES), PIECES)
        lines += [(whole[begin : begin + PIECES], numbers[begin : begin + PIECES]) for begin in ends]
    figure = _figure(9, 0.62 * max(1, len(lines)))
    axis = figure.subplots()
    axis.set(xlim=(0, PIECES), ylim=(len(lines), 0))
    axis.set_axis_off()
    for row, (pieces, ids) in enumerate(lines):
        for place, (piece, number) in enumerate(zip(pieces, ids.tolist(), strict=True)):
            axis.add_patch(Rectangle((place + 0.03, row + 0.08), 0.94, 0.84, facecolor="#0072B21A", edgecolor="0.6", linewidth=0.6))
            shown = _cut(piece.replace(" ", "␣").replace("\n", "⏎"), 10)
            axis.text(place + 0.5, row + 0.36, shown, ha="center", va="center", fontsize=8, parse_math=False)
            axis.text(place + 0.5, row + 0.72, str(number), ha="center", va="center", fontsize=7, color="0.35")
    return figure


def _table(sight: Table) -> Curves:
    names, rows = list(sight.names[:COLUMNS]), min(ROWS, len(sight))
    cells = [[_cell(sight.columns[place], row) for place in range(len(names))] for row in range(rows)]
    if sight.labels:
        names, cells = ["label", *names], [[sight.labels[row], *cell] for row, cell in enumerate(cells)]
    figure = _figure(max(4.0, 1.25 * len(names)), 0.26 * (rows + 1))
    axis = figure.subplots()
    axis.set_axis_off()
    drawn = axis.table([[_cut(cell, 16) for cell in row] for row in cells], colLabels=[_cut(name, 18) for name in names], bbox=Bbox.unit())
    _plain(drawn)
    return figure


def _plain(table: Any) -> None:
    """Small letters, thin lines, and a dollar is a dollar."""
    table.auto_set_font_size(False)
    table.set_fontsize(7)
    for cell in table.get_celld().values():
        cell.set_linewidth(0.3)
        cell.get_text().set_parse_math(False)


def _cell(column: np.ndarray | list[str], row: int) -> str:
    value = column[row]
    return value if isinstance(value, str) else "" if np.isnan(value) else short(float(value))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _scene(sight: Scene) -> Curves:
    figure = _figure(8, 3.4)
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    left.imshow(sight.pixels)
    left.set_axis_off()
    for number, (x1, y1, x2, y2) in enumerate(sight.boxes.tolist()):
        if np.isfinite(x1):
            left.text((x1 + x2) / 2, (y1 + y2) / 2, str(number), ha="center", va="center", fontsize=8, color="white", fontweight="bold")
    right.set_axis_off()
    cells = [[str(number), *(short(round(float(value), 2)) for value in row)] for number, row in enumerate(sight.rows[: ROWS + 2])]
    drawn = right.table(cells, colLabels=["", *(name.replace(", ", "\n") for name in sight.names)], bbox=Bbox.unit())
    _plain(drawn)
    return figure


def _preview(sight: Any) -> Curves:
    if isinstance(sight, Texts):
        names = {"read": sight.read, "true": sight.truth, "the model says": sight.said}
        there = {name: list(texts) for name, texts in names.items() if texts is not None}
        return _table(Table(tuple(there), tuple(there.values())))
    if isinstance(sight, Forecasts):
        count = min(4, len(sight.past))
        figure = _figure(8, 1.3 * count)
        for row, axis in enumerate(figure.subplots(count, 1, squeeze=False)[:, 0]):
            behind = sight.past.shape[1]
            axis.plot(range(behind), sight.past[row], color="0.5")
            for column, colour in ((sight.truth, TRAIN), (sight.said, VALID)):
                if column is not None:
                    axis.plot(range(behind, behind + column.shape[1]), column[row], color=colour)
            axis.spines[["top", "right"]].set_visible(False)
        return figure
    assert isinstance(sight, Images | Boxes | Masks | Captioned)
    pixels = sight.pixels if sight.pixels.ndim == 4 else sight.pixels[..., None]
    figure = _pictures(Pictures(pixels, _captions(sight), several=True))
    if isinstance(sight, Boxes) and sight.truth is not None:
        for axis, boxes in zip(figure.axes, sight.truth, strict=False):
            for x1, y1, x2, y2 in boxes.tolist():
                axis.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=VALID))
    if isinstance(sight, Masks) and sight.truth is not None:
        for axis, mask in zip(figure.axes, sight.truth, strict=False):
            axis.imshow(np.ma.masked_equal(mask, 0), cmap="viridis", alpha=0.55, interpolation="nearest")
    return figure


def _captions(sight: Images | Boxes | Masks | Captioned) -> tuple[str, ...] | None:
    """A word for each picture: what is true of it."""
    if isinstance(sight, Captioned):
        return sight.truth or sight.said
    if isinstance(sight, Images) and sight.truth is not None:
        return tuple(str(sight.classes[label]) for label in sight.truth.tolist())
    return None
