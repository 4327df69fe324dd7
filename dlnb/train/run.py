"""A run: one training of one model on one task, with its controls.

This is what one asks it and tells it. The loop works on the engine thread (`driven.py`); everybody else sends commands,
which take effect between two steps.
"""

import math
import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from torch import nn

from ..preview import Preview
from .allocator import keep_memory
from .driven import Driven
from .evaluate import evaluate, evaluating
from .health import Health
from .history import History
from .journal import Journal
from .knobs import Control, controls, read_knobs
from .loop import Loop, OwnKnob, current_loop
from .probes.probes import Probes
from .randomness import readers_random
from .registry import register
from .timeline import Line, Timeline
from .trail import Trail

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..task import Task
    from .lookahead import WhatIf

T = TypeVar("T")


class Run(Driven):
    """One training of one model on one task. `dl.fit` makes and starts one.

    state: ready → running ⇄ paused → done; failed when a step raised. A failed run keeps the state
        it had after its last whole step, and `resume()` tries that step again.
    steps: optimiser updates made so far; epoch, total_steps: where that is in the plan.
    seconds: time spent training; rate: steps per second; seconds_left: an estimate.
    settings: what it was made with. probes, health: statistics of its layers, and what is wrong with it.

    Commands return the step at which they took effect.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        threads: int = 1,
        settings: dict[str, Any] | None = None,
        timeline: Timeline | None = None,
        line: Line | None = None,
    ) -> None:
        super().__init__()
        keep_memory()
        self.model = loop.model
        self.task = loop.task
        self.optimizer = loop.optimizer
        self.threads = threads
        self.settings = settings or {}
        self.seconds = 0.0
        self.rate = math.nan
        self.busy = 1.0  # how many times slower than alone a busy kernel makes it
        self.observed = 0.0  # seconds that frames, looks at the model and snapshots took
        self.preview_seconds = 0.0  # what the last preview took
        self.notice = ""  # something to know that is no error, such as a disk that takes no more
        self.timeline = timeline or Timeline()
        self._loop = loop
        self._trail = Trail(loop, self.timeline, line or self.timeline.add("main"))
        self.timeline.place(self, self.line)
        self.probes = loop.observer = Probes(self.model)
        self.health = Health(self, self.probes)
        self._pause_at: int | None = None
        self._arriving: Future[int] | None = None
        self._forget = False
        self._traceback = ""
        self._rate_since = (0.0, 0)
        self.number = register(self)  # in this process, from 1

    # What one asks a run.

    @property
    def history(self) -> History:
        """The columns recorded so far."""
        return self._loop.history

    @property
    def scheduled(self) -> bool:
        """Whether the learning rate follows a schedule now."""
        return self._loop.scheduler is not None and not self._loop.held

    @property
    def epochs(self) -> int:
        """Epochs planned in all."""
        return self._loop.epochs

    @property
    def steps_per_epoch(self) -> int:
        """Steps in an epoch at the present batch size."""
        return self._loop.steps_per_epoch

    @property
    def epoch(self) -> int:
        """The epoch the next step belongs to, from 0."""
        return self._loop.epoch

    @property
    def seconds_left(self) -> float:
        """Training time to go at the present rate; NaN before there is a rate."""
        return (self.total_steps - self.steps) / self.rate

    @property
    def observing(self) -> float:
        """The share of the training time spent on frames, looks at the model, probes, health and snapshots.

        Sending frames is not counted.
        """
        return (self.observed + self.probes.seconds + self.health.seconds) / self.seconds if self.seconds else 0.0

    @property
    def knobs(self) -> dict[str, float]:
        """What can be set while training, and its present value."""
        return read_knobs(self._loop)

    def controls(self) -> list[Control]:
        """The knobs with the ends of their sliders, for a panel."""
        return controls(self._loop)

    @property
    def frozen(self) -> list[str]:
        """The layers with parameters of which none learns."""
        layers = [(name, list(module.parameters(recurse=False))) for name, module in self.model.named_modules()]
        return [name for name, own in layers if own and not any(parameter.requires_grad for parameter in own)]

    @property
    def line(self) -> Line:
        """The line of the timeline that it is on."""
        return self._trail.line

    @property
    def journal(self) -> Journal:
        """What was done to it, and the same as a Python script."""
        return Journal(self)

    @property
    def exact(self) -> bool:
        """False once steps that were made again gave other numbers than the first time."""
        return self._trail.exact

    @property
    def traceback(self) -> str:
        """The full traceback of the error that failed the run, or an empty text."""
        return "" if self.error is None else self._traceback

    def evaluate(self, split: str = "test") -> dict[str, float]:
        """The loss and metrics on a split, between two steps: `{"loss": 0.03, "accuracy": 0.99}`.

        Raises: ValueError if the task has no such split, TrainingError if a metric raises.
        """
        return self.request("evaluate", split=split).result()

    def ask(self, question: Callable[[nn.Module], T]) -> "Future[T]":
        """Call `question(model)` between two steps, in eval mode and without gradients; returns at once.

        For views that look at the model while it trains. Its time counts as watching.
        """
        return self.request("ask", question=question)

    def preview(self) -> Preview | None:
        """A few examples with what the model says of them now; None if the task shows none."""
        return self.request("preview").result()

    def plot(self) -> "Figure":
        """The curves so far as a Matplotlib figure, for print."""
        from .plot import plot

        return plot(self)

    def save(self, path: "str | os.PathLike[str]") -> int:
        """Write the run as it is into one file (safetensors and JSON, never pickle). Returns the step.

        Training goes on while the disk is written. A crash at any moment leaves the file that was there whole.
        Raises: OSError if the disk does not take it; the run and the old file are then as they were.
        """
        from .checkpoints.load import save

        return save(self, path)

    @classmethod
    def load(
        cls, path: "str | os.PathLike[str]", model: nn.Module | None = None, task: "Task | None" = None, **own: Any
    ) -> "Run":
        """The run of a file that `save` wrote, paused where it was; it goes on with the same losses, to the bit.

        model, task: dlnb's own are made again by themselves; one's own are given, as they were made then.
        own: optimizer, schedule: the functions that make them, where they are one's own; device: where to train.
        Raises: CheckpointError (a ValueError) in words if something does not fit; nothing is changed then.
        """
        from .checkpoints.load import load

        return load(path, model, task, **own)

    # What one tells a run.

    def start(self) -> int:
        """Begin to train. Raises: RuntimeError if the run has begun before."""
        return self.request("start").result()

    def pause(self) -> int:
        """Stop between two steps, keeping everything."""
        return self.request("pause").result()

    def resume(self) -> int:
        """Go on after a pause or an error. Raises: RuntimeError if there are no steps left."""
        return self.request("resume").result()

    def step(self, count: int = 1) -> int:
        """Take `count` steps, then pause. Returns when they are taken.

        Raises: ValueError if count is below 1, RuntimeError if there are no steps left; an error of
        a step as it is.
        """
        self.request("step", count=count).result()
        self._wait_while(lambda: self.state == "running", None)
        self._raise_error()
        return self.steps

    def stop(self) -> int:
        """End the run: what waits for it goes on. `resume()` can still take it up again."""
        return self.request("stop").result()

    def set(self, **knobs: Any) -> int:
        """Turn knobs: `run.set(lr=3e-4)`. Takes effect at the next step, is marked on the curve and in the journal.

        The knobs are every float of the optimiser (`lr`, `weight_decay`, `momentum`, `beta1`, …), `dropout`,
        `batch_size`, `clip` (largest norm of the gradients; None for off), `epochs`, `lr_scale`, and one's own.
        `schedule` holds the schedule ("hold"), lets it go on ("go"), ends it ("off"), or begins another
        from the present learning rate ("cosine", or a function of the optimiser). Setting `lr` holds it too.

        Raises: ValueError if there is no such knob or the value does not fit; then none is turned.
        """
        return self.request("set", **knobs).result()

    def freeze(self, layer: str) -> int:
        """Let a layer, named as in `model.named_modules()`, learn no more. Raises: ValueError if it cannot be."""
        return self.request("freeze", layer=layer).result()

    def unfreeze(self, layer: str) -> int:
        """Let a frozen layer learn again."""
        return self.request("unfreeze", layer=layer).result()

    def knob(self, name: str, value: float | None = None, low: float = 0.0, high: float = 1.0) -> float:
        """A knob of one's own, made at the first call: its present value.

        In a loss or a model: `margin = run.knob("margin", 0.2, 0, 1)`; `run.set(margin=0.5)` then changes it. A fork
        that uses the same code reads its own.

        Raises: ValueError if the name is taken, or the first value is missing or outside low to high.
        """
        loop = current_loop() or self._loop
        own = loop.own_knobs.get(name)
        if own is not None:
            return own.value
        if name in read_knobs(loop) or not name.isidentifier():
            raise ValueError(f"{name!r} cannot be the name of a knob of your own: it is taken, or no Python name")
        if value is None or not low <= value <= high:
            raise ValueError(f"the knob {name!r} needs a first value from {low:g} to {high:g}; got {value!r}")
        loop.own_knobs = {**loop.own_knobs, name: OwnKnob(float(value), float(low), float(high))}
        return float(value)

    def undo(self, rewind: bool = False) -> int:
        """Take back the last thing done: turn the knob back now.

        rewind: instead go back to where it was done, and go on as if it never had been.
        Raises: RuntimeError if there is nothing to take back.
        """
        return self.request("undo", rewind=rewind).result()

    def mark(self, text: str) -> int:
        """Put a note on the curve at this step; the snapshot of it is kept."""
        return self.request("mark", text=text).result()

    def edit(self, function: Callable[[nn.Module], Any], words: str) -> int:
        """Change the model by hand between two steps: `run.edit(lambda model: model.fc.reset_parameters(), "fc anew")`.

        Random numbers drawn inside are a function of (seed, step), so that the change can be made again.
        """
        return self.request("edit", function=function, words=words).result()

    def seek(self, step: int, line: Line | None = None) -> int:
        """Bring everything back as it was after `step` steps, and pause there.

        Going on without a change makes the same steps again, to the last bit (on the CPU, with the same number of
        threads), what was done to the run later included. A change begins a new line of the timeline.

        line: another line of `run.timeline` to go to. Raises: ValueError if there is no such step.
        """
        return self.request("seek", step=step, line=line).result()

    def fork(self, **knobs: Any) -> "Run":
        """A new run from here, paused, with its own copy of the model; knobs are turned in it at once.

        Raises: ValueError if a knob does not fit, TypeError if the model cannot be copied.
        """
        return self.request("fork", **knobs).result()

    def adopt(self, fork: "Run") -> int:
        """Go on from where a fork is, in this run's model. The fork is stopped. Raises: ValueError if it is no fork of it."""
        return self.request("adopt", fork=fork).result()

    def what_if(self, steps: int = 50, **knobs: Any) -> "WhatIf":
        """Look ahead: `run.what_if(lr=[1e-3, 3e-3, 1e-2])` makes `steps` steps with each value in a copy.

        All see the same batches; the run itself is left as it is, to the bit.
        Raises: ValueError if a value does not fit, or a step takes so long that one would wait for minutes.
        """
        return self.request("what_if", steps=steps, **knobs).result()

    def inspect(self, step: int, observer: Any = None) -> Any:
        """Make one past step again in a copy, with every probe on: the run need not have recorded it then.

        step: from 1; the step that is made. observer: an `Observer`; by default one that keeps everything.
        """
        return self.request("inspect", step=step, observer=observer).result()

    def wait(self, timeout: float | None = None) -> "Run":
        """Wait until the run is done, through pauses made meanwhile. An interrupt pauses the run.

        timeout: seconds. Raises: the error that failed the run, with its traceback; TimeoutError;
        RuntimeError if the run is paused or not started, as nothing would end the wait.
        """
        if self.state in ("ready", "paused"):
            does = "run.start() starts it" if self.state == "ready" else "run.resume() lets it go on"
            raise RuntimeError(f"the run is {self.state} at step {self.steps}, so waiting would never end: {does}")
        try:
            in_time = self._wait_while(lambda: self.state in ("running", "paused"), timeout)
        except KeyboardInterrupt:
            step = self.pause()
            raise KeyboardInterrupt(f"the run is paused at step {step}; run.resume() lets it go on") from None
        if not in_time:
            raise TimeoutError(f"the run is {self.state} at step {self.steps} of {self.total_steps} after {timeout} s")
        self._raise_error()
        return self

    # The commands, on the thread that trains.

    def _do_start(self) -> int:
        if self.state != "ready":
            raise RuntimeError(
                f"this run has been started before (it is {self.state} at step {self.steps}). "
                "run.resume() goes on with it; dl.fit(...) with a new model begins again."
            )
        if not any(module.training for module in self.model.modules()):
            self.model.train()
        self.health.before_start()
        self._autosave()
        return self._go()

    def _do_pause(self) -> int:
        if self.state == "running":
            self._become("paused")
        return self.steps

    def _do_resume(self) -> int:
        if self.state == "ready":
            return self._do_start()
        if self.state == "running":
            return self.steps
        self._check_steps_left()
        return self._go()

    def _do_step(self, count: int = 1) -> int:
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"the number of steps must be a whole number, 1 or more; got {count!r}")
        self._check_steps_left()
        if self.state == "ready":
            self._do_start()
        else:
            self._go()
        self._pause_at = self.steps + count
        return self.steps

    def _do_stop(self) -> int:
        if self.state != "done":
            self._finish(f"stopped at step {self.steps}")
        return self.steps

    def _do_set(self, **knobs: Any) -> int:
        self._trail.do("set", knobs)
        self._changed()
        return self.steps

    def _do_freeze(self, layer: str) -> int:
        self._trail.do("freeze", {"layer": layer})
        self._changed()
        return self.steps

    def _do_unfreeze(self, layer: str) -> int:
        self._trail.do("unfreeze", {"layer": layer})
        self._changed()
        return self.steps

    def _do_edit(self, function: Callable[[nn.Module], Any], words: str) -> int:
        self._trail.do("edit", {"words": words}, function)
        self._changed()
        return self.steps

    def _do_undo(self, rewind: bool = False) -> "int | Future[int]":
        event = self._trail.last_event()
        if event is None:
            raise RuntimeError("nothing was done to this run that could be taken back")
        if rewind:
            return self._travel(event.step, None, before=event)
        self._trail.undo(event)
        self._changed()
        return self.steps

    def _do_mark(self, text: str) -> int:
        self._trail.note(text)
        self._trail.snapshot("mark")
        self._changed()
        return self.steps

    def _do_seek(self, step: int, line: Line | None = None) -> "Future[int]":
        return self._travel(step, line)

    def _do_fork(self, **knobs: Any) -> "Run":
        fork = self._trail.fork(self, knobs)
        fork._autosave()
        return fork

    def _do_adopt(self, fork: "Run") -> int:
        if not isinstance(fork, Run) or fork is self or fork.timeline is not self.timeline:
            raise ValueError(f"{fork!r} is no fork of this run: run.fork() makes one")
        if self.state == "running":
            self._become("paused")
        fork._do_stop()
        self._trail.adopt(fork._trail)
        self.error = None
        self._become("paused")
        return self.steps

    def _do_what_if(self, steps: int = 50, **knobs: Any) -> "Future[WhatIf]":
        from .lookahead import look_ahead

        return look_ahead(self, self._trail.copy_loop(), steps, knobs)

    def _do_inspect(self, step: int, observer: Any = None) -> "Future[Any]":
        from .lookahead import look_at

        return look_at(self._trail.copy_loop(), *self._trail.way_to(step - 1), observer, self.threads)

    def _do_evaluate(self, split: str) -> dict[str, float]:
        with readers_random():
            return evaluate(self.model, self.task, split, self._loop.device)

    def _do_preview(self) -> Preview | None:
        if self.task.preview is None:
            return None
        begin = time.perf_counter()
        try:
            return self._do_ask(self.task.preview)
        finally:
            self.preview_seconds = time.perf_counter() - begin

    def _do_ask(self, question: Callable[[nn.Module], T]) -> T:
        begin = time.perf_counter()
        try:
            with readers_random(), evaluating(self.model):
                return question(self.model)
        finally:
            self.observed += time.perf_counter() - begin

    def _autosave(self) -> None:
        """Have the run saved every few seconds from now on, for `dl.recover()`."""
        from .checkpoints.autosave import attach

        attach(self)

    def _check_steps_left(self) -> None:
        if self.steps >= self.total_steps:
            raise RuntimeError(
                f"the run has taken all its {self.total_steps} steps. "
                f"run.set(epochs={self.epochs + 5}) gives it more, then run.resume()."
            )

    def __repr__(self) -> str:
        return f"Run({type(self.model).__name__} on {self.task.name}: {self.state}, step {self.steps} of {self.total_steps})"
