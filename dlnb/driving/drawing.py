"""The road from above as a picture: drawn with Pillow, no window is opened."""

import numpy as np
from PIL import Image, ImageDraw

from ..preview import Scene as Shown
from .bodies import COLUMNS as BODY
from .bodies import LENGTH, corners, rotated, seen_from
from .sensors import REACH
from .world import Scene

SIDE = 160  # pixels of a picture
HALF = 42.0  # metres from the own car to an edge
GROUND, ASPHALT, OWN, OTHER, POINT = (226, 229, 224), (150, 153, 158), (36, 98, 190), (214, 118, 38), (196, 60, 40)
NAMES = ("ahead, m", "to the right, m", "heading, rad", "speed, m/s", "length, m", "width, m")  # of a body's numbers
FINER = 2  # times as large as it is kept, then made smaller, so that edges are smooth


def to_pixels(points: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Places (…, 2) as the own car sees them, x ahead and y to the right, in pixels: it stands in the middle and looks up."""
    return side / 2 + side / (2 * HALF) * np.stack([points[..., 1], -points[..., 0]], -1)


def box_of(body: np.ndarray) -> np.ndarray:
    """The box x1, y1, x2, y2 in pixels around a body (6 or more,) as the own car sees it, within the picture."""
    corner = to_pixels(corners(body[None, :BODY])[0])
    return np.clip(np.concatenate([corner.min(0), corner.max(0)]), 0, SIDE).astype(np.float32)


def road_around(lidar: np.ndarray) -> np.ndarray:
    """What a lidar (RAYS,) met, seen from above: (SIDE, SIDE, 3) uint8."""
    picture = Image.new("RGB", (SIDE * FINER, SIDE * FINER), ASPHALT)
    draw = ImageDraw.Draw(picture)
    angles = 2 * np.pi * np.arange(len(lidar)) / len(lidar)
    met = np.isfinite(lidar) & (lidar < 0.999 * REACH)
    points = np.stack([np.cos(angles), np.sin(angles)], -1)[met] * lidar[met, None]
    for x, y in to_pixels(points, SIDE * FINER):
        draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=POINT)
    own = np.array([[0, 0, 0, 0, 5, 2.0]])
    draw.polygon([tuple(point) for point in to_pixels(corners(own)[0], SIDE * FINER)], fill=OWN)
    return _smaller(picture)


def road_from_above(scene: Scene) -> np.ndarray:
    """The lanes and all cars around the own one, which stands in the middle and looks up: (SIDE, SIDE, 3) uint8."""
    picture = Image.new("RGB", (SIDE * FINER, SIDE * FINER), GROUND)
    draw = ImageDraw.Draw(picture)
    scale = SIDE * FINER / (2 * HALF)
    for lane in scene.road.lanes.values():
        points = to_pixels(rotated(lane.points - scene.ego[:2], -scene.ego[2]), SIDE * FINER)
        draw.line([tuple(point) for point in points], fill=ASPHALT, width=round(lane.width * scale), joint="curve")
    for lane in scene.road.lanes.values():
        points = to_pixels(rotated(lane.points - scene.ego[:2], -scene.ego[2]), SIDE * FINER)
        draw.line([tuple(point) for point in points], fill=GROUND, width=1)
    bodies = np.concatenate([seen_from(scene.others, scene.ego), seen_from(scene.ego[None], scene.ego)])
    for number, corner in enumerate(corners(bodies)):
        colour = OWN if number == len(bodies) - 1 else OTHER
        draw.polygon([tuple(point) for point in to_pixels(corner, SIDE * FINER)], fill=colour)
    return _smaller(picture)


def shown(scene: Scene) -> Shown:
    """The road from above, with the numbers of all within reach as the own car has them: itself first, then the nearest."""
    others = seen_from(scene.others, scene.ego)
    metres = np.hypot(others[:, 0], others[:, 1])
    near = np.argsort(metres, kind="stable")[: int((metres < REACH).sum())]
    bodies = np.concatenate([seen_from(scene.ego[None], scene.ego), others[near]])
    inside = (np.abs(bodies[:, :2]) < HALF + bodies[:, LENGTH : LENGTH + 1]).all(1)
    boxes = np.array([box_of(body) if here else np.full(4, np.nan) for body, here in zip(bodies, inside, strict=True)], np.float32)
    return Shown(road_from_above(scene), NAMES, bodies.astype(np.float32), boxes)


def _smaller(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX))
