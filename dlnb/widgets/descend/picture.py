"""The still picture of `dl.descend`: the map with the ways that were gone and the losses beside it, by Matplotlib without pyplot."""

import numpy as np

from ...train.plot import Curves, png
from .race import Race
from .racer import path

COLOURS = ("#D55E00", "#009E73", "#E69F00", "#CC79A7", "#0072B2", "#444444", "#8C564B")  # as in descend.css
LEVELS = 18


def picture(race: Race, losses: np.ndarray) -> bytes:
    """A PNG picture. losses: of the map, (H, W)."""
    surface = race.surface
    left, right, bottom, top = surface.box
    figure = Curves(figsize=(9.2, 4), layout="constrained")
    place, curves = figure.subplots(1, 2)
    shown = shares(losses, surface.lowest)
    height, width = losses.shape
    x = left + (right - left) * (np.arange(width) + 0.5) / width
    y = bottom + (top - bottom) * (np.arange(height) + 0.5) / height
    place.contourf(x, y, np.ma.masked_invalid(shown), levels=np.linspace(0, 1, LEVELS + 1), cmap="viridis")
    for minimum in surface.minima:
        place.plot(*minimum, "*", color="white", markeredgecolor="black", markersize=12)
    logarithmic = True
    for i, racer in enumerate(race.racers.values()):
        if not racer.on:
            continue
        way = path(racer)
        colour = COLOURS[i % len(COLOURS)]
        place.plot(way[:, 0], way[:, 1], color="white", linewidth=3.2)
        place.plot(way[:, 0], way[:, 1], color=colour, linewidth=1.6)
        place.plot(way[-1, 0], way[-1, 1], "o", color=colour, markeredgecolor="white", markersize=8)
        above = way[:, 2] - (surface.lowest or 0.0)
        logarithmic &= bool((above >= 0).all() and above.any())
        curves.plot(above, color=colour, linewidth=1.6, label=racer.rule.label)
    place.plot(*race.start, "o", color="none", markeredgecolor="white", markeredgewidth=1.5, markersize=14)
    place.set(xlim=(left, right), ylim=(bottom, top), xlabel=surface.weights[0], ylabel=surface.weights[1], title=surface.title)
    curves.set(xlabel="step", ylabel="loss" if surface.lowest is None else "loss above the lowest place")
    if curves.get_legend_handles_labels()[0]:
        curves.legend(frameon=False, fontsize=8)
    if logarithmic:
        curves.set_yscale("log")
    curves.spines[["top", "right"]].set_visible(False)
    return png(figure)


def shares(losses: np.ndarray, lowest: float | None = None) -> np.ndarray:
    """Losses as shares of the way up, 0 to 1, logarithmically, so that the floor of a valley is seen too; NaN where there is none."""
    finite = np.isfinite(losses)
    if not finite.any():
        return np.full(losses.shape, np.nan)
    low = min(losses[finite].min(), np.inf if lowest is None else lowest)
    rise = np.where(finite, losses.astype(np.float64) - low, np.nan)
    unit = max(float(np.nanmax(rise)) / 1000, 1e-300)
    scaled = np.log1p(rise / unit)
    return scaled / max(float(np.nanmax(scaled)), 1e-300)
