"""Rows of the zoo's table: models that make pictures and films."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

import dlnb as dl
from dlnb.generate.digits import parts_of_digits
from dlnb.generate.recogniser import recognised

from .row import Measured, Row, learned, trained

GUIDANCE = 1.5
DRAWN = 1000  # digits, a hundred of each


def rows() -> list[Row]:
    """In the order of the table."""
    drawing: dict[str, Any] = {"lr": 2e-3, "epochs": 150, "schedule": "cosine", "validate_every": 500}
    least, most = {"recognised": 0.95, "told apart": 0.45}, {"told apart": 0.65, "lost by 10 steps": 0.02, "seconds for 64": 1.0}
    return [
        Row(f"digits by {kind}", f"Denoiser, {path} path, 100 steps, guidance {GUIDANCE:g}, {_said(drawing)}", _drawn(path, drawing), least, most, 60)
        for path, kind in (("round", "diffusion"), ("straight", "flow matching"))
    ] + [
        _played("eight heaps, mended loss", "mended", 1e-3, 35, least={"heaps": 8}),
        _played("eight heaps, mended loss, a quick critic", "mended", 1e-2, 30, least={"heaps": 8}),
        _played("eight heaps, naive loss, a quick critic: it collapses", "naive", 1e-2, 30, most={"heaps": 4}),
        replace(
            learned("films, 8 frames ahead", lambda seed: dl.generate.films(clips=1600, width=32), "Filmer", {}, 120, said="width 32, 1,600 clips", muon=0.04, others=6e-3, epochs=5),
            most={"of the better guess": 0.5},
        ),
    ]  # fmt: skip


def _said(recipe: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in recipe.items() if key != "validate_every")


def _drawn(path: str, recipe: dict[str, Any]) -> Callable[[int, int], Measured]:
    """Learn to draw; then look at what is drawn in 100 steps and in 10, beside the test split's digits."""

    def measure(seed: int, threads: int) -> Measured:
        task = dl.generate.digits_diffusion(path)
        with dl.seeded(seed):
            model = task.models["Denoiser"]()
        found = trained(model, task, seed, threads, **recipe)
        model.eval()
        real, of_real = parts_of_digits(0)[2]
        wanted = torch.arange(DRAWN) % len(task.classes)

        def draw(labels: torch.Tensor, steps: int) -> torch.Tensor:
            return dl.generate.make(model, labels, steps=steps, guidance=GUIDANCE, seed=seed)

        many, few = (recognised(draw(wanted, steps), wanted) for steps in (100, 10))
        begin = time.perf_counter()
        draw(wanted[:64], 10)
        seconds = time.perf_counter() - begin
        apart = dl.generate.told_apart(real, draw(of_real, 100))
        return replace(found, values={"recognised": many, "told apart": apart, "lost by 10 steps": many - few, "seconds for 64": seconds})

    return measure


def _played(name: str, loss: str, lr_critic: float, epochs: int, **limits: dict[str, float]) -> Row:
    """Two players with an optimiser each, of which the generator's has the learning rate 0.001."""

    def measure(seed: int, threads: int) -> Measured:
        task = dl.generate.eight_points(loss)
        with dl.seeded(seed):
            model = task.models["GAN"]()
        both = dl.generate.Both.of(model, lr=1e-3, lr_second=lr_critic)
        return trained(model, task, seed, threads, optimizer=both, epochs=epochs, schedule="cosine", validate_every=1000)

    return Row(name, f"GAN, Both 0.001 and {lr_critic:g}, epochs {epochs}, schedule cosine", measure, seconds=30, **limits)
