"""`dl.xray(model, x)`: look inside any model, and operate on it. The drawing half is `widgets/src/xray/`.

What is switched off is off in the looks of this widget only: a run that trains never notices, and neither
do your own calls of the model, but for those inside `with view.ablated():`.
"""

import base64
import time
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from torch import nn

from ..explain.recorder import Loss
from ..explain.surgery import Off, can_reinitialise, reinitialise, set_frozen, switched_off
from ..explain.tree import CHILDREN
from ..train.record import Recording
from ..train.registry import run_of
from ..train.run import Run
from .base import Message, View, Widget
from .frames import pack
from .inside import shown_inside
from .xray_frames import number, pack_sight, status, tree
from .xray_looks import Looks, batch_for, whole
from .xray_sight import Batch

PATIENCE = 5.0  # seconds to wait for the first look
ALONE = 4_000  # characters of a tree that has a frame of its own


def xray(model: nn.Module | Run, x: Any = None, y: Any = None, *, loss: Loss | None = None) -> "Xray":
    """Look inside a model: every layer's shape, weights, activations and gradients; freeze, switch off, begin anew.

    model: any `nn.Module`, or a run. If a run trains the model, the picture follows it.
    x: a batch: a tensor (B, …), a tuple of the model's inputs or a dictionary of them by name. With a run of
        `dl.fit` it may be left out: the first batch of its validation split is taken.
    y: the target that goes with x, for the loss, its gradients and the accuracy.
    loss: called as `loss(model(x), y)`, gives one number. Unless given, that of the run's task; without one
        cross-entropy for whole numbers and the squared error for others.

    Raises: TypeError if the model is neither or there is nothing to look at; ValueError for a loss without y.
    """
    run = model if isinstance(model, Run) else run_of(model) if isinstance(model, nn.Module) else None
    network = model.model if isinstance(model, Run) else model
    if not isinstance(network, nn.Module):
        raise TypeError(f"xray needs a model or a run, got {type(model).__name__}")
    has_data = run is not None and not isinstance(run, Recording)
    if x is None and not has_data:
        raise TypeError("xray needs a batch to show the model: dl.xray(model, x), with x of shape (B, …)")
    if x is not None and y is None and loss is not None:
        raise ValueError("a loss needs the target too: dl.xray(model, x, y, loss=…)")
    batch = None
    if x is not None:
        batch = batch_for(run, x, y, loss) if run is not None and has_data else Batch(x, y, loss)
    return shown_inside(Xray(network, run, batch, loss), run)


class Xray(Widget):
    """The inside of one model. `dl.xray` opens one; what the browser can do, its methods can do too.

    Paths are those of `model.named_modules()`; "" is the model itself.
    """

    bundle = "xray"

    def __init__(self, model: nn.Module, run: Run | None, batch: Batch | None, loss: Loss | None) -> None:
        self.model = model
        self.looks = Looks(model, run, batch, loss, lambda: self.changed(urgent=True))
        self.looks.on_run = self._run_changed
        self._seeds = 0
        super().__init__()
        self.hears |= {
            "open": lambda message, _: self.open_row(_path(message), message.get("value") is True),
            "more": lambda message, _: self.list_more(_path(message)),
            "choose": lambda message, _: self.choose(_path(message), _whole_number(message, "unit")),
            "example": lambda message, _: self.show_example(_whole_number(message, "value") or 0),
            "call": lambda message, _: self.show_call(_path(message), _whole_number(message, "value") or 1),
            "off": lambda message, _: self.ablate(
                _path(message), _whole_number(message, "unit"), message.get("value") is True
            ),
            "restore": lambda *_: self.restore(),
            "freeze": lambda message, _: self.freeze(_path(message), message.get("value") is True),
            "reinitialise": lambda message, _: self.reinitialise(_path(message)),
            "look": lambda *_: self.look(),
        }
        if run is None:
            self.looks.ask()

    @property
    def run(self) -> Run | None:
        """The run that trains the model, if there is one."""
        return self.looks.run

    # What one can do, in a cell or in the browser.

    def look(self) -> None:
        """Look at the model again. A view of a run does so by itself."""
        self.looks.ask()

    def choose(self, path: str, unit: int | None = None) -> None:
        """Show one layer in large, and of its maps that of one channel."""
        self.looks.module(path)
        self.looks.chosen, self.looks.unit = path, unit
        self.looks.ask()

    def show_example(self, example: int) -> None:
        """Picture another example of the batch, counted from 0."""
        batch = self.looks.batch
        self.looks.example = max(0, example if batch is None else min(example, batch.size - 1))
        self.looks.ask()

    def show_call(self, path: str, call: int) -> None:
        """Of a layer that is called several times, show another call, counted from 1."""
        self.looks.module(path)
        self.looks.calls[path] = max(1, call)
        self.looks.ask()

    def open_row(self, path: str, is_open: bool = True) -> None:
        """Open or close a row of the tree. Only open rows are looked at."""
        looks = self.looks
        looks.module(path)
        with looks.lock:
            if is_open:
                looks.opened.add(path)
            else:
                looks.opened.discard(path)
                if looks.chosen is not None and looks.chosen != path and _is_below(looks.chosen, path):
                    looks.chosen, looks.unit = path, None
            looks.lay_out()
            looks.say(looks.notice)
        looks.ask()

    def list_more(self, path: str) -> None:
        """List more children of a layer that has very many."""
        looks = self.looks
        looks.listed[path] = looks.listed.get(path, CHILDREN) + CHILDREN
        looks.ask()

    def ablate(self, path: str, unit: int | None = None, off: bool = True) -> None:
        """Switch a layer, or one unit (channel) of it, off in the looks of this widget; or on again.

        Training and your own calls of the model are not touched; see `ablated`.

        Raises: ValueError if there is no such layer, or the layer has no such unit.
        """
        looks = self.looks
        looks.module(path)
        looks.wait_for_first(PATIENCE)
        with looks.lock:
            activity = None if looks.sight is None else looks.sight.activities.get(path)
            if off and unit is not None:
                if activity is None:
                    raise ValueError(f"{path!r} is not open in the tree or is never called: which units has it?")
                if not 0 <= unit < activity.units:
                    raise ValueError(f"{path!r} has the units 0 to {activity.units - 1}; got {unit}")
            part = Off(path, unit, 1 if activity is None else activity.axis)
            others = [other for other in looks.off if (other.path, other.unit) != (path, unit)]
            looks.off = others + [part] * off
        looks.ask()

    def restore(self) -> None:
        """Switch everything on again."""
        self.looks.off = []
        self.looks.ask()

    def ablated(self) -> AbstractContextManager[None]:
        """Inside `with view.ablated():` your own calls of the model see what is switched off here, too."""
        return switched_off(self.looks.whole, list(self.looks.off))

    def freeze(self, path: str, frozen: bool = True) -> None:
        """Freeze the weights of a layer and of all below, or unfreeze them; a run does so between two steps."""
        self.looks.module(path)
        self.looks.follow_run()
        if self.run is None:
            set_frozen(self.looks.whole, path, frozen)
            self.looks.ask()
        else:
            self.run.request("freeze" if frozen else "unfreeze", layer=path).add_done_callback(self._operated)

    def reinitialise(self, path: str) -> None:
        """Draw the weights of a layer and of all below anew. A run does so between two steps, and writes it down.

        Raises: ValueError if there is no such layer or it cannot begin anew.
        """
        module = self.looks.module(path)
        if not can_reinitialise(module):
            raise ValueError(f"{path!r} ({type(module).__name__}) has no weights, or does not know how to begin anew")
        self.looks.follow_run()
        self._seeds += 1
        seed = self._seeds

        def operate(model: nn.Module) -> None:
            reinitialise(whole(model), path, seed)

        if self.run is None:
            operate(self.model)
            self._operated(None)
        else:
            words = f"{path or 'the model'} begun anew"
            self.run.request("edit", function=operate, words=words).add_done_callback(self._operated)

    def close(self) -> None:
        """Take the view off the run. Nothing of it is left on the model; what was frozen stays frozen."""
        self.looks.close()
        super().close()

    def still(self) -> str | None:
        """The tree with its thumbnails."""
        looks = self.looks
        looks.wait_for_first(PATIENCE)
        with looks.lock:
            rows, sight = looks.rows, looks.sight
        if sight is None:
            return None
        from .xray_picture import picture  # Matplotlib, half a second

        return base64.b64encode(picture(type(self.model).__name__, rows, sight)).decode()

    # What the browser is sent.

    def publish(self) -> None:
        """See `Widget.publish`; looks again when the run has moved."""
        begin = time.thread_time()
        if self.is_watched:
            self.looks.ask_if_due()
        super().publish()
        if self.run is not None:
            self.run.observed += time.thread_time() - begin

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`."""
        looks = self.looks
        with looks.lock:
            run, rows, sight = looks.run, looks.rows, looks.sight
            state = None if run is None else run.state
            step = None if run is None else looks.step
            now = (looks.number, state, step)
            if view.cursors.get("number") == now:
                return None
            header: Message = {
                "full": view.sent == 0,
                "model": type(self.model).__name__,
                "state": state,
                "step": step,
                "observing": None if run is None else number(run.observing),
                "classes": [str(name)[:40] for name in looks.batch.classes[:64]] if looks.batch is not None else [],
                "chosen": looks.chosen,
                "off": status(looks.off),
                "notice": looks.notice,
            }
            listed = tree(rows, sight)
            columns: dict[str, np.ndarray] = {}
            if view.cursors.get("tree") != listed:
                header["tree"] = view.cursors["tree"] = listed
            if sum(map(_length, header.get("tree", []))) > ALONE:
                self.changed()  # the numbers follow in a frame of their own
            else:
                view.cursors["number"] = now
                if sight is not None:
                    said, columns = pack_sight(rows, sight, looks.updates)
                    header |= said
        header["columns"], buffer = pack(columns)
        return header, [buffer]

    def _operated(self, done: "Future[Any] | None") -> None:
        """After an operation: look again, or say why it failed."""
        error = None if done is None else done.exception()
        if error is not None:
            self.looks.say(str(error))
        else:
            self.looks.forget_weights()
            self.looks.ask()

    def _run_changed(self, run: Run) -> None:
        if self.views:
            self.changed(urgent=run.state != "running")

    def __repr__(self) -> str:
        return f"Xray({type(self.model).__name__})"


def _is_below(path: str, parent: str) -> bool:
    return parent == "" or path.startswith(f"{parent}.")


def _length(row: Message) -> int:
    return sum(len(value) if isinstance(value, str) else 12 for value in row.values()) + 120


def _path(message: Message) -> str:
    path = message.get("path")
    if not isinstance(path, str) or len(path) > 500:
        raise ValueError(f"path must be that of a layer, got {path!r:.80}")
    return path


def _whole_number(message: Message, key: str) -> int | None:
    value = message.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31):
        raise ValueError(f"{key} must be a whole number, got {value!r:.80}")
    return value
