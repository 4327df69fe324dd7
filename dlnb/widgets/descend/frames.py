"""What a frame of `dl.descend` says, as plain data: the surface, the racers, the arithmetic of the last step."""

import math

from ..base import Message
from .arithmetic import Line
from .race import Race
from .racer import Racer
from .surfaces import Surface

WORDS = 500  # characters of a sentence


def tell_race(race: Race, chosen: Racer) -> Message:
    """How the race stands."""
    lines = chosen.lines()
    return {
        "racers": [_racer(racer) for racer in race.racers.values()],
        "start": list(race.start),
        "steps": race.steps,
        "over": race.is_over,
        "chosen": chosen.rule.name,
        "lines": [_line(line) for line in lines],
        "apart": _apart(chosen, lines),
        "notice": race.notice[:WORDS],
    }


def tell_surface(surface: Surface) -> Message:
    """A surface, but for its map."""
    return {
        "name": surface.name, "title": surface.title, "about": surface.about, "box": list(surface.box),
        "weights": list(surface.weights), "minima": [list(place) for place in surface.minima], "lowest": surface.lowest,
    }  # fmt: skip


def _racer(racer: Racer) -> Message:
    rule = racer.rule
    knobs = [
        {
            "name": knob.name, "label": knob.label, "low": knob.low, "high": knob.high,
            "scale": "log" if knob.logarithmic else "linear", "value": racer.knobs[knob.name],
        }
        for knob in rule.knobs
    ]  # fmt: skip
    return {
        "name": rule.name, "label": rule.label, "about": rule.about, "on": racer.on, "steps": racer.steps,
        "stuck": racer.stuck[:WORDS], "arrived": racer.arrived() if racer.on else None, "loss": racer.now.loss, "knobs": knobs,
    }  # fmt: skip


def _line(line: Line) -> Message:
    return {
        "name": line.name, "words": line.words, "formula": line.formula, "numbers": list(line.numbers),
        "values": [value if math.isfinite(value) else None for value in line.values],
    }  # fmt: skip


def _apart(racer: Racer, lines: list[Line]) -> float | None:
    """How far the arithmetic by hand and PyTorch are apart after the last step; None where there is no such arithmetic."""
    if racer.rule.written is None or not lines:
        return None
    apart = max(abs(hand - torch) for hand, torch in zip(lines[-1].values, racer.now.weights, strict=True))
    return apart if math.isfinite(apart) else None
