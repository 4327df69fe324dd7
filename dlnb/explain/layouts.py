"""Which dimension of a layer's output is the batch, which the units, and what else is time or space.

PyTorch's tensors have no names for their dimensions; the layer's class and the shapes tell.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _MaxPoolNd

from .pictures import Picture

WORDS = 120  # characters of a description
CHANNELS_FIRST = (
    _BatchNorm, nn.GroupNorm, _AvgPoolNd, _MaxPoolNd, _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd,
    nn.Upsample, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.PixelShuffle,
)  # fmt: skip
TIME_FIRST = (nn.RNNBase, nn.MultiheadAttention)


def call_model(model: nn.Module, x: Any) -> Any:
    """The model's output: `model(x)`, `model(*x)` for a tuple or list, `model(**x)` for a dictionary."""
    if isinstance(x, Mapping):
        return model(**x)
    return model(*x) if isinstance(x, (tuple, list)) else model(x)


def batch_size(x: Any) -> int | None:
    """How many examples a batch holds: the length of its first tensor; None if it has none."""
    return next((len(tensor) for tensor, _ in _tensors(x) if tensor.ndim), None)


def main_tensor(output: Any) -> tuple[Tensor | None, str]:
    """The tensor of an output that is shown: the first of floating point, else the first; and where it stood."""
    found = list(_tensors(output))
    if not found:
        return None, ""
    return next(((tensor, name) for tensor, name in found if tensor.is_floating_point()), found[0])


def describe(value: Any) -> str:
    """The shape of an output in words, such as `(64, 10)` or `((64, 5, 8), (1, 64, 8))`."""
    text = _shape(value, 0)
    return text if len(text) <= WORDS else text[: WORDS - 1] + "…"


def unit_axis(module: nn.Module, tensor: Tensor, inherited: int | None = None) -> int:
    """The dimension along which a layer's units (channels, features) lie, from 0.

    inherited: that of the layer's input, where its shape is the same: an activation keeps its input's units.
    """
    if isinstance(module, _ConvNd):
        return max(0, tensor.ndim - len(module.kernel_size) - 1)
    if tensor.ndim < 2:
        return 0
    if inherited is not None and inherited < tensor.ndim:
        return inherited
    if tensor.ndim != 3 or isinstance(module, CHANNELS_FIRST):
        return 1
    return 2


def batch_axis(module: nn.Module, tensor: Tensor, size: int | None) -> int | None:
    """The dimension along which the examples lie; None if no dimension is as long as the batch."""
    if size is None or tensor.ndim == 0:
        return None
    time_first = isinstance(module, TIME_FIRST) and not module.batch_first and tensor.ndim == 3
    order = (1, 0) if time_first else (0, 1)
    return next((axis for axis in order if axis < tensor.ndim and tensor.shape[axis] == size), None)


def one_example(tensor: Tensor, batch: int | None, axis: int, example: int) -> Picture:
    """The picture of one example of a layer's output, on the CPU.

    batch, axis: where the examples and the units lie. Without a batch dimension all of it is pictured.
    """
    if batch is not None and (batch != axis or tensor.ndim == 1):
        tensor = tensor.select(batch, min(max(example, 0), tensor.shape[batch] - 1))
        axis -= batch < axis
    tensor = tensor.cpu()
    if tensor.ndim == 0:
        return Picture(tensor.reshape(1, 1, 1), "number")
    if tensor.ndim == 1:
        return Picture(tensor.reshape(1, 1, -1), "units")
    if tensor.ndim == 2:
        return Picture(tensor[None], "units × time" if axis == 0 else "time × units")
    return Picture(tensor.movedim(axis, 0).flatten(1, -2).reshape(tensor.shape[axis], -1, tensor.shape[-1])
                   if axis != tensor.ndim - 1 else tensor.movedim(axis, 0).flatten(1, -2), "maps")  # fmt: skip


def same_shape_as(inputs: Any, tensor: Tensor) -> Tensor | None:
    """The first input of a layer that has the shape of its output."""
    return next((part for part, _ in _tensors(inputs) if part.shape == tensor.shape), None)


def _tensors(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[Tensor, str]]:
    """All tensors of an output and where they stand in it: `logits`, `0`, `1.0`."""
    if isinstance(value, Tensor):
        yield value, name
        return
    if depth > 4:
        return
    prefix = f"{name}." if name else ""
    for key, part in _parts(value):
        yield from _tensors(part, f"{prefix}{key}", depth + 1)


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(key), part) for key, part in value.items()]
    if isinstance(value, (tuple, list)):
        names = getattr(value, "_fields", range(len(value)))
        return [(str(key), part) for key, part in zip(names, value, strict=False)]
    if is_dataclass(value) and not isinstance(value, type):
        return [(each.name, getattr(value, each.name)) for each in fields(value)]
    return []


def _shape(value: Any, depth: int) -> str:
    if isinstance(value, Tensor):
        return str(tuple(value.shape)).replace(",)", ")")
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return f"packed {tuple(value.data.shape)}"
    parts = _parts(value)
    if not parts or depth > 3:
        return type(value).__name__
    listed = [_shape(part, depth + 1) for _, part in parts[:4]] + (["…"] if len(parts) > 4 else [])
    if isinstance(value, (tuple, list)):
        return f"({', '.join(listed)})"
    names = [f"{name}: {shape}" for (name, _), shape in zip(parts, listed, strict=False)]
    return "{" + ", ".join(names + listed[len(names) :]) + "}"
