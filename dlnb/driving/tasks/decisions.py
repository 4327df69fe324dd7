"""Tasks that decide: to do as a planner does, to be corrected by it, and to learn from what came of it."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...data.batches import TensorBatches
from ...metrics import accuracy
from ...preview import Captioned
from ...task import Task, remembered
from ..drawing import road_from_above
from ..experience import DISCOUNT, Experience, joined, lived
from ..features import able, features
from ..models import Policy, QNetwork
from ..planner import look_ahead
from ..shield import greedy, scores_of
from ..world import ACTIONS, DECIDED, IDLE, Scene, World, scenario

EVALUATED_AT_ONCE = 500
SHOWN = 6
CREDIT = "highway-env, E. Leurent 2018, MIT licence"
ASTRAY = 0.3  # how often the drives that one learns the values from do anything at all
IMAGINED = 3  # moments besides each that DAgger asks the planner about
SHARP = 0.01  # by which two actions must differ in worth for one to be wanted e times as much as the other


@remembered
def imitation(places: Sequence[str] = DECIDED, drives: int = 15, batch_size: int = 64, seed: int = 0) -> Task:
    """To do as a planner does that looks ahead: which of five actions it takes, in highway-env.

    drives: of the planner in each place, to learn from; a third as many, on other seeds, to validate and to test. seed: of the
    scenarios that are learned from.

    A model reads cars (B, 11, 14) and which actions can be taken (B, 5), and gives scores (B, 5), as `dlnb.driving.Policy` does.

    Raises: ValueError for other places, or less than one drive.
    """
    _check(places, drives)
    train = _planned(tuple(places), drives, seed)
    return _task("imitation", tuple(places), train, drives, batch_size, lambda part: part.planned, F.cross_entropy)


@remembered
def dagger(places: Sequence[str] = DECIDED, drives: int = 15, rounds: int = 2, batch_size: int = 64, seed: int = 0) -> Task:
    """The same, where it matters: a policy that learned from the planner drives, and the planner says what it would have done.

    rounds: how often; each time a policy is trained on all that there is, and drives a third as many scenarios as the planner did
    before. All of it is drawn by `seed`. The planner is also asked about moments that are only imagined, in which the own car is
    elsewhere on its way, at another speed. And it says what each action is worth to it, not only which one it takes: a target is
    how much each is wanted (B, 5), which adds up to 1.

    Raises: ValueError for other places, or less than one drive or round.
    Source: Ross, Gordon & Bagnell 2011, A reduction of imitation learning, arXiv:1011.0686.
    """
    _check(places, drives)
    if rounds < 1:
        raise ValueError(f"DAgger takes at least 1 round, got {rounds}; without rounds it is dlnb.driving.imitation")
    train = _corrected(tuple(places), drives, rounds, seed)
    return _task("dagger", tuple(places), train, drives, batch_size, wanted, divergence)


@remembered
def reinforcement(places: Sequence[str] = DECIDED, drives: int = 15, batch_size: int = 64, seed: int = 0) -> Task:
    """What an action is worth, learned from drives that are over: a second at full speed is worth 0.1, a collision -1.

    drives: in each place, to learn from; a third as many to validate and to test. The planner drives, but now and then anything is
    done that can be: without that, nobody would learn what a mistake is.

    A model reads a scene and the one after it, and gives the values of the first and what the second is worth, as
    `dlnb.driving.QNetwork` does. A target (B, 4) is the action, its reward, whether the drive ended, and what came of it in the end.

    Raises: ValueError for other places, or less than one drive.
    """
    _check(places, drives)
    splits = {
        split: _strayed(tuple(places), split, count, seed if split == "train" else 0)
        for split, count in (("train", drives), ("valid", max(1, drives // 3)), ("test", max(1, drives // 3)))
    }
    train, valid, test = (_transitions(part) for part in splits.values())
    return Task(
        name="reinforcement",
        train=TensorBatches(*train, size=batch_size, shuffle=True),
        valid=TensorBatches(*valid, size=EVALUATED_AT_ONCE),
        test=TensorBatches(*test, size=EVALUATED_AT_ONCE),
        loss=bellman,
        metrics={"error of returns": error_of_returns, "correlation with returns": correlation_with_returns},
        classes=ACTIONS,
        baselines={"the mean return": lambda: {"error of returns": float((test[-1][:, 3] - train[-1][:, 3].mean()).abs().mean())}},
        preview=_Gallery(places[0]),
        credit=CREDIT,
        models={"QNetwork": lambda: QNetwork()},
    )


def bellman(output: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
    """How far the value of what was done is from its reward and what the next scene is worth. A scalar.

    output: values (B, 5), after (B,); target: (B, 4). Source: Mnih et al. 2015, with Huber's loss.
    """
    values, after = output
    done, reward, last = target[:, 0].long(), target[:, 1], target[:, 2]
    said = values.gather(1, done[:, None])[:, 0]
    return F.smooth_l1_loss(said, reward + DISCOUNT * (1 - last) * after, beta=0.1)


def error_of_returns(output: tuple[Tensor, Tensor], target: Tensor) -> float:
    """The mean size of what lies between the value of what was done and what came of it."""
    return float((output[0].gather(1, target[:, :1].long())[:, 0] - target[:, 3]).abs().mean())


def correlation_with_returns(output: tuple[Tensor, Tensor], target: Tensor) -> float:
    """Pearson's correlation between the value of what was done and what came of it; 0 where one of them is always the same."""
    pair = torch.stack([output[0].gather(1, target[:, :1].long())[:, 0], target[:, 3]]).double()
    found = torch.corrcoef(pair)[0, 1]
    return float(found) if found.isfinite() else 0.0


def wanted(experience: Experience) -> Tensor:
    """How much the planner wants each action, by what it is worth to it: (N, 5), which adds up to 1."""
    return (experience.worths / SHARP).softmax(1)


def divergence(scores: Tensor, target: Tensor) -> Tensor:
    """Kullback and Leibler's divergence of what is chosen from how much each action is wanted (B, 5): a scalar, 0 where they agree."""
    return F.kl_div(scores.log_softmax(1), target, reduction="batchmean")


def learned(experience: Experience, seed: int, epochs: int = 15, batch: int = 64) -> Policy:
    """A policy that wants what the planner wants, trained at once and always in the same way: the driver of a round of DAgger."""
    steps, targets = -(-epochs * len(experience) // batch), wanted(experience)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = Policy()
        optimizer = torch.optim.AdamW(policy.parameters(), lr=2e-3)
        for _ in range(steps):
            rows = torch.randint(len(experience), (batch,))
            loss = divergence(policy(experience.cars[rows], experience.able[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return policy.eval()


def _check(places: Sequence[str], drives: int) -> None:
    if not places or any(place not in DECIDED for place in places):
        raise ValueError(f"the places must be some of {', '.join(map(repr, DECIDED))}, got {list(places)!r}")
    if drives < 1:
        raise ValueError(f"to learn takes at least 1 drive, got {drives}")


def _numbers(drives: int, seed: int, room: int = 0) -> range:
    """The scenarios of a seed; `room` tells those that the planner drives from those of each round."""
    begin = (1000 * (10 * seed + room)) % 900_000
    return range(begin, begin + drives)


@functools.lru_cache(maxsize=8)
def _planned(places: tuple[str, ...], drives: int, seed: int, imagined: int = 0) -> Experience:
    return lived(places, "train", _numbers(drives, seed), seed=seed, imagined=imagined)


@functools.lru_cache(maxsize=8)
def _corrected(places: tuple[str, ...], drives: int, rounds: int, seed: int) -> Experience:
    known = _planned(places, drives, seed, IMAGINED)
    for room in range(1, rounds + 1):
        driver = greedy(scores_of(learned(known, seed)))
        known = joined([known, lived(places, "train", _numbers(max(1, drives // 3), seed, room), driver, seed=seed, imagined=IMAGINED)])
    return known


@functools.lru_cache(maxsize=8)
def _strayed(places: tuple[str, ...], split: str, drives: int, seed: int) -> Experience:
    return lived(places, split, _numbers(drives, seed, 9), astray=ASTRAY, seed=seed)


@functools.lru_cache(maxsize=8)
def _held_out(places: tuple[str, ...], split: str, drives: int) -> Experience:
    return lived(places, split, range(drives))


def _transitions(part: Experience) -> tuple[Tensor, ...]:
    """Scenes, the ones after them, and targets (N, 4)."""
    later = part.following
    target = torch.stack([part.done.float(), part.reward, part.last.float(), part.returns], 1)
    return part.cars, part.able, part.cars[later], part.able[later], target


def _task(
    name: str, places: tuple[str, ...], train: Experience, drives: int, batch_size: int,
    target: Callable[[Experience], Tensor], loss: Callable[[Tensor, Tensor], Tensor],
) -> Task:  # fmt: skip
    few = max(1, drives // 3)
    valid, test = (_held_out(places, split, few) for split in ("valid", "test"))
    parts = [(part.cars, part.able, target(part)) for part in (train, valid, test)]
    return Task(
        name=name,
        train=TensorBatches(*parts[0], size=batch_size, shuffle=True),
        valid=TensorBatches(*parts[1], size=EVALUATED_AT_ONCE),
        test=TensorBatches(*parts[2], size=EVALUATED_AT_ONCE),
        loss=loss,
        metrics={"accuracy": accuracy_of_choice, "accuracy when it acts": accuracy_when_it_acts},
        classes=ACTIONS,
        baselines={
            "always IDLE": lambda: {"accuracy": float((test.planned == IDLE).double().mean())},
            "logistic regression": lambda: _regression(train, test),
        },
        preview=_Gallery(places[0]),
        credit=CREDIT,
        models={"Policy": lambda: Policy()},
    )


def accuracy_of_choice(outputs: Tensor, targets: Tensor) -> float:
    """How often the planner's action is chosen. targets: actions (N,), or how much each is wanted (N, 5)."""
    return accuracy(outputs, targets if targets.ndim == 1 else targets.argmax(1))


def accuracy_when_it_acts(outputs: Tensor, targets: Tensor) -> float:
    """The accuracy where the planner does something else than IDLE, which it does most of the time; 0 where it never does."""
    targets = targets if targets.ndim == 1 else targets.argmax(1)
    acts = targets != IDLE
    return accuracy(outputs[acts], targets[acts]) if acts.any() else 0.0


def _regression(train: Experience, test: Experience) -> dict[str, float]:
    from sklearn.linear_model import LogisticRegression

    (x, y), (test_x, test_y) = ((torch.cat([part.cars.flatten(1), part.able], 1).numpy(), part.planned.numpy()) for part in (train, test))
    return {"accuracy": float(LogisticRegression(max_iter=500).fit(x, y).score(test_x, test_y))}


class _Gallery:
    """The preview: the road from above, what the planner would do, and what a model says."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.scenes: list[Scene] = []

    def __call__(self, model: nn.Module) -> Captioned:
        """model: in eval mode, a `Policy` or a `QNetwork`."""
        if not self.scenes:
            self._drive()
        device = next(model.parameters()).device
        cars, can = (torch.from_numpy(np.stack([part(scene) for scene in self.scenes])).to(device) for part in (features, able))
        with torch.no_grad():
            said = model(cars, can).argmax(1).tolist()
        return Captioned(
            self.pixels, tuple(ACTIONS[action] for action in self.planned), tuple(ACTIONS[action] for action in said),
            np.array(said) == np.array(self.planned),
        )  # fmt: skip

    def _drive(self) -> None:
        """A few moments of drives that are validated on."""
        world = World(self.place)
        for number in range(SHOWN // 2):
            scene = world.reset(scenario(self.place, "valid", number).seed)
            for _ in range(2):
                scene, _, _ = world.step(look_ahead(scene))
                self.scenes.append(scene)
        self.planned = [look_ahead(scene) for scene in self.scenes]
        self.pixels: Any = np.stack([road_from_above(scene) for scene in self.scenes])
