"""A still picture of a comparison, for saved notebooks: the curves, and beside them the setting that mattered most."""

import math

import numpy as np

from ..train.plot import Curves, png
from .compare_lines import Lines, axes, columns, gap, pieces, read

PIECES = 300
FEW = 8
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#999999", "#000000")


def picture(lines: Lines) -> bytes:
    """The comparison as a PNG picture."""
    from matplotlib import colormaps

    every = lines.all()
    column = lines.goal if lines.goal in columns(every) else "loss"
    values = np.array([lines.value(line) for line in every])
    good = values if lines.direction == "maximize" else -values
    order = np.argsort(np.argsort(np.where(np.isfinite(good), good, -np.inf)))
    shares = order / max(1, len(every) - 1)
    colours = [COLOURS[i] if len(every) <= FEW else colormaps["viridis"](share) for i, share in enumerate(shares)]
    mattered = lines.importance()
    found = [axis for axis in axes(every, lines.sweeps) if np.isfinite(axis.values).any()]
    axis = next((axis for name in mattered for axis in found if axis.name == name), found[0] if found else None)
    figure = Curves(figsize=(9.2 if axis is not None else 5.4, 3.3), layout="constrained")
    plots = figure.subplots(1, 2 if axis is not None else 1, squeeze=False)[0]
    reached = max((line.steps for line in every), default=1)
    width = max(gap(every, column), -(-reached // PIECES))
    for i in np.argsort(shares):  # the best on top
        line = every[i]
        curve = pieces(*read(line, column), width, 0)
        there = np.isfinite(curve)
        label = lines.label(int(i), line) if len(every) <= FEW else None
        plots[0].plot(np.arange(len(curve))[there] * width, curve[there], color=colours[i], linewidth=1.0, label=label)
    plots[0].set(xlabel="step", ylabel=column.replace("_", " "))
    drawn = [value for line in every for value in read(line, column)[1][-1:]]
    if drawn and min(drawn) > 0 and max(drawn) / min(drawn) > 20:
        plots[0].set_yscale("log")
    if len(every) <= FEW:
        plots[0].legend(frameon=False)
    if axis is not None:
        plots[1].scatter(axis.values, values, c=colours, s=18)
        plots[1].set(xlabel=axis.name, ylabel=f"{lines.goal.replace('_', ' ')} at the end")
        if axis.logarithmic:
            plots[1].set_xscale("log")
        if axis.choices is not None:
            plots[1].set_xticks(range(len(axis.choices)), axis.choices)
        ends = values[np.isfinite(values)]
        if len(ends) and ends.min() > 0 and ends.max() / ends.min() > 20 and math.isfinite(ends.max()):
            plots[1].set_yscale("log")
    for plot in plots:
        plot.spines[["top", "right"]].set_visible(False)
    return png(figure)
