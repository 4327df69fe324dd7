"""What drives a sweep: a small thread that asks Optuna for settings, has runs made, and tells it how they do.

It never waits inside a turn of the engine, so the training goes on meanwhile. `sweep.py` is what a reader sees of it.
"""

import atexit
import logging
import math
import threading
import traceback
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch

from ..engine import ENGINE
from ..randomness import readers_random
from ..run import Run
from ..snapshots import MEMORY
from .errand import await_all, on_engine
from .search import optuna
from .trial import Trial

if TYPE_CHECKING:
    from optuna import Study

    from .search import Distributions, Goal

log = logging.getLogger(__name__)

LOOK_AROUND = 2.0  # seconds between two looks at what other processes have put into the storage
_open: "weakref.WeakSet[Driver]" = weakref.WeakSet()


class NoSuchGoal(ValueError):
    """Not one trial but the sweep itself is wrong."""


class Driver:
    """Begins trials until there are enough, and ends each when its run has ended or is not worth going on."""

    def __init__(
        self,
        make_run: Callable[..., Run],
        study: "Study",
        distributions: "Distributions",
        *,
        trials: int,
        goal: "Goal",
        at_once: int,
        seed: int,
        shared: bool,
    ) -> None:
        self.make_run = make_run
        self.study = study
        self.distributions = distributions
        self.wanted = trials
        self.goal, self.direction = goal
        self.at_once = at_once
        self.seed = seed
        self.state = "ready"
        self.error: BaseException | None = None
        self.on_change: list[Callable[[Any], None]] = []
        self._shared = shared
        self._own: list[Trial] = []
        self._others: list[Trial] = []
        self._asked: dict[int, Any] = {}  # Optuna's trials that have not been told of
        self._seen: dict[int, Any] = {}  # what the driver last saw of each run
        self._paused: list[Run] = []
        self._exhausted = False
        self._stopping = False
        self._news = threading.Condition()
        self._has_news = True
        self._thread = threading.Thread(target=self._drive, name="dlnb-sweep", daemon=True)

    @property
    def trials(self) -> list[Trial]:
        """Every trial begun so far, those of other processes included, by number."""
        return sorted([*self._own, *self._others], key=lambda trial: trial.number)

    def start(self) -> None:
        """Begin; `dl.sweep` calls it."""
        self.state = "running"
        _open.add(self)
        self._thread.start()

    def _drive(self) -> None:
        try:
            while not self._stopping:
                self._settle()
                if self._exhausted and not self._asked:
                    self._become("done")
                    return
                if self.state == "running" and not self._exhausted and len(self._asked) < self.at_once:
                    self._begin()
                    continue
                with self._news:
                    self._news.wait_for(lambda: self._has_news, timeout=LOOK_AROUND if self._shared else None)
                    self._has_news = False
            self._abandon()
            self._become("stopped")
        except BaseException as error:  # the thread ends here, and somebody may wait
            log.debug("dlnb: a sweep ended", exc_info=True)
            self.error = error
            with suppress(Exception):
                self._abandon()
            self._become("failed")

    def _begin(self) -> None:
        """Ask for a setting and start its run."""
        if self._shared:
            self._look_around()
            if len(self.trials) >= self.wanted:
                self._exhausted = True
                return
        asked = self.study.ask(self.distributions)
        if asked.number >= self.wanted:  # two processes asked at the same moment
            asked.set_user_attr("state", "surplus")
            self.study.tell(asked, state=optuna().trial.TrialState.FAIL)
            self._exhausted = True
            return
        self._exhausted = asked.number + 1 >= self.wanted
        self._asked[asked.number] = asked
        try:
            run = on_engine(lambda: self._make(asked.params), lambda: self._stopping)
        except Exception as error:
            trial = Trial(asked.number, asked.params)
            trial.error = f"{type(error).__name__}: {error}"
            log.debug("dlnb: trial %d failed: %s", asked.number, traceback.format_exc())
            self._own.append(trial)
            self._end(trial, "failed")
            if isinstance(error, NoSuchGoal):
                raise
            return
        self._own.append(Trial(asked.number, asked.params, run))
        run.on_change.append(self._run_changed)
        if run.state == "ready":
            run.request("start")
        ENGINE.wake(run)
        self._changed()

    def _make(self, settings: dict[str, Any]) -> Run:
        """The run of a setting, made on the engine thread: no other draws random numbers meanwhile."""
        with readers_random():
            torch.manual_seed(self.seed)
            run = self.make_run(**settings)
        if not isinstance(run, Run):
            raise TypeError(
                f"make_run must return a run, such as dl.fit(...) gives; it returned a {type(run).__name__}"
            )
        store = run.timeline.store
        store.budget = min(store.budget, MEMORY // self.wanted)  # the runs of a sweep share what one run may keep
        task, goal = run.task, self.goal
        known = ["valid_loss", *(f"valid_{metric}" for metric in task.metrics)] if task.valid is not None else []
        if goal.startswith("valid_") and goal not in known:
            has = ", ".join(["loss", *known])
            raise NoSuchGoal(f"no run of this task records the goal {goal!r}: it records {has}")
        return run

    def _settle(self) -> None:
        """Tell Optuna what is new of each run, prune, and end the trials whose runs have ended."""
        self._follow_promoted()
        for trial in [trial for trial in self._own if not trial.told and trial.run is not None]:
            assert trial.run is not None
            run, asked, state = trial.run, self._asked[trial.number], trial.run.state  # the state before the looks
            for step, value in self._new_looks(trial, run):
                if step > trial.planned:
                    break
                trial.looks.append((step, value))
                if not math.isfinite(value):
                    continue
                asked.report(value, len(trial.looks))
                if step < trial.planned and not trial.promoted and asked.should_prune():
                    run.request("stop")
                    self._end(trial, "pruned")
                    break
            if trial.told:
                continue
            reached = bool(trial.looks) and trial.looks[-1][0] >= min(trial.planned, run.total_steps)
            if reached and (state == "done" or run.steps > trial.planned or trial.looks[-1][0] >= trial.planned):
                trial.value = trial.latest
                trial.error = "" if math.isfinite(trial.value) else f"{self.goal} became {trial.value}"
                self._end(trial, "failed" if trial.error else "done")
            elif state == "failed":
                trial.error = f"{type(run.error).__name__}: {run.error}"
                self._end(trial, "failed")
            elif state == "done":
                self._check_goal(run)
                self._end(trial, "stopped")

    def _follow_promoted(self) -> None:
        """Trials ended early and then promoted have a value after all, though the search was told otherwise."""
        for trial in [trial for trial in self._own if trial.told in ("pruned", "stopped") and trial.promoted]:
            assert trial.run is not None
            for step, value in self._new_looks(trial, trial.run):
                trial.looks.append((step, value))
                if step == trial.planned and math.isfinite(value):
                    trial.value, trial.told = value, "done"

    def _new_looks(self, trial: Trial, run: Run) -> list[tuple[int, float]]:
        """(step, goal) of each look after the last one that was seen; the one before the first step does not count."""
        history, goal = run.history, self.goal
        if goal not in history:
            return []
        steps, values = history.steps(goal), history[goal]
        rows = min(len(steps), len(values))  # the run may go on meanwhile
        steps, values = steps[:rows], values[:rows]
        last = trial.looks[-1][0] if trial.looks else 0
        if goal.startswith("valid_"):
            return [(int(step), float(value)) for step, value in zip(steps, values, strict=True) if step > last]
        epoch = run.steps_per_epoch
        ends = range(last + epoch, (int(steps[-1]) if rows else 0) + 1, epoch)
        return [(end, float(values[(steps > end - epoch) & (steps <= end)].mean())) for end in ends]

    def _end(self, trial: Trial, state: str) -> None:
        """Tell Optuna that a trial is over."""
        asked = self._asked.pop(trial.number)
        asked.set_user_attr("state", state)
        asked.set_user_attr("steps", trial.steps)
        if trial.error:
            asked.set_user_attr("error", trial.error[:2000])
        states = optuna().trial.TrialState
        how = (
            {"values": trial.value}
            if state == "done"
            else {"state": states.PRUNED if state != "failed" and trial.looks else states.FAIL}
        )
        try:
            self.study.tell(asked, **how)
        except RuntimeError as error:
            if "Study.stop" not in str(error):
                raise
            self._exhausted = True  # a sampler that walks through a grid says in this way that it is at its end
        trial.told = state
        self._changed()

    def _abandon(self) -> None:
        """End every run that trains."""
        ending = [trial for trial in self._own if not trial.told]
        await_all([trial.run.request("stop") for trial in ending if trial.run is not None])
        for trial in ending:
            self._end(trial, "stopped")

    def _check_goal(self, run: Run) -> None:
        if self.goal not in run.history:
            raise NoSuchGoal(
                f"the runs record no column {self.goal!r}, the goal; they record {', '.join(run.history.names)}"
            )

    def _look_around(self) -> None:
        """Read what other processes have put into the storage."""
        own = {trial.number for trial in self._own}
        self._others = [
            Trial.of_another_process(frozen)
            for frozen in self.study.get_trials(deepcopy=False)
            if frozen.number not in own and frozen.user_attrs.get("state") != "surplus"
        ]

    def _run_changed(self, run: Run) -> None:
        """Called after each turn of a run, on the engine thread: wakes the driver only when there is something to see."""
        history = run.history
        seen = (
            run.state,
            run.epoch,
            len(history.steps(self.goal)) if self.goal.startswith("valid_") and self.goal in history else 0,
        )
        if self._seen.get(id(run)) != seen:
            self._seen[id(run)] = seen
            self._wake()
            if not self._thread.is_alive():
                self._follow_promoted()
        self._changed()

    def _wake(self) -> None:
        with self._news:
            self._has_news = True
            self._news.notify_all()

    def _become(self, state: str) -> None:
        with self._news:
            self.state = state
            self._news.notify_all()
        self._changed()

    def _changed(self) -> None:
        for listener in list(self.on_change):
            try:
                listener(self)
            except Exception:  # whoever looks on must never end the sweep
                log.exception("dlnb: a listener of %r raised and is not asked again", self)
                with suppress(ValueError):
                    self.on_change.remove(listener)


def _end_all() -> None:
    drivers = list(_open)
    for driver in drivers:
        driver._stopping = True
        driver._wake()
    for driver in drivers:
        if driver._thread.is_alive():
            driver._thread.join(timeout=10)


# After the engine's own, so it is called before it: a driver still needs the engine to end its runs.
atexit.register(_end_all)
