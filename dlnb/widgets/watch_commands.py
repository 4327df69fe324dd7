"""What the browser says to a dashboard, checked, and sent on to the run and its forks without waiting for them."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np

from ..train.lookahead import WhatIf
from ..train.run import Run
from . import watch_answers
from .base import Message
from .watch_doctor import Doctor

Hear = Callable[[Message, list[memoryview]], None]
Answer = Callable[[Message, dict[str, np.ndarray]], None]


class Commands:
    """Commands to a run, what came of them, and questions about it.

    notice, noticed: why the last command was refused, and how often one was. turned: the step at which each knob was
    last turned from here. what_if: number, knob and outcome of the last look ahead. forks: by the number of their line.
    """

    def __init__(self, run: Run, doctor: Doctor, changed: Callable[[], None]) -> None:
        self.run = run
        self.doctor = doctor
        self.notice = ""
        self.noticed = 0
        self.turned: dict[str, int] = {}
        self.what_if: tuple[int, str, WhatIf | None] = (0, "", None)
        self.forks: dict[int, Run] = {}  # nobody else may hold them
        self._changed = changed

    def hears(self) -> dict[str, Hear]:
        """What to do with a message of each kind. Raises: ValueError if a message makes no sense."""
        plain = ("pause", "resume", "stop", "undo", "fork")
        return {
            **{name: lambda *_, name=name: self._tell(name) for name in plain},
            "step": lambda message, _: self._tell("step", count=whole(message, "count", 1)),
            "set": lambda message, _: self._set(_knobs(message)),
            "seek": lambda message, _: self._tell("seek", step=whole(message, "step"), line=self._line(message)),
            "adopt": lambda message, _: self._tell("adopt", fork=self._fork(message)),
            "mark": lambda message, _: self._tell("mark", text=words(message, "text")),
            "freeze": lambda message, _: self._tell("freeze", layer=words(message, "layer")),
            "unfreeze": lambda message, _: self._tell("unfreeze", layer=words(message, "layer")),
            "fork_do": lambda message, _: self._tell_fork(self._fork(message), message),
            "what_if": lambda message, _: self._look_ahead(message),
            "forget": lambda *_: self._forget(),
            "try_remedy": lambda message, _: self._treat(self.doctor.try_remedy, message),
            "adopt_remedy": lambda message, _: self._treat(self.doctor.adopt, message),
            "discard_remedy": lambda message, _: self._treat(self.doctor.discard, message),
        }

    def follow_forks(self) -> list[Run]:
        """Hold the forks that there are now; returns them."""
        found = [(line.number, self.run.timeline.run_on(line)) for line in self.run.timeline.lines]
        self.forks = {number: run for number, run in found if run is not None and run is not self.run}
        return list(self.forks.values())

    def answer(self, message: Message, send: Answer) -> None:
        """Answer a question; what goes wrong is the answer too, as somebody waits for it."""
        number, about = words(message, "id"), message.get("about")
        try:
            header, columns = self._asked_for(about, message)
        except Exception as error:
            header, columns = {"refused": str(error)}, {}
        send({"kind": "answer", "id": number, **header}, columns)

    def _asked_for(self, about: Any, message: Message) -> watch_answers.Answer:
        if about == "window":
            return watch_answers.window(self.run, message)
        if about == "csv":
            return watch_answers.csv(self.run, message)
        if about == "script":
            return watch_answers.script(self.run, message)
        if about == "evidence":
            return watch_answers.evidence(self.doctor.find, message)
        raise ValueError(f"nothing is known about {about!r:.40}")

    def _tell(self, command: str, **arguments: Any) -> None:
        """Send a command to the run; what it refuses is shown in the widget."""
        self.run.request(command, **arguments).add_done_callback(self._told)

    def _told(self, answer: "Future[Any]") -> None:
        if answer.cancelled():
            return
        error = answer.exception()
        self._refuse(error) if error is not None else self._accept(answer.result())
        self._changed()

    def _accept(self, result: Any) -> None:
        self.notice = ""
        if isinstance(result, Run):
            self.forks[result.line.number] = result

    def _refuse(self, error: BaseException) -> None:
        self.notice, self.noticed = str(error), self.noticed + 1

    def _set(self, knobs: dict[str, Any]) -> None:
        def done(answer: "Future[int]") -> None:
            if answer.exception() is None:
                self.turned |= dict.fromkeys(knobs, answer.result())

        future = self.run.request("set", **knobs)
        future.add_done_callback(done)
        future.add_done_callback(self._told)

    def _tell_fork(self, fork: Run, message: Message) -> None:
        command = message.get("to")
        if command not in ("pause", "resume", "stop", "set"):
            raise ValueError(f"a fork is told to pause, resume, stop or set; got {command!r:.40}")
        fork.request(command, **(_knobs(message) if command == "set" else {})).add_done_callback(self._told)

    def _look_ahead(self, message: Message) -> None:
        knob, values = words(message, "knob"), message.get("values")
        if not isinstance(values, list) or not 1 <= len(values) <= 8 or not all(map(is_number, values)):
            raise ValueError("what_if needs one to eight values")
        if knob not in self.run.knobs:
            raise ValueError(f"what_if needs a knob of the run, got {knob!r}")

        def done(answer: "Future[WhatIf]") -> None:
            if answer.exception() is None:
                self.what_if = (self.what_if[0] + 1, knob, answer.result())

        future = self.run.request("what_if", steps=whole(message, "steps"), **{knob: values})
        future.add_done_callback(done)
        future.add_done_callback(self._told)

    def _forget(self) -> None:
        self.what_if = (self.what_if[0] + 1, "", None)
        self._changed()

    def _treat(self, how: Callable[[str], None], message: Message) -> None:
        finding = words(message, "finding")
        try:
            how(finding)
            self.notice = ""
        except ValueError as error:
            self._refuse(error)
        self._changed()

    def _line(self, message: Message) -> Any:
        """The line that a message names, or None where it names none."""
        if message.get("line") is None:
            return None
        wanted = whole(message, "line")
        for line in self.run.timeline.lines:
            if line.number == wanted:
                return line
        raise ValueError(f"the timeline has no line {wanted}")

    def _fork(self, message: Message) -> Run:
        fork = self.forks.get(whole(message, "line"))
        if fork is None:
            raise ValueError("there is no fork on that line")
        return fork


def whole(message: Message, key: str, default: Any = None) -> int:
    """A whole number that a message holds, 0 or more. Raises: ValueError if it is none."""
    value = message.get(key, default)
    if not isinstance(value, int) or not is_number(value) or value < 0:
        raise ValueError(f"{key} must be a whole number, 0 or more")
    return value


def words(message: Message, key: str) -> str:
    """A short text that a message holds. Raises: ValueError if it is none."""
    value = message.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise ValueError(f"{key} must be a short text")
    return value


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a number that a float can hold."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _knobs(message: Message) -> dict[str, Any]:
    knobs = message.get("knobs")
    if not isinstance(knobs, dict) or not 0 < len(knobs) <= 100:
        raise ValueError("set needs knobs: an object of names and numbers")
    for name, value in knobs.items():
        word = name == "schedule" and isinstance(value, str) and len(value) <= 20
        off = name == "clip" and value is None
        if not isinstance(name, str) or len(name) > 100 or not (word or off or is_number(value)):
            raise ValueError("the knobs that set names must have numbers")
    return knobs
