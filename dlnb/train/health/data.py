"""Rules about the data: labels, scales, shapes, and validation examples that were trained on."""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..diagnose import _compares_classes, _ignored, wrong_labels
from .finding import Context, Finding, Remedy, evidence, percent, rule

QUERIES = 1024  # validation examples that are looked for
BYTES = 16 * 2**20  # of training data that are looked through
NUMBERS = 256  # of an example that are compared at first
_DIFFERENCES = (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss)
_DIFFERENCE_MODULES = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss)


@rule("labels", "start")
def labels_before(context: Context) -> Finding | None:
    """Class numbers that are no numbers of classes, as far as the number of classes is known."""
    task = context.task
    targets = _tensors(task.train)[-1:] if task is not None else []
    classes = len(getattr(task, "classes", ()))
    if not targets or classes < 2 or targets[0].is_floating_point() or targets[0].ndim != 1:
        return None
    words = wrong_labels(torch.empty(0, classes), targets[0][: 2**20], _ignored(task.loss))
    return None if words is None else bad_labels(context, words, targets[0][: 2**20].cpu().numpy(), classes)


@rule("labels", "observation")
def labels_seen(context: Context) -> Finding | None:
    """The same for what a step was given."""
    seen = context.seen
    if seen.target is None or seen.output is None or seen.target.ndim != 1 or "int" not in seen.target_dtype:
        return None
    if seen.kind or seen.output.shape[1] < 2:
        return None
    classes = seen.output.shape[1]
    words = wrong_labels(torch.empty(0, classes), torch.from_numpy(seen.target))
    if words is None or (context.task is not None and not _compares_classes(context.task.loss)):
        return None
    if context.task is None and (seen.target.min() < -1 or not len(seen.output_shape) > 1):
        return None
    return bad_labels(context, words, seen.target, classes)


def bad_labels(context: Context, words: str, labels: np.ndarray, classes: int) -> Finding:
    """The finding for labels that do not fit."""
    found, counts = np.unique(labels[:100_000], return_counts=True)
    return Finding(
        "labels",
        "stop",
        words[:1].upper() + words[1:],
        context.steps,
        None,
        evidence("label", {"label": found, "examples": counts}, classes=classes),
        Remedy(
            "make the labels whole numbers from 0 to the number of classes less one, or give the model more outputs"
        ),
    )


@rule("input_scale", "observation", patience=2, grace=2)
def input_scale(context: Context) -> Finding | None:
    """What comes into the first layer with weights is far from unit scale, and the layer does not normalise it."""
    entered = context.seen.entered
    if entered is None or entered.normalises or len(entered.values) < 8:
        return None
    values = entered.values[np.isfinite(entered.values)]
    if not len(values):
        return None
    mean, std, low, high = float(values.mean()), float(values.std()), float(values.min()), float(values.max())
    pixels = low >= 0 and 1 < high <= 255 and std > 3 and bool((values == np.round(values)).all())
    ease = 0.5 if "input_scale" in context.present else 1.0
    large = std > 15 * ease or abs(mean) > 10 * ease
    small = 0 < std < 0.01 / ease and abs(mean) < 0.05
    far = std > 0 and abs(mean) > 20 / ease * std and abs(mean) > 3
    if not (large or small or far):
        return None
    if pixels and high > 40:
        sentence = f"The inputs run from {low:g} to {high:g}, as bytes of pictures do; networks learn best from numbers around 0 and 1."
        words = "x.float() / 255, or subtract the mean and divide by the standard deviation of the training data"
    else:
        size = "large" if large or far else "small"
        sentence = (
            f"The inputs are {size}: their mean is {mean:.3g} and their standard deviation {std:.2g}; networks learn best "
            "from numbers of mean 0 and standard deviation 1."
        )
        words = "subtract the mean and divide by the standard deviation of the training data, for each feature"
    counts, edges = np.histogram(values, 32)
    middles = (edges[1:] + edges[:-1]) / 2
    return Finding(
        "input_scale",
        "warn",
        sentence,
        context.steps,
        entered.layer,
        evidence("value", {"value": middles, "count": counts}, mean=mean, std=std, low=low, high=high),
        Remedy(words),
    )


@rule("target_scale", "observation", patience=2, grace=2)
def target_scale(context: Context) -> Finding | None:
    """A regression whose targets are far larger than what a fresh network gives."""
    seen = context.seen
    if (
        seen.target is None
        or context.first is None
        or context.first.kind != "squares"
        or "float" not in seen.target_dtype
    ):
        return None
    mean, std = float(seen.target.mean()), float(seen.target.std())
    losses = context.column("loss")[1]
    if not len(losses) or (abs(mean) < 30 and std < 30) or losses[-1] < 0.3 * losses[0]:
        return None
    counts, edges = np.histogram(seen.target, 32)
    return Finding(
        "target_scale",
        "note",
        f"The targets are large (mean {mean:.3g}, standard deviation {std:.2g}), while a fresh network gives numbers around "
        "0: it first has to learn their size, step by little step.",
        context.steps,
        None,
        evidence("value", {"value": (edges[1:] + edges[:-1]) / 2, "count": counts}, mean=mean, std=std),
        Remedy(
            "learn (y - mean) / std, with mean and std of the training targets, and undo it when you show an answer"
        ),
    )


@rule("broadcast", "observation", patience=1, grace=1)
def broadcast(context: Context) -> Finding | None:
    """Outputs (N, 1) against targets (N,): the loss compares every output with every target."""
    seen = context.seen
    output, target = seen.output_shape, seen.target_shape
    if (
        not output
        or not target
        or output == target
        or math.prod(output) != math.prod(target)
        or "float" not in seen.target_dtype
    ):
        return None
    if len(output) == len(target) or math.prod(output) < 2:
        return None
    if context.task is None:
        return None  # it may be reshaped before it is compared
    loss = context.task.loss
    if loss not in _DIFFERENCES and not isinstance(loss, _DIFFERENCE_MODULES):
        return None
    return Finding(
        "broadcast",
        "stop",
        f"The outputs have shape {output} and the targets {target}: the loss compares each output with each target, and the "
        "best the model can do is to answer the mean.",
        context.steps,
        None,
        evidence("", {}, output=str(output), target=str(target)),
        Remedy("give both one shape: targets[:, None], or outputs.squeeze(1)"),
    )


@rule("leak", "start")
def leak(context: Context) -> Finding | None:
    """Validation examples that are training examples as well."""
    task = context.task
    if task is None or task.valid is None:
        return None
    found = _shared_indices(task.train, task.valid)
    if found is None:
        found = _shared_rows(_tensors(task.train)[:1], _tensors(task.valid)[:1])
    if found is None:
        return None
    share, looked = found
    if share < 0.01:
        return None
    return Finding(
        "leak",
        "warn",
        f"About {percent(share)} of the validation examples are training examples too: validation then tells how well it "
        "remembers, not how well it will do.",
        context.steps,
        None,
        evidence("", {}, share=share, looked_at=looked),
        Remedy("split the data once, before anything else, and give each example to one split only"),
    )


def _shared_indices(train: Any, valid: Any) -> tuple[float, int] | None:
    """The share, where both splits are subsets of one data set; None where they are not."""
    one, other = (getattr(getattr(split, "loader", None), "dataset", None) for split in (train, valid))
    if one is None or other is None:
        return None
    if one is other:
        return 1.0, len(other) if hasattr(other, "__len__") else 0
    whole, held = getattr(one, "dataset", one), getattr(other, "dataset", other)
    if whole is not held:
        return None
    chosen = getattr(other, "indices", None)
    learned = getattr(one, "indices", None)
    if chosen is None or not len(chosen):
        return (1.0, len(other)) if learned is None or chosen is None else None
    if learned is None:
        return 1.0, len(chosen)
    return float(np.isin(np.asarray(chosen)[:1_000_000], np.asarray(learned)[:5_000_000]).mean()), len(chosen)


def _shared_rows(train: list[Tensor], valid: list[Tensor]) -> tuple[float, int] | None:
    """The share of validation rows that are training rows, estimated from a bounded sample."""
    if not train or not valid or train[0].shape[1:] != valid[0].shape[1:] or train[0].dtype != valid[0].dtype:
        return None
    rows, queries = train[0].reshape(len(train[0]), -1), valid[0].reshape(len(valid[0]), -1)
    width = rows.shape[1]
    if not width:
        return None
    columns = torch.arange(0, width, -(-width // NUMBERS))
    most = max(1, BYTES // (len(columns) * 8))
    step = -(-len(rows) // most)
    looked = rows[::step][:, columns].cpu().double()
    asked = queries[:: -(-len(queries) // QUERIES)]
    weights = torch.linspace(1.0, 2.0, len(columns), dtype=torch.float64).sqrt()
    keys, wanted = looked @ weights, asked[:, columns].cpu().double() @ weights
    if not bool(keys.isfinite().all() and wanted.isfinite().all()):
        return None
    ordered, order = keys.sort()
    repeats = float((ordered[1:] == ordered[:-1]).double().mean()) if len(ordered) > 1 else 0.0
    # The same row may be summed in another order, and so come out a little different.
    slack = 1e-12 * (1 + float(keys.abs().max()))
    begins = torch.searchsorted(ordered, wanted - slack).tolist()
    ends = torch.searchsorted(ordered, wanted + slack, right=True).tolist()
    hits = 0
    for query, begin, end in zip(asked, begins, ends, strict=True):
        candidates = order[begin : min(end, begin + 4)].tolist()
        hits += any(torch.equal(rows[row * step], query) for row in candidates)
    share = min(1.0, hits / len(asked) * len(rows) / len(looked))
    # Where training examples repeat each other, meeting one again in validation says little.
    return (share, len(asked)) if share > 0.02 + 3 * repeats or (share > 0.01 and not repeats) else None


def _tensors(split: Any) -> list[Tensor]:
    """The tensors of a split that lies in memory; empty if it does not."""
    tensors = getattr(split, "tensors", None)
    if tensors is None:
        loader = getattr(split, "loader", None)
        tensors = getattr(getattr(loader, "dataset", None), "tensors", None)
        if tensors is None and isinstance(loader, list) and loader and isinstance(loader[0], (tuple, list)):
            parts = [batch for batch in loader[:1000] if all(isinstance(part, Tensor) and part.ndim for part in batch)]
            columns = list(zip(*parts, strict=False)) if parts else []
            try:
                tensors = [torch.cat(column) for column in columns]
            except RuntimeError:  # of several shapes
                return []
    return [part for part in tensors or () if isinstance(part, Tensor) and part.ndim]
