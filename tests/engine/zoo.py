"""Every task and model that ships, found by existing; and the hard cases that one may write oneself.

A case is a name and a function that gives a fresh model, a task and arguments for `dl.fit`.
"""

import functools
import importlib
import inspect
import os
import pkgutil
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, Dataset, TensorDataset

import dlnb
import dlnb as dl
from dlnb.fast import Muon
from dlnb.generate import Both
from dlnb.vision.people import face

from .conftest import network, quadrants

Make = Callable[[], tuple[nn.Module, dl.Task]]


@dataclass(frozen=True)
class Case:
    """Something that can be trained. needs: the folder in DLNB_DATA without which it cannot."""

    name: str
    make: Make
    arguments: dict[str, Any] = field(default_factory=dict)
    needs: str = ""
    ships: bool = False

    def fit(self, **more: Any) -> dl.Run:
        """A run that has not begun."""
        model, task = self.make()
        return dl.fit(model, task, **{"epochs": 10_000, "start": False, **self.arguments, **more})

    @property
    def missing(self) -> str:
        """Why it cannot be tried here; empty if it can."""
        data = os.environ.get("DLNB_DATA")
        return f"needs {self.needs} in DLNB_DATA" if self.needs and not (data and os.path.isdir(f"{data}/{self.needs}")) else ""


def tasks_that_ship() -> Iterator[tuple[str, Callable[..., dl.Task]]]:
    """Every public function of a room `dlnb.<area>.tasks` that makes a task."""
    for area in pkgutil.iter_modules(dlnb.__path__):
        if not area.ispkg or not (room := importlib.util.find_spec(f"dlnb.{area.name}.tasks")):
            continue
        for name, function in inspect.getmembers(importlib.import_module(room.name), inspect.isfunction):
            made_here = f"{function.__module__}.".startswith(f"{room.name}.") and not name.startswith("_")
            if made_here and inspect.signature(function).return_annotation in (dl.Task, "Task"):
                yield f"{area.name}.{name}", function


# Sets that are fetched by name: their tasks can be tried where DLNB_DATA has them.
FETCHED = {
    "generate.jsb_chorales": "jsb_chorales",
    "text.tiny_shakespeare": "tinyshakespeare", "text.sst2": "sst2", "text.multi30k": "multi30k", "vision.cifar10": "cifar10", "vision.fashion_mnist": "fashion_mnist", "vision.mnist": "mnist", "vision.orl_faces": "orl_faces",
    "speech.free_spoken_digits": "fsdd", "speech.connected_digits": "fsdd",
    "vision.penn_fudan_detection": "penn_fudan", "vision.penn_fudan_segmentation": "penn_fudan",
}  # fmt: skip


@functools.cache
def folder_of_faces() -> tempfile.TemporaryDirectory:
    """Pictures of two drawn people, a folder for each; gone when the process ends."""
    made = tempfile.TemporaryDirectory()
    for who in range(2):
        folder = Path(made.name, "people", str(who))
        folder.mkdir(parents=True)
        for number in range(30):
            Image.fromarray(face(who, number, height=16, width=16)).save(folder / f"{number}.png")
    return made


@functools.cache
def file_of_a_table() -> tempfile.TemporaryDirectory:
    """Two columns of numbers, and in which quarter of the plane they lie; gone when the process ends."""
    made = tempfile.TemporaryDirectory()
    x = np.random.RandomState(0).randn(200, 2)
    rows = [f"{a},{b},{'NE' if a > 0 < b else 'elsewhere'}" for a, b in x]
    Path(made.name, "points.csv").write_text("\n".join(["east,north,where", *rows]), encoding="utf-8")
    return made


# Tasks that cannot be made without being told of what.
GIVEN = {
    "tabular.from_table": lambda: {"path": f"{file_of_a_table().name}/points.csv", "target": "where", "batch_size": 8},
    "vision.from_folder": lambda: {"path": f"{folder_of_faces().name}/people", "size": 16, "batch_size": 8},
    "driving.obstacles": lambda: {"places": ["merge"], "drives": 1, "batch_size": 4},
    "driving.dagger": lambda: {"places": ["merge"], "drives": 2, "rounds": 1, "batch_size": 8},
    **{f"driving.{name}": lambda: {"places": ["merge"], "drives": 6, "batch_size": 8} for name in ("imitation", "reinforcement")},
}

# Tasks of larger pictures and texts, tried with smaller ones: the same code, in a tenth of the time.
SMALL: dict[str, dict[str, int]] = {
    "tabular.electricity": {"days": 100, "batch_size": 8},
    "generate.chorales": {"pieces": 8, "batch_size": 1},
    "generate.digits_diffusion": {"batch_size": 16},
    "generate.eight_points": {"batch_size": 32},
    "generate.films": {"clips": 200, "width": 16, "batch_size": 4, "seen": 4, "ahead": 4},
    "generate.jsb_chorales": {"pieces": 12, "batch_size": 1},
    "speech.commands": {"said": 60, "batch_size": 4},
    "speech.connected_digits": {"rows": 80, "batch_size": 4, "digits": 3, "takes": 12},
    "speech.free_spoken_digits": {"batch_size": 8, "takes": 12},
    "speech.transcription": {"sentences": 40, "phrases": 40, "batch_size": 4},
    "speech.wake_word": {"clips": 48, "minutes": 1, "batch_size": 4},
    "text.masked_reviews": {"texts": 500, "batch_size": 16},
    "text.multi30k": {"pieces": 400, "batch_size": 4},
    "text.python_docs": {"context": 32, "batch_size": 4},
    "text.reviews": {"labels": 400, "batch_size": 8},
    "text.sst2": {"batch_size": 8},
    "text.translation": {"sentences": 500, "batch_size": 8},
    "vision.scenes_detection": {"size": 64, "batch_size": 4},
    "vision.scenes_segmentation": {"size": 32, "batch_size": 4},
    "vision.penn_fudan_detection": {"height": 48, "width": 64, "batch_size": 4},
    "vision.penn_fudan_segmentation": {"height": 48, "width": 64, "batch_size": 4},
}


# The models that each task names. They stand here too, so that no task is made to list the tests; each case compares.
MODELS = {
    "driving.dagger": ["Policy"], "driving.imitation": ["Policy"], "driving.obstacles": ["RangeView"],
    "driving.reinforcement": ["QNetwork"],
    "generate.chorales": ["Composer"], "generate.digits_autoencoder": ["AutoEncoder"], "generate.digits_diffusion": ["Denoiser"],
    "generate.digits_vae": ["VAE"], "generate.eight_points": ["GAN"], "generate.films": ["Filmer"],
    "generate.jsb_chorales": ["Composer"],
    "speech.commands": ["Commander"], "speech.connected_digits": ["Listener"], "speech.free_spoken_digits": ["SoundCNN"],
    "speech.transcription": ["Listener"], "speech.wake_word": ["Spotter"],
    "tabular.breast_cancer": ["TableNet"], "tabular.diabetes": ["TableNet"],
    "tabular.electricity": ["TemporalCNN", "GRUForecaster"], "tabular.from_table": ["TableNet"],
    "text.masked_reviews": ["BERT"], "text.multi30k": ["Translator"], "text.python_docs": ["GPT", "ModernGPT"],
    "text.reviews": ["LSTM", "TextCNN", "BERT"], "text.sst2": ["TextCNN", "naive Bayes and TextCNN", "GRU"],
    "text.tiny_shakespeare": ["GPT", "ModernGPT"], "text.translation": ["Translator"],
    "vision.cifar10": ["ResNet", "VisionTransformer"], "vision.digits": ["LeNet", "ResNet", "VisionTransformer"],
    "vision.faces": ["FaceNet"], "vision.fashion_mnist": ["LeNet", "ResNet"], "vision.from_folder": ["ResNet"],
    "vision.mnist": ["LeNet"], "vision.orl_faces": ["FaceNet"],
    "vision.penn_fudan_detection": ["Detector"], "vision.penn_fudan_segmentation": ["UNet"],
    "vision.scenes_detection": ["Detector"], "vision.scenes_segmentation": ["UNet"],
}  # fmt: skip


def shipped() -> list[Case]:
    """Each task with each model that it names."""

    def case(name: str, task: Callable[..., dl.Task], model: str) -> Case:
        def make() -> tuple[nn.Module, dl.Task]:
            given = GIVEN[name]() if name in GIVEN else {}
            made = task(**given, **SMALL.get(name, {}))
            assert list(made.models) == MODELS[name], f"MODELS says that {name} names {MODELS[name]}, but it names {list(made.models)}"
            with dl.seeded(0):
                return made.models[model](), made

        return Case(f"{name} {model}", make, needs=FETCHED.get(name, ""), ships=True)

    tasks = dict(tasks_that_ship())
    if set(tasks) != set(MODELS):
        raise ValueError(f"MODELS must name the models of every task that ships, and of no other: {set(tasks) ^ set(MODELS)}")
    return [case(name, task, model) for name, task in tasks.items() for model in MODELS[name]]


# What one may write oneself.


class Noisy(nn.Module):
    """Noise drawn in forward, a buffer that no state_dict holds, a count kept in a plain attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.calls = 0
        self.register_buffer("mean", torch.zeros(2), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2) → (B, 2)."""
        if self.training:
            self.calls += 1
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
            x = x + 0.1 * torch.randn_like(x) / self.calls
        return self.layer(x - self.mean)


class Recurrent(nn.Module):
    """A recurrent layer with dropout between its two floors."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.layers = kind(1, 8, num_layers=2, dropout=0.3, batch_first=True)
        self.out = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2) → (B, 2), read as two steps of time."""
        return self.out(self.layers(x[:, :, None])[0][:, -1])


class Attends(nn.Module):
    """A Transformer's layer with weights that two places share."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(1, 16)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.2, batch_first=True)
        self.first, self.second = nn.Linear(16, 2), nn.Linear(16, 2)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2) → (B, 2)."""
        mixed = self.block(self.embed(x[:, :, None]))
        return self.first(mixed[:, 0]) + self.second(mixed[:, 1])


class Jitters(Dataset):
    """Examples that NumPy's and Python's global generators move a little each time."""

    def __init__(self) -> None:
        self.x = np.random.RandomState(0).randn(96, 2).astype(np.float32)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        moved = self.x[i] + 0.1 * np.random.randn(2).astype(np.float32) + 0.01 * random.random()
        return torch.from_numpy(moved) + 0.01 * torch.rand(2), int(self.x[i, 0] > 0)


class Margin(nn.Module):
    """A loss with parameters and a buffer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy with a weight that depends on how often it was asked."""
        self.seen += 1
        return F.cross_entropy(output, target) * (1 + 1 / self.seen)


def with_loader(**arguments: Any) -> Make:
    """A task from one's own `DataLoader`."""

    def make() -> tuple[nn.Module, dl.Task]:
        train = DataLoader(Jitters(), batch_size=8, shuffle=True, **arguments)
        return network(0.2), dl.Task.from_loaders(train, loss=F.cross_entropy, metrics={"accuracy": dl.accuracy})

    return make


def with_generator() -> tuple[nn.Module, dl.Task]:
    """A loader that shuffles with a generator of its own."""
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(2))
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), 8, shuffle=True, generator=torch.Generator().manual_seed(5))
    return network(), dl.Task.from_loaders(loader, loss=F.cross_entropy)


def with_loss() -> tuple[nn.Module, dl.Task]:
    """A loss that is a module with state."""
    task = quadrants()
    task.loss = Margin()
    return network(), task


def seeded(kind: Callable[[], nn.Module]) -> Make:
    """A model with the same first weights each time, on points with noise."""

    def make() -> tuple[nn.Module, dl.Task]:
        with dl.seeded(1):
            return kind(), quadrants(noise=0.05)

    return make


def points() -> tuple[nn.Module, dl.Task]:
    """Dropout, batch norm and augmentation."""
    return network(0.3), quadrants(noise=0.1)


def own() -> list[Case]:
    """Models, data, optimisers and schedules that have state in odd places."""
    optimizers = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "radam", "adamax", "adadelta", "rprop", "asgd"]
    made: dict[str, Any] = {
        "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
        "fused": lambda p: torch.optim.AdamW(p, lr=1e-2, fused=True),
        "Muon": lambda p: Muon([part for part in p if part.ndim == 2], [part for part in p if part.ndim != 2], lr=0.02),
        "two at once": lambda p: Both(torch.optim.Adam(p[:2], lr=1e-2), torch.optim.SGD(p[2:], lr=0.05, momentum=0.9)),
        "foreach": lambda p: torch.optim.Adam(p, lr=1e-2, foreach=True, amsgrad=True),
    }
    schedules: dict[str, Any] = {
        "cosine": "cosine",
        "one cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=100),
        "warm restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=7),
        "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.95),
        "one after the other": lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o, 0.1, total_iters=9), lr_scheduler.CosineAnnealingLR(o, 30)], milestones=[9]
        ),
    }
    return [
        *[Case(f"optimizer {name}", points, {"optimizer": name, "lr": 0.01}) for name in optimizers],
        *[Case(f"optimizer {name}", points, {"optimizer": optimizer}) for name, optimizer in made.items()],
        *[Case(f"schedule {name}", points, {"schedule": schedule, "lr": 0.02}) for name, schedule in schedules.items()],
        Case("clipping", points, {"clip": 0.1}),
        Case("noise in forward", seeded(Noisy)),
        Case("GRU", seeded(lambda: Recurrent(nn.GRU))),
        Case("LSTM", seeded(lambda: Recurrent(nn.LSTM))),
        Case("attention and tied weights", seeded(Attends)),
        Case("a loader of one's own", with_loader()),
        Case("a loader that drops the last batch", with_loader(drop_last=True)),
        Case("a loader with a generator", with_generator),
        Case("a loss with state", with_loss),
    ]


CASES = [*shipped(), *own()]
