"""The numbers of a tensor as they are shown: the first of them, and what sums up the rest."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..base import Message
from .graph import Shape

SHOWN = 48  # numbers of a tensor
FEW = 3  # that are written out in a text


@dataclass(frozen=True, eq=False)
class Numbers:
    """A tensor, summed up. `values` are its first 48 numbers, row by row, as float64."""

    shape: Shape
    size: int
    values: np.ndarray
    low: float
    high: float
    norm: float
    precision: float  # of its dtype: the relative distance of neighbours
    is_complex: bool = False  # the values are sizes

    @classmethod
    def of(cls, tensor: Tensor) -> "Numbers":
        """The numbers of any tensor; of complex ones their sizes, of sparse ones all."""
        shape = tuple(tensor.shape)
        plain = tensor.detach()
        if plain.layout != torch.strided:
            plain = plain.to_dense()
        if plain.is_complex():
            plain = plain.abs()
        precision = torch.finfo(plain.dtype).eps if plain.is_floating_point() else 0.0
        flat = plain.reshape(-1).cpu().to(torch.float64)  # not every accelerator has float64
        if not flat.numel():
            return cls(shape, 0, np.zeros(0), math.nan, math.nan, 0.0, precision)
        low, high, norm = torch.stack([flat.min(), flat.max(), flat.norm()]).tolist()
        return cls(shape, flat.numel(), flat[:SHOWN].numpy().copy(), low, high, norm, precision, tensor.is_complex())

    @property
    def is_finite(self) -> bool:
        """Whether there is no NaN and no infinity in the whole tensor."""
        return self.size == 0 or (math.isfinite(self.low) and math.isfinite(self.high))

    @property
    def sign(self) -> int:
        """1 if no number is below zero, −1 if none is above, 0 where both are, or NaN, or only zeros."""
        if self.low >= 0 and self.high > 0:
            return 1
        return -1 if self.high <= 0 and self.low < 0 else 0

    def is_near(self, other: "Numbers") -> bool:
        """Whether the numbers shown are the same but for rounding."""
        if self.shape != other.shape or not (self.is_finite and other.is_finite):
            return self.shape == other.shape
        room = 100 * max(self.precision, other.precision) * max(self.norm, other.norm, 1e-30)
        return bool(np.all(np.abs(self.values - other.values) <= room))


class Column:
    """Numbers of many tensors in one column: of each low, high and norm, then its values."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []
        self.length = 0
        self.known: dict[int, Message] = {}

    def put(self, numbers: Numbers | None) -> Message | None:
        """Where the numbers of a tensor lie in the column; None for none."""
        if numbers is None:
            return None
        if (place := self.known.get(id(numbers))) is None:
            place = {
                "at": self.length,
                "shown": len(numbers.values),
                "size": numbers.size,
                "shape": words(numbers.shape),
            }
            self.parts += [np.array([numbers.low, numbers.high, numbers.norm]), numbers.values]
            self.length += 3 + len(numbers.values)
            self.known[id(numbers)] = place
        return place

    def packed(self) -> np.ndarray:
        """The column, float32."""
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            return np.concatenate([np.zeros(0), *self.parts]).astype(np.float32)


def words(shape: Shape) -> str:
    """A shape as PyTorch writes it; nothing for a single number."""
    return str(tuple(shape)) if shape else ""


def short(numbers: Numbers) -> str:
    """A tensor in few words: its numbers, or between which they lie."""
    if numbers.size == 1:
        return _said(float(numbers.values[0]))
    if numbers.size <= FEW:
        return f"[{', '.join(_said(value) for value in numbers.values)}]"
    return f"{words(numbers.shape)} {_said(numbers.low)} … {_said(numbers.high)}"


def _said(value: float) -> str:
    said = f"{value:.3g}".replace("-", "−")
    return {"nan": "NaN", "inf": "∞", "−inf": "−∞"}.get(said, said)
