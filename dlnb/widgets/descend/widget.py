"""`dl.descend()`: optimisers race down a loss surface, step by step. The drawing half is `widgets/src/descend/`.

The browser plays the race by asking for some steps whenever the last ones have arrived, so a race that nobody watches
costs nothing, and none runs on behind a busy kernel.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import nn

from ..base import Message, View, Widget
from ..frames import pack
from .arithmetic import said
from .frames import tell_race, tell_surface
from .given import Given, read_box, read_count, read_name, read_place, read_rates, read_rules, read_surface
from .own import of_function, of_model
from .race import Race
from .racer import Racer, path
from .rules import RULES, Rule
from .surfaces import SURFACES, Box, Loss, OfBoth, Place, Surface

FIRST = ("sgd", "momentum", "adam")


def descend(
    surface: str | OfBoth | nn.Module = "bowl", x: Any = None, y: Any = None, *, optimizers: Given = FIRST,
    lr: float | Mapping[str, float] | None = None, start: Place | None = None, box: Box | None = None,
    loss: Loss | None = None, batch: int | None = None, seed: int = 0,
) -> "Descend":  # fmt: skip
    """Let optimisers of PyTorch race down a loss surface, and look at the arithmetic of every step.

    surface: "bowl", "valley", "rosenbrock", "saddle", "two valleys" or "noisy"; or your function of two weights, as
        `lambda x, y: x**2 + torch.sin(y)`; or a model with two weights, as `nn.Linear(1, 1)`. A model is left as it is.
    x, y: the data of a model, (N, …) each. loss: called as `loss(model(x), y)`; unless given, cross-entropy for whole
        numbers and the squared error for others. batch: how many examples each step sees; all unless given. seed: of
        the batches.
    optimizers: who begins to race, of "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"; or classes of
        `torch.optim`, or of your own.
    lr: the learning rate of all, or of each by name; each begins with one that suits the surface unless given.
    start: (x, y), where all begin. box: (x from, x to, y from, y to), what the map shows.

    Raises: TypeError or ValueError that says what to give instead.
    """
    place = None if start is None else read_place(start)
    bounds = None if box is None else read_box(box)
    if isinstance(surface, nn.Module):
        shown = of_model(surface, x, y, loss, box=bounds, start=place, batch=batch, seed=seed)
    elif any(part is not None for part in (x, y, loss, batch)):
        raise TypeError("x, y, loss and batch go with a model only: dl.descend(model, x, y)")
    elif isinstance(surface, str):
        shown = read_surface(surface)
    elif callable(surface) and not isinstance(surface, type):
        shown = of_function(surface, bounds, place)
    else:
        raise TypeError(f"surface must be a name, a function of x and y, or a model with two weights; got {surface!r:.60}")
    shown = shown if bounds is None else shown.within(bounds)
    return Descend(shown if place is None else shown.begun_at(place), read_rules(optimizers), lr)


class Descend(Widget):
    """A race of optimisers on a surface. `dl.descend` opens one; what the browser can do, its methods can do too."""

    bundle = "descend"

    def __init__(self, surface: Surface, rules: list[Rule], lr: float | Mapping[str, float] | None = None) -> None:
        self.surfaces = SURFACES | {surface.name: surface}
        every = RULES | {rule.name: rule for rule in rules}
        self.race = Race(surface, surface.start, [Racer(rule, surface, surface.start) for rule in every.values()])
        for name, racer in self.race.racers.items():
            racer.on = name in {rule.name for rule in rules}
        self.chosen = rules[0].name
        self.map = surface.map()
        self._given = (surface, read_rates(lr, every))
        self._set_given_rates()
        self._number = 0
        super().__init__()
        self.hears |= {
            "step": self._hear(lambda message: self.step(read_count(message))),
            "back": self._hear(lambda message: self.back(read_count(message))),
            "restart": self._hear(lambda _: self.restart()),
            "start": self._hear(lambda message: self.start_at(message.get("x"), message.get("y"))),  # type: ignore[arg-type]
            "knob": self._hear(lambda message: self.set(read_name(message, "racer"), **{read_name(message, "name"): message.get("value")})),  # type: ignore[arg-type]
            "surface": self._hear(lambda message: self.show_surface(read_name(message, "name"))),
            "switch": self._hear(lambda message: self.switch(read_name(message, "name"), message.get("value") is True)),
            "choose": self._hear(lambda message: self.choose(read_name(message, "name"))),
        }

    # What one can do, in a cell or in the browser.

    def step(self, steps: int = 1) -> None:
        """Everybody makes so many steps."""
        with self.lock:
            self.race.step(steps)
            self._moved()

    def back(self, steps: int = 1) -> None:
        """Everything as it was so many steps ago; knobs stay as they are now."""
        with self.lock:
            self.race.back(steps)
            self._moved()

    def restart(self) -> None:
        """Everybody back to the start."""
        with self.lock:
            self.race.restart()
            self._moved()

    def start_at(self, x: float, y: float) -> None:
        """Begin again from another place. Raises: ValueError if the loss is no number there."""
        with self.lock:
            self.race.start_at(read_place((x, y)))
            self._moved()

    def set(self, name: str, **knobs: float) -> None:
        """Turn knobs of an optimiser, as `set("adam", lr=0.1, beta1=0.8)`. Raises: ValueError if it cannot be set so."""
        with self.lock:
            self.race.racer(name).set(**knobs)
            self._moved()

    def switch(self, name: str, on: bool = True) -> None:
        """Let an optimiser take part, or take it out of the race."""
        with self.lock:
            self.race.switch(name, on)
            if on or self.chosen == name:
                self.chosen = name if on else next((racer.rule.name for racer in self.race.running), name)
            self._moved()

    def choose(self, name: str) -> None:
        """Show the arithmetic and the knobs of one optimiser."""
        with self.lock:
            self.race.racer(name)
            self.chosen = name
            self._moved()

    def show_surface(self, name: str) -> None:
        """Another surface, from its own start and with its own learning rates."""
        with self.lock:
            surface = read_surface(name, self.surfaces)
            self.map = surface.map()
            self.race.move_to(surface)
            self._set_given_rates()
            self._moved()

    # What can be read.

    def path(self, name: str) -> np.ndarray:
        """Where an optimiser has been: x, y and the loss at the start and after each step, (steps + 1, 3) float64."""
        with self.lock:
            return path(self.race.racer(name))

    def arithmetic(self, name: str | None = None) -> str:
        """The arithmetic of the last step of an optimiser, a line for each weight and each thing computed."""
        with self.lock:
            racer = self.race.racer(name or self.chosen)
            lines = racer.lines()
        if not lines:
            return f"{racer.rule.label} has made no step yet."
        texts = [f"{racer.rule.label}, step {racer.steps}"]
        for line in lines:
            for weight, numbers, value in zip(racer.surface.weights, line.numbers, line.values, strict=True):
                worked = f" = {numbers}" if numbers else ""
                texts.append(f"{line.name} of {weight} = {line.formula}{worked} = {said(value)}")
        return "\n".join(texts)

    def still(self) -> str | None:
        """The map with the ways that were gone."""
        from .picture import picture  # Matplotlib, half a second

        with self.lock:
            return base64.b64encode(picture(self.race, self.map)).decode()

    def alt(self) -> str:
        """The race in words."""
        with self.lock:
            race = self.race
            racers = [
                f"{racer.rule.label} at ({x:.3g}, {y:.3g}), loss {racer.now.loss:.3g}"
                for racer in race.running
                for x, y in [racer.now.weights]
            ]
        return f"The loss surface “{race.surface.title}” from above, and the loss over steps. After step {race.steps}: {'; '.join(racers) or 'nobody races'}."

    # What the browser is sent.

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`."""
        if view.cursors.get("number") == self._number:
            return None
        view.cursors["number"] = self._number
        race = self.race
        header: Message = {"full": view.sent == 0, "paths": {}, **tell_race(race, race.racer(self.chosen))}
        columns: dict[str, np.ndarray] = {}
        if view.cursors.get("surface") is not race.surface:
            view.cursors["surface"] = race.surface
            header["surface"] = tell_surface(race.surface) | {"side": len(self.map)}
            header["surfaces"] = [{"name": surface.name, "title": surface.title} for surface in self.surfaces.values()]
            columns["map"] = self.map.reshape(-1)
        known = view.cursors.setdefault("paths", {})
        for name, racer in race.racers.items():
            turns, count = known.get(name, (-1, 0))
            first = count if turns == racer.turns else 0
            known[name] = (racer.turns, racer.steps + 1)
            if racer.steps + 1 > first:
                header["paths"][name] = first
                columns[f"path/{name}"] = path(racer, first).reshape(-1)
        header["columns"], buffer = pack(columns)
        return header, [buffer]

    def _moved(self) -> None:
        self._number += 1
        self.changed(urgent=True)

    def _hear(self, action: Callable[[Message], None]) -> Callable[[Message, list[memoryview]], None]:
        """Do what the browser asks for; where that cannot be, say so there and leave everything as it is."""

        def hear(message: Message, _: list[memoryview]) -> None:
            with self.lock:
                self.race.notice = ""
                try:
                    action(message)
                except Exception as error:  # of the learner's own function, too
                    what = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
                    self.race.notice = f"{what}{error}"
                    self._moved()

        return hear

    def _set_given_rates(self) -> None:
        """The learning rates that the caller gave belong to the surface that the caller gave."""
        surface, rates = self._given
        if self.race.surface is surface:
            for name, rate in rates.items():
                self.race.racer(name).set(lr=rate)

    def __repr__(self) -> str:
        return f"Descend({self.race.surface.title!r})"
