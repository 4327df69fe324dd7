"""A task that finds obstacles: from lidar and cameras to where cars stand, seen from above."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...data.batches import TensorBatches
from ...preview import Boxes
from ...task import Task, remembered
from ..detections import ObstacleLoss, decode, precision, recall
from ..drawing import box_of, road_around
from ..models import RangeView
from ..moments import WITHIN, views
from ..sensors import COLUMNS, FAULTS, RAYS, REACH, ROWS, Noise, pictures
from ..world import DECIDED, SPLITS

EVALUATED_AT_ONCE = 50
SHOWN, MOST_SHOWN = 6, 24
FAILS = 0.15  # how often each sensor is off while one learns
METRICS = {
    "recall": recall,
    "precision": precision,
    "recall to 20 m": lambda found, target: recall(found, target, 0, 20),
    "recall 20 to 40 m": lambda found, target: recall(found, target, 20, WITHIN),
}


@remembered
def obstacles(places: Sequence[str] = DECIDED, drives: int = 6, batch_size: int = 32, fault: str = "", seed: int = 0) -> Task:
    """Where the other cars are, within 40 m: from a lidar and cameras, with noise, around a car in highway-env.

    places: in which is driven. drives: in each place, to learn from; a third as many, on other seeds, to validate and to test.
        Each car of each second sees the others.
    fault: of the sensors in validation and the test: "" for none, or one of `dlnb.driving.sensors.FAULTS`. While one learns each
        sensor is dead now and then.

    A model reads lidar (B, 240) and camera (B, 20, 480), and gives what `dlnb.driving.RangeView` does. An obstacle counts as
    found if its middle is at most 2 m off; one that is hidden, seen in fewer than 3 of 480 directions, is not asked for.

    Raises: ValueError for other places, another fault, or less than one drive.
    """
    unknown = [place for place in places if place not in DECIDED]
    if unknown or not places:
        raise ValueError(f"the places must be some of {', '.join(map(repr, DECIDED))}, got {list(places)!r}")
    if drives < 1:
        raise ValueError(f"to learn takes at least 1 drive, got {drives}")
    if fault and fault not in FAULTS:
        raise ValueError(f"there is no fault {fault!r}: expected one of {', '.join(map(repr, FAULTS))}")
    few = max(1, drives // 3)
    train, valid, test = (
        views(tuple(places), split, count, each) for split, count, each in zip(SPLITS, (drives, few, few), (1, 5, 2), strict=True)
    )
    fixed = [_measured(part, fault, seed + number) for number, part in enumerate((valid, test))]
    return Task(
        name="obstacles",
        train=_Noisy(torch.from_numpy(train[0]), *_targets(train), size=batch_size, shuffle=True),
        valid=_Around(*fixed[0], size=EVALUATED_AT_ONCE),
        test=_Around(*fixed[1], size=EVALUATED_AT_ONCE),
        loss=ObstacleLoss(),
        metrics=METRICS,
        predict=lambda model, inputs, output: decode(output),
        classes=("car",),
        baselines={"each group of near lidar points": lambda: _grouped(fixed[1])},
        preview=_Gallery(fixed[0]),
        credit="highway-env, E. Leurent 2018, MIT licence",
        models={"RangeView": lambda: RangeView(RAYS, COLUMNS, ROWS, reach=REACH)},
    )


View = tuple[np.ndarray, np.ndarray, np.ndarray]
Columns = tuple[Tensor, Tensor, Tensor, Tensor]


class _Around(TensorBatches):
    """Lidar, camera and truth of so many views: ((B, RAYS), (B, ROWS, COLUMNS), {"rays", "bodies"})."""

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Any, ...]:
        """See `TensorBatches.cut`."""
        lidar, camera, rays, bodies = super().cut(seed, epoch, start, size)
        return lidar, camera, {"rays": rays, "bodies": bodies}

    def reader(self) -> "_Around":
        """See `TensorBatches.reader`."""
        return type(self)(*self.tensors, size=self.size, shuffle=self.shuffle)


class _Noisy(_Around):
    """The same from scans, with noise and failing sensors that PyTorch's default generator draws."""

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Any, ...]:
        """See `TensorBatches.cut`."""
        scans, rays, bodies = TensorBatches.cut(self, seed, epoch, start, size)
        lidar, camera = measured(scans, None)
        off = torch.rand(len(scans))
        lidar[off < FAILS] = torch.nan
        camera[off > 1 - FAILS] = torch.nan
        return lidar, camera, {"rays": rays, "bodies": bodies}


def measured(scans: Tensor, generator: torch.Generator | None, noise: Noise | None = None) -> tuple[Tensor, Tensor]:
    """Scans (B, 2, COLUMNS) as sensors measure them: (B, RAYS) and (B, ROWS, COLUMNS) float32, as `dlnb.driving.sensors.sense` does."""
    noise = noise or Noise()
    metres, bright = scans.unbind(1)
    rays = metres[:, :: COLUMNS // RAYS]
    moved = (rays + (rays < REACH) * noise.lidar * torch.randn(rays.shape, generator=generator)).clamp(0, REACH)
    lost = torch.rand(rays.shape, generator=generator) < noise.dropout
    picture = torch.from_numpy(pictures(metres.numpy(), bright.numpy()))
    return moved.masked_fill(lost, REACH), picture.add_(torch.randn(picture.shape, generator=generator), alpha=noise.camera).clamp_(0, 1)


def _measured(part: View, fault: str, seed: int) -> Columns:
    """Views as the sensors see them, with the same noise each time."""
    noise = Noise(dropout=0.5 if fault == "lidar dropout" else 0.02, camera=0.3 if fault == "camera noise" else 0.03)
    lidar, camera = measured(torch.from_numpy(part[0]), torch.Generator().manual_seed(seed), noise)
    if fault in ("lidar dead", "lidar NaN"):
        lidar.fill_(torch.nan)
    if fault in ("camera dead", "camera NaN"):
        camera.fill_(torch.nan)
    return (lidar, camera, *_targets(part))


def _targets(part: View) -> tuple[Tensor, Tensor]:
    """What each ray sees, (V, RAYS, 7), and all obstacles (V, M, 7)."""
    bodies = torch.from_numpy(part[2])
    numbers = torch.from_numpy(part[1])[:, :: COLUMNS // RAYS]  # (V, RAYS)
    seen = bodies.gather(1, numbers.clamp(min=0)[..., None].expand(-1, -1, 7))
    there = (numbers >= 0) & (seen[..., :2].norm(dim=-1) < WITHIN + 5)
    return torch.cat([seen[..., :6], torch.ones_like(seen[..., :1])], -1) * there[..., None], bodies


def _grouped(columns: Columns) -> dict[str, float]:
    """Without learning: rays side by side that meet something at nearly the same distance are a car, 1.5 m behind what is seen."""
    found = []
    angles = 2 * torch.pi * torch.arange(RAYS) / RAYS
    for metres in columns[0]:
        met = (metres < 0.999 * REACH).tolist()
        groups: list[list[int]] = []
        for ray in range(RAYS):
            if not met[ray]:
                continue
            if groups and ray - groups[-1][-1] <= 2 and abs(float(metres[ray] - metres[groups[-1][-1]])) < 2.0:
                groups[-1].append(ray)
            else:
                groups.append([ray])
        rows = []
        for group in groups:
            points = torch.stack([angles[group].cos(), angles[group].sin()], -1) * metres[group, None]
            middle = points.mean(0)
            middle = middle * (1 + 1.5 / middle.norm().clamp(min=1.0))
            rows.append(torch.tensor([*middle.tolist(), 0.0, 1.0, 5.0, 2.0]))
        found.append(torch.stack(rows) if rows else torch.zeros(0, 6))
    target = {"bodies": columns[3]}
    return {name: metric(found, target) for name, metric in METRICS.items()}


class _Gallery:
    """The preview: the road from above, where the obstacles are and where a model finds them."""

    def __init__(self, columns: Columns) -> None:
        places = torch.linspace(0, len(columns[0]) - 1, min(SHOWN, len(columns[0]))).long()
        self.lidar, self.camera, _, self.bodies = (column[places] for column in columns)
        self.pixels: np.ndarray | None = None

    def __call__(self, model: nn.Module) -> Boxes:
        """model: in eval mode, gives what a `RangeView` does."""
        if self.pixels is None:
            self.pixels = np.stack([road_around(lidar.numpy()) for lidar in self.lidar])
        device = next(model.parameters()).device
        with torch.no_grad():
            answers = decode(model(self.lidar.to(device), self.camera.to(device)))
        count = len(self.lidar)
        truth, labels = np.zeros((count, self.bodies.shape[1], 4), np.float32), np.full((count, self.bodies.shape[1]), -1)
        found, found_labels = np.zeros((count, MOST_SHOWN, 4), np.float32), np.full((count, MOST_SHOWN), -1)
        scores = np.zeros((count, MOST_SHOWN), np.float32)
        for row in range(count):
            for place, body in enumerate(self.bodies[row].numpy()):
                if body[4] > 0 and np.hypot(*body[:2]) < WITHIN:
                    truth[row, place], labels[row, place] = box_of(body), 0
            for place, one in enumerate(answers[row][:MOST_SHOWN].numpy()):
                found[row, place], found_labels[row, place], scores[row, place] = box_of(one), 0, one[3]
        return Boxes(self.pixels, ("car",), truth, labels, found, found_labels, scores)
