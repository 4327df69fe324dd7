"""One optimiser on its way down a surface: a real `torch.optim` class with two weights of its own.

Every step is kept with all that decides the next one, so that it can go back, and on from there with other knobs.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from .arithmetic import Knobs, Line, Pair, State, Update, pair, unwritten
from .rules import Rule
from .surfaces import Place, Surface

FAR = 1_000  # sides of the map: who is further away has flown off
REACHED = 0.01  # of the way down from the start that may be left where somebody counts as there
KEPT = 200  # characters of what a learner's own code raised


@dataclass(frozen=True)
class Moment:
    """A racer after a step.

    slope and knobs: of that step; None and {} at the start. state and group: what the optimiser keeps of the weights and of
    its settings, after it.
    """

    weights: Pair
    loss: float
    slope: Pair | None
    knobs: Knobs
    state: State
    group: Mapping[str, Any]


class Racer:
    """One optimiser on its way down. stuck: why it cannot go on; "" while it can. turns: how often what it went was taken back."""

    def __init__(self, rule: Rule, surface: Surface, start: Place, knobs: Mapping[str, float] | None = None) -> None:
        self.rule = rule
        self.on = True
        self.turns = 0
        self.knobs = first_knobs(rule, surface) | dict(knobs or {})
        self.begin(surface, start)

    def begin(self, surface: Surface, start: Place) -> None:
        """Go to the start and forget everything."""
        self.surface = surface
        self.weights = nn.Parameter(torch.tensor(start, dtype=torch.float64))
        self.optimizer = self.rule.make(self.weights, self.knobs)
        self.stuck = ""
        self.turns += 1
        self.moments = [Moment(pair(self.weights), surface.height(self.weights), None, {}, *self._kept())]

    @property
    def steps(self) -> int:
        """How many it has made."""
        return len(self.moments) - 1

    @property
    def now(self) -> Moment:
        """Where it is."""
        return self.moments[-1]

    def step(self) -> None:
        """Make one step; where that leads nowhere, stay and say why."""
        if self.stuck:
            return
        before = self.now
        try:
            self.optimizer.zero_grad()
            self.surface.loss(self.weights, self.steps).backward()
            slope = (0.0, 0.0) if self.weights.grad is None else pair(self.weights.grad)
            self.optimizer.step()
            after = Moment(pair(self.weights), self.surface.height(self.weights), slope, dict(self.knobs), *self._kept())
        except Exception as error:  # of the learner's own function or optimiser
            self.stuck = f"{self.rule.label} stopped at step {self.steps + 1}: {type(error).__name__}: {str(error)[:KEPT]}"
            self._restore(before)
            return
        if self._is_gone(after):
            self.stuck = self._why(slope)
            self._restore(before)
            return
        self.moments.append(after)

    def back_to(self, step: int) -> None:
        """Everything as it was after that step, but the knobs. Nothing, if it never came so far."""
        if step > self.steps:
            return
        del self.moments[max(0, step) + 1 :]
        self.turns += 1
        self.stuck = ""
        self._restore(self.now)

    def set(self, **knobs: float) -> None:
        """Turn knobs; from the next step on. Raises: ValueError if there is no such knob, or one cannot be set so."""
        known = {knob.name: knob for knob in self.rule.knobs}
        for name in knobs:
            if name not in known:
                raise ValueError(f"{self.rule.label} has no knob {name!r:.40}; it has {', '.join(known)}")
        turned = self.knobs | {name: known[name].check(value) for name, value in knobs.items()}
        self.rule.make(nn.Parameter(torch.zeros_like(self.weights)), turned)  # a class of one's own may refuse more
        self.knobs = turned
        self.optimizer.param_groups[0].update(self.rule.settings(turned))
        self.stuck = ""

    def update(self) -> Update | None:
        """What its last step was made of; None at the start."""
        if not self.steps:
            return None
        before, after = self.moments[-2:]
        assert after.slope is not None
        return Update(before.weights, after.slope, after.knobs, before.state, self.steps)

    def lines(self) -> list[Line]:
        """The arithmetic of its last step; empty at the start."""
        update = self.update()
        if update is None:
            return []
        return unwritten(update, self.now.weights) if self.rule.written is None else self.rule.written(update)

    def arrived(self) -> int | None:
        """The first step after which only a hundredth of the way down was left; None if it is not there yet, or nobody knows where."""
        lowest = self.surface.lowest
        if lowest is None:
            return None
        there = lowest + REACHED * (self.moments[0].loss - lowest)
        return next((step for step, moment in enumerate(self.moments) if moment.loss <= there), None)

    def _kept(self) -> tuple[State, Mapping[str, Any]]:
        """What the optimiser remembers, as a copy."""
        group = {name: value for name, value in self.optimizer.param_groups[0].items() if name != "params"}
        return copy.deepcopy(dict(self.optimizer.state.get(self.weights, {}))), copy.deepcopy(group)

    def _restore(self, moment: Moment) -> None:
        with torch.no_grad():
            self.weights.copy_(torch.tensor(moment.weights, dtype=torch.float64))
        self.optimizer.state.pop(self.weights, None)
        if moment.state:
            self.optimizer.state[self.weights] = copy.deepcopy(dict(moment.state))
        group = self.optimizer.param_groups[0]
        settings = copy.deepcopy(dict(moment.group)) | self.rule.settings(self.knobs) | {"params": group["params"]}
        group.clear()
        group.update(settings)

    def _is_gone(self, moment: Moment) -> bool:
        left, right, bottom, top = self.surface.box
        x, y = moment.weights
        if not all(map(math.isfinite, (x, y, moment.loss))):
            return True
        return abs(x - (left + right) / 2) > FAR * (right - left) or abs(y - (bottom + top) / 2) > FAR * (top - bottom)

    def _why(self, slope: Pair) -> str:
        label, step = self.rule.label, self.steps + 1
        begun, here = self.moments[0].loss, self.now.loss
        if not all(map(math.isfinite, slope)):
            return f"{label} stopped at step {step}: the slope here is no number. Go back, or choose another start."
        if here > begun:  # it has been climbing: the steps are too long
            return (
                f"{label} flew off at step {step}: with the learning rate {self.knobs['lr']:g} each step ends higher than it began. "
                "It waits at its last place. Make its learning rate smaller, then go back or begin again."
            )
        return (
            f"{label} stopped at step {step}: the next place is far off the map, or the loss is no number there. "
            f"Make its learning rate ({self.knobs['lr']:g}) smaller, or go back."
        )


def first_knobs(rule: Rule, surface: Surface) -> dict[str, float]:
    """The knobs that an optimiser begins with on a surface."""
    return {knob.name: knob.otherwise for knob in rule.knobs} | {"lr": getattr(surface.rates, rule.rate)}


def path(racer: Racer, first: int = 0) -> np.ndarray:
    """Where a racer has been from a step on: x, y and the loss, (steps, 3) float64."""
    return np.array([(*moment.weights, moment.loss) for moment in racer.moments[first:]]).reshape(-1, 3)
