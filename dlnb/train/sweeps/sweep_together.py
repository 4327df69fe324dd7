"""`dl.sweep(..., vectorize=True)`: the settings are chosen beforehand, stacked, and trained at once."""

import math
from functools import partial
from typing import Any

from torch import nn

from ..engine import ENGINE
from ..loop import Loop
from ..run import Run
from .driver import NoSuchGoal
from .errand import await_all, on_engine
from .stackable import CannotStack
from .sweep import Sweep
from .together import Together
from .trial import StackedTrial

BATCH = 8  # runs that are made in one turn of the engine


class SweepTogether(Sweep):
    """Settings of a small network, trained at once. `together` is the stack once it is there."""

    together: "TrainedTogether | None" = None

    def best_model(self) -> nn.Module:
        """An ordinary module, in eval mode, with the weights of the best setting.

        Raises: RuntimeError if there is none yet.
        """
        return super().best_model()

    def pause(self) -> None:
        """Pause all settings between two steps."""
        if self.together is not None and self.state == "running":
            self._become("paused")
            self.together.request("pause")

    def resume(self) -> None:
        """Go on after a pause."""
        if self.together is not None and self.state == "paused":
            self._become("running")
            self.together.request("resume")
            self._wake()

    # The driver, on a thread of its own.

    def _begin(self) -> None:
        """Ask for all settings, make their runs, stack them, and start."""
        self._exhausted = True
        asked = [self.study.ask(self.distributions) for _ in range(self.wanted)]
        self._asked = {one.number: one for one in asked}
        made: list[tuple[Loop, int]] = []
        for start in range(0, len(asked), BATCH):  # in pieces, so that other runs get their turns
            some = asked[start : start + BATCH]
            made += on_engine(partial(self._make_loops, [one.params for one in some]), lambda: self._stopping)
        together = on_engine(lambda: self._stacked(made), lambda: self._stopping)
        self.together = together
        self._own = [StackedTrial(one.number, one.params, together, place) for place, one in enumerate(asked)]
        together.on_change.append(lambda _: self._run_changed_together())
        together.request("start")

    def _make_loops(self, some: list[dict[str, Any]]) -> list[tuple[Loop, int]]:
        return [self._make_loop(settings) for settings in some]

    def _make_loop(self, settings: dict[str, Any]) -> tuple[Loop, int]:
        """The plan and the initial weights of a setting; its run ends before its first step."""
        run = self._make(settings)
        if run.state != "ready":
            run.stop()
            run._loop.wake()
        if run.steps:
            raise CannotStack("make_run returned a run that has trained already.")
        return run._loop, run.threads

    def _stacked(self, made: list[tuple[Loop, int]]) -> "TrainedTogether":
        return TrainedTogether(self, [loop for loop, _ in made], threads=min(threads for _, threads in made))

    def _settle(self) -> None:
        together = self.together
        if together is None:
            return
        if together.state == "failed" and together.error is not None:
            raise together.error
        for trial in self._own:
            assert isinstance(trial, StackedTrial)
            state = together.states[trial.place]
            if trial.told:
                continue
            trial.looks = self._looks(trial)
            if state == "running":
                continue
            if state == "done":
                self._check_columns(together)
                trial.value = trial.latest
            trial.error = together.errors.get(trial.place, "")
            if state == "done" and not math.isfinite(trial.value):
                state, trial.error = "failed", f"{self.goal} became {trial.value}"
            for number, (_, value) in enumerate(trial.looks):
                if math.isfinite(value):
                    self._asked[trial.number].report(value, number + 1)
            self._end(trial, state)

    def _looks(self, trial: StackedTrial) -> list[tuple[int, float]]:
        assert self.together is not None
        if self.goal not in trial.history:
            return []
        steps, values = trial.history.read(self.goal)
        if self.goal.startswith("valid_"):
            return [(int(step), float(value)) for step, value in zip(steps, values, strict=True) if step]
        epoch = self.together.loops[0].steps_per_epoch
        ends = range(epoch, len(values) + 1, epoch)
        return [(end, float(values[end - epoch : end].mean())) for end in ends]

    def _abandon(self) -> None:
        if self.together is not None:
            await_all([self.together.request("stop")])
        for trial in [trial for trial in self._own if not trial.told]:
            self._end(trial, "stopped")
        for number in list(self._asked):  # asked for, but never stacked
            self._asked.pop(number).set_user_attr("state", "surplus")

    def _check_columns(self, together: Together) -> None:
        if self.goal not in together.columns:
            raise NoSuchGoal(
                f"the settings record no column {self.goal!r}, the goal; they record {', '.join(together.columns)}"
            )

    def _run_changed_together(self) -> None:
        together = self.together
        if together is None:
            return
        seen = (
            together.state,
            tuple(together.states),
            together.columns.get("valid_loss") and together.columns["valid_loss"].length,
        )
        if self._seen.get(0) != seen:
            self._seen[0] = seen
            self._wake()
        self._changed()


class TrainedTogether(Together):
    """The stack of a sweep, which can also give a setting as a model or as a run of its own."""

    def __init__(self, sweep: SweepTogether, loops: list[Loop], threads: int) -> None:
        super().__init__(loops, threads)
        self._sweep = sweep

    def _do_model(self, setting: int) -> nn.Module:
        return self.model(setting)

    def _do_detach(self, setting: int, knobs: dict[str, Any]) -> Run:
        run = self._sweep._make(self._sweep._own[setting].settings)
        if run.state == "ready":
            run.start()
        run.pause()
        weights = self.model(setting).state_dict()
        run.edit(
            lambda model: model.load_state_dict(weights),
            f"weights of setting {setting} after {self.reached(setting)} steps",
        )
        if knobs:
            run.set(**knobs)
        ENGINE.wake(run)
        return run
