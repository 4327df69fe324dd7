"""Errands in copies of a loop, in turns beside the runs: a look ahead with other knobs, a close look at a past step.

The run that asked is left alone, so it is as before to the bit.
"""

import math
import time
from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .diagnose import TrainingError
from .engine import ENGINE
from .knobs import check_knobs, freeze, turn_knobs
from .loop import Loop, use_loop
from .observe import Observer
from .state import Snapshot, capture, restore
from .timeline import Event

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .run import Run

PATIENCE = 30.0  # seconds that a look ahead may take

Work = Generator[None, None, Any]


@dataclass(frozen=True)
class WhatIf:
    """What would come of each setting.

    start: the step it begins at; settings: one dictionary of knobs each; losses: (settings, steps) float64, loss of
    each step, NaN after a setting made the loss no number.
    """

    start: int
    settings: list[dict[str, Any]]
    losses: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """(steps,) the steps that the columns of `losses` belong to."""
        return self.start + 1 + np.arange(self.losses.shape[1])

    @property
    def best(self) -> dict[str, Any]:
        """The setting with the lowest mean loss over the last quarter of the steps; one that broke is never best."""
        tail = self.losses[:, -max(1, self.losses.shape[1] // 4) :].mean(axis=1)
        return self.settings[int(np.argmin(np.where(np.isnan(tail), math.inf, tail)))]

    def plot(self) -> "Figure":
        """The losses as a Matplotlib figure."""
        from .plot import plot_what_if

        return plot_what_if(self)

    def __repr__(self) -> str:
        return f"WhatIf({len(self.settings)} settings, {self.losses.shape[1]} steps from step {self.start})"


def look_ahead(run: "Run", loop: Loop, steps: int, knobs: dict[str, Any]) -> "Future[WhatIf]":
    """See `Run.what_if`. loop: a copy that may be used up."""
    settings = _settings(knobs)
    for setting in settings:
        check_knobs(loop, setting)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"the number of steps must be a whole number, 1 or more; got {steps!r}")
    seconds = len(settings) * steps / run.rate if run.rate > 0 else 0.0
    if seconds > PATIENCE:
        raise ValueError(
            f"that would take about {seconds:.0f} s, {len(settings)} times {steps} steps of {1e3 / run.rate:.0f} ms: "
            f"ask for fewer steps, such as {max(1, int(steps * PATIENCE / seconds))}"
        )

    def work() -> Work:
        start = capture(loop)
        losses = np.full((len(settings), steps), math.nan)
        for row, setting in zip(losses, settings, strict=True):
            restore(loop, start)
            turn_knobs(loop, check_knobs(loop, setting))
            try:
                for i in range(steps):
                    value = loop.advance(record=False)
                    row[i] = _late(loop) if value is None else value
                    yield
            except TrainingError:
                continue  # the rest stays NaN: that is what would come of it
        return WhatIf(start.step, settings, losses)

    return Errand(loop, work(), run.threads).future


def look_at(
    loop: Loop, snapshot: Snapshot, events: list[Event], step: int, observer: Observer | None, threads: int
) -> "Future[Any]":
    """Make the step after `step` again with an observer that sees it. loop: a copy. Gives the observer."""
    if observer is None:
        from .probes.probes import CloseLook

        observer = CloseLook(loop.model)

    def work() -> Work:
        restore(loop, snapshot)
        left = list(events)
        while True:
            while left and left[0].step <= loop.steps:
                _apply(loop, left.pop(0))
            if loop.steps == step:
                break
            loop.advance(record=False)
            loop.drop_late_losses()
            yield
        loop.observer = observer
        observer.next_step = step + 1
        loop.advance(record=False)
        return observer

    return Errand(loop, work(), threads).future


class Errand:
    """Work that takes turns on the engine thread until it is done; `future` then has what came of it."""

    def __init__(self, loop: Loop, work: Work, threads: int) -> None:
        self.future: Future[Any] = Future()
        self._loop = loop
        self._work = work
        self._threads = threads
        ENGINE.wake(self)

    @property
    def has_work(self) -> bool:
        """Whether it is not done yet."""
        return not self.future.done()

    def turn(self, seconds: float) -> None:
        """Go on for about `seconds`."""
        end = time.perf_counter() + seconds
        use_loop(self._loop)
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        try:
            with self._loop.randomness.installed():
                while time.perf_counter() < end:
                    next(self._work)
        except StopIteration as done:
            self.future.set_result(done.value)
        except BaseException as error:
            self.future.set_exception(error)


def _settings(knobs: dict[str, Any]) -> list[dict[str, Any]]:
    """One dictionary a setting: the lists side by side."""
    lists = {name: list(values) if isinstance(values, (list, tuple, np.ndarray)) else [values] for name, values in knobs.items()}
    lengths = {len(values) for values in lists.values()}
    if not lists or lengths == {0}:
        raise ValueError("say which knobs to try: run.what_if(lr=[1e-3, 1e-2])")
    if len(lengths) > 1:
        raise ValueError(f"the lists of values must be of one length, got {({name: len(v) for name, v in lists.items()})}")
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _apply(loop: Loop, event: Event) -> None:
    if event.kind == "set":
        turn_knobs(loop, event.arguments)
    elif event.kind == "edit":
        loop.seed_step()
        event.edit(loop.model)
    else:
        freeze(loop, event.arguments["layer"], event.kind == "freeze")


def _late(loop: Loop) -> float:
    """A loss that was left on a device, which a look ahead can wait for."""
    (_, loss), loop._late = loop._late[-1], []
    return float(loss)
