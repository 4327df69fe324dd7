"""Tasks that draw pictures: handwritten digits out of noise, and out of a few numbers."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ...data.batches import TensorBatches
from ...data.digits import CREDIT, DIGITS
from ...task import Task, remembered
from ..digits import NoisedBatches, parts_of_digits
from ..models import VAE, AutoEncoder, Denoiser
from ..paths import Path
from ..previews import Drawn, Imagined, Rebuilt
from ..quality import told_apart
from ..recogniser import recognised
from ..sampling import make

EVALUATED_AT_ONCE = 500
STEPS = 10  # of the pictures that the metric of diffusion looks at
SHOWN = 16

Part = tuple[Tensor, Tensor]


@remembered
def digits_diffusion(path: str = "round", seed: int = 0, batch_size: int = 128) -> Task:
    """To draw a digit that is asked for, out of noise: the 1,797 digits that scikit-learn carries, 8×8; nothing to download.

    path: "round", which is diffusion, or "straight", which is flow matching (`dlnb.generate.paths`). seed: of the split.
    Its loss is that of the velocity. "recognised" is the share of ten-step drawings that a network, which learned from real
    digits alone, takes for what was asked for; "told apart" how well drawn digits are told from as many real ones by the nearest
    other one, 0.5 at best. Neither is enough: the mean of each digit is recognised always, and told apart nearly always.

    Raises: ValueError for another path.
    """
    way = Path(path)
    train, valid, test = parts_of_digits(seed)

    def predict(model: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> tuple[Tensor, ...]:
        return make(model, inputs[2], steps=STEPS), *inputs  # type: ignore[arg-type]

    def apart(drawn: tuple[Tensor, ...], velocity: Tensor) -> float:
        real = way.ends(drawn[1], velocity, drawn[2])[0]  # without their noise, the real ones of the same split
        return told_apart((real + 1) / 2, drawn[0])

    def measured(pictures: Tensor) -> dict[str, float]:
        return {"recognised": recognised(pictures, test[1], seed), "told apart": told_apart(test[0], pictures)}

    def batches(part: Part, size: int, learn: bool = False) -> NoisedBatches:
        return NoisedBatches(*part, classes=len(DIGITS), path=way, size=size, learn=learn)

    return Task(
        name=f"digits by {'diffusion' if path == 'round' else 'flow matching'}",
        train=batches(train, batch_size, learn=True),
        valid=batches(valid, EVALUATED_AT_ONCE),
        test=batches(test, EVALUATED_AT_ONCE),
        loss=nn.functional.mse_loss,
        metrics={"recognised": lambda drawn, _: recognised(drawn[0], drawn[3], seed), "told apart": apart},
        predict=predict,
        classes=DIGITS,
        baselines={
            "noise like each digit": lambda: measured(_noise_like(train, test[1])),
            "the mean of each digit": lambda: measured(_means(train)[test[1]]),
            "real digits of the same kinds": lambda: measured(_real(train, test[1])),
        },
        preview=Drawn(DIGITS),
        credit=CREDIT,
        models={"Denoiser": lambda: Denoiser(len(DIGITS), path=path)},
    )


@remembered
def digits_autoencoder(numbers: int = 8, seed: int = 0, batch_size: int = 64) -> Task:
    """To turn a digit of 64 pixels to a few numbers and back again; beside it, how well principal components do that.

    numbers: how many, 1 to 63. seed: of the split.
    """
    return _autoencoding(
        "digits through a bottleneck", seed, batch_size,
        loss=nn.functional.mse_loss,
        metrics={"squared error": squared_error},
        baselines=lambda train, test: {
            "the mean picture": lambda: {"squared error": squared_error(train.mean(0).expand_as(test), test)},
            f"{numbers} principal components": lambda: {"squared error": squared_error(principal(train, test, numbers), test)},
        },
        models={"AutoEncoder": lambda: AutoEncoder(numbers)},
    )  # fmt: skip


@remembered
def digits_vae(numbers: int = 8, beta: float = 1.0, seed: int = 0, batch_size: int = 64) -> Task:
    """To draw digits out of a few numbers that are normally distributed: a variational autoencoder.

    numbers: how many, 1 to 63. beta: how much it counts that they are (Higgins et al. 2017, β-VAE); at 0 it is an autoencoder.
    Its loss is an upper bound of minus the logarithm of the pictures' likelihood, in nats a picture, at beta 1.

    Raises: ValueError if beta is negative.
    """
    if not 0 <= beta < float("inf"):
        raise ValueError(f"beta must be a finite number, 0 or more; got {beta!r}")
    return _autoencoding(
        "digits out of a few numbers", seed, batch_size,
        loss=functools.partial(bound, beta=beta),
        metrics={
            "squared error": lambda said, true: squared_error(said[0].sigmoid(), true),
            "nats in the numbers": lambda said, true: divergence(said[1], said[2]).item(),
        },
        baselines=lambda train, test: {
            "the mean picture": lambda: {"squared error": squared_error(train.mean(0).expand_as(test), test)},
        },
        models={"VAE": lambda: VAE(numbers)},
        imagines=True,
    )  # fmt: skip


def bound(said: tuple[Tensor, Tensor, Tensor], pictures: Tensor, beta: float = 1.0) -> Tensor:
    """What a VAE minimises: the bits that the pixels take once the numbers are known, and those that the numbers take; in nats.

    said: logits (B, 1, H, W), and mean and log-variance (B, numbers). Source: Kingma & Welling 2014, arXiv:1312.6114.
    """
    logits, mean, log_variance = said
    pixels = nn.functional.binary_cross_entropy_with_logits(logits, pictures, reduction="sum") / len(pictures)
    return pixels + beta * divergence(mean, log_variance)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """How far normal distributions (B, numbers) are from that of mean 0 and variance 1: Kullback and Leibler's, mean over B."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()


def squared_error(said: Tensor, true: Tensor) -> float:
    """The mean over all pixels."""
    return nn.functional.mse_loss(said, true).item()


def principal(train: Tensor, test: Tensor, numbers: int) -> Tensor:
    """Pictures rebuilt from their first principal components, which were found in others. (N, …), (M, …) → (M, …)."""
    mean = train.flatten(1).mean(0)
    directions = torch.linalg.svd(train.flatten(1) - mean, full_matrices=False).Vh[:numbers]  # (numbers, pixels)
    return ((test.flatten(1) - mean) @ directions.T @ directions + mean).view_as(test)


def _autoencoding(
    name: str, seed: int, batch_size: int, loss: Callable[..., Tensor], metrics: dict[str, Callable[..., float]],
    baselines: Callable[[Tensor, Tensor], dict[str, Callable[[], dict[str, float]]]], models: dict[str, Callable[[], nn.Module]],
    imagines: bool = False,
) -> Task:  # fmt: skip
    """A task whose target is its input."""
    (train, _), (valid, labels), (test, _) = parts_of_digits(seed)
    return Task(
        name=name,
        train=TensorBatches(train, train, size=batch_size, shuffle=True),
        valid=TensorBatches(valid, valid, size=EVALUATED_AT_ONCE),
        test=TensorBatches(test, test, size=EVALUATED_AT_ONCE),
        loss=loss,
        metrics=metrics,
        baselines=baselines(train, test),
        preview=Imagined() if imagines else Rebuilt(valid[:SHOWN], [DIGITS[label] for label in labels[:SHOWN].tolist()]),
        credit=CREDIT,
        models=models,
    )


def _real(train: Part, labels: Tensor) -> Tensor:
    """For each label a real picture of that class that was learned from, another one each time."""
    chosen = torch.empty_like(labels)
    for label in range(len(DIGITS)):
        wanted = labels == label
        chosen[wanted] = (train[1] == label).nonzero()[: int(wanted.sum()), 0]
    return train[0][chosen]


def _means(train: Part) -> Tensor:
    """The mean picture of each class, (classes, 1, 8, 8)."""
    return torch.stack([train[0][train[1] == label].mean(0) for label in range(len(DIGITS))])


def _noise_like(train: Part, labels: Tensor) -> Tensor:
    """For each label pixels that are drawn one by one, each with the mean and spread it has in that class."""
    spread = torch.stack([train[0][train[1] == label].std(0) for label in range(len(DIGITS))])
    drawn = torch.randn(len(labels), 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return (_means(train)[labels] + spread[labels] * drawn).clamp(0, 1)
