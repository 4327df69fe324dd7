"""One step in full: every activation, gradient and weight of each layer, whole and exact.

Training replays to the bit, so this can be had of any past step although nothing was recorded then.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .layers import STATISTICS, Layer, find_layers, first_tensor, values_of

if TYPE_CHECKING:
    from ..loop import Loop


@dataclass
class ParameterLook:
    """A parameter around one update. before, after: its values; gradient: None if none reached it."""

    before: Tensor
    gradient: Tensor | None = None
    after: Tensor | None = None


@dataclass
class LayerLook:
    """A layer in one step.

    activations: what it put out at each of its calls; activation_gradients: the gradient of the loss by each of
    them, None where none arrived. parameters: its own, by name. Copies, on the CPU.
    """

    kind: str
    activations: list[Tensor] = field(default_factory=list)
    activation_gradients: list[Tensor | None] = field(default_factory=list)
    parameters: dict[str, ParameterLook] = field(default_factory=dict)
    off: tuple[float, float] | None = None  # the ends where a unit is off or stuck

    def statistics(self) -> dict[str, float]:
        """What `Probes.table` says of a layer, from all elements; `dead` is of this one batch."""
        result = dict.fromkeys(STATISTICS, math.nan)
        if self.activations:
            values = torch.cat([values_of(tensor).double() for tensor in self.activations])
            result["mean"], result["std"] = values.mean().item(), values.std(correction=0).item()
        if self.off is not None and self.activations:
            result["dead"] = float(torch.cat([self._dead(tensor) for tensor in self.activations]).double().mean())
        gradients = [look.gradient for look in self.parameters.values() if look.gradient is not None]
        if gradients:
            result["gradient"] = _norm(gradients)
        if self.parameters:
            result["weight"] = _norm([look.before for look in self.parameters.values()])
            largest = max(self.parameters.values(), key=lambda look: look.before.numel())
            if largest.after is not None and (size := _norm([largest.before])):
                result["update"] = _norm([largest.after.double() - largest.before.double()]) / size
        return result

    def _dead(self, tensor: Tensor) -> Tensor:
        low, high = self.off or (0.0, 0.0)
        unit = 1 if tensor.ndim > 3 else tensor.ndim - 1
        others = [dim for dim in range(tensor.ndim) if dim != unit]
        if low == high:
            off = tensor == low
        else:
            margin = 0.005 * (high - low)
            off = (tensor <= low + margin) | (tensor >= high - margin)
        return off.flatten() if not others else off.movedim(unit, -1).flatten(0, -2).all(0)


class CloseLook:
    """An `Observer` that keeps everything of one step.

    step: the number of the step, from 1; by default the next one. layers: by name, in the order of their calls.
    inputs, target, output: the batch and the answer; loss: a number. Empty until `done`.
    """

    def __init__(self, model: nn.Module, step: int = 0) -> None:
        self.model = model
        self.next_step: int = step
        self.step = 0
        self.done = False
        self.layers: dict[str, LayerLook] = {}
        self.inputs: list[Any] = []
        self.target: Any = None
        self.output: Any = None
        self.loss = math.nan
        self._found: list[Layer] = []
        self._handles: list[RemovableHandle] = []

    def table(self) -> dict[str, dict[str, float]]:
        """The exact statistics of each layer, named as those of `Probes.table`."""
        return {name: layer.statistics() for name, layer in self.layers.items()}

    def histogram(self, layer: str, what: str = "activation", bins: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Counts (bins,) int64 and edges (bins + 1,) float64 of all elements.

        what: "activation", "gradient" (of the parameters), "weight", "update" or "activation gradient".

        Raises: KeyError if there is no such layer, ValueError for another `what`.
        """
        if layer not in self.layers:
            raise KeyError(f"there is no layer {layer!r} in this step; there are {', '.join(self.layers)}")
        look = self.layers[layer]
        parameters = list(look.parameters.values())
        of: dict[str, list[Tensor]] = {
            "activation": look.activations,
            "activation gradient": [g for g in look.activation_gradients if g is not None],
            "gradient": [p.gradient for p in parameters if p.gradient is not None],
            "weight": [p.before for p in parameters],
            "update": [p.after - p.before for p in parameters if p.after is not None],
        }
        if what not in of:
            raise ValueError(f"there is no histogram of {what!r}, only of {', '.join(of)}")
        values = np.concatenate([np.zeros(0), *(values_of(tensor).double().numpy() for tensor in of[what])])
        values = values[np.isfinite(values)]
        return np.histogram(values, bins) if len(values) else (np.zeros(0, np.int64), np.zeros(0))

    # The observer.

    def begin(self, loop: "Loop", inputs: list[Any], target: Any) -> None:
        """See `Observer.begin`."""
        self.step = loop.steps + 1
        self.inputs, self.target = _copy(inputs), _copy(target)
        self._found = find_layers(self.model)
        self._looks = {}
        for layer in self._found:
            look = LayerLook(type(layer.module).__name__)
            look.off = layer.ends if layer.kind == "ends" else (0.0, 0.0) if layer.kind == "zero" else None
            look.parameters = {
                name: ParameterLook(_copy(parameter))
                for name, parameter in layer.module.named_parameters(recurse=False)
            }
            self._looks[layer.name] = look
            self._handles.append(layer.module.register_forward_hook(self._hook(layer.name, look)))

    def seen(self, output: Any, loss: Tensor) -> None:
        """See `Observer.seen`."""
        self.output, self.loss = _copy(output), loss.item()

    def differentiated(self) -> None:
        """See `Observer.differentiated`."""
        for layer in self._found:
            for name, parameter in layer.module.named_parameters(recurse=False):
                if parameter.grad is not None:
                    self._looks[layer.name].parameters[name].gradient = _copy(parameter.grad)

    def end(self) -> None:
        """See `Observer.end`."""
        for layer in self._found:
            for name, parameter in layer.module.named_parameters(recurse=False):
                self._looks[layer.name].parameters[name].after = _copy(parameter)
        self.layers.update({name: look for name, look in self._looks.items() if name not in self.layers})
        self.done = True
        self.next_step = 2**62
        self.abandon()

    def seek(self, step: int) -> None:
        """See `Observer.seek`."""

    def abandon(self) -> None:
        """See `Observer.abandon`."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _hook(self, name: str, look: LayerLook) -> Any:
        def hook(module: nn.Module, arguments: Any, output: Any) -> None:
            tensor = first_tensor(output)
            if tensor is None:
                return
            self.layers[name] = look  # in the order of the first call
            look.activations.append(_copy(tensor))
            look.activation_gradients.append(None)
            if tensor.requires_grad:
                call = len(look.activations) - 1

                def keep(gradient: Tensor) -> None:
                    look.activation_gradients[call] = _copy(gradient)

                tensor.register_hook(keep)

        return hook


def look_closely(loop: "Loop") -> CloseLook:
    """Make one step of a loop and return all of it. The loop has then moved on by this step."""
    look = CloseLook(loop.model, loop.steps + 1)
    before, loop.observer = loop.observer, look
    try:
        loop.advance()
    finally:
        loop.observer = before
    return look


def _copy(value: Any) -> Any:
    """The same, with every tensor in it copied to the CPU."""
    if isinstance(value, Tensor):
        value = value.detach()
        return value.to_dense().cpu().clone() if value.layout is not torch.strided else value.cpu().clone()
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_copy(part) for part in value)
    return value


def _norm(tensors: list[Tensor]) -> float:
    return math.sqrt(sum(float(values_of(tensor).double().square().sum()) for tensor in tensors))
