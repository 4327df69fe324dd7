"""What was lived through: drives in seeded scenarios as tensors, with what a planner would have done at every moment."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from .bodies import HEADING, SPEED
from .features import able, features
from .planner import worth
from .world import Scene, World, scenario

DISCOUNT = 0.9  # what a reward is worth a second later
CRASH, QUICK = -1.0, 0.1  # the reward of a collision, and of a second at full speed
ASTRAY_BY = 10.0  # metres by which an imagined car is elsewhere, one standard deviation
Decide = Callable[[Scene], int]


@dataclass(frozen=True)
class Experience:
    """Moments of drives, one after the other. N moments; see `dlnb.driving.features`.

    cars: (N, 1 + OTHERS, FEATURES), able: (N, 5). worths: (N, 5), what each action is worth to the planner, minus infinity where it
    cannot be taken. planned: (N,) int64, what the planner would do. done: (N,) int64, what was done.
    reward: (N,) of what came of it. last: (N,) bool, whether the drive ended with it. returns: (N,) the rewards from there on,
    each second's less by DISCOUNT.
    """

    cars: Tensor
    able: Tensor
    worths: Tensor
    planned: Tensor
    done: Tensor
    reward: Tensor
    last: Tensor
    returns: Tensor

    def __len__(self) -> int:
        return len(self.cars)

    @property
    def following(self) -> Tensor:
        """The moment after each, itself where there is none: (N,) int64."""
        return torch.arange(len(self)) + (~self.last).long()


def joined(parts: Sequence[Experience]) -> Experience:
    """All that was lived through."""
    return Experience(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Experience)))


def lived(places: Sequence[str], split: str, numbers: Sequence[int], decide: Decide | None = None, astray: float = 0.0, seed: int = 0, imagined: int = 0) -> Experience:
    """Drive the scenarios of these numbers in each place.

    decide: who drives; the planner unless given. astray: how often anything that can be done is done instead, drawn by `seed`:
        so one gets where the driver would never get by himself. imagined: besides each moment there are so many in which the own
        car is elsewhere on its way, at another speed, drawn by `seed`. Nothing comes of them, so they stand at the end, each for
        itself; as the simulator does not run for them they cost little.
    """
    generator = np.random.default_rng(seed)
    thought: list[tuple[np.ndarray, np.ndarray, np.ndarray, int, int, float, bool]] = []
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, int, int, float, bool]] = []
    for place in places:
        world = World(place)
        for number in numbers:
            scene, over = world.reset(scenario(place, split, number).seed), False
            while not over:
                worths = worth(scene)
                planned = int(worths.argmax())
                action = planned if decide is None else decide(scene)
                if generator.random() < astray:
                    action = int(generator.choice(np.flatnonzero(scene.open)))
                for _ in range(imagined):
                    other = elsewhere(scene, generator)
                    values = worth(other)
                    best = int(values.argmax())
                    thought.append((features(other), able(other), values, best, best, 0.0, True))
                read = features(scene), able(scene)
                scene, _, over = world.step(action)
                rows.append((*read, worths, planned, action, reward(scene, world.crashed), over))
    cars, can, worths_, planned_, done, got, last = zip(*rows, *thought, strict=True)
    rewards, ended = torch.tensor(got, dtype=torch.float32), torch.tensor(last)
    return Experience(
        torch.from_numpy(np.stack(cars)), torch.from_numpy(np.stack(can)), torch.from_numpy(np.stack(worths_)).float(),
        torch.tensor(planned_), torch.tensor(done), rewards, ended, discounted(rewards, ended),
    )  # fmt: skip


def elsewhere(scene: Scene, generator: np.random.Generator) -> Scene:
    """The scene with the own car elsewhere on its lane, at another speed."""
    begin, _ = scene.road.locate_on(scene.lane, scene.ego[:2])
    path, far = scene.road.paths(scene.lane, 80.0, scene.route)[0], max(begin, scene.road.lanes[scene.lane].length)
    ego = scene.ego.copy()
    place, heading = path.along(np.clip(begin + ASTRAY_BY * generator.standard_normal(1), 0, far))
    ego[:2], ego[HEADING] = place[0], heading[0]
    ego[SPEED] = generator.uniform(scene.speeds[0], scene.speeds[-1])
    wanted = scene.speeds[np.abs(scene.speeds - ego[SPEED]).argsort()[generator.integers(2)]]
    return dataclasses.replace(scene, ego=ego, wanted=float(wanted))


def reward(scene: Scene, crashed: bool) -> float:
    """What a moment is worth: to be as fast as the car may be, and not to crash."""
    return CRASH if crashed else QUICK * float(np.clip(scene.ego[SPEED] / scene.speeds[-1], 0, 1))


def discounted(rewards: Tensor, last: Tensor) -> Tensor:
    """The rewards from each moment to the end of its drive, each second's less by DISCOUNT: (N,)."""
    returns, later = torch.zeros_like(rewards), 0.0
    for moment in range(len(rewards) - 1, -1, -1):
        later = float(rewards[moment]) + DISCOUNT * later * (not bool(last[moment]))
        returns[moment] = later
    return returns


