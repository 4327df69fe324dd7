"""What may come: where the own car would be after each pair of decisions, and how near the others would come to it.

The own car does one thing for a second and another one after it, so that what leads into a trap is seen as such.
"""

import numpy as np

from .bodies import HEADING, LENGTH, SPEED, WIDTH, X, Y, rotated, wrapped
from .ways import ANY, FAR, SWERVE, TIMES, ways_of_others
from .world import ACTIONS, FASTER, IDLE, LEFT, RIGHT, SLOWER, Scene

RESPONSE = 0.6  # seconds in which a wanted speed is nearly reached
CIRCLES = 4  # that cover a car
REACH = 10.0  # metres between the middles of two cars that cannot touch
NEAR, CLOSE = 0.4, 2.0  # metres to spare, ahead and behind, below which it is a collision, or uncomfortable
BESIDE = 0.4  # metres to spare at the sides
HEADWAY = 0.25  # seconds of driving that are to be kept besides
GRIP = 7.0  # m/s² to the side that tyres hold on a dry road
BENDS, BEND = 25.0, 10.0  # metres in which a bend is looked for, and in which its turn is measured
LOOKS, NO_LESS = 0.3, 4.0  # seconds that one looks ahead for each m/s, as it takes longer to become slow, but no less than these
SOON = np.interp(TIMES, (0, 4, 6), (1, 0.25, 0.05))  # (T,) how much a collision counts, by when it would come
SKIDS = 0.3  # how dangerous it is to be faster than that


def futures(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of decisions that can be taken (P, 2), and where the own car would be: bodies (P, T, 6)."""
    now = scene.open
    pairs = [(int(first), second) for first in np.flatnonzero(now) for second in (IDLE, FASTER, SLOWER)]
    pairs += [(IDLE, second) for second in (LEFT, RIGHT) if now[second]]
    return np.array(pairs), np.stack([_driven(scene, first, second) for first, second in pairs])


def _driven(scene: Scene, first: int, second: int) -> np.ndarray:
    """The own car on a pair of decisions, bodies (T, 6): its controllers are those of highway-env, written as formulas."""
    wanted = scene.speed_after(first)
    speed, metres = _speeds(scene.ego[SPEED], wanted, TIMES)
    early = TIMES <= 1.0
    turn = int(early.sum()) - 1
    steps = list(scene.speeds)
    if second in (FASTER, SLOWER):
        nearest = int(np.abs(scene.speeds - speed[turn]).argmin()) + (1 if second == FASTER else -1)
        wanted = steps[min(max(nearest, 0), len(steps) - 1)]
    later, further = _speeds(speed[turn], wanted, TIMES[~early] - TIMES[turn])
    speed, metres = np.append(speed[early], later), np.append(metres[early], metres[turn] + further)
    lane, asked = scene.lane, first if first in (LEFT, RIGHT) else second if second in (LEFT, RIGHT) else None
    body = np.tile(scene.ego, (len(TIMES), 1))
    body[:, SPEED] = speed
    other = lane if asked is None else scene.road.beside(lane, -1 if asked == LEFT else 1) or lane
    when = 0.0 if asked is None or asked == first else 1.0
    body[:, :2], body[:, HEADING] = _line(scene, other, metres, speed, when)
    if when:
        held = TIMES <= when
        body[held, :2], body[held, HEADING] = (part[held] for part in _line(scene, lane, metres, speed, 0.0))
    return body


def _speeds(now: float, wanted: float, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speeds, and metres that are driven, where a speed goes towards another one as a charge goes into a condenser."""
    fade = np.exp(-times / RESPONSE)
    return wanted + (now - wanted) * fade, wanted * times + (now - wanted) * RESPONSE * (1 - fade)


def _line(scene: Scene, lane: tuple[str, str, int], metres: np.ndarray, speed: np.ndarray, when: float) -> tuple[np.ndarray, np.ndarray]:
    """Places (T, 2) and headings (T,) of the own car that goes to the middle of a lane from a moment on."""
    begin, aside = scene.road.locate_on(lane, scene.ego[:2])
    places, headings = scene.road.paths(lane, FAR, scene.route)[0].along(begin + metres)
    offset = aside * np.exp(-np.maximum(TIMES - when, 0) / SWERVE)
    places = places + rotated(np.stack([np.zeros_like(offset), offset], -1), headings)
    return places, headings - np.arctan2(offset * (TIMES > when) / SWERVE, np.maximum(speed, 3.0))


def skids(scene: Scene) -> np.ndarray:
    """Which of ACTIONS would be too fast for the bends ahead: (5,) bool. In a bend of radius r one is pulled aside by v² / r."""
    begin, _ = scene.road.locate_on(scene.lane, scene.ego[:2])
    _, headings = scene.road.paths(scene.lane, FAR, scene.route)[0].along(begin + np.arange(0.0, BENDS + BEND, BEND / 4))
    bend = float(np.abs(wrapped(headings[4:] - headings[:-4])).max()) / BEND  # 1/m
    return np.array([scene.speed_after(action) ** 2 * bend > GRIP for action in range(len(ACTIONS))])


def spare(own: np.ndarray, other: np.ndarray, margin: np.ndarray | float) -> np.ndarray:
    """Metres between bodies (…, 6) that are longer by `margin` ahead and behind: (…,), below 0 where they touch.

    Each is covered by a row of circles as wide as it is, so that corners count as rounded.
    """
    ours, theirs = circles(own, np.asarray(margin, dtype=float)), circles(other, np.asarray(0.0))
    away = ours[..., :, None, :] - theirs[..., None, :, :]
    return np.sqrt((away**2).sum(-1).min((-1, -2))) - own[..., WIDTH] / 2 - other[..., WIDTH] / 2


def circles(bodies: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """The middles of the circles that cover bodies (…, 6), made longer by `margin` at both ends: (…, CIRCLES, 2)."""
    reach = np.maximum(bodies[..., LENGTH] / 2 + margin - bodies[..., WIDTH] / 2, 0)
    ahead = reach[..., None] * np.linspace(-1, 1, CIRCLES)
    heading = bodies[..., HEADING, None]
    return np.stack([bodies[..., X, None] + ahead * np.cos(heading), bodies[..., Y, None] + ahead * np.sin(heading)], -1)


def dangers(scene: Scene) -> np.ndarray:
    """How dangerous each of ACTIONS is, if the best is made of it afterwards: (5,) in [0, 1], infinite where it cannot be taken.

    1 is a collision at once; what would come in 4 seconds counts for a quarter of it, in 6 for a twentieth, and being too close
    for 0.3 of a collision, as being too fast for a bend does. A slow car looks 4 seconds ahead, a quick one 6.
    """
    pairs, own = futures(scene)
    others, weights, against = ways_of_others(scene)
    worst = np.zeros(len(pairs))
    if len(others):
        away = np.hypot(own[:, None, :, X] - others[None, :, :, X], own[:, None, :, Y] - others[None, :, :, Y])  # (P, W, T)
        headway = HEADWAY * np.maximum(own[..., SPEED], 0)  # (P, T)
        counts = (against == ANY) | (against == pairs[:, :1])  # (P, W)
        seen = TIMES <= max(NO_LESS, LOOKS * scene.ego[SPEED]) + 1e-9  # (T,)
        pair, way, moment = np.nonzero((away < REACH + headway[:, None]) & counts[..., None] & seen)  # few come near enough to be looked at closely
        ours, theirs = own[pair, moment], others[way, moment]
        hit = spare(ours, theirs, NEAR) < BESIDE
        tight = spare(ours, theirs, CLOSE + headway[pair, moment]) < 2 * BESIDE
        soon = SOON[moment]
        np.maximum.at(worst, pair, np.maximum(hit, 0.3 * tight) * soon * weights[way])
    found = np.full(len(ACTIONS), np.inf)
    np.minimum.at(found, pairs[:, 0], worst)
    return np.maximum(found, SKIDS * skids(scene))

