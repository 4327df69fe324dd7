"""What a playground tells its picture in the browser: plain data and columns of numbers, one function a part."""

import inspect
import math
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..base import Message
from ..watch_curves import reduced
from .maps import SIDE, SMALL, maps
from .missions import MISSIONS
from .network import Network, inputs_of
from .points import REACH
from .shapes import CLASSIFIED, SURFACES
from .spec import ACTIVATIONS, CLASSES, INPUTS, LAYERS, NORMS, OPTIMIZERS, UNITS, optimizer_options
from .training import COLUMNS, Trainer, loss_of

if TYPE_CHECKING:
    from .desk import Desk

PIECES = 500  # of a curve in one frame
LINES = 25  # of the grid that is warped, in each direction
WARPED = 600  # points that are warped at most
NEAR = 0.35  # of the plane, within which a point is meant
WORDS = 600  # characters of a notice


@cache
def fixed() -> Message:
    """What is sent once: all there is to choose from."""
    return {
        "inputs": list(INPUTS),
        "activations": list(ACTIVATIONS),
        "norms": list(NORMS),
        "optimizers": [{"name": name, "options": _options(name)} for name in OPTIMIZERS],
        "shapes": [{"name": name, "surface": name in SURFACES} for name in (*CLASSIFIED, *SURFACES)],
        "missions": [
            {"name": m.name, "title": m.title, "task": m.task, "why": m.why, "conditions": [c.words for c in m.conditions]}
            for m in MISSIONS
        ],
        "limits": {"layers": LAYERS, "units": UNITS, "classes": CLASSES},
        "side": SIDE,
        "small": SMALL,
        "reach": REACH,
        "lines": LINES,
    }  # fmt: skip


def structure(desk: "Desk") -> Message:
    """What changes only when somebody changes it."""
    trainer, points = desk.trainer, desk.trainer.points
    known = dict(trainer.plan.options)
    options = [{**option, "value": known.get(option["name"], option["value"])} for option in _options(trainer.plan.optimizer)]
    return {
        "network": asdict(trainer.spec),
        "plan": {**asdict(trainer.plan), "options": options},
        "data": {
            "recipe": None if points.recipe is None else asdict(points.recipe),
            "drawn": desk.drawing is not None,
            "classes": points.classes,
            "names": list(points.names),
            "hues": desk.hues,
            "axes": list(points.axes),
            "share": desk.share,
            "trains": int(points.trains.sum()),
            "tests": int((~points.trains).sum()),
            "columns": None if desk.table is None else desk.table.columns[:100],
            "chosen": None if desk.table is None or desk.table.inputs is None else [*desk.table.inputs, desk.table.target],
        },
    }  # fmt: skip


def status(desk: "Desk") -> Message:
    """All that is small and always sent."""
    trainer = desk.trainer
    mission = desk.mission
    return {
        "epoch": trainer.epoch,
        "steps": trainer.steps,
        "place": trainer.place,
        "furthest": max(desk.furthest, trainer.epoch),
        "last": {name: number(trainer.history[name][-1]) for name in COLUMNS},
        "undo": desk.undo_words,
        "pending": desk.pending,
        "marks": [[epoch, words] for epoch, words in desk.marks],
        "mission": None if mission is None else MISSIONS.index(mission),
        "held": desk.held,
        "passed": desk.passed,
        "seeds": None if desk.seeds is None else seeds_in_words(desk),
        "edits": trainer.edits,
    }


def seeds_in_words(desk: "Desk") -> Message:
    """How the seeds are doing."""
    assert desk.seeds is not None
    seeds, found = desk.seeds, desk.measured_seeds()
    assert found is not None
    rest = found[np.isfinite(found)]
    middle, low, high = (float(np.median(rest)), float(rest.min()), float(rest.max())) if len(rest) else (math.nan,) * 3
    return {
        "count": len(seeds.seeds), "epoch": seeds.epoch, "steps": seeds.steps, "lost": int(seeds.lost.sum()),
        "middle": number(middle), "low": number(low), "high": number(high), "good": int((rest >= 0.9).sum()),
    }  # fmt: skip


def points_columns(desk: "Desk") -> dict[str, np.ndarray]:
    """The points as columns: places (N, 2), values (N,), which train (N,)."""
    places, values, trains = desk.shown_points()
    return {
        "points/places": places.numpy().reshape(-1),
        "points/values": values.float().numpy(),
        "points/trains": trains.to(torch.uint8).numpy(),
    }


def picture_columns(desk: "Desk") -> dict[str, np.ndarray]:
    """The picture of every hidden neuron and of the output, and all weights."""
    trainer = desk.trainer
    found = maps(trainer.network, trainer.points)
    found["weights"] = weights(trainer.network)
    return {name: found[name].reshape(-1) for name in ("neurons", "scales", "output", "weights")}


def weights(network: Network) -> np.ndarray:
    """Layer after layer the weights (units, sources), then the biases (units,)."""
    parts = [part.detach().reshape(-1) for block in network.blocks for part in (block.linear.weight, block.linear.bias)]
    return torch.cat(parts).numpy()


def seeds_columns(desk: "Desk") -> dict[str, np.ndarray]:
    """Where the seeds agree, and how good each is."""
    assert desk.seeds is not None
    found = desk.measured_seeds()
    assert found is not None
    seen = desk.seeds.uncertainty()
    return {"seeds/mean": seen["mean"].reshape(-1), "seeds/spread": seen["spread"].reshape(-1), "seeds/right": found}


@torch.no_grad()
def warp_columns(trainer: Trainer, layer: int, units: tuple[int, int]) -> dict[str, np.ndarray]:
    """The plane as two neurons of a hidden layer see it: the lines of a grid, and the points.

    warp/grid: (LINES, LINES, 2), row by row from the lower left. warp/points: (N, 2), warp/values: (N,) class or value.
    """
    points = trainer.points
    places = torch.linspace(-REACH, REACH, LINES)
    y, x = torch.meshgrid(places, places, indexing="ij")
    every = max(1, -(-len(points.x) // WARPED))
    seen = torch.cat([torch.stack([x.flatten(), y.flatten()], 1), points.x[::every]])
    found = trainer.network.answers(inputs_of(trainer.spec.inputs, seen))[layer][:, list(units)].numpy()
    cut = LINES * LINES
    return {
        "warp/grid": found[:cut].reshape(-1),
        "warp/points": found[cut:].reshape(-1),
        "warp/values": points.y[::every].float().numpy(),
    }


@torch.no_grad()
def trace(trainer: Trainer, place: tuple[float, float]) -> tuple[Message, dict[str, np.ndarray]]:
    """One place on its way through the network; the point that lies there, if one does.

    Returns where it is, of which point (its class or value, what the network loses there), and the column trace/values: what
    every input, every hidden neuron and every output says, one after the other; outputs as scores.
    """
    points, spec = trainer.points, trainer.spec
    here = torch.tensor([place], dtype=torch.float32)
    far = (points.x - here).norm(dim=1)
    nearest = int(far.argmin())
    wanted = loss = None
    if float(far[nearest]) < NEAR:
        here = points.x[nearest : nearest + 1]
        wanted = points.names[int(points.y[nearest])] if points.classes else f"{float(points.y[nearest]):.2f}"
    inputs = inputs_of(spec.inputs, here)
    answers = trainer.network.answers(inputs)
    if wanted is not None:
        loss = number(float(loss_of(points)(answers[-1], points.target[nearest : nearest + 1])))
    told = {"x": float(here[0, 0]), "y": float(here[0, 1]), "wanted": wanted, "loss": loss}
    return told, {"trace/values": torch.cat([inputs, *answers], 1)[0].numpy()}


def history_columns(trainer: Trainer, start: int) -> dict[str, np.ndarray]:
    """The rows of the history from `start` on, long ones in PIECES pieces."""
    names = COLUMNS if trainer.points.classes else COLUMNS[:2]
    columns: dict[str, np.ndarray] = {}
    for name in names:
        values = np.array(trainer.history[name][start:], np.float32)
        columns |= reduced(f"history/{name}", np.arange(start, start + len(values)), values, PIECES)
    return columns


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None


@cache
def _options(optimizer: str) -> list[Message]:
    """The settings of an optimiser that are numbers or switches, with what they are unless set."""
    signature = inspect.signature(getattr(torch.optim, optimizer))
    defaults: dict[str, Any] = {name: signature.parameters[name].default for name in optimizer_options(optimizer)}
    plain = {name: value for name, value in defaults.items() if isinstance(value, (bool, int, float))}
    return [{"name": name, "value": value} for name, value in plain.items()]
