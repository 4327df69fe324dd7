"""`dl.pad(model)`: draw, and see what the model says as you draw. The drawing half is `widgets/src/pad/`."""

import time
from concurrent.futures import Future

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Task
from ..train.evaluate import evaluating
from ..train.registry import run_of
from ..train.run import Run
from .base import Message, View, Widget
from .frames import pack
from .inside import shown_inside

SIDE = 64  # pixels of a drawing on its way to the kernel
PERIOD = 0.2  # seconds between two answers to the same drawing while the model trains


def pad(model: nn.Module | Run, task: Task | None = None, size: int | None = None) -> "Pad":
    """Open a pad to draw on, with the model's probabilities beside it.

    model: a classifier of pictures with one channel, or a run. While the run trains, the answers
        follow it.
    task: says how a drawing becomes an input; the run's own unless given.
    size: side of the input in pixels, where no task says it: the drawing is averaged down to it.

    Raises: TypeError if it is neither, ValueError if neither task nor size is known or the size is none.
    """
    if task is not None and not isinstance(task, Task):
        raise TypeError(f"the task must be a dl.Task, got {task!r}; the side of the pictures is given as size=28")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
        raise ValueError(f"size must be a whole number of pixels, 1 or more; got {size!r}")
    run = model if isinstance(model, Run) else run_of(model) if isinstance(model, nn.Module) else None
    network = model.model if isinstance(model, Run) else model
    if not isinstance(network, nn.Module):
        raise TypeError(f"pad needs a model or a run, got {type(model).__name__}")
    task = task or (run.task if run is not None else None)
    if size is None and (task is None or task.from_drawing is None):
        raise ValueError("how large are this model's pictures? Give the task, or size=28")
    return shown_inside(Pad(network, run, task, size), run)


class Pad(Widget):
    """A drawing, and what one model says of it."""

    bundle = "pad"

    def __init__(self, model: nn.Module, run: Run | None, task: Task | None, size: int | None) -> None:
        self.model = model
        self.run = run
        self.task = task
        self.size = size
        self.drawing = np.zeros((SIDE, SIDE), np.uint8)
        self.seen = np.zeros((1, 1), np.uint8)
        self.scores: np.ndarray | None = None
        self.notice = ""
        self._number = 0
        self._asked: Future[Tensor] | None = None
        self._asked_at = (-1, 0.0)  # steps, seconds
        self._stale = False
        super().__init__()
        self.hears["draw"] = self._draw
        if run is not None:
            run.on_change.append(self._run_changed)

    def close(self) -> None:
        """Take the pad off the run."""
        if self.run is not None and self._run_changed in self.run.on_change:
            self.run.on_change.remove(self._run_changed)
        super().close()

    def publish(self) -> None:
        """See `Widget.publish`; asks the model again when it has learned meanwhile."""
        steps, seconds = self._asked_at
        run = self.run
        if run is not None and self.is_watched and self.drawing.any() and run.steps != steps and self._asked is None:
            if run.state != "running" or time.monotonic() - seconds >= PERIOD:
                self._ask()
        super().publish()

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`."""
        if view.cursors.get("number") == self._number:
            return None
        view.cursors["number"] = self._number
        columns = {"seen": self.seen.reshape(-1)}
        if self.scores is not None:
            columns["scores"] = self.scores
        if view.sent == 0 and self.drawing.any():
            columns["drawing"] = self.drawing.reshape(-1)
        directory, buffer = pack(columns)
        header: Message = {
            "full": view.sent == 0,
            "columns": directory,
            "side": SIDE,
            "height": self.seen.shape[0],
            "width": self.seen.shape[1],
            "classes": self._classes(),
            "model": type(self.model).__name__,
            "step": None if self.run is None else self.run.steps,
            "notice": self.notice,
        }
        return header, [buffer]

    def _draw(self, _: Message, buffers: list[memoryview]) -> None:
        if len(buffers) != 1 or buffers[0].nbytes != SIDE * SIDE:
            raise ValueError(f"a drawing must be one buffer of {SIDE * SIDE} bytes")
        with self.lock:
            self.drawing = np.frombuffer(buffers[0], np.uint8).reshape(SIDE, SIDE).copy()
            if not self.drawing.any():
                self.scores, self.seen = None, np.zeros_like(self.seen)
                self._say("")
                return
        self._ask()

    def _ask(self) -> None:
        """Ask the model, between two steps of its run where it has one; the newest drawing wins."""
        with self.lock:
            if self._asked is not None:
                self._stale = True
                return
            self._follow_run()
            self._asked_at = (-1 if self.run is None else self.run.steps, time.monotonic())
            try:
                picture = self._input()
                self._asked = asked = self._send_to_model(picture)
            except Exception as error:  # a mistake in the task's from_drawing is shown where the drawing is
                self._say(f"the drawing cannot be an input: {error}")
                return
        # Outside, as the engine thread may have the answer already and need the lock for it.
        asked.add_done_callback(lambda answer: self._answered(answer, picture))

    def _follow_run(self) -> None:
        """A run that began after the pad was opened: only it may say when the model can be asked."""
        if self.run is None and (run := run_of(self.model)) is not None:
            self.run = run
            run.on_change.append(self._run_changed)

    def _input(self) -> Tensor:
        drawing = self.drawing.astype(np.float32) / 255
        if self.task is not None and self.task.from_drawing is not None and self.size is None:
            return self.task.from_drawing(drawing)
        return F.adaptive_avg_pool2d(torch.from_numpy(drawing)[None], self.size or SIDE)

    def _send_to_model(self, picture: Tensor) -> "Future[Tensor]":
        def question(model: nn.Module) -> Tensor:
            return probabilities(model, picture)

        if self.run is not None:
            return self.run.ask(question)
        asked: Future[Tensor] = Future()
        try:
            with evaluating(self.model):
                asked.set_result(question(self.model))
        except Exception as error:
            asked.set_exception(error)
        return asked

    def _answered(self, answer: "Future[Tensor]", picture: Tensor) -> None:
        error = answer.exception()
        with self.lock:
            self._asked = None
            if error is None and self.drawing.any():
                self.scores = answer.result().numpy()
                self.seen = (picture.reshape(-1, *picture.shape[-2:])[0].clamp(0, 1) * 255).to(torch.uint8).numpy()
            self._say("" if error is None else f"the model cannot answer: {str(error)[:1000]}")
            again, self._stale = self._stale, False
        if again:
            self._ask()

    def _say(self, notice: str) -> None:
        self.notice = notice
        self._number += 1
        self.changed(urgent=True)

    def _run_changed(self, _: Run) -> None:
        if self.views and self.drawing.any():
            self.changed()

    def _classes(self) -> list[str]:
        names = list(self.task.classes) if self.task is not None else []
        if self.scores is None or len(names) == len(self.scores):
            return names
        return [str(k) for k in range(len(self.scores))]

    def __repr__(self) -> str:
        return f"Pad({type(self.model).__name__})"


def probabilities(model: nn.Module, picture: Tensor) -> Tensor:
    """What a classifier says of one picture, (channels, H, W) → (C,) float32 on the CPU.

    Raises: ValueError if its answer is no score for each class.
    """
    parameter = next(model.parameters(), picture)
    dtype = parameter.dtype if parameter.is_floating_point() else picture.dtype
    logits = model(picture[None].to(parameter.device, dtype))
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        found = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        raise ValueError(f"the pad needs scores of shape (1, classes), but the model gave {found}")
    shares = logits.float().softmax(dim=1)[0].cpu()
    if not shares.isfinite().all():
        raise ValueError("its scores are not finite numbers (NaN or infinity)")
    return shares
