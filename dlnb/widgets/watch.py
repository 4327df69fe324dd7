"""`dl.watch(run)`: the live dashboard. The drawing half is `widgets/src/watch/`.

What is sent is made in `watch_frames.py` (panels), `watch_curves.py` (curves) and `watch_answers.py` (what is asked
once); what is heard goes through `watch_commands.py`, remedies through `watch_doctor.py`.
"""

import base64
import math
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from ..preview import Preview
from ..train.run import Run
from .base import Message, View, Widget
from .frames import pack
from .inside import shown_inside
from .watch_commands import Commands, is_number, words
from .watch_curves import Curves, Sent
from .watch_doctor import Doctor
from .watch_frames import fixed, ghosts, panel_of_knobs, panel_of_layers, panel_of_time, status
from .watch_gallery import examples_of, gallery

Panel = Literal["curves", "knobs", "health", "predictions", "layers", "time"]
PANELS: tuple[Panel, ...] = get_args(Panel)

GALLERY_PERIOD = 0.5  # seconds between two looks at the predictions
GALLERY_SHARE = 0.0015  # of the training time that these looks may take
LAYERS_PERIOD = 1.0  # seconds between two tables of the layers with their histograms
KNOBS_PERIOD = 0.3  # seconds between two looks at what can be turned
HEALTH_PERIOD = 2.0  # seconds between two looks at whether what was wrong still is
TIME_PERIOD = 0.5  # seconds between two pictures of the timeline
MOST_LINES = 6  # lines that are compared at once


def watch(run: Run, only: Panel | None = None) -> "Watch":
    """Open the dashboard of a run: curves, knobs, health, layers, predictions, and a timeline to go back and fork.

    In a cell: `run = dl.fit(model, task)`, then `dl.watch(run)`. Inside `with dl.record(…) as run:` it shows itself at once.

    only: one part alone: "curves", "knobs", "health", "predictions", "layers" or "time".

    Raises: TypeError if `run` is not a run, ValueError if there is no such part.
    """
    if not isinstance(run, Run):
        raise TypeError(f"watch needs a run, such as dl.fit(model, task) returns; got {type(run).__name__}")
    if only is not None and only not in PANELS:
        raise ValueError(f"the dashboard has no part {only!r}; it has {', '.join(map(repr, PANELS))}")
    return shown_inside(Watch(run, only), run)


@dataclass
class Look:
    """What a view wants to see: open panels on the screen, smoothing in steps, lines to compare."""

    panels: frozenset[str] = frozenset(PANELS) - {"layers"}
    half_life: float = 0.0
    lines: tuple[int, ...] = ()


@dataclass
class Sight:
    """What a view has been sent."""

    own: Sent = field(default_factory=Sent)
    smooth: dict[str, int] = field(default_factory=dict)
    half_life: float = 0.0
    lines: dict[int, Sent] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)  # the panels as they were sent last
    times: dict[str, float] = field(default_factory=dict)  # when


class Watch(Widget):
    """The dashboard of one run."""

    bundle = "watch"

    def __init__(self, run: Run, only: Panel | None = None) -> None:
        self.run = run
        self.only = only
        self.trouble = ""  # why the predictions cannot be shown
        self._shown: Preview | None = None
        self._shown_at = (-1, -math.inf)  # steps, seconds
        self._shown_number = 0
        self._asked: Future[Preview | None] | None = None
        self._looks: dict[str, Look] = {}
        self._published_state = run.state
        self._doctor = Doctor(run, self.changed)
        self._commands = Commands(run, self._doctor, lambda: self.changed(urgent=True))
        super().__init__()
        self.hears |= {**self._commands.hears(), "look": self._take_look, "ask": self._answer}
        run.on_change.append(self._run_changed)

    def close(self) -> None:
        """Take the dashboard off the run and its forks."""
        self._doctor.close()
        for run in (self.run, *self._commands.forks.values()):
            if self._run_changed in run.on_change:
                run.on_change.remove(self._run_changed)
        super().close()

    def still(self) -> str | None:
        """The curves, once the run has come to rest."""
        if self.run.state in ("ready", "running") or "loss" not in self.run.history:
            return None
        from ..train.plot import plot, png  # Matplotlib, half a second

        return base64.b64encode(png(plot(self.run))).decode()

    # Frames.

    def publish(self) -> None:
        """See `Widget.publish`; asks for new predictions when they are due."""
        begin = time.thread_time()
        self._published_state = self.run.state
        self._listen_to_forks()
        if any(view.ready and "predictions" in self._look_of(view).panels for view in list(self.views.values())):
            self._ask_for_predictions()
        super().publish()
        # Training pays for it: of this run, or of the fork that goes on while this one waits.
        training = [run for run in (self.run, *self._commands.forks.values()) if run.state == "running"]
        if training:
            training[0].observed += time.thread_time() - begin

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`."""
        columns: dict[str, np.ndarray] = {}
        sight: Sight = view.cursors.setdefault("sight", Sight())
        look, curves = self._look_of(view), Curves(self.run.line)
        if full := curves.is_cut(sight.own):
            sight.own, sight.smooth, sight.lines = Sent(curves.number), {}, {}
        marks = [[mark.step, mark.text] for mark in curves.marks[sight.own.marks :]]
        sight.own.marks += len(marks)
        told = status(self.run)
        commands = self._commands
        told |= {"notice": commands.notice, "noticed": commands.noticed, "trouble": self.trouble}
        parts = self._panels(sight, look, columns, urgent=bool(marks))
        if "curves" in look.panels:
            dense = [name for name in curves.names if not name.startswith("valid_") and name not in told["knobs"]]
            parts |= self._curves(curves, sight, look, columns, dense)
        # What stands still is not sent again, whoever asks.
        standing = {name: told[name] for name in ("state", "step", "knobs", "notice", "noticed", "trouble", "word")}
        standing["busy"] = round(told["busy"] or 0, 1)
        if not (full or columns or marks or parts) and sight.parts.get("status") == standing:
            return None
        sight.parts["status"] = standing
        header: Message = {"full": full, "marks": marks, "halfLife": sight.half_life, **told, **parts}
        header["columns"], buffer = pack(columns)
        return header, [buffer]

    def _panels(self, sight: Sight, look: Look, columns: dict[str, np.ndarray], urgent: bool) -> Message:
        """What is new in the panels that are seen, but the curves; adds columns. urgent: something was done."""
        run, now = self.run, time.monotonic()
        parts: Message = {}
        self._news(sight, parts, "fixed", fixed(run, self.only))
        if "knobs" in look.panels:
            if urgent or self._is_due(sight, "controls", KNOBS_PERIOD, now):
                self._news(sight, parts, "controls", panel_of_knobs(run, self._commands.turned))
            number, knob, made = self._commands.what_if
            self._news(sight, parts, "whatIf", number)
            if "whatIf" in parts:
                parts["whatIf"] = made and ghosts(number, knob, made, columns)
        if "health" in look.panels:
            self._news(sight, parts, "health", self._doctor.panel())
            if run.health.findings and self._is_due(sight, "health", HEALTH_PERIOD, now):
                run.probes.next_step = min(run.probes.next_step, run.steps + 1)  # is it mended?
        if "time" in look.panels and self._is_due(sight, "time", TIME_PERIOD, now):
            ticks: dict[str, np.ndarray] = {}
            lines = panel_of_time(run, ticks, self._doctor.lines)
            self._news(sight, parts, "time", (lines, {name: steps.tobytes() for name, steps in ticks.items()}))
            if "time" in parts:
                parts["time"] = lines
                columns |= ticks
        if "predictions" in look.panels and self._shown is not None and sight.parts.get("shown") != self._shown_number:
            examples = examples_of(self._shown)
            parts["gallery"] = gallery(self._shown, columns, sight.parts.get("examples") is not examples)
            sight.parts |= {"shown": self._shown_number, "examples": examples}
        if "layers" in look.panels and self._is_due(sight, "layers", LAYERS_PERIOD, now):
            probes = run.probes
            probes.next_step = min(probes.next_step, run.steps + 1)  # its own stride may be minutes of this panel
            if probes.count and sight.parts.get("layers") != probes.count:
                sight.parts["layers"] = probes.count
                parts["layers"] = panel_of_layers(probes, columns)
        return parts

    def _curves(
        self, curves: Curves, sight: Sight, look: Look, columns: dict[str, np.ndarray], dense: list[str]
    ) -> Message:
        """Adds what is new of the run's curves, of their moving averages, and of the lines they are compared with.

        Returns which of them begin anew. dense: the curves that are smoothed.
        """
        columns |= curves.new(sight.own)
        begins: Message = {}
        if look.half_life != sight.half_life:
            sight.half_life, sight.smooth = look.half_life, {}
            begins["smoothAgain"] = True
        if look.half_life:
            columns |= curves.new_smooth(sight.smooth, look.half_life, dense)
        again: list[int] = []
        if begins:
            again, sight.lines = list(sight.lines), {}
        for line in self.run.timeline.lines:
            if line.number in look.lines and line is not self.run.line:
                theirs, sent = Curves(line), sight.lines.setdefault(line.number, Sent(line.number))
                if theirs.is_cut(sent):
                    again.append(line.number)
                    sent = sight.lines[line.number] = Sent(line.number)
                prefix = f"line{line.number}:"
                if look.half_life:
                    columns |= theirs.new_smooth(sent.rows, look.half_life, ["loss"], prefix)
                else:
                    columns |= theirs.new(sent, prefix, ("loss",))
        for number in set(sight.lines) - set(look.lines):
            del sight.lines[number]
            again.append(number)
        if again:
            begins["linesAgain"] = again
        return begins

    @staticmethod
    def _news(sight: Sight, parts: Message, part: str, value: Any) -> None:
        """Have a part among those that are sent if the view has it otherwise."""
        if part not in sight.parts or sight.parts[part] != value:
            sight.parts[part] = parts[part] = value

    def _is_due(self, sight: Sight, part: str, period: float, now: float) -> bool:
        """Whether a part may be made again; at once where the run rests."""
        if self.run.state == "running" and now - sight.times.get(part, -math.inf) < period:
            return False
        sight.times[part] = now
        return True

    def _look_of(self, view: View) -> Look:
        look = self._looks.get(view.name, Look())
        if self.only is None:
            return look
        # What a part alone needs: the layers panel may be closed elsewhere, here it is what was asked for.
        return Look(frozenset({self.only}), look.half_life, look.lines)

    # What the run and its forks say.

    def _run_changed(self, run: Run) -> None:
        if self.views:
            self.changed(urgent=run is self.run and run.state != self._published_state)

    def _listen_to_forks(self) -> None:
        for run in self._commands.follow_forks():
            if self._run_changed not in run.on_change:
                run.on_change.append(self._run_changed)

    def _ask_for_predictions(self) -> None:
        run = self.run
        steps, seconds = self._shown_at
        if run.task.preview is None or steps == run.steps or self._asked is not None:
            return
        now = time.monotonic()
        if run.state == "running" and now - seconds < max(GALLERY_PERIOD, run.preview_seconds / GALLERY_SHARE):
            return
        self._shown_at = (run.steps, now)
        self._asked = run.request("preview")
        self._asked.add_done_callback(self._answered)

    def _answered(self, answer: "Future[Preview | None]") -> None:
        self._asked = None
        if (error := answer.exception()) is not None:
            self.trouble = f"the predictions cannot be shown: {error}"
        elif not isinstance(shown := answer.result(), Preview | None):
            self.trouble = f"the predictions cannot be shown: task.preview gave a {type(shown).__name__}, no preview"
        else:
            self.trouble = ""
            self._shown, self._shown_number = shown, self._shown_number + 1
        self.changed()

    # What the browser says of itself, and asks.

    def _take_look(self, message: Message, _: list[memoryview]) -> None:
        panels, lines, half_life = (message.get(key) for key in ("panels", "lines", "half_life"))
        if not isinstance(panels, list) or not all(panel in PANELS for panel in panels if isinstance(panel, str)):
            raise ValueError("look needs the panels that are seen")
        if not isinstance(lines, list) or not all(isinstance(line, int) for line in lines):
            raise ValueError("look needs the lines that are compared")
        if half_life is None or not is_number(half_life) or not 0 <= half_life <= 1e6:
            raise ValueError("look needs the half-life of the smoothing in steps")
        name = words(message, "view")
        with self.lock:
            self._looks.pop(name, None)
            self._looks[name] = Look(frozenset(map(str, panels)), float(half_life), tuple(lines[:MOST_LINES]))
            for old in [old for old in self._looks if old not in self.views][:-8]:
                del self._looks[old]
        self.changed(urgent=True)

    def _answer(self, message: Message, _: list[memoryview]) -> None:
        def send(header: Message, columns: dict[str, np.ndarray]) -> None:
            header["columns"], buffer = pack(columns)
            self.send(header, [buffer])

        self._commands.answer(message, send)

    def __repr__(self) -> str:
        part = "" if self.only is None else f", {self.only} only"
        return f"Watch({type(self.run.model).__name__} on {self.run.task.name}{part})"
