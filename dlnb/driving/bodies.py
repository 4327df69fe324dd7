"""Cars as rows of numbers: where each stands, where it looks, how fast it is and how large.

A body is (x, y, heading, speed, length, width), in metres, radians and metres a second, in float64. As in highway-env y grows
to the right of a car that looks along x, so an angle grows clockwise on a map whose y grows downwards.
"""

import numpy as np

X, Y, HEADING, SPEED, LENGTH, WIDTH = range(6)
COLUMNS = 6
NONE = np.zeros((0, COLUMNS))


def rotated(points: np.ndarray, angle: float | np.ndarray) -> np.ndarray:
    """points: (…, 2), turned by an angle, or each by its own (…)."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * points[..., 0] - sin * points[..., 1], sin * points[..., 0] + cos * points[..., 1]], -1)


def corners(bodies: np.ndarray) -> np.ndarray:
    """The corners of bodies (N, 6), in their order around each: (N, 4, 2)."""
    signs = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) / 2
    return bodies[:, None, :2] + rotated(signs * bodies[:, None, LENGTH : WIDTH + 1], bodies[:, None, HEADING])


def seen_from(bodies: np.ndarray, ego: np.ndarray) -> np.ndarray:
    """Bodies (N, 6) as the car `ego` (6,) sees them: x ahead of it, y to its right, headings relative; speeds stay as they are."""
    own = bodies.copy()
    own[:, :2] = rotated(bodies[:, :2] - ego[:2], -ego[HEADING])
    own[:, HEADING] = wrapped(bodies[:, HEADING] - ego[HEADING])
    return own


def velocities(bodies: np.ndarray) -> np.ndarray:
    """How fast bodies (N, 6) move along x and y: (N, 2), in metres a second."""
    heading = bodies[..., HEADING]
    return bodies[..., SPEED, None] * np.stack([np.cos(heading), np.sin(heading)], -1)


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Angles brought between -π and π."""
    return (angle + np.pi) % (2 * np.pi) - np.pi
