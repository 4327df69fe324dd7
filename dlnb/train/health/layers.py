"""Rules about layers: no gradient reaches one, its units are dead or stuck, its gradients vanish."""

import math

import numpy as np

from .finding import Context, Finding, Remedy, evidence, names, percent, rule

DEAD = 0.6  # share of the units of a wide layer
DEAD_OF_FEW = 0.75  # of a layer with fewer than 32 units
VANISHED = 1e-5  # first over last gradient norm, each relative to the weights


@rule("no_gradient", "observation", patience=3, grace=1)
def no_gradient(context: Context) -> Finding | None:
    """A layer that is to learn gets no gradient, while others do."""
    if context.steps < 4 or len(context.observations) < 3:
        return None
    table = context.table
    seen = context.seen
    trainable = [layer for layer in context.layers() if layer.trains and layer.name in table]
    none = [layer for layer in trainable if not table[layer.name]["gradient"] > 0]
    none = [layer for layer in none if not math.isnan(table[layer.name]["weight"])]
    if not none:
        return None
    if len(none) == len(trainable) and all(table[layer.name]["gradient"] == 0 for layer in none):
        loss = context.column("loss")[1]
        if len(loss) and abs(loss[-1]) < 1e-3 * max(abs(context.beginning), 1e-12):
            return None  # everything is learned: there is nothing left to differentiate
    found = [layer.name for layer in none]
    unused = [name for name in found if name not in seen.calls]
    if len(unused) == len(found):
        sentence = f"{names(found)} {_is(found)} never used: the forward pass does not call {_it(found)}, so nothing is learned there."
        words = "call the layer in forward, or take it out of the model"
    else:
        found = [name for name in found if name in seen.calls]
        sentence = f"Nothing is learned in {names(found)}: the gradient there is {_value(table, found)}."
        words = (
            "look in forward, after this layer, for .detach(), .data, torch.no_grad(), .item(), argmax or rounding, or for "
            "units that are all off"
        )
    shown = [layer.name for layer in trainable]
    columns = {"layer": range(len(shown)), "gradient": [table[name]["gradient"] for name in shown]}
    return Finding(
        "no_gradient", "warn", sentence, context.steps, found[0], evidence("layer", columns, shown), Remedy(words)
    )


@rule("vanishing", "observation", patience=4, grace=2)
def vanishing(context: Context) -> Finding | None:
    """The first layers get a gradient that is next to nothing beside that of the last, and the loss does not fall."""
    table = context.table
    relative = {
        name: table[name]["gradient"] / table[name]["weight"]
        for name in context.seen.order
        if name in table and table[name]["weight"] > 0 and table[name]["gradient"] > 0
    }
    losses = context.column("loss")[1]
    if len(relative) < 4 or len(losses) < 100:
        return None
    if np.median(losses[-25:]) < 0.9 * np.median(losses[:25]):
        return None
    order, sizes = list(relative), np.array(list(relative.values()))
    ratio = float(sizes[0] / sizes[-1])
    if ratio > VANISHED * (3 if "vanishing" in context.present else 1):
        return None
    return Finding(
        "vanishing",
        "warn",
        f"The gradient vanishes on its way back: at `{order[0]}` it is {ratio:.0e} of what it is at `{order[-1]}`, relative "
        "to the weights. The first layers hardly learn.",
        context.steps,
        order[0],
        evidence("layer", {"layer": range(len(order)), "gradient / weight": sizes}, order, ratio=ratio),
        Remedy("use ReLU instead of sigmoid or tanh, residual connections or normalisation, or fewer layers"),
    )


@rule("dead", "observation", patience=2, grace=2)
def dead(context: Context) -> Finding | None:
    """Many units of a layer never switch on."""
    return _off(context, "zero", "dead")


@rule("saturated", "observation", patience=2, grace=2)
def saturated(context: Context) -> Finding | None:
    """Many units of a layer are stuck at an end of their range."""
    return _off(context, "ends", "saturated")


def _off(context: Context, kind: str, rule_name: str) -> Finding | None:
    table = context.table
    units = context.probes.units()
    of = {layer.name: layer for layer in context.layers()}
    shares: dict[str, float] = {}
    for name, row in table.items():
        layer = of.get(name.partition(" #")[0])
        if layer is None or not math.isfinite(row["dead"]) or units[name] < 4:
            continue
        if (layer.kind or "zero") == kind:
            shares[name] = row["dead"]
    ease = 0.75 if rule_name in context.present else 1.0
    found = {
        name: share for name, share in shares.items() if share > ease * (DEAD if units[name] >= 32 else DEAD_OF_FEW)
    }
    # What is off behind a layer also leaves the layer itself without gradient: say it of the activation.
    modules = {name: share for name, share in found.items() if not of[name.partition(" #")[0]].parameters}
    found = modules or found
    if not found:
        return None
    worst = max(found, key=lambda name: found[name])
    more = len(found) - 1
    others = "" if not more else f" (and many in {more} more {'layer' if more == 1 else 'layers'})"
    if kind == "zero":
        sentence = (
            f"{percent(found[worst])} of the units in `{worst}` never switch on{others}: they learn nothing any more."
        )
        words = "a lower learning rate from the start, smaller first weights, nn.LeakyReLU, or normalisation before it"
    else:
        sentence = (
            f"{percent(found[worst])} of the units in `{worst}` are stuck at the ends of their range{others}: next to no "
            "gradient passes through them."
        )
        words = "inputs of unit scale, smaller first weights, normalisation before it, or ReLU"
    shown = list(shares)
    columns = {"layer": range(len(shown)), "share": [shares[name] for name in shown]}
    return Finding(
        rule_name,
        "warn",
        sentence,
        context.steps,
        worst,
        evidence("layer", columns, shown, share=found[worst], units=units[worst]),
        Remedy(words),
    )


def _is(found: list[str]) -> str:
    return "is" if len(found) == 1 else "are"


def _it(found: list[str]) -> str:
    return "it" if len(found) == 1 else "them"


def _value(table: dict[str, dict[str, float]], found: list[str]) -> str:
    return "exactly zero" if all(table[name]["gradient"] == 0 for name in found) else "missing"
