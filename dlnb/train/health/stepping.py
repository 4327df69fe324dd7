"""Rules about the steps: too big, too small, and made of gradients that pile up."""

import math

import numpy as np

from .finding import Context, Finding, Remedy, evidence, rule

GOOD_UPDATE = 1e-3  # a step that changes weights by a thousandth of their size is a usual one


@rule("zigzag", "observation", patience=3, grace=3)
def zigzag(context: Context) -> Finding | None:
    """Each gradient points against the one before, the steps are large, and the loss gets no better."""
    recent = list(context.observations)[-6:]
    cosines = np.array([seen.cosine for seen in recent])
    updates = _updates(context)
    steps, losses = context.column("loss")
    if len(losses) < 60 or not len(updates):
        return None
    now, before = losses[-30:], losses[-60:-30]
    alternating = _alternation(losses[-60:])
    opposite = np.isfinite(cosines).sum() >= 3 and np.nanmedian(cosines) < -0.5
    update = float(np.median(updates))
    wide = np.ptp(np.quantile(now, [0.1, 0.9])) > 0.2 * abs(np.median(now))
    better = np.median(now) < 0.97 * np.median(before)
    large = update > (0.02 if opposite else 0.1)
    if better or not large or not (opposite or (alternating > 0.85 and wide)):
        return None
    return Finding(
        "zigzag",
        "warn",
        f"It is zig-zagging: each step changes the weights by {100 * update:.2g} % and lands on the other side of the "
        "valley, so the loss gets no better. The steps are too big.",
        context.steps,
        None,
        evidence(
            "step",
            {"step": steps[-120:], "loss": losses[-120:]},
            update=update,
            alternation=alternating,
            cosine=float(np.nanmedian(cosines)) if np.isfinite(cosines).any() else math.nan,
        ),
        context.lr_remedy(0.1, "smaller steps"),
    )


@rule("slow", "observation", patience=3, grace=2)
def slow(context: Context) -> Finding | None:
    """Steps change next to nothing, and the loss has hardly moved since the start."""
    steps, losses = context.column("loss")
    table = context.table
    updates = {name: row["update"] for name, row in table.items() if math.isfinite(row["update"])}
    moving = {name: update for name, update in updates.items() if table[name]["gradient"] > 0}
    if len(losses) < 100 or not moving or len(context.observations) < 4:
        return None
    update = float(np.median(list(moving.values())))
    begin, now = float(np.median(losses[:25])), float(np.median(losses[-25:]))
    rates = context.column("lr")[1]
    fading = len(rates) and context.lr < 0.1 * rates.max()  # at the end of a schedule it is meant to be slow
    if update >= (2e-5 if "slow" in context.present else 1e-5) or fading or now < begin - 0.03 * abs(begin):
        return None
    first = context.first.gradient if context.first is not None else math.nan
    gradient = float(np.median([seen.gradient for seen in context.observations]))
    if now < 1e-3 * abs(begin) or context.lr <= 0 or gradient < 0.3 * first:
        return None  # where the gradient has become small, it has arrived rather than hardly moved
    factor = float(np.clip(10 ** round(math.log10(GOOD_UPDATE / max(update, 1e-12))), 10, 1e5))
    return Finding(
        "slow",
        "warn",
        f"It hardly learns: each step changes the weights by only {100 * update:.1g} %, and the loss went from "
        f"{begin:.4g} to {now:.4g} in {len(losses)} steps. The steps are too small.",
        context.steps,
        None,
        evidence(
            "layer",
            {"layer": range(len(moving)), "update / weight": list(moving.values())},
            list(moving),
            update=update,
        ),
        context.lr_remedy(factor, "larger steps"),
    )


@rule("zero_grad", "observation", patience=2, grace=2)
def zero_grad(context: Context) -> Finding | None:
    """The gradient grows with the number of steps, and each one is the one before and a little more."""
    if "not_in_optimizer" in context.present or never_cleared(context) is not None:
        return None  # the cause is known, and another rule says it
    norms = context.memory.setdefault("zero_grad", [])
    for seen in context.observations:
        if norms and seen.step <= norms[-1][0]:
            continue
        if not seen.stale or not math.isfinite(seen.gradient):
            norms.clear()  # nothing in .grad before the backward pass: it was cleared, as it should be
        if math.isfinite(seen.gradient):
            norms.append((seen.step, seen.gradient, seen.cosine))
    del norms[:-64]
    if len(norms) < 5 or context.seen.step < 16:
        return None
    steps, sizes, cosines = np.array(norms).T
    late = steps >= steps[-1] / 16
    octaves = np.polyfit(np.log(steps[late]), np.log(sizes[late] + 1e-30), 1)[0] if late.sum() >= 4 else 0.0
    grows = 0.4 < octaves < 1.8 and sizes[-1] > 3 * sizes[0] and (np.diff(sizes[late]) > 0).mean() > 0.8
    alike = np.median(cosines[-4:]) > 0.9 and cosines[-4:].min() > 0.8
    known = "zero_grad" in context.present
    if not alike or not (grows or known):
        return None
    times = sizes[-1] / sizes[0]
    return Finding(
        "zero_grad",
        "stop",
        f"Gradients pile up: after {int(steps[-1])} steps they are {times:.0f} times as large as at first, and each one "
        "is the one before and a little more. Is optimizer.zero_grad() missing?",
        context.steps,
        None,
        evidence(
            "step", {"step": steps, "gradient norm": sizes}, cosine=float(np.median(cosines[-4:])), times=float(times)
        ),
        Remedy("call optimizer.zero_grad() in each step, before loss.backward()"),
    )


@rule("never_cleared", "losses")
def never_cleared(context: Context) -> Finding | None:
    """In a hand-written loop: updates begin with the gradients of the one before."""
    kept = getattr(context.loop, "clearing", None)
    if kept is None or kept.kept < 3 or "not_in_optimizer" in context.present:
        return None
    steps, losses = context.column("loss")
    return Finding(
        "never_cleared",
        "stop",
        "Gradients pile up: nothing clears them between two steps, so each step is made of the sum of all gradients "
        "before. Is optimizer.zero_grad() missing?",
        context.steps,
        None,
        evidence("step", {"step": steps[-200:], "loss": losses[-200:]}, updates=kept.kept),
        Remedy("call optimizer.zero_grad() in each step, before loss.backward()"),
    )


@rule("scheduler", "losses")
def scheduler(context: Context) -> Finding | None:
    """The schedule is ahead of the steps."""
    schedule = getattr(context.loop, "scheduler", None)
    count = getattr(schedule, "_step_count", None)  # 1 when it is made
    if not isinstance(count, int) or context.steps < 20 or getattr(context.loop, "replaced_schedule", False):
        return None
    begin = context.memory.setdefault("scheduler", (context.steps, count))
    made, stepped = context.steps - begin[0], count - begin[1]
    if made < 20 or stepped < 1.5 * made:
        return None
    times = stepped / made
    steps, rates = context.column("lr")
    return Finding(
        "scheduler",
        "warn",
        f"The schedule is stepped {times:.3g} times in each step, so the learning rate falls that much too fast. "
        "scheduler.step() stands in two places, or the model's code calls it as well.",
        context.steps,
        None,
        evidence("step", {"step": steps[-500:], "lr": rates[-500:]}, times=times),
        Remedy("call scheduler.step() once in each step"),
    )


def _updates(context: Context) -> np.ndarray:
    """How much the latest observed step changed each layer's weights, relative to them."""
    values = np.array([row["update"] for row in context.table.values()])
    return values[np.isfinite(values)]


def _alternation(losses: np.ndarray) -> float:
    """The share of steps after which the loss turned: 2/3 for mere noise, 1 for a zig-zag."""
    turns = np.diff(losses)
    return float((turns[1:] * turns[:-1] < 0).mean()) if len(turns) > 1 else 0.0
