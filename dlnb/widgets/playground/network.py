"""The network of a playground: an ordinary `nn.Sequential`, and its answers neuron by neuron."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .checks import PlaygroundError, is_number, is_whole
from .spec import ACTIVATIONS, INPUTS, Layer, Spec

LARGEST = 1e4  # a weight set by hand


class Block(NamedTuple):
    """The modules of one layer; norm is None where there is none, and the last layer has a Linear only."""

    linear: nn.Linear
    norm: nn.BatchNorm1d | nn.LayerNorm | None
    activation: nn.Module | None


class Network(nn.Sequential):
    """The network that a spec describes. inputs: (N, D) → (N, outputs), scores before any sigmoid or softmax.

    Its first weights are those that PyTorch draws after `torch.manual_seed(spec.seed)`, so the same settings give the
    same start. blocks: its layers, in order.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.blocks: list[Block] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(spec.seed)
            width = len(spec.inputs)
            for layer in spec.layers:
                self._add(width, layer)
                width = layer.units
            self.append(last := nn.Linear(width, spec.outputs))
        self.blocks.append(Block(last, None, None))
        self.random = any(layer.dropout for layer in spec.layers)
        self.moody = self.random or any(layer.norm == "batch" for layer in spec.layers)  # train and eval differ

    def _add(self, width: int, layer: Layer) -> None:
        linear = nn.Linear(width, layer.units)
        norm: nn.BatchNorm1d | nn.LayerNorm | None = None
        if layer.norm == "batch":
            norm = nn.BatchNorm1d(layer.units)
        elif layer.norm == "layer":
            norm = nn.LayerNorm(layer.units)
        block = Block(linear, norm, ACTIVATIONS[layer.activation]())
        self.blocks.append(block)
        for module in block:
            if module is not None:
                self.append(module)
        if layer.dropout:
            self.append(nn.Dropout(layer.dropout))

    @property
    def weights(self) -> list[Tensor]:
        """What L1 and L2 pull at: the weights of every layer, no biases."""
        return [block.linear.weight for block in self.blocks]

    @torch.no_grad()
    def answers(self, inputs: Tensor) -> list[Tensor]:
        """What every neuron says, in eval mode. inputs: (N, D) → for each layer (N, units), the scores last."""
        training = self.training
        self.eval()
        found, values = [], inputs
        for linear, norm, activation in self.blocks:
            values = linear(values)
            values = values if norm is None else norm(values)
            values = values if activation is None else activation(values)
            found.append(values)
        self.train(training)
        return found

    def weight_at(self, layer: int, unit: int, source: int | None) -> tuple[Tensor, tuple[int, ...]]:
        """The tensor that holds a weight, and where. source: unit of the level before, or None for the bias.

        Raises: PlaygroundError if there is no such weight.
        """
        if not is_whole(layer) or not 0 <= layer < len(self.blocks):
            raise PlaygroundError(f"There is no layer {layer!r:.40}; they are 0 to {len(self.blocks) - 1}.")
        linear = self.blocks[layer].linear
        if not is_whole(unit) or not 0 <= unit < linear.out_features:
            raise PlaygroundError(f"Layer {layer} has no neuron {unit!r:.40}.")
        if source is None:
            return linear.bias, (unit,)
        if not is_whole(source) or not 0 <= source < linear.in_features:
            raise PlaygroundError(f"No line leads from {source!r:.40} to neuron {unit} of layer {layer}.")
        return linear.weight, (unit, source)

    def set_weight(self, layer: int, unit: int, source: int | None, value: float) -> None:
        """Set one weight by hand. Raises: PlaygroundError if there is no such weight or value is no usable number."""
        tensor, place = self.weight_at(layer, unit, source)
        if not is_number(value) or abs(value) > LARGEST:
            raise PlaygroundError(f"A weight must be a number from -{LARGEST:g} to {LARGEST:g}, got {value!r:.40}.")
        with torch.no_grad():
            tensor[place] = value


def inputs_of(names: tuple[str, ...], points: Tensor) -> Tensor:
    """The inputs that a network sees. points: (N, 2), x and y → (N, D)."""
    x, y = points.unbind(1)
    return torch.stack([INPUTS[name](x, y) for name in names], 1)
