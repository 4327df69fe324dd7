"""A remedy tried in a fork beside a fork without it, before anybody decides."""

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from .finding import Finding

if TYPE_CHECKING:
    from ..run import Run

STEPS = 60


class Trial:
    """Two forks of a run that train on the same batches: `plain` as it is, `changed` with the remedy.

    The run itself goes on untouched unless the trial is adopted. Where it was wrong before now, both begin there.

    Raises: ValueError if the remedy is words only; TypeError if the run cannot be forked.
    """

    def __init__(self, run: "Run", finding: Finding, steps: int | None = None) -> None:
        if finding.remedy is None or not finding.remedy.knobs:
            raise ValueError(f"there is nothing to try by itself here: {finding.remedy and finding.remedy.words}")
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
            raise ValueError(f"steps must be a whole number, 1 or more; got {steps!r}")
        self.run = run
        self.finding = finding
        self.remedy = finding.remedy
        self.validates = finding.rule == "overfitting" and run.task.valid is not None
        self.steps = steps or max(STEPS, run.steps_per_epoch if self.validates else 0)
        self.adopted = self.discarded = False
        self.plain = run.fork()
        try:
            self.changed = run.fork()
            self.start = run.steps
            if self.remedy.since is not None and self.remedy.since < self.plain.steps:
                self.start = self.remedy.since
                for fork in (self.plain, self.changed):
                    fork.seek(self.start)
            else:
                self.start = self.plain.steps
            self.changed.set(**self.remedy.knobs)
            self._validated: dict[str, float] = {}
            for fork in (self.plain, self.changed):
                # A fork takes over the end of the plan, which a trial may go beyond.
                while fork.total_steps < self.start + self.steps:
                    fork.set(epochs=fork.epochs + 1)
                fork.request("step", count=self.steps)
        except BaseException:
            self.discard()
            raise

    @property
    def done(self) -> bool:
        """Whether both forks have made their steps, or could not."""
        return all(self._is_done(fork) for fork in (self.plain, self.changed))

    def wait(self, timeout: float = 600.0) -> "Trial":
        """Wait until it is done. Raises: TimeoutError after `timeout` seconds."""
        end = time.monotonic() + timeout
        while not self.done:
            if time.monotonic() > end:
                raise TimeoutError(f"the trial is at step {self.changed.steps - self.start} of {self.steps}")
            time.sleep(0.01)
        return self

    @property
    def curves(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Steps and losses of both forks since the trial began: "as it is" and "with the remedy"."""
        return {"as it is": self._curve(self.plain), "with the remedy": self._curve(self.changed)}

    @property
    def before(self) -> float:
        """What came of it as it is: the loss at the end, of validation if the finding is about that. NaN: nothing."""
        return self._measure("as it is", self.plain)

    @property
    def after(self) -> float:
        """What came of it with the remedy."""
        return self._measure("with the remedy", self.changed)

    @property
    def helped(self) -> bool:
        """Whether it is better with the remedy."""
        before, after = self.before, self.after
        return math.isfinite(after) and (not math.isfinite(before) or after < before)

    @property
    def words(self) -> str:
        """What came of it in a sentence."""
        if not self.done:
            return f"testing: step {max(0, self.changed.steps - self.start)} of {self.steps}"
        what = "validation loss " if self.validates else ""
        before, after = _number(self.before), _number(self.after)
        verdict = "" if self.helped else " - no better"
        return f"tested {self.steps} steps: {what}{after} instead of {before}{verdict}"

    def adopt(self) -> int:
        """Let the run go on from where the fork with the remedy is. Returns the step.

        Raises: RuntimeError if the trial is not done, or was adopted or discarded.
        """
        if not self.done:
            raise RuntimeError("the trial is not done: wait for it, trial.wait()")
        if self.adopted or self.discarded:
            raise RuntimeError(f"this trial was {'adopted' if self.adopted else 'discarded'} before")
        step = self.run.adopt(self.changed)
        self.adopted = True
        self.plain.stop()
        return step

    def discard(self) -> None:
        """Stop both forks; the run is as it was."""
        if self.adopted or self.discarded:
            return
        self.discarded = True
        for fork in (self.plain, getattr(self, "changed", None)):
            if fork is not None:
                fork.stop()

    def _is_done(self, fork: "Run") -> bool:
        return fork.state in ("done", "failed") or (fork.state == "paused" and fork.steps >= self.start + self.steps)

    def _curve(self, fork: "Run") -> tuple[np.ndarray, np.ndarray]:
        if "loss" not in fork.history:
            return np.zeros(0, np.int64), np.zeros(0)
        steps, losses = fork.history.steps("loss"), fork.history["loss"]
        n = min(len(steps), len(losses))
        here = (steps[:n] > self.start) & (steps[:n] <= self.start + self.steps)
        return steps[:n][here], losses[:n][here]

    def _measure(self, name: str, fork: "Run") -> float:
        if fork.state == "failed":
            return math.nan
        if self.validates:
            if name not in self._validated and self.done:
                self._validated[name] = fork.evaluate("valid")["loss"]
            return self._validated.get(name, math.nan)
        losses = self._curve(fork)[1]
        return float(np.mean(losses[-max(5, len(losses) // 4) :])) if len(losses) else math.nan


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "no number"
