"""Keeps what the layers of a model give in one forward pass, and makes numbers and pictures of it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .layouts import batch_axis, describe, main_tensor, one_example, same_shape_as, unit_axis
from .pictures import Picture

STATISTICS = 2_000_000  # values that the numbers of a layer are taken from at most

Loss = Callable[[Any, Any], Tensor]


@dataclass
class Activity:
    """What one layer gave in one look.

    calls: how often it was called, call: which of these is shown, from 1.
    shape: of its output, in words; taken: which part of the output is shown, if it has several.
    picture: one example; gradient: of the loss with respect to it, if a loss was given.
    axis: along which the output's units lie (channels, features), units: how many.
    mean, std, low, high: over the finite values of the batch; zeros: share of exact zeros;
    bad: how many values are NaN or infinite; peaks: (units,) the largest size of each unit's values
        over the batch. A unit whose peak is 0 is dead for this batch.
    gradient_norm: Euclidean norm of the gradient over the whole batch; NaN without one.
    """

    calls: int
    call: int
    shape: str
    taken: str = ""
    problem: str = ""
    picture: Picture | None = None
    gradient: Picture | None = None
    axis: int = 1
    units: int = 0
    mean: float = float("nan")
    std: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    zeros: float = float("nan")
    bad: int = 0
    peaks: Tensor = field(default_factory=lambda: torch.zeros(0))
    gradient_norm: float = float("nan")

    @property
    def dead(self) -> int:
        """Units that gave exactly 0 for every example."""
        return int((self.peaks == 0).sum())


class Recorder:
    """Keeps what the wanted modules give in one forward pass."""

    def __init__(self, size: int | None, calls: Mapping[int, int]) -> None:
        self.size = size
        self.calls = calls
        self.records: dict[int, _Record] = {}
        self._axes: dict[int, int] = {}  # of tensors seen, by id; they are kept alive by `_seen`
        self._seen: list[Tensor] = []

    @contextmanager
    def hooked(self, modules: Collection[nn.Module], keep_graph: bool) -> Iterator[None]:
        """Inside, what these modules give is kept; with its graph, where gradients are wanted."""

        def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
            return self.record(module, inputs, output, keep_graph)

        handles = []
        try:
            for module in {id(module): module for module in modules}.values():
                handles.append(module.register_forward_hook(hook))
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._axes.clear()
            self._seen.clear()

    def record(self, module: nn.Module, inputs: Any, output: Any, keep_graph: bool) -> Any:
        """Keep the output of one call; returns what takes its place, or None."""
        count = self.records[id(module)].count + 1 if id(module) in self.records else 1
        wanted = self.calls.get(id(module))
        if wanted is not None and count > 1 and count != wanted:
            self.records[id(module)].count = count
            return None
        tensor, taken = main_tensor(output)
        axis = 1
        if tensor is not None:
            inherited = self._axes.get(id(tensor), self._axes.get(id(same_shape_as(inputs, tensor))))
            axis = unit_axis(module, tensor, inherited)
            self._axes[id(tensor)] = axis
            self._seen.append(tensor)
        changed = None
        if tensor is not None:
            if keep_graph and tensor is output and tensor.requires_grad:
                # What follows gets a copy, so that a layer that works in place changes neither value nor gradient here.
                changed = tensor.clone()
                self._axes[id(changed)] = axis
                self._seen.append(changed)
            else:
                tensor = tensor.detach().clone() if not keep_graph else tensor
        batch = None if tensor is None else batch_axis(module, tensor, self.size)
        self.records[id(module)] = _Record(count, count, describe(output), taken, tensor, axis, batch)
        return changed

    def differentiate(self, answer: Any, target: Any, loss: Loss, problems: list[str]) -> None:
        """The gradient of the loss with respect to each record; adds why there is none, in words."""
        try:
            value = loss(answer, target)
        except Exception:  # said once, by `_measures`
            return
        records = self.records.values()
        wanted = [record for record in records if record.tensor is not None and record.tensor.requires_grad]
        if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad or not wanted:
            problems.append("no gradients: the loss is no single number that depends on a layer shown")
            return
        try:
            tensors = [record.tensor for record in wanted if record.tensor is not None]
            gradients = torch.autograd.grad(value.reshape(()), tensors, allow_unused=True)
        except RuntimeError as error:
            problems.append(f"no gradients: {error}")
            return
        for record, gradient in zip(wanted, gradients, strict=True):
            record.gradient = gradient

    def activity(self, key: int, example: int) -> Activity:
        """What is shown of a record."""
        record = self.records[key]
        activity = Activity(record.count, record.call, record.shape, record.taken, axis=record.axis)
        if record.tensor is None:
            activity.problem = "it gave no tensor"
            return activity
        try:
            tensor = _plain(record.tensor)
            _measure(activity, tensor, record.batch_axis)
            activity.picture = one_example(tensor, record.batch_axis, record.axis, example)
            if record.gradient is not None:
                gradient = _plain(record.gradient)
                activity.gradient = one_example(gradient, record.batch_axis, record.axis, example)
                activity.gradient_norm = gradient.norm().item()
        except (RuntimeError, NotImplementedError) as error:  # nested, sparse and quantised tensors lack operations
            activity.problem = f"its output cannot be shown: {error}"
        return activity


@dataclass
class _Record:
    count: int
    call: int
    shape: str
    taken: str
    tensor: Tensor | None
    axis: int
    batch_axis: int | None
    gradient: Tensor | None = None


def _measure(activity: Activity, tensor: Tensor, batch: int | None) -> None:
    """The numbers of a layer's output, of any shape."""
    if tensor.numel() == 0:
        activity.problem = "its output is empty"
        return
    if tensor.ndim and tensor.numel() > STATISTICS:
        tensor = tensor[: max(1, len(tensor) * STATISTICS // tensor.numel())]
    sizes = tensor.abs()
    if tensor.ndim > 1:
        activity.peaks = sizes.movedim(activity.axis, 0).flatten(1).amax(1).cpu()
    else:  # one number for each example: one unit
        activity.peaks = (sizes.amax().reshape(1) if batch is not None else sizes.reshape(-1)).cpu()
    activity.units = len(activity.peaks)
    finite = tensor.isfinite()
    activity.bad = int(tensor.numel() - finite.sum())
    good = tensor[finite] if activity.bad else tensor
    if good.numel():
        # In float64: the sum of a million large float32 squares overflows.
        numbers = torch.stack([good.double().mean(), good.double().std(correction=0), good.min(), good.max()])
        activity.mean, activity.std, activity.low, activity.high = numbers.tolist()
        activity.zeros = (good == 0).double().mean().item()


def _plain(tensor: Tensor) -> Tensor:
    """The tensor as an ordinary one of float32 numbers."""
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_complex():
        tensor = tensor.abs()
    return tensor.float()
