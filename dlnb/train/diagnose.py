"""Errors for people: what was wrong with the data or the model, what was expected, what to do.

PyTorch's own messages name an operator deep inside; these name the thing the learner wrote.
"""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Batch, Task


class TrainingError(RuntimeError):
    """Training cannot go on; the run keeps the state it had after its last whole step."""


def check_model(model: nn.Module) -> None:
    """Refuse a model that cannot learn.

    Raises: TypeError if it is no module, ValueError if nothing in it can be trained.
    """
    if not isinstance(model, nn.Module):
        hint = " Make one: LeNet() instead of LeNet." if isinstance(model, type) else ""
        raise TypeError(f"the model must be a torch.nn.Module, got {model!r}.{hint}")
    parameters = list(model.parameters())
    name = type(model).__name__
    if not parameters:
        raise ValueError(
            f"{name} has no parameters, so there is nothing to train. Are its layers kept in a plain list? Use nn.ModuleList."
        )
    if not any(parameter.requires_grad for parameter in parameters):
        raise ValueError(
            f"all {len(parameters)} parameters of {name} are frozen (requires_grad=False): nothing would be trained."
        )


def check_first_batch(model: nn.Module, task: Task, batch: Batch) -> None:
    """Ask the model about two examples, so that what does not fit is said before training starts.

    The model must be in eval mode, gradients off. Raises: ValueError with the reason in words.
    """
    *inputs, target = _two_examples(batch)
    try:
        output = model(*inputs)
    except Exception as error:
        raise ValueError(_does_not_take(model, inputs, error)) from error
    try:
        loss = task.loss(output, target)
    except Exception as error:
        raise ValueError(explain(error, task, output, target) or _loss_failed(task, output, target, error)) from error
    if not isinstance(loss, Tensor) or loss.ndim:
        found = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise ValueError(
            f"the loss must give one number (a tensor of shape ()), but {_name(task.loss)} gave {found}. Take the mean."
        )
    if _compares_classes(task.loss) and (
        wrong := wrong_labels(output, _all_targets(task, target), _ignored(task.loss))
    ):
        raise ValueError(wrong)


def explain(error: Exception, task: Task, output: Any, target: Any) -> str | None:
    """In plain words why the loss could not be computed, where that is known."""
    if isinstance(output, Tensor) and isinstance(target, Tensor):
        if isinstance(error, IndexError) and (wrong := wrong_labels(output, target, _ignored(task.loss))):
            return wrong
        if output.ndim == 2 and target.ndim == 1 and target.is_floating_point() and isinstance(error, RuntimeError):
            return (
                f"the targets are {target.dtype}, but {_name(task.loss)} needs class numbers: "
                "targets.long() if they are class numbers, another loss if they are not."
            )
    return None


def wrong_labels(output: Any, target: Any, ignored: int = -100) -> str | None:
    """A sentence if class numbers do not fit the outputs (N, C), else None. ignored: a label that does not count."""
    if not (isinstance(output, Tensor) and isinstance(target, Tensor)) or output.ndim < 2:
        return None
    if target.is_floating_point() or target.is_complex() or target.ndim != output.ndim - 1 or not target.numel():
        return None
    classes = output.shape[1]
    labels = target[target != ignored]
    if not labels.numel():
        return None
    low, high = int(labels.min()), int(labels.max())
    if low >= 0 and high < classes:
        return None
    remedy = "Subtract 1." if (low, high) == (1, classes) else f"Give the model {high + 1} outputs, or mend the labels."
    if low < 0:
        remedy = "Labels count from 0; mend the negative ones."
    return f"labels run from {low} to {high} but the model has {classes} classes (0 to {classes - 1}). {remedy}"


def _compares_classes(loss: Any) -> bool:
    """Whether a loss takes class numbers below the number of outputs, as far as one can see."""
    if isinstance(loss, partial):
        loss = loss.func
    return loss in (F.cross_entropy, F.nll_loss) or isinstance(loss, (nn.CrossEntropyLoss, nn.NLLLoss))


def _ignored(loss: Any) -> int:
    """The label that cross-entropy leaves out."""
    if isinstance(loss, partial):
        return loss.keywords.get("ignore_index", _ignored(loss.func))
    return getattr(loss, "ignore_index", -100)


def _two_examples(batch: Batch) -> Batch:
    """The first two examples, where it is plain how to take them: all parts are tensors of one length."""
    lengths = {len(part) if isinstance(part, Tensor) and part.ndim else None for part in batch}
    return tuple(part[:2] for part in batch) if len(lengths) == 1 and None not in lengths else batch


def _all_targets(task: Task, target: Any) -> Any:
    """All the targets of a split in memory, else those at hand."""
    tensors = getattr(task.train, "tensors", None)
    return tensors[-1] if tensors else target


def _does_not_take(model: nn.Module, inputs: list[Any], error: Exception) -> str:
    shapes = ", ".join(f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else type(x).__name__ for x in inputs)
    hint = ""
    first = next(model.parameters(), None)
    if first is not None and any(isinstance(x, Tensor) and x.dtype == torch.uint8 for x in inputs):
        hint = " The inputs are uint8: turn them into floats, x.float() / 255."
    return (
        f"{type(model).__name__} does not take the task's inputs of shape {shapes} (the first number counts examples). "
        f"It said: {type(error).__name__}: {error}.{hint} "
        "Make the model's input fit this shape, or the task's data fit the model."
    )


def _loss_failed(task: Task, output: Any, target: Any, error: Exception) -> str:
    def shape(x: Any) -> str:
        return f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else type(x).__name__

    return (
        f"the loss {_name(task.loss)} could not compare outputs of shape {shape(output)} with targets of shape "
        f"{shape(target)}. It said: {type(error).__name__}: {error}"
    )


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)
