"""`dl.errors(run)`: where the model is wrong, while it trains. The drawing half is `widgets/src/errors/`.

The split is read in short questions to the run, a few batches each, as often as a two-hundredth of the training time
allows; then everything is measured outside the training. A view is sent what changed, and each picture once.
"""

import base64
import time
from concurrent.futures import Future
from typing import Any

import numpy as np
from torch import nn

from ..task import LoaderBatches, Task
from ..train.mistakes.influence import Influence, example, influence
from ..train.mistakes.mistakes import Memory
from ..train.record import Recording
from ..train.run import Run
from .base import Message, View, Widget
from .errors_frame import Wish, frame_for
from .findings import LISTS, SPLIT_WORDS, Findings
from .inside import shown_inside
from .looking import Look, Looking, OnInputs, shared_step
from .pictures import pictures_of

PICTURES = 64e6  # bytes of small pictures that are kept
LONGEST = 10.0  # seconds that a still picture may wait for a look
CHOSEN = 100  # examples in one note


def errors(run: Run, split: str = "valid", task: Task | None = None) -> "Errors":
    """Open a view of a model's mistakes: who is taken for whom, how sure it is, which examples it finds hardest.

    split: "train", "valid" or "test". task: with the data and the loss to judge by; the run's own unless given. A loop
    of your own has none, so there: `dl.errors(run, task=dl.Task.from_loaders(train, valid, loss=F.cross_entropy))`.
    Works on a run that trains, is paused, or is done, and follows it.

    Raises: TypeError if `run` is not a run, ValueError if the task has no such split.
    """
    if not isinstance(run, Run):
        raise TypeError(f"errors needs a run, such as dl.fit(model, task) returns; got {type(run).__name__}")
    if task is None and isinstance(run, Recording):
        raise ValueError(
            "a loop of your own does not say which data to judge it by. Give them: "
            "dl.errors(run, task=dl.Task.from_loaders(train_loader, valid_loader, loss=F.cross_entropy))"
        )
    task = task or run.task
    task.split(split)
    import sklearn.metrics  # noqa: F401  (now, as it takes a second, and not in the middle of the first look)

    return shown_inside(Errors(run, split, task), run)


class Errors(Widget):
    """The mistakes of one run on one split at a time."""

    bundle = "errors"

    def __init__(self, run: Run, split: str, task: Task) -> None:
        self.run = run
        self.task = task
        self.split = split
        self.notice = ""
        self.found: Findings | None = None
        self.influence: Message | None = None
        self.pictures: dict[str, dict[int, np.ndarray]] = {}
        self.number = 0  # grows with whatever there is to send
        self._memories: dict[str, Memory] = {}
        self._lines: dict[str, Any] = {}  # the line of the timeline that the last look at a split was on
        self._looking = Looking(run, task, self._piece_read, self._not_read)
        self._fetching: set[int] = set()
        self._unshown = ""  # why there are no pictures
        super().__init__()
        self.hears |= {
            "split": self._hear_split,
            "again": lambda *_: self._look_anew(),
            "list": self._hear_list,
            "curve": self._hear_curve,
            "compare": lambda *_: self._compare_from_here(),
            "note": self._hear_note,
            "help": self._hear_help,
        }
        run.on_change.append(self._run_changed)

    def close(self) -> None:
        """Take the view off the run."""
        if self._run_changed in self.run.on_change:
            self.run.on_change.remove(self._run_changed)
        super().close()

    @property
    def splits(self) -> list[str]:
        """The splits that the task has."""
        return [name for name in SPLIT_WORDS if getattr(self.task, name) is not None]

    @property
    def progress(self) -> list[int] | None:
        """Batches read, and in all, before anything was found; else None."""
        look = self._looking.under_way
        return None if self.found is not None or look is None else [look.reading.position, len(look.reading.batches)]

    def look(self, timeout: float | None = None) -> Findings:
        """Look at the split now and wait for what is found; for a cell, as in `dl.errors(run).look().summary()`.

        timeout: seconds. Raises: TimeoutError; what the model or the data raises.
        """
        look = self._looking.begin(self.split, self._keep_pictures(self.split))
        end = None if timeout is None else time.monotonic() + timeout
        while not look.reading.done:
            left = None if end is None else max(0.0, end - time.monotonic())
            self.run.ask(lambda model: look.read(self.run, model)).result(left)
        found = self._conclude(look)
        self._looking.concluded(look, 0.0)
        return found

    def still(self) -> str | None:
        """What a look finds, once the run has come to rest."""
        if self.run.state in ("ready", "running"):
            return None
        try:
            found = self.look(LONGEST)
        except Exception as error:  # whatever the model or the data raise is said where the widget is
            self._say(f"the {SPLIT_WORDS[self.split]} split cannot be looked at: {error}")
            return None
        from ..train.plot import png
        from .errors_figure import figure

        return base64.b64encode(png(figure(found))).decode()

    def publish(self) -> None:
        """See `Widget.publish`; looks at the split again when that is due."""
        begin = time.thread_time()
        if self.is_watched:
            look = self._looking.go_on(self.split, lambda: self._keep_pictures(self.split))
            if look is not None:
                self._measure(look)
        super().publish()
        self.run.observed += time.thread_time() - begin

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`."""
        header, buffer, missing = frame_for(self, view)
        if missing:
            self._fetch(missing)
        return None if header is None else (header, [buffer])

    # Looking.

    def _piece_read(self, urgent: bool) -> None:
        self.number += self.found is None  # how far the first look is
        self.changed(urgent)

    def _not_read(self, error: BaseException) -> None:
        what = f"the {SPLIT_WORDS[self.split]} split cannot be read"
        self._say(f"{what}: {type(error).__name__}: {str(error)[:1000]}")

    def _measure(self, look: Look) -> None:
        begin = time.thread_time()
        try:
            self._conclude(look)
        except Exception as error:  # the thread serves other views as well, and this one says why it shows nothing
            self._say(f"the answers cannot be measured: {type(error).__name__}: {str(error)[:1000]}")
        self._looking.concluded(look, time.thread_time() - begin)

    def _conclude(self, look: Look) -> Findings:
        answers, split = look.reading.answers(), look.split
        with self.lock:
            memory = self._memories.setdefault(split, Memory())
            line = look.place[0]
            before = self._lines.get(split, line)
            self._lines[split] = line
            memory.add(look.steps[1], answers.right, answers.losses, shared_step(before, line))
            found = Findings.of(answers, split, look.steps, memory)
            if split == self.split:
                self.found = found
                self.notice = answers.notice or self._unshown
                self.number += 1
        self.changed(urgent=self.run.state != "running")
        return found

    def _look_anew(self) -> None:
        self._looking.begin_anew()
        self._say("")

    # Pictures.

    def _keep_pictures(self, split: str) -> OnInputs:
        """What keeps small pictures as the inputs come by, until there is no room for more."""
        kept = self.pictures.setdefault(split, {})
        room = PICTURES - sum(picture.nbytes for pictures in self.pictures.values() for picture in pictures.values())

        def keep(start: int, inputs: list[Any]) -> None:
            nonlocal room
            if room <= 0 or start in kept:
                return
            try:
                pixels = pictures_of(self.task, inputs)
            except Exception as error:
                room = 0
                why = f"task.show raised {type(error).__name__}: {str(error)[:300]}"
                self._unshown = f"the pictures cannot be shown: {why}"
                return
            if pixels is None:
                room = 0
                return
            room -= pixels.nbytes
            kept.update((start + i, picture) for i, picture in enumerate(pixels))

        return keep

    def _fetch(self, numbers: list[int]) -> None:
        """Get pictures for which there was no room, where the data can be read anywhere."""
        split, task = self.split, self.task
        wanted = [number for number in numbers if number not in self._fetching]
        if not wanted or isinstance(task.split(split), LoaderBatches) or not self.pictures.get(split):
            return
        self._fetching.update(wanted)

        def question(_: nn.Module) -> dict[int, np.ndarray]:
            found = {number: pictures_of(task, list(example(task, split, number)[:-1])) for number in wanted}
            return {number: pixels[0] for number, pixels in found.items() if pixels is not None}

        def fetched(answer: "Future[dict[int, np.ndarray]]") -> None:
            if answer.exception() is None:
                self.pictures[split].update(answer.result())
                self._fetching.difference_update(wanted)
                self.changed(urgent=True)

        self.run.ask(question).add_done_callback(fetched)

    # What a browser says.

    def _hear_split(self, message: Message, _: list[memoryview]) -> None:
        split = message.get("split")
        if split not in self.splits:
            raise ValueError(f"there is no split {split!r}")
        with self.lock:
            self.split, self.found = split, None
            self._fetching = set()
        self._look_anew()

    def _hear_list(self, message: Message, _: list[memoryview]) -> None:
        name, truth, said, page = (message.get(key, -1) for key in ("name", "truth", "said", "page"))
        if name not in LISTS or not all(type(part) is int and -1 <= part < 2**31 for part in (truth, said, page)):
            raise ValueError("a list has a name, and whole numbers for its classes and its page")
        self._wish(message, name=name, truth=truth, said=said, page=max(0, page))

    def _hear_curve(self, message: Message, _: list[memoryview]) -> None:
        curve = message.get("curve")
        if type(curve) is not int or not -1 <= curve < 2**31:
            raise ValueError("a curve is that of a class, or -1 for all of them")
        self._wish(message, curve=curve)

    def _wish(self, message: Message, **parts: Any) -> None:
        with self.lock:
            view = self.views.get(str(message.get("view")))
            if view is not None:
                wish: Wish = view.cursors.setdefault("wish", Wish())
                for name, value in parts.items():
                    setattr(wish, name, value)
        self.changed(urgent=True)

    def _compare_from_here(self) -> None:
        with self.lock:
            memory = self._memories.get(self.split)
            if memory is None or self.found is None:
                return
            memory.compare_from_here()
            self.found = Findings.of(self.found.answers, self.split, self.found.steps, memory)
        self._say("")

    def _hear_note(self, message: Message, _: list[memoryview]) -> None:
        """Mark the chosen examples on the curve of the run: what is to be tried again later."""
        chosen = message.get("examples")
        if not isinstance(chosen, list) or not 0 < len(chosen) <= CHOSEN:
            raise ValueError(f"a note is about 1 to {CHOSEN} examples")
        examples = [self._example(part) for part in chosen]
        words = [
            f"{split} {', '.join(str(number) for of, number in examples if of == split)}"
            for split in dict.fromkeys(split for split, _ in examples)
        ]
        self.run.request("mark", text=f"try again: {'; '.join(words)}").add_done_callback(self._noted)

    def _noted(self, answer: "Future[Any]") -> None:
        error = answer.exception()
        self._say("" if error is None else f"the note cannot be made: {error}")

    def _hear_help(self, message: Message, _: list[memoryview]) -> None:
        """Did training on one example help another?"""
        on, of = self._example(message.get("on")), self._example(message.get("of"))
        task = self.task

        def told(answer: "Future[Influence]") -> None:
            error = answer.exception()
            if error is not None:
                self._say(f"the gradients cannot be compared: {type(error).__name__}: {str(error)[:1000]}")
                return
            words = answer.result().words(f"{on[0]} {on[1]}", f"{of[0]} {of[1]}", self.run.knobs.get("lr"))
            self.influence = {"words": words, "step": self.run.steps}
            self._say("")

        self.run.ask(lambda model: influence(model, task, on, of)).add_done_callback(told)

    def _example(self, part: Any) -> tuple[str, int]:
        split, number = (part.get("split"), part.get("number")) if isinstance(part, dict) else (None, None)
        if split not in self.splits or type(number) is not int or not 0 <= number < 2**31:
            raise ValueError("an example is a split and a number")
        return split, number

    def _say(self, notice: str) -> None:
        self.notice = notice
        self.number += 1
        self.changed(urgent=True)

    def _run_changed(self, _: Run) -> None:
        if self.views:
            self.changed()

    def __repr__(self) -> str:
        return f"Errors({type(self.run.model).__name__} on {self.task.name}, {self.split})"
