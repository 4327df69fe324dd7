"""Driving: worlds, perception, decisions."""

from .drive import Drive, Moment
from .models import Policy, QNetwork, RangeView
from .tasks import dagger, imitation, obstacles, reinforcement
from .world import ACTIONS, PLACES, Scenario, Scene, World, scenario

__all__ = [
    "ACTIONS", "PLACES", "Drive", "Moment", "Policy", "QNetwork", "RangeView", "Scenario", "Scene", "World",
    "dagger", "imitation", "obstacles", "reinforcement", "scenario",
]  # fmt: skip
