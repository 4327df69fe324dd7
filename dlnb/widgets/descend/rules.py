"""The optimisers of `dl.descend`: classes of `torch.optim`, and the knobs of each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from .arithmetic import Knobs, Written, adam, adamw, momentum, nesterov, rmsprop, sgd


@dataclass(frozen=True)
class Knob:
    """A setting. low and high: what its slider offers. logarithmic: whether equal ways on the slider are equal factors.

    below: it must be smaller than this.
    """

    name: str
    label: str
    low: float
    high: float
    logarithmic: bool
    otherwise: float
    below: float = math.inf

    def check(self, value: Any) -> float:
        """The value as a float. Raises: ValueError if the optimiser cannot take it."""
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if not 0 <= number < self.below or not math.isfinite(number):
            most = f" and below {self.below:g}" if math.isfinite(self.below) else ""
            raise ValueError(f"{self.label} must be a number from 0 up{most}, got {value!r:.40}")
        return number


RATE = Knob("lr", "learning rate", 1e-5, 10.0, True, 0.1)
MOMENTUM = Knob("momentum", "momentum μ", 0.0, 0.99, False, 0.9, 10.0)
ALPHA = Knob("alpha", "memory α", 0.5, 0.999, False, 0.99, 1.0)
BETA1 = Knob("beta1", "memory of the slope β₁", 0.0, 0.99, False, 0.9, 1.0)
BETA2 = Knob("beta2", "memory of its size β₂", 0.5, 0.999, False, 0.999, 1.0)
DECAY = Knob("weight_decay", "weight decay λ", 0.0, 1.0, False, 0.1)
EPS = Knob("eps", "smallest divisor ε", 1e-10, 1.0, True, 1e-8)


@dataclass(frozen=True)
class Rule:
    """An optimiser. rate: which of the surface's learning rates it begins with. written: its update as lines, if it is known."""

    name: str
    label: str
    about: str
    optimizer: type[Optimizer]
    knobs: tuple[Knob, ...]
    rate: str
    fixed: Mapping[str, Any]
    written: Written | None

    def settings(self, knobs: Knobs) -> dict[str, Any]:
        """The knobs as the optimiser of PyTorch calls them."""
        settings: dict[str, Any] = {name: value for name, value in knobs.items() if not name.startswith("beta")}
        if "beta1" in knobs:
            settings["betas"] = (knobs["beta1"], knobs["beta2"])
        settings |= self.fixed
        if settings.get("nesterov") and not settings["momentum"]:
            settings["nesterov"] = False  # PyTorch makes none without momentum; plain steps are the same
        return settings

    def make(self, weights: nn.Parameter, knobs: Knobs) -> Optimizer:
        """The optimiser of these weights, (2,)."""
        return self.optimizer([weights], **self.settings(knobs))


RULES = {
    rule.name: rule
    for rule in (
        Rule("sgd", "SGD", "Plain steps: downhill, as long as the slope is steep.", torch.optim.SGD, (RATE,), "plain", {}, sgd),
        Rule(
            "momentum", "Momentum", "Like a ball: it keeps most of its speed.",
            torch.optim.SGD, (RATE, MOMENTUM), "momentum", {}, momentum,
        ),
        Rule(
            "nesterov", "Nesterov", "Momentum that looks one step ahead.",
            torch.optim.SGD, (RATE, MOMENTUM), "momentum", {"nesterov": True}, nesterov,
        ),
        Rule(
            "rmsprop", "RMSprop", "Each weight has steps of its own length: the slope divided by its usual size.",
            torch.optim.RMSprop, (RATE, ALPHA, EPS), "scaled", {}, rmsprop,
        ),
        Rule(
            "adam", "Adam", "Momentum and RMSprop in one, right from the first step.",
            torch.optim.Adam, (RATE, BETA1, BETA2, EPS), "scaled", {}, adam,
        ),
        Rule(
            "adamw", "AdamW", "Adam, and the weights shrink a little in each step.",
            torch.optim.AdamW, (RATE, BETA1, BETA2, DECAY, EPS), "scaled", {}, adamw,
        ),
    )
}  # fmt: skip


def own_rule(optimizer: type[Optimizer]) -> Rule:
    """A learner's own optimiser: a class that is made by `optimizer(parameters, lr=…)` and remembers in `self.state`.

    Raises: TypeError if it cannot be made so, or does not keep its learning rate where PyTorch's do.
    """
    name = optimizer.__name__
    try:
        made = optimizer([nn.Parameter(torch.zeros(2, dtype=torch.float64))], lr=RATE.otherwise)  # type: ignore[call-arg]
    except Exception as error:  # whatever a learner's own class raises
        raise TypeError(f"it must be possible to write {name}(parameters, lr=0.1); it gave {type(error).__name__}: {error}") from error
    if "lr" not in made.param_groups[0]:
        raise TypeError(f"{name} must keep its learning rate as PyTorch's do: super().__init__(parameters, {{'lr': lr}})")
    about = (optimizer.__doc__ or "").strip().partition("\n")[0][:200]
    rate = "scaled" if "adam" in name.lower() else "plain"
    return Rule(name.lower(), name, about or "Your own optimiser.", optimizer, (RATE,), rate, {}, None)
