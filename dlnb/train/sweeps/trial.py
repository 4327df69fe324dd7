"""One trial of a sweep: a setting, the run that trains with it, and what the search was told of it."""

import math
from typing import TYPE_CHECKING, Any

from ..run import Run
from .setting_history import SettingHistory
from .together import Together

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from torch import nn

    from ..history import History

ENDED = ("done", "pruned", "stopped", "failed")


class Trial:
    """One setting that a sweep tries.

    settings: what make_run was called with. run: what it returned; None if another process trains it.
    state: "running", "paused", "done", "pruned" (by the search), "stopped" (by a person) or "failed".
    value: what the goal was at the planned end, NaN before; looks: (step, goal) at each look so far.
    error: why it failed, or an empty text. promoted: whether it goes on unpruned and beyond its plan.
    """

    def __init__(self, number: int, settings: dict[str, Any], run: Run | None = None) -> None:
        self.number = number
        self.settings = settings
        self.run = run
        self.value = math.nan
        self.looks: list[tuple[int, float]] = []
        self.error = ""
        self.promoted = False
        self.told = ""  # one of ENDED, once the search knows of it
        self.planned = 0 if run is None else run.total_steps
        self._steps = 0

    @classmethod
    def of_another_process(cls, frozen: "FrozenTrial") -> "Trial":
        """What the storage tells of a trial that another process trains."""
        trial = cls(frozen.number, dict(frozen.params))
        known = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}
        trial.told = frozen.user_attrs.get("state", known.get(frozen.state.name, ""))
        trial.error = frozen.user_attrs.get("error", "")
        trial.value = frozen.value if frozen.state.name == "COMPLETE" and frozen.value is not None else math.nan
        trial.looks = sorted(frozen.intermediate_values.items())
        trial._steps = int(frozen.user_attrs.get("steps", 0))
        return trial

    @property
    def state(self) -> str:
        """Where it is; a run that goes on after the search was told of it is running."""
        if self.run is None:
            return self.told or "running"
        if self.run.state in ("running", "paused", "ready") and (not self.told or self.promoted):
            return "running" if self.run.state == "ready" else self.run.state
        return self.told or self.run.state

    @property
    def steps(self) -> int:
        """Optimiser updates made so far."""
        return self._steps if self.run is None else self.run.steps

    @property
    def total_steps(self) -> int:
        """Steps planned in all."""
        return self.planned if self.run is None else self.run.total_steps

    @property
    def latest(self) -> float:
        """The goal at the last look, NaN before there is one."""
        return self.looks[-1][1] if self.looks else math.nan

    @property
    def history(self) -> "History | SettingHistory | None":
        """Its columns, or None if another process has them."""
        return None if self.run is None else self.run.history

    def stop(self) -> int:
        """End this trial; the search takes it for one that was not worth going on. Returns the step."""
        return self._own_run().stop()

    def promote(self, epochs: int | None = None) -> int:
        """Let it go on unpruned and for longer, though it was pruned or is over. Returns the step.

        epochs: in all, twice as many as planned unless given. What the search was told stays: trials are compared at
        the end of the same plan.
        """
        run = self._own_run()
        self.promoted = True
        run.set(epochs=epochs or 2 * run.epochs)
        return run.resume()

    def fork(self, **knobs: Any) -> Run:
        """A new run from where this one is, paused, with knobs turned. See `Run.fork`."""
        return self._own_run().fork(**knobs)

    def model(self) -> "nn.Module":
        """The model as it is now."""
        return self._own_run().model

    def _own_run(self) -> Run:
        if self.run is None:
            why = f": {self.error}" if self.error else "; another process that shares the storage may have it"
            raise RuntimeError(f"trial {self.number} has no run here{why}")
        return self.run

    def __repr__(self) -> str:
        settings = ", ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in self.settings.items()
        )
        value = "" if math.isnan(self.value) else f", value {self.value:.4g}"
        return f"Trial({self.number}: {settings}; {self.state} at step {self.steps}{value})"


class StackedTrial(Trial):
    """One setting of those that train at once: it has no run, but its curves, its weights, and a way to end it."""

    def __init__(self, number: int, settings: dict[str, Any], together: Together, place: int) -> None:
        super().__init__(number, settings)
        self.together, self.place = together, place
        self.planned = together.totals[place]

    @property
    def state(self) -> str:
        """Where it is."""
        state = self.together.states[self.place]
        return "paused" if state == "running" and self.together.state == "paused" else state

    @property
    def steps(self) -> int:
        """Optimiser updates made so far."""
        return self.together.reached(self.place)

    @property
    def history(self) -> SettingHistory:
        """Its columns."""
        return SettingHistory(self.together, self.place)

    def stop(self) -> int:
        """End this setting; the others go on as they would have. Returns the step."""
        return self.together.request("drop", setting=self.place).result()

    def promote(self, epochs: int | None = None) -> int:
        """Raises: RuntimeError: settings that train at once end together."""
        raise RuntimeError(
            "settings that train at once keep one plan, so none can go on alone: "
            "trial.fork() begins a run with its weights"
        )

    def fork(self, **knobs: Any) -> Run:
        """A run of its own that begins with the present weights of this setting and a fresh optimiser, paused.

        Raises: ValueError if a knob does not fit.
        """
        return self.together.request("detach", setting=self.place, knobs=knobs).result()

    def model(self) -> "nn.Module":
        """An ordinary module with its present weights."""
        return self.together.request("model", setting=self.place).result()
