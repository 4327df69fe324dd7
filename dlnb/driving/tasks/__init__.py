"""Tasks of driving."""

from .decisions import dagger, imitation, reinforcement
from .obstacles import obstacles

__all__ = ["dagger", "imitation", "obstacles", "reinforcement"]
