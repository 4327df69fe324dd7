"""Where the others may be in the next seconds: at which speeds, and on which ways.

Each goes on along every way that its lane leads to. Who is on the way into another lane may also arrive there, and who could come
into the lane that the own car wants to change into, from its other side, may do so too: neither sees the other in it yet.
"""

from dataclasses import dataclass

import numpy as np

from .bodies import COLUMNS, HEADING, SPEED, WIDTH, rotated, wrapped
from .roads import Index, Path
from .world import LEFT, RIGHT, Scene

TIMES = np.append(np.arange(0.2, 2.1, 0.2), np.arange(2.4, 6.1, 0.4))  # (T,) seconds from now, what is near more finely
SWERVE = 0.7  # seconds in which the middle of a lane is nearly reached
PULLS, GOES_ON = (-6.0, 2.0), 2.0  # m/s² by which others became faster, which go on for so many seconds
CHANGES = ((0.0, 0.7), (-4.0, 0.5), (2.0, 0.5))  # other m/s² that are possible too, and how much each counts
SWAY = 4.0  # metres that a car is wider while it goes backwards, as it does not hold its lane
FAR = 80.0  # metres beyond which nobody is looked at
DRIFT = 1.0  # m/s to the side by which a car is on the way into another lane
STAYS = 0.5  # how much it counts that such a car goes back
BLIND = 0.4  # how much it counts that somebody comes into a lane from its other side
ROLLS = 5.0  # m/s from which on a car may do that
ANY = -1  # in the place of an action: whatever the own car does


@dataclass(frozen=True)
class Course:
    """A line that another car may follow. path: straight on if None; begin, aside: metres along it and to its right, now.

    weight: how much it counts. against: the action of the own car for which alone it counts, or ANY.
    """

    path: Path | None
    begin: float
    aside: float
    weight: float
    against: int


def ways_of_others(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where all others near enough may be: bodies (W, T, 6), how much each of these ways counts (W,), and for which of ACTIONS (W,)."""
    near = np.flatnonzero(np.hypot(*(scene.others[:, :2] - scene.ego[:2]).T) < FAR)
    if not len(near):
        return np.zeros((0, len(TIMES), COLUMNS)), np.zeros(0), np.zeros(0, int)
    ways, weights, against = [], [], []
    for number, lane, begin, aside in zip(near, *scene.road.locate(scene.others[near]), strict=True):
        body, pull = scene.others[number], scene.pulls[number]
        for course in _courses(scene, body, lane, begin, aside):
            ways.append(_driven(body, pull, course))
            weights += [course.weight, *(course.weight * weight for _, weight in CHANGES)]
            against += [course.against] * (1 + len(CHANGES))
    return np.concatenate(ways), np.array(weights), np.array(against)


def _courses(scene: Scene, body: np.ndarray, lane: Index, begin: float, aside: float) -> list[Course]:
    """The lines that a car (6,) may follow, which is on a lane, so many metres from its begin and to the right of its middle."""
    if abs(aside) > scene.road.lanes[lane].width:
        return [Course(None, 0.0, 0.0, 1.0, ANY)]  # nothing says that it turns
    paths = scene.road.paths(lane, FAR)
    _, (heading,) = paths[0].along(np.array([begin]))
    drift = body[SPEED] * np.sin(wrapped(body[HEADING] - heading))  # m/s to the right
    found, stays = [], 1.0
    for step, opposite in ((-1, RIGHT), (1, LEFT)):
        other = scene.road.beside(lane, step)
        if other is None:
            continue
        if drift * step > DRIFT and aside * step > 0:
            weight, against, stays = 1.0, ANY, STAYS
        elif body[SPEED] > ROLLS and other == scene.road.beside(scene.lane, -step):
            weight, against = BLIND, opposite
        else:
            continue
        there, beyond = scene.road.locate_on(other, body[:2])
        found += [Course(path, there, beyond, weight, against) for path in scene.road.paths(other, FAR)]
    return [Course(path, begin, aside, stays, ANY) for path in paths] + found


def _driven(body: np.ndarray, pull: float, course: Course) -> np.ndarray:
    """A car (6,) on a course, going on as it became faster by `pull` m/s², and by each of CHANGES: bodies (1 + C, T, 6)."""
    changes = np.array([np.clip(pull, *PULLS), *(change for change, _ in CHANGES)])[:, None]  # (1 + C, 1)
    lasts = np.array([GOES_ON] + [1.0] * len(CHANGES))[:, None]
    speed = body[SPEED] + changes * np.minimum(TIMES, lasts)  # (1 + C, T)
    travelled = body[SPEED] * TIMES + changes * np.where(TIMES < lasts, TIMES**2 / 2, lasts * TIMES - lasts**2 / 2)
    way = np.tile(body, (*speed.shape, 1))  # (1 + C, T, 6)
    way[..., SPEED] = speed
    if course.path is None:
        way[..., :2] += travelled[..., None] * np.array([np.cos(body[HEADING]), np.sin(body[HEADING])])
    else:
        places, way[..., HEADING] = course.path.along(course.begin + travelled)
        offset = np.broadcast_to(course.aside * np.exp(-TIMES / SWERVE), speed.shape)
        way[..., :2] = places + rotated(np.stack([np.zeros_like(offset), offset], -1), way[..., HEADING])
    way[speed < -0.5, WIDTH] += SWAY
    return way
