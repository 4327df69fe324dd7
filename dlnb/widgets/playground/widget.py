"""`dl.playground()`: build a network by clicking, and watch it learn. The drawing half is `widgets/src/playground/`.

What can be done stands in `desk.py`, what the browser says in `orders.py`, what it is told in `told.py`. Orders are carried out
on the engine's thread, between two slices of training, and pictures are made there, so nothing looks at a network in the middle
of a step. It learns while somebody sees it: a playground that is scrolled away rests.
"""

import base64
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...train.engine import ENGINE
from ..base import Message, View, Widget
from ..frames import pack
from . import told
from .checks import PlaygroundError, is_whole, within
from .desk import Desk
from .missions import MISSIONS
from .network import Network
from .orders import answer, orders
from .points import REACH, Recipe, made
from .shapes import CLASSIFIED, SURFACES
from .spec import Layer, Plan, Spec
from .training import Trainer

FRAME = 0.04  # seconds between two pictures while it learns: some come late, and 20 a second are to be seen
SEEDS_FRAME = 0.2  # and of many seeds, whose picture takes longer
SILENT = 10.0  # seconds without a word from the browser after which nobody is there
SHORT = 60  # letters that are no link
PACE = 1.0  # seconds over which epochs a second are counted

log = logging.getLogger(__name__)


def playground(
    data: Any = None, *, columns: Sequence[str] | None = None, layers: Sequence[int] = (4, 2), activation: str = "tanh",
    inputs: Sequence[str] = ("x", "y"), optimizer: str = "SGD", lr: float = 0.03, batch: int = 10, seed: int = 0,
    mission: int | None = None, **making: Any,
) -> "Playground":  # fmt: skip
    """Build a network by clicking, on data that you draw, and watch every neuron while it learns.

    data: "circle" unless given, or "xor", "gaussians", "spiral", "moons", "plane", "hills"; or a table with two columns of
        numbers and one to be learned, as a data frame, the path of a CSV or its text; or a link that was copied.
    columns: of a table, the names of those that become x and y, and of the one that is learned: ("age", "weight", "ill").
    layers: neurons of each hidden layer, up to six layers of up to eight. activation: of all of them.
    inputs: of "x", "y", "x²", "y²", "xy", "sin x", "sin y". optimizer: of torch.optim. seed: of the first weights.
    mission: begin with one of the missions, from 1.
    making: how points are made: points, classes (2 to 6), noise, flipped, imbalance, share (that train).

    Raises: PlaygroundError, a ValueError, that says what to give instead.
    """
    spec = Spec(tuple(inputs), tuple(Layer(units, activation) for units in layers), seed=seed)
    plan = Plan(optimizer, lr, batch)
    named = isinstance(data, str) and data in (*CLASSIFIED, *SURFACES)
    recipe = _recipe({"shape": data, **making} if named else making)
    desk = Desk(Trainer(spec, plan, made(recipe)))
    if data is not None and not named:
        if isinstance(data, str) and "\n" not in data and not data.lower().endswith((".csv", ".tsv", ".txt")):
            if len(data) < SHORT:
                raise PlaygroundError(
                    f"There is no data set {data!r}; there are: {', '.join((*CLASSIFIED, *SURFACES))}. A table is the path of a CSV, its"
                    " text or a data frame."
                )
            desk.open(data)
        else:
            chosen = _columns(columns)
            desk.read(_table(data), chosen and chosen[:2], chosen and chosen[2])
    if mission is not None:
        if not is_whole(mission) or not 1 <= mission <= len(MISSIONS):
            raise PlaygroundError(f"Missions are numbered 1 to {len(MISSIONS)}, not {mission!r:.40}.")
        desk.begin_mission(mission - 1)
    desk.forget_changes()
    return Playground(desk)


class Playground(Widget):
    """A playground. `dl.playground` opens one; what the browser can do, its `desk` can do too."""

    bundle = "playground"
    credit = 3  # its views acknowledge two frames at a time

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.playing = False
        self.notice = ""
        self.warp: tuple[int, int, int] | None = None  # a hidden layer and two of its neurons
        self.traced: tuple[float, float] | None = None  # a place that is followed through the network
        self._orders: deque[Callable[[], None]] = deque()
        self._number = 0
        self._noticed = 0
        self._due = 0.0
        self._heard = 0.0
        self._closed = False
        self._pace: deque[tuple[float, int, int]] = deque()  # seconds, epochs, steps
        self._columns: tuple[int, dict[str, np.ndarray]] = (-1, {})  # of the picture with this number
        super().__init__()
        for kind in orders(desk):
            self.hears[kind] = self._take
        self.hears |= {"play": self._take, "warp": self._take, "trace": self._take, "ask": self._take_question}

    # What one can do in a cell.

    def train(self, epochs: int = 1) -> None:
        """Learn for so many epochs; returns when it is done. Raises: PlaygroundError if the loss explodes."""
        self._with_desk(lambda: self.desk.step("epoch", epochs))

    def play(self) -> None:
        """Go on learning for as long as somebody sees it."""
        self._with_desk(lambda: self._play(True))

    def pause(self) -> None:
        """Stop learning after the step it is at."""
        self._with_desk(lambda: self._play(False))

    @property
    def network(self) -> Network:
        """The network as it is now, an ordinary `nn.Sequential`: (N, inputs) → (N, outputs)."""
        return self.desk.trainer.network

    @property
    def history(self) -> dict[str, np.ndarray]:
        """For each epoch from 0, before any training: loss, test_loss, accuracy, test_accuracy."""
        return {name: np.array(column) for name, column in self.desk.trainer.history.items()}

    def code(self) -> str:
        """The code of a cell that needs PyTorch only and gives the same numbers."""
        return self._with_desk(self.desk.code)

    def link(self) -> str:
        """All that is here as a short text: `dl.playground(link)` opens it again."""
        return self._with_desk(self.desk.link)

    def close(self) -> None:
        """Let nothing go on."""
        self._closed, self.playing = True, False
        self._orders.clear()
        super().close()

    def still(self) -> str | None:
        """The picture of the output, and the losses."""
        from .picture import picture  # Matplotlib, half a second

        return self._with_desk(lambda: base64.b64encode(picture(self.desk)).decode())

    def alt(self) -> str:
        """The still picture in words."""
        trainer = self.desk.trainer
        loss = f"training loss {self.desk.last('loss'):.3g}, test loss {self.desk.last('test_loss'):.3g}"
        return f"What a network of {'-'.join(map(str, trainer.spec.widths))} says over the plane after {trainer.epoch} epochs: {loss}"

    # Turns on the engine's thread.

    @property
    def has_work(self) -> bool:
        """Whether there are orders, or something to learn or to show."""
        if self._closed:
            return False
        if self._orders or (self.playing and self._is_seen):
            return True
        return any(view.ready and view.cursors.get("number") != self._number for view in list(self.views.values()))

    def turn(self, seconds: float) -> None:
        """Carry out orders, learn for about so long, and show it when a picture is due."""
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # nothing here is so large that a second one would gain
        while self._orders:
            self._do(self._orders.popleft())
        if self.playing and self._is_seen:
            self._learn(max(0.002, min(seconds, self._due - time.monotonic())))
        now = time.monotonic()
        if not self.playing or now >= self._due:
            period = FRAME if self.desk.seeds is None else SEEDS_FRAME
            self._due = max(self._due + period, now + period / 2)
            self._show()

    def _show(self) -> None:
        if self.desk.seeds is not None:
            self._do(self.desk.fresh_seeds)
        try:
            self.publish()
        except Exception:  # a picture must never end the thread on which all runs train
            log.exception("dlnb: a picture of %r could not be sent", self)
            for view in list(self.views.values()):
                view.cursors["number"] = self._number

    @property
    def _is_seen(self) -> bool:
        if time.monotonic() - self._heard > SILENT:
            return False
        return any(view.visible for view in list(self.views.values()))

    def _learn(self, seconds: float) -> None:
        if not self._do(lambda: self.desk.learn(seconds)):
            self.playing = False
        self._number += 1

    def _do(self, action: Callable[[], object]) -> bool:
        """Whether it could be done; else the notice says why not."""
        try:
            action()
        except PlaygroundError as error:
            self._say(str(error))
            return False
        except Exception as error:  # here an order ends; nobody else would see it
            log.warning("dlnb: the playground could not do what was asked: %.200s", error, exc_info=True)
            self._say(f"This could not be done: {error}")
            return False
        return True

    def _with_desk(self, action: Callable[[], Any]) -> Any:
        """Do something between two turns, on the caller's thread."""
        with ENGINE.hold(), self.lock:
            found = action()
            self._number += 1
        self.changed()
        return found

    # What the browser says.

    def changed(self, urgent: bool = False) -> None:
        """Say that there may be something to send."""
        if not self._closed and self.has_work:
            ENGINE.wake(self)

    def _receive(self, widget: Any, content: Any, buffers: list[memoryview]) -> None:
        self._heard = time.monotonic()
        super()._receive(widget, content, buffers)

    def _take(self, message: Message, buffers: list[memoryview]) -> None:
        kept = [memoryview(bytes(buffer)) for buffer in buffers]  # the message may be gone when its turn comes

        def obey() -> None:
            self._number += 1
            kind = message["kind"]
            if kind == "play":
                self._play(message.get("value") is True)
            elif kind == "warp":
                self._look_at(message.get("layer"), message.get("units"))
            elif kind == "trace":
                self._follow(message.get("x"), message.get("y"))
            else:
                orders(self.desk)[kind](message, kept)
            self.notice = ""
            self.playing = self.playing and not self.desk.pending

        self._orders.append(obey)
        ENGINE.wake(self)

    def _take_question(self, message: Message, _: list[memoryview]) -> None:
        name, about = message.get("id"), message.get("about")
        if not isinstance(name, str) or not 0 < len(name) <= 100:
            raise ValueError("a question needs an id")

        def obey() -> None:
            try:
                header: Message = {"text": answer(self.desk, about)}
            except ValueError as error:
                header = {"refused": str(error)}
            self.send({"kind": "answer", "id": name, **header})

        self._orders.append(obey)
        ENGINE.wake(self)

    def _play(self, value: bool) -> None:
        if value and self.desk.pending:
            raise PlaygroundError(self.desk.pending)
        if value and not self.playing:
            self._due = time.monotonic()
            self._pace.clear()
        self.playing = value

    def _look_at(self, layer: Any, units: Any) -> None:
        """Which layer is shown as a warp of the plane, seen by which two neurons; None for no layer."""
        if layer is None:
            self.warp = None
            return
        layers = self.desk.trainer.spec.layers
        if not is_whole(layer) or not 0 <= layer < len(layers):
            raise PlaygroundError(f"There is no hidden layer {layer!r:.40} to look at.")
        if not isinstance(units, list) or len(units) != 2 or not all(is_whole(u) and 0 <= u < layers[layer].units for u in units):
            raise PlaygroundError(f"Two neurons of layer {layer + 1} are looked at, not {units!r:.40}.")
        self.warp = (layer, units[0], units[1])

    def _follow(self, x: Any, y: Any) -> None:
        """A place of the plane that is followed through the network; None for none."""
        if x is None and y is None:
            self.traced = None
            return
        for value in (x, y):
            within("A place", value, -REACH, REACH)
        self.traced = (float(x), float(y))

    def _say(self, words: str) -> None:
        self.notice = words[: told.WORDS]
        self._noticed += 1
        self._number += 1

    # What the browser is told.

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`."""
        if view.cursors.get("number") == self._number:
            return None
        view.cursors["number"] = self._number
        desk, trainer = self.desk, self.desk.trainer
        desk.look_at_mission()
        header: Message = {
            "full": view.sent == 0,
            "playing": self.playing,
            "pace": self._counted(),
            "notice": self.notice,
            "noticed": self._noticed,
            **told.status(desk),
        }
        columns = dict(self._picture())
        if view.sent == 0:
            header["fixed"] = told.fixed()
        structure = told.structure(desk)
        if view.cursors.get("structure") != structure:
            view.cursors["structure"] = header["structure"] = structure
        places = (trainer.points, desk.drawing, desk.pending)
        if view.cursors.get("points") is None or any(a is not b for a, b in zip(view.cursors["points"], places, strict=True)):
            view.cursors["points"] = places
            columns |= told.points_columns(desk)
        header["warp"] = self._warped(columns)
        header["trace"] = None
        if self.traced is not None:
            header["trace"], values = told.trace(trainer, self.traced)
            columns |= values
        version, start = view.cursors.get("history", (None, 0))
        if version != trainer.version:
            header["again"], start = True, 0
        columns |= told.history_columns(trainer, start)
        view.cursors["history"] = (trainer.version, len(trainer.history["loss"]))
        header["columns"], buffer = pack(columns)
        return header, [buffer]

    def _picture(self) -> dict[str, np.ndarray]:
        """The columns that are the same for all views."""
        number, columns = self._columns
        if number != self._number:
            columns = told.picture_columns(self.desk)
            if self.desk.seeds is not None:
                columns |= told.seeds_columns(self.desk)
            self._columns = self._number, columns
        return columns

    def _warped(self, columns: dict[str, np.ndarray]) -> Message | None:
        if self.warp is None:
            return None
        layer, *units = self.warp
        layers = self.desk.trainer.spec.layers
        if layer >= len(layers) or max(units) >= layers[layer].units:  # it shrank
            self.warp = None
            return None
        columns |= told.warp_columns(self.desk.trainer, layer, (units[0], units[1]))
        return {"layer": layer, "units": units}

    def _counted(self) -> Message | None:
        """Epochs and steps a second of late, None while it rests."""
        if not self.playing:
            return None
        counted = self.desk.trainer if self.desk.seeds is None else self.desk.seeds
        now = time.monotonic()
        if self._pace and self._pace[-1][2] > counted.steps:
            self._pace.clear()
        self._pace.append((now, counted.epoch, counted.steps))
        while self._pace[0][0] < now - PACE and len(self._pace) > 2:
            self._pace.popleft()
        seconds = now - self._pace[0][0]
        if seconds < PACE / 4:
            return None
        epochs, steps = counted.epoch - self._pace[0][1], counted.steps - self._pace[0][2]
        return {"epochs": round(epochs / seconds, 1), "steps": round(steps / seconds)}

    def __repr__(self) -> str:
        trainer = self.desk.trainer
        return f"Playground({'-'.join(map(str, trainer.spec.widths))}, epoch {trainer.epoch})"


def _recipe(making: dict[str, Any]) -> Recipe:
    known = Recipe.__dataclass_fields__
    if unknown := set(making) - set(known):
        raise PlaygroundError(f"Points cannot be made with {', '.join(sorted(unknown))}; there are: {', '.join(known)}.")
    return Recipe(**making)


def _columns(columns: Sequence[str] | None) -> tuple[str, str, str] | None:
    if columns is None:
        return None
    if isinstance(columns, str) or len(columns) != 3:
        raise PlaygroundError('Columns are three names: ("age", "weight", "ill") learns ill from age and weight.')
    return (str(columns[0]), str(columns[1]), str(columns[2]))


def _table(data: Any) -> Any:
    """The text of a file, or what was given."""
    if isinstance(data, str) and "\n" in data:
        return data
    if isinstance(data, (str, Path)):
        try:
            return Path(data).read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            raise PlaygroundError(f"The file {str(data)!r:.200} cannot be read: {error.strerror}.") from error
    return data
