"""A shield: whatever a policy wants, the car does only what can end well."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from .bodies import SPEED
from .features import able, features
from .foresight import dangers
from .world import ACTIONS, SAFE, Scene

LIMIT = 0.12  # the danger up to which a policy may do as it wants
SLACK = 0.07  # by which an action may be more dangerous than the least dangerous one, where nothing is below the limit
HARDLY = 0.05  # more dangerous is not worth being slower
SLOW = 9.0  # m/s, up to which these three hold; above, they become less as the speed becomes more, as a collision is worse
HOPELESS = 0.9  # the danger of a collision within half a second
Scores = Callable[[Scene], np.ndarray]  # how much each of ACTIONS is wanted: (5,)
Decide = Callable[[Scene], int]


def scores_of(model: nn.Module) -> Scores:
    """What a `Policy` or a `QNetwork` says of a scene."""

    def scores(scene: Scene) -> np.ndarray:
        with torch.inference_mode():
            cars, can = torch.from_numpy(features(scene))[None], torch.from_numpy(able(scene))[None]
            return np.asarray(model(cars, can)[0])

    return scores


def greedy(scores: Scores) -> Decide:
    """The action that is wanted most; the safe one where a network says NaN, or a sensor did."""

    def decide(scene: Scene) -> int:
        if not is_whole(scene):
            return SAFE
        said = scores(scene)
        return int(said.argmax()) if np.isfinite(said).all() else SAFE

    return decide


def shielded(scores: Scores, limit: float = LIMIT) -> Decide:
    """Of the actions whose danger is at most `limit` the one that is wanted most; where there is none, of those that are hardly more
    dangerous than the least. Both become stricter with speed. To be slow is no safety in itself: what is slower than another of
    these and hardly safer is left out. A quick car that nothing is below the limit for does not hurry: what is faster than another of
    these is left out then. Where all lead to a collision at once, the car brakes.

    Raises: ValueError if the limit is not between 0 and 1.
    """
    if not 0 <= limit <= 1:
        raise ValueError(f"a danger lies between 0 and 1, so the limit does: got {limit!r}")

    def decide(scene: Scene) -> int:
        if not is_whole(scene):
            return SAFE
        danger, said = dangers(scene), scores(scene)
        if not np.isfinite(said).all():
            return int(danger.argmin())
        if danger.min() > HOPELESS:
            return SAFE
        share = SLOW / max(SLOW, scene.ego[SPEED])
        below = danger.min() <= limit * share
        danger = np.where(danger <= max(limit * share, danger.min() + SLACK * share), danger, np.inf)
        out = hasty(scene, danger) if share < 1 and not below else needless(scene, danger, HARDLY * share**2)
        return int(np.where(np.isfinite(danger) & ~out, said, -np.inf).argmax())

    return decide


def needless(scene: Scene, danger: np.ndarray, hardly: float) -> np.ndarray:
    """Which of ACTIONS are slower than another one that is more dangerous by at most `hardly`: (5,) bool.

    danger: (5,), infinite of what is out.
    """
    speed = _speeds(scene)
    return ((danger[:, None] + hardly >= danger) & (speed[:, None] < speed) & np.isfinite(danger)).any(1)


def hasty(scene: Scene, danger: np.ndarray) -> np.ndarray:
    """Which of ACTIONS are faster than another one that is not out: (5,) bool. danger: (5,), infinite of what is out."""
    speed = _speeds(scene)
    return ((speed[:, None] > speed) & np.isfinite(danger)).any(1)


def _speeds(scene: Scene) -> np.ndarray:
    return np.array([scene.speed_after(action) for action in range(len(ACTIONS))])


def is_whole(scene: Scene) -> bool:
    """Whether all numbers of a scene are numbers."""
    return bool(np.isfinite(scene.ego).all() and np.isfinite(scene.others).all())
