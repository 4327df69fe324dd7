"""What a car can know of the world: a lidar, a ring of cameras, and how both may fail.

Readings are simulated from bodies alone: the same bodies and the same random generator give the same readings. Both sensors
look all around; a ray or a column is a direction, the first looks ahead, and they go round by the right.
"""

from dataclasses import dataclass

import numpy as np

from .bodies import HEADING, LENGTH, WIDTH, corners, rotated, seen_from

RAYS, COLUMNS = 240, 480  # directions of the lidar and of the cameras, all around
REACH = 60.0  # metres that both see
ROWS = 20  # of the cameras' picture
SKYLINE = 3.0  # the row at which the road ends
FOCAL = 64.0  # pixels that a thing a metre high has at a distance of a metre
LENS_HEIGHT, CAR_HEIGHT = 1.8, 1.5  # metres over the road
SKY, ROAD, FRONT, SIDE, HAZE = 0.9, 0.6, 0.15, 0.3, 0.55  # how bright things are; what is far fades into the haze
FAULTS = ("lidar dead", "camera dead", "lidar NaN", "camera NaN", "lidar dropout", "camera noise")
NOTHING = -1  # the number of the body in a direction in which there is none


@dataclass(frozen=True)
class Readings:
    """What the sensors say at one moment; None where one says nothing.

    lidar: (RAYS,) float32, metres to what a ray meets, REACH where it meets nothing.
    camera: (ROWS, COLUMNS) float32 in [0, 1], grey: what is around, unrolled; the first row is the sky.
    """

    lidar: np.ndarray | None
    camera: np.ndarray | None


@dataclass(frozen=True)
class Noise:
    """How badly the sensors work.

    lidar: metres of a standard deviation. dropout: the share of rays that come back from nowhere. camera: standard deviation
    of a pixel.
    """

    lidar: float = 0.1
    dropout: float = 0.02
    camera: float = 0.03


@dataclass(frozen=True)
class Scan:
    """What stands where, in every direction: the truth that sensors measure. All (COLUMNS,).

    metres: to the first body, REACH where there is none. body: its number, or NOTHING. bright: of the side of it that is seen.
    """

    metres: np.ndarray
    body: np.ndarray
    bright: np.ndarray


def sense(ego: np.ndarray, others: np.ndarray, generator: np.random.Generator, noise: Noise | None = None, fault: str = "") -> Readings:
    """What the sensors of the car `ego` (6,) say of bodies (N, 6). fault: one of FAULTS, or none.

    Raises: ValueError if there is no such fault.
    """
    if fault and fault not in FAULTS:
        raise ValueError(f"there is no fault {fault!r}: expected one of {', '.join(map(repr, FAULTS))}")
    noise = noise or Noise()
    found = scan(seen_from(others, ego))
    rays = found.metres[:: COLUMNS // RAYS]
    rays = np.clip(rays + (rays < REACH) * noise.lidar * generator.standard_normal(RAYS), 0, REACH)
    lost = generator.random(RAYS) < (0.5 if fault == "lidar dropout" else noise.dropout)
    picture = pictures(found.metres[None], found.bright[None])[0]
    grain = (0.3 if fault == "camera noise" else noise.camera) * generator.standard_normal(picture.shape)
    values: dict[str, np.ndarray | None] = {
        "lidar": np.where(lost, REACH, rays).astype(np.float32),
        "camera": np.clip(picture + grain, 0, 1).astype(np.float32),
    }
    which, _, how = fault.partition(" ")
    if how == "dead":
        values[which] = None
    elif how == "NaN":
        values[which] = np.full_like(values[which], np.nan)
    return Readings(values["lidar"], values["camera"])


def scan(seen: np.ndarray) -> Scan:
    """What is met first in each direction; seen: bodies (N, 6) as the own car sees them.

    A ray from the origin along d meets the edge from p to q where t·d = p + u·(q - p), with t > 0 and u in [0, 1].
    """
    near = np.flatnonzero(np.hypot(seen[:, 0], seen[:, 1]) < REACH + seen[:, LENGTH])
    if not len(near):
        return Scan(np.full(COLUMNS, REACH), np.full(COLUMNS, NOTHING), np.zeros(COLUMNS))
    angles = 2 * np.pi * np.arange(COLUMNS) / COLUMNS
    rays = np.stack([np.cos(angles), np.sin(angles)], -1)[:, None]  # (COLUMNS, 1, 2)
    begins = corners(seen[near])  # (N, 4, 2)
    edges = (np.roll(begins, -1, axis=1) - begins).reshape(-1, 2)  # (E, 2)
    begins = begins.reshape(-1, 2)
    crossed = _cross(rays, edges)  # (COLUMNS, E)
    with np.errstate(divide="ignore", invalid="ignore"):
        metres, share = _cross(begins, edges) / crossed, _cross(begins, rays) / crossed
    meets = (np.abs(crossed) > 1e-12) & (metres > 0) & (share >= 0) & (share <= 1)
    metres = np.where(meets, metres, np.inf)
    first = metres.argmin(1)
    metres = metres[np.arange(COLUMNS), first]
    met = metres < REACH
    bright = np.where(first % 2 == 0, FRONT, SIDE)  # the edges of a body are in turn its front or rear, and a side
    return Scan(np.where(met, metres, REACH), np.where(met, near[first // 4], NOTHING), np.where(met, bright, 0.0))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def pictures(metres: np.ndarray, bright: np.ndarray) -> np.ndarray:
    """What cameras see of scans, metres and brightness (B, COLUMNS): (B, ROWS, COLUMNS) in [0, 1].

    What is twice as far is half as high: a thing stands on the road at row SKYLINE + FOCAL · LENS_HEIGHT / metres. A pixel that
    its edge crosses is mixed, so that one can tell a distance more finely than by whole pixels.
    """
    rows = np.arange(ROWS, dtype=metres.dtype)[:, None]
    road = np.clip(rows + 1 - SKYLINE, 0, 1)  # how much of each row is road
    empty = SKY * (1 - road) + ROAD * road
    distance = np.maximum(metres, 0.5)[:, None]
    bottom = SKYLINE + FOCAL * LENS_HEIGHT / distance
    top = SKYLINE + FOCAL * (LENS_HEIGHT - CAR_HEIGHT) / distance
    covered = np.clip(np.minimum(bottom, rows + 1) - np.maximum(top, rows), 0, 1) * (metres < REACH)[:, None]  # (B, ROWS, COLUMNS)
    haze = 1 - np.exp(-distance / REACH)
    return empty * (1 - covered) + (bright[:, None] * (1 - haze) + HAZE * haze) * covered


def occupancy(seen: np.ndarray, half: float = 40.0, cell: float = 1.0) -> np.ndarray:
    """The squares around the own car that bodies (N, 6) stand on, as it sees them: (S, S) bool.

    half: metres from the middle to an edge; cell: the side of a square. Row 0 is farthest ahead, column 0 farthest to the left.
    """
    count = round(2 * half / cell)
    middles = half - cell * (np.arange(count) + 0.5)
    x, y = np.meshgrid(middles, -middles, indexing="ij")
    grid = np.zeros((count, count), dtype=bool)
    for body in seen:
        away = rotated(np.stack([x - body[0], y - body[1]], -1), -body[HEADING])
        grid |= (np.abs(away[..., 0]) <= body[LENGTH] / 2) & (np.abs(away[..., 1]) <= body[WIDTH] / 2)
    return grid
