"""Which parts of a model are looked at, and how a tensor is sampled without being copied.

Looked at are modules with parameters of their own, and modules that are activation functions. What both kinds of
observers (`Probes` now and then, `CloseLook` in one step) share is here.
"""

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

SAMPLE = 1024  # elements of a tensor that are looked at
ROWS = 512  # positions at which the units of an activation are looked at
STATISTICS = ("mean", "std", "dead", "gradient", "weight", "update")

Kind = Literal["zero", "ends"]

# A unit is off where its output is 0, or stuck where it is at an end of its range.
_ZERO = (nn.ReLU, nn.ReLU6, nn.Threshold)
_ENDS: dict[type[nn.Module], tuple[float, float]] = {
    nn.Tanh: (-1.0, 1.0),
    nn.Sigmoid: (0.0, 1.0),
    nn.Hardtanh: (-1.0, 1.0),
    nn.Hardsigmoid: (0.0, 1.0),
    nn.Softsign: (-1.0, 1.0),
}
_OTHERS = (
    nn.LeakyReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Softplus,
    nn.Hardswish,
    nn.LogSigmoid,
    nn.Tanhshrink,
    nn.GLU,
)
_CHANNELS_FIRST = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
)


@dataclass
class Layer:
    """A module that is looked at.

    kind: how its units can be off ("zero") or stuck ("ends"); None where neither is known.
    weight: its largest parameter; bias: one number a unit, if there is one.
    """

    name: str
    module: nn.Module
    parameters: list[nn.Parameter]
    kind: Kind | None = None
    weight: nn.Parameter | None = None
    bias: nn.Parameter | None = None
    channels_first: bool = False
    ends: tuple[float, float] = field(default=(-1.0, 1.0))

    @property
    def trains(self) -> bool:
        """Whether anything in it is to be trained."""
        return any(parameter.requires_grad for parameter in self.parameters)


def find_layers(model: nn.Module) -> list[Layer]:
    """The layers of a model in the order in which they are registered; "" is called by its class."""
    layers = []
    for name, module in model.named_modules():
        own = [parameter for parameter in module.parameters(recurse=False) if parameter.numel()]
        kind: Kind | None = (
            "zero" if isinstance(module, _ZERO) else "ends" if isinstance(module, tuple(_ENDS)) else None
        )
        if not own and kind is None and not isinstance(module, _OTHERS):
            continue
        layer = Layer(name or type(module).__name__, module, own, kind)
        layer.weight = max(own, key=lambda parameter: parameter.numel(), default=None)
        bias = getattr(module, "bias", None)
        if isinstance(bias, nn.Parameter) and bias.ndim == 1 and not isinstance(module, nn.LayerNorm):
            layer.bias = bias
        layer.channels_first = isinstance(module, _CHANNELS_FIRST)
        if isinstance(module, nn.Hardtanh) and kind == "ends":
            layer.ends = (float(module.min_val), float(module.max_val))
        elif kind == "ends":
            layer.ends = next(ends for of, ends in _ENDS.items() if isinstance(module, of))
        layers.append(layer)
    return layers


def first_tensor(value: Any) -> Tensor | None:
    """The first tensor in what a module returned: the output of an LSTM, the first entry of a dictionary."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return next((found for part in value if (found := first_tensor(part)) is not None), None)
    return None


def values_of(tensor: Tensor) -> Tensor:
    """A tensor of real numbers, (N,), without a copy where that can be; in any order."""
    tensor = tensor.detach()
    if tensor.layout is not torch.strided:
        tensor = tensor.coalesce().values() if tensor.layout is torch.sparse_coo else tensor.to_dense()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    if tensor.is_contiguous():
        return tensor.view(-1)
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride != expected:
                return tensor.reshape(-1)
            expected *= size
    return tensor.as_strided((tensor.numel(),), (1,))


def sample_into(row: Tensor, tensor: Tensor) -> int:
    """Write evenly spaced elements of a tensor into `row` (SAMPLE,), the rest 0; returns how many there are."""
    flat = values_of(tensor)
    n = flat.numel()
    if n <= SAMPLE:
        row[:n].copy_(flat)
        row[n:].zero_()
        return n
    stride = _stride(n)
    row.copy_(flat[: stride * (SAMPLE - 1) + 1 : stride])
    return SAMPLE


@cache
def _stride(n: int) -> int:
    """Between the elements of a sample of n: without a common factor, else one would meet the same few channels always."""
    stride = (n - 1) // (SAMPLE - 1)
    while math.gcd(stride, n) > 1:
        stride -= 1
    return stride


def count_live(row: Tensor, tensor: Tensor, layer: Layer, channels_first: bool) -> tuple[int, int]:
    """Write for each unit in how many samples it was neither off nor stuck; returns (samples, units).

    A few hundred positions are looked at, and SAMPLE units at most.
    """
    tensor = tensor.detach()
    if tensor.ndim == 1:
        tensor = tensor[None]
    unit = 1 if channels_first or tensor.ndim > 3 else tensor.ndim - 1
    index: list[slice] = [slice(None)] * tensor.ndim
    index[unit] = slice(None, None, -(-tensor.shape[unit] // SAMPLE))
    others = [dim for dim in range(tensor.ndim) if dim != unit]
    samples = math.prod(tensor.shape[dim] for dim in others)
    for dim in reversed(others):  # positions first, examples last
        step = min(tensor.shape[dim], -(-samples // ROWS))
        if step > 1:
            index[dim] = slice(None, None, step)
            samples = samples // tensor.shape[dim] * -(-tensor.shape[dim] // step)
    tensor = tensor[tuple(index)]
    units = tensor.shape[unit]
    if layer.kind == "ends":
        low, high = layer.ends
        margin = 0.005 * (high - low)
        live = ((tensor > low + margin) & (tensor < high - margin)).sum(others)
    else:
        live = torch.count_nonzero(tensor, dim=others)
    row[:units].copy_(live)
    return samples, units
