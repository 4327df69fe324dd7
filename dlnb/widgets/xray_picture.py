"""The still picture of `dl.xray`: the tree of layers with their thumbnails, by Matplotlib without pyplot."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ..explain.pictures import NAN, Thumbnail
from ..explain.tree import Row
from .xray_sight import Sight

ROWS = 40
HEIGHT = 0.34  # inches of a row
TILES = 8  # maps of a row
SIGNED = LinearSegmentedColormap.from_list("signed", ["#d55e00", "#ffffff", "#0072b2"])


def picture(model: str, rows: Sequence[Row], sight: Sight) -> bytes:
    """The first 40 rows as a PNG picture."""
    shown = [row for row in rows if not row.more][:ROWS]
    figure = Figure(figsize=(9, HEIGHT * (len(shown) + 2)))
    FigureCanvasAgg(figure)
    step = 1 / (len(shown) + 2)
    words = ", ".join(f"{name} {value:.3g}" for name, value in sight.measures.items())
    figure.text(
        0.01,
        1 - 0.6 * step,
        f"{model}, example {sight.example}" + (f": {words}" if words else ""),
        weight="bold",
        va="center",
    )
    for place, title in ((0.37, "output"), (0.55, "weights"), (0.64, "activations"), (0.9, "dead")):
        figure.text(place, 1 - 1.5 * step, title, va="center", size=8, color="0.4")
    for line, row in enumerate(shown, 2):
        y = 1 - (line + 0.5) * step
        activity = sight.activities.get(row.path)
        name = row.kind if row.name == row.kind else f"{row.name} {row.kind}"
        figure.text(0.01 + 0.02 * min(row.depth, 6), y, name[:34], va="center", size=9)
        if row.parameters:
            figure.text(0.55, y, f"{row.parameters:,}", va="center", size=8)
        if activity is None:
            figure.text(0.37, y, "not called", va="center", size=8, color="0.5")
            continue
        figure.text(0.37, y, activity.shape[:26], va="center", size=8)
        bad = f"  {activity.bad:,} NaN or infinite" if activity.bad else ""
        if activity.dead or bad:
            figure.text(0.9, y, f"{activity.dead} of {activity.units}{bad}", va="center", size=8)
        if (thumbnail := sight.thumbnails.get(row.path)) is not None:
            axes = figure.add_axes((0.64, y - 0.42 * step, 0.25, 0.84 * step))
            axes.imshow(
                _side_by_side(thumbnail),
                aspect="equal" if len(thumbnail.data) > 1 else "auto",
                interpolation="nearest",
            )
            axes.set_anchor("W")
            axes.set_axis_off()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=90)
    return data.getvalue()


def _side_by_side(thumbnail: Thumbnail) -> np.ndarray:
    """All maps of a thumbnail in one row, coloured: (h, …, 4)."""
    import matplotlib

    data = thumbnail.data[:TILES].numpy()
    colours = SIGNED if thumbnail.signed else matplotlib.colormaps["viridis"]
    coloured = colours(data / 254.0)
    coloured[data == NAN] = matplotlib.colors.to_rgba("#e600c8")
    apart = np.pad(coloured, ((0, 0), (0, 0), (0, 1), (0, 0)))  # a column between two maps
    return np.concatenate(list(apart), axis=1)
