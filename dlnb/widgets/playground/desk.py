"""What lies on the desk of a playground: one network that learns, its points, many seeds, a mission; and the way back.

Every change is made here, so that each can be undone, shows on the curve, and says in words why it cannot be. Nothing here
knows of a browser, and whoever calls it must be one thread at a time.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from . import growth, missions
from .checks import PlaygroundError, is_whole
from .code import as_pytorch
from .link import EPOCHS, Shared, read_link, write_link
from .missions import MISSIONS, Mission
from .points import REACH, Drawing, Points, Recipe, made
from .seeds import Seeds
from .table import column_names, read_table
from .training import Exploded, Moment, Trainer

UNDO = 40  # changes that can be taken back
ROWS = 500_000  # of the histories that they hold
ONE_GO = 1.0  # seconds within which turns of the same knob are one change
REPLAYED = 10_000  # steps that are made again to open a link; beyond it, the weights go along
MARKS = 40
LETTERS = "ABCDEF"
ADJUSTED = 0.25  # seconds between two looks at how good the seeds are


@dataclass
class Table:
    """A table as it was read, and the columns that were chosen from it."""

    source: Any
    columns: list[str]
    inputs: tuple[str, str] | None = None
    target: str | None = None


@dataclass
class Change:
    """A change that can be taken back: what it was, when, and how all was before."""

    words: str
    key: str
    when: float
    moment: Moment
    drawing: Drawing | None
    table: Table | None
    mission: Mission | None
    furthest: int
    marks: list[tuple[int, str]]
    pending: str


class Desk:
    """A playground without its picture.

    drawing: points set by hand, None while others are learned; pending: why they cannot be learned yet, or empty.
    seeds: many networks instead of one, None while one learns. mission: that is worked on; passed: those that were passed.
    furthest: the last epoch that was reached since the last change. explosions: of the loss, since the mission began.
    marks: epochs at which something was changed, and what.

    Every method that changes something raises PlaygroundError if it cannot be; then nothing has changed.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer: Trainer = trainer
        self.drawing: Drawing | None = None
        self.pending = ""
        self.table: Table | None = None
        self.seeds: Seeds | None = None
        self.mission: Mission | None = None
        self.passed: list[str] = []
        self.held: list[bool] = []
        self.furthest = trainer.epoch
        self.explosions: int = 0
        self.marks: list[tuple[int, str]] = []
        self._changes: list[Change] = []
        self._ahead: tuple[Moment, list[tuple[int, str]]] | None = None  # from where one went back, with its marks
        self._accuracies: tuple[float, np.ndarray] | None = None  # when, of the seeds

    # Learning.

    def learn(self, seconds: float) -> None:
        """Go on for about so long: the network, or all seeds where they are shown."""
        self._check_points()
        if self.seeds is not None:
            seeds, until = self.fresh_seeds(), time.perf_counter() + seconds
            while time.perf_counter() < until:
                seeds.train(2)
            if seeds.lost.all():
                raise PlaygroundError("The loss of every seed exploded. Choose a smaller learning rate.")
        else:
            self._move(lambda: self.trainer.train(epochs=10**9, seconds=seconds))

    def step(self, unit: str, count: int = 1) -> None:
        """Learn from one sample, one batch, or for one epoch, and so on. unit: "sample", "batch" or "epoch"."""
        self._check_points()
        if unit not in ("sample", "batch", "epoch"):
            raise PlaygroundError(f"One can step a sample, a batch or an epoch, no {unit!r:.40}.")
        if not is_whole(count) or not 1 <= count <= 10_000:
            raise PlaygroundError(f"1 to 10000 steps can be made at once, not {count!r:.40}.")
        if self.seeds is not None:
            seeds = self.fresh_seeds()
            done = math.ceil(seeds.place / seeds.plan.batch)
            seeds.train(count * seeds.batches - done if unit == "epoch" else count)
        elif unit == "epoch":
            self._move(lambda: self.trainer.train(epochs=count))
        elif unit == "batch":
            self._move(lambda: self.trainer.train(steps=count))
        else:
            for _ in range(count):
                self._move(self.trainer.sample)

    def seek(self, epoch: int) -> None:
        """Go to the end of an epoch that was reached, back or forth, also over changes; 0 is the start."""
        if not is_whole(epoch) or not 0 <= epoch <= max(self.furthest, self.trainer.epoch):
            raise PlaygroundError(f"You can go to epochs 0 to {self.furthest}, not to {epoch!r:.40}.")
        trainer, furthest = self.trainer, self.furthest
        if epoch > trainer.epoch:
            if self._ahead is None or epoch > self._ahead[0].now.epoch:
                self._move(lambda: trainer.train(epochs=epoch - trainer.epoch))
                return
            moment, marks = self._ahead
            trainer.return_to(moment)
            if (trainer.epoch, trainer.place) != (epoch, 0):
                trainer.rewind(epoch)
            self.marks = [mark for mark in marks if mark[0] <= epoch]
        elif epoch < trainer.epoch or trainer.place:
            ahead = self._ahead or (trainer.moment(), list(self.marks))
            self._change("going back", lambda: trainer.rewind(epoch), "seek", marked=False)
            self._ahead, self.furthest = ahead, furthest
            self.marks = [mark for mark in self.marks if mark[0] <= epoch]

    def restart(self, seed: int | None = None) -> None:
        """Begin anew: from the same first weights, or from those of another seed. Seeds begin anew, too."""

        def begin() -> None:
            self.trainer.start(seed)
            self.marks = []
            if self.seeds is not None:
                self.seeds = self._new_seeds(len(self.seeds.seeds))

        self._change("beginning again" if seed is None else f"seed {seed}", begin, marked=False)

    def _check_points(self) -> None:
        if self.pending:
            raise PlaygroundError(self.pending)

    def _move(self, action: Callable[[], None]) -> None:
        self._ahead = None
        try:
            action()
        except Exploded:
            self.explosions += 1
            raise
        finally:
            self.furthest = max(self.furthest, self.trainer.epoch)

    # The network and how it learns.

    def add_unit(self, layer: int) -> None:
        """See `growth.add_unit`."""
        self._grow(f"a neuron more in layer {_said(layer)}", lambda: growth.add_unit(self.trainer.spec, layer))

    def remove_unit(self, layer: int, unit: int) -> None:
        """See `growth.remove_unit`."""
        self._grow(f"a neuron less in layer {_said(layer)}", lambda: growth.remove_unit(self.trainer.spec, layer, unit))

    def add_layer(self, at: int) -> None:
        """See `growth.add_layer`."""
        self._grow(f"a new layer {_said(at)}", lambda: growth.add_layer(self.trainer.spec, at))

    def remove_layer(self, layer: int) -> None:
        """See `growth.remove_layer`."""
        self._grow(f"layer {_said(layer)} removed", lambda: growth.remove_layer(self.trainer.spec, layer))

    def set_layer(self, layer: int, **settings: Any) -> None:
        """See `growth.set_layer`."""
        words = ", ".join(f"{name} {value}" for name, value in settings.items())
        key = f"layer {layer} {' '.join(settings)}"
        self._grow(f"layer {_said(layer)}: {words}", lambda: growth.set_layer(self.trainer.spec, layer, **settings), key)

    def set_inputs(self, names: Sequence[str]) -> None:
        """See `growth.set_inputs`."""
        self._grow("other inputs", lambda: growth.set_inputs(self.trainer.spec, names))

    def set_weight(self, layer: int, unit: int, source: int | None, value: float) -> None:
        """See `Network.set_weight`."""
        key = f"weight {layer} {unit} {source}"
        self._change("a weight", lambda: self.trainer.set_weight(layer, unit, source, value), key)

    def set_plan(self, **settings: Any) -> None:
        """See `Trainer.set_plan`."""
        words = ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items())  # fmt: skip
        self._change(words, lambda: self.trainer.set_plan(**settings), f"plan {' '.join(settings)}")

    def set_option(self, name: str, value: Any) -> None:
        """One further setting of the optimiser, as momentum."""
        options = {**dict(self.trainer.plan.options), name: tuple(value) if isinstance(value, list) else value}
        action = lambda: self.trainer.set_plan(options=tuple(sorted(options.items())))  # noqa: E731
        self._change(f"{name} {value}", action, f"option {name}")

    def _grow(self, words: str, edit: Callable[[], growth.Edit], key: str = "") -> None:
        self._change(words, lambda: self.trainer.grow(edit()), key)

    # The points.

    def set_recipe(self, **settings: Any) -> None:
        """Other points that are made: another shape, noise, number of classes, …"""
        recipe = self.trainer.points.recipe or Recipe()
        known = Recipe.__dataclass_fields__
        if unknown := set(settings) - set(known):
            raise PlaygroundError(f"Data has no {', '.join(sorted(map(str, unknown))):.60}; it has: {', '.join(known)}.")

        def put() -> None:
            self.trainer.set_points(made(replace(recipe, **settings)))
            self.drawing = self.table = None
            self.pending = ""

        words = ", ".join(f"{name} {value}" for name, value in settings.items())
        self._change(f"data: {words}", put, f"recipe {' '.join(settings)}")

    def set_share(self, share: float) -> None:
        """So many of the points train, the others test. share: 0.1 to 0.9."""
        points = self.trainer.points
        if points.recipe is not None and self.drawing is None:
            self.set_recipe(share=share)
        elif self.drawing is not None:
            drawing = self.drawing
            self._change(f"{share:.0%} train", lambda: self.trainer.set_points(drawing.points(share)), "share")
        else:
            self._change(f"{share:.0%} train", lambda: self.trainer.set_points(points.split(share, 0)), "share")

    def paint(self, places: np.ndarray, label: int) -> None:
        """Set points of a class, (n, 2), beside those that are there. Made points become drawn ones; of a surface none stay."""
        drawing = self._begun_drawing()
        drawing.add(places, label)
        self._draw(drawing, f"points of class {LETTERS[label]}", f"paint {label}")

    def wipe(self, x: float, y: float, radius: float) -> None:
        """Take away the points around a place."""
        drawing = self._begun_drawing()
        if drawing.wipe(x, y, radius):
            self._draw(drawing, "wiping", "wipe")

    def clear(self) -> None:
        """An empty plane."""
        self._draw(Drawing(), "an empty plane", "clear")

    def read(self, table: Any, inputs: tuple[str, str] | None = None, target: str | None = None) -> None:
        """The points of a table; see `read_table`. One with more than three columns is kept until columns are chosen."""
        names = column_names(table)
        self.table = Table(table, names, inputs, target)
        self._read()

    def choose_columns(self, x: str, y: str, target: str) -> None:
        """Which columns of the table become x and y, and which is learned."""
        if self.table is None:
            raise PlaygroundError("There is no table yet. Open one first.")
        self.table = replace(self.table, inputs=(x, y), target=target)
        self._read()

    def _read(self) -> None:
        assert (table := self.table) is not None
        points = read_table(table.source, table.inputs, table.target, self.share)

        def put() -> None:
            self.trainer.set_points(points)
            self.drawing, self.pending = None, ""
            self.table = replace(table, inputs=points.axes, target=table.target or table.columns[-1])

        self._change("a table", put)

    @property
    def share(self) -> float:
        """How many of the points train."""
        trains = self.trainer.points.trains
        return min(0.9, max(0.1, round(float(trains.float().mean()), 2)))

    @property
    def hues(self) -> list[int]:
        """The colour of each class, from 0: that of its letter, where it has one."""
        names = self.trainer.points.names
        if all(len(name) == 1 and name in LETTERS for name in names):
            return [LETTERS.index(name) for name in names]
        return list(range(len(names)))

    def shown_points(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What is drawn: places (N, 2), colours or values (N,), and which train (N,) bool."""
        points = self.trainer.points
        if self.drawing is not None:
            drawing = self.drawing
            trains = torch.ones(len(drawing.x), dtype=torch.bool) if self.pending else points.trains
            return drawing.x, drawing.y, trains
        if points.classes:
            return points.x, torch.tensor(self.hues)[points.y], points.trains
        return points.x, points.y, points.trains

    def _begun_drawing(self) -> Drawing:
        if self.drawing is not None:
            return Drawing(self.drawing.x, self.drawing.y)
        points = self.trainer.points
        if not points.classes or points.recipe is None:
            return Drawing()
        inside = (points.x.abs() <= REACH).all(1)
        return Drawing(points.x[inside], points.y[inside])

    def _draw(self, drawing: Drawing, words: str, key: str) -> None:
        try:
            points: Points | None = drawing.points(self.share)
            pending = ""
        except PlaygroundError as error:
            points, pending = None, str(error)

        def put() -> None:
            if points is not None:
                self.trainer.set_points(points)
            self.drawing, self.pending, self.table = drawing, pending, None

        self._change(words, put, key)

    # Many seeds.

    def show_seeds(self, on: bool, count: int = 64) -> None:
        """Let many seeds learn instead of one network, or the one again."""
        self.seeds = self._new_seeds(count) if on else None
        self._accuracies = None

    def measured_seeds(self) -> np.ndarray | None:
        """The share of test points that each seed has right, (K,); of a surface its test loss. None where one network learns."""
        if self.seeds is None:
            return None
        now = time.monotonic()
        if self._accuracies is None or now - self._accuracies[0] > ADJUSTED:
            measured = self.seeds.measure()
            self._accuracies = now, measured.get("test_accuracy", measured["test_loss"])
        return self._accuracies[1]

    def _new_seeds(self, count: int) -> Seeds:
        trainer = self.trainer
        return Seeds(trainer.spec, trainer.plan, trainer.points, count)

    def fresh_seeds(self) -> Seeds:
        """The seeds of the present settings; they begin anew where these have changed.

        Raises: PlaygroundError if there can be none; then they are shown no longer.
        """
        seeds, trainer = self.seeds, self.trainer
        assert seeds is not None
        if (seeds.spec, seeds.plan) != (trainer.spec, trainer.plan) or seeds.points is not trainer.points:
            self.seeds = self._accuracies = None
            self.seeds = seeds = self._new_seeds(len(seeds.seeds))
        return seeds

    # Missions.

    def begin_mission(self, number: int | None) -> None:
        """Put a mission on the desk, numbered from 0; None ends the one that is there."""
        if number is None:
            self.mission, self.held = None, []
            return
        if not is_whole(number) or not 0 <= number < len(MISSIONS):
            raise PlaygroundError(f"Missions are numbered 0 to {len(MISSIONS) - 1}, not {number!r:.40}.")
        mission = MISSIONS[number]

        def put() -> None:
            missions.begin(mission, self)
            self.drawing = self.table = self.seeds = None
            self.pending, self.mission, self.explosions, self.marks = "", mission, 0, []

        self._change(f"mission {number + 1}", put, marked=False)

    def look_at_mission(self) -> None:
        """See which conditions hold; a mission whose conditions all hold is passed, and stays so."""
        if self.mission is not None:
            self.held = self.mission.held(self)
            if all(self.held) and self.mission.name not in self.passed:
                self.passed.append(self.mission.name)

    def last(self, column: str) -> float:
        """The latest value of a column of the history."""
        return self.trainer.history[column][-1]

    # Code and link.

    def code(self) -> str:
        """See `as_pytorch`."""
        self._check_points()
        return as_pytorch(self.trainer)

    def link(self) -> str:
        """All that is here as a short text. Raises: PlaygroundError if it does not fit."""
        self._check_points()
        trainer = self.trainer
        if trainer.edits == 0 and trainer.steps <= REPLAYED and trainer.epoch <= EPOCHS:
            return write_link(Shared(trainer.spec, trainer.plan, trainer.points, None, trainer.epoch))
        weights = [*trainer.parameters, *trainer.network.buffers()]
        return write_link(Shared(trainer.spec, trainer.plan, trainer.points, weights))

    def open(self, link: str) -> None:
        """What a link holds. Raises: PlaygroundError if it is none."""
        shared = read_link(link)
        opened = Trainer(shared.spec, shared.plan, shared.points)
        if shared.weights is not None:
            opened.set_weights(shared.weights)
        if shared.epoch:
            opened.train(epochs=shared.epoch)

        def put() -> None:
            opened.version += self.trainer.version
            self.trainer = opened
            self.drawing = self.table = self.seeds = self.mission = None
            self.pending, self.marks = "", []

        self._change("a link", put, marked=False)

    # The way back.

    @property
    def undo_words(self) -> str:
        """What would be taken back, or nothing."""
        return self._changes[-1].words if self._changes else ""

    def undo(self) -> None:
        """Take back the last change: all is as it was just before it."""
        if not self._changes:
            raise PlaygroundError("There is nothing to take back.")
        change = self._changes.pop()
        self._ahead = None
        self.trainer.return_to(change.moment)
        self.drawing, self.table, self.mission = change.drawing, change.table, change.mission
        self.furthest, self.marks, self.pending = change.furthest, change.marks, change.pending

    def forget_changes(self) -> None:
        """From now on: what was done so far cannot be taken back."""
        self._changes, self.marks = [], []

    def _change(self, words: str, action: Callable[[], None], key: str = "", marked: bool = True) -> None:
        """Make a change that can be taken back; turns of one knob in one go are one change. action: all of it, or it raises."""
        now, last = time.monotonic(), self._changes[-1] if self._changes else None
        if last is not None and key and last.key == key and now - last.when < ONE_GO:
            action()
            last.when, last.words = now, words
        else:
            before = Change(
                words, key, now, self.trainer.moment(), self.drawing, self.table, self.mission, self.furthest,
                list(self.marks), self.pending,
            )  # fmt: skip
            action()
            self._changes.append(before)
            self._forget_old()
        self.furthest, self._ahead = self.trainer.epoch, None
        if marked:
            mark = (self.trainer.epoch, words)
            self.marks = [*(other for other in self.marks if other != mark), mark][-MARKS:]

    def _forget_old(self) -> None:
        while len(self._changes) > UNDO or (
            len(self._changes) > 1 and sum(len(change.moment.history["loss"]) for change in self._changes) > ROWS
        ):
            del self._changes[0]


def _said(layer: Any) -> Any:
    """Layers are counted from 1 in words."""
    return layer + 1 if is_whole(layer) else repr(layer)[:20]
