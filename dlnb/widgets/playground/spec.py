"""What the network of a playground is made of and how it is trained: two plain descriptions that check themselves."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .checks import PlaygroundError, is_number, is_whole, one_of, within

LAYERS, UNITS = 6, 8  # at most
CLASSES = 6
# Its name in a menu, and the functions of x and y that may be an input.
INPUTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "x": lambda x, y: x,
    "y": lambda x, y: y,
    "x²": lambda x, y: x * x,
    "y²": lambda x, y: y * y,
    "xy": lambda x, y: x * y,
    "sin x": lambda x, y: x.sin(),
    "sin y": lambda x, y: y.sin(),
}
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "leaky relu": nn.LeakyReLU,
    "softplus": nn.Softplus,
    "linear": nn.Identity,
}
NORMS = ("none", "batch", "layer")
# Those that move any parameter by its gradient; Muon takes matrices only, SparseAdam sparse gradients.
OPTIMIZERS = tuple(
    name
    for name in sorted(dir(torch.optim))
    if isinstance(kind := getattr(torch.optim, name), type)
    and issubclass(kind, torch.optim.Optimizer)
    and name not in ("Optimizer", "Muon", "SparseAdam")
)
FUSED = ("Adam", "AdamW")  # with fused=True they are half as long again as fast on networks this small


@dataclass(frozen=True)
class Layer:
    """A hidden layer: Linear, norm, activation, dropout. Raises: PlaygroundError if it cannot be."""

    units: int = 4
    activation: str = "tanh"
    dropout: float = 0.0
    norm: str = "none"

    def __post_init__(self) -> None:
        if not is_whole(self.units) or self.units < 1:
            raise PlaygroundError(f"A layer has 1 to {UNITS} neurons, not {self.units!r:.40}.")
        if self.units > UNITS:
            raise PlaygroundError(
                f"A layer of {self.units} neurons is too large to draw: at most {UNITS}. For more, write the network"
                " with torch.nn and open dl.watch."
            )
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("norm", self.norm, NORMS)
        within("Dropout", self.dropout, 0, 0.95)
        if self.norm == "layer" and self.units == 1:
            raise PlaygroundError("Layer norm needs at least 2 neurons: of one neuron it leaves nothing but 0.")


@dataclass(frozen=True)
class Spec:
    """A network: which inputs, hidden layers and outputs, and the seed of its first weights.

    outputs: 1 for two classes and for regression, else one a class.

    Raises: PlaygroundError if it cannot be, or is too large to draw.
    """

    inputs: tuple[str, ...] = ("x", "y")
    layers: tuple[Layer, ...] = (Layer(4), Layer(2))
    outputs: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.inputs:
            raise PlaygroundError("A network needs at least one input: switch one on before you switch this one off.")
        for name in self.inputs:
            one_of("input", name, INPUTS)
        if len(set(self.inputs)) < len(self.inputs):
            raise PlaygroundError("An input may be there once only.")
        if len(self.layers) > LAYERS:
            raise PlaygroundError(
                f"A network of {len(self.layers)} layers is too large to draw: at most {LAYERS}. For more, write it with"
                " torch.nn and open dl.watch."
            )
        if not is_whole(self.outputs) or not 1 <= self.outputs <= CLASSES:
            raise PlaygroundError(f"There are 2 to {CLASSES} classes, not {self.outputs!r:.40}.")
        if not is_whole(self.seed) or not 0 <= self.seed < 2**31:
            raise PlaygroundError(f"A seed is a whole number from 0, not {self.seed!r:.40}.")

    @property
    def widths(self) -> tuple[int, ...]:
        """Values at each level: inputs, every hidden layer, outputs."""
        return (len(self.inputs), *(layer.units for layer in self.layers), self.outputs)

    @property
    def neurons(self) -> int:
        """Hidden neurons."""
        return sum(layer.units for layer in self.layers)


@dataclass(frozen=True)
class Plan:
    """How a network is trained. l1, l2: weights of the sum of |w|, and of w² / 2, which are added to the loss.

    options: further settings of the optimiser, as (("momentum", 0.9),).

    Raises: PlaygroundError if it cannot be.
    """

    optimizer: str = "SGD"
    lr: float = 0.03
    batch: int = 10
    l1: float = 0.0
    l2: float = 0.0
    options: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        one_of("optimiser", self.optimizer, OPTIMIZERS)
        within("The learning rate", self.lr, 0, 1e6)
        within("L1", self.l1, 0, 10)
        within("L2", self.l2, 0, 10)
        if not is_whole(self.batch) or not 1 <= self.batch <= 100_000:
            raise PlaygroundError(f"A batch has 1 point or more, not {self.batch!r:.40}.")
        known = optimizer_options(self.optimizer)
        for name, value in self.options:
            one_of(f"option of {self.optimizer}", name, known)
            if not (isinstance(value, bool) or is_number(value) or _is_pair(value)):
                raise PlaygroundError(f"{name} must be a number, got {value!r:.40}.")
        # What torch.optim itself refuses, such as betas=(2, 0), is refused here.
        make_optimizer(self, [nn.Parameter(torch.zeros(1))])


def optimizer_options(name: str) -> tuple[str, ...]:
    """The settings of an optimiser of torch.optim besides its learning rate."""
    signature = inspect.signature(getattr(torch.optim, name))
    machinery = ("params", "lr", "foreach", "capturable", "differentiable", "fused", "maximize")
    return tuple(option for option in signature.parameters if option not in machinery)


def make_optimizer(plan: Plan, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser of torch.optim that a plan names. Raises: PlaygroundError with what torch.optim says of it."""
    try:
        return getattr(torch.optim, plan.optimizer)(parameters, **optimizer_arguments(plan))
    except (ValueError, TypeError, RuntimeError) as error:
        raise PlaygroundError(f"torch.optim.{plan.optimizer} cannot be set so: {error}") from error


def optimizer_arguments(plan: Plan) -> dict[str, Any]:
    """What the optimiser is made with."""
    return {"lr": plan.lr, **dict(plan.options), **({"fused": True} if plan.optimizer in FUSED else {})}


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(is_number(one) for one in value)
