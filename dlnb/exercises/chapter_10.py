"""The exercises of chapter 10, image classification."""

from functools import cache
from itertools import count
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..metrics import accuracy
from ..task import Task
from ..train.engine import seeded
from ..train.fit import fit
from ..vision import LeNet, digits
from .exercise import Exercise, Unanswered, Wrong
from .training_step import judge_moves, taught, training_step

FEW, ENOUGH = 13_000, 0.96  # weights that a network stays below, and the share of pictures that it reads
BEGIN = 3_574  # weights of the network of width 2, with which the cell begins
STEPS, LEARNS = 60, 0.9  # training steps of a new network, and the share of pictures that it reads then
EVERY, LEARNED = 1797, 1437  # pictures, and how many of them are learned from


def as_numbers(answer: Any, shape: tuple[int, ...], what: str) -> Tensor:
    """An answer as a tensor. Raises: Wrong if it is none, of another shape, or not finite."""
    try:
        numbers = torch.as_tensor(answer).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"this is a {type(answer).__name__}; {what} is a tensor of shape {shape}") from None
    if tuple(numbers.shape) != shape:
        raise Wrong(f"this has the shape {tuple(numbers.shape)}; {what} has {shape}")
    if not torch.isfinite(numbers.float()).all():
        raise Wrong("there are numbers in it that are not finite (NaN or infinity)")
    return numbers


def judge_kernel(answer: Any) -> str:
    """Whether a 3×3 kernel moves any picture one pixel to the left."""
    kernel = as_numbers(answer, (3, 3), "the kernel").float()
    if not kernel.any():
        raise Unanswered("all numbers of the kernel are 0, so nothing is left of the picture. Which of the nine must be 1?")
    with seeded(0):
        picture = torch.rand(1, 1, 8, 8)
    moved = F.conv2d(picture, kernel[None, None], padding=1)[..., 1:-1, 1:-1]
    ways = {"left": ((1, 2), "on its right"), "right": ((1, 0), "on its left"), "up": ((2, 1), "below"), "down": ((0, 1), "above"), "nowhere": ((1, 1), "")}
    for way, (place, neighbour) in ways.items():
        one = torch.zeros(3, 3)
        one[place] = 1
        wanted = F.conv2d(picture, one[None, None], padding=1)[..., 1:-1, 1:-1]
        if torch.allclose(moved, wanted, atol=1e-4):
            if way == "left":
                return "every place takes over the ink of its right-hand neighbour, so the picture moves to the left."
            if way == "nowhere":
                raise Wrong("the picture stays where it is: each place takes over its own ink")
            raise Wrong(f"the picture moves {way}: each place takes over the ink of the neighbour {neighbour}")
        if torch.allclose(F.normalize(moved.flatten(), dim=0), F.normalize(wanted.flatten(), dim=0), atol=1e-4):
            raise Wrong(f"the direction is “{way}”, but the ink is {(moved.sum() / wanted.sum()).item():.3g} times as dark. What must the numbers of the kernel add up to?")
    raise Wrong(f"{int((kernel != 0).sum())} numbers of the kernel are not 0, so each place mixes the ink of several: the picture is not only moved")


def judge_small(answer: Any) -> str:
    """Whether a network with few weights reads most validation pictures."""
    if hasattr(answer, "model") and isinstance(answer.model, nn.Module):
        raise Wrong("this is the run; give the network that it has trained, `small`")
    if not isinstance(answer, nn.Module):
        raise Wrong(f"this is a {type(answer).__name__}; give the trained network itself, `small`")
    weights = sum(parameter.numel() for parameter in answer.parameters())
    pictures, truth = plain_digits().valid.batch(0, 0, 0)  # type: ignore[union-attr]
    was = answer.training
    try:
        with torch.no_grad():
            scores = answer.eval()(pictures)
    finally:
        answer.train(was)
    if tuple(scores.shape) != (len(pictures), 10):
        raise Wrong(f"for {len(pictures)} pictures it gives {tuple(scores.shape)}; ten scores for each are needed, {(len(pictures), 10)}")
    share = accuracy(scores, truth)
    if weights == BEGIN:
        raise Unanswered(f"the width is still 2: {weights:,} weights read {share:.1%} of the validation pictures, and {ENOUGH:.0%} are wanted. Try another")
    if weights >= FEW:
        raise Wrong(f"it has {weights:,} weights; fewer than {FEW:,} are wanted. It reads {share:.1%}")
    if share < 0.3:
        raise Wrong(f"it reads {share:.1%} of the validation pictures, as one who guesses. Was it trained?")
    if share < ENOUGH:
        raise Wrong(f"it reads {share:.1%} of the validation pictures with {weights:,} weights; {ENOUGH:.0%} are wanted. There is room for more weights")
    return f"{weights:,} weights read {ENOUGH:.0%} of the validation pictures or more. Big networks are convenient, not necessary."


def judge_order(answer: Any) -> str:
    """Whether an order of the pictures keeps those who wrote the first four fifths apart from those of the last."""
    order = as_numbers(answer, (EVERY,), "the order")
    if order.is_floating_point() or order.sort().values.tolist() != list(range(EVERY)):
        raise Wrong(f"an order names each of the numbers 0 to {EVERY - 1} once, as whole numbers")
    learned, asked = order[:LEARNED], order[LEARNED:]
    if learned.max() < asked.min() or asked.max() < learned.min():
        return "those who are asked about stand together at one end of the file: their hands were never seen."
    mixed = int(((asked > learned.min()) & (asked < learned.max())).sum())
    if mixed < len(asked) // 2:
        raise Wrong(f"{mixed} of the pictures that are asked about still stand among those that are learned from")
    raise Wrong("the pictures are mixed: nearly every writer is on both sides, so nobody is a stranger")


def judge_step(answer: Any) -> str:
    """Whether a function makes training steps: how it moves weights, and whether a new network learns to read by it."""
    judge_moves(answer)
    task = plain_digits()
    batches = (task.train.batch(0, epoch, place) for epoch in count() for place in range(len(task.train)))
    with seeded(0):
        reader = LeNet(width=12)
    taught(answer, reader, batches, STEPS, lr=1e-2)
    pictures, truth = task.valid.batch(0, 0, 0)  # type: ignore[union-attr]
    with torch.no_grad():
        share = accuracy(reader(pictures), truth)
    if share < LEARNS:
        raise Wrong(f"on a small model every step is right, and yet a new network reads {share:.1%} after {STEPS} of them; {LEARNS:.0%} are wanted")
    return f"in {STEPS} of your steps a new network has learned to read {LEARNS:.0%} of the validation pictures or more. This is all that training is."


@cache
def plain_digits() -> Task:
    """The digits without augmentation, as the chapter cuts them."""
    return digits(seed=0, augment=False)


def small_network() -> nn.Module:
    """A network of width 8, trained as the exercise trains it."""
    with seeded(0):
        small = LeNet(width=8)
    fit(small, plain_digits(), lr=5e-3, epochs=10, schedule="cosine", block=True)
    return small.eval()


def left_kernel() -> Tensor:
    """The kernel that moves to the left."""
    kernel = torch.zeros(3, 3)
    kernel[1, 2] = 1.0
    return kernel


EXERCISES = {
    one.number: one
    for one in (
        Exercise(
            "10.1",
            "Only the number right of the middle is 1: every place takes over the ink of its right-hand neighbour.",
            judge_kernel,
            (
                "The kernel lies on the picture with its middle on the place that is computed. Where does the ink come from that should land there?",
                "To move to the left, a place needs the ink of its neighbour on the right.",
                "All numbers are 0 but one, and that is 1. It stands in the middle row.",
            ),
            "kernel = torch.zeros(3, 3)\nkernel[1, 2] = 1.0",
            left_kernel,
        ),
        Exercise(
            "10.2",
            "A width of 8: 10,906 weights, a fifth of ours, and 97 % or more.",
            judge_small,
            (
                "`width` multiplies nearly everything. Print the number of weights for some widths before you train.",
                "Between 2 and 32 there is a width that has few enough weights and reads well enough.",
                "Try the powers of two: 4, 8, 16.",
            ),
            "width = 8",
            small_network,
        ),
        Exercise(
            "10.3",
            "The file as it is: one writer follows the other, so its last fifth is of other hands.",
            judge_order,
            (
                "`torch.randperm` mixes. What if nobody mixed?",
                "About every 130 pictures a new writer begins, in the order of the file.",
                "`torch.arange` counts in order.",
            ),
            "order = torch.arange(1797)",
            lambda: torch.arange(EVERY),
        ),
        Exercise(
            "10.4",
            "Clear the old slopes, work out the error and its slopes, step.",
            judge_step,
            (
                "Three things, in this order: forget the slopes of the step before; work out the error, and from it the slopes; move the weights.",
                "`F.cross_entropy(model(x), y)` is the error. Which of its methods works out the slopes?",
                "`optimizer.zero_grad()`, `error.backward()`, `optimizer.step()`.",
            ),
            "def step(model, optimizer, x, y):\n    optimizer.zero_grad()\n    F.cross_entropy(model(x), y).backward()\n    optimizer.step()",
            lambda: training_step,
            trains=True,
        ),
    )
}
