"""Many small networks as one: their weights lie stacked, so that one batched product serves all of them.

64 settings of a 2-8-8-1 network then cost about as much as one. Each layer here is its forward line and, under it,
the backward line; `stacked_updates.py` holds the losses and the optimisers, `together.py` trains a stack.

Shapes: K settings, B examples, H features. Values lie as (K, H, B), features before examples: for matrices this small
the product of (K, out, in) with (K, in, B) is several times faster than the other way round.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .stackable import ELEMENTWISE, CannotStack, check_same, in_order, parameters_of

Saved = tuple[Tensor, list[Tensor]]  # the parameters of one setting, (P,), and its buffers


class Layer(Protocol):
    """One layer of all networks. `backward` follows `forward` and returns the gradients of its parameters too."""

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """x: (K, H, B) → (K, H', B)."""
        ...

    def backward(self, d: Tensor, first: bool) -> tuple[Tensor | None, list[Tensor]]:
        """d: (K, H', B), the gradient of the output → of the input (None is allowed if first), of the parameters."""
        ...


class Linear:
    """weight: (K, out, in), bias: (K, out, 1) or None."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.forward`."""
        self.x = x
        if self.bias is None:
            return _product(self.weight, x)
        if x.shape[1] == 1:
            return torch.addcmul(self.bias, self.weight, x)
        return torch.baddbmm(self.bias, self.weight, x)

    def backward(self, d: Tensor, first: bool) -> tuple[Tensor | None, list[Tensor]]:
        """See `Layer.backward`."""
        gradients = [torch.bmm(d, self.x.transpose(1, 2)).flatten(1)]
        if self.bias is not None:
            gradients.append(d.sum(2))
        return None if first else _product(self.weight.transpose(1, 2), d), gradients


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The batched product. Where the inner dimension is 1, MKL's is ten times slower than multiplying."""
    return a * b if a.shape[2] == 1 else torch.bmm(a, b)


class ReLU:
    """The activation that nearly all use."""

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.forward`."""
        self.y = x.relu()
        return self.y

    def backward(self, d: Tensor, first: bool) -> tuple[Tensor | None, list[Tensor]]:
        """See `Layer.backward`."""
        return d * (self.y > 0), []


class Tanh:
    """The activation of the playground."""

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.forward`."""
        self.y = x.tanh()
        return self.y

    def backward(self, d: Tensor, first: bool) -> tuple[Tensor | None, list[Tensor]]:
        """See `Layer.backward`."""
        return d * (1 - self.y * self.y), []


class Differentiated:
    """Any other function of the values and of its own parameters; autograd finds its backward line."""

    def __init__(self, function: Callable[..., Tensor], parameters: Sequence[Tensor] = ()) -> None:
        self.function, self.parameters = function, list(parameters)

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.forward`."""
        if not training:
            return self.function(x, False, *self.parameters)
        self.leaves = [tensor.detach().requires_grad_() for tensor in (x, *self.parameters)]
        with torch.enable_grad():
            self.y = self.function(self.leaves[0], True, *self.leaves[1:])
        return self.y.detach()

    def backward(self, d: Tensor, first: bool) -> tuple[Tensor | None, list[Tensor]]:
        """See `Layer.backward`."""
        dx, *gradients = torch.autograd.grad(self.y, self.leaves, d)
        return dx, [gradient.flatten(1) for gradient in gradients]


class Dropout:
    """p: the share that each setting drops. The masks are drawn before the step, each as its own network draws it."""

    def __init__(self, p: list[float], features: int) -> None:
        self.p, self.features = p, features
        self.active = any(p)
        self.scale = torch.tensor([1 / (1 - one) if one < 1 else 0.0 for one in p]).view(-1, 1, 1)
        self._make_room(1)

    def draw(self, settings: list[int], examples: int) -> None:
        """Draw the mask of settings that share seed and p, from PyTorch's generator as nn.Dropout does."""
        if self.drawn.shape[1] != examples:
            self._make_room(examples)
        first, *others = settings
        if 0 < self.p[first] < 1:
            self.rows[first].bernoulli_(1 - self.p[first])
            for setting in others:
                self.rows[setting].copy_(self.rows[first])

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.forward`."""
        if not (training and self.active):
            return x
        torch.mul(self.drawn.transpose(1, 2), self.scale, out=self.mask)
        return x * self.mask

    def backward(self, d: Tensor, first: bool) -> tuple[Tensor | None, list[Tensor]]:
        """See `Layer.backward`."""
        return d * self.mask if self.active else d, []

    def _make_room(self, examples: int) -> None:
        self.drawn = torch.ones(len(self.p), examples, self.features)  # as a network of its own lays them out
        self.rows = list(self.drawn)
        self.mask = torch.empty(len(self.p), self.features, examples)


class Stack:
    """K networks of one architecture, as one.

    flat: (K, P) float32, every parameter of every network, and where the layers read theirs.

    Raises: CannotStack in words if the networks are not of one architecture, or of another kind than `CAN` says.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.models = list(models)
        rows = [list(in_order(model, type(model).__name__)) for model in models]
        for number, row in enumerate(rows):
            check_same(rows[0], row, number)
        parameters = [parameters_of(row) for row in rows]
        self.shapes = [tuple(parameter.shape) for parameter in parameters[0]]
        self.parameters = parameters
        self.flat = torch.stack([torch.cat([one.detach().reshape(-1) for one in row]) for row in parameters])
        self.layers: list[Layer] = []
        self.buffers: list[tuple[int, str, Tensor]] = []  # number of the layer, name, (K, H)
        self._rows = rows
        self._offset = 0
        self._width = next(module.in_features for module in rows[0] if isinstance(module, nn.Linear))
        for number, alike in enumerate(zip(*rows, strict=True)):
            self._add(number, alike)

    def inputs(self, x: Tensor, shared: bool) -> Tensor:
        """x: (B, …) if all settings share it, else (K, B, …) → (K, D, B).

        Raises: CannotStack if it is of another shape.
        """
        start = 1 if shared else 2
        if x.ndim > start + 1 and any(isinstance(module, nn.Flatten) for module in self._rows[0]):
            x = x.flatten(start)
        if x.ndim != start + 1:
            raise CannotStack(f"an input must be (B, D) or the network begin with Flatten; it is {tuple(x.shape)}.")
        return x.T.expand(len(self.models), -1, -1) if shared else x.transpose(1, 2)

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """x: (K, D, B) → (K, C, B)."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, d: Tensor) -> Tensor:
        """d: (K, C, B), the gradient of the outputs → (K, P), that of the parameters."""
        found: list[list[Tensor]] = []
        for number in reversed(range(len(self.layers))):
            step, gradients = self.layers[number].backward(d, number == 0)
            found.append(gradients)
            d = d if step is None else step
        return torch.cat([gradient for gradients in reversed(found) for gradient in gradients], 1)

    @property
    def dropouts(self) -> list[Dropout]:
        """The layers that draw random numbers."""
        return [layer for layer in self.layers if isinstance(layer, Dropout) and layer.active]

    def saved(self, setting: int) -> Saved:
        """A copy of all that one setting has learned."""
        return self.flat[setting].clone(), [values[setting].clone() for *_, values in self.buffers]

    def model(self, setting: int, saved: Saved | None = None) -> nn.Module:
        """An ordinary module with the present weights of one setting, or with what was saved of it."""
        model = copy.deepcopy(self.models[setting])
        modules = list(in_order(model, ""))
        row, buffers = saved or self.saved(setting)
        offset = 0
        with torch.no_grad():
            for parameter in parameters_of(modules):
                parameter.copy_(row[offset : offset + parameter.numel()].view(parameter.shape))
                offset += parameter.numel()
            for (number, name, _), values in zip(self.buffers, buffers, strict=True):
                getattr(modules[number], name).copy_(values)
        return model

    def _take(self, *shape: int) -> Tensor:
        """The next parameters of all settings, as a view into `flat`."""
        size = torch.Size(shape).numel()
        taken = self.flat[:, self._offset : self._offset + size].view(len(self.models), *shape)
        self._offset += size
        return taken

    def _add(self, number: int, alike: tuple[nn.Module, ...]) -> None:
        """Add the layer that these modules, one a setting, are together."""
        first: Any = alike[0]
        if isinstance(first, nn.Linear):
            weight = self._take(first.out_features, first.in_features)
            self.layers.append(Linear(weight, None if first.bias is None else self._take(first.out_features, 1)))
            self._width = first.out_features
        elif isinstance(first, nn.Dropout):
            self.layers.append(Dropout([float(module.p) for module in alike], self._width))  # type: ignore[arg-type]
        elif type(first) is nn.ReLU:
            self.layers.append(ReLU())
        elif type(first) is nn.Tanh:
            self.layers.append(Tanh())
        elif isinstance(first, nn.BatchNorm1d):
            self.layers.append(self._batch_norm(number, alike))
        elif isinstance(first, nn.LayerNorm):
            self.layers.append(self._layer_norm(first))
        elif isinstance(first, ELEMENTWISE):
            activation = copy.copy(first)
            if hasattr(activation, "inplace"):
                activation.inplace = False
            self.layers.append(Differentiated(lambda x, _: activation(x)))

    def _batch_norm(self, number: int, alike: tuple[Any, ...]) -> Layer:
        first, settings = alike[0], len(alike)
        if first.track_running_stats:
            for name in ("running_mean", "running_var"):
                self.buffers.append((number, name, torch.stack([getattr(module, name) for module in alike])))
        mean, variance = (
            [values.view(-1) for *_, values in self.buffers[-2:]] if first.track_running_stats else [None, None]
        )
        parameters = [self._take(first.num_features) for _ in range(2 if first.affine else 0)]

        def normalise(x: Tensor, training: bool, *parameters: Tensor) -> Tensor:
            # One channel a setting and feature, over which one network has its statistics.
            weight, bias = [parameter.reshape(-1) for parameter in parameters] or (None, None)
            batch = training or mean is None
            if batch and x.shape[2] == 1:
                raise ValueError("batch norm needs more than 1 example in a training batch: give a larger batch size")
            channels = x.reshape(1, -1, x.shape[2])
            return F.batch_norm(channels, mean, variance, weight, bias, batch, first.momentum, first.eps).view(
                settings, -1, x.shape[2]
            )

        return Differentiated(normalise, parameters)

    def _layer_norm(self, first: nn.LayerNorm) -> Layer:
        parameters = [self._take(self._width, 1) for parameter in (first.weight, first.bias) if parameter is not None]

        def normalise(x: Tensor, training: bool, *parameters: Tensor) -> Tensor:
            y = F.layer_norm(x.transpose(1, 2), (x.shape[1],), eps=first.eps).transpose(1, 2)
            for scaled, parameter in zip((True, False), parameters, strict=False):
                y = y * parameter if scaled else y + parameter
            return y

        return Differentiated(normalise, parameters)
