"""What one look at a split found, as a Matplotlib figure without pyplot: it may be drawn on any thread."""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..train.mistakes.mistakes import worst
from ..train.plot import TRAIN, VALID, Curves
from .findings import SPLIT_WORDS, Findings

NAMED = 20  # classes whose names fit beside a matrix


def figure(found: Findings) -> Figure:
    """The confusion matrix and the reliability diagram; a regression's predictions; or the largest losses."""
    both = found.table is not None
    drawn = Curves(figsize=(9.0 if both else 4.6, 4.4), layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.subplots(1, 2 if both else 1, squeeze=False)[0]
    if found.confusion is not None:
        _matrix(axes[0], found)
    elif both:
        _scores(axes[0], found)
    elif found.answers.kind == "numbers":
        _scatter(axes[0], found)
    else:
        _losses(axes[0], found)
    if both:
        _reliability(axes[1], found)
    step = f"Step {found.steps[1]:,}, {SPLIT_WORDS[found.split]} split"
    drawn.suptitle("\n".join(textwrap.wrap(f"{step}. {found.summary()}", 100 if both else 52)), fontsize=9)
    return drawn


def _matrix(axis: Axes, found: Findings) -> None:
    assert found.confusion is not None
    counts = found.confusion[np.ix_(found.shown, found.shown)]
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    axis.imshow(shares, cmap="viridis", vmin=0, vmax=1)
    if len(found.shown) <= NAMED:
        names = [found.answers.classes[k][:12] for k in found.shown]
        axis.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) < 4 else 90)
        axis.set_yticks(range(len(names)), names)
        for i, j in np.argwhere(counts > 0):
            colour = "black" if shares[i, j] > 0.6 else "white"
            axis.text(j, i, f"{counts[i, j]}", ha="center", va="center", fontsize=7, color=colour)
    axis.set(xlabel="the model says", ylabel="truly", title="who is taken for whom")


def _reliability(axis: Axes, found: Findings) -> None:
    bins = found.calibration
    assert bins is not None
    width = 1 / len(bins.count)
    middles = (np.arange(len(bins.count)) + 0.5) * width
    axis.bar(middles, np.nan_to_num(bins.accuracy), width * 0.92, color=TRAIN, label="right")
    axis.plot([0, 1], [0, 1], color="0.5", linestyle=":", linewidth=1)
    axis.plot(bins.confidence, bins.confidence, ".", color=VALID, label="confidence")
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share that is right", title="how sure, how right")
    axis.legend(frameon=False, loc="upper left")
    axis.spines[["top", "right"]].set_visible(False)


def _scores(axis: Axes, found: Findings) -> None:
    assert found.table is not None
    shown = found.shown[np.argsort(np.nan_to_num(found.table.f1[found.shown]))][:NAMED]
    axis.barh([found.answers.classes[k][:16] for k in shown], np.nan_to_num(found.table.f1[shown]), color=TRAIN)
    axis.set(xlim=(0, 1), xlabel="F1", title="labels, the worst below")
    axis.spines[["top", "right"]].set_visible(False)


def _scatter(axis: Axes, found: Findings) -> None:
    truth, said = found.answers.truth, found.answers.said
    assert truth is not None and said is not None
    finite = found.answers.finite
    axis.plot(truth[finite, 0], said[finite, 0], ".", color=TRAIN, alpha=0.6, markersize=4)
    if finite.any():
        ends = [min(truth[finite, 0].min(), said[finite, 0].min()), max(truth[finite, 0].max(), said[finite, 0].max())]
        axis.plot(ends, ends, color="0.5", linestyle=":", linewidth=1)
    axis.set(xlabel="true", ylabel="predicted")
    axis.spines[["top", "right"]].set_visible(False)


def _losses(axis: Axes, found: Findings) -> None:
    numbers = worst(found.answers.losses)[:NAMED]
    sizes = np.nan_to_num(found.answers.losses[numbers])
    axis.barh([str(number) for number in numbers][::-1], sizes[::-1], color=TRAIN)
    unit = "batch" if found.answers.whole_batches else "example"
    axis.set(xlabel="loss", ylabel=unit, title="the largest losses")
    axis.spines[["top", "right"]].set_visible(False)
