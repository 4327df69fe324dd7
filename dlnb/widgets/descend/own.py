"""Surfaces of a learner's own: a function of two weights, or the real loss of a model that has two weights."""

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .surfaces import Box, Loss, OfBoth, Place, Rates, Surface, check_number

IN_PYTORCH = (
    "your function must give a tensor computed from x and y by PyTorch, so that its slope is known: "
    "write torch.sin(x), not math.sin(x) or np.sin(x)"
)
UNKNOWN = Rates(0.0, 0.0, 0.0)
ROUND = (1.0, 2.0, 5.0, 10.0)


def of_function(function: OfBoth, box: Box | None = None, start: Place | None = None) -> Surface:
    """A learner's own function of two weights.

    function: of x and y, tensors of one number each, in PyTorch's operations; gives one number.
    Raises: TypeError if it gives no tensor that autograd can follow, ValueError if it gives no number at the start.
    """
    if start is None:
        start = (1.0, 1.0) if box is None else (0.8 * box[0] + 0.2 * box[1], 0.2 * box[2] + 0.8 * box[3])
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    try:
        value = function(weights[0], weights[1])
    except RuntimeError as error:
        if "numpy" not in str(error):
            raise
        raise TypeError(IN_PYTORCH) from error
    if not isinstance(value, Tensor) or not value.requires_grad:
        raise TypeError(IN_PYTORCH)
    check_number(value, start)
    name = getattr(function, "__name__", "")
    title = "Your function" if name in ("", "<lambda>") else name
    about = (function.__doc__ or "").strip().partition("\n")[0][:200]
    surface = Surface("own", title, about, lambda w: function(w[0], w[1]), box or _around(start), start, UNKNOWN)
    return _with_rates(surface)


def of_model(
    model: nn.Module, x: Any, y: Any, loss: Loss | None = None, *, box: Box | None = None, start: Place | None = None,
    batch: int | None = None, seed: int = 0,
) -> Surface:  # fmt: skip
    """The loss of a model that has two weights, on its data. The model itself is not changed.

    x, y: its data, (N, …) each. start: its weights as they are, unless given. batch: how many examples a step sees; all
        unless given. seed: of the batches.
    Raises: ValueError if the model has more or fewer than two weights that learn, or the loss is no number.
    """
    named = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    count = sum(weight.numel() for weight in named.values())
    if count != 2:
        raise ValueError(
            f"a map has two directions, so the model must have two weights that learn; {type(model).__name__} has {count}. "
            "Take nn.Linear(1, 1), or freeze the others: weight.requires_grad_(False)"
        )
    inputs, target = _numbers(x), _numbers(y)
    if len(inputs) != len(target) or not len(inputs):
        raise ValueError("x and y must have the same length, at least 1")
    for name, value, least, most in (("batch", batch, 1, len(inputs)), ("seed", seed, 0, None)):
        if value is not None and not _is_whole(value, least, most):
            up = "up" if most is None else f"to {most}, the number of examples"
            raise ValueError(f"{name} must be a whole number from {least} {up}; got {value!r:.40}")
    judge = loss or (F.mse_loss if target.is_floating_point() else F.cross_entropy)
    network = copy.deepcopy(model).cpu().double().eval()

    def of(weights: Tensor, rows: Tensor | slice) -> Tensor:
        parts = torch.split(weights, [weight.numel() for weight in named.values()])
        filled = {name: part.view(weight.shape) for (name, weight), part in zip(named.items(), parts, strict=True)}
        return judge(torch.func.functional_call(network, filled, (inputs[rows],)), target[rows])

    def of_batch(weights: Tensor, step: int) -> Tensor:
        return of(weights, torch.from_numpy(np.random.default_rng([seed, step]).permutation(len(inputs))[:batch]))

    if start is None:
        first, second = torch.cat([weight.detach().cpu().double().reshape(-1) for weight in named.values()]).tolist()
        start = (first, second)
    _check_fits(network, inputs, target, loss)
    names = [name if weight.numel() == 1 else f"{name}[{i}]" for name, weight in named.items() for i in range(weight.numel())]
    about = "The real loss of this model on its data, for each pair of weights."
    if batch is not None:
        about += f" Each step sees {batch} of the examples."
    surface = Surface(
        "own", f"{type(model).__name__} on {len(inputs):,} examples", about, lambda w: of(w, slice(None)), box or _around(start),
        start, UNKNOWN, part=None if batch is None else of_batch, weights=(names[0], names[1]), numbers=inputs.numel(),
    )  # fmt: skip
    check_number(surface.whole(torch.tensor(start, dtype=torch.float64)), start)
    return _with_rates(surface)


def _numbers(data: Any) -> Tensor:
    """Data as a tensor, numbers with a fraction in float64. Raises: ValueError if it is none."""
    try:
        tensor = data if isinstance(data, Tensor) else torch.as_tensor(np.asarray(data))
        len(tensor)
    except (TypeError, ValueError):
        raise ValueError(
            f"a model needs its data: dl.descend(model, x, y), each a tensor, an array or a list of numbers; got {data!r:.60}"
        ) from None
    tensor = tensor.detach().cpu()
    return tensor.double() if tensor.is_floating_point() else tensor


def _is_whole(value: Any, least: int, most: int | None) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value and (most is None or value <= most)


def _check_fits(network: nn.Module, inputs: Tensor, target: Tensor, loss: Loss | None) -> None:
    """Raises: ValueError if the model cannot take the data, or answers in another shape than the target has."""
    try:
        answer = network(inputs)
    except Exception as error:  # whatever a learner's own model raises
        raise ValueError(f"the model cannot take x of shape {tuple(inputs.shape)}, {inputs.dtype}: {error}") from error
    if loss is None and target.is_floating_point() and answer.shape != target.shape:
        raise ValueError(f"the model answers in the shape {tuple(answer.shape)}, and y has {tuple(target.shape)}: make them equal")


def _around(start: Place) -> Box:
    """A map with room for the start and for (0, 0)."""
    reach = max(3.0, 1.5 * abs(start[0]), 1.5 * abs(start[1]))
    return (-reach, reach, -reach, reach)


def _with_rates(surface: Surface) -> Surface:
    """Learning rates that suit the start: plain steps half as long as would still come down there."""
    weights = torch.tensor(surface.start, dtype=torch.float64)
    try:
        bend = torch.autograd.functional.hessian(lambda w: surface.whole(w).reshape(()), weights)
        curved = float(torch.linalg.eigvalsh(bend).abs().max())
    except RuntimeError:  # an operation without a second derivative
        curved = math.nan
    plain = _rounded(min(1.0, max(1e-6, 1 / curved))) if math.isfinite(curved) and curved > 0 else 0.01
    left, right, bottom, top = surface.box
    return replace(surface, rates=Rates(plain, _rounded(plain / 5), _rounded(min(right - left, top - bottom) / 60)))


def _rounded(value: float) -> float:
    """Down to 1, 2 or 5 times a power of ten."""
    unit = 10.0 ** math.floor(math.log10(value))
    return float(f"{unit * max(part for part in ROUND if part * unit <= value * (1 + 1e-9)):.1g}")
