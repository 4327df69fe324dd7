"""What is seen of the layers in one step, as samples in memory that is allocated once.

`StepSample` takes the samples while a step is made and turns them into numbers at its end. `Probes` decides in which
steps, and remembers.
"""

import logging
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .layers import SAMPLE, Layer, count_live, find_layers, first_tensor, sample_into, values_of
from .observation import Observation, is_training

log = logging.getLogger(__name__)

KEPT = 4  # steps whose samples are kept, for histograms
MOST_CALLS = 8  # of one activation module in a step
HOOK = 1.5e-6  # seconds that calling a hook takes beyond what it measures itself
STUCK = 0.05  # the share of the samples in which a unit stuck at the ends of its range may be off them

ACTIVATION, GRADIENT, WEIGHT = range(3)
BEFORE, LIVE, EARLIER = range(3)
WHAT = {"activation": ACTIVATION, "gradient": GRADIENT, "weight": WEIGHT}


@dataclass
class Row:
    """The numbers of one layer in one step, in the order of `STATISTICS` but for the dead units.

    live: in how many of `samples` each unit gave a sign of life, (units,); None where that is not known.
    tolerance: the share of the samples in which a unit that counts as quiet may do so.
    """

    mean: float
    std: float
    gradient: float
    weight: float
    update: float
    live: np.ndarray | None = None
    samples: int = 0
    tolerance: float = 0.0


class StepSample:
    """Samples of the layers of a model in the step that is being made, and in the last few that were looked at.

    found: the layers; order: of those that were called; calls: how often. seconds: what looking has taken in this step.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.found: list[Layer] = []
        self.order: list[str] = []
        self.calls: dict[str, int] = {}
        self.seconds = 0.0
        self.rows: dict[str, int] = {}  # of the memory, by the name of a layer
        self.ring = torch.zeros(KEPT, 0, 3, SAMPLE)
        self.scratch = torch.zeros(0, 3, SAMPLE)
        self._sizes = np.zeros((KEPT, 0, 3), np.int64)
        self._slot = -1
        self._structure: list[tuple[int, ...]] = []
        self._handles: list[RemovableHandle] = []
        self._broken: set[str] = set()

    def sample(self, name: str, what: int) -> np.ndarray:
        """The last sample of a layer, (n,) float64."""
        if self._slot < 0:
            return np.zeros(0)
        row = self.rows[name]
        return self.ring[self._slot, row, what, : self._sizes[self._slot, row, what]].cpu().double().numpy()

    # In the order of a step.

    def begin(self, seen: Observation) -> None:
        """Before the forward pass: find the layers, sample what gradients there are, register hooks."""
        structure = [(id(module), *map(id, module._parameters.values())) for module in self.model.modules()]
        if structure != self._structure:
            self.found, self._structure = find_layers(self.model), structure
        self._fit_memory()
        self._now = (self._slot + 1) % KEPT
        self._sizes[self._now] = 0
        self._seen = seen
        self._norms = self._biases = torch.zeros(0)
        self._with_gradient: list[list[bool]] = [[] for _ in self.found]
        self._with_bias = [False] * len(self.found)
        self.order, self.calls = [], {}
        self._live: dict[str, tuple[int, int, float]] = {}
        self._outputs: dict[str, int] = {}
        self._channels_first = False
        self._take_gradients(self.scratch[:, EARLIER])
        for layer in self.found:
            if layer.name not in self._broken:
                self._handles.append(layer.module.register_forward_hook(self._hook(layer)))

    def take_result(self, output: Any) -> None:
        """After the forward pass: what the model itself puts out may well lie at the ends of its range."""
        self.remove_hooks()
        result = first_tensor(output)
        if result is not None:
            last = result.data_ptr()
            self._live = {name: live for name, live in self._live.items() if self._outputs[name] != last}
        self._seen.stale = self._has_gradients()

    @torch.no_grad()
    def take_gradients(self) -> None:
        """After the backward pass: samples and norms of the gradients, and of the weights before the update."""
        self.remove_hooks()
        sizes = self._take_gradients(self.ring[self._now, :, GRADIENT])
        self._sizes[self._now, : len(sizes), GRADIENT] = sizes
        for layer in self.found:
            if layer.weight is not None:
                sample_into(self.scratch[self.rows[layer.name], BEFORE], layer.weight)
        gradients = [p.grad for layer in self.found for p in layer.parameters if p.grad is not None]
        weights = [parameter for layer in self.found for parameter in layer.parameters]
        norms = [norm.to(self.ring.device, torch.float32) for norm in _norms([*gradients, *weights])]
        self._norms = torch.stack(norms) if norms else torch.zeros(0)
        biases = [layer.bias.grad for layer in self.found if layer.bias is not None and layer.bias.grad is not None]
        flat = [bias.reshape(-1).to(self.ring.device, torch.float32) for bias in biases]
        self._biases = torch.cat(flat) if flat else torch.zeros(0)
        # As plain structure now: the update may set gradients to None.
        self._with_gradient = [[p.grad is not None for p in layer.parameters] for layer in self.found]
        self._with_bias = [layer.bias is not None and layer.bias.grad is not None for layer in self.found]

    def end(self) -> dict[str, Row]:
        """After the update: the numbers of each layer that is there."""
        for layer in self.found:
            if layer.weight is not None:
                row = self.rows[layer.name]
                self._sizes[self._now, row, WEIGHT] = sample_into(self.ring[self._now, row, WEIGHT], layer.weight)
        ring, scratch = self.ring[self._now].cpu().numpy(), self.scratch.cpu().numpy()
        sizes = self._sizes[self._now]
        mean, std = _moments(ring[:, ACTIVATION], sizes[:, ACTIVATION])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            change = np.linalg.norm(ring[:, WEIGHT] - scratch[:, BEFORE], axis=1).astype(np.float64)
            update = change / np.linalg.norm(scratch[:, BEFORE], axis=1)
        update[~np.isfinite(update) | (sizes[:, WEIGHT] == 0)] = np.nan
        mean[sizes[:, ACTIVATION] == 0] = std[sizes[:, ACTIVATION] == 0] = np.nan
        gradient, weight = self._layer_norms()
        result = {
            name: Row(float(mean[row]), float(std[row]), math.nan, math.nan, math.nan)
            for name, row in self.rows.items()
            if name in self.calls or name in self.order
        }
        for number, layer in enumerate(self.found):
            at = self.rows[layer.name]
            result[layer.name] = Row(
                float(mean[at]), float(std[at]), gradient[number], weight[number], float(update[at])
            )
        for name, live in self._live_biases().items():
            result[name].live, result[name].samples = live, max(1, self._seen.examples)
        for name, (samples, units, tolerance) in self._live.items():
            result[name].live = scratch[self.rows[name], LIVE, :units].astype(np.float64)
            result[name].samples, result[name].tolerance = samples, tolerance
        seen = self._seen
        seen.order, seen.calls = list(self.order), dict(self.calls)
        seen.gradient = float(np.sqrt(np.nansum(np.square(gradient)))) if gradient else math.nan
        seen.finish(ring[:, GRADIENT], scratch[:, EARLIER], self._elements_for_one())
        self._slot = self._now
        return result

    def remove_hooks(self) -> None:
        """Leave the model as it was."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    # Inside.

    def _hook(self, layer: Layer) -> Any:
        def hook(module: nn.Module, arguments: Any, output: Any) -> None:
            begin = time.perf_counter()
            try:
                self._take_output(layer, arguments, output)
            except Exception:
                # A kind of tensor that cannot be sampled must not end the training.
                log.exception("dlnb: the layer %r is not looked at any more", layer.name)
                self._broken.add(layer.name)
            self.seconds += time.perf_counter() - begin + HOOK

        return hook

    def _take_output(self, layer: Layer, arguments: Any, output: Any) -> None:
        tensor = first_tensor(output)
        if tensor is None or tensor.numel() == 0:
            return
        call = self.calls[layer.name] = self.calls.get(layer.name, 0) + 1
        if not torch.is_grad_enabled():
            return  # not what is being learned from
        if layer.parameters:
            self._channels_first = layer.channels_first
            if call & (call - 1):
                return  # a cell that is called for each time step is seen at its 1st, 2nd, 4th … call
            name = layer.name
            if self._seen.entered is None:
                self._seen.training = is_training(self.model)
                entering = first_tensor(arguments)
                if entering is not None:
                    self._seen.enter(layer, entering)
        else:
            if call > MOST_CALLS:
                return
            name = layer.name if call == 1 else f"{layer.name} #{call}"
        row = self.rows.get(name)
        if row is None:
            row = self._new_row(name)
        if name not in self.order:
            self.order.append(name)
        self._sizes[self._now, row, ACTIVATION] = sample_into(self.ring[self._now, row, ACTIVATION], tensor)
        if layer.kind is not None:
            self._outputs[name] = tensor.data_ptr()
            samples, units = count_live(self.scratch[row, LIVE], tensor, layer, self._channels_first)
            self._live[name] = (samples, units, STUCK if layer.kind == "ends" else 0.0)

    def _take_gradients(self, target: Tensor) -> np.ndarray:
        """Sample the gradient of each layer's largest parameter into (R, SAMPLE); returns how many elements, (R,)."""
        sizes = np.zeros(len(self.rows), np.int64)
        for layer in self.found:
            row = self.rows[layer.name]
            gradient = None if layer.weight is None else layer.weight.grad
            if gradient is None:
                target[row].zero_()
            else:
                sizes[row] = sample_into(target[row], gradient)
        return sizes

    def _has_gradients(self) -> bool:
        """Whether an earlier step's gradients are still there, right before the backward pass adds to them."""
        for layer in self.found:
            if layer.weight is not None and layer.weight.grad is not None and layer.trains:
                return bool(values_of(layer.weight.grad)[:SAMPLE].any())
        return False

    def _layer_norms(self) -> tuple[list[float], list[float]]:
        """Gradient norm (NaN: none) and weight norm (NaN: no parameters) of each layer."""
        norms = self._norms.cpu().numpy().astype(np.float64)
        at, gradient, weight = 0, [], []
        for there in self._with_gradient:
            n = sum(there)
            gradient.append(float(np.linalg.norm(norms[at : at + n])) if n else math.nan)
            at += n
        for layer in self.found:
            n = len(layer.parameters)
            weight.append(float(np.linalg.norm(norms[at : at + n])) if n else math.nan)
            at += n
        return gradient, weight

    def _live_biases(self) -> dict[str, np.ndarray]:
        """For each layer the units whose bias has a gradient: if it has none, nothing that they put out matters."""
        biases = self._biases.cpu().numpy()
        at, live = 0, {}
        for layer, there in zip(self.found, self._with_bias, strict=True):
            if there and layer.bias is not None:
                part = biases[at : at + layer.bias.numel()]
                at += layer.bias.numel()
                if (part != 0).any():  # else no gradient reaches the layer, which is another matter
                    live[layer.name] = (part != 0).astype(np.float64)
        return live

    def _elements_for_one(self) -> np.ndarray:
        """For how many elements of its gradient each one in the sample stands, (R,)."""
        weights = np.zeros(len(self.rows))
        for layer in self.found:
            row = self.rows[layer.name]
            if layer.weight is not None and self._sizes[self._now, row, GRADIENT]:
                weights[row] = layer.weight.numel() / self._sizes[self._now, row, GRADIENT]
        return weights

    def _fit_memory(self) -> None:
        parameter = next(self.model.parameters(), None)
        device = torch.device("cpu") if parameter is None else parameter.device
        if device != self.ring.device:
            self.ring, self.scratch = self.ring.to(device), self.scratch.to(device)
        missing = [layer.name for layer in self.found if layer.name not in self.rows]
        for name in missing:
            self._new_row(name, len(missing))

    def _new_row(self, name: str, room: int = 8) -> int:
        row = len(self.rows)
        if row >= self.ring.shape[1]:
            more = max(room, 8)
            ring = torch.zeros(KEPT, row + more, 3, SAMPLE, device=self.ring.device)
            ring[:, :row] = self.ring
            scratch = torch.zeros(row + more, 3, SAMPLE, device=self.ring.device)
            scratch[:row] = self.scratch
            sizes = np.zeros((KEPT, row + more, 3), np.int64)
            sizes[:, :row] = self._sizes
            self.ring, self.scratch, self._sizes = ring, scratch, sizes
        self.rows = {**self.rows, name: row}  # a new dictionary, for who walks over the old one
        return row


def _norms(tensors: list[Tensor]) -> list[Tensor]:
    """The 2-norm of each tensor, () each."""
    dense = [tensor.detach() if tensor.layout is torch.strided else values_of(tensor) for tensor in tensors]
    return list(torch._foreach_norm(dense)) if dense else []


def _moments(samples: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the first `sizes` elements of each row; what follows them is 0."""
    counts = np.maximum(sizes, 1).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = samples.sum(1, dtype=np.float64) / counts
        squares = np.square(samples - mean[:, None].astype(np.float32)).sum(1, dtype=np.float64)
        squares -= (samples.shape[1] - sizes) * np.square(mean)  # what follows counted as -mean each
        return mean, np.sqrt(np.maximum(squares, 0) / counts)
