"""Knobs: values that may change while training, read from the optimiser, the model, the data and the loop.

A knob of the optimiser belongs to all parameter groups at once, "dropout" to all layers that drop: where they differ,
turning it keeps their ratios.
"""

import difflib
import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

from torch import nn
from torch.optim import Optimizer

from .loop import OFF, Loop
from .schedules import check_schedule, replace_schedule, scale_schedule

# What a knob may be at most; everything else may be any number that is not negative.
LIMITS = {"momentum": 1.0, "dampening": 1.0, "alpha": 1.0, "beta1": 1.0, "beta2": 1.0, "dropout": 1.0}
NOT_KNOBS = ("initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum")  # notes of the schedulers

Scale = Literal["log", "linear", "whole"]


@dataclass(frozen=True)
class Control:
    """A knob as a panel draws it: its name, present value, the ends of its slider, and how the slider is divided."""

    name: str
    value: float
    low: float
    high: float
    scale: Scale


def read_knobs(loop: Loop) -> dict[str, float]:
    """What can be set, and its present value: `{"lr": 0.001, "weight_decay": 0.01, "beta1": 0.9, …}`."""
    knobs = _optimizer_knobs(loop.optimizer)
    if loop.scheduler is not None:
        knobs["lr_scale"] = loop.lr_scale
    if dropouts := _dropouts(loop.model):
        knobs["dropout"] = max(getattr(layer, attribute) for layer, attribute in dropouts)
    if loop.batch_size is not None:
        knobs["batch_size"] = loop.batch_size
    knobs["clip"] = loop.clip
    knobs["epochs"] = loop.epochs
    return {**knobs, **{name: own.value for name, own in loop.own_knobs.items()}}


def controls(loop: Loop) -> list[Control]:
    """The knobs with the ends of their sliders."""
    return [_control(loop, name, value) for name, value in read_knobs(loop).items()]


def check_knobs(loop: Loop, knobs: dict[str, Any]) -> dict[str, Any]:
    """The values in the form in which they are set.

    Raises: ValueError in words if there is no such knob (with the nearest names) or a value does not fit.
    """
    return {name: _check(loop, name, value) for name, value in knobs.items()}


def turn_knobs(loop: Loop, knobs: dict[str, Any]) -> dict[str, Any]:
    """Set checked values. Returns what sets the loop back."""
    before: dict[str, Any] = {}
    for name, value in knobs.items():
        if name == "schedule":
            before["schedule"] = "off" if loop.scheduler is None else "hold" if loop.held else "go"
            replace_schedule(loop, value)
        elif name == "lr_scale":
            before[name] = loop.lr_scale
            scale_schedule(loop, value / loop.lr_scale)
            loop.lr_scale = value
        elif name == "clip":
            before[name], loop.clip = loop.clip, value
        elif name == "epochs":
            before[name], loop.epochs = loop.epochs, value
        elif name == "batch_size":
            before[name], loop.batch_size = loop.batch_size, value
        elif name in loop.own_knobs:
            before[name] = loop.own_knobs[name].value
            loop.own_knobs = {**loop.own_knobs, name: loop.own_knobs[name].at(value)}
        elif name == "dropout":
            dropouts = _dropouts(loop.model)
            before[name] = first = max(getattr(layer, attribute) for layer, attribute in dropouts)
            for layer, attribute in dropouts:
                share = 1.0 if first == 0 else getattr(layer, attribute) / first
                setattr(layer, attribute, value * share)
        else:
            before[name] = _turn(loop.optimizer, name, value)
            if name == "lr" and loop.scheduler is not None and not loop.held:
                before["schedule"], loop.held = "go", True
    return before


def freeze(loop: Loop, layer: str, frozen: bool) -> None:
    """Let a layer learn no more, or learn again.

    Raises: ValueError if there is no such layer (with the nearest names), it has no parameters, or nothing would be
    left that learns.
    """
    layers = {name: module for name, module in loop.model.named_modules() if name}
    if layer not in layers:
        raise ValueError(f"the model has no layer {layer!r}{_nearest(layer, layers)}")
    mine = list(layers[layer].parameters())
    if not mine:
        raise ValueError(f"{layer} has no parameters, so there is nothing to freeze")
    held = {id(parameter) for parameter in mine}
    if frozen and not any(
        parameter.requires_grad for parameter in loop.model.parameters() if id(parameter) not in held
    ):
        raise ValueError(f"with {layer} frozen nothing in the model would learn any more")
    for parameter in mine:
        parameter.requires_grad_(not frozen)
        parameter.grad = None
    loop.look_for_sentinel()


def is_whole(value: Any) -> bool:
    """Whether a value is a number without a fraction: 3 and 3.0, but not "3", True, NaN or infinity."""
    if isinstance(value, Integral):
        return not isinstance(value, bool)
    return isinstance(value, Real) and float(value).is_integer()


def _check(loop: Loop, name: str, value: Any) -> Any:
    knobs = read_knobs(loop)
    if name == "schedule":
        return check_schedule(loop, value)
    if name not in knobs:
        raise ValueError(f"this run has no knob {name!r}{_nearest(name, [*knobs, 'schedule'])}")
    if name == "clip" and value is None:
        return OFF
    if name in ("epochs", "batch_size"):
        least = 1 if name == "batch_size" else max(1, loop.epoch + (loop.place > 0))
        most = loop.batches.examples if name == "batch_size" else 10**9
        if not is_whole(value) or not least <= value <= most:
            at = f" at step {loop.steps}" if name == "epochs" else f" and {most} at most"
            raise ValueError(f"{name} must be a whole number, {least} or more{at}; got {value!r}")
        return int(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    if name in loop.own_knobs:
        own = loop.own_knobs[name]
        if not own.low <= number <= own.high:
            raise ValueError(f"{name} must be a number from {own.low:g} to {own.high:g}; got {value!r}")
        return number
    if name == "clip":
        if math.isnan(number) or number <= 0:
            raise ValueError(f"clip must be a number above 0, or None for no clipping; got {value!r}")
        return number
    above = name == "lr_scale" and number == 0
    if not math.isfinite(number) or number < 0 or above or number > LIMITS.get(name, math.inf):
        upper = f" and at most {LIMITS[name]:g}" if name in LIMITS else ""
        least_words = "above 0" if name == "lr_scale" else "0 or more"
        raise ValueError(f"{name} must be a finite number, {least_words}{upper}; got {value!r}")
    if name in ("beta1", "beta2") and number == 1:
        raise ValueError(f"{name} must be below 1: at 1 the optimiser never forgets its first gradient")
    return number


def _optimizer_knobs(optimizer: Optimizer) -> dict[str, float]:
    group = optimizer.param_groups[0]
    knobs: dict[str, float] = {}
    for name, value in group.items():
        if name == "betas":
            knobs |= {f"beta{i + 1}": float(beta) for i, beta in enumerate(value)}
        elif isinstance(value, (float, int)) and not isinstance(value, bool) and name not in NOT_KNOBS:
            knobs[name] = float(value)
    return knobs


def _turn(optimizer: Optimizer, name: str, value: float) -> float:
    """Set a knob in every parameter group; returns what it was in the first."""
    if name.startswith("beta") and "betas" in optimizer.param_groups[0]:
        place = int(name[4:]) - 1
        before = float(optimizer.param_groups[0]["betas"][place])
        for group in optimizer.param_groups:
            betas = list(group["betas"])
            betas[place] = value
            group["betas"] = tuple(betas)
        return before
    before = float(optimizer.param_groups[0][name])
    for group in optimizer.param_groups:
        same = group[name] == before or before == 0
        group[name] = value if same else value * group[name] / before
    return before


def _dropouts(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """The layers of a model that drop, and the attribute that says how much."""
    kinds = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
    inside = (nn.RNNBase, nn.MultiheadAttention)
    modules = list(model.modules())
    return [(m, "p") for m in modules if isinstance(m, kinds)] + [
        (m, "dropout") for m in modules if isinstance(m, inside)
    ]


def _control(loop: Loop, name: str, value: float) -> Control:
    if name in loop.own_knobs:
        own = loop.own_knobs[name]
        return Control(name, value, own.low, own.high, "linear")
    if name == "epochs":
        return Control(name, value, max(1, loop.epoch + (loop.place > 0)), max(2 * loop.epochs, 10), "whole")
    if name == "batch_size":
        return Control(name, value, 1, min(loop.batches.examples, 1024), "whole")
    if name in LIMITS:
        return Control(name, value, 0.0, 0.95 if name == "dropout" else 0.9999, "linear")
    low, high = {"lr": (1e-6, 10.0), "lr_scale": (1e-2, 1e2), "clip": (1e-2, 1e2), "eps": (1e-10, 1e-2)}.get(
        name, (1e-6, 1.0)
    )
    return Control(name, value, low, high, "log")


def _nearest(name: str, known: Any) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    few = ", ".join(map(repr, names[:12])) + (" …" if len(names) > 12 else "")
    return f"; did you mean {' or '.join(map(repr, near))}? It has {few}" if near else f"; it has {few}"
