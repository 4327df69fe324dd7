"""A race of optimisers on one surface, from one start."""

import math
from collections.abc import Sequence

import torch

from .racer import Racer
from .surfaces import Place, Surface

LIMIT = 2_000  # steps of a race


class Race:
    """Several optimisers on one surface. steps: how far the race is; notice: what has to be said of it."""

    def __init__(self, surface: Surface, start: Place, racers: Sequence[Racer]) -> None:
        self.surface = surface
        self.start = start
        self.racers = {racer.rule.name: racer for racer in racers}
        self.notice = ""

    @property
    def running(self) -> list[Racer]:
        """Those that take part."""
        return [racer for racer in self.racers.values() if racer.on]

    @property
    def steps(self) -> int:
        """How many steps whoever is furthest has made."""
        return max((racer.steps for racer in self.running), default=0)

    @property
    def is_over(self) -> bool:
        """Whether nobody can make a step."""
        return self.steps >= LIMIT or all(racer.stuck for racer in self.running)

    def step(self, steps: int = 1) -> None:
        """Everybody makes so many steps."""
        room = LIMIT - self.steps
        self.notice = "" if steps <= room else f"A race has {LIMIT:,} steps at most. Begin again, or go back."
        for racer in self.running:
            for _ in range(min(steps, room)):
                racer.step()

    def back(self, steps: int = 1) -> None:
        """Everybody as it was so many steps ago."""
        to = max(0, self.steps - steps)
        self.notice = ""
        for racer in self.running:
            racer.back_to(to)

    def restart(self) -> None:
        """Everybody back to the start."""
        self.notice = ""
        for racer in self.racers.values():
            racer.begin(self.surface, self.start)

    def start_at(self, start: Place) -> None:
        """Begin again elsewhere. Raises: ValueError if the loss is no number there."""
        height = self.surface.height(torch.tensor(start, dtype=torch.float64))
        if not math.isfinite(height):
            raise ValueError(f"the loss at ({start[0]:.3g}, {start[1]:.3g}) is no number: choose another place to start from")
        self.start = start
        self.restart()

    def switch(self, name: str, on: bool) -> None:
        """Let one take part, from the start up to where the others are; or take it out."""
        racer, steps = self.racer(name), self.steps
        if racer.on == on:
            return
        racer.on = on
        racer.begin(self.surface, self.start)
        for _ in range(steps if on else 0):
            racer.step()

    def move_to(self, surface: Surface) -> None:
        """Another surface, with its own start and learning rates."""
        self.surface, self.start, self.notice = surface, surface.start, ""
        for racer in self.racers.values():
            racer.knobs["lr"] = getattr(surface.rates, racer.rule.rate)
            racer.begin(surface, surface.start)

    def racer(self, name: str) -> Racer:
        """One of them. Raises: ValueError if nobody has that name."""
        if name not in self.racers:
            raise ValueError(f"no optimiser {name!r:.40} is here; there are {', '.join(self.racers)}")
        return self.racers[name]
