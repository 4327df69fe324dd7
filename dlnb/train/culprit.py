"""Where a NaN came from: the first module that made one, found by doing the step again with hooks on every module."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .diagnose import TrainingError

What = Literal["weight", "buffer", "input", "target", "module", "loss", "gradient", "unknown"]


@dataclass(frozen=True)
class Culprit:
    """The first thing that was no number. what: its kind; name: of the module, parameter or part; words: a sentence."""

    what: What
    name: str
    words: str


class NotFiniteError(TrainingError):
    """The loss or a gradient was NaN or infinite, and the weights were left as they were before that step."""

    def __init__(self, message: str, culprit: Culprit, step: int, value: float) -> None:
        super().__init__(message)
        self.culprit = culprit
        self.step = step
        self.value = value


def not_finite_error(
    model: nn.Module,
    value: float,
    step: int,
    lr: float,
    inputs: list[Any],
    target: Any,
    loss: Callable[[Any, Any], Tensor],
    reseed: Callable[[], None] = lambda: None,
) -> NotFiniteError:
    """The error for a loss that is no number, naming what made it.

    step: the step that is being made. reseed: puts the random generators where that step began.
    """
    culprit = find_culprit(model, inputs, target, loss, reseed)
    begin = f"the loss became {_called(value)} at step {step}. {culprit.words} "
    if culprit.what == "weight":
        return NotFiniteError(
            begin + "Go back to a step before (run.seek), and look for a division by zero or the root of zero.",
            culprit,
            step,
            value,
        )
    words = f"I stopped before this step changed the weights: they are as after step {step - 1}."
    if culprit.what in ("module", "loss", "unknown"):
        words += (
            f" Often the steps are too big: the learning rate is {lr:g}, try run.set(lr={lr / 10:g}) and run.resume()."
        )
    return NotFiniteError(begin + words, culprit, step, value)


def bad_gradient_error(
    model: nn.Module,
    step: int,
    inputs: list[Any],
    target: Any,
    loss: Callable[[Any, Any], Tensor],
    reseed: Callable[[], None] = lambda: None,
) -> NotFiniteError:
    """The error for a gradient that is no number, naming the module whose backward made it, or what made the loss none."""
    before = find_culprit(model, inputs, target, loss, reseed)
    if before.what != "unknown":
        return NotFiniteError(
            f"the loss became NaN at step {step}. {before.words} I stopped before this step changed the weights: they are as "
            f"after step {step - 1}.",
            before,
            step,
            math.nan,
        )
    culprit = find_gradient_culprit(model, inputs, target, loss, reseed)
    return NotFiniteError(
        f"a gradient became NaN or infinite at step {step}, although the loss is a number. {culprit.words} "
        f"I stopped before this step changed the weights: they are as after step {step - 1}. Look there for the root or "
        "the logarithm of zero, or a division by zero: adding a small number such as 1e-8 inside helps.",
        culprit,
        step,
        math.nan,
    )


def bad_update_error(model: nn.Module, step: int, lr: float, batch: Any) -> NotFiniteError:
    """The error of a loop written by hand that is about to change the weights by a gradient that is no number.

    batch: what its data set gave last; the last part is taken for the target. The loss is the learner's own and not
    known here, so what the backward pass made is told by which gradients are bad.
    """
    *inputs, target = batch if isinstance(batch, (tuple, list)) and len(batch) > 1 else (batch, None)
    culprit = Culprit("unknown", "", "")
    with suppress(Exception):  # the learner's code may call the model in another way
        culprit = find_culprit(model, inputs, target, lambda output, target: torch.zeros(()))
    if culprit.what == "unknown":
        culprit = _bad_gradients(model)
    words = f"a gradient became NaN or infinite at step {step}. {culprit.words} "
    if culprit.what == "weight":
        return NotFiniteError(words + "Go back to a step before (run.seek).", culprit, step, math.nan)
    words += f"I stopped before this step changed the weights: they are as after step {step - 1}."
    if culprit.what in ("module", "gradient"):
        words += (
            f" Often the steps are too big: the learning rate is {lr:g}, try {lr / 10:g}. Else look there for the root or the"
            " logarithm of zero, or a division by zero."
        )
    return NotFiniteError(words, culprit, step, math.nan)


def _bad_gradients(model: nn.Module) -> Culprit:
    """Between which modules the gradients turned bad, from the gradients alone."""
    held = [(name, parameter.grad) for name, parameter in model.named_parameters() if parameter.grad is not None]
    bad = [name for name, gradient in held if not is_finite(gradient)]
    good = [name for name, gradient in held if name not in bad]
    if not bad:
        return Culprit("unknown", "", "Looked at once more, all gradients are numbers.")
    if not good:
        words = (
            "The gradients of all layers are bad: the bad number came from the loss, or from the last layer's output."
        )
        return Culprit("gradient", "loss", words)
    last = bad[-1].rpartition(".")[0] or bad[-1]
    words = f"The gradients of {', '.join(bad[:3])}{' …' if len(bad) > 3 else ''} are bad, those of {good[-1]} are not: it came from {last} or what comes right after it."
    return Culprit("gradient", last, words)


def sentinel(model: nn.Module) -> nn.Parameter | None:
    """A small parameter in front of the model, which a NaN in the backward pass reaches last but surely.

    Looking at its gradient before each update (1.5 µs) keeps such a NaN out of the weights.
    """
    for module in model.modules():
        own = [p for p in module.parameters(recurse=False) if p.requires_grad and p.numel()]
        if own:
            smallest = min(own, key=lambda parameter: parameter.numel())
            return smallest if smallest.numel() <= 65_536 else None
    return None


def find_culprit(
    model: nn.Module,
    inputs: list[Any],
    target: Any,
    loss: Callable[[Any, Any], Tensor],
    reseed: Callable[[], None] = lambda: None,
) -> Culprit:
    """The first part of a step that is not finite: weights, data, a module's output, or the loss.

    The forward pass is done again on the kept batch; the model and the random numbers are afterwards as before.
    """
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            words = (
                f"The weights {name} hold NaN or infinity since an earlier step, whose loss was a number although a "
                "gradient was not."
            )
            return Culprit("weight", name, words)
    for name, buffer in model.named_buffers():
        statistics = name.endswith(("running_mean", "running_var"))  # a mask may hold infinity
        if buffer.is_floating_point() and (buffer.isnan().any() or (statistics and buffer.isinf().any())):
            return Culprit("buffer", name, f"The running statistics {name} hold NaN or infinity since an earlier step.")
    for number, part in enumerate(_tensors(inputs)):
        if words := _bad_examples(part):
            which = "the input" if number == 0 else f"input {number + 1}"
            return Culprit("input", f"input {number + 1}", f"It was there before the model: in {which} {words}.")
    for part in _tensors([target]):
        if words := _bad_examples(part):
            return Culprit("target", "target", f"It was in the targets: {words}.")
    finder = _Forward(model)
    with _undone(model, reseed), finder.hooked(), torch.no_grad():
        output = model(*inputs)
        found = finder.found or finder.between(model, output)
        if found is None and not bool(loss(output, target).isfinite().all()):
            name = getattr(loss, "__name__", type(loss).__name__)
            found = Culprit(
                "loss", name, f"Every output of the model is a number; the loss {name} of them is not. Does it take a "
                "logarithm of 0, or divide by 0?"
            )  # fmt: skip
    return found or Culprit("unknown", "", "Done again, the same step gives numbers, so I cannot say what made it.")


def find_gradient_culprit(
    model: nn.Module,
    inputs: list[Any],
    target: Any,
    loss: Callable[[Any, Any], Tensor],
    reseed: Callable[[], None] = lambda: None,
) -> Culprit:
    """The module in whose backward pass a gradient is no number for the first time."""
    arrived: list[tuple[str, bool]] = []
    handles = []

    def hook(name: str) -> Callable[..., None]:
        def seen(module: nn.Module, arguments: Any, output: Any) -> None:
            for tensor in _tensors([output]):
                if tensor.requires_grad:
                    tensor.register_hook(lambda gradient: arrived.append((name, bool(gradient.isfinite().all()))))

        return seen

    for name, module in model.named_modules():
        if not next(module.children(), None):
            handles.append(module.register_forward_hook(hook(name or type(module).__name__)))
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    try:
        with _undone(model, reseed), torch.enable_grad():
            value = loss(model(*inputs), target)
            gradients = torch.autograd.grad(value, list(parameters.values()), allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    last = ""
    for name, finite in arrived:
        if not finite:
            if not last:
                return Culprit(
                    "gradient", "loss", "It comes from the loss: already the gradient of the outputs is none."
                )
            words = (
                f"The first bad number came from the backward pass of {last}, or of what lies between {name} and it."
            )
            return Culprit("gradient", last, words)
        last = name
    for (name, _), gradient in zip(parameters.items(), gradients, strict=True):
        if gradient is not None and not gradient.isfinite().all():
            return Culprit("gradient", name, f"The first bad number is in the gradient of {name}.")
    return Culprit("unknown", "", "Done again, the same step gives numbers, so I cannot say what made it.")


class _Forward:
    """Hooks on all modules, which note the first output that is not finite."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.found: Culprit | None = None
        self._last = ""

    @contextmanager
    def hooked(self) -> Iterator[None]:
        names = {module: name or type(module).__name__ for name, module in self.model.named_modules()}
        handles = [
            module.register_forward_hook(self._hook(name)) for module, name in names.items() if module is not self.model
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, name: str) -> Callable[..., None]:
        def seen(module: nn.Module, arguments: Any, output: Any) -> None:
            if self.found is not None:
                return
            if all(map(is_finite, _tensors([output]))):
                self._last = name
                return
            kind = type(module).__name__
            if all(map(is_finite, _tensors(list(arguments)))):
                words = (
                    f"The first bad number came from {name} ({kind}): what went in was finite, what came out was not."
                )
                self.found = Culprit("module", name, words)
            else:
                self.found = self._before(name)

        return seen

    def _before(self, name: str) -> Culprit:
        """Something that is no module of its own made it, in the forward of a module around."""
        around = name.rpartition(".")[0]
        where = around or type(self.model).__name__
        after = f" and after {self._last}" if self._last else ""
        words = f"The first bad number was made in the forward of {where}, before {name}{after}."
        return Culprit("module", where, words)

    def between(self, model: nn.Module, output: Any) -> Culprit | None:
        """The model's own forward made it after the last module inside."""
        if all(map(is_finite, _tensors([output]))):
            return None
        name = type(model).__name__
        after = f", after {self._last}" if self._last else ""
        return Culprit("module", name, f"The first bad number was made in the forward of {name} itself{after}.")


@contextmanager
def _undone(model: nn.Module, reseed: Callable[[], None]) -> Iterator[None]:
    """A forward pass inside leaves no trace: buffers and random numbers are as before."""
    with torch.no_grad():
        buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    with torch.random.fork_rng():
        reseed()
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)


def _tensors(parts: Any) -> Iterator[Tensor]:
    if isinstance(parts, Tensor):
        yield parts
    elif isinstance(parts, dict):
        yield from _tensors(list(parts.values()))
    elif isinstance(parts, (list, tuple)):
        for part in parts:
            yield from _tensors(part)


def is_finite(tensor: Tensor) -> bool:
    """Whether every number of a tensor is one; also of a sparse tensor."""
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    return not (tensor.is_floating_point() or tensor.is_complex()) or bool(tensor.isfinite().all())


def _bad_examples(tensor: Tensor) -> str:
    """How much of a tensor is no number, in words; empty if all of it is."""
    if is_finite(tensor):
        return ""
    bad = ~tensor.isfinite()
    count, kind = int(bad.sum()), "NaN" if bool(tensor.isnan().any()) else "infinite"
    where = (
        f"; the first is example {int(bad.reshape(len(bad), -1).any(1).int().argmax())} of the batch"
        if tensor.ndim
        else ""
    )
    return f"{count} of {tensor.numel()} numbers {'is' if count == 1 else 'are'} {kind}{where}"


def _called(value: float) -> str:
    return "NaN" if value != value else "infinite"
