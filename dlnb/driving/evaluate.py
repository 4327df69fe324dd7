"""How well somebody drives: collisions, speed and comfort over scenarios that nobody learned from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .bodies import SPEED
from .world import Scene, World, scenario


@dataclass(frozen=True)
class Outcome:
    """What became of drives in one place.

    drives, collisions: how many. moments: decisions that were taken. speed: m/s, the mean over all moments. jerk: m/s³, the mean
    size of the change of acceleration from moment to moment.
    """

    drives: int
    collisions: int
    moments: int
    speed: float
    jerk: float


def outcome(place: str, split: str, numbers: Sequence[int], decide: Callable[[Scene], int] | None = None) -> Outcome:
    """Drive the scenarios of these numbers. decide: who drives; highway-env's own planner unless given.

    Raises: ValueError if there are no scenarios.
    """
    if not len(numbers):
        raise ValueError("there is nothing to drive: give the numbers of scenarios, such as range(100)")
    world = World(place, planned=decide is None)
    collisions, speeds, jerks = 0, [], []
    for number in numbers:
        scene, over = world.reset(scenario(place, split, number).seed), False
        driven = [scene.ego[SPEED]]
        while not over:
            scene, _, over = world.step(None if decide is None else decide(scene))
            driven.append(scene.ego[SPEED])
        collisions += world.crashed
        speeds.append(np.array(driven[1:]))
        jerks.append(np.abs(np.diff(driven, 2)) / world.seconds**2)
    jerk, speed = np.concatenate(jerks), np.concatenate(speeds)
    return Outcome(len(numbers), collisions, len(speed), float(speed.mean()), float(jerk.mean()) if len(jerk) else 0.0)
