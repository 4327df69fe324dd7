"""Tasks that make points: a generator and its critic, on eight heaps."""

import torch
from torch import Tensor, nn

from ...data.batches import TensorBatches
from ...task import Task, remembered
from ..adversaries import LOSSES, heaps_found, points, share_at_heaps
from ..models import GAN
from ..previews import Scattered

EVALUATED = 2_000


@remembered
def eight_points(loss: str = "mended", count: int = 25_600, seed: int = 0, batch_size: int = 256) -> Task:
    """To make points that lie in eight small heaps on a circle, without missing one.

    loss: "naive", by which a generator collapses where its critic learns much more quickly, or "mended", by which it does not
    (`dlnb.generate.adversaries`); the network is the same. count: points to learn from.
    "heaps" are those at which the made points lie, of eight; "at a heap" how much of what is made lies at any.
    Two networks learn in one run; `Both.of(model)` of `dlnb.generate` is an optimiser for each of them.

    Raises: ValueError for another loss, or no points.
    """
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(map(repr, LOSSES))}, got {loss!r}")
    train, valid, test = points(count, 3 * seed), points(EVALUATED, 3 * seed + 1), points(EVALUATED, 3 * seed + 2)

    def predict(model: nn.Module, inputs: tuple[Tensor, ...], _: object) -> Tensor:
        return model.imagine(len(inputs[0]))  # type: ignore[operator]

    return Task(
        name=f"eight heaps by the {loss} loss",
        train=TensorBatches(train, train, size=batch_size, shuffle=True),
        valid=TensorBatches(valid, valid, size=EVALUATED),
        test=TensorBatches(test, test, size=EVALUATED),
        loss=LOSSES[loss],
        metrics={"heaps": lambda made, _: heaps_found(made), "at a heap": lambda made, _: share_at_heaps(made)},
        predict=predict,
        baselines={
            "a normal distribution": lambda: _measured(_like(train)),
            "real points": lambda: _measured(test),
        },
        preview=Scattered(valid),
        credit="drawn by dlnb, as in Metz et al. 2017, arXiv:1611.02163",
        models={"GAN": lambda: GAN(penalty=loss == "mended")},
    )


def _measured(made: Tensor) -> dict[str, float]:
    return {"heaps": heaps_found(made), "at a heap": share_at_heaps(made)}


def _like(train: Tensor) -> Tensor:
    """Points of a normal distribution with the mean and the spread of the real ones."""
    drawn = torch.randn(EVALUATED, 2, generator=torch.Generator().manual_seed(0))
    return train.mean(0) + train.std(0) * drawn
