"""Time to collision: how long until two cars touch if both go on as they do."""

import numpy as np

from .bodies import WIDTH, velocities
from .foresight import circles


def time_to_collision(ego: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Seconds until the car `ego` (6,) touches each of bodies (N, 6): (N,), 0 where they touch already, infinite where they never do.

    Speeds and headings stay as they are; cars are covered by circles, so corners count as rounded. Two circles touch when
    |p + v·t| = r, which is an equation of second degree in t.
    """
    ours, theirs = circles(ego[None], np.zeros(1)), circles(others, np.zeros(len(others)))
    place = theirs[:, None, :] - ours[:, :, None]  # (N, C, C, 2)
    speed = (velocities(others) - velocities(ego[None]))[:, None, None]  # (N, 1, 1, 2)
    radius = ((ego[WIDTH] + others[:, WIDTH]) / 2)[:, None, None]
    a, b, c = (speed**2).sum(-1), (place * speed).sum(-1), (place**2).sum(-1) - radius**2
    inside = b**2 - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        when = (-b - np.sqrt(inside)) / a
    when = np.where((inside >= 0) & (a > 1e-12) & (when >= 0), when, np.inf)
    return np.where(c <= 0, 0.0, when).min((1, 2))
