"""A planner that needs no learning: it looks a few seconds ahead. It is slow, and a policy can learn from it.

highway-env's own planner drives a `World(place, planned=True)`.
"""

import numpy as np

from .foresight import dangers
from .world import ACTIONS, IDLE, LEFT, RIGHT, Scene

EAGER = 0.14  # what full speed is worth, where a collision at once costs 1
CALM = 0.02  # what it costs to change the lane


def look_ahead(scene: Scene) -> int:
    """The action that is worth most: little danger, and not too slow."""
    return int(worth(scene).argmax())


def worth(scene: Scene) -> np.ndarray:
    """What each of ACTIONS is worth: (5,), minus infinity where it cannot be taken."""
    gain = EAGER * np.array([scene.speed_after(action) for action in range(len(ACTIONS))]) / scene.speeds[-1]
    gain[[LEFT, RIGHT]] -= CALM
    gain[IDLE] += 1e-6  # of equals, the one that changes nothing
    return gain - dangers(scene)
