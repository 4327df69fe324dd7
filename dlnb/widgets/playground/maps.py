"""The pictures of a playground: what every neuron answers over the plane, from one pass over a grid."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .network import Network, inputs_of
from .points import REACH, Points

SMALL = 32  # pixels of a neuron's picture
SIDE = 2 * SMALL  # of the output's


@lru_cache(maxsize=4)
def grid(side: int) -> Tensor:
    """The middles of the pixels of a picture, (side², 2): from the top left, row by row, y upwards."""
    places = (torch.arange(side) + 0.5) / side * 2 * REACH - REACH
    y, x = torch.meshgrid(places.flip(0), places, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)


@lru_cache(maxsize=8)
def grid_inputs(names: tuple[str, ...], side: int) -> Tensor:
    """What a network sees of the grid, (side², D)."""
    return inputs_of(names, grid(side))


def maps(network: Network, points: Points) -> dict[str, np.ndarray]:
    """Every neuron's answer over the plane.

    neurons: (units, SMALL, SMALL) uint8, all hidden layers one after the other; 128 is 0, 1 and 255 are -scale and scale.
    scales: (units,) float32, the largest answer of each neuron there.
    output: (SIDE, SIDE) uint8, of two classes the probability of the second, 0 to 255; for regression -1 to 1 as 1 to 255;
        of more classes (C, SIDE, SIDE), the probability of each.
    inputs: (D, SMALL, SMALL) uint8, as neurons.
    """
    seen = grid_inputs(network.spec.inputs, SIDE)
    *hidden, scores = network.answers(seen)
    neurons, scales = shrunk(torch.cat(hidden, 1) if hidden else seen[:, :0])
    inputs = input_maps(network.spec.inputs)
    return {"neurons": neurons, "scales": scales, "output": pictured(scores, points), "inputs": inputs}


@lru_cache(maxsize=8)
def input_maps(names: tuple[str, ...]) -> np.ndarray:
    """The pictures of inputs, (D, SMALL, SMALL) uint8, as of neurons."""
    return shrunk(grid_inputs(names, SIDE))[0]


def pictured(scores: Tensor, points: Points) -> np.ndarray:
    """Scores on the grid (side², outputs) as a picture; see `maps`."""
    if points.classes > 2:
        shares = scores.softmax(1).T
        return _bytes(shares * 255).reshape(points.classes, SIDE, SIDE)
    if points.classes == 2:
        return _bytes(scores.sigmoid() * 255).reshape(SIDE, SIDE)
    return _bytes(scores.clamp(-1, 1) * 127 + 128).reshape(SIDE, SIDE)


def shrunk(values: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Answers (SIDE², units) as small pictures, each pixel the mean of four, and the scale of each."""
    units = values.shape[1]
    rows = values.view(SMALL, 2, SIDE, units)  # added up in the order in which they lie: ten times as fast as a mean
    pairs = (rows[:, 0] + rows[:, 1]).view(SMALL * SMALL, 2, units)
    small = ((pairs[:, 0] + pairs[:, 1]) / 4).T.contiguous()  # (units, SMALL²)
    scales = small.abs().amax(1) if units else small.new_empty(0)
    relative = small / scales.clamp(min=1e-12)[:, None]
    return _bytes(relative * 127 + 128).reshape(units, SMALL, SMALL), scales.numpy()


def _bytes(values: Tensor) -> np.ndarray:
    return values.round().clamp(0, 255).to(torch.uint8).numpy()
