"""One look at a model: what every wanted layer gives for a batch, as pictures and numbers.

`look` makes one forward pass (a second one where parts are switched off, to compare), with hooks that are
gone when it returns. It changes neither weights nor gradients nor the reader's random numbers.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .layouts import batch_size, call_model, describe, main_tensor
from .recorder import Activity, Loss, Recorder
from .surgery import Off, switched_off


@dataclass
class Look:
    """One look at a model.

    activities: by path; a path that is missing was not called.
    answer: the model's output for the batch; measures: loss, accuracy, whatever was asked for.
    before, measures_before: the same with nothing switched off; None if nothing was.
    problems: what could not be computed, in words: gradients, the loss, a metric.
    """

    activities: dict[str, Activity]
    answer: Any
    measures: dict[str, float]
    before: Any = None
    measures_before: dict[str, float] | None = None
    problems: list[str] = field(default_factory=list)


class LookError(RuntimeError):
    """The model could not be looked at; the message names the layer in which it went wrong."""


def look(
    model: nn.Module,
    x: Any,
    paths: Collection[str],
    *,
    example: int = 0,
    calls: Mapping[str, int] | None = None,
    target: Any = None,
    loss: Loss | None = None,
    metrics: Mapping[str, Callable[[Any, Any], float]] | None = None,
    off: Sequence[Off] = (),
) -> Look:
    """Call the model on a batch, in the mode it is in, and see what its layers give.

    x: a batch: a tensor (B, …), a tuple of the model's inputs, or a dictionary of them by name.
    paths: the layers to look at, as in `model.get_submodule(path)`.
    example: which of the batch is pictured, from 0. calls: which call of a layer that is called
        several times, from 1; the last unless given.
    target, loss: with both, `loss(output, target)` is differentiated with respect to every layer's output.
    off: what is switched off.

    Raises: LookError if the model raises, with the layer's name.
    """
    size = batch_size(x)
    modules = {path: model.get_submodule(path) for path in paths}
    functions = {**({} if loss is None else {"loss": loss}), **(metrics or {})} if target is not None else {}
    problems: list[str] = []
    before, measures_before = None, None
    if off:
        with _same_random_numbers(model), _without_fast_paths(), torch.no_grad(), _naming(modules):
            before = call_model(model, _fresh(x))
        measures_before = _measures(before, target, functions, problems)
    recorder = Recorder(size, {id(modules[path]): call for path, call in (calls or {}).items() if path in modules})
    differentiate = loss is not None and target is not None
    with _same_random_numbers(model), _without_fast_paths(), switched_off(model, off):
        with torch.enable_grad() if differentiate else torch.no_grad(), _naming(modules):
            with recorder.hooked(modules.values(), keep_graph=differentiate):
                answer = call_model(model, _fresh(x, differentiate))
            if differentiate and loss is not None:
                recorder.differentiate(answer, target, loss, problems)
    with torch.no_grad():
        by_module = {key: recorder.activity(key, example) for key in recorder.records}
    activities = {path: by_module[id(module)] for path, module in modules.items() if id(module) in by_module}
    measures = _measures(answer, target, functions, problems)
    problems = list(dict.fromkeys(problems))
    return Look(activities, _detached(answer), measures, _detached(before), measures_before, problems)


def usual_loss(answer: Any, target: Any) -> Tensor:
    """The loss that goes with a target: cross-entropy for whole numbers, else the mean squared error.

    answer: (B, C), (B, C, …) or (B, T, C) for a target of (B,), (B, …) or (B, T).
    Raises: ValueError if the shapes fit neither.
    """
    logits, target = _logits_and_target(answer, target)
    if target.is_floating_point():
        return nn.functional.mse_loss(logits, target.to(logits.dtype))
    return nn.functional.cross_entropy(logits.float(), target.long())


def usual_accuracy(answer: Any, target: Any) -> float:
    """The share of right answers, for a target of classes. Raises: ValueError as `usual_loss`."""
    logits, target = _logits_and_target(answer, target)
    return (logits.argmax(1) == target).float().mean().item()


def _logits_and_target(answer: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Both as cross-entropy wants them: (B, C, …) and (B, …), or two of the same shape."""
    logits, _ = main_tensor(answer)
    if logits is None or not isinstance(target, Tensor):
        raise ValueError("the model gives no tensor, or y is none: give loss=, a function of both")
    if target.is_floating_point():
        fits = logits.shape == target.shape
    elif logits.ndim >= 2 and logits.shape[:1] + logits.shape[2:] == target.shape:
        fits = True
    else:
        fits = logits.ndim >= 2 and logits.shape[:-1] == target.shape
        logits = logits.movedim(-1, 1) if fits else logits
    if not fits:
        raise ValueError(
            f"y of shape {tuple(target.shape)} ({str(target.dtype).removeprefix('torch.')}) does not go with an output of "
            f"shape {tuple(logits.shape)}: give loss=, a function of both"
        )
    return logits, target


def _measures(
    answer: Any, target: Any, functions: Mapping[str, Callable[[Any, Any], Any]], problems: list[str]
) -> dict[str, float]:
    """The loss and the metrics of an answer; adds why one cannot be computed, in words."""
    result = {}
    with torch.no_grad():
        for name, function in functions.items():
            try:
                result[name] = float(function(answer, target))
            except Exception as error:
                problems.append(f"the {name} cannot be computed: {type(error).__name__}: {error}")
    return result


def _fresh(x: Any, differentiable: bool = False) -> Any:
    """A copy of the inputs, as a model may work on them in place; on request with gradients, as a frozen
    model has gradients of its layers too.
    """
    if isinstance(x, Tensor):
        return (x.detach().requires_grad_() if differentiable and x.is_floating_point() else x).clone()
    if isinstance(x, Mapping):
        return {key: _fresh(part, differentiable) for key, part in x.items()}
    return tuple(_fresh(part, differentiable) for part in x) if type(x) in (list, tuple) else x


def _detached(answer: Any) -> Any:
    tensor, _ = main_tensor(answer)
    return None if tensor is None else tensor.detach()


@contextmanager
def _naming(modules: Mapping[str, nn.Module]) -> Iterator[None]:
    """An error in the forward pass names the innermost of these modules that it went through."""
    inside: list[str] = []
    names = {id(module): f"{path or 'the model'} ({type(module).__name__})" for path, module in modules.items()}
    given: list[Any] = []

    def enter(module: nn.Module, inputs: Any) -> None:
        inside.append(names[id(module)])
        given.append(inputs)

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        inside.pop()
        given.pop()

    handles = []
    try:
        for module in {id(module): module for module in modules.values()}.values():
            handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
        yield
    except Exception as error:
        where = f" in {inside[-1]}, which got {describe(given[-1])}" if inside else ""
        raise LookError(f"{type(error).__name__}{where}: {error}") from error
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _same_random_numbers(model: nn.Module) -> Iterator[None]:
    """Each look draws the same numbers, so that looks can be compared, and the reader's own go on untouched."""
    devices = {p.device.index for p in model.parameters() if p.device.type == "cuda" and p.device.index is not None}
    with torch.random.fork_rng(devices=sorted(devices)):
        torch.default_generator.manual_seed(0)
        for device in devices:
            torch.cuda.default_generators[device].manual_seed(0)
        yield


@contextmanager
def _without_fast_paths() -> Iterator[None]:
    """PyTorch's transformer layers skip their parts in eval mode, which would hide them."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)
