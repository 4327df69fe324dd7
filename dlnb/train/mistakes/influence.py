"""Did training on this help that? The dot product of the gradients of two examples' losses.

A small step of gradient descent on one example changes the loss of the other by about -lr · (gradient · gradient):
where the product is positive it falls, where it is negative it rises.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...task import Task
from ..evaluate import to_device
from .answers import Reading, device_of, in_order, load, one

UNRELATED = 0.05  # cosine of two gradients that have nothing to do with each other


@dataclass(frozen=True)
class Influence:
    """Two gradients at the present weights.

    dot: their product; cosine: the product of their directions, in [-1, 1], NaN where one is zero.
    lengths: of the gradient of the example trained on, and of the other.
    """

    dot: float
    cosine: float
    lengths: tuple[float, float]

    def change(self, lr: float) -> float:
        """How much the other's loss changes, to first order, by one step of plain gradient descent at `lr`."""
        return -lr * self.dot

    def words(self, on: str, of: str, lr: float | None = None) -> str:
        """What it says. on, of: what the two examples are called."""
        numbers = f"The dot product of their gradients is {self.dot:.3g}, their cosine {self.cosine:.2f}."
        if math.isnan(self.cosine):
            which = " and ".join(name for name, length in zip((on, of), self.lengths, strict=True) if not length > 0)
            return f"Nothing can be said of {which}: the gradient is zero, or no number. {numbers}"
        if abs(self.cosine) < UNRELATED:
            effect = f"Training on {on} would hardly change {of}"
        elif self.dot > 0:
            effect = f"Training on {on} would help {of}: its loss falls"
        else:
            effect = f"Training on {on} would hurt {of}: its loss rises"
        if lr:
            size = f"{abs(self.change(lr)):.2g}"
            effect += f" (to first order by {size}, in one plain gradient step at the learning rate {lr:.3g})"
        return f"{effect}. {numbers}"


def influence(model: nn.Module, task: Task, on: tuple[str, int], of: tuple[str, int]) -> Influence:
    """What training on one example does to the loss of another, each given as (split, number).

    The model stays in the mode it is in (eval, in a question to a run); no parameter, gradient, buffer or random
    number is changed.

    Raises: ValueError if there is no such example or no parameter that learns; what the loss raises for one example.
    Source: Pruthi et al. 2020 (TracIn), arXiv:2002.08484, at one checkpoint.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("every layer of this model is frozen: there is no gradient to compare")
    batches = [example(task, *on), example(task, *of)]
    trained, other = (_gradient(model, task, parameters, batch) for batch in batches)
    # In float64, as millions of small products are summed.
    dot = sum(float((a.double() * b.double()).sum()) for a, b in zip(trained, other, strict=True))
    first, second = (sum(float(part.double().square().sum()) for part in side) ** 0.5 for side in (trained, other))
    return Influence(dot, dot / (first * second) if first * second else float("nan"), (first, second))


def example(task: Task, split: str, number: int) -> tuple[Any, ...]:
    """Example `number` of a split, counted in the split's own order: a batch of one.

    Raises: ValueError if there is no such example.
    """
    batches = in_order(task.split(split))
    before = 0
    for position in range(len(batches)):
        batch = load(batches, position)
        size = Reading.size_of(batch)
        if before <= number < before + size:
            return tuple(one(part, number - before) for part in batch)
        before += size
    raise ValueError(f"the {split} split of {task.name!r} has {before} examples, numbered from 0: there is no {number}")


def _gradient(model: nn.Module, task: Task, parameters: list[nn.Parameter], batch: tuple[Any, ...]) -> list[Tensor]:
    *inputs, target = to_device(batch, device_of(model))
    # cuDNN's recurrent layers cannot be differentiated in eval mode; PyTorch's own can.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        loss = task.loss(model(*inputs), target)
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
    pairs = zip(parameters, found, strict=True)
    return [torch.zeros_like(parameter) if part is None else part for parameter, part in pairs]
