"""Faces that are drawn, not photographed: of any number of people, each in any number of pictures.

A picture is a pure function of (person, number, seed), drawn in about a millisecond. What makes the person is the same in
all pictures of them; how the head is held, what the face does and where the light comes from is another in each.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

SKIN = np.array([(0.98, 0.86, 0.77), (0.93, 0.75, 0.62), (0.80, 0.60, 0.45), (0.60, 0.42, 0.30), (0.38, 0.26, 0.19)])
HAIR = np.array([(0.09, 0.07, 0.07), (0.27, 0.17, 0.11), (0.47, 0.30, 0.17), (0.80, 0.64, 0.38), (0.58, 0.24, 0.12), (0.66, 0.65, 0.66)])
IRIS = np.array([(0.25, 0.15, 0.08), (0.42, 0.28, 0.13), (0.30, 0.45, 0.28), (0.30, 0.48, 0.68), (0.45, 0.48, 0.50)])
DARK, WHITE = np.array((0.08, 0.06, 0.06)), np.array((0.96, 0.95, 0.93))

Field = NDArray[np.floating]  # a number for each pixel, (H, W)
Colour = NDArray[np.float64]  # red, green, blue from 0 to 1


@dataclass(frozen=True)
class Person:
    """What stays. Lengths are in halves of the height of the head."""

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    width: float
    jaw: float  # how much narrower the chin is than the cheeks
    hairline: float
    style: int  # of the hair: 0 none, 1 short, 2 with a fringe, 3 long, 4 parted, 5 curls
    ears: float
    eyes_apart: float
    eyes_high: float
    eye: float
    eye_slant: float
    brow: float
    brow_slant: float
    brow_high: float
    nose: float
    nose_width: float
    mouth: float
    mouth_low: float
    lip: float
    beard: float
    moustache: float
    glasses: float  # 0 for none, else the size of the lenses


@lru_cache(maxsize=1024)
def person(number: int, seed: int = 0) -> Person:
    """The person with this number."""
    draw = _draws(seed, number, 0)
    tone = draw.rand() * (len(SKIN) - 1)
    low = min(int(tone), len(SKIN) - 2)
    skin = SKIN[low] + (tone - low) * (SKIN[low + 1] - SKIN[low])
    hair = HAIR[draw.choice(len(HAIR), p=(0.3, 0.25, 0.15, 0.12, 0.08, 0.1))] * draw.uniform(0.8, 1.2)
    return Person(
        skin=skin,
        hair=hair.clip(0, 1),
        iris=IRIS[draw.randint(len(IRIS))],
        lips=skin * np.array((0.86, 0.56, 0.55)) * draw.uniform(0.85, 1.1),
        width=draw.uniform(0.64, 0.84),
        jaw=draw.uniform(0.12, 0.55),
        hairline=draw.uniform(-0.72, -0.45),
        style=draw.choice(6, p=(0.08, 0.22, 0.18, 0.22, 0.15, 0.15)),
        ears=draw.uniform(0.1, 0.2),
        eyes_apart=draw.uniform(0.26, 0.39),
        eyes_high=draw.uniform(-0.16, 0.0),
        eye=draw.uniform(0.1, 0.155),
        eye_slant=draw.uniform(-0.25, 0.25),
        brow=draw.uniform(0.025, 0.075),
        brow_slant=draw.uniform(-0.3, 0.3),
        brow_high=draw.uniform(0.17, 0.29),
        nose=draw.uniform(0.26, 0.45),
        nose_width=draw.uniform(0.08, 0.17),
        mouth=draw.uniform(0.18, 0.32),
        mouth_low=draw.uniform(0.5, 0.62),
        lip=draw.uniform(0.04, 0.1),
        beard=draw.uniform(0.5, 0.95) if draw.rand() < 0.22 else 0.0,
        moustache=draw.uniform(0.5, 0.95) if draw.rand() < 0.2 else 0.0,
        glasses=draw.uniform(0.19, 0.26) if draw.rand() < 0.28 else 0.0,
    )


def face(who: int, number: int, seed: int = 0, height: int = 48, width: int = 40) -> NDArray[np.uint8]:
    """One picture of a person: (height, width, 3) uint8.

    who, number: which person, and which of their pictures, from 0. seed: of another world, with other people.

    Raises: ValueError if the sides are too small for a face, or a number is negative.
    """
    if min(height, width) < 16:
        raise ValueError(f"a face needs sides of 16 pixels or more, got {height}×{width}")
    if min(who, number, seed) < 0:
        raise ValueError(f"people, pictures and seeds are counted from 0, got person {who}, picture {number}, seed {seed}")
    draw = _draws(seed, who, number + 1)
    picture = _Drawing(person(who, seed), draw, height, width)
    picture.back_hair()
    picture.head()
    picture.features()
    picture.front_hair()
    return picture.lit()


def _draws(*numbers: int) -> RandomState:
    """Draws that belong to these numbers alone; NumPy promises never to change them."""
    return RandomState(np.array(numbers, np.uint32))


@lru_cache(maxsize=16)
def _pixels(height: int, width: int) -> tuple[Field, Field]:
    """Where each pixel is, x and y, in halves of the height of a head that fills three quarters of the picture."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    scale = 2.6 / height
    return (x - (width - 1) / 2) * scale, (y - (height - 1) / 2) * scale


class _Drawing:
    """A head in one pose, painted part after part, from the back to the front."""

    def __init__(self, who: Person, draw: RandomState, height: int, width: int) -> None:
        self.who, self.draw = who, draw
        # Python's own floats: those of NumPy would make the fields float64, and the drawing slow.
        self.yaw, self.pitch, roll = draw.normal(0, (0.25, 0.12, 0.07)).clip(-0.55, 0.55).tolist()
        size = draw.uniform(0.93, 1.1)
        x, y = _pixels(height, width)
        x, y = x - draw.uniform(-0.12, 0.12), y - draw.uniform(-0.12, 0.12) - 0.06
        self.x: Field = (math.cos(roll) * x + math.sin(roll) * y) / size
        self.y: Field = (math.cos(roll) * y - math.sin(roll) * x) / size
        self.sharp = height / 2.6 * size  # pixels to a unit of length
        self.smile, self.open = draw.uniform(-0.04, 0.14), max(0.0, draw.normal(0, 0.045))
        self.lids, self.gaze = draw.uniform(0.75, 1.1) if draw.rand() > 0.06 else 0.2, draw.uniform(-0.3, 0.3)
        wall = draw.uniform(0.25, 0.85) + draw.uniform(-0.12, 0.12, 3)
        self.canvas = np.empty((height, width, 3), np.float32)
        self.canvas[:] = wall
        # The head is narrower below: at the cheeks as wide as it is, at the chin less by the jaw.
        below = (self.y.clip(0.1, 1.0) - 0.1) ** 2
        self.half_width: Field = who.width * (1 - who.jaw * below)
        self.across: Field = (self.x - 0.1 * self.yaw) / self.half_width  # -1 to 1 over the face
        self.head_field: Field = 1 - np.sqrt(self.across**2 + self.y**2)

    def at(self, x: float, y: float) -> tuple[float, float, float]:
        """Where a point of the face is seen, and how much narrower what is there looks: the head is round, and turned."""
        depth = math.sqrt(max(0.05, 1 - (x / self.who.width) ** 2 - 0.5 * y**2)) * 0.75
        seen = x * math.cos(self.yaw) + depth * math.sin(self.yaw)
        narrower = max(0.25, math.cos(self.yaw) - (x / self.who.width) * math.sin(self.yaw) * 0.75)
        return seen, y * math.cos(self.pitch) + depth * math.sin(self.pitch), narrower

    def paint(self, field: Field, colour: Colour, strength: float = 1.0) -> None:
        """Colour where the field, a distance into the part, is above 0; its edge is one pixel soft."""
        cover = (field * self.sharp + 0.5).clip(0, 1) * strength
        self.canvas += cover[..., None] * (np.asarray(colour, np.float32) - self.canvas)

    def ellipse(self, x: float, y: float, wide: float, high: float, slant: float = 0.0) -> Field:
        """The distance into an ellipse with these half axes."""
        dx, dy = self.x - x, self.y - y
        if slant:
            dy = dy - slant * dx
        return (1 - np.sqrt((dx / wide) ** 2 + (dy / high) ** 2)) * min(wide, high)

    def back_hair(self) -> None:
        """What hangs behind the head, the neck, and the shoulders."""
        who = self.who
        if who.style == 3:
            self.paint(np.minimum(self.ellipse(0, 0.1, who.width + 0.26, 1.22), 0.95 - self.y), who.hair * 0.75)
        if who.style == 5:
            self.paint(self.ellipse(0, -0.28, who.width + 0.3, 0.95) + 0.035 * np.sin(17 * self.x) * np.sin(17 * self.y), who.hair * 0.8)
        self.paint(np.minimum(0.42 * who.width + 0.12 - np.abs(self.x), self.y), who.skin * 0.72)
        self.paint(self.ellipse(0, 1.72, 1.15, 0.68), self.draw.rand(3) * 0.8 + 0.1)

    def head(self) -> None:
        """Ears and the face itself."""
        who = self.who
        for side in (-1, 1):
            self.paint(self.ellipse(side * who.width * 0.98 - 0.25 * self.yaw, 0.05, 0.09, who.ears), who.skin * 0.85)
        self.paint(self.head_field * who.width, who.skin)
        if who.beard:
            x, y, _ = self.at(0, who.mouth_low)
            chin = np.minimum(self.head_field * who.width, self.y - 0.28 - 0.5 * np.maximum(0, 0.35 - np.abs(self.x - x)))
            self.paint(chin, who.hair, who.beard)

    def features(self) -> None:
        """Brows, eyes, nose and mouth."""
        who = self.who
        for side in (-1, 1):
            x, y, narrower = self.at(side * who.eyes_apart, who.eyes_high)
            wide, high = who.eye * 1.25 * narrower, who.eye * 0.72 * self.lids
            self.paint(self.ellipse(x, y, wide * 1.25, who.eye * 1.1), who.skin * 0.86, 0.6)
            eye = self.ellipse(x, y, wide, high, side * who.eye_slant)
            self.paint(self.ellipse(x, y, wide + 0.025, high + 0.025, side * who.eye_slant), DARK, 0.8)
            self.paint(eye, WHITE)
            look = x + self.gaze * 0.5 * wide
            self.paint(np.minimum(eye, self.ellipse(look, y, 0.075 * narrower, 0.075)), who.iris)
            self.paint(np.minimum(eye, self.ellipse(look, y, 0.035, 0.035)), DARK)
            x, y, narrower = self.at(side * who.eyes_apart * 1.02, who.eyes_high - who.brow_high)
            self.paint(self.ellipse(x, y, 0.2 * narrower, who.brow, side * who.brow_slant), who.hair * 0.7, 0.9)
        top, tip = self.at(0, who.eyes_high + 0.05), self.at(0, who.eyes_high + who.nose)
        tip_x = tip[0] + 0.12 * math.sin(self.yaw)
        self.paint(self.ellipse((top[0] + tip_x) / 2, (top[1] + tip[1]) / 2, 0.05, who.nose * 0.5), who.skin * 1.06)
        self.paint(self.ellipse(tip_x, tip[1] + 0.02, who.nose_width, 0.06), who.skin * 0.8)
        self.paint(self.ellipse(tip_x, tip[1] - 0.01, who.nose_width * 0.75, 0.06), who.skin * 1.03)
        x, y, narrower = self.at(0, who.mouth_low)
        wide = who.mouth * narrower
        if who.moustache:
            self.paint(self.ellipse(x, (y + tip[1]) / 2 + 0.03, wide * 1.05, 0.075), who.hair, who.moustache)
        bent = self.y - y + self.smile * ((self.x - x) / wide) ** 2  # the corners go up with a smile
        mouth = (1 - np.sqrt(((self.x - x) / wide) ** 2 + (bent / (who.lip + self.open)) ** 2)) * who.lip
        self.paint(mouth, who.lips)
        self.paint(np.minimum(mouth - 0.008, 0.006 + 0.8 * self.open - np.abs(bent)), DARK, 0.8)
        if who.glasses and self.draw.rand() < 0.8:
            for side in (-1, 1):
                x, y, narrower = self.at(side * who.eyes_apart, who.eyes_high + 0.02)
                lens = self.ellipse(x, y, who.glasses * narrower, who.glasses * 0.85)
                self.paint(0.018 - np.abs(lens), DARK, 0.9)
            self.paint(np.minimum(0.02 - np.abs(self.y - y), who.eyes_apart - who.glasses - np.abs(self.x - top[0])), DARK, 0.9)

    def front_hair(self) -> None:
        """Hair over the forehead and at the temples."""
        who = self.who
        if not who.style:
            return
        crown = self.head_field * who.width + 0.1  # the skull, and the thickness of the hair on it
        middle = self.x - 0.45 * math.sin(self.yaw)
        line: float | Field = who.hairline + 0.5 * math.sin(self.pitch)
        if who.style == 1:
            line = line + 0.9 * middle**2
        elif who.style == 2:
            line = line + 0.14 + 0.03 * np.sin(24 * middle)
        elif who.style in (3, 5):
            line = line + 1.9 * middle**2
        else:
            line = line + 0.05 + 0.3 * np.abs(middle + 0.22)
        self.paint(np.minimum(crown, line - self.y), who.hair)
        self.paint(np.minimum(crown - 0.04, line - 0.12 - self.y), who.hair * 1.25 + 0.03, 0.35)  # a gleam

    def lit(self) -> NDArray[np.uint8]:
        """The picture under a light from one side, as a camera sees it: (H, W, 3) uint8."""
        draw = self.draw
        turn, side = draw.uniform(0, 2 * math.pi), draw.uniform(0.1, 0.75)
        depth = np.sqrt((1 - self.across**2 - self.y**2).clip(0.05, 1))  # of the round head
        towards = side * (math.cos(turn) * self.across.clip(-1, 1) + 0.7 * math.sin(turn) * self.y.clip(-1, 1))
        light = draw.uniform(0.55, 0.95) + towards * 0.55 + 0.22 * depth
        colour = 1 + draw.uniform(-0.08, 0.08, 3)
        seen = self.canvas * light.clip(0.12, 1.6)[..., None] * colour.astype(np.float32)
        seen = seen + draw.uniform(0.005, 0.03) * draw.standard_normal(seen.shape).astype(np.float32)
        return (seen.clip(0, 1) * 255).round().astype(np.uint8)
