"""What a policy reads of a scene: the own car, and the nearest others as it sees them, in numbers of about 1."""

import numpy as np

from .bodies import HEADING, LENGTH, SPEED, rotated, seen_from, velocities, wrapped
from .world import ACTIONS, Scene

OTHERS = 10  # the nearest, that are read
FEATURES = 14  # of each car; the first says whether there is one
NEARBY, FAST = 30.0, 10.0  # metres and metres a second that count as 1
WIDEST = 3.0  # in these numbers, beyond which a way is left


def features(scene: Scene) -> np.ndarray:
    """A scene as numbers (1 + OTHERS, FEATURES) float32: the own car first, then the others from the nearest on.

    Own: 1, speed, wanted speed, the slowest and the fastest that can be chosen, metres beside the middle of the lane, how far the
    heading is off the lane's, then ways ahead: whether there is a lane to the left, to the right, where the way is in 15 and 30
    metres to the right, whether lanes can be changed, and how much the way turns in 15 and 30 metres. Others: 1, x, y, motion
    along x and y relative to the own car, cosine and sine of the heading, length, distance, how fast it closes, how near it is,
    its speed, and where it is on the own car's way: metres ahead and beside.
    """
    rows = np.zeros((1 + OTHERS, FEATURES), np.float32)
    begin, aside = scene.road.locate_on(scene.lane, scene.ego[:2])
    path = scene.road.paths(scene.lane, 80.0, scene.route)[0]
    places, headings = path.along(begin + np.array([0.0, 15.0, 30.0]))
    ahead = rotated(places - scene.ego[:2], -scene.ego[HEADING])
    turned = wrapped(scene.ego[HEADING] - headings[0])
    turns = wrapped(headings[1:] - headings[0])
    can = scene.open
    rows[0] = (
        1, scene.ego[SPEED] / FAST, scene.wanted / FAST, scene.speeds[0] / FAST, scene.speeds[-1] / FAST, aside / 4, turned,
        can[0], can[2], ahead[1, 1] / NEARBY, ahead[2, 1] / NEARBY, scene.sideways, turns[0], turns[1],
    )  # fmt: skip
    near = np.argsort(np.hypot(*(scene.others[:, :2] - scene.ego[:2]).T))[:OTHERS]
    seen = seen_from(scene.others[near], scene.ego)
    moves = rotated(velocities(scene.others[near]) - velocities(scene.ego[None]), -scene.ego[HEADING])
    away = np.maximum(np.hypot(seen[:, 0], seen[:, 1]), 1e-6)
    closes = -(moves * seen[:, :2]).sum(1) / away
    metres, beside = path.locate(scene.others[near, :2])
    rows[1 : 1 + len(near)] = np.stack([
        np.ones(len(near)), seen[:, 0] / NEARBY, seen[:, 1] / NEARBY, moves[:, 0] / FAST, moves[:, 1] / FAST,
        np.cos(seen[:, HEADING]), np.sin(seen[:, HEADING]), seen[:, LENGTH] / 5, away / NEARBY, closes / FAST,
        np.exp(-away / 10), scene.others[near, SPEED] / FAST,
        np.clip((metres - begin) / NEARBY, -WIDEST, WIDEST), np.clip(beside / NEARBY, -WIDEST, WIDEST),
    ], 1)  # fmt: skip
    return rows


def able(scene: Scene) -> np.ndarray:
    """Which of ACTIONS can be taken, as numbers: (5,) float32."""
    return scene.open.astype(np.float32).reshape(len(ACTIONS))
