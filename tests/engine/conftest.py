"""Small tasks and models on which every property of the engine can be seen in a second."""

import pytest
import torch
from torch import Tensor, nn

import dlnb as dl
from dlnb.data.batches import TensorBatches


def quadrants(examples: int = 640, size: int = 32, noise: float = 0.0) -> dl.Task:
    """Points in the plane; the class says whether both coordinates have the same sign."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(examples, 2, generator=generator)
    y = (x[:, 0] * x[:, 1] > 0).long()

    def shake(points: Tensor) -> Tensor:
        return points + noise * torch.randn_like(points)

    return dl.Task(
        "quadrants",
        train=TensorBatches(x, y, size=size, shuffle=True, augment=shake if noise else None),
        valid=TensorBatches(x[:200], y[:200], size=100),
        test=TensorBatches(x[200:400], y[200:400], size=100),
        metrics={"accuracy": dl.accuracy},
        classes=("different", "same"),
    )


def network(dropout: float = 0.0, seed: int = 0) -> nn.Module:
    """A small network with batch norm and dropout."""
    with dl.seeded(seed):
        return nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 2))


@pytest.fixture
def task() -> dl.Task:
    return quadrants()


@pytest.fixture
def model() -> nn.Module:
    return network()
