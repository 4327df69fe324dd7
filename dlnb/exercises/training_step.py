"""What judges a training step that a learner wrote: how it moves weights, and what a network learns by it."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..train.engine import seeded
from .exercise import Unanswered, Wrong
from .progress_bar import counted

Step = Callable[[nn.Module, torch.optim.Optimizer, Tensor, Tensor], Any]
LR, PICTURES, INPUTS, CLASSES = 0.1, 16, 64, 10  # of the linear classifier on which a step is tried


def training_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """One step downhill on the cross-entropy of x (B, …) and the true classes y (B,)."""
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


def judge_moves(step: Any) -> None:
    """Whether two calls move the weights of a linear classifier as gradient descent does.

    Raises: Unanswered if it does nothing at all; Wrong, with what it does instead.
    """
    _can_be_called(step)
    with seeded(0):
        model = nn.Linear(INPUTS, CLASSES)
        x, y = torch.rand(2, PICTURES, INPUTS), torch.randint(CLASSES, (2, PICTURES))
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    asked, swept = [], []
    model.register_forward_pre_hook(lambda _module, given: asked.append(given))
    model.weight.register_hook(lambda slope: swept.append(slope))

    first, twice = _slope(model, x[0], y[0]), _slope(model, x[0], y[0], softmax=True)
    moved = _moved(step, model, optimizer, x[0], y[0])
    if not moved.any():
        _nothing_moved(bool(asked), bool(swept), model)
    _downhill(moved, first, twice)
    second = _slope(model, x[1], y[1])
    moved = _moved(step, model, optimizer, x[1], y[1])
    if _same(moved, second + first):
        raise Wrong("the second step goes along the slopes of both batches: they are added up, for nobody clears the old ones. `optimizer.zero_grad()` does")
    if not _same(moved, second):
        raise Wrong("the first step is right, and the second is not. Does it use the `x` and `y` of this call?")


def taught(step: Step, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], total: int, lr: float) -> nn.Module:
    """The model after that many batches, ready to be asked; a progress bar is shown meanwhile."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    threads = torch.get_num_threads()
    with seeded(0):
        torch.set_num_threads(1)  # a second one gains little with so small a network, and loses much where others compute too
        try:
            for x, y in counted(batches, total, "a new network learns by your step"):
                step(model.train(), optimizer, x, y)
        finally:
            torch.set_num_threads(threads)
    return model.eval()


def _can_be_called(step: Any) -> None:
    if not callable(step) or isinstance(step, nn.Module):
        raise Wrong(f"this is a {type(step).__name__}; give the function itself, `step`, without brackets behind it")
    try:
        inspect.signature(step).bind(None, None, None, None)
    except TypeError:
        raise Wrong("it is called with four things, `step(model, optimizer, x, y)`, and yours does not take four") from None
    except ValueError:
        pass  # a built-in function that tells nobody what it takes


def _moved(step: Step, model: nn.Linear, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """How far the weights go in one step, in units of the slope. (CLASSES, INPUTS)"""
    before = model.weight.detach().clone()
    step(model, optimizer, x, y)
    return (before - model.weight.detach()) / LR


def _slope(model: nn.Linear, x: Tensor, y: Tensor, softmax: bool = False) -> Tensor:
    """Of the mean cross-entropy, for the weights as they are. softmax: as of those who take one before. (CLASSES, INPUTS)"""
    weight = model.weight.detach().clone().requires_grad_()
    scores = F.linear(x, weight, model.bias.detach())
    (slope,) = torch.autograd.grad(F.cross_entropy(scores.softmax(1) if softmax else scores, y), weight)
    return slope


def _nothing_moved(asked: bool, swept: bool, model: nn.Linear) -> None:
    """Say why. Raises: always."""
    if not asked:
        raise Unanswered("the function does nothing yet. Ask the model about `x`, and go on from there")
    if not swept:
        raise Wrong("the model is asked, but no slope is worked out: the backward pass is missing, `loss.backward()`")
    if model.weight.grad is None or not model.weight.grad.any():
        raise Wrong("the slopes are worked out, and cleared before anything moves: `optimizer.zero_grad()` belongs before the backward pass")
    raise Wrong("every weight has its slope, and none has moved: `optimizer.step()` is missing")


def _downhill(moved: Tensor, slope: Tensor, twice: Tensor) -> None:
    """Raises: Wrong if the weights did not go down along the slope."""
    if _same(moved, slope):
        return
    times = ((moved * slope).sum() / slope.square().sum()).item()
    if _same(moved, times * slope) and times < 0:
        raise Wrong("it goes uphill: every step makes the error larger")
    if _same(moved, times * slope):
        raise Wrong(f"the direction is right, and the step {times:.3g} times as long as it should be. Is the error a mean over the pictures, and is there one step?")
    if _same(moved, twice):
        raise Wrong("the scores go through softmax twice: `F.cross_entropy` takes them raw, and does it by itself")
    raise Wrong("the weights do not move along the slope of the cross-entropy of `x` and `y`. Which error does it work out, and of what?")


def _same(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).norm() <= 1e-3 * b.norm())
