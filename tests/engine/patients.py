"""Trainings for the health rules: some in which nothing is wrong, and one with a planted bug for each rule.

A patient is trained by its loop alone, with the health asked every few steps as the engine would.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.health import Health
from dlnb.train.loop import Loop
from dlnb.train.probes.probes import Probes


@dataclass
class Patient:
    """A model, a task, and how it is trained.

    optimizer: makes one of the parameters. meanwhile: called with the loop before each step.
    """

    model: nn.Module
    task: dl.Task
    optimizer: Callable[[Any], torch.optim.Optimizer] = lambda p: torch.optim.AdamW(p, lr=3e-3)
    steps: int = 400
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None
    meanwhile: Callable[[Loop], None] | None = None
    loop_arguments: dict[str, Any] = field(default_factory=dict)

    def examine(self, share: float = 1000.0, seed: int = 0, every: int = 5) -> tuple[Health, Loop]:
        """Train, and ask the health now and then. An error of a step ends it, as it ends a run."""
        torch.set_num_threads(1)  # as a run does for itself
        optimizer = self.optimizer([p for p in self.model.parameters() if p.requires_grad])
        schedule = None if self.schedule is None else self.schedule(optimizer)
        loop = Loop(self.model, self.task, optimizer, scheduler=schedule, seed=seed, epochs=10**6, **self.loop_arguments)
        health = Health(loop, Probes(self.model, share), share=share)
        loop.observer = health.probes
        health.before_start()
        with loop.randomness.installed():
            try:
                loop.validate()
                while loop.steps < self.steps:
                    if self.meanwhile is not None:
                        self.meanwhile(loop)
                    loop.advance()
                    if loop.steps % every == 0:
                        health.after_turn()
            except Exception as error:
                health.after_turn()
                health.failed(error)
        return health, loop


def rings(examples: int = 900, classes: int = 3, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Points in the plane whose class depends on the quadrant and the distance."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(examples, 2, generator=generator)
    return x, ((x[:, 0] * x[:, 1] > 0).long() + (x.norm(dim=1) > 1.2).long()) % classes


def wave(examples: int = 800, seed: int = 1) -> tuple[Tensor, Tensor]:
    """A noisy sine, (N, 1) → (N, 1)."""
    generator = torch.Generator().manual_seed(seed)
    x = 1.5 * torch.randn(examples, 1, generator=generator)
    return x, torch.sin(2 * x) + 0.1 * torch.randn(examples, 1, generator=generator)


def split(x: Tensor, y: Tensor, size: int = 32, part: float = 0.7, **arguments: Any) -> dl.Task:
    """A task that learns from the first part and validates on the rest."""
    cut = int(part * len(x))
    augment = arguments.pop("augment", None)
    return dl.Task(
        "patient",
        train=TensorBatches(x[:cut], y[:cut], size=size, shuffle=True, augment=augment),
        valid=TensorBatches(x[cut:], y[cut:], size=500),
        **arguments,
    )


def mlp(*widths: int, act: type[nn.Module] = nn.ReLU, norm: bool = False, dropout: float = 0.0, seed: int = 0) -> nn.Sequential:
    """Linear layers with activations between them."""
    parts: list[nn.Module] = []
    with dl.seeded(seed):
        for i, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
            parts.append(nn.Linear(before, after))
            if i < len(widths) - 2:
                parts += [nn.BatchNorm1d(after)] if norm else []
                parts += [act(), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*parts)


class Reader(nn.Module):
    """A GRU over a sequence, (B, T, 1) → (B, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1, 16, batch_first=True)
        self.out = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 1) → (B, 2)."""
        return self.out(self.gru(x)[0][:, -1])


class Block(nn.Module):
    """A Transformer's block with normalisation in front."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        normed = self.norm1(x)
        mask = torch.full((x.shape[1], x.shape[1]), -math.inf).triu(1)
        x = x + self.attention(normed, normed, normed, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class Writer(nn.Module):
    """A small language model of characters, (B, T) → (B, T, V)."""

    def __init__(self, vocabulary: int, width: int = 32, length: int = 16) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(Block(width), Block(width))
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        return self.out(self.norm(self.blocks(self.embed(x) + self.place(torch.arange(x.shape[1])))))


def next_letter(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of every letter."""
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


def waves(seed: int) -> tuple[Tensor, Tensor]:
    """Slow and fast waves, (N, T, 1), and which they are."""
    generator = torch.Generator().manual_seed(seed)
    pace, fast = 1 + torch.rand(600, 1, generator=generator), (torch.rand(600, generator=generator) > 0.5).long()
    x = torch.sin(torch.linspace(0, 6, 24) * pace * (1 + fast[:, None]))[..., None]
    return x + 0.1 * torch.randn(600, 24, 1, generator=generator), fast


def sentences(seed: int) -> tuple[int, Tensor, Tensor]:
    """A made-up language: a letter depends on the one before. Vocabulary, inputs and targets (N, 16)."""
    generator = torch.Generator().manual_seed(seed)
    rule = torch.softmax(2.5 * torch.randn(24, 24, generator=generator), 1)
    letters = [torch.randint(24, (700,), generator=generator)]
    for _ in range(16):
        letters.append(torch.multinomial(rule[letters[-1]], 1, generator=generator)[:, 0])
    text = torch.stack(letters, 1)
    return 24, text[:, :-1].contiguous(), text[:, 1:].contiguous()


def sgd(lr: float, momentum: float = 0.0) -> Callable[[Any], torch.optim.Optimizer]:
    """Stochastic gradient descent."""
    return lambda parameters: torch.optim.SGD(parameters, lr=lr, momentum=momentum)


def adam(lr: float) -> Callable[[Any], torch.optim.Optimizer]:
    """AdamW."""
    return lambda parameters: torch.optim.AdamW(parameters, lr=lr)


# Nothing is wrong with these.


def _lenet(optimizer: Any, seed: int, schedule: Any = None) -> Patient:
    with dl.seeded(seed):
        model = dl.vision.LeNet()
    return Patient(model, dl.vision.digits(seed=seed), optimizer, 300, schedule)


def _cosine(optimizer: torch.optim.Optimizer) -> Any:
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, 300)


def _shake(x: Tensor) -> Tensor:
    return x + 0.2 * torch.randn_like(x)


def _gru(seed: int) -> Patient:
    with dl.seeded(seed):
        return Patient(Reader(), split(*waves(seed)), adam(5e-3), 250)


def _writer(seed: int) -> Patient:
    vocabulary, x, y = sentences(seed)
    with dl.seeded(seed):
        return Patient(Writer(vocabulary), split(x, y, 16, loss=next_letter), adam(3e-3), 250)


HEALTHY: dict[str, Callable[[int], Patient]] = {
    "LeNet, AdamW": lambda seed: _lenet(adam(1e-3), seed),
    "LeNet, SGD": lambda seed: _lenet(sgd(0.05, 0.9), seed),
    "LeNet, one cycle": lambda seed: _lenet(adam(6e-3), seed, _cosine),
    "batch norm and dropout": lambda seed: Patient(mlp(2, 16, 16, 3, norm=True, dropout=0.1, seed=seed), split(*rings(seed=seed)), adam(5e-3), 1000),
    "tanh, batches of 4": lambda seed: Patient(mlp(2, 8, 8, 3, act=nn.Tanh, seed=seed), split(*rings(seed=seed), 4), sgd(0.05), 1500),
    "batches of 1": lambda seed: Patient(mlp(2, 8, 8, 3, seed=seed), split(*rings(seed=seed), 1), sgd(0.02), 2000),
    "augmented by noise": lambda seed: Patient(mlp(2, 64, 64, 3, seed=seed), split(*rings(seed=seed), 64, augment=_shake), adam(3e-3), 800),
    "regression": lambda seed: Patient(mlp(1, 32, 32, 1, seed=seed), split(*wave(seed=seed), loss=F.mse_loss), adam(3e-3), 1000),
    "a line, full batch": lambda seed: Patient(mlp(1, 1, seed=seed), split(*wave(seed=seed), 10_000, loss=F.mse_loss), sgd(0.1), 500),
    "yes or no": lambda seed: Patient(
        mlp(2, 32, 32, 1, act=nn.Sigmoid, seed=seed),
        split((points := rings(seed=seed))[0], (points[1] == 1).float()[:, None], loss=F.binary_cross_entropy_with_logits),
        adam(1e-2),
        800,
    ),
    "a GRU": _gru,
    "a small GPT": _writer,
}  # fmt: skip


# One bug each.


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """Whatever the function does."""
        return self.function(x)


class Forgets(torch.optim.SGD):
    """An optimiser in a loop that does not clear the gradients."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Nothing."""


class Sleeps(nn.Sequential):
    """A model that somebody has put in eval mode."""

    def forward(self, x: Tensor) -> Tensor:
        """As in use."""
        self.eval()
        return super().forward(x)


class Twice(torch.optim.lr_scheduler.ExponentialLR):
    """A schedule that is stepped in two places."""

    def step(self, epoch: int | None = None) -> None:
        """Two steps."""
        super().step()
        super().step()


def _nan_in_input() -> Patient:
    x, y = rings()
    x[333, 1] = math.nan
    return Patient(mlp(2, 16, 3), split(x, y))


def _nan_in_module() -> Patient:
    model = mlp(2, 16, 16, 3)
    model.insert(3, Apply(lambda h: (h.mean() - 0.05 * h.max()).sqrt() + h - 0.02 * h.norm()))
    return Patient(model, split(*rings()), adam(1e-2))


def _with_scaled(model: nn.Sequential, layer: int, weight: float, bias: float = 0.0) -> nn.Sequential:
    with torch.no_grad():
        model[layer].weight.mul_(weight)
        model[layer].bias.add_(bias)
    return model


def _lr_turned_up(step: int, factor: float) -> Callable[[Loop], None]:
    def turn(loop: Loop) -> None:
        if loop.steps == step:
            loop.optimizer.param_groups[0]["lr"] *= factor

    return turn


def _not_in_optimizer() -> Patient:
    model = mlp(2, 16, 16, 3)
    held = list(model[:3].parameters())
    return Patient(model, split(*rings()), lambda _: torch.optim.Adam(held, lr=1e-2), 50)


def _labels() -> Patient:
    x, y = rings()
    batches = [(x[i : i + 50], y[i : i + 50]) for i in range(0, 900, 50)]
    batches[7][1][3] = 3
    return Patient(mlp(2, 16, 3), dl.Task.from_loaders(batches, loss=F.cross_entropy))


def _labels_from_1() -> Patient:
    x, y = rings()
    return Patient(mlp(2, 16, 3), split(x, y + 1, classes=("a", "b", "c")), steps=1)


def _bytes() -> Patient:
    task = dl.vision.digits(augment=False)
    pictures, labels = task.train.tensors
    whole = (pictures * 255).round().flatten(1)
    return Patient(mlp(64, 64, 10), split(whole, labels), adam(1e-3), 100)


def _memorises() -> Patient:
    x, y = rings(240)
    generator = torch.Generator().manual_seed(3)
    wrong = torch.rand(240, generator=generator) < 0.35
    y = torch.where(wrong, torch.randint(3, (240,), generator=generator), y)
    return Patient(mlp(2, 256, 256, 3), split(x, y, 32, 0.4), adam(3e-3), 600, loop_arguments={"validate_every": 20})


def _leak() -> Patient:
    x, y = rings()
    task = split(x, y)
    task.valid = TensorBatches(torch.cat([x[:100], x[630:]]), torch.cat([y[:100], y[630:]]), size=500)
    return Patient(mlp(2, 16, 3), task, steps=1)


def _on_a_line(factor: float, steps: int) -> Patient:
    """A linear regression on the full batch, whose learning rate is `factor` times the largest that converges."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 2, generator=generator) * torch.tensor([1.0, 0.1])
    y = x @ torch.tensor([[1.0], [1.0]]) + 0.1 * torch.randn(256, 1, generator=generator)
    task = split(x, y, 256, loss=F.mse_loss)
    seen = torch.cat([task.train.tensors[0], torch.ones(len(task.train.tensors[0]), 1)], 1)
    steepest = float(torch.linalg.eigvalsh(seen.T @ seen / len(seen))[-1])  # of half the loss
    return Patient(mlp(2, 1), task, sgd(factor / steepest), steps)


@dataclass(frozen=True)
class Bug:
    """A planted bug: the rule that must say so, words of its sentence, the layer it must name."""

    name: str
    rule: str
    patient: Callable[[], Patient]
    words: str
    layer: str | None = None
    knobs: tuple[str, ...] = ()


BUGS = [
    Bug("a NaN in the data", "nan", _nan_in_input, "input"),
    Bug("a module that takes a root", "nan", _nan_in_module, "came from 3 (Apply)", "3"),
    Bug("steps beyond the bound", "explosion", lambda: _on_a_line(1.03, 200), "exploded", knobs=("lr",)),
    Bug("the learning rate turned up", "explosion", lambda: Patient(mlp(2, 32, 32, 3), split(*rings()), adam(3e-3), 700, meanwhile=_lr_turned_up(500, 100)), "exploded", knobs=("lr",)),
    Bug("steps that overshoot", "zigzag", lambda: _on_a_line(0.9999, 300), "zig-zag", knobs=("lr",)),
    Bug("a learning rate of next to nothing", "slow", lambda: Patient(mlp(2, 32, 32, 3), split(*rings()), adam(1e-8), 400), "too small", knobs=("lr",)),
    Bug("detached in the middle", "no_gradient", lambda: Patient(nn.Sequential(nn.Linear(2, 16), Apply(Tensor.detach), nn.Linear(16, 3)), split(*rings()), steps=100), "Nothing is learned", "0"),
    Bug("rounded in the middle", "no_gradient", lambda: Patient(nn.Sequential(nn.Linear(2, 16), Apply(torch.round), nn.Linear(16, 3)), split(*rings()), steps=100), "exactly zero", "0"),
    Bug("a layer that forward forgets", "no_gradient", lambda: Patient(_Forgetful(), split(*rings()), steps=100), "never used", "spare"),
    Bug("ten sigmoids", "vanishing", lambda: Patient(mlp(2, *[16] * 10, 3, act=nn.Sigmoid), split(*rings()), sgd(0.05), 400), "vanishes", "0"),
    Bug("units that never switch on", "dead", lambda: Patient(_with_scaled(mlp(2, 64, 64, 3), 2, 1, -4), split(*rings()), adam(1e-3), 400), "never switch on", "3"),
    Bug("the same with F.relu", "dead", lambda: Patient(_Functional(), split(*rings()), adam(1e-3), 400), "never switch on", "first"),
    Bug("weights that drive tanh to its ends", "saturated", lambda: Patient(_with_scaled(mlp(2, 64, 64, 3, act=nn.Tanh), 2, 300), split(*rings()), adam(1e-3), 400), "stuck at the ends", "3"),
    Bug("a third of the labels are wrong", "overfitting", _memorises, "memorise", knobs=("weight_decay",)),
    Bug("a model that sees nothing", "one_class", lambda: Patient(nn.Sequential(Apply(torch.zeros_like), nn.Linear(2, 3)), split(*rings()), adam(5e-3), 700), "always answers"),
    Bug("a last layer that shouts", "initial_loss", lambda: Patient(_with_scaled(mlp(2, 32, 3), 2, 100), split(*rings()), adam(1e-4), 60), "1.099"),
    Bug("softmax before cross-entropy", "softmax_twice", lambda: Patient(nn.Sequential(*mlp(2, 32, 3), nn.Softmax(1)), split(*rings()), steps=100), "softmax"),
    Bug("a sigmoid before its loss", "softmax_twice", lambda: Patient(nn.Sequential(*mlp(2, 32, 1), nn.Sigmoid()), split(rings()[0], (rings()[1] == 1).float()[:, None], loss=F.binary_cross_entropy_with_logits), steps=100), "sigmoid"),
    Bug("no zero_grad", "zero_grad", lambda: Patient(mlp(2, 32, 32, 3), split(*rings()), lambda p: Forgets(p, lr=1e-3), 200), "zero_grad"),
    Bug("a schedule stepped twice", "scheduler", lambda: Patient(mlp(2, 16, 3), split(*rings()), schedule=lambda o: Twice(o, 0.999), steps=150), "2 times"),
    Bug("an optimiser of half the model", "not_in_optimizer", _not_in_optimizer, "2 parameters", "4"),
    Bug("eval mode", "eval_mode", lambda: Patient(Sleeps(*mlp(2, 16, 16, 3, norm=True, dropout=0.1)), split(*rings()), steps=100), "eval mode"),
    Bug("a label out of range in a later batch", "labels", _labels, "labels run from"[1:]),
    Bug("labels that count from 1", "labels", _labels_from_1, "Subtract 1"),
    Bug("pictures as bytes", "input_scale", _bytes, "0 to 255", "0"),
    Bug("features far from 0", "input_scale", lambda: Patient(mlp(2, 16, 3), split(1000 + 5 * rings()[0], rings()[1]), steps=100), "large", "0"),
    Bug("house prices as they are", "target_scale", lambda: Patient(mlp(1, 16, 1), split(wave()[0], 200 + 90 * wave()[1], loss=F.mse_loss), steps=100), "targets are large"),
    Bug("batch norm over one example", "batch_norm", lambda: Patient(_Convolves(), split(torch.randn(40, 1, 8, 8), torch.arange(40) % 3, 1), steps=20), "1 example", "1", ("batch_size",)),
    Bug("a last batch of one example", "batch_norm", lambda: Patient(mlp(2, 16, 3, norm=True), split(*rings(930), 50), steps=10), "last batch", "1", ("batch_size",)),
    Bug("outputs (N, 1), targets (N,)", "broadcast", lambda: Patient(mlp(1, 16, 1), split(wave()[0], wave()[1][:, 0], loss=F.mse_loss), steps=50), "each target"),
    Bug("validation examples that were trained on", "leak", _leak, "27 %"),
]  # fmt: skip


class _Forgetful(nn.Module):
    """A layer is made and not called."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.spare, self.last = nn.Linear(2, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Without the spare one."""
        return self.last(self.first(x).relu())


class _Functional(nn.Module):
    """Dead units behind a function that no hook sees."""

    def __init__(self) -> None:
        super().__init__()
        with dl.seeded(0):
            self.first, self.last = nn.Linear(2, 64), nn.Linear(64, 3)
        with torch.no_grad():
            self.first.bias[:44] = -4

    def forward(self, x: Tensor) -> Tensor:
        """Two layers."""
        return self.last(F.relu(self.first(x)))


class _Convolves(nn.Sequential):
    """A convolution with batch norm."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def run_of(patient: Patient, seed: int = 0) -> dl.Run:
    """The same training as a run, ready to step, whose probes look at every step."""
    optimizer = patient.optimizer([p for p in patient.model.parameters() if p.requires_grad])
    schedule = None if patient.schedule is None else patient.schedule(optimizer)
    loop = Loop(patient.model, patient.task, optimizer, scheduler=schedule, seed=seed, epochs=10**6, **patient.loop_arguments)
    run = dl.Run(loop)
    run.probes = loop.observer = Probes(patient.model, 1000.0)
    run.health = Health(run, run.probes, share=1000.0)
    return run
