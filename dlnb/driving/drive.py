"""A drive, moment by moment: what the sensors say, what is seen in it, what is decided, and how long that took."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .deadline import LIMIT, Deadline
from .detections import decode
from .sensors import COLUMNS, RAYS, ROWS, Noise, Readings, sense
from .shield import Decide
from .ttc import time_to_collision
from .world import Scenario, Scene, World


@dataclass(frozen=True)
class Moment:
    """What was at one moment of a drive.

    readings: of the sensors. found: (N, 6) what was taken for an obstacle, as the own car sees it: x, y, heading, sure, length,
    width; None without eyes. action: what was done. seconds: from what was sensed to what was decided. late: the deadline was
    missed. closest: seconds until the nearest collision, if all go on as they do. crashed, over: what came of it.
    """

    scene: Scene
    readings: Readings
    found: np.ndarray | None
    action: int
    seconds: float
    late: bool
    closest: float
    crashed: bool
    over: bool


class Drive:
    """Somebody drives a scenario to its end: `for moment in Drive(scenario, decide)`.

    decide: gives an action for a scene. eyes: a `RangeView`, whose work counts for the deadline; it drives only its own picture
        of the world, `Moment.found`: what is decided on are the scene's cars. fault: of the sensors, one of
        `dlnb.driving.sensors.FAULTS`. limit: seconds for a decision.
    """

    def __init__(
        self, scenario: Scenario, decide: Decide, eyes: nn.Module | None = None, fault: str = "", noise: Noise | None = None, limit: float = LIMIT
    ) -> None:
        self.scenario, self.eyes, self.fault, self.noise = scenario, None if eyes is None else eyes.eval(), fault, noise
        self._decide = decide
        self._found: np.ndarray | None = None
        self.deadline = Deadline(self._sense_and_decide, limit)

    def __iter__(self) -> Iterator[Moment]:
        world = World(self.scenario.place)
        scene, over = world.reset(self.scenario.seed), False
        generator = np.random.default_rng(self.scenario.seed)
        while not over:
            readings = sense(scene.ego, scene.others, generator, self.noise, self.fault)
            missed = self.deadline.missed
            action = self.deadline(scene, readings)
            after, _, over = world.step(action)
            closest = time_to_collision(scene.ego, scene.others)
            yield Moment(
                scene, readings, self._found, action, self.deadline.seconds[-1], self.deadline.missed > missed,
                float(closest.min(initial=np.inf)), world.crashed, over,
            )  # fmt: skip
            scene = after

    def _sense_and_decide(self, scene: Scene, readings: Readings) -> int:
        self._found = None if self.eyes is None else perceive(self.eyes, readings)
        return self._decide(scene)


def perceive(eyes: nn.Module, readings: Readings) -> np.ndarray:
    """The obstacles that a `RangeView` finds: (N, 6) x, y, heading, sure, length, width, as the own car sees them.

    A sensor that says nothing is one whose every value is NaN.
    """
    with torch.inference_mode():
        return decode(eyes(*inputs_of(readings)))[0].numpy()


def inputs_of(readings: Readings) -> tuple[Tensor, Tensor]:
    """Readings as a `RangeView` reads them: lidar (1, RAYS) and camera (1, ROWS, COLUMNS), NaN where a sensor says nothing."""
    lidar = np.full(RAYS, np.nan, np.float32) if readings.lidar is None else readings.lidar
    camera = np.full((ROWS, COLUMNS), np.nan, np.float32) if readings.camera is None else readings.camera
    return torch.from_numpy(lidar)[None], torch.from_numpy(camera)[None]
