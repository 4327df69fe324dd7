"""Rules about what is learned: over-fitting, and one answer for everything."""

import math
from dataclasses import dataclass

import numpy as np
from torch import nn

from ..probes.observation import Observation
from .finding import Context, Finding, Remedy, evidence, percent, rule

EVALUATIONS = 6  # before over-fitting is spoken of
SURE = 3  # evaluations in a row that must lie above the best
ONE_CLASS_FOR = 200  # steps that it must last


@rule("overfitting", "evaluation", patience=2, grace=2)
def overfitting(context: Context) -> Finding | None:
    """Validation has risen from its best, beyond its noise, while training went on to fall."""
    steps, valid = context.column("valid_loss")
    train_steps, train = context.column("loss")
    if len(valid) < EVALUATIONS or not len(train) or not np.isfinite(valid).all():
        return None
    best = int(np.argmin(valid))
    after = valid[best:]
    ease = 0.5 if "overfitting" in context.present else 1.0
    if len(after) < SURE + 1:
        return None
    noise = _noise(valid[1:])  # the first evaluation is often of chance
    floor = float(np.median(valid[max(0, best - 1) : best + 2]))
    rise = float(np.median(valid[-SURE:])) - floor
    above = (valid[-SURE:] > floor + ease * noise).all()
    if not above or rise < ease * max(3 * noise, 0.15 * floor, 0.05 * valid[0]) or _slope(after) <= 0:
        return None
    means = _means(train_steps, train, steps[best:])
    means = means[np.isfinite(means)]
    if len(means) < 2 or not (_slope(means) < 0 and means[-1] < 0.97 * means[0]):
        return None
    ago = int(steps[-1] - steps[best])
    return Finding(
        "overfitting",
        "warn",
        f"It is starting to memorise: validation was best {ago} steps ago ({valid[best]:.3g}, now {valid[-1]:.3g}), while the "
        f"training loss went on to fall (from {means[0]:.3g} to {means[-1]:.3g}).",
        context.steps,
        None,
        evidence(
            "step",
            {"step": steps[1:], "validation": valid[1:], "training": _means(train_steps, train, steps)},
            best=float(valid[best]),
            best_step=float(steps[best]),
            noise=noise,
        ),
        _regularise(context, int(steps[best])),
    )


@rule("one_class", "observation", patience=1, grace=1)
def one_class(context: Context) -> Finding | None:
    """The model gives one answer to everything, and does not get away from it."""
    told: list[_Answers] = context.memory.setdefault("one_class", [])
    for seen in context.observations:
        if told and seen.step <= told[-1].step:
            continue
        answers = _answers(seen)
        if answers is None or (told and answers.one != told[-1].one):
            told.clear()
        if answers is not None:
            told.append(answers)
    if len(told) < 6 or sum(one.examples for one in told) < 64:
        return None
    # A network that has not begun to tell things apart also gives one answer for a while, but not to the last digit.
    lasted = told[-1].step - told[0].step
    plateau = max(5 * ONE_CLASS_FOR, 3 * getattr(context.loop, "steps_per_epoch", 0))
    if lasted < (ONE_CLASS_FOR if all(one.same for one in told) else plateau):
        return None
    del told[1:-64]  # the first says since when
    classes = len(told[0].true)
    true = np.sum([one.true for one in told], axis=0)
    most = math.log(classes)
    losses = context.column("loss")[1]
    recent, before = losses[-ONE_CLASS_FOR // 4 :], losses[-ONE_CLASS_FOR : -ONE_CLASS_FOR // 2]
    if _entropy(true) < 0.5 * most or not len(before) or np.median(recent) < 0.98 * np.median(before):
        return None
    answer = told[-1].one
    share = float(np.mean([one.share for one in told]))
    right = float(true[answer] / max(1, true.sum()))
    shares = np.bincount([answer], minlength=classes) * share
    return Finding(
        "one_class",
        "warn",
        f"It always answers {_class_name(context, answer)} ({percent(share)} of the time), whatever it is shown: that class is "
        f"right in {percent(right)} of the examples.",
        context.steps,
        None,
        evidence(
            "class",
            {"class": range(classes), "answered": shares, "true": true / max(1, true.sum())},
            [_class_name(context, number) for number in range(classes)] if classes <= 100 else (),
            since=float(told[0].step),
        ),
        Remedy(
            "look whether the inputs reach the model (all alike? all zero?) and whether labels and inputs are still in the "
            "same order; then try another learning rate from the start"
        ),
    )


@dataclass(frozen=True)
class _Answers:
    """One observation in which nearly every answer was the same.

    same: whether the outputs were, too. true: how often each class was right, (C,).
    """

    step: int
    one: int
    share: float
    same: bool
    examples: int
    true: np.ndarray


def _answers(seen: Observation) -> _Answers | None:
    """None if the answers differ, or are no classes."""
    if seen.output is None or seen.target is None or seen.target.ndim != 1 or "int" not in seen.target_dtype:
        return None
    classes = seen.output.shape[1]
    if classes < 2:
        return None
    given = np.bincount(seen.output.argmax(1), minlength=classes)
    share = float(given.max() / given.sum())
    if share < 0.98:
        return None
    true = np.bincount(seen.target[(seen.target >= 0) & (seen.target < classes)], minlength=classes)
    differences = seen.output - seen.output.mean(1, keepdims=True)
    same = len(differences) > 1 and bool(differences.std(0).max() < 1e-3 * (1e-6 + np.abs(differences).max()))
    return _Answers(seen.step, int(given.argmax()), share, same, len(seen.target), true)


def _regularise(context: Context, since: int) -> Remedy:
    """More dropout where there is some, else more weight decay."""
    rates = [module.p for module in context.model.modules() if isinstance(module, nn.modules.dropout._DropoutNd)]
    group = context.optimizers[0].param_groups[0]
    if rates and 0 < max(rates) < 0.5:
        rate = min(0.6, round(max(rates) + 0.2, 2))
        return Remedy(f"more dropout: {max(rates):g} → {rate:g}; or stop at step {since}", {"dropout": rate}, since)
    if "weight_decay" in group:
        adaptive = "betas" in group
        decay = float(group["weight_decay"])
        more = min(max(10 * decay, 0.3 if adaptive else 3e-3), 1.0)
        words = f"more weight decay: {decay:g} → {more:g}; or dropout, more data, augmentation; or stop at step {since}"
        return Remedy(words, {"weight_decay": more}, since)
    return Remedy(f"dropout, weight decay, more data or augmentation; or keep the model of step {since}", {}, since)


def _noise(values: np.ndarray) -> float:
    """How far an evaluation lies off the line through its neighbours, typically."""
    if len(values) < 3:
        return 0.0
    off = values[1:-1] - (values[:-2] + values[2:]) / 2
    return 1.4826 * float(np.median(np.abs(off - np.median(off))))


def _slope(values: np.ndarray) -> float:
    """The middle slope of all pairs (Theil 1950, Sen 1968) of the last 64 values."""
    values = np.asarray(values)[-64:]
    i, j = np.triu_indices(len(values), 1)
    return float(np.median((values[j] - values[i]) / (j - i))) if len(i) else 0.0


def _means(steps: np.ndarray, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The mean of the values after each edge up to the next one, (len(edges) - 1,); NaN where there are none."""
    ends = np.searchsorted(steps, edges, side="right")
    sums = np.concatenate([[0.0], np.cumsum(values)])
    counts = np.diff(ends).astype(np.float64)
    counts[counts == 0] = np.nan
    return np.diff(sums[ends]) / counts


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(-(shares * np.log(shares)).sum())


def _class_name(context: Context, number: int) -> str:
    classes = getattr(context.task, "classes", ())
    return repr(classes[number]) if number < len(classes) else f"class {number}"
