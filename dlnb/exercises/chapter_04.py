"""The exercises of chapter 04, iteration: three optimisers and when to stop."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..train.engine import seeded
from .exercise import Exercise, Unanswered, Wrong
from .stopping import early_stop, judge_stop
from .update_rule import Instead, judge_rule

LR, MU, BETA1, BETA2, EPS = 0.1, 0.9, 0.9, 0.999, 1e-8

# 04.1, the step of SGD.


def sgd_step(parameters: Sequence[nn.Parameter], lr: float) -> None:
    """Move each parameter downhill along its slope, and clear the slope."""
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=lr)
                parameter.grad = None


class _Asked(list[nn.Parameter]):
    """Parameters that know whether somebody has gone through them."""

    asked = False

    def __iter__(self) -> Any:
        self.asked = True
        return super().__iter__()

    def __getitem__(self, place: Any) -> Any:
        self.asked = True
        return super().__getitem__(place)


def judge_sgd(answer: Any) -> str:
    """Whether a function moves all parameters of a small model as SGD does, twice."""
    if not callable(answer):
        raise Wrong(f"this is a {type(answer).__name__}; give the function itself, `sgd_step`, without brackets behind it")
    with seeded(0):
        model = nn.Linear(3, 2)
        x, y = torch.rand(2, 8, 3), torch.rand(2, 8, 2)
    parameters = _Asked(model.parameters())
    first = _slopes(model, x[0], y[0])
    moved = _moved(answer, model, parameters, x[0], y[0])
    if not any(part.any() for part in moved):
        _nothing_moved(parameters)
    if any(part.any() for part in moved) and not all(part.any() for part in moved):
        raise Wrong("only some of the parameters move. Does the loop end too early, at a `return` inside of it perhaps?")
    _downhill(moved, first)
    second = _slopes(model, x[1], y[1])
    moved = _moved(answer, model, parameters, x[1], y[1])
    if _same(moved, [a + b for a, b in zip(first, second, strict=True)]):
        raise Wrong("the second step goes along the slopes of both steps: they were added up. Clear each slope once it is used: `parameter.grad = None`")
    if not _same(moved, second):
        raise Wrong("the first step is right, and the second is not. Does it keep something from the first?")
    return "every parameter goes downhill by the learning rate times its slope, and the next step begins with fresh slopes."


def _slopes(model: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    """Of the error for each parameter, as the parameters are."""
    return list(torch.autograd.grad(F.mse_loss(model(x), y), list(model.parameters())))


def _moved(step: Callable[..., Any], model: nn.Module, parameters: _Asked, x: Tensor, y: Tensor) -> list[Tensor]:
    """How far each parameter goes, in units of the slope."""
    before = [parameter.detach().clone() for parameter in model.parameters()]
    F.mse_loss(model(x), y).backward()
    try:
        step(parameters, LR)
    except RuntimeError as error:
        if "leaf" in str(error) and "in-place" in str(error):
            raise Wrong("PyTorch follows what is done with a parameter, and an update is not to be followed: write it inside of `with torch.no_grad():`") from None
        raise
    except TypeError as error:
        if "NoneType" in str(error):
            raise Wrong("a slope is None when it is used: it was cleared too early. First move the parameter, then clear its slope") from None
        raise
    return [(old - new.detach()) / LR for old, new in zip(before, model.parameters(), strict=True)]


def _nothing_moved(parameters: _Asked) -> None:
    """Say why. Raises: always."""
    if not parameters.asked:
        raise Unanswered("the function does nothing yet. Go through the parameters, one by one")
    if all(parameter.grad is None or not parameter.grad.any() for parameter in list(parameters)):
        raise Wrong("the slopes are cleared, and no parameter has moved. First move it, in place: `parameter -= …`")
    raise Wrong("no parameter has moved. `parameter = parameter - …` makes a new tensor and leaves the model's own as it was: change it in place, `parameter -= …`")


def _downhill(moved: list[Tensor], slopes: list[Tensor]) -> None:
    """Raises: Wrong if the parameters did not go down along their slopes."""
    if _same(moved, slopes):
        return
    flat, slope = torch.cat([part.flatten() for part in moved]), torch.cat([part.flatten() for part in slopes])
    times = ((flat * slope).sum() / slope.square().sum()).item()
    if not _same([flat], [times * slope]):
        raise Wrong("the parameters do not move along their own slopes. Does each take its own `.grad`?")
    if times < 0:
        raise Wrong("it goes uphill: the slope says where the error grows, so it is taken away")
    raise Wrong(f"the direction is right, and the step {times:.3g} times as long as the learning rate times the slope")


def _same(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(bool((a - b).norm() <= 1e-3 * b.norm()) for a, b in zip(some, others, strict=True))


# 04.2, momentum.


def momentum(weight: Tensor, slope: Tensor, speed: Tensor, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    """One step: the new weight and the new speed."""
    speed = mu * speed + slope
    return weight - lr * speed, speed


def judge_momentum(answer: Any) -> str:
    """Whether a function makes steps of momentum."""
    instead = [
        Instead("these are plain steps: the old speed has no effect. Is the new one worked out from it, and returned?", lambda w, g, m, t, lr: (w - lr * g, *m)),
        Instead(
            "these are plain steps: a speed is worked out, and then the weight moves by the slope alone",
            lambda w, g, m, t, lr: (w - lr * g, MU * m[0] + g),
        ),
        Instead(
            "the weight moves by the speed of the step before. First the new speed, then the move",
            lambda w, g, m, t, lr: (w - lr * m[0], MU * m[0] + g),
        ),
        Instead(
            "it goes uphill: the speed sums up slopes, so the weight goes against it",
            lambda w, g, m, t, lr: (w + lr * (MU * m[0] + g), MU * m[0] + g),
        ),
        Instead(
            "the new slope counts with 1 − μ only, so that the speed is a mean. There is such a rule too; in this one, as in PyTorch, the slope is added whole",
            lambda w, g, m, t, lr: (w - lr * (MU * m[0] + (1 - MU) * g), MU * m[0] + (1 - MU) * g),
        ),
        Instead(
            "the new slope is multiplied by μ too; only the old speed is",
            lambda w, g, m, t, lr: (w - lr * MU * (m[0] + g), MU * (m[0] + g)),
        ),
        Instead(
            "the share μ is missing: nothing of the old speed is ever lost, so the ball never comes to rest",
            lambda w, g, m, t, lr: (w - lr * (m[0] + g), m[0] + g),
        ),
        Instead(
            "this looks one step ahead, which is Nesterov’s rule. Plain momentum moves by the speed itself",
            lambda w, g, m, t, lr: (w - lr * (g + MU * (MU * m[0] + g)), MU * m[0] + g),
        ),
        Instead(
            "the learning rate is inside the speed, so a new rate acts late. Here the speed sums up slopes, and the rate comes with the move",
            lambda w, g, m, t, lr: (w + MU * m[0] - lr * g, MU * m[0] - lr * g),
        ),
        Instead(
            "the learning rate is inside the speed, so a new rate acts late. Here the speed sums up slopes, and the rate comes with the move",
            lambda w, g, m, t, lr: (w - MU * m[0] - lr * g, MU * m[0] + lr * g),
        ),
    ]
    judge_rule(answer, lambda w, g, m, t, lr: answer(w, g, m[0], lr, MU), lambda w, g, m, t, lr: momentum(w, g, m[0], lr, MU), instead, ["speed"])
    return "your momentum goes where PyTorch’s goes, also where the learning rate changes on the way."


# 04.3, Adam.


def adam(weight: Tensor, slope: Tensor, mean: Tensor, square: Tensor, t: int, lr: float) -> tuple[Tensor, Tensor, Tensor]:
    """Step number t, counted from 1: the new weight and the two running means."""
    mean = BETA1 * mean + (1 - BETA1) * slope
    square = BETA2 * square + (1 - BETA2) * slope**2
    return weight - lr * (mean / (1 - BETA1**t)) / ((square / (1 - BETA2**t)).sqrt() + EPS), mean, square


def judge_adam(answer: Any) -> str:
    """Whether a function makes steps of Adam."""

    def rule(
        step: Callable[[Tensor, Tensor, Tensor, int], Tensor], betas: tuple[float, float] = (BETA1, BETA2), power: int = 2, divided: bool = False, late: int = 0
    ) -> Callable[..., tuple[Tensor, ...]]:
        """A variant. step: of the slope, the two means and t, without the learning rate. divided: whether the means are returned divided."""

        def made(w: Tensor, g: Tensor, m: tuple[Tensor, ...], t: int, lr: float) -> tuple[Tensor, ...]:
            mean, square = betas[0] * m[0] + (1 - betas[0]) * g, betas[1] * m[1] + (1 - betas[1]) * g**power
            w = w - lr * step(g, mean, square, t + late)
            return (w, mean / (1 - betas[0] ** t), square / (1 - betas[1] ** t)) if divided else (w, mean, square)

        return made

    def full(g: Tensor, mean: Tensor, square: Tensor, t: int) -> Tensor:
        return (mean / (1 - BETA1**t)) / ((square / (1 - BETA2**t)).sqrt() + EPS)

    instead = [
        Instead(
            "the means begin at 0, and are not divided by 1 − 0.9ᵗ and 1 − 0.999ᵗ: the first steps get the wrong length",
            rule(lambda g, mean, square, t: mean / (square.sqrt() + EPS)),
        ),
        Instead(
            "the mean of the slopes is divided by 1 − 0.9ᵗ, the mean of the squares not by 1 − 0.999ᵗ",
            rule(lambda g, mean, square, t: mean / (1 - BETA1**t) / (square.sqrt() + EPS)),
        ),
        Instead(
            "the mean of the squares is divided by 1 − 0.999ᵗ, the mean of the slopes not by 1 − 0.9ᵗ",
            rule(lambda g, mean, square, t: mean / ((square / (1 - BETA2**t)).sqrt() + EPS)),
        ),
        Instead(
            "it returns the means after the division, so that the next step divides them again. Return them as they were before",
            rule(full, divided=True),
        ),
        Instead(
            "the root is missing: it divides by the mean of the squares itself",
            rule(lambda g, mean, square, t: mean / (1 - BETA1**t) / (square / (1 - BETA2**t) + EPS)),
        ),
        Instead(
            "10⁻⁸ stands under the root. It is added to the root, so that small slopes still count",
            rule(lambda g, mean, square, t: mean / (1 - BETA1**t) / (square / (1 - BETA2**t) + EPS).sqrt()),
        ),
        Instead("it goes uphill: the step is taken away, not added", rule(lambda g, mean, square, t: -full(g, mean, square, t))),
        Instead(
            "the step is made of the newest slope alone. Above the line of the fraction stands the mean of the slopes",
            rule(lambda g, mean, square, t: g / ((square / (1 - BETA2**t)).sqrt() + EPS)),
        ),
        Instead("the slopes are not squared in the second mean, so there are roots of negative numbers", rule(full, power=1)),
        Instead("t is counted from 1 already: no 1 is added to it", rule(full, late=1)),
        Instead(
            "0.9 and 0.999 have changed places: slopes are forgotten quickly, their squares slowly",
            rule(lambda g, mean, square, t: (mean / (1 - BETA2**t)) / ((square / (1 - BETA1**t)).sqrt() + EPS), betas=(BETA2, BETA1)),
        ),
    ]
    judge_rule(
        answer,
        lambda w, g, m, t, lr: answer(w, g, *m, t, lr),
        lambda w, g, m, t, lr: adam(w, g, m[0], m[1], t, lr),
        instead,
        ["mean", "square"],
    )
    return "your Adam goes where PyTorch’s goes, for large slopes and for tiny ones."


EXERCISES = {
    one.number: one
    for one in (
        Exercise(
            "04.1",
            "Each parameter moves in place, unseen by autograd, and its slope is cleared.",
            judge_sgd,
            (
                "Do for each parameter what the loop above does for the weight and for the bias.",
                "A parameter has its slope in `.grad`. Change it in place, with `-=`, inside of `with torch.no_grad():`.",
                "In the loop: `parameter -= lr * parameter.grad`, and then `parameter.grad = None`.",
            ),
            "def sgd_step(parameters, lr):\n    with torch.no_grad():\n        for parameter in parameters:\n            parameter -= lr * parameter.grad\n            parameter.grad = None",
            lambda: sgd_step,
        ),
        Exercise(
            "04.2",
            "First the new speed, then the weight moves by it.",
            judge_momentum,
            (
                "Two lines, one for each of the two arrows, in this order.",
                "The new speed is a share `mu` of the old one and all of the slope.",
                "`speed = mu * speed + slope`, and then the weight goes `lr * speed` downhill.",
            ),
            "def momentum(weight, slope, speed, lr, mu):\n    speed = mu * speed + slope\n    weight = weight - lr * speed\n    return weight, speed",
            lambda: momentum,
        ),
        Exercise(
            "04.3",
            "Two running means, each divided by what it lacks, and a step of their quotient.",
            judge_adam,
            (
                "Three formulas, three lines. Begin with the two means.",
                "Give the divided means names of their own, so that `mean` and `square` stay as they are for the next step.",
                "`full_mean = mean / (1 - 0.9**t)`, `full_square = square / (1 - 0.999**t)`; the step is `lr * full_mean / (full_square.sqrt() + 1e-8)`.",
            ),
            "def adam(weight, slope, mean, square, t, lr):\n    mean = 0.9 * mean + 0.1 * slope\n    square = 0.999 * square + 0.001 * slope**2\n"
            "    full_mean, full_square = mean / (1 - 0.9**t), square / (1 - 0.999**t)\n    weight = weight - lr * full_mean / (full_square.sqrt() + 1e-8)\n    return weight, mean, square",
            lambda: adam,
        ),
        Exercise(
            "04.4",
            "Remember the best epoch; when it is `patience` epochs old, stop.",
            judge_stop,
            (
                "Remember one number while you go through the losses: which epoch was the best so far.",
                "If an epoch is better than the best, it becomes the best. Else: how old is the best one now?",
                "Stop when `epoch - best_epoch >= patience`, and return `best_epoch`.",
            ),
            "def early_stop(losses, patience):\n    best_epoch = 0\n    for epoch, loss_then in enumerate(losses):\n        if loss_then < losses[best_epoch]:\n            best_epoch = epoch\n"
            "        elif epoch - best_epoch >= patience:\n            break\n    return best_epoch",
            lambda: early_stop,
        ),
    )
}
