"""The loop itself: one step after the other, with nothing of threads, controls or views.

`Loop.advance` is the algorithm; `Run` decides when it is called. What decides the next step is all here, so that a
snapshot (`state.py`) is a snapshot of a loop.
"""

import copy
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..task import Task, reader
from .culprit import Culprit, NotFiniteError, bad_gradient_error, is_finite, not_finite_error, sentinel
from .diagnose import explain
from .evaluate import evaluate, to_device
from .history import History
from .observe import Observer
from .randomness import Randomness, readers_random

OFF = math.inf  # the clipping that clips nothing


@dataclass(frozen=True)
class OwnKnob:
    """A knob that the learner's own code reads."""

    value: float
    low: float
    high: float

    def at(self, value: float) -> "OwnKnob":
        """The same knob at another value."""
        return replace(self, value=value)


_here = threading.local()


def use_loop(loop: "Loop") -> None:
    """Say whose steps this thread makes now."""
    _here.loop = loop


def current_loop() -> "Loop | None":
    """The loop whose steps this thread makes now; None outside the thread that trains."""
    return getattr(_here, "loop", None)


class Loop:
    """A model, a task and an optimiser, and how many steps they have made.

    scheduler: stepped after each step, unless `held`. validate_every: steps between two looks at the validation
    split; None for the end of each epoch. clip: the largest norm of all gradients together.
    """

    keeps_gradients = False  # what a step leaves in .grad does not matter to the next one
    is_wary = False  # whether every loss and every gradient is looked at before it changes the weights

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        optimizer: Optimizer,
        *,
        scheduler: LRScheduler | None = None,
        seed: int = 0,
        epochs: int = 1,
        validate_every: int | None = None,
        clip: float = OFF,
    ) -> None:
        self.model = model
        self.task = task
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.held = False
        self.lr_scale = 1.0
        self.seed = seed
        self.epochs = epochs
        self.validate_every = validate_every
        self.clip = clip
        self.own_knobs: dict[str, OwnKnob] = {}
        self.batches: Any = reader(task.train)
        self.batch_size: int | None = getattr(self.batches, "size", None) if hasattr(self.batches, "cut") else None
        self.steps = 0
        self.epoch = 0
        self.seconds = 0.0  # of training that led here
        self.place = 0  # in the epoch: examples where the batch size can change, else batches
        self.device = next(model.parameters()).device
        self._on_cpu = self.device.type == "cpu"
        self._clears_itself = type(optimizer).zero_grad is Optimizer.zero_grad
        self._epoch_length: int = len(self.batches) if self.batch_size is None else getattr(self.batches, "examples")  # noqa: B009
        self._generators = [torch.default_generator]
        if self.device.type == "cuda":
            self._generators.append(torch.cuda.default_generators[self.device.index or 0])
        self.randomness = Randomness(seed)
        self.observer: Observer | None = None
        self.history = History()
        self.history.add("lr", 0, self.lr)
        self._late: list[tuple[int, Tensor]] = []
        self._modes: list[tuple[nn.Module, bool]] | None = None
        self.look_for_sentinel()

    def advance(self, record: bool = True) -> float | None:
        """Make one optimiser update. Returns its loss, or None where losses are read late (not on the CPU).

        record: whether to write to the history and to validate when that is due; not when steps are made again.

        Raises: NotFiniteError before the weights change if the loss or a gradient is no number; ValueError in words
        where the data does not fit the loss; else what the model, the loss or the data raised.
        """
        self.seed_step()
        *inputs, target = self._next_batch()
        observer = self.observer
        if observer is not None and self.steps + 1 < observer.next_step:
            observer = None
        if observer is not None:
            observer.begin(self, inputs, target)
        try:
            self._clear_gradients()
            output = self.model(*inputs)
            loss = self._compare(output, target)
            value = self._read_loss(loss, inputs, target)
            if observer is not None:
                observer.seen(output, loss)
            loss.backward()
            self._check_gradients(inputs, target)
            if observer is not None:
                observer.differentiated()
            if self.clip != OFF:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.optimizer.step()
        except BaseException:
            if observer is not None:
                observer.abandon()
            raise
        if record and value is not None:
            # Before the step counts: whoever reads `steps` on another thread finds the losses of all of them.
            self.history.add("loss", self.steps + 1, value)
        self._move_on()
        if self.scheduler is not None and not self.held:
            self.scheduler.step()
        if observer is not None:
            observer.end()
        if record:
            self._record()
        return value

    def validate(self) -> None:
        """Record loss and metrics of the validation split, if there is one and it was not just done."""
        done = "valid_loss" in self.history and self.history.steps("valid_loss")[-1] == self.steps
        if self.task.valid is None or done:
            return
        with readers_random():  # a step draws the same numbers whether or not it was validated before
            measured = evaluate(self.model, self.task, "valid", self.device)
        for name, value in measured.items():
            self.history.add(f"valid_{name}", self.steps, value)

    # Where it is.

    @property
    def lr(self) -> float:
        """The learning rate of the first parameter group."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def steps_per_epoch(self) -> int:
        """Steps in a whole epoch at the present batch size."""
        return -(-self._epoch_length // self._stride)

    @property
    def total_steps(self) -> int:
        """Steps planned in all, those made included."""
        if self.epoch >= self.epochs:
            return self.steps
        rest_of_epoch = -(-(self._epoch_length - self.place) // self._stride)
        return self.steps + rest_of_epoch + (self.epochs - self.epoch - 1) * self.steps_per_epoch

    @property
    def _stride(self) -> int:
        return 1 if self.batch_size is None else self.batch_size

    # State, for snapshots.

    @property
    def optimizers(self) -> list[Optimizer]:
        """Every optimiser of the loop."""
        return [self.optimizer]

    @property
    def modules(self) -> list[tuple[str, nn.Module]]:
        """Every module with state that decides the next step, and what its tensors are called after."""
        loss = self.task.loss
        return [("model", self.model), *([("loss", loss)] if isinstance(loss, nn.Module) else [])]

    def plain(self) -> dict[str, Any]:
        """What is neither tensor nor optimiser."""
        return {
            "steps": self.steps,
            "seconds": self.seconds,
            "epoch": self.epoch,
            "place": self.place,
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "clip": self.clip,
            "held": self.held,
            "lr_scale": self.lr_scale,
            "own_knobs": {name: (own.value, own.low, own.high) for name, own in self.own_knobs.items()},
        }

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over what `plain` gave."""
        for name, value in plain.items():
            setattr(self, name, value)
        self.own_knobs = {name: OwnKnob(*numbers) for name, numbers in plain["own_knobs"].items()}
        self.look_for_sentinel()

    def copy(self) -> "Loop":
        """A loop of its own in the same state, with an empty history; whatever looks on stays with this one.

        Raises: TypeError in words if the model cannot be copied.
        """
        try:
            with _without_our_hooks(self.model):
                model, optimizer, scheduler = copy.deepcopy((self.model, self.optimizer, self.scheduler))
        except Exception as error:
            raise TypeError(
                f"this {type(self.model).__name__} cannot be copied: {type(error).__name__}: {error}. A tensor that a step "
                "computed may be kept as an attribute: keep tensor.detach() instead."
            ) from error
        task = copy.copy(self.task)
        if isinstance(self.task.loss, nn.Module):
            task.loss = copy.deepcopy(self.task.loss)
        other = Loop(model, task, optimizer, scheduler=scheduler, seed=self.seed, validate_every=self.validate_every)
        other.load_plain(copy.deepcopy(self.plain()))
        other.randomness = self.randomness.copy()
        other.history = History()
        if self._modes is not None:
            names = dict(self.model.named_modules())
            training = {name: mode for (name, _), (_, mode) in zip(names.items(), self._modes, strict=True)}
            for name, module in model.named_modules():
                module.training = training[name]
        return other

    def rest(self) -> None:
        """Leave the model in eval mode, as one wants it after training; `wake` brings each module's mode back."""
        if self._modes is None:
            self._modes = [(module, module.training) for module in self.model.modules()]
            self.model.eval()

    def wake(self) -> None:
        """Each module in the mode that it trains in."""
        if self._modes is not None:
            for module, training in self._modes:
                module.training = training
            self._modes = None

    @contextmanager
    def awake(self) -> Iterator[None]:
        """The modules in the modes they train in inside, for a snapshot of a loop that rests."""
        resting = self._modes is not None
        self.wake()
        try:
            yield
        finally:
            if resting:
                self.rest()

    # The parts of a step.

    def seed_step(self) -> None:
        """Make all randomness of a step a function of (seed, step): dropout, augmentation, noise.

        Whatever else draws random numbers between two steps then changes nothing.
        """
        seed = (self.seed * 0x9E3779B1 + (self.steps + 1) * 0x85EBCA6B) & 0xFFFFFFFF
        for generator in self._generators:
            generator.manual_seed(seed)

    def look_for_sentinel(self) -> None:
        """Choose anew the parameter whose gradient tells of a NaN in the backward pass, as other layers may learn now."""
        self.sentinel = sentinel(self.model)

    def read_late_losses(self) -> None:
        """Record the losses that were left on a device. Raises: NotFiniteError if one is no number."""
        if not self._late:
            return
        late, self._late = self._late, []
        for (step, _), value in zip(late, torch.stack([loss for _, loss in late]).tolist(), strict=True):
            self.history.add("loss", step, value)
            if not math.isfinite(value):
                raise NotFiniteError(
                    f"the loss became {value} at step {step}. On this device losses are read together, and by now the "
                    f"weights have been updated {self.steps - step + 1} more times: begin again with a lower learning rate.",
                    Culprit("weight", "", "The weights were updated meanwhile."),
                    step,
                    value,
                )

    def drop_late_losses(self) -> None:
        """Forget losses of steps that were made again: they are recorded already."""
        self._late = []

    def _next_batch(self) -> Any:
        if self.batch_size is None:
            batch = self.batches.batch(self.seed, self.epoch, self.place)
        else:
            batch = self.batches.cut(self.seed, self.epoch, self.place, self.batch_size)
        return batch if self._on_cpu else to_device(batch, self.device)

    def _clear_gradients(self) -> None:
        """What `optimizer.zero_grad()` does, without the ten microseconds that its profiler's mark takes."""
        if not self._clears_itself:
            self.optimizer.zero_grad()
            return
        for group in self.optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _compare(self, output: Any, target: Any) -> Tensor:
        try:
            return self.task.loss(output, target)
        except Exception as error:
            if words := explain(error, self.task, output, target):
                raise ValueError(words) from error
            raise

    def _read_loss(self, loss: Tensor, inputs: list[Any], target: Any) -> float | None:
        """The loss of the step that is being made, refused before the weights change if it is no number.

        None on another device than the CPU: reading it would wait, so the losses of a turn are read together.
        """
        if not self._on_cpu and not self.is_wary:
            self._late.append((self.steps + 1, loss.detach()))
            return None
        value = loss.item()
        if not math.isfinite(value):
            step, loss_of = self.steps + 1, self.task.loss
            raise not_finite_error(self.model, value, step, self.lr, inputs, target, loss_of, self.seed_step)
        return value

    def _check_gradients(self, inputs: list[Any], target: Any) -> None:
        """Refuse a gradient that is no number before the weights change.

        On the CPU that of one small parameter is looked at, which nearly every NaN of the backward pass reaches; all of
        them where the loop is wary. On other devices looking would wait.
        """
        if self.is_wary:
            gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
            fine = all(map(is_finite, gradients))
        elif self._on_cpu and self.sentinel is not None and self.sentinel.grad is not None:
            fine = math.isfinite(self.sentinel.grad.sum().item()) or is_finite(self.sentinel.grad)  # a sum may overflow
        else:
            return
        if not fine:
            raise bad_gradient_error(self.model, self.steps + 1, inputs, target, self.task.loss, self.seed_step)

    def _move_on(self) -> None:
        self.steps += 1
        self.place += self.batch_size or 1
        if self.place >= self._epoch_length:
            self.epoch += 1
            self.place = 0

    def _record(self) -> None:
        if self.scheduler is not None and not self.held:
            self.history.add("lr", self.steps, self.lr)
        if self.place == 0 if self.validate_every is None else self.steps % self.validate_every == 0:
            self.validate()


@contextmanager
def _without_our_hooks(model: nn.Module) -> Iterator[None]:
    """None of dlnb's own hooks inside: a copy must not call back the views of the original."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    kept = [(module, kind, hooks) for module in model.modules() for kind in kinds if (hooks := getattr(module, kind))]
    for module, kind, hooks in kept:
        others = {number: hook for number, hook in hooks.items() if not _is_ours(hook)}
        module.__dict__[kind] = type(hooks)(others)
    try:
        yield
    finally:
        for module, kind, hooks in kept:
            module.__dict__[kind] = hooks


def _is_ours(hook: Any) -> bool:
    function = getattr(hook, "func", hook)  # of a partial
    return str(getattr(function, "__module__", type(function).__module__)).startswith("dlnb.")
