"""The engine of the playground: epochs a second with everything that is drawn, many seeds, large networks.

    python benchmarks/playground.py [--rounds 7] [--seconds 1]

The ways take turns in one process and with one thread; the table gives medians over the rounds, and the best. "With pictures"
takes turns of 20 ms as the engine thread does and makes every picture of the browser 20 times a second: all neurons, the
output, the weights. The default network is 2-4-2-1 on 250 points in batches of 10, so an epoch is 25 steps.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.widgets.playground.maps import maps
from dlnb.widgets.playground.points import Recipe, made
from dlnb.widgets.playground.seeds import Seeds
from dlnb.widgets.playground.spec import INPUTS, Layer, Plan, Spec
from dlnb.widgets.playground.training import Trainer

SLICE, FRAME = 0.02, 0.05  # seconds
LARGE = Spec(tuple(INPUTS), (Layer(8),) * 6)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each way in each round")
    options = parser.parse_args()
    torch.set_num_threads(1)
    ways: dict[str, Callable[[float], float]] = {
        "default, a bare PyTorch loop": bare,
        "default, dlnb's Run": with_run,
        "default, the playground": lambda seconds: learning(Spec(), Plan(), seconds),
        "default, with pictures": lambda seconds: drawn(Spec(), Plan(), seconds),
        "default with Adam, with pictures": lambda seconds: drawn(Spec(), Plan("Adam"), seconds),
        "7-8×6-1, with pictures": lambda seconds: drawn(LARGE, Plan(), seconds),
        "64 seeds of the default": lambda seconds: many(Plan(), seconds),
        "64 seeds, uncertainty 5 a second": lambda seconds: many(Plan(), seconds, FRAME * 4),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            found[name].append(way(options.seconds))
    print("| way | steps a second | best | epochs a second |\n|---|---:|---:|---:|")
    for name, rates in found.items():
        middle = statistics.median(rates)
        print(f"| {name} | {middle:,.0f} | {max(rates):,.0f} | {middle / 25:,.0f} |")
    for name, spec in (("default", Spec()), ("7-8×6-1", LARGE)):
        trainer = Trainer(spec)
        costs = [timed(lambda trainer=trainer: maps(trainer.network, trainer.points)) for _ in range(50)]
        print(f"All pictures of the {name} network: {statistics.median(costs) * 1e3:.1f} ms")


def bare(seconds: float) -> float:
    """The loop that a learner writes, without any measuring."""
    points = made(Recipe())
    x, y = points.x[points.trains], points.target[points.trains]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03)
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() < begin + seconds:
        for batch in torch.randperm(len(x)).split(10):
            loss = F.binary_cross_entropy_with_logits(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
    return steps / (time.perf_counter() - begin)


def with_run(seconds: float) -> float:
    points = made(Recipe())
    parts = [(points.x[part], points.target[part]) for part in (points.trains, ~points.trains)]
    task = dl.Task(
        "circle",
        TensorBatches(*parts[0], size=10, shuffle=True),
        TensorBatches(*parts[1], size=250),
        loss=F.binary_cross_entropy_with_logits,
    )
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1))
    epochs = max(1, round(40 * seconds))
    begin = time.perf_counter()
    run = dl.fit(model, task, optimizer="sgd", lr=0.03, epochs=epochs, seed=0, block=True, threads=1)
    return run.steps / (time.perf_counter() - begin)


def learning(spec: Spec, plan: Plan, seconds: float) -> float:
    trainer = Trainer(spec, plan)
    begin = time.perf_counter()
    trainer.train(epochs=10**9, seconds=seconds)
    return trainer.steps / (time.perf_counter() - begin)


def drawn(spec: Spec, plan: Plan, seconds: float) -> float:
    trainer = Trainer(spec, plan)
    begin = time.perf_counter()
    due = begin
    while time.perf_counter() < begin + seconds:
        trainer.train(epochs=10**9, seconds=SLICE)
        if time.perf_counter() >= due:
            maps(trainer.network, trainer.points)
            torch.cat([parameter.detach().flatten() for parameter in trainer.parameters]).numpy()
            due = time.perf_counter() + FRAME
    return trainer.steps / (time.perf_counter() - begin)


def many(plan: Plan, seconds: float, every: float = float("inf")) -> float:
    seeds = Seeds(Spec(), plan, made(Recipe()), 64)
    begin = time.perf_counter()
    due = begin + every
    while time.perf_counter() < begin + seconds:
        seeds.train(10)
        if time.perf_counter() > due:
            seeds.uncertainty()
            due = time.perf_counter() + every
    return seeds.steps / (time.perf_counter() - begin)


def timed(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
