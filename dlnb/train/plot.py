"""The curves of a run as a Matplotlib figure, without pyplot: it may be drawn on any thread."""

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .history import History

if TYPE_CHECKING:
    from .lookahead import WhatIf
    from .run import Run

# Okabe & Ito's palette, which colour-blind readers can tell apart.
TRAIN, VALID = "#0072B2", "#D55E00"
PIECES = 400


class Curves(Figure):
    """A figure that shows itself in a notebook, whether or not pyplot was ever imported."""

    def _repr_png_(self) -> bytes:
        return png(self)


def png(figure: Figure) -> bytes:
    """The figure as a PNG picture."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    return picture.getvalue()


def plot(run: "Run") -> Figure:
    """Loss on the left, each metric of the validation split beside it, turns of the knobs as lines.

    The band is the smallest and largest loss of each piece, the line its mean.
    """
    history = run.history
    metrics = [name for name in history.names if name.startswith("valid_") and name != "valid_loss"]
    figure = Curves(figsize=(4.2 * (1 + len(metrics)), 3.1), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 1 + len(metrics), squeeze=False)[0]
    if "loss" in history:
        pieces = history.buckets("loss", PIECES)
        axes[0].fill_between(pieces.steps, pieces.low, pieces.high, color=TRAIN, alpha=0.2, linewidth=0)
        axes[0].plot(pieces.steps, pieces.mean, color=TRAIN, linewidth=1.2, label="training")
    if "valid_loss" in history:
        axes[0].plot(*_points(history, "valid_loss"), color=VALID, marker=".", label="validation")
    if axes[0].get_legend_handles_labels()[0]:
        axes[0].legend(frameon=False)
    axes[0].set(xlabel="step", ylabel="loss")
    if axes[0].get_ylim()[1] > 0 and not any((history[name] < 0).any() for name in ("loss", "valid_loss") if name in history):
        axes[0].set_ylim(bottom=0)
    for axis, name in zip(axes[1:], metrics, strict=True):
        axis.plot(*_points(history, name), color=VALID, marker=".")
        axis.set(xlabel="step", ylabel=f"validation {name.removeprefix('valid_')}")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        for mark in history.marks:
            axis.axvline(mark.step, color="0.6", linewidth=0.8, linestyle=":")
    return figure


def _points(history: History, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of one moment: the run may go on meanwhile."""
    pieces = history.buckets(name, PIECES)
    return pieces.steps, pieces.mean


def plot_what_if(seen: "WhatIf") -> Figure:
    """What would come of each setting: one line of losses each, the best one named."""
    figure = Curves(figsize=(5, 3.1), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    for setting, losses in zip(seen.settings, seen.losses, strict=True):
        words = ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in setting.items())
        axis.plot(seen.steps, losses, linewidth=1.2, label=words + (" (best)" if setting == seen.best else ""))
    axis.set(xlabel="step", ylabel="loss")
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
