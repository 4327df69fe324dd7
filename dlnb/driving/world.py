"""Worlds to drive in: highway-env's roads behind one small door, with seeded scenarios that are split for good.

What comes out is a `Scene` of plain numbers; whoever decides gives back one of `ACTIONS`.
Source: Leurent 2018, An environment for autonomous driving decision-making, github.com/Farama-Foundation/HighwayEnv, MIT licence.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..preview import Scene as Shown
from .bodies import COLUMNS, NONE, SPEED
from .roads import Index, RoadMap

ACTIONS = ("LANE_LEFT", "IDLE", "LANE_RIGHT", "FASTER", "SLOWER")
LEFT, IDLE, RIGHT, FASTER, SLOWER = range(len(ACTIONS))
SAFE = SLOWER  # what a car does when nobody can say what else to do
PLACES = {
    "highway": "highway-fast-v0", "merge": "merge-v1", "roundabout": "roundabout-v1", "intersection": "intersection-v2",
    "racetrack": "racetrack-v1",
}  # fmt: skip
DECIDED = ("highway", "merge", "roundabout", "intersection")  # where one decides by ACTIONS; on the racetrack one steers
SPLITS = {"train": 0, "valid": 1_000_000, "test": 2_000_000}  # the first seed of each
MOST = 1_000_000  # scenarios in a split
CROSSING = {"DISTANCE_WANTED": 7.0, "COMFORT_ACC_MAX": 6.0, "COMFORT_ACC_MIN": -3.0}  # of highway-env's drivers
ELSEWHERE = {"DISTANCE_WANTED": 10.0, "COMFORT_ACC_MAX": 3.0, "COMFORT_ACC_MIN": -5.0}


@dataclass(frozen=True)
class Scenario:
    """A beginning of a drive. place: one of PLACES; seed: of what is drawn in it."""

    place: str
    seed: int

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise ValueError(f"there is no place {self.place!r}: expected one of {', '.join(map(repr, PLACES))}")


def scenario(place: str, split: str, number: int) -> Scenario:
    """Scenario number `number` (from 0) of "train", "valid" or "test": no seed is in two of them.

    Raises: ValueError for another place or split, or a number out of range.
    """
    if split not in SPLITS:
        raise ValueError(f"the scenarios are split into 'train', 'valid' and 'test', not {split!r}")
    if not 0 <= number < MOST:
        raise ValueError(f"the scenarios of a split are numbered 0 to {MOST - 1:,}, got {number}")
    return Scenario(place, SPLITS[split] + number)


@dataclass(frozen=True)
class Scene:
    """What is so at one moment, in the words of dlnb.driving.bodies.

    ego: (6,) the own car. others: (N, 6) all other cars and obstacles. pulls: (N,) by how much each has become faster since the
    last moment, in m/s². road: the map.
    lane: the lane that the own car keeps to, or is changing to. route: names of the places that it wants to pass, if it wants to.
    speeds: (K,) between which the own car can choose, rising; wanted: the one that it has chosen, both in m/s.
    sideways: whether it may change lanes here.
    """

    ego: np.ndarray
    others: np.ndarray
    pulls: np.ndarray
    road: RoadMap
    lane: Index
    route: tuple[str, ...]
    speeds: np.ndarray
    wanted: float
    sideways: bool

    @property
    def open(self) -> np.ndarray:
        """Which of ACTIONS make a difference here: (5,) bool."""
        nearest = int(np.abs(self.speeds - self.ego[SPEED]).argmin())
        return np.array([
            self.sideways and self.road.beside(self.lane, -1) is not None,
            True,
            self.sideways and self.road.beside(self.lane, +1) is not None,
            nearest + 1 < len(self.speeds) or self.wanted < self.speeds[-1],
            nearest > 0 or self.wanted > self.speeds[0],
        ])  # fmt: skip

    def speed_after(self, action: int) -> float:
        """The speed that is wanted once an action is taken: one step up or down from the one that is nearest now."""
        if action not in (FASTER, SLOWER):
            return self.wanted
        nearest = int(np.abs(self.speeds - self.ego[SPEED]).argmin()) + (1 if action == FASTER else -1)
        return float(self.speeds[min(max(nearest, 0), len(self.speeds) - 1)])

    def preview(self) -> Shown:
        """The road from above and the numbers of what is on it, for `dl.show`."""
        from .drawing import shown  # it draws scenes, so it knows this file

        return shown(self)


class World:
    """A place of highway-env, one scenario after the other; its settings are highway-env's own.

    planned: the own car is driven by highway-env's planner (IDM and MOBIL; Treiber, Hennecke & Helbing 2000; Kesting, Treiber &
        Helbing 2007), and the action given to `step` counts for nothing.

    Raises: ValueError for another place.
    """

    def __init__(self, place: str, planned: bool = False) -> None:
        if place not in PLACES:
            raise ValueError(f"there is no place {place!r}: expected one of {', '.join(map(repr, PLACES))}")
        self.place, self.planned = place, planned
        self._env = _made(PLACES[place])
        self._road: RoadMap | None = None
        self._before: dict[int, float] = {}  # how fast each was at the last moment

    def reset(self, seed: int) -> Scene:
        """Begin a scenario."""
        self._manners()
        self._env.reset(seed=seed)
        if self.planned:
            from highway_env.vehicle.behavior import IDMVehicle

            car = IDMVehicle.create_from(self.car)
            self._env.road.vehicles[self._env.road.vehicles.index(self.car)] = car
            self._env.vehicle = car
        self._road = RoadMap.of(self._env.road.network)
        self._before = {}
        return self.scene()

    def step(self, action: Any) -> tuple[Scene, float, bool]:
        """Go on for a second (a fifth of one on the racetrack). Returns the scene, the reward, and whether the drive is over.

        action: the number of one of ACTIONS; on the racetrack the steering in [-1, 1]. A change of lanes where there is none
            leaves all as it is.

        Raises: ValueError if it is none.
        """
        given = None if self.planned else self._translated(action)
        self._manners()
        self._before = {id(other): float(other.speed) for other in self._others}
        _, reward, ended, cut, _ = self._env.step(given)
        return self.scene(), float(reward), bool(ended or cut)

    def _manners(self) -> None:
        """How the other drivers drive: highway-env's intersection sets that for every world of the process, so each sets its own."""
        from highway_env.vehicle.behavior import IDMVehicle

        for name, value in (CROSSING if self.place == "intersection" else ELSEWHERE).items():
            setattr(IDMVehicle, name, value)

    def scene(self) -> Scene:
        """What is so now."""
        car, others = self.car, self._others
        assert self._road is not None
        return Scene(
            _body(car),
            np.array([_body(other) for other in others]) if others else NONE.copy(),
            np.array([(other.speed - self._before.get(id(other), other.speed)) / self.seconds for other in others], dtype=float),
            self._road,
            tuple(getattr(car, "target_lane_index", car.lane_index)),
            tuple(dict.fromkeys(place for part in getattr(car, "route", None) or () for place in part[:2])),
            np.asarray(getattr(car, "target_speeds", [car.speed]), dtype=float),
            float(getattr(car, "target_speed", car.speed)),
            "LANE_LEFT" in self._actions,
        )

    @property
    def car(self) -> Any:
        """The own car, as highway-env has it."""
        return self._env.vehicle

    @property
    def _others(self) -> list[Any]:
        return [other for other in (*self._env.road.vehicles, *self._env.road.objects) if other is not self.car]

    @property
    def crashed(self) -> bool:
        """Whether the own car has hit something."""
        return bool(self.car.crashed)

    @property
    def seconds(self) -> float:
        """That pass between two decisions."""
        return 1 / float(self._env.config["policy_frequency"])

    @property
    def _actions(self) -> dict[str, int]:
        return dict(getattr(self._env.action_type, "actions_indexes", {}))

    def _translated(self, action: Any) -> Any:
        """An action as highway-env numbers it here."""
        if self.place == "racetrack":
            steering = np.asarray(action, dtype=np.float32).reshape(-1)
            if steering.shape != (1,) or not (np.abs(steering) <= 1).all():  # NaN is out too
                raise ValueError(f"on the racetrack an action is one number in [-1, 1], the steering; got {action!r}")
            return steering
        if not is_action(action):
            raise ValueError(f"an action is a whole number from 0 to {len(ACTIONS) - 1} ({', '.join(ACTIONS)}), got {action!r}")
        return self._actions.get(ACTIONS[int(action)], self._actions["IDLE"])


def is_action(action: Any) -> bool:
    """Whether this is the number of one of ACTIONS."""
    return isinstance(action, int | np.integer) and not isinstance(action, bool) and 0 <= int(action) < len(ACTIONS)


def _body(thing: Any) -> np.ndarray:
    body = np.empty(COLUMNS)
    body[:] = (*thing.position, thing.heading, thing.speed, thing.LENGTH, thing.WIDTH)
    return body


def _made(name: str) -> Any:
    """An environment of highway-env, which brings a library for windows along: none is opened."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    import gymnasium
    import highway_env  # noqa: F401, enters its environments

    settings = {"observation": {"type": "OccupancyGrid", "features": ["presence"]}} if name == PLACES["racetrack"] else {}
    return gymnasium.make(name, config=settings).unwrapped
