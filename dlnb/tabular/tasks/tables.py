"""Tasks that say something of each row of a table."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...data.batches import TensorBatches
from ...metrics import accuracy
from ...task import Task, remembered
from ..calibration import expected_calibration_error
from ..models import TableNet
from ..previews import Rows
from ..tables import Scale, Table, parts, read_table

SHOWN = 8  # rows in a preview
EVALUATED_AT_ONCE = 500
BINS = 8  # of each column's embedding, with as many rows in each
MANY = 2_000  # rows from which on a network may be wider


@remembered
def breast_cancer(seed: int = 0, batch_size: int = 32, fold: int = 0) -> Task:
    """Say whether a tumour of the breast is malignant, from 30 measures of its cells' nuclei: 569 patients; no download.

    64 % to learn from, 16 % to validate, 20 % to test, split by `seed`, with the same share of each class. fold: which fifth
    is the test, 0 to 4; the five together test every patient once. A table from which
    to learn methods; it is no tool for physicians: one hospital, 1993, and no word about the patients.
    """
    table = read_breast_cancer()
    credit = "Breast Cancer Wisconsin (Diagnostic), W. Wolberg, O. Mangasarian, N. Street & W. Street, UCI 1993, CC BY 4.0, from scikit-learn"
    return _of_classes("breast cancer", table, parts(table.target, seed, table.classes, fold), batch_size, credit)


@remembered
def diabetes(seed: int = 0, batch_size: int = 32, fold: int = 0) -> Task:
    """Say how far diabetes has gone on a year later, from age, sex, weight, blood pressure and six measures of the blood.

    442 patients; no download. The target is a score from 25 to 346. Split as in `breast_cancer`.
    """
    table = read_diabetes()
    credit = "B. Efron, T. Hastie, I. Johnstone & R. Tibshirani 2004, Least angle regression; from scikit-learn"
    return _of_quantity("diabetes", table, parts(table.target, seed, fold=fold), batch_size, credit)


@remembered
def from_table(path: str, target: str, seed: int = 0, batch_size: int = 32) -> Task:
    """A table of one's own, a CSV file: say the column `target` from all others.

    Raises: as `dlnb.tabular.tables.read_table`.
    """
    table = read_table(path, target)
    found = parts(table.target, seed, table.classes)
    if any(not len(part) for part in found):
        raise ValueError(f"{len(table.rows)} rows are too few for {len(table.classes)} classes: some part of the split would be empty")
    return (_of_classes if table.classes else _of_quantity)(target, table, found, batch_size, "")


def read_breast_cancer() -> Table:
    """(569, 30) measures; class 1 is benign, as in scikit-learn."""
    from sklearn.datasets import load_breast_cancer

    read = load_breast_cancer()
    names = tuple(str(name) for name in read.feature_names)
    return Table(read.data.astype(np.float32), read.target.astype(np.int64), names, tuple(str(name) for name in read.target_names))


def read_diabetes() -> Table:
    """(442, 10) measures in their own units, and the score."""
    from sklearn.datasets import load_diabetes

    read = load_diabetes(scaled=False)
    long = {"bp": "blood pressure", "s1": "cholesterol", "s2": "LDL", "s3": "HDL", "s4": "cholesterol / HDL", "s5": "log triglycerides", "s6": "blood sugar"}
    return Table(read.data.astype(np.float32), read.target.astype(np.float32), tuple(long.get(name, name) for name in read.feature_names))


def _of_classes(name: str, table: Table, found: list[Tensor], batch_size: int, credit: str) -> Task:
    """A task whose answers are classes; the answer of a `TableNet` is the mean of its members' probabilities."""
    rows, scale, edges = _rows(table, found[0])
    target = torch.from_numpy(table.target)
    metrics: dict[str, Callable[[Tensor, Tensor], float]] = {
        "accuracy": accuracy,
        "log loss": lambda logs, target: F.nll_loss(logs.clamp(min=-30), target).item(),
        "calibration error": lambda logs, target: expected_calibration_error(logs.exp(), target),
    }
    if len(table.classes) == 2:
        metrics["area under ROC"] = lambda logs, target: _area_under_roc(logs[:, 1], target)
    shown = found[1][:SHOWN]

    def say(output: Tensor) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
        sure, best = output.softmax(-1).mean(1).max(1)
        return tuple(table.classes[i] for i in best.tolist()), (best == target[shown]).numpy(), sure.numpy()

    return Task(
        name=name,
        **_splits(rows, target, found, batch_size),
        loss=members_cross_entropy,
        metrics=metrics,
        predict=lambda model, inputs, output: output.softmax(-1).mean(1).log(),
        classes=table.classes,
        baselines={
            "logistic regression": lambda: classical_probabilities("logistic regression", rows, target, found, metrics),
            "gradient boosting": lambda: classical_probabilities("gradient boosting", rows, target, found, metrics),
        },
        preview=Rows(rows[shown], scale, table.names, [table.classes[i] for i in target[shown].tolist()], say),
        credit=credit,
        models={"TableNet": lambda: TableNet(rows.shape[1], len(table.classes), edges=edges, **_sizes(found[0]))},
    )


def _of_quantity(name: str, table: Table, found: list[Tensor], batch_size: int, credit: str) -> Task:
    """A task whose answer is a number; the answer of a `TableNet` is the mean of its members'."""
    rows, scale, edges = _rows(table, found[0])
    quantity = torch.from_numpy(table.target)
    unit = Scale.of(quantity[found[0]])
    target = unit.apply(quantity)
    metrics: dict[str, Callable[[Tensor, Tensor], float]] = {
        "root mean squared error": lambda said, true: F.mse_loss(said, true).sqrt().item() * unit.deviation.item(),
        "share explained": lambda said, true: 1 - (F.mse_loss(said, true) / true.var(correction=0).clamp(min=1e-12)).item(),
    }
    shown = found[1][:SHOWN]

    def say(output: Tensor) -> tuple[tuple[str, ...], np.ndarray, None]:
        said = unit.undo(output.squeeze(-1).mean(1))
        close = (said - quantity[shown]).abs() <= unit.deviation / 2
        return tuple(f"{value:.4g}" for value in said.tolist()), close.numpy(), None

    return Task(
        name=name,
        **_splits(rows, target, found, batch_size),
        loss=members_squared_error,
        metrics=metrics,
        predict=lambda model, inputs, output: output.squeeze(-1).mean(1),
        baselines={
            "always the mean": lambda: {name: metric(torch.zeros(len(found[2])), target[found[2]]) for name, metric in metrics.items()},
            "ridge regression": lambda: classical_quantity("ridge regression", rows, target, found, metrics),
            "gradient boosting": lambda: classical_quantity("gradient boosting", rows, target, found, metrics),
        },
        preview=Rows(rows[shown], scale, table.names, [f"{value:.4g}" for value in quantity[shown].tolist()], say),
        credit=credit,
        models={"TableNet": lambda: TableNet(rows.shape[1], 1, edges=edges, **_sizes(found[0]))},
    )


def members_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """The mean cross-entropy of each member for itself. logits: (B, members, C); target: (B,)."""
    return F.cross_entropy(logits.flatten(0, 1), target.repeat_interleave(logits.shape[1]))


def members_squared_error(said: Tensor, target: Tensor) -> Tensor:
    """The mean squared error of each member for itself. said: (B, members, 1); target: (B,)."""
    return F.mse_loss(said.squeeze(-1), target[:, None].expand(said.shape[:2]))


def _rows(table: Table, train: Tensor) -> tuple[Tensor, Scale, Tensor]:
    """The rows at mean 0 and deviation 1, their scale, and the edges of their bins, all learned from the training rows."""
    rows = torch.from_numpy(table.rows)
    scale = Scale.of(rows[train])
    rows = scale.apply(rows)
    edges = torch.quantile(rows[train], torch.linspace(0, 1, BINS + 1), dim=0).T.contiguous()  # (F, BINS + 1)
    steps = edges.diff(dim=1).clamp(min=1e-2)  # a column with few different numbers has edges that fall together
    return rows, scale, torch.cat([edges[:, :1], edges[:, :1] + steps.cumsum(1)], dim=1)


def _sizes(train: Tensor) -> dict[str, Any]:
    """Width and dropout for as many rows: some hundred are soon known by heart."""
    return {"width": 32, "dropout": 0.5} if len(train) < MANY else {"width": 128, "dropout": 0.1}


def _splits(rows: Tensor, target: Tensor, found: list[Tensor], batch_size: int) -> dict[str, Any]:
    train, valid, test = ((rows[part], target[part]) for part in found)
    return {
        "train": TensorBatches(*train, size=batch_size, shuffle=True),
        "valid": TensorBatches(*valid, size=EVALUATED_AT_ONCE),
        "test": TensorBatches(*test, size=EVALUATED_AT_ONCE),
    }


def classical_probabilities(name: str, rows: Tensor, target: Tensor, found: list[Tensor], metrics: dict[str, Any]) -> dict[str, float]:
    """A classical classifier, fitted to the same rows that a network learns from, measured on the test rows.

    name: "logistic regression", its strength chosen by cross-validation, or "gradient boosting".
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from threadpoolctl import threadpool_limits

    fitted = found[0]
    kinds: dict[str, Callable[[], Any]] = {
        "logistic regression": lambda: GridSearchCV(LogisticRegression(max_iter=2000), {"C": np.logspace(-3, 2, 11)}, scoring="neg_log_loss", cv=5),
        "gradient boosting": lambda: HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, random_state=0),
    }
    with threadpool_limits(1):  # on so few rows its helpers would only wait for each other
        model = kinds[name]().fit(rows[fitted].numpy(), target[fitted].numpy())
        logs = torch.from_numpy(model.predict_proba(rows[found[2]].numpy())).float().clamp(min=1e-12).log()
    return {metric: measure(logs, target[found[2]]) for metric, measure in metrics.items()}


def classical_quantity(name: str, rows: Tensor, target: Tensor, found: list[Tensor], metrics: dict[str, Any]) -> dict[str, float]:
    """Likewise for a quantity: "ridge regression", its strength chosen by cross-validation, or "gradient boosting"."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import RidgeCV
    from threadpoolctl import threadpool_limits

    fitted = found[0]
    kinds: dict[str, Callable[[], Any]] = {
        "ridge regression": lambda: RidgeCV(np.logspace(-2, 3, 20)),
        "gradient boosting": lambda: HistGradientBoostingRegressor(max_iter=100, learning_rate=0.05, random_state=0),
    }
    with threadpool_limits(1):
        model = kinds[name]().fit(rows[fitted].numpy(), target[fitted].numpy())
        said = torch.from_numpy(model.predict(rows[found[2]].numpy())).float()
    return {metric: measure(said, target[found[2]]) for metric, measure in metrics.items()}


def _area_under_roc(scores: Tensor, target: Tensor) -> float:
    from sklearn.metrics import roc_auc_score

    if len(target.unique()) < 2:
        return float("nan")
    return float(roc_auc_score(target.numpy(), scores.numpy()))
