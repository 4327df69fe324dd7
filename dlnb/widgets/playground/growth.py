"""Networks that grow and shrink while they learn: what stays, stays to the bit, with what the optimiser knows of it.

An edit gives the new spec, and for each of its levels (inputs, hidden layers, outputs) where its units come from. From that
alone follows where every weight comes from. A new neuron listens with random weights and is not listened to yet: the lines
that leave it begin at 0, so the network answers as before and the next gradient wakes them. (Layer norm alone averages over
it at once.) A new layer begins by passing on what it gets.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .checks import PlaygroundError, is_whole
from .network import Network
from .spec import LAYERS, UNITS, Layer, Plan, Spec, make_optimizer

NEW = -1


@dataclass(frozen=True)
class Level:
    """Where the units of a level come from. old: the level it was, None if it is new; origin: the units they were, or NEW."""

    old: int | None
    origin: tuple[int, ...]


Edit = tuple[Spec, list[Level]]


def add_unit(spec: Spec, layer: int) -> Edit:
    """One neuron more, at the end of a hidden layer (from 0). Raises: PlaygroundError if there is no room."""
    found = _layer(spec, layer)
    if found.units >= UNITS:
        raise PlaygroundError(f"A layer holds {UNITS} neurons at most. Add a layer instead.")
    levels = same(spec)
    levels[layer + 1] = Level(layer + 1, (*range(found.units), NEW))
    return _with_layer(spec, layer, units=found.units + 1), levels


def remove_unit(spec: Spec, layer: int, unit: int) -> Edit:
    """One neuron less. Raises: PlaygroundError if there is no such neuron or it is the last of its layer."""
    found = _layer(spec, layer)
    if not is_whole(unit) or not 0 <= unit < found.units:
        raise PlaygroundError(f"Layer {layer} has no neuron {unit!r:.40}.")
    if found.units == 1:
        raise PlaygroundError("A layer keeps at least one neuron. Remove the layer instead.")
    levels = same(spec)
    levels[layer + 1] = Level(layer + 1, tuple(k for k in range(found.units) if k != unit))
    return _with_layer(spec, layer, units=found.units - 1), levels


def add_layer(spec: Spec, at: int, layer: Layer | None = None) -> Edit:
    """A hidden layer more, before the one numbered `at`, or last.

    It is as wide as what comes before it unless said otherwise, and passes it on. Behind ReLU, with ReLU, or linear, the
    network answers exactly as before; another activation bends it a little.

    Raises: PlaygroundError if there is no room.
    """
    if not is_whole(at) or not 0 <= at <= len(spec.layers):
        raise PlaygroundError(f"A layer can stand at 0 to {len(spec.layers)}, not at {at!r:.40}.")
    if len(spec.layers) >= LAYERS:
        raise PlaygroundError(f"A network holds {LAYERS} layers at most. Add neurons instead.")
    if layer is None:
        like = spec.layers[at - 1] if at else Layer()
        layer = Layer(min(UNITS, spec.widths[at]), like.activation)
    levels = same(spec)
    levels.insert(at + 1, Level(None, (NEW,) * layer.units))
    return replace(spec, layers=(*spec.layers[:at], layer, *spec.layers[at:])), levels


def remove_layer(spec: Spec, layer: int) -> Edit:
    """A hidden layer less: its first neighbour's neurons take the places of its own. Raises: PlaygroundError if it is not there."""
    _layer(spec, layer)
    levels = same(spec)
    del levels[layer + 1]
    return replace(spec, layers=(*spec.layers[:layer], *spec.layers[layer + 1 :])), levels


def set_layer(spec: Spec, layer: int, **settings: Any) -> Edit:
    """Another activation, dropout or norm. Raises: PlaygroundError if there is no such thing."""
    _layer(spec, layer)
    if unknown := set(settings) - {"activation", "dropout", "norm"}:
        raise PlaygroundError(f"A layer has an activation, dropout and a norm, no {', '.join(sorted(unknown)):.80}.")
    return _with_layer(spec, layer, **settings), same(spec)


def set_inputs(spec: Spec, names: Sequence[str]) -> Edit:
    """Other inputs; the lines of a new one begin at 0. Raises: PlaygroundError if there is none or an unknown one."""
    new = replace(spec, inputs=tuple(names))
    levels = same(spec)
    levels[0] = Level(0, tuple(spec.inputs.index(name) if name in spec.inputs else NEW for name in new.inputs))
    return new, levels


def set_outputs(spec: Spec, outputs: int) -> Edit:
    """As many outputs as the data asks for. One output and one a class mean different things, so between them all are new."""
    new = replace(spec, outputs=outputs)
    levels = same(spec)
    alike = (spec.outputs == 1) == (outputs == 1)
    origin = tuple(k if alike and k < spec.outputs else NEW for k in range(outputs))
    levels[-1] = Level(len(spec.layers) + 1, origin)
    return new, levels


def same(spec: Spec) -> list[Level]:
    """Every unit is what it was."""
    return [Level(number, tuple(range(width))) for number, width in enumerate(spec.widths)]


def grown(network: Network, optimizer: Optimizer, edit: Edit, plan: Plan) -> tuple[Network, Optimizer]:
    """A network as the edit says, with all that stays of the old one, and an optimiser that knows what the old one knew."""
    spec, levels = edit
    new = Network(spec)
    moved: list[tuple[Tensor, Tensor, Tensor, Tensor | None]] = []  # new, old, rows, columns
    for number, block in enumerate(new.blocks, 1):
        level = levels[number]
        if level.old is None:
            with torch.no_grad():
                nn.init.eye_(block.linear.weight)
                nn.init.zeros_(block.linear.bias)
            continue
        old = network.blocks[level.old - 1]
        rows, columns = torch.tensor(level.origin), torch.tensor(_columns(network.spec, levels, number))
        moved += [
            (block.linear.weight, old.linear.weight, rows, columns),
            (block.linear.bias, old.linear.bias, rows, None),
        ]
        if block.norm is not None and type(block.norm) is type(old.norm):
            assert old.norm is not None
            moved += [
                (one, was, rows, None) for one, was in zip(block.norm.parameters(), old.norm.parameters(), strict=True)
            ]
            for buffer, was in zip(block.norm.buffers(), old.norm.buffers(), strict=True):
                buffer.copy_(_carried(was, buffer, rows, None))
    other = make_optimizer(plan, list(new.parameters()))
    for parameter, source, kept, fed in moved:
        with torch.no_grad():
            parameter.copy_(_carried(source, parameter, kept, fed))
        if state := optimizer.state.get(source):
            _carry_state(other, parameter, source, state, kept, fed)
    return new, other


def _columns(old: Spec, levels: list[Level], number: int) -> tuple[int, ...]:
    """For each unit of the level before: the unit that stood there for the old layer.

    Where a layer came or went in between, its units take the places in order.
    """
    level, before = levels[number], levels[number - 1]
    assert level.old is not None
    if before.old == level.old - 1:
        return before.origin
    there = old.widths[level.old - 1]
    return tuple(k if k < there else NEW for k in range(len(before.origin)))


def _carried(old: Tensor, fresh: Tensor, rows: Tensor, columns: Tensor | None) -> Tensor:
    """What stays of old, in its new places; new rows are fresh, new columns of old rows are 0."""
    if not rows.numel() or old.ndim == 0:
        return old
    new = fresh.detach().clone()
    kept = (rows >= 0).nonzero()[:, 0]
    if columns is None:
        new[kept] = old.detach()[rows[kept]]
        return new
    there = (columns >= 0).nonzero()[:, 0]
    new[kept] = 0
    new[kept[:, None], there] = old.detach()[rows[kept][:, None], columns[there]]
    return new


def _carry_state(
    optimizer: Optimizer,
    parameter: Tensor,
    source: Tensor,
    state: dict[str, Any],
    rows: Tensor,
    columns: Tensor | None,
) -> None:
    """Momentum and the like go with their weights. State of another shape than its weights cannot, and begins anew."""
    fits = [not isinstance(value, Tensor) or value.ndim == 0 or value.shape == source.shape for value in state.values()]
    if not all(fits) or any(isinstance(value, (list, dict)) for value in state.values()):
        return
    optimizer.state[parameter] = {
        name: _carried(value, torch.zeros_like(parameter), rows, columns)
        if isinstance(value, Tensor) and value.ndim
        else copy.deepcopy(value)
        for name, value in state.items()
    }


def _layer(spec: Spec, layer: int) -> Layer:
    if not is_whole(layer) or not 0 <= layer < len(spec.layers):
        raise PlaygroundError(f"There is no hidden layer {layer!r:.40}; there are {len(spec.layers)}, numbered from 0.")
    return spec.layers[layer]


def _with_layer(spec: Spec, number: int, **settings: Any) -> Spec:
    layers = list(spec.layers)
    layers[number] = replace(layers[number], **settings)
    return replace(spec, layers=tuple(layers))
