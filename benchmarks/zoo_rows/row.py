"""A row of the zoo's table, and how one training of it is measured."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

import dlnb as dl
from dlnb.fast import Muon

ANSWERS = ("head", "what", "where")  # layers that give a model's answer, which Muon leaves to Adam


@dataclass(frozen=True)
class Measured:
    """One training: metrics on the test split, seconds of training, and the share of them in which batches were made."""

    values: dict[str, float]
    seconds: float
    loader: float


@dataclass(frozen=True)
class Row:
    """A line of the table.

    setting: model and recipe in words. measure: of a seed and a number of threads. least, most: what metrics are to reach.
    told: metrics that are shown beside them. seconds: of training at the most. seeds: where more are asked than usual, or one, as nothing is trained.
    """

    name: str
    setting: str
    measure: Callable[[int, int], Measured]
    least: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    seconds: float = math.inf
    seeds: int = 0
    told: tuple[str, ...] = ()


def learned(
    name: str, make: Callable[[int], dl.Task], model: str, least: dict[str, float], seconds: float,
    seeds: int = 0, said: str = "", muon: float = 0.0, others: float = 0.0, **recipe: Any,
) -> Row:  # fmt: skip
    """A row of one training, by a cosine schedule unless another is given. make: the task of a seed; model: its name in the task.

    said: what is to be known of the task. muon, others: learning rates of `Muon`, for the matrices and for all else; without them `dl.fit` has its own optimiser.
    """
    recipe = {"schedule": "cosine", **recipe}

    def measure(seed: int, threads: int) -> Measured:
        task = make(seed)
        with dl.seeded(seed):
            made = task.models[model]()
        own = {"optimizer": Muon.of(made, ANSWERS, lr=muon, lr_others=others)} if muon else {}
        return trained(made, task, seed, threads, **own, **recipe)

    by = [f"Muon {muon:g}, others {others:g}"] if muon else []
    setting = ", ".join([model, *([said] if said else []), *by, *(f"{key} {value}" for key, value in recipe.items())])
    return Row(name, setting, measure, least, seconds=seconds, seeds=seeds)


def trained(model: nn.Module, task: dl.Task, seed: int, threads: int, steps: int = 0, **recipe: Any) -> Measured:
    """Train and measure. steps: how many; by default all of the recipe's epochs."""
    task = copy.copy(task)
    task.train = Timed(task.train)
    run = dl.fit(model, task, seed=seed, threads=threads, start=False, **recipe)
    begin = time.perf_counter()
    if steps:
        run.step(steps)
    else:
        run.start()
        run.wait()
    seconds = time.perf_counter() - begin
    found = Measured(run.evaluate("test"), seconds, task.train.seconds / seconds)
    run.stop()
    return found


class Timed:
    """Batches, and how long they took to make."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, seed: int, epoch: int, position: int) -> Any:
        """See `Batches.batch`."""
        begin = time.perf_counter()
        made = self._batches.batch(seed, epoch, position)
        self.seconds += time.perf_counter() - begin
        return made


def scaled(scale: Callable[[int], float]) -> Callable[[Any], Any]:
    """A schedule for `dl.fit`: every learning rate times what a function says of the step."""
    return lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, scale)
