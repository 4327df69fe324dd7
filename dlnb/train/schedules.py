"""Schedules of the learning rate: made, held, scaled and replaced while a run goes on."""

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

if TYPE_CHECKING:
    from .loop import Loop

ScheduleChoice = str | Callable[[Optimizer], LRScheduler] | None

WORDS = ("hold", "go", "off", "cosine")


def make_scheduler(choice: ScheduleChoice, optimizer: Optimizer, total_steps: int, warm_up: bool = True) -> LRScheduler | None:
    """The scheduler of a name, or of a function of the optimiser. Raises: ValueError if there is none of that name."""
    if choice is None:
        return None
    if callable(choice):
        return choice(optimizer)
    if choice == "cosine":
        return LambdaLR(optimizer, Cosine(total_steps, max(1, total_steps // 20) if warm_up else 0))
    raise ValueError(f"there is no schedule {choice!r}; give 'cosine', None, or a function of the optimiser")


class Cosine:
    """A share of the learning rate for each step: up in a straight line, then down to 0 along a cosine.

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts.
    """

    def __init__(self, total_steps: int, warm_up: int) -> None:
        self.total_steps = total_steps
        self.warm_up = warm_up

    def __call__(self, step: int) -> float:
        """The share at a step, from 0 to 1."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        done = (step - self.warm_up) / max(1, self.total_steps - self.warm_up)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def check_schedule(loop: "Loop", choice: Any) -> Any:
    """A word or a function that `replace_schedule` takes. Raises: ValueError in words."""
    if callable(choice):
        return choice
    if choice is None:
        return "off"
    if choice not in WORDS:
        raise ValueError(f"schedule must be one of {', '.join(map(repr, WORDS))}, or a function of the optimiser; got {choice!r}")
    if choice in ("hold", "go") and loop.scheduler is None:
        raise ValueError(f"this run follows no schedule that it could {choice}; schedule='cosine' begins one")
    return choice


def replace_schedule(loop: "Loop", choice: Any) -> None:
    """Hold the schedule where it is, let it go on, end it, or begin another from the present learning rate."""
    if choice in ("hold", "go"):
        loop.held = choice == "hold"
        return
    loop.held, loop.lr_scale = False, 1.0
    for group in loop.optimizer.param_groups:
        group.pop("initial_lr", None)
    rest = max(1, loop.total_steps - loop.steps)
    loop.scheduler = None if choice == "off" else make_scheduler(choice, loop.optimizer, rest, warm_up=False)


def scale_schedule(loop: "Loop", factor: float) -> None:
    """Multiply what the schedule gives from now on, whatever it computes it from."""
    scheduler = loop.scheduler
    assert scheduler is not None
    for group in loop.optimizer.param_groups:
        for name in ("lr", "initial_lr", "max_lr", "min_lr"):
            if name in group:
                group[name] *= factor
    for part in (scheduler, *getattr(scheduler, "_schedulers", ())):
        if hasattr(part, "base_lrs"):
            part.base_lrs = [rate * factor for rate in part.base_lrs]
        if hasattr(part, "_last_lr"):
            part._last_lr = [rate * factor for rate in part._last_lr]


def bound_to(scheduler: LRScheduler, optimizer: Optimizer) -> LRScheduler:
    """The scheduler itself if it steers this optimiser, else a copy that does."""
    if scheduler.optimizer is optimizer:
        return scheduler
    return copy.deepcopy(scheduler, {id(scheduler.optimizer): optimizer})
