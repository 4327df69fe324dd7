"""Measuring a model on a split: eval mode, no gradients, and everything put back as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..task import Batch, Task
from .diagnose import TrainingError

PLAIN = (int, float, bool, str, type(None))  # attributes of a module that `forward` may change


@contextmanager
def evaluating(*models: Any) -> Iterator[None]:
    """Modules in eval mode and no gradients inside; modes, buffers and plain attributes are as they were afterwards.

    So looking at a model never changes how its training goes on, whatever its `forward` keeps. What is no module
    (a loss that is a function) is left out.
    """
    modules = [part for model in models if isinstance(model, nn.Module) for part in model.modules()]
    attributes = [{key: value for key, value in part.__dict__.items() if type(value) in PLAIN} for part in modules]
    buffers = [
        (part, name, buffer, buffer.clone())
        for part in modules
        for name, buffer in part._buffers.items()
        if buffer is not None
    ]
    for model in models:
        if isinstance(model, nn.Module):
            model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, kept in zip(modules, attributes, strict=True):
            part.__dict__.update(kept)
        for part, name, buffer, value in buffers:
            part._buffers[name] = buffer
            buffer.copy_(value)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on `device`."""
    return batch if device.type == "cpu" else tuple(_moved(part, device) for part in batch)


def _moved(part: Any, device: torch.device) -> Any:
    if isinstance(part, Tensor):
        return part.to(device, non_blocking=True)
    if isinstance(part, dict):
        return {key: _moved(value, device) for key, value in part.items()}
    if type(part) in (list, tuple):
        return type(part)(_moved(value, device) for value in part)
    return part


def evaluate(model: nn.Module, task: Task, name: str, device: torch.device, seed: int = 0) -> dict[str, float]:
    """The loss and every metric of the task on a split: `{"loss": 0.03, "accuracy": 0.99}`.

    The loss is the mean over examples; a metric sees all outputs (or what `task.predict` makes of them) and targets of the
    split at once: joined along the first dimension, also inside tuples and dictionaries.

    Raises: ValueError if there is no such split, TrainingError if a metric raises.
    """
    split = task.split(name)
    outputs, targets, total, count = [], [], 0.0, 0
    with evaluating(model, task.loss):
        for position in range(len(split)):
            *inputs, target = to_device(split.batch(seed, 0, position), device)
            output = model(*inputs)
            size = _examples(target) or _examples(tuple(inputs)) or 1
            total += task.loss(output, target).item() * size
            count += size
            if task.metrics:
                outputs.append(output if task.predict is None else task.predict(model, tuple(inputs), output))
                targets.append(target)
        result = {"loss": total / count}
        if task.metrics:
            all_outputs, all_targets = _joined(outputs, "outputs", name), _joined(targets, "targets", name)
        for metric, function in task.metrics.items():
            try:
                result[metric] = float(function(all_outputs, all_targets))
            except Exception as error:
                raise TrainingError(
                    f"the metric {metric!r} raised {type(error).__name__} on the {name} split: {error}. It was called with "
                    f"outputs {_shape(all_outputs)} and targets {_shape(all_targets)}. The training itself is "
                    f"unharmed: mend or remove task.metrics[{metric!r}], then run.resume()."
                ) from error
    return result


def _examples(part: Any) -> int:
    """How many examples a part of a batch holds; 0 if it does not say."""
    if isinstance(part, Tensor):
        return len(part) if part.ndim else 0
    if isinstance(part, dict):
        part = tuple(part.values())
    if isinstance(part, tuple):
        return next(filter(None, map(_examples, part)), 0)
    return len(part) if isinstance(part, list) else 0


def _joined(parts: list[Any], what: str, split: str) -> Any:
    """What the batches of a split gave, as if it had been one batch."""
    first = parts[0]
    if isinstance(first, dict):
        return {key: _joined([part[key] for part in parts], what, split) for key in first}
    if isinstance(first, tuple):
        return tuple(_joined(list(column), what, split) for column in zip(*parts, strict=True))
    if isinstance(first, list):
        return [example for part in parts for example in part]
    if not isinstance(first, Tensor) or not first.ndim:
        return parts
    try:
        return torch.cat(parts)
    except RuntimeError as error:
        raise TrainingError(
            f"the {what} of the {split} split cannot be joined for the metrics, as their shapes differ between batches "
            f"({error}). Pad them to one length, or leave the metrics out."
        ) from error


def _shape(joined: Any) -> str:
    return str(tuple(joined.shape)) if isinstance(joined, Tensor) else f"in a {type(joined).__name__}"
