"""`dl.sweep`: runs with many settings, chosen by Optuna, trained in turns on the engine thread.

Returns at once; `driver.py` begins the trials and ends them. Every run gives the numbers it would give alone.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import nn

from ..engine import ENGINE
from ..run import Run
from .driver import Driver
from .search import check_make_run, combinations, importance, open_study, read_goal, read_space
from .trial import Trial

if TYPE_CHECKING:
    import pandas
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage

    from .search import Goal, Space


def sweep(
    make_run: Callable[..., Run],
    space: "Space",
    trials: int = 20,
    *,
    goal: "Goal" = ("valid_loss", "minimize"),
    sampler: "BaseSampler | None" = None,
    pruner: "BasePruner | None" = None,
    storage: "str | BaseStorage | None" = None,
    name: str | None = None,
    at_once: int = 1,
    vectorize: bool = False,
    seed: int = 0,
    block: bool = False,
) -> "Sweep":
    """Train with many settings and find the best. Returns at once; the trials train behind.

        found = dl.sweep(lambda lr, width: dl.fit(net(width), task, lr=lr), {"lr": (1e-4, 0.1, "log"), "width": [8, 16]})

    make_run: called with one setting, returns a run. PyTorch's generator is seeded with `seed` before each call, so all
        models begin alike and `torch.manual_seed(seed); make_run(**trial.settings)` is the same run again.
    space: for each setting `(low, high)`, `(low, high, "log")` or a list of choices; two whole numbers give whole
        numbers.
    trials: how many settings. In a storage: of all processes together. Where the space is all lists and has no more
        combinations than that, each of them once.
    goal: a column of the history, and "minimize" or "maximize". It counts at the end of the run; a column that has a
        value each step, such as "loss", counts as its mean over an epoch.
    sampler, pruner: Optuna's; by default TPE and the median of the runs before, see `search.open_study`.
    storage, name: an Optuna storage (such as "sqlite:///sweep.db") and the name of the study in it: several
        processes or machines that name the same share the trials, and a sweep can be taken up again.
    at_once: how many runs take turns. The numbers of each stay the same, but the search then learns of them later.
    vectorize: train all settings at once in one stack of networks; tens of times faster for small ones. The model must
        be an nn.Sequential of Linear, activations, Dropout, BatchNorm1d, LayerNorm and Flatten, the optimiser SGD,
        Adam or AdamW; what changes no shape may differ between settings: rates, decay, momentum, betas, dropout,
        seeds, initial weights. Numbers are those of the single runs up to rounding; where a value has no gradient but
        rounding, such as a bias before a batch norm, Adam makes whole steps of it, which only eval mode shows. The
        settings are chosen beforehand, spread evenly.
    block: return when it is over. An interrupt then ends the sweep and returns what it has found.

    Raises: TypeError or ValueError in words if the space, the goal or make_run do not fit.
    """
    distributions = read_space(space)
    check_make_run(make_run, list(distributions))
    goal = read_goal(goal)
    for what, number in (("trials", trials), ("at_once", at_once)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"{what} must be a whole number, 1 or more; got {number!r}")
    if vectorize and pruner is not None:
        raise ValueError(
            "settings that train at once are not pruned, as none would end sooner: leave pruner or vectorize out"
        )
    if name is not None and storage is None:
        raise ValueError(
            "a name needs a storage to be found in again: give storage='sqlite:///sweep.db', or leave name out"
        )
    if sampler is None and (every := combinations(distributions)) is not None:
        trials = min(trials, every)
    study = open_study(distributions, goal, trials, sampler, pruner, storage, name, seed, at_random=vectorize)
    kind: type[Sweep] = Sweep
    if vectorize:
        from .sweep_together import SweepTogether

        kind = SweepTogether
    made = kind(
        make_run, study, distributions, trials=trials, goal=goal, at_once=at_once, seed=seed, shared=storage is not None
    )
    made.start()
    if block:
        try:
            made.wait()
        except KeyboardInterrupt:
            made.stop()
    return made


class Sweep(Driver):
    """Runs with many settings. `dl.sweep` makes and starts one.

    state: "running", "paused", "done", "stopped" or "failed". goal, direction: what is looked for.
    trials: every trial begun so far, by number, those of other processes included. study: Optuna's own object.
    on_change: called after each turn of a run and each change of a trial.
    """

    # What one asks a sweep.

    @property
    def runs(self) -> list[Run]:
        """The runs of this process."""
        return [trial.run for trial in self._own if trial.run is not None]

    @property
    def best(self) -> Trial:
        """The trial with the best value of those that came to their end. Raises: RuntimeError before there is one."""
        ended = [trial for trial in self.trials if trial.told == "done" and math.isfinite(trial.value)]
        if not ended:
            raise RuntimeError(f"no trial has come to its end yet: {len(self.trials)} have begun")
        return (min if self.direction == "minimize" else max)(ended, key=lambda trial: trial.value)

    def best_model(self) -> nn.Module:
        """The model of the best trial. Raises: RuntimeError if there is none, or another process has it."""
        return self.best.model()

    def importance(self, evaluator: Any = None) -> dict[str, float]:
        """How much each setting decided whether a trial was good, the most important first; shares that add up to 1.

        evaluator: one of `optuna.importance`, PED-ANOVA unless given. Empty before four trials have ended.
        """
        rows = [(trial.settings, trial.value) for trial in self.trials if trial.told == "done"]
        return importance(self.distributions, self.direction, rows, evaluator)

    def frame(self) -> "pandas.DataFrame":
        """One row a trial: number, state, value, steps and each setting. Raises: ModuleNotFoundError without pandas."""
        try:
            import pandas
        except ModuleNotFoundError:
            raise ModuleNotFoundError("sweep.frame() needs pandas: install it with `pip install pandas`") from None
        rows = [
            {"trial": one.number, "state": one.state, "value": one.value, "steps": one.steps, **one.settings}
            for one in self.trials
        ]
        return pandas.DataFrame(rows, columns=["trial", "state", "value", "steps", *self.distributions]).set_index(
            "trial"
        )

    # What one tells it.

    def wait(self, timeout: float | None = None) -> "Sweep":
        """Wait until every trial has ended. An interrupt pauses the sweep.

        timeout: seconds. Raises: TimeoutError; RuntimeError if it is paused, or if every trial failed; the error that
        ended the sweep itself.
        """
        if ENGINE.is_held_here:
            raise RuntimeError(
                "inside dl.seeded(...) no run takes a step: close that block before you wait for a sweep"
            )
        if ENGINE.is_current_thread or threading.current_thread() is self._thread:
            raise RuntimeError("the thread that trains cannot wait for a sweep: wait for it in a cell")
        if self.state == "paused":
            raise RuntimeError("the sweep is paused, so waiting would never end: sweep.resume() lets it go on")
        end = math.inf if timeout is None else time.monotonic() + timeout
        try:
            with self._news:
                while self.state in ("running", "paused"):
                    if (left := end - time.monotonic()) <= 0:
                        raise TimeoutError(f"the sweep is {self.state} with {self._count()} after {timeout} s")
                    self._news.wait(
                        min(left, 0.2)
                    )  # in short waits, as an interrupt does not end a long one everywhere
        except KeyboardInterrupt:
            self.pause()
            raise KeyboardInterrupt("the sweep is paused; sweep.resume() lets it go on, sweep.stop() ends it") from None
        if self.state == "failed" and self.error is not None:
            raise self.error
        failed = [trial for trial in self._own if trial.told == "failed"]
        if failed and len(failed) == len(self.trials):
            raise RuntimeError(f"all {len(failed)} trials failed; the first: {failed[0].error}")
        return self

    def pause(self) -> None:
        """Pause the runs between two steps and begin no more."""
        if self.state == "running":
            self._become("paused")
            self._paused = [run for run in self.runs if run.state == "running"]
            for run in self._paused:
                run.request("pause")

    def resume(self) -> None:
        """Go on after a pause."""
        if self.state == "paused":
            self._become("running")
            for run in self._paused:
                if run.state == "paused":
                    run.request("resume")
            self._wake()

    def stop(self) -> None:
        """End the runs that train, and begin no more. Returns when it is over."""
        self._stopping = True
        self._wake()
        if threading.current_thread() is not self._thread and not ENGINE.is_current_thread and not ENGINE.is_held_here:
            self._thread.join(timeout=30)

    def _count(self) -> str:
        ended = sum(bool(trial.told) for trial in self.trials)
        return f"{ended} of {self.wanted} trials ended"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.goal}, {self.direction}: {self.state}, {self._count()})"
