"""Moments of drives, simulated once: who stood where. Each car of a moment sees the others, so one drive gives many views."""

import functools
from collections.abc import Iterator

import numpy as np

from .bodies import seen_from
from .sensors import COLUMNS, REACH, scan
from .world import World, scenario

WITHIN = 40.0  # metres in which obstacles are to be found
ENOUGH = 3  # directions of the cameras in which an obstacle must be seen to be asked for
MOST = 24  # obstacles that are kept of a view, the nearest


@functools.lru_cache(maxsize=8)
def views(places: tuple[str, ...], split: str, drives: int, each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Views of so many drives in each place, in a fixed order.

    each: every so many views of a drive one is taken. Returns
        scans: (V, 2, COLUMNS) float32, metres to what is met, and how bright it is;
        numbers: (V, COLUMNS) int64, which obstacle is seen in a direction, -1 where there is none;
        bodies: (V, MOST, 7) float32, obstacles as the car sees them, and in how many directions each is seen; 0 where there are
            fewer.
    """
    scans, numbers, bodies = [], [], []
    for number, seen in enumerate(_seen(places, split, drives)):
        if number % each:
            continue
        seen = seen[np.hypot(seen[:, 0], seen[:, 1]).argsort()][:MOST]
        found = scan(seen)
        rows = np.zeros((MOST, 7), np.float32)
        rows[: len(seen), :6] = seen
        rows[: len(seen), 6] = np.bincount(found.body[found.body >= 0], minlength=len(seen))
        scans.append(np.stack([found.metres, found.bright]).astype(np.float32))
        numbers.append(found.body)
        bodies.append(rows)
    return np.array(scans).reshape(-1, 2, COLUMNS), np.array(numbers).reshape(-1, COLUMNS), np.array(bodies)


def _seen(places: tuple[str, ...], split: str, drives: int) -> Iterator[np.ndarray]:
    """What every car sees each second of the drives of highway-env's planner: bodies within REACH, (N, 6)."""
    for place in places:
        world = World(place, planned=True)
        for number in range(drives):
            scene, over = world.reset(scenario(place, split, number).seed), False
            while not over:
                everyone = np.concatenate([scene.ego[None], scene.others])
                for number_of, one in enumerate(everyone):
                    if one[4] < 3:  # an obstacle that stands there sees nothing
                        continue
                    seen = seen_from(np.delete(everyone, number_of, 0), one)
                    yield seen[np.hypot(seen[:, 0], seen[:, 1]) < REACH]
                scene, _, over = world.step(None)
