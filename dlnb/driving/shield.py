"""A shield: whatever a policy wants, the car does only what can end well."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from .features import able, features
from .foresight import dangers
from .world import SAFE, Scene

LIMIT = 0.12  # the danger up to which a policy may do as it wants
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
    """Of the actions whose danger is at most `limit` the one that is wanted most; where there is none, the least dangerous.

    Raises: ValueError if the limit is not between 0 and 1.
    """
    if not 0 <= limit <= 1:
        raise ValueError(f"a danger lies between 0 and 1, so the limit does: got {limit!r}")

    def decide(scene: Scene) -> int:
        if not is_whole(scene):
            return SAFE
        danger, said = dangers(scene), scores(scene)
        least = danger.min()
        if least > limit or not np.isfinite(said).all():
            return int(danger.argmin())
        return int(np.where(danger <= limit, said, -np.inf).argmax())

    return decide


def is_whole(scene: Scene) -> bool:
    """Whether all numbers of a scene are numbers."""
    return bool(np.isfinite(scene.ego).all() and np.isfinite(scene.others).all())
