"""How a stack of networks is judged and moved: losses with their gradients, and the optimisers of torch.optim
written out over stacked weights, each setting with numbers of its own.

Shapes as in `stacked.py`: outputs (K, C, B), weights (K, P); a number of the optimiser is a float where all
settings agree, else (K, 1), or (K, P) where it differs between the parameters of a network.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from .stackable import CannotStack

# (outputs (K, C, B), target, whether all settings share it) → losses (K,), their gradient (K, C, B)
StackedLoss = Callable[[Tensor, Tensor, bool], tuple[Tensor, Tensor]]
Number = float | Tensor


def stacked_loss(loss: Callable[[Any, Tensor], Tensor], target: Tensor) -> StackedLoss:
    """The loss of each setting and its gradient. The usual ones are written out; others go through `torch.vmap`.

    target: that of one batch, which says which form of the loss is meant.
    """
    plain = (
        isinstance(loss, nn.Module) and repr(loss) == repr(type(loss)()) and getattr(loss, "reduction", "") == "mean"
    )
    is_a = {name: loss is function or (plain and type(loss) is kind) for name, (function, kind) in _KNOWN.items()}
    if is_a["cross_entropy"] and target.ndim == 1 and not target.is_floating_point() and not (target < 0).any():
        if not isinstance(loss, nn.Module) or (loss.weight is None and loss.label_smoothing == 0):
            return _cross_entropy
    if is_a["mse"]:
        return _mean_square
    if is_a["binary"] and not (
        isinstance(loss, nn.Module) and (loss.weight is not None or loss.pos_weight is not None)
    ):
        return _binary_cross_entropy
    return lambda outputs, target, shared: _any_loss(loss, outputs, target, shared)


_KNOWN: dict[str, tuple[Any, type[nn.Module]]] = {
    "cross_entropy": (F.cross_entropy, nn.CrossEntropyLoss),
    "mse": (F.mse_loss, nn.MSELoss),
    "binary": (F.binary_cross_entropy_with_logits, nn.BCEWithLogitsLoss),
}


def _cross_entropy(outputs: Tensor, target: Tensor, shared: bool) -> tuple[Tensor, Tensor]:
    """The gradient of log-softmax: the probabilities, less 1 at the right class."""
    classes = (target.expand(len(outputs), -1) if shared else target).unsqueeze(1)  # (K, 1, B)
    logs = outputs.log_softmax(1)
    gradient = logs.exp()
    gradient.scatter_add_(1, classes, gradient.new_full((1, 1, 1), -1.0).expand_as(classes))
    return -logs.gather(1, classes).mean((1, 2)), gradient.div_(outputs.shape[2])


def _mean_square(outputs: Tensor, target: Tensor, shared: bool) -> tuple[Tensor, Tensor]:
    difference = outputs - _beside(outputs, target, shared)
    count = outputs[0].numel()
    return difference.square().mean((1, 2)), difference.mul(2 / count)


def _binary_cross_entropy(outputs: Tensor, target: Tensor, shared: bool) -> tuple[Tensor, Tensor]:
    wanted = _beside(outputs, target, shared)
    # log(1 + exp(x)) - x · wanted, which never overflows.
    losses = (F.softplus(outputs) - outputs * wanted).mean((1, 2))
    return losses, (outputs.sigmoid() - wanted).div_(outputs[0].numel())


def _beside(outputs: Tensor, target: Tensor, shared: bool) -> Tensor:
    """The target laid out as the outputs: (C, B) or (K, C, B)."""
    wanted = (outputs.shape[2], outputs.shape[1])
    shape = tuple(target.shape if shared else target.shape[1:])
    if shape != wanted:
        raise ValueError(f"the outputs of a batch are {wanted}, but the targets are {shape}: make them of one shape")
    return target.transpose(-1, -2)


def _any_loss(
    loss: Callable[[Any, Tensor], Tensor], outputs: Tensor, target: Tensor, shared: bool
) -> tuple[Tensor, Tensor]:
    leaf = outputs.detach().requires_grad_()
    with torch.enable_grad():
        try:
            losses = torch.vmap(loss, in_dims=(0, None if shared else 0))(leaf.transpose(1, 2), target)
        except Exception as error:
            raise CannotStack(f"the loss cannot be taken of many settings at once: {error}") from error
        return losses.detach(), torch.autograd.grad(losses.sum(), leaf)[0]


class StackedOptimizer:
    """The optimisers of all settings, which must be of one kind: SGD, Adam or AdamW.

    flat: (K, P), the weights, changed in place. owners: for each setting its parameters in the order of `flat`.

    Raises: CannotStack in words for another optimiser or for options that it does not have.
    """

    def __init__(self, optimizers: Sequence[Optimizer], flat: Tensor, owners: Sequence[Sequence[nn.Parameter]]) -> None:
        kind = type(optimizers[0])
        if kind not in (SGD, Adam, AdamW) or any(type(one) is not kind for one in optimizers):
            names = ", ".join(sorted({type(one).__name__ for one in optimizers}))
            raise CannotStack(f"the settings must share one optimiser, SGD, Adam or AdamW; they have {names}.")
        self.kind, self.flat = kind, flat
        self._optimizers, self._owners = list(optimizers), owners
        for option, usual in (("amsgrad", False), ("maximize", False)):
            if any(group.get(option, usual) != usual for one in optimizers for group in one.param_groups):
                raise CannotStack(f"a stack has no {option}.")
        nesterov = {bool(group.get("nesterov")) for one in optimizers for group in one.param_groups}
        if len(nesterov) > 1:
            raise CannotStack("the settings differ in nesterov, which must be the same for all.")
        self.nesterov = nesterov.pop()
        self.learns = self._read(lambda group: 1.0, for_frozen=0.0)
        self.steps = 0
        self.read_numbers()
        self._momentum: Tensor | None = None
        self._mean = torch.zeros_like(flat) if kind is not SGD else None
        self._square = torch.zeros_like(flat) if kind is not SGD else None

    def read_numbers(self) -> None:
        """Read every number anew from the optimisers, as after a step of their schedules."""
        self.lr = self._read(lambda group: group["lr"], for_frozen=0.0)
        self.weight_decay = self._read(lambda group: group["weight_decay"])
        if self.kind is SGD:
            self.momentum = self._read(lambda group: group["momentum"])
            # Without momentum torch.optim.SGD does not damp either.
            self.dampening = self._read(lambda group: group["dampening"] if group["momentum"] else 0.0)
        else:
            self.beta1 = self._read(lambda group: group["betas"][0])
            self.beta2 = self._read(lambda group: group["betas"][1])
            self.eps = self._read(lambda group: group["eps"])

    def step(self, gradient: Tensor) -> None:
        """Move the weights. gradient: (K, P)."""
        self.steps += 1
        if self.kind is AdamW:
            if _matters(self.weight_decay):
                self.flat.mul_(1 - self.lr * self.weight_decay)
        elif _matters(self.weight_decay):
            gradient = gradient + self.weight_decay * self.flat
        if self.kind is SGD:
            self._descend(gradient)
        else:
            self._adapt(gradient)

    def _descend(self, gradient: Tensor) -> None:
        """torch.optim.SGD."""
        if _matters(self.momentum):
            if self._momentum is None:
                self._momentum = gradient.clone()
            else:
                self._momentum.mul_(self.momentum).add_(gradient * (1 - self.dampening))
            gradient = gradient + self.momentum * self._momentum if self.nesterov else self._momentum
        if isinstance(self.lr, Tensor):
            self.flat.addcmul_(gradient, self.lr, value=-1)
        else:
            self.flat.sub_(gradient, alpha=self.lr)

    def _adapt(self, gradient: Tensor) -> None:
        """torch.optim.Adam and AdamW.

        Source: Kingma & Ba 2015, arXiv:1412.6980; Loshchilov & Hutter 2019, arXiv:1711.05101.
        """
        assert self._mean is not None and self._square is not None
        self._mean.lerp_(gradient, 1 - self.beta1)
        self._square.mul_(self.beta2).add_(gradient.square().mul_(1 - self.beta2))
        denominator = self._square.sqrt().div_((1 - self.beta2**self.steps) ** 0.5).add_(self.eps)
        step = self._mean / denominator
        self.flat.sub_(step.mul_(self.lr / (1 - self.beta1**self.steps)))

    def _read(self, number: Callable[[dict[str, Any]], float], for_frozen: float | None = None) -> Number:
        """A number of every parameter of every setting, in the smallest form that says it."""
        rows = []
        for optimizer, parameters in zip(self._optimizers, self._owners, strict=True):
            held = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
            row: list[tuple[float, int]] = []
            for parameter in parameters:
                group = held.get(id(parameter))
                frozen = group is None or not parameter.requires_grad
                value = for_frozen if frozen and for_frozen is not None else number(group or optimizer.param_groups[0])
                row.append((float(value), parameter.numel()))
            rows.append(row)
        values = {value for row in rows for value, _ in row}
        if len(values) == 1:
            return values.pop()
        if all(len({value for value, _ in row}) == 1 for row in rows):
            return torch.tensor([[row[0][0]] for row in rows])
        return torch.stack([torch.cat([torch.full((size,), value) for value, size in row]) for row in rows])


def _matters(number: Number) -> bool:
    return isinstance(number, Tensor) or number != 0
