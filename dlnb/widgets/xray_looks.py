"""Looking at a model for `dl.xray`: what is wished to be seen, when it is looked at again, and what was seen.

A model that a run trains is asked between two of the run's steps, as often as a share of the training time
allows; another is looked at at once.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import torch
from torch import nn

from ..explain.recorder import Loss
from ..explain.surgery import Off
from ..explain.tree import has_lazy_weights, open_first, outline
from ..explain.xray import LookError
from ..train.evaluate import evaluating
from ..train.registry import run_of
from ..train.run import Run
from .looking import place_of
from .xray_sight import EXAMPLES, Batch, Order, Sight, see

PERIOD = 0.2  # seconds between two looks while the model trains, at least
SHARE = 0.02  # of the training time that these looks may take
NOTICE = 1_000  # characters


class Looks:
    """The wishes of a view of one model, and the newest answer to them.

    opened: paths whose children are listed; chosen, unit: what is shown in large; calls: which call of a layer that
    is called several times; off: what is switched off. After a change `ask()` looks again.
    sight: what was seen last, at `step`; notice: why nothing was; number: grows with each.
    updates: by path how far the weights went in a step, as a share of their size: over the steps between two looks.
    """

    def __init__(
        self, model: nn.Module, run: Run | None, batch: Batch | None, loss: Loss | None, told: Callable[[], None]
    ) -> None:
        self.model = model
        self.run: Run | None = None
        self.batch = batch
        self.loss = loss
        self.lock = threading.RLock()
        self.opened = open_first(self.whole)
        self.listed: dict[str, int] = {}
        self.chosen: str | None = None
        self.unit: int | None = None
        self.example = 0
        self.calls: dict[str, int] = {}
        self.off: list[Off] = []
        self.rows = outline(self.whole, self.opened)
        self.sight: Sight | None = None
        self.step = 0
        self.notice = ""
        self.number = 0
        self.updates: dict[str, float] = {}
        self.on_run: Callable[[Run], None] = lambda run: None
        self._told = told
        self._answered_once = threading.Event()
        self._asked: Future[Sight] | None = None
        self._asked_at: tuple[Any, float] = (None, 0.0)  # place in the run, seconds
        self._stale = False
        self._samples: dict[str, tuple[int, torch.Tensor]] = {}  # steps, weights
        self._closed = False
        if run is not None:
            self._follow(run)

    @property
    def whole(self) -> nn.Module:
        """The model whose layers call each other in Python: of one made by `torch.compile`, what was compiled."""
        return whole(self.model)

    def module(self, path: str) -> nn.Module:
        """A layer. Raises: ValueError if the model has none of that name."""
        try:
            return self.whole.get_submodule(path)
        except AttributeError:
            raise ValueError(f"the model has no layer {path!r:.120}; see model.named_modules()") from None

    def lay_out(self) -> None:
        """The rows anew: what is open, and what the model has become."""
        self.rows = outline(self.whole, self.opened, self.listed)

    def say(self, notice: str) -> None:
        """Something is new to be sent."""
        self.notice = notice[:NOTICE]
        self.number += 1
        self._told()

    def follow_run(self) -> None:
        """A run that began after the view was opened: only it may say when the model can be asked."""
        if self.run is None and not self._closed and (run := run_of(self.model)) is not None:
            self._follow(run)

    def ask_if_due(self) -> None:
        """Look again if the run has moved, and the last look was long enough ago for its cost."""
        self.follow_run()
        run = self.run
        if run is None or self._asked is not None:
            return
        place, seconds = self._asked_at
        cost = 0.0 if self.sight is None else self.sight.seconds
        rested = time.monotonic() - seconds >= max(PERIOD, cost / SHARE)
        if place_of(run) != place and (run.state != "running" or rested):
            self.ask()

    def ask(self) -> None:
        """Look at the model; the newest wish wins."""
        with self.lock:
            if self._closed:
                return
            if self._asked is not None:
                self._stale = True
                return
            self.follow_run()
            self._asked_at = (None if self.run is None else place_of(self.run), time.monotonic())
            self.lay_out()
            paths = [row.path for row in self.rows if not row.more]
            order = Order(paths, self.chosen, self.unit, self.example, dict(self.calls), list(self.off))
            self._asked = asked = self._send_to_model(order)
        # Outside, as the engine thread may have the answer already and need the lock for it.
        asked.add_done_callback(self._answered)

    def wait_for_first(self, seconds: float) -> None:
        """Wait for the first look, if the run has not been asked for it yet."""
        if self.sight is None and self.run is not None:
            self.ask()
            self._answered_once.wait(seconds)

    def forget_weights(self) -> None:
        """The weights did not go where they are by learning: begin to measure updates anew."""
        with self.lock:
            self._samples.clear()
            self.updates.clear()

    def close(self) -> None:
        """Look no more."""
        with self.lock:
            self._closed, self.off = True, []
            if self._asked is not None:
                self._asked.cancel()
            if self.run is not None and self._run_changed in self.run.on_change:
                self.run.on_change.remove(self._run_changed)

    def _follow(self, run: Run) -> None:
        self.run = run
        run.on_change.append(self._run_changed)

    def _run_changed(self, run: Run) -> None:
        self.on_run(run)

    def _send_to_model(self, order: Order) -> "Future[Sight]":
        def question(model: nn.Module) -> Sight:
            if has_lazy_weights(model):
                raise LookError(
                    "some layers wait for their first input to know their shape: call model(x) once, then look"
                )
            if self.batch is None and self.run is not None:
                self.batch = first_batch(self.run, self.loss)
            assert self.batch is not None
            return see(whole(model), self.batch, order)

        asked: Future[Sight] = Future()
        try:
            if self.run is not None:
                return self.run.ask(question)
            with evaluating(self.model):
                asked.set_result(question(self.model))
        except Exception as error:  # whatever a model raises is said where it is looked at
            asked.set_exception(error)
        return asked

    def _answered(self, answer: "Future[Sight]") -> None:
        if self._closed:
            return
        error = answer.exception()
        with self.lock:
            self._asked = None
            if error is None:
                self.sight = answer.result()
                self.step = 0 if self.run is None else self.run.steps
                self.example = self.sight.example
                self._measure_updates(self.sight.samples)
                self.say("")
            else:
                self.say(f"the model cannot be looked at: {error}")
            again, self._stale = self._stale, False
        self._answered_once.set()
        if again:
            self.ask()

    def _measure_updates(self, samples: dict[str, torch.Tensor]) -> None:
        for path, now in samples.items():
            before = self._samples.get(path)
            if before is not None and before[0] == self.step:
                continue
            self._samples[path] = (self.step, now)
            if before is None or self.step < before[0] or before[1].shape != now.shape or not len(now):
                self.updates.pop(path, None)
                continue
            size = before[1].norm().item()
            moved = (now - before[1]).norm().item()
            self.updates[path] = moved / size / (self.step - before[0]) if size else float("nan")


def whole(model: nn.Module) -> nn.Module:
    """See `Looks.whole`."""
    inner = getattr(model, "_orig_mod", model)
    return inner if isinstance(inner, nn.Module) else model


def batch_for(run: Run, x: Any, y: Any, loss: Loss | None) -> Batch:
    """A batch that is judged as the run's task judges."""
    task = run.task
    return Batch(x, y, loss or task.loss, dict(task.metrics), tuple(task.classes))


def first_batch(run: Run, loss: Loss | None) -> Batch:
    """The first examples of a run's validation split, or of its training split if there is none."""
    split = run.task.train if run.task.valid is None else run.task.valid
    *inputs, target = split.batch(0, 0, 0)
    return batch_for(run, tuple(inputs), target, loss).first(EXAMPLES)
