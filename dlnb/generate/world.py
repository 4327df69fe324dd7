"""A small moving world, filmed: balls that bounce, pass behind a wall, or lie still while the camera pans over them.

All motion is in closed form, so any frame of any clip can be drawn at once, and never has to be simulated.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.batches import TensorBatches

WORDS = ("ball", "balls", "behind the wall", "camera left", "camera right", "camera up", "camera down")
PANS = {"camera left": (1, 0), "camera right": (-1, 0), "camera up": (0, 1), "camera down": (0, -1)}  # how what is seen moves
DISCS = 5  # at the most in a clip
EDGE = 0.7  # pixels over which a disc fades out
WALL = 0.35  # its grey

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Clips:
    """N clips: frames (N, T, side, side) float32 in [0, 1], and words (N,) int64, numbers of `WORDS`."""

    frames: Tensor
    words: Tensor


def film_clips(count: int, frames: int = 16, side: int = 16, seed: tuple[int, ...] = (0,)) -> Clips:
    """Clips of worlds that are drawn by the seed, whole numbers from 0: the same ones for the same.

    A ball moves 0.4 to 1.2 pixels in a frame and bounces off the frame's edges; a wall stands before what passes behind it. The
    camera pans over discs that lie still, in a world that is round: what leaves on one side comes in on the other.

    Raises: ValueError if there are to be no clips, no frames, or a side below 12 pixels.
    """
    if count < 1 or frames < 1 or side < 12:
        raise ValueError(f"expected count and frames of 1 or more and a side of 12 pixels or more, got {count}, {frames} and {side}")
    random = np.random.RandomState(list(seed))  # NumPy promises that its numbers never change
    words = random.randint(len(WORDS), size=count)
    draw = {name: random.rand(count, DISCS) for name in ("x", "y", "angle", "speed", "radius", "grey")}
    radius, grey = 1.4 + 1.2 * draw["radius"], 0.5 + 0.5 * draw["grey"]  # (N, DISCS)
    pans = np.array([PANS.get(word, (0, 0)) for word in WORDS], np.float64)[words]  # (N, 2)
    panned = np.abs(pans).sum(1) > 0
    shown = np.where(panned, DISCS, np.where(words == WORDS.index("balls"), 2, 1))
    grey = grey * (np.arange(DISCS) < shown[:, None])  # what is not there is black
    speed = 0.4 + 0.8 * draw["speed"]
    speed[panned] = speed[panned, :1]  # what lies still moves together
    t = np.arange(frames)[:, None, None]
    xs, ys = (
        _moved(draw[axis], np.where(panned[:, None], pans[:, side_of, None], turn(2 * np.pi * draw["angle"])) * speed, t, radius, panned, side)
        for axis, side_of, turn in (("x", 0, np.cos), ("y", 1, np.sin))
    )
    seen = _discs(xs, ys, radius, grey, panned, side)  # (T, N, side, side)
    walled = words == WORDS.index("behind the wall")
    left = np.floor(side * (0.3 + 0.2 * random.rand(count)))
    columns = np.arange(side)
    wall = walled[:, None] & (columns >= left[:, None]) & (columns < left[:, None] + side // 4)  # (N, side)
    seen = np.where(wall[None, :, None, :], np.float32(WALL), seen)
    return Clips(torch.from_numpy(np.ascontiguousarray(seen.transpose(1, 0, 2, 3))), torch.from_numpy(words).long())


def _moved(
    begin: NDArray[np.float64], velocity: NDArray[np.float64], t: NDArray[np.int64], radius: NDArray[np.float64],
    round_world: NDArray[np.bool_], side: int,
) -> NDArray[np.float64]:  # fmt: skip
    """Where discs are along one side, at each time: (T, N, DISCS). Folded back at the edges, or round the world."""
    room = side - 2 * radius
    straight = begin * room + velocity * t
    bounced = radius + room - np.abs(straight % (2 * room) - room)
    return np.where(round_world[:, None], (begin * side + velocity * t) % side, bounced)


def _discs(
    xs: NDArray[np.float64], ys: NDArray[np.float64], radius: NDArray[np.float64], grey: NDArray[np.float64],
    round_world: NDArray[np.bool_], side: int,
) -> Array:  # fmt: skip
    """Discs with soft edges, the brightest in front: (T, N, DISCS) → (T, N, side, side)."""
    middles = np.arange(side) + 0.5
    apart = []
    for places in (xs, ys):
        gap = np.abs(middles - places[..., None])  # (T, N, DISCS, side)
        apart.append(np.where(round_world[:, None, None], np.minimum(gap, side - gap), gap).astype(np.float32) ** 2)
    seen = np.zeros((*xs.shape[:2], side, side), np.float32)
    for disc in range(DISCS):
        there = grey[:, disc] > 0
        far = np.sqrt(apart[1][:, there, disc, :, None] + apart[0][:, there, disc, None, :])  # (T, n, side, side)
        inside = np.clip((radius[there, disc, None, None] - far) / EDGE + 0.5, 0, 1).astype(np.float32)
        seen[:, there] = np.maximum(seen[:, there], inside * grey[there, disc, None, None].astype(np.float32))
    return seen


class FilmBatches:
    """Clips that are filmed when they are asked for: (the first frames, the word), and what follows each frame.

    A batch is a pure function of (seed, epoch, position), and its worlds are new ones each time. world: of the task; clips:
    in an epoch; size: in a batch; frames: of a clip, of which the first `seen` are given.

    inputs: (B, seen, side, side) and (B,); target: (B, frames - 1, side, side), the frames from the second on.
    """

    def __init__(self, clips: int, *, size: int, frames: int, seen: int, side: int, world: int) -> None:
        if clips < 1 or size < 1:
            raise ValueError(f"an epoch needs at least 1 clip and a batch too, got {clips} and {size}")
        self.examples, self.size = clips, size
        self.frames, self.seen, self.side, self.world = frames, seen, side, world

    def __len__(self) -> int:
        return -(-self.examples // self.size)

    def batch(self, seed: int, epoch: int, position: int) -> tuple[Tensor, Tensor, Tensor]:
        """Batch number `position` (from 0) of `epoch`."""
        return self.cut(seed, epoch, position * self.size, self.size)

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """The `size` clips (fewer at the end) from number `start` of `epoch`."""
        count = min(size, self.examples - start)
        clips = film_clips(count, self.frames, self.side, (0, self.world % 2**32, seed % 2**32, epoch, start))
        return clips.frames[:, : self.seen], clips.words, clips.frames[:, 1:]


def held_out(count: int, *, frames: int, seen: int, side: int, world: int, part: int, size: int = 200) -> TensorBatches:
    """Clips of worlds that nobody learns from. part: 1 for validation, 2 for the test; what is learned from is part 0."""
    clips = film_clips(count, frames, side, (part, world % 2**32))
    return TensorBatches(clips.frames[:, :seen], clips.words, clips.frames[:, 1:], size=size)
