"""Asks the rules when there is something new to judge, and keeps what they found.

A finding appears only when its rule has said so often enough, and goes when it has been silent often enough. Looking is
kept below a share of the training time, which is measured.
"""

import logging
import time
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..diagnose import TrainingError
from ..probes.probes import Probes
from . import data, fit, layers, numbers, setup, stepping  # noqa: F401, each enters its rules
from .finding import RULES, Context, Finding, Rule, When

if TYPE_CHECKING:
    from ..run import Run
    from .trial import Trial

log = logging.getLogger(__name__)

NEW_LOSSES = 50  # that make it worth looking again
HEAD_START = 0.02  # seconds that looking may take at first, when most of what goes wrong does
ORDER = {"stop": 0, "warn": 1, "note": 2}


class Health:
    """What is wrong with a run, as far as rules can tell.

    run: a `Run`, or a `Loop` alone. probes: by default those that observe the loop, or new ones that are set to.
    share: of the training time that looking may take. seconds: what it has taken.
    findings: what is wrong now, the worst first. log: all that ever appeared, in that order.
    """

    def __init__(self, run: "Run | Any", probes: Probes | None = None, share: float = 0.0005) -> None:
        # Not held: a run holds its health, and what holds each other is freed late, with all the snapshots of the run.
        self._run: weakref.ref[Run] | None = weakref.ref(run) if hasattr(run, "request") else None
        loop: Any = getattr(run, "_loop", run)
        if probes is None:
            probes = loop.observer if isinstance(loop.observer, Probes) else Probes(loop.model)
            loop.observer = probes
        self.share = share
        self.seconds = 0.0
        self.findings: list[Finding] = []
        self.log: list[Finding] = []
        self._loop = loop
        self.probes = probes
        self._context = Context(loop, probes)
        self._present: dict[str, Finding] = {}
        self._streaks: dict[str, int] = {}
        self._silences: dict[str, int] = {}
        self._broken: set[str] = set()
        self._not_before = 0.0
        self._count = self._losses = self._evaluations = 0
        self._step = loop.steps
        self._version = loop.history.version

    # What the run tells it.

    def before_start(self) -> None:
        """Look at what can be known before the first step."""
        begin = time.perf_counter()
        self._ask("start")
        self._publish()
        self.seconds += time.perf_counter() - begin

    def after_turn(self) -> None:
        """Look again if it is time to and there is enough that is new."""
        loop = self._loop
        if loop.steps < self._step or loop.history.version != self._version:
            self._rewound()
        if time.perf_counter() >= self._not_before:
            self._look(NEW_LOSSES)

    def at_end(self) -> None:
        """Look a last time, as a short run may be over before it was time to."""
        self._look(1)

    def _look(self, new_losses: int) -> None:
        """Ask the rules for which something is new; a few losses more are nothing new."""
        begin = time.perf_counter()
        loop = self._loop
        probes, history = self.probes, loop.history
        looks: list[When] = []
        if probes.count != self._count:
            looks.append("observation")
        losses = history.series("loss").length if "loss" in history else 0
        if losses >= self._losses + new_losses:
            looks.append("losses")
        evaluations = history.series("valid_loss").length if "valid_loss" in history else 0
        if evaluations != self._evaluations:
            looks.append("evaluation")
        if not looks:
            return
        self._step = loop.steps
        if "observation" in looks:
            self._count = probes.count
            self._context.refresh()
            self._settle()
            if not probes.recent:
                looks.remove("observation")
        if "losses" in looks:
            self._losses = losses
        self._evaluations = evaluations
        for look in looks:
            self._ask(look)
        if self._present.get("nan", None) is not None and self._present["nan"].step < loop.steps:
            del self._present["nan"]  # it went on
        self._publish()
        cost = time.perf_counter() - begin
        self.seconds += cost
        if self.seconds > HEAD_START:
            self._not_before = begin + cost / self.share

    def failed(self, error: BaseException) -> None:
        """A step raised: say so if it is something that a rule knows."""
        finding = None
        if isinstance(error, TrainingError) and ("NaN" in str(error) or "infini" in str(error)):
            finding = numbers.not_finite(self._context, error)
        elif isinstance(error, ValueError) and str(error).startswith("labels run from"):
            finding = data.bad_labels(self._context, str(error), np.zeros(0), 0)
        if finding is not None:
            self._enter(finding)
            cause = stepping.never_cleared(self._context)
            if cause is not None:
                self._enter(cause)
            self._publish()

    # What one asks it.

    def summary(self) -> str:
        """One sentence: what is worst, or that nothing is wrong."""
        if not self.findings:
            return "Nothing is wrong, as far as I can see." if self.probes.count else "Nothing was looked at yet."
        worst = self.findings[0].sentence
        more = len(self.findings) - 1
        return worst if not more else f"{worst} And {more} more finding{'s' if more > 1 else ''}."

    @property
    def checked(self) -> list[str]:
        """The rules that are silent now, of those that work."""
        names = dict.fromkeys(rule.name for rule in RULES)
        return [name for name in names if name not in self._present and name not in self._broken]

    def try_remedy(self, finding: Finding, steps: int | None = None) -> "Trial":
        """Train two forks on the same batches, one as it is and one with the finding's remedy; returns at once.

        steps: of each fork; by default 60, or an epoch where validation decides.

        Raises: ValueError if the remedy is words only; TypeError if the run cannot be forked.
        """
        from .trial import Trial

        run = None if self._run is None else self._run()
        if run is None:
            raise TypeError("only a run can be forked, and this is the health of a loop alone, or of a run that nobody holds any more")
        return Trial(run, finding, steps)

    # Inside.

    def _ask(self, when: When) -> None:
        context = self._context
        context.present = set(self._present)
        verdicts: dict[str, tuple[Rule, Finding | None]] = {}
        for rule in RULES:
            if rule.when != when or rule.name in self._broken:
                continue
            try:
                finding = rule.check(context)
            except Exception:
                # A rule that stumbles over an odd model must not end the training.
                log.exception("dlnb: the rule %r is not asked any more", rule.name)
                self._broken.add(rule.name)
                continue
            if finding is not None or rule.name not in verdicts:
                verdicts[rule.name] = (rule, finding)
        for rule, finding in verdicts.values():
            self._judge(rule, finding)

    def _judge(self, rule: Rule, finding: Finding | None) -> None:
        name = rule.name
        if finding is not None:
            self._silences[name] = 0
            self._streaks[name] = self._streaks.get(name, 0) + 1
            if self._streaks[name] >= rule.patience:
                self._enter(finding)
            return
        self._streaks[name] = 0
        self._silences[name] = self._silences.get(name, 0) + 1
        if self._silences[name] >= rule.grace and rule.when != "start":
            self._present.pop(name, None)

    def _enter(self, finding: Finding) -> None:
        before = self._present.get(finding.rule)
        if before is None:
            self.log = [*self.log, finding]
        elif before.step <= finding.step:
            finding = replace(finding, step=before.step)  # since when it is so
        self._present[finding.rule] = finding

    def _publish(self) -> None:
        """A new list, for who walks over the old one in another thread."""
        self.findings = sorted(self._present.values(), key=lambda finding: (ORDER[finding.severity], finding.step))

    def _settle(self) -> None:
        """In a hand-written loop the loss of an observed step is known only when it was logged."""
        for seen in self.probes.recent:
            if seen.loss != seen.loss:
                steps, losses = self._context.column("loss")
                row = int(steps.searchsorted(seen.step))
                if row < len(steps) and steps[row] == seen.step:
                    seen.settle(float(losses[row]))

    def _rewound(self) -> None:
        """The run went back: forget what was found later, and begin to count again."""
        loop = self._loop
        self._present = {
            name: finding for name, finding in self._present.items() if finding.step <= loop.steps and name != "nan"
        }
        self._streaks, self._silences = {}, {}
        self._context.memory.clear()
        self._context.refresh()
        self._step, self._version = loop.steps, loop.history.version
        history = loop.history
        self._losses = history.series("loss").length if "loss" in history else 0
        self._evaluations = history.series("valid_loss").length if "valid_loss" in history else 0
        self._count = self.probes.count
        self._publish()
