"""What the health of a run says to a dashboard: findings by name, and remedies tried in forks on a thread of their own.

Making a fork waits for the end of a step, and going back with it for longer: nobody who hears the browser may wait so.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..train.run import Run
from .base import Message

if TYPE_CHECKING:
    from ..train.health.finding import Finding
    from ..train.health.trial import Trial

PERIOD = 0.2  # seconds between two looks at how far a trial is

log = logging.getLogger(__name__)


@dataclass
class Treatment:
    """A remedy that is being tried, or was."""

    finding: "Finding"
    first_line: int  # its forks have this number or a higher one
    state: Literal["running", "tested", "adopted", "failed"] = "running"
    words: str = ""
    trial: "Trial | None" = None
    discarded: bool = False


class Doctor:
    """The findings of a run by name. `changed` is called when there is something new to say."""

    def __init__(self, run: Run, changed: Callable[[], Any]) -> None:
        self.run = run
        self._changed = changed
        self._treatments: dict[str, Treatment] = {}
        self._discarded: set[int] = set()

    def panel(self) -> Message:
        """The findings, those that are treated among them, what else was looked at, and how the trials go."""
        health = self.run.health
        found = {finding.rule: finding for finding in health.findings}
        treated = {name: t.finding for name, t in self._treatments.items() if t.state in ("running", "tested")}
        checked = [name.replace("_", " ") for name in health.checked if name not in treated]
        return {
            "findings": [self._told(name, finding) for name, finding in {**treated, **found}.items()],
            "checked": checked,
        }

    def find(self, name: str) -> "Finding":
        """The finding of a name. Raises: ValueError if it has gone."""
        for finding in self.run.health.findings:
            if finding.rule == name:
                return finding
        if name in self._treatments:
            return self._treatments[name].finding
        raise ValueError("this finding has gone meanwhile")

    @property
    def lines(self) -> set[int]:
        """The lines of the timeline on which remedies are tried, or were."""
        found: set[int] = set()
        for treatment in self._treatments.values():
            if treatment.trial is not None:
                found |= {fork.line.number for fork in (treatment.trial.plain, treatment.trial.changed)}
            elif treatment.state == "running":  # its forks are being made
                found |= set(range(treatment.first_line, len(self.run.timeline.lines)))
        return found | self._discarded

    def try_remedy(self, name: str) -> None:
        """Begin to try the remedy of a finding. Raises: ValueError if there is none, or it is being tried."""
        finding = self.find(name)
        self._discarded = self.lines
        if (known := self._treatments.get(name)) is not None and known.state in ("running", "tested"):
            raise ValueError("this remedy is being tried already")
        treatment = self._treatments[name] = Treatment(finding, len(self.run.timeline.lines), words="making two forks")
        self._on_thread(lambda: self._try(treatment), treatment)

    def adopt(self, name: str) -> None:
        """Let the run go on from where the remedy was tried."""
        treatment = self._tested(name)
        treatment.state, treatment.words = "running", "taking it over"

        def work() -> None:
            assert treatment.trial is not None
            step = treatment.trial.adopt()
            treatment.state, treatment.words = "adopted", f"adopted: the run is at step {step}"

        self._on_thread(work, treatment)

    def discard(self, name: str) -> None:
        """Forget a trial; the run is as it was."""
        treatment = self._tested(name)
        treatment.discarded = True
        self._discarded = self.lines
        del self._treatments[name]
        if treatment.trial is not None:
            self._on_thread(treatment.trial.discard, treatment)
        self._changed()

    def close(self) -> None:
        """End the trials."""
        for name in [name for name, treatment in self._treatments.items() if treatment.state == "running"]:
            self._treatments.pop(name).discarded = True

    def _try(self, treatment: Treatment) -> None:
        trial = treatment.trial = self.run.health.try_remedy(treatment.finding)
        while not trial.done:
            if treatment.discarded:
                trial.discard()
                return
            treatment.words = trial.words
            self._changed()
            time.sleep(PERIOD)
        treatment.words, treatment.state = trial.words, "tested"

    def _tested(self, name: str) -> Treatment:
        treatment = self._treatments.get(name)
        if treatment is None or treatment.state != "tested":
            raise ValueError("this remedy was not tried yet")
        return treatment

    def _on_thread(self, work: Callable[[], Any], treatment: Treatment) -> None:
        def run() -> None:
            try:
                work()
            except Exception as error:
                treatment.state, treatment.words = "failed", str(error)
                log.info("dlnb: a remedy could not be tried: %s", error)
            self._changed()

        threading.Thread(target=run, name="dlnb-remedy", daemon=True).start()

    def _told(self, name: str, finding: "Finding") -> Message:
        remedy, treatment = finding.remedy, self._treatments.get(name)
        return {
            "id": name,
            "rule": finding.rule,
            "severity": finding.severity,
            "sentence": finding.sentence,
            "step": finding.step,
            "layer": finding.layer,
            "remedy": remedy and {"words": remedy.words, "knobs": dict(remedy.knobs)},
            "trial": treatment and {"state": treatment.state, "words": treatment.words},
        }
