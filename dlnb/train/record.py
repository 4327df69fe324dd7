"""`dl.record`: one line around a loop that you wrote, and it can be paused, steered, watched and taken back.

The steps are made by your code, in your cell's thread. What is asked for takes effect at the end of a pass of the loop;
going back puts a snapshot back and lets your own code make the steps from there again.
"""

import math
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from .culprit import bad_update_error, is_finite
from .diagnose import check_model
from .engine import ENGINE, SLICE
from .handloop import HandLoop
from .loop import OFF, use_loop
from .run import Run
from .timeline import Event, Line, Timeline

LOOK_AROUND = 0.002  # seconds after which the loop looks around although nobody asked for anything
CHECK_DEVICE = 50  # steps between two looks at the gradients where looking makes the device wait


class Stopped(Exception):
    """The loop was told to stop; `with dl.record(…)` takes it to its end without an error."""


def record(
    model: nn.Module,
    optimizer: Optimizer | list[Optimizer],
    *,
    scheduler: LRScheduler | None = None,
    also: tuple[nn.Module, ...] | list[nn.Module] = (),
    name: str = "a loop of your own",
    memory: int | None = None,
) -> "Recording":
    """Put a training loop that you wrote into a run::

        with dl.record(model, optimizer) as run:
            dl.watch(run)
            for x, y in run.loop(loader, epochs=3):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                run.log(loss=loss)

    It trains in your cell, as without it and with the same numbers. Pause, step, stop, knobs, history and seek work from
    the dashboard and from other threads; so does going back while the loop goes on.

    scheduler: the one that you step, so that going back finds its place too. also: further modules with state, such as
    an average of the weights. memory: bytes for snapshots, as in `dl.fit`.

    Raises: TypeError or ValueError in words if the model or the optimiser is none.
    """
    check_model(model)
    optimizers = list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
    if not optimizers or not all(isinstance(one, Optimizer) for one in optimizers):
        raise TypeError(f"the optimiser must be a torch.optim.Optimizer or a list of them, got {optimizer!r}")
    held = {id(parameter) for one in optimizers for group in one.param_groups for parameter in group["params"]}
    if not any(id(parameter) in held for parameter in model.parameters()):
        raise ValueError(
            f"the optimiser holds no parameter of this {type(model).__name__}: was it made for another model?"
        )
    if scheduler is None and any(hasattr(one.step, "_wrapped_by_lr_sched") for one in optimizers):
        warnings.warn(
            "a scheduler steers this optimiser: give it too, dl.record(model, optimizer, scheduler=scheduler), "
            "or seeking back will not find its place",
            stacklevel=2,
        )
    return Recording(HandLoop(model, optimizers, scheduler, tuple(also), name), memory)


class Recording(Run):
    """A run whose steps are made by a loop that somebody wrote; `dl.record` makes one."""

    _loop: HandLoop

    def __init__(self, loop: HandLoop, memory: int | None = None) -> None:
        super().__init__(loop, threads=torch.get_num_threads(), timeline=Timeline(memory))
        self._thread: int | None = None  # of the loop, while it goes round
        self._in_loop = False
        self._hooks: list[Any] = []
        self._pass_step = 1  # the step that this pass of the loop makes
        self._stepped = False
        self._interrupted = False
        self._batch: Any = None  # of this pass
        self._began = 0.0

    # In the learner's cell.

    def __enter__(self) -> "Recording":
        if self._hooks:
            raise RuntimeError("this recording is open already")
        self._thread = threading.get_ident()
        for optimizer in self._loop.optimizers[:1]:
            self._hooks += [
                optimizer.register_step_pre_hook(self._before_update),
                optimizer.register_step_post_hook(self._after_update),
            ]
        self._loop.look_for_sentinel()
        self._began = time.perf_counter()
        self.health.before_start()
        self._go()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        for hook in self._hooks:
            hook.remove()
        self._loop.clearing.stop()
        self._hooks, self._thread, self._batch = [], None, None
        if error is None or kind is Stopped:
            if self.state != "done":
                self.health.at_end()
                self._become("done")
        elif kind is KeyboardInterrupt:
            self._become("paused")
        else:
            self._traceback = "".join(traceback.format_exception(error))
            self.error = error
            self.health.failed(error) if isinstance(error, Exception) else None
            self._become("failed")
        if self._commands:
            ENGINE.wake(self)
        return kind is Stopped

    def loop(self, loader: Any, epochs: int = 1) -> Iterator[Any]:
        """The batches of a loader, `epochs` times over; between two of them the run does what it was asked for.

        loader: a `DataLoader`, or anything that can be read again and gives the same batches for the same random numbers.
        Raises: RuntimeError outside the `with` block, ValueError if the loader is empty.
        """
        if self._thread is None:
            raise RuntimeError("the loop belongs into its block: `with dl.record(model, optimizer) as run:`")
        self._loop.read(loader, epochs)
        return self._passes()

    def _passes(self) -> Iterator[Any]:
        loop = self._loop
        with ExitStack() as at_end:
            self._in_loop = True
            at_end.callback(self._leave_loop)
            at_end.enter_context(self._interrupts_between_passes())
            at_end.enter_context(ENGINE.hold())
            self._trail.snapshot_if_due()
            while True:
                if not self._nothing_to_do:
                    self._between_passes()
                    if self.state == "done":
                        return
                try:
                    batch = loop.next_batch()
                except StopIteration:
                    return
                use_loop(loop)
                self._pass_step, self._batch = loop.steps + 1, batch
                observer = loop.observer
                if observer is not None and loop.steps + 1 >= observer.next_step:
                    self._begin_observing(batch)
                began = time.perf_counter()
                yield batch
                loop.place += 1
                self._now = time.perf_counter()
                loop.seconds += self._now - began
                self._after_pass()

    def log(self, **values: Any) -> None:
        """Record numbers of this step: `run.log(loss=loss, accuracy=0.9)`. Tensors of one element are read at once."""
        if self._in_loop:
            step = self._pass_step
        else:
            step = self._loop.steps if self._stepped else self._loop.steps + 1
            self._stepped = False
        trail = self._trail
        if trail.target is not None or not trail.line.ahead.is_empty:
            if "loss" in values:
                trail.compare_at(step, _number(values["loss"]))
            if trail.target is not None:
                return  # a step that is made again has been recorded
        add = self._loop.history.add
        for name, value in values.items():
            add(name, step, value if type(value) is float else _number(value))

    def __repr__(self) -> str:
        return f"Recording({type(self.model).__name__} in {self.task.name}: {self.state}, step {self.steps})"

    # Between two passes of the loop.

    @property
    def _nothing_to_do(self) -> bool:
        """Whether the loop may go straight on: nobody asked for anything, and it has looked around a moment ago."""
        return (
            self._now < self._look_at
            and not self._commands
            and not self._interrupted
            and self._pause_at is None
            and self.state == "running"
            and self._arriving is None
            and self._trail.target is None
            and not self._trail.is_behind
        )

    def _between_passes(self) -> None:
        """Take a snapshot, do what was asked for, and wait here while the run is paused."""
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt(f"the loop stopped between two steps, after step {self.steps}")
        use_loop(self._loop)
        trail = self._trail
        if trail.target is not None:
            self._on_the_way()
            return
        begin = trail.cost
        trail.snapshot_if_due()
        self.observed += trail.cost - begin
        trail.obey()
        trail.drop_what_is_passed()
        while True:
            self._obey()
            if self._pause_at is not None and self.steps >= self._pause_at and self.state == "running":
                self._pause_at = None
                self._become("paused")
            if self.state != "paused" or self._arriving is not None:
                break
            if self._interrupted:
                break
            with self._settled:
                if not self._commands:
                    self._settled.wait(0.05)
            ENGINE.give_way()
        if self._interrupted:
            self._between_passes()
        if self._arriving is not None:
            self._on_the_way()
        now = time.perf_counter()
        self._look_at = now + LOOK_AROUND
        if now - self._gave_way > SLICE:
            ENGINE.give_way()
            self._gave_way = time.perf_counter()

    def _on_the_way(self) -> None:
        """Whether the learner's code has made the steps up to the target again."""
        trail = self._trail
        if self._is_under_way() is False:  # a newer wish
            self._between_passes()
            return
        assert trail.target is not None
        if self._loop.steps < trail.target:
            trail.obey()
            return
        trail.arrive()
        self._arrived()
        self._between_passes()

    def _after_pass(self) -> None:
        now = self._now
        self.seconds += now - self._began
        self._began = now
        if now - self._told > SLICE:
            self._told = now
            self._measure_rate()
            self.health.after_turn()
            self._changed()

    _now = 0.0  # when the last pass ended
    _told = 0.0
    _gave_way = 0.0
    _look_at = 0.0  # when to look around between two passes, if nothing is asked for before

    def _leave_loop(self) -> None:
        self._in_loop = False
        if self._arriving is not None:
            arriving, self._arriving = self._arriving, None
            self._trail.stay()
            arriving.set_exception(RuntimeError("the loop ended before it had made these steps again"))
        if self._loop.observer is not None:
            with suppress(Exception):
                self._loop.observer.abandon()
        if self._commands:
            ENGINE.wake(self)

    # Around an update.

    def _before_update(self, optimizer: Optimizer, *_: Any) -> None:
        loop = self._loop
        loop.clearing.about_to_update(loop.sentinel)
        if loop.device.type == "cpu" or loop.steps % CHECK_DEVICE == 0:
            gradient = None if loop.sentinel is None else loop.sentinel.grad
            if gradient is not None and not (math.isfinite(gradient.sum().item()) or is_finite(gradient)):
                raise bad_update_error(self.model, loop.steps + 1, loop.lr, self._batch)
        if loop.observer is not None and self._observing:
            loop.observer.differentiated()
        if loop.clip != OFF:
            nn.utils.clip_grad_norm_(self.model.parameters(), loop.clip)

    def _after_update(self, *_: Any) -> None:
        loop = self._loop
        loop.steps += 1
        loop.clearing.updated(loop.sentinel, loop.steps)
        self._stepped = True
        if self._observing and loop.observer is not None:
            self._observing = False
            loop.observer.end()
        if not self._in_loop:
            # A loop over one's own iterator: the end of an update is the place between two steps.
            self._now = time.perf_counter()
            loop.seconds += self._now - self._began
            self._pass_step = loop.steps
            self._after_pass()
            if not self._nothing_to_do:
                self._between_passes()
            if self.state == "done":
                raise Stopped

    _observing = False
    _output_hook: Any = None

    def _begin_observing(self, batch: Any) -> None:
        observer = self._loop.observer
        if observer is None or self._trail.target is not None:
            return
        *inputs, target = batch if isinstance(batch, (tuple, list)) and len(batch) > 1 else (batch, None)
        observer.begin(self._loop, inputs, target)
        self._observing = True
        self._output_hook = self.model.register_forward_hook(self._seen)

    def _seen(self, module: nn.Module, arguments: Any, output: Any) -> None:
        self._output_hook.remove()
        if self._observing and self._loop.observer is not None and self.model.training:
            self._loop.observer.seen(output, torch.tensor(math.nan))

    # Commands.

    @property
    def _is_on_training_thread(self) -> bool:
        if self._thread is not None:
            return threading.get_ident() == self._thread
        return ENGINE.is_current_thread

    def _wake(self) -> None:
        if self._thread is None:
            super()._wake()
            return
        with self._settled:
            self._settled.notify_all()

    @property
    def has_work(self) -> bool:
        """Whether the engine has to do what was asked for, as no loop goes round."""
        return bool(self._commands) and self._thread is None

    def turn(self, seconds: float) -> None:
        """Do what was asked for while no loop goes round."""
        self._obey()

    def _do_start(self) -> int:
        raise RuntimeError("a loop that you wrote is started by running its cell")

    def _do_resume(self) -> int:
        if self._thread is None:
            raise RuntimeError("the loop has ended: run its cell again to go on from here")
        return self._go()

    def _do_step(self, count: int = 1) -> int:
        if self._thread is None:
            raise RuntimeError("the loop has ended: run its cell again to go on from here")
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"the number of steps must be a whole number, 1 or more; got {count!r}")
        self._go()
        self._pause_at = self.steps + count
        return self.steps

    def _do_stop(self) -> int:
        if self.state != "done":
            self._trail.note(f"stopped at step {self.steps}")
            self._become("done")
        return self.steps

    def _travel(self, step: int, line: Line | None, before: Event | None = None) -> "Future[int]":
        here = self._thread is not None and threading.get_ident() == self._thread
        if here and not self._obeying:
            raise RuntimeError(
                "seek from another cell or from the dashboard: inside its own loop a run cannot go elsewhere"
            )
        if not self._in_loop:
            return self._travel_without_loop(step, line, before)
        return super()._travel(step, line, before)

    def _travel_without_loop(self, step: int, line: Line | None, before: Event | None) -> "Future[int]":
        """Nobody can make steps again: only the steps of snapshots can be gone to."""
        there = [*self.timeline.snapshots(line or self.line)]
        if step not in there and isinstance(step, int) and 0 <= step <= (line or self.line).end:
            near = sorted(there, key=lambda one: abs(one - step))[:3]
            raise ValueError(
                f"step {step} would have to be made again by your loop, which is not going round. There are snapshots at "
                f"steps {', '.join(map(str, sorted(near)))}; while `for … in run.loop(…)` goes on, every step can be gone to."
            )
        self._trail.go(step, line, before)
        self._trail.arrive()
        arriving: Future[int] = Future()
        arriving.set_result(self.steps)
        if self.state != "done":
            self._become("paused")
        else:
            self._changed()
        return arriving

    _obeying = False

    def _obey(self) -> None:
        self._obeying = True
        try:
            super()._obey()
        finally:
            self._obeying = False

    def _interrupts_between_passes(self) -> Any:
        """An interrupt stops the loop between two passes, so that no step is left half made; a second one at once."""
        return _Interrupts(self)


class _Interrupts:
    """Holds the first interrupt back until the pass is over."""

    def __init__(self, run: Recording) -> None:
        self._run = run
        self._before: Callable[[int, FrameType | None], Any] | int | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, self._interrupt)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._run._interrupted:
            raise KeyboardInterrupt
        self._run._interrupted = True


def _number(value: Any) -> float:
    return value.item() if isinstance(value, Tensor) else float(value)
