"""Rows of the zoo's table: models that predict from tables and series, each beside the best of the classical ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import dlnb as dl
from dlnb.fast import Muon
from dlnb.tabular.tables import FOLDS

from .row import Measured, Row, trained

BEHIND = "standard errors behind the best classical"


def rows() -> list[Row]:
    """In the order of the table."""
    return [
        Row("breast cancer, every patient tested once", "TableNet, 5 folds, AdamW 0.002, weight decay 1, 80 epochs, cosine; log loss", breast_cancer, most={BEHIND: 1}, seconds=20),
        Row("diabetes, every patient tested once", "TableNet, 5 folds, lr 0.002, 40 epochs, cosine; squared error", diabetes, most={BEHIND: 1}, seconds=20),
        Row("electricity of a town, 24 hours ahead", "TemporalCNN, Muon 0.02, others 0.003, 3 epochs, cosine; absolute error", electricity, most={BEHIND: 1}, seconds=20),
    ]  # fmt: skip


def breast_cancer(seed: int, threads: int) -> Measured:
    """The log loss of each patient, tested once, beside logistic regression and gradient boosting."""

    def losses(logs: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(logs.clamp(min=-30), target, reduction="none")

    return over_folds(dl.tabular.breast_cancer, losses, ("logistic regression", "gradient boosting"), seed, threads, decay=1.0, epochs=80)


def diabetes(seed: int, threads: int) -> Measured:
    """The squared error for each patient, tested once, beside ridge regression and gradient boosting; in deviations squared."""

    def losses(said: Tensor, target: Tensor) -> Tensor:
        return (said - target) ** 2

    return over_folds(dl.tabular.diabetes, losses, ("ridge regression", "gradient boosting"), seed, threads, decay=0.01, epochs=40)


def electricity(seed: int, threads: int) -> Measured:
    """The absolute error of each day ahead, in deviations of the load, beside the best of the four baselines."""
    task = dl.tabular.electricity(seed=seed)
    with dl.seeded(seed):
        model = task.models["TemporalCNN"]()
    ours = kept(task, lambda said, true: (said - true).abs().mean(1))
    optimizer = Muon.of(model, ("out",), lr=0.02, lr_others=3e-3)
    one = trained(model, task, seed, threads, optimizer=optimizer, epochs=3, schedule="cosine")
    mine = ours[-1]
    found = {}
    for name, measure in task.baselines.items():
        measure()
        found[name] = ours[-1]
    return beside(mine, found, one.seconds, one.loader)


def over_folds(
    make: Callable[..., dl.Task], losses: Callable[[Tensor, Tensor], Tensor], classical: tuple[str, ...], seed: int, threads: int, decay: float, epochs: int
) -> Measured:
    """Train and test on each of the five folds; the losses of all rows together are compared. Seconds: of the longest training."""
    mine, found, seconds, loader = [], {name: [] for name in classical}, 0.0, 0.0
    for fold in range(FOLDS):
        task = make(seed=seed, fold=fold)
        seen = kept(task, losses)
        with dl.seeded(seed):
            model = task.models["TableNet"]()
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=decay)
        one = trained(model, task, seed, threads, optimizer=optimizer, schedule="cosine", epochs=epochs)
        mine.append(seen[-1])
        seconds, loader = max(seconds, one.seconds), max(loader, one.loader)
        for name in classical:
            task.baselines[name]()
            found[name].append(seen[-1])
    return beside(torch.cat(mine), {name: torch.cat(parts) for name, parts in found.items()}, seconds, loader)


def kept(task: dl.Task, losses: Callable[[Tensor, Tensor], Tensor]) -> list[Tensor]:
    """A list that gets the loss of each example whenever the task's metrics are measured, by a model or by a baseline."""
    seen: list[Tensor] = []
    metrics: Any = task.metrics

    def keep(said: Tensor, true: Tensor) -> float:
        seen.append(losses(said, true))
        return seen[-1].mean().item()

    metrics["loss of each"] = keep
    return seen


def beside(mine: Tensor, found: dict[str, Tensor], seconds: float, loader: float) -> Measured:
    """How far behind the best of the others, in standard errors of the difference over the same examples; below 0 it is ahead."""
    best = min(found, key=lambda name: found[name].mean().item())
    difference = (mine - found[best]).double().numpy()
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    values = {BEHIND: float(difference.mean() / error), "mean loss": mine.mean().item(), f"mean loss of {best}": found[best].mean().item()}
    return Measured(values, seconds, loader)
