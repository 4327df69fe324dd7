"""How the weights of a layer are spread, and a sample of them that can be compared from look to look."""

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

WEIGHTS = 65_536  # weights that a histogram is taken from at most
SAMPLE = 2_048  # weights of a layer that are compared from look to look


def histogram(module: nn.Module, bins: int = 48) -> tuple[Tensor, float, float, int, int]:
    """How the weights of a module and of all below are spread.

    Returns counts (bins,) int64, the lowest and highest weight, how many weights were counted (a sample
    of large layers) and how many there are. Weights that are no finite numbers are left out.
    """
    parameters = _weights(module)
    total = sum(parameter.numel() for parameter in parameters)
    if not total:
        return torch.zeros(bins, dtype=torch.long), 0.0, 0.0, 0, 0
    share = min(1.0, WEIGHTS / total)
    values = torch.cat([_strided(p, max(1, int(p.numel() * share))).float().cpu() for p in parameters])
    values = values[values.isfinite()]
    if not len(values):
        return torch.zeros(bins, dtype=torch.long), 0.0, 0.0, 0, total
    low, high = values.min().item(), values.max().item()
    counts = torch.histc(values, bins, low, high) if high > low else torch.zeros(bins)
    if high == low:
        counts[bins // 2] = len(values)
    return counts.long(), low, high, len(values), total


def sample_weights(module: nn.Module) -> Tensor:
    """A few weights of a module and of all below, always the same ones: (at most about 2,048,) float32."""
    parameters = _weights(module)
    total = sum(parameter.numel() for parameter in parameters)
    if not total:
        return torch.zeros(0)
    share = min(1.0, SAMPLE / total)
    # A model of a thousand layers gives a few of each of the first; its own rows show the others.
    return torch.cat([_strided(p, max(1, int(p.numel() * share))).float().cpu() for p in parameters[:SAMPLE]])


def _weights(module: nn.Module) -> list[Tensor]:
    """The weights of a module and of all below that are there, each once."""
    parameters = (p.detach() for p in module.parameters() if not isinstance(p, UninitializedParameter))
    return [parameter for parameter in parameters if parameter.numel()]


def _strided(parameter: Tensor, count: int) -> Tensor:
    """`count` elements or a few more, evenly spread."""
    flat = parameter.reshape(-1)
    return flat[:: max(1, len(flat) // count)]
