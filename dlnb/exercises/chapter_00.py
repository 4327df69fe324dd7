"""The exercises of chapter 00: a weight turned by hand, and a learning rate that mends."""

import math
from itertools import count
from typing import Any

import torch

from ..metrics import accuracy
from ..train.engine import seeded
from ..vision import LeNet, digits
from .exercise import Exercise, Unanswered, Wrong
from .training_step import taught, training_step

SIZES, RENTS = (20, 35, 50, 65, 80, 95), (310, 520, 730, 1010, 1170, 1450)  # m², €
BEST = sum(size * rent for size, rent in zip(SIZES, RENTS, strict=True)) / sum(size**2 for size in SIZES)  # of the squared error
NEAR = 0.6  # € per m², by which a weight may be off
BROKEN = 3.0  # the learning rate with which the cell begins
STEPS, LEARNS = 60, 0.8  # training steps of a new network, and the share of pictures that it then reads
SMALL = 1e-3  # a learning rate below it is too small for so few steps


def judge_weight(answer: Any) -> str:
    """Whether a line through nothing and this slope goes through the flats."""
    weight = _number(answer, "the weight", "weight")
    if weight == 0:
        raise Unanswered("the weight is still 0, and every flat costs nothing. Try 10, and look at the line")
    off = sum(weight * size - rent for size, rent in zip(SIZES, RENTS, strict=True)) / len(SIZES)
    if weight < 0:
        raise Wrong("below 0 a larger flat is cheaper than a small one. Look which way the dots rise")
    if abs(weight - BEST) <= NEAR:
        return "the line goes through the dots. You have looked at an error and moved a weight so that it fell; that is all that training does."
    if weight < BEST:
        raise Wrong(f"the line is too flat: with {weight:g} a flat is said {-off:.0f} € too cheap on average. A larger weight makes it steeper")
    raise Wrong(f"the line is too steep: with {weight:g} a flat is said {off:.0f} € too dear on average. A smaller weight makes it flatter")


def judge_learning_rate(answer: Any) -> str:
    """Whether a new network learns to read with this learning rate."""
    rate = _number(answer, "the learning rate", "learning_rate")
    if rate == BROKEN:
        raise Unanswered(f"the learning rate is still {BROKEN:g}, which has broken your network. Try one that is much smaller")
    if rate == 0:
        raise Wrong("with 0 no weight moves at all")
    if rate < 0:
        raise Wrong("below 0 every step goes uphill: the error grows")
    share = _read_after(rate)
    if share >= LEARNS:
        return f"with your learning rate a new network reads {LEARNS:.0%} of the pictures or more after {STEPS} steps."
    told = f"after {STEPS} steps with {rate:g} it reads {share:.0%} of the pictures; {LEARNS:.0%} are wanted."
    if rate < SMALL:
        raise Wrong(f"{told} The steps are too small: it has hardly begun")
    raise Wrong(f"{told} The steps are too large: each jumps over the valley")


def _read_after(rate: float) -> float:
    """The share of validation pictures that a small network reads after a few steps."""
    task = digits(seed=0, augment=False)
    batches = (task.train.batch(0, epoch, place) for epoch in count() for place in range(len(task.train)))
    with seeded(0):
        reader = LeNet(width=8)
    taught(training_step, reader, batches, STEPS, lr=rate)
    pictures, truth = task.valid.batch(0, 0, 0)  # type: ignore[union-attr]
    with torch.no_grad():
        return accuracy(reader(pictures), truth)


def _number(answer: Any, what: str, name: str) -> float:
    try:
        number = float(answer)
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"this is a {type(answer).__name__}; {what} is one number, as in `{name} = 0.5`") from None
    if not math.isfinite(number):
        raise Wrong(f"{what} is {number}; a finite number is wanted")
    return number


EXERCISES = {
    one.number: one
    for one in (
        Exercise(
            "00.1",
            "About 15 € for each square metre.",
            judge_weight,
            (
                "The title of the figure says how far off you are. Try 10, then 20: which way is better?",
                "A flat of 50 m² costs 730 €. How much is that for each square metre?",
                "The weight lies between 14 and 16.",
            ),
            "weight = 15.0",
            lambda: 15.0,
        ),
        Exercise(
            "00.2",
            "Small enough not to jump, large enough to get somewhere in 60 steps.",
            judge_learning_rate,
            (
                "Your network learned with 0.006 at first. Something like that is a good beginning.",
                "Divide by ten, again and again: 0.3, 0.03, 0.003.",
                "Try 0.005.",
            ),
            "learning_rate = 0.005",
            lambda: 0.005,
            trains=True,
        ),
    )
}
