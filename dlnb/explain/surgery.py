"""Surgery on a model: layers and units switched off for a while, frozen, or begun anew.

What is switched off is put to zero by a forward hook that lives only inside `switched_off(...)`, so the
weights are never touched and everything is exactly as before afterwards.
"""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Off:
    """A layer, or one unit (channel) of it, that is switched off.

    path: as in `model.get_submodule(path)`. unit: which one along `axis` of the layer's output
    (the channels of a convolution: axis 1); None for the whole layer.
    """

    path: str
    unit: int | None = None
    axis: int = 1

    def __str__(self) -> str:
        return (self.path or "the model") + ("" if self.unit is None else f" unit {self.unit}")


@contextmanager
def switched_off(model: nn.Module, parts: Iterable[Off]) -> Iterator[None]:
    """Inside, these parts of the model give zeros.

    Raises: AttributeError if the model has no such layer; IndexError in the forward pass if the
    layer has no such unit.
    """
    handles = []
    try:
        for part in parts:
            handles.append(model.get_submodule(part.path).register_forward_hook(_zero(part)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def set_frozen(model: nn.Module, path: str, frozen: bool) -> int:
    """Freeze or unfreeze the weights of a layer and of all below; returns how many weights that are.

    Only numbers that can be differentiated are unfrozen. Raises: AttributeError if there is no such layer.
    """
    count = 0
    for parameter in model.get_submodule(path).parameters():
        if parameter.is_floating_point() or parameter.is_complex():
            parameter.requires_grad_(not frozen)
            count += parameter.numel()
    return count


def can_reinitialise(module: nn.Module) -> bool:
    """Whether this module and all below that hold weights of their own know how to begin anew."""
    holders = [part for part in module.modules() if any(True for _ in part.parameters(recurse=False))]
    return bool(holders) and all(callable(getattr(part, "reset_parameters", None)) for part in holders)


def reinitialise(model: nn.Module, path: str, seed: int) -> int:
    """Draw the weights of a layer anew, as its class does; returns how many layers began anew.

    The reader's own random numbers go on as if nothing had been drawn.

    Raises: AttributeError if there is no such layer, TypeError if a part of it cannot.
    """
    module = model.get_submodule(path)
    if not can_reinitialise(module):
        raise TypeError(
            f"{path or 'the model'} ({type(module).__name__}) cannot be begun anew: it has no weights, or a part that holds "
            "weights has no reset_parameters()"
        )
    devices = {p.device.index for p in module.parameters() if p.device.type == "cuda" and p.device.index is not None}
    done = 0
    with torch.random.fork_rng(devices=sorted(devices)), torch.no_grad():
        torch.manual_seed(seed)
        for part in module.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
                done += 1
    return done


def _zero(part: Off) -> Any:
    def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
        if isinstance(output, Tensor):
            return _zeroed(output, part.unit, part.axis)
        size = _size_of_first(output, part.axis)
        return _map_tensors(output, lambda tensor: _zeroed_inside(tensor, part, size))

    return hook


def _zeroed(tensor: Tensor, unit: int | None, axis: int) -> Tensor:
    if unit is None:
        return torch.zeros_like(tensor)
    if not -tensor.ndim <= axis < tensor.ndim or not 0 <= unit < tensor.shape[axis]:
        raise IndexError(f"there is no unit {unit} along axis {axis} of an output of shape {tuple(tensor.shape)}")
    # Filled, not multiplied: a NaN times zero would stay.
    return tensor.index_fill(axis, torch.tensor([unit], device=tensor.device), 0)


def _zeroed_inside(tensor: Tensor, part: Off, size: int) -> Tensor:
    """One tensor of several, such as an LSTM's output and states: those that hold the same units."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return tensor
    if part.unit is None:
        return torch.zeros_like(tensor)
    fits = -tensor.ndim <= part.axis < tensor.ndim and tensor.shape[part.axis] == size
    return _zeroed(tensor, part.unit, part.axis) if fits else tensor


def _size_of_first(output: Any, axis: int) -> int:
    """How many units the first tensor of a structure has along an axis; 0 if there is no such axis."""
    sizes: list[int] = []

    def note(tensor: Tensor) -> Tensor:
        if tensor.is_floating_point() or tensor.is_complex():
            sizes.append(tensor.shape[axis] if -tensor.ndim <= axis < tensor.ndim else 0)
        return tensor

    _map_tensors(output, note)
    return sizes[0] if sizes else 0


def _map_tensors(value: Any, change: Any) -> Any:
    """The same structure of tuples, lists and dictionaries, with every tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        changed = copy.copy(value)
        for key, part in value.items():
            changed[key] = _map_tensors(part, change)
        return changed
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_map_tensors(part, change) for part in value))
    if type(value) in (list, tuple):
        return type(value)(_map_tensors(part, change) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: _map_tensors(getattr(value, each.name), change) for each in fields(value) if each.init}
        return replace(value, **parts)
    return value
