"""The map that a car carries with it: lanes as lines of points, which lane follows on which, and where on them a car is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bodies import HEADING, wrapped

Index = tuple[str, str, int]  # where a lane comes from, where it leads, its number from the left
SPACING = 2.0  # metres between two points of a lane that bends


@dataclass(frozen=True)
class Lane:
    """A lane's middle line. points: (P, 2); at: (P,), metres from its begin; forbidden: nobody may change into it."""

    index: Index
    points: np.ndarray
    at: np.ndarray
    width: float
    forbidden: bool

    @property
    def length(self) -> float:
        """In metres."""
        return float(self.at[-1])


@dataclass(frozen=True)
class Path:
    """A line to drive along. points: (P, 2); at: (P,), metres from its begin."""

    points: np.ndarray
    at: np.ndarray

    def along(self, metres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where one is after so many metres (…), and the heading there: (…, 2), (…). Beyond an end it goes straight on."""
        piece = np.clip(np.searchsorted(self.at, metres, side="right") - 1, 0, len(self.at) - 2)
        step = self.points[piece + 1] - self.points[piece]
        share = (metres - self.at[piece]) / (self.at[piece + 1] - self.at[piece])
        return self.points[piece] + share[..., None] * step, np.arctan2(step[..., 1], step[..., 0])

    def locate(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Metres from its begin (N,), and to its right (N,), of places (N, 2), each by the piece that is nearest."""
        steps = np.diff(self.points, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        along = steps / lengths[:, None]
        away = places[:, None] - self.points[:-1]  # (N, P - 1, 2)
        ahead = (away * along).sum(-1)
        aside = away[..., 1] * along[:, 0] - away[..., 0] * along[:, 1]
        beyond = np.maximum(ahead - lengths, 0) + np.maximum(-ahead, 0)
        best = np.hypot(aside, beyond).argmin(1)
        rows = np.arange(len(places))
        return self.at[best] + ahead[rows, best], aside[rows, best]


class RoadMap:
    """The lanes of one place.

    lanes: each with points, in the order of their indices. A lane leads to all that begin where it ends.

    Raises: ValueError if there is no lane.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        if not lanes:
            raise ValueError("a map needs at least one lane")
        self.lanes = {lane.index: lane for lane in lanes}
        self._names = [lane.index for lane in lanes]
        self._begins = np.concatenate([lane.points[:-1] for lane in lanes])  # (S, 2): all pieces of all lanes
        steps = np.concatenate([np.diff(lane.points, axis=0) for lane in lanes])
        self._lengths = np.linalg.norm(steps, axis=1)
        self._along = steps / self._lengths[:, None]
        self._at = np.concatenate([lane.at[:-1] for lane in lanes])
        self._of = np.concatenate([np.full(len(lane.points) - 1, number) for number, lane in enumerate(lanes)])
        self._heading = np.arctan2(steps[:, 1], steps[:, 0])
        self._paths: dict[tuple[Index, tuple[str, ...], float], list[Path]] = {}

    @classmethod
    def of(cls, network: Any) -> "RoadMap":
        """The map of a `highway_env.road.road.RoadNetwork`."""
        lanes = []
        for index, lane in network.lanes_dict().items():
            straight = type(lane).__name__ == "StraightLane"
            at = np.linspace(0, lane.length, 2 if straight else max(3, int(np.ceil(lane.length / SPACING)) + 1))
            points = np.array([lane.position(metre, 0) for metre in at], dtype=float)
            lanes.append(Lane(index, points, at.astype(float), float(lane.width_at(0)), bool(lane.forbidden)))
        return cls(lanes)

    def locate(self, bodies: np.ndarray) -> tuple[list[Index], np.ndarray, np.ndarray]:
        """The lane that each of bodies (N, 6) is on, metres from its begin (N,), and metres to the right of its middle (N,).

        The lane is the one that is nearest, where a radian of another heading counts as a metre.
        """
        away = bodies[:, None, :2] - self._begins  # (N, S, 2)
        ahead = (away * self._along).sum(-1)  # (N, S)
        aside = away[..., 1] * self._along[:, 0] - away[..., 0] * self._along[:, 1]
        beyond = np.maximum(ahead - self._lengths, 0) + np.maximum(-ahead, 0)
        turned = np.abs(wrapped(bodies[:, HEADING, None] - self._heading))
        best = (np.hypot(aside, beyond) + turned).argmin(1)
        rows = np.arange(len(bodies))
        return [self._names[self._of[piece]] for piece in best], self._at[best] + ahead[rows, best], aside[rows, best]

    def locate_on(self, index: Index, place: np.ndarray) -> tuple[float, float]:
        """Metres along a lane, and to the right of its middle, of a place (2,)."""
        lane = self.lanes[index]
        metres, aside = Path(lane.points, lane.at).locate(place[None])
        return float(metres[0]), float(aside[0])

    def beside(self, index: Index, step: int) -> Index | None:
        """The lane to the left (-1) or right (+1) of one, if there is one that may be changed into."""
        other = (index[0], index[1], index[2] + step)
        return other if other in self.lanes and not self.lanes[other].forbidden else None

    def follows(self, index: Index) -> list[Index]:
        """The lanes that one leads to: on each road that goes on, the one that begins nearest to its end."""
        end = self.lanes[index].points[-1]
        roads: dict[str, list[Index]] = {}
        for other in self.lanes:
            if other[0] == index[1]:
                roads.setdefault(other[1], []).append(other)
        return [min(lanes, key=lambda one: float(np.linalg.norm(self.lanes[one].points[0] - end))) for lanes in roads.values()]

    def paths(self, index: Index, reach: float, route: Sequence[str] = ()) -> list[Path]:
        """All ways to go on from the begin of a lane for at least its length and `reach` metres, or to where the roads end.

        route: names of places to be passed; with them there is one way where the lane leads to the first of them.
        """
        key = (index, tuple(route), reach)
        if key not in self._paths:
            self._paths[key] = [self._joined(lanes) for lanes in self._ways([index], self.lanes[index].length + reach, route)]
        return self._paths[key]

    def _ways(self, lanes: list[Index], metres: float, route: Sequence[str]) -> list[list[Index]]:
        metres -= self.lanes[lanes[-1]].length
        onward = self.follows(lanes[-1]) if metres > 0 else []
        planned = [one for one in onward if one[1] in route and one[0] in route]
        ways = [way for one in planned or onward if one not in lanes for way in self._ways([*lanes, one], metres, route)]
        return ways or [lanes]

    def _joined(self, lanes: list[Index]) -> Path:
        points = np.concatenate([self.lanes[one].points if place == 0 else self.lanes[one].points[1:] for place, one in enumerate(lanes)])
        return Path(points, np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]))
