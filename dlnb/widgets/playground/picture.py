"""The still picture of a playground: the output over the plane with the points, and the losses, by Matplotlib without pyplot."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from ...train.plot import TRAIN, VALID, Curves, png
from .maps import SIDE, maps
from .points import REACH

if TYPE_CHECKING:
    from .desk import Desk

HUES = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # as in colours.ts
MARKS = "os^DXP"
DIVERGING = LinearSegmentedColormap.from_list("dlnb", ["#D55E00", "#F7F7F7", "#0072B2"])


def picture(desk: "Desk") -> bytes:
    """A PNG picture."""
    trainer = desk.trainer
    figure = Curves(figsize=(8.4, 3.8), layout="constrained")
    plane, curves = figure.subplots(1, 2)
    output = maps(trainer.network, trainer.points)["output"]
    extent = (-REACH, REACH, -REACH, REACH)
    classes, hues = trainer.points.classes, desk.hues
    if classes > 2:
        plane.imshow(mixed(output, hues), extent=extent, interpolation="bilinear")
    else:
        pair = DIVERGING if not classes else LinearSegmentedColormap.from_list("pair", [HUES[hues[0]], "#F7F7F7", HUES[hues[1]]])
        plane.imshow(output, extent=extent, interpolation="bilinear", cmap=pair, vmin=0, vmax=255, alpha=0.75)
    places, values, _ = (tensor.numpy() for tensor in desk.shown_points())
    if classes:
        for hue in np.unique(values).astype(int):
            chosen = places[values == hue]
            plane.scatter(chosen[:, 0], chosen[:, 1], s=12, c=HUES[hue], marker=MARKS[hue], edgecolors="white", linewidths=0.5)
    else:
        plane.scatter(places[:, 0], places[:, 1], s=12, c=values, cmap=DIVERGING, vmin=-1, vmax=1, edgecolors="white", linewidths=0.5)
    spec = trainer.spec
    title = f"{'-'.join(map(str, spec.widths))}, epoch {trainer.epoch}"
    plane.set(xlim=extent[:2], ylim=extent[2:], xlabel=trainer.points.axes[0], ylabel=trainer.points.axes[1], title=title)
    curves.plot(trainer.history["loss"], color=TRAIN, label="training")
    curves.plot(trainer.history["test_loss"], color=VALID, label="test")
    curves.set(xlabel="epoch", ylabel="loss")
    curves.legend(frameon=False)
    curves.spines[["top", "right"]].set_visible(False)
    return png(figure)


def mixed(shares: np.ndarray, hues: list[int]) -> np.ndarray:
    """Probabilities (C, SIDE, SIDE) as colours (SIDE, SIDE, 3), 0 to 1: each class in its hue, pale where none is sure."""
    colours = np.array([to_rgb(HUES[hue]) for hue in hues])  # (C, 3)
    parts = shares.reshape(len(hues), -1).T / 255  # (SIDE², C)
    sure = (parts.max(1) - 1 / len(hues)) / (1 - 1 / len(hues))
    ink = colours[parts.argmax(1)]
    return (0.97 + (ink - 0.97) * (0.75 * np.clip(sure, 0, 1))[:, None]).reshape(SIDE, SIDE, 3)
