"""What a rule says when something is wrong, and what the rules are given to see."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from torch import nn

from ..probes.layers import Layer, find_layers
from ..probes.observation import Observation
from ..probes.probes import Probes

Severity = Literal["stop", "warn", "note"]
When = Literal["start", "observation", "losses", "evaluation"]


@dataclass(frozen=True)
class Remedy:
    """What to do. words: for the reader; knobs: what `run.set` or `run.fork` takes, empty if it is code to change.

    since: the step from which on it was wrong, if the remedy has to begin before it.
    """

    words: str
    knobs: dict[str, float] = field(default_factory=dict)
    since: int | None = None


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a training, in a sentence.

    rule: which rule says so; layer: where, if it is one layer. step: when it was found.
    evidence: what to draw, made by `evidence`.
    """

    rule: str
    severity: Severity
    sentence: str
    step: int
    layer: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    remedy: Remedy | None = None


def evidence(x: str, columns: dict[str, Any], labels: Sequence[str] = (), **facts: float | str) -> dict[str, Any]:
    """Plain data to draw: columns of one length over the column named `x`, and single facts.

    labels: where the x-axis has no numbers, what each position is called.
    """
    arrays = {name: np.asarray(values, np.float64) for name, values in columns.items()}
    return {"x": x, "columns": arrays, "labels": list(labels), "facts": dict(facts)}


@dataclass(frozen=True)
class Rule:
    """A rule and when it is asked.

    when: at the start, after new observations, losses or evaluations. patience: how often in a row it must say so
    before it is believed; grace: how often in a row it must be silent before a finding goes away.
    """

    name: str
    when: When
    check: Callable[["Context"], Finding | None]
    patience: int = 1
    grace: int = 2


RULES: list[Rule] = []


def rule(name: str, when: When, patience: int = 1, grace: int = 2) -> Callable[[Any], Any]:
    """Enter a function of the context as a rule."""

    def enter(check: Callable[["Context"], Finding | None]) -> Callable[["Context"], Finding | None]:
        RULES.append(Rule(name, when, check, patience, grace))
        return check

    return enter


class Context:
    """What rules may look at: the loop, what was recorded, and what the probes saw lately.

    The loop may be one that somebody wrote by hand: then `task` is None, and rules that need one stay silent.
    """

    def __init__(self, loop: Any, probes: Probes) -> None:
        self.loop = loop
        self.probes = probes
        self._table: dict[str, dict[str, float]] | None = None
        self.present: set[str] = set()  # rules whose findings are shown now
        self.memory: dict[str, Any] = {}  # what a rule keeps from one look to the next

    @property
    def model(self) -> nn.Module:
        """The model."""
        return self.loop.model

    @property
    def task(self) -> Any:
        """The task, or None for a hand-written loop."""
        return None if getattr(self.loop, "keeps_gradients", False) else getattr(self.loop, "task", None)

    @property
    def steps(self) -> int:
        """Steps made."""
        return int(self.loop.steps)

    @property
    def optimizers(self) -> list[Any]:
        """Every optimiser."""
        found = getattr(self.loop, "optimizers", None)
        return list(found) if found is not None else [self.loop.optimizer]

    @property
    def observations(self) -> list[Observation]:
        """What the probes saw lately, the latest last."""
        return list(self.probes.recent)

    @property
    def first(self) -> Observation | None:
        """What the probes saw first."""
        return self.probes.first

    def refresh(self) -> None:
        """Something new was seen."""
        self._table = None

    @property
    def table(self) -> dict[str, dict[str, float]]:
        """The latest statistics of the layers."""
        if self._table is None:
            self._table = self.probes.table()
        return self._table

    @property
    def seen(self) -> Observation:
        """The latest observation; a rule that is asked after observations has one."""
        return self.observations[-1]

    def column(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values of a column of the history; empty if there is none."""
        history = self.loop.history
        if name not in history:
            return np.zeros(0, np.int64), np.zeros(0)
        steps, values = history.steps(name), history[name]
        n = min(len(steps), len(values))
        return steps[:n], values[:n]

    def layers(self) -> list[Layer]:
        """The layers of the model."""
        return self.probes.found or find_layers(self.model)

    def lr_remedy(self, factor: float, words: str, since: int | None = None) -> Remedy:
        """Turn the learning rate by a factor: the rate itself, or the scale of its schedule."""
        loop = self.loop
        if self.task is None:
            return Remedy(
                f"{words}: lr {self.lr:.3g} → {self.lr * factor:.2g}", {"lr": float(f"{self.lr * factor:.2g}")}, since
            )
        if getattr(loop, "scheduler", None) is not None and not getattr(loop, "held", False):
            scale = getattr(loop, "lr_scale", 1.0) * factor
            return Remedy(f"{words}: scale the schedule by {scale:.3g}", {"lr_scale": scale}, since)
        lr = float(f"{self.lr * factor:.2g}")
        return Remedy(f"{words}: lr {self.lr:.3g} → {lr:g}", {"lr": lr}, since)

    @property
    def lr(self) -> float:
        """The learning rate of the first parameter group."""
        return float(self.optimizers[0].param_groups[0]["lr"])

    @property
    def beginning(self) -> float:
        """About what the loss was at first; NaN before it is known."""
        values = self.column("loss")[1][:10]
        return float(np.median(values)) if len(values) else math.nan


def names(layers: Sequence[str], most: int = 2) -> str:
    """`fc1`, or "`fc1`, `fc2` and 3 more layers"."""
    shown = ", ".join(f"`{name}`" for name in layers[:most])
    more = len(layers) - most
    return shown if more <= 0 else f"{shown} and {more} more {'layer' if more == 1 else 'layers'}"


def percent(share: float) -> str:
    """A share for people: "38 %", "0.4 %"."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1g} %"
