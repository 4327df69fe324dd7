"""Many settings at once against one after another: 64 settings of a 2-8-8-1 network, batch 32.

    python benchmarks/sweep.py [--rounds 7] [--settings 64] [--steps 2000]

Four ways to train the same settings on the same batches with one thread, in one process, taking turns: a bare PyTorch
loop over the settings, dlnb's engine over the settings, the stack by itself, and the stack on the engine thread, as
`dl.sweep(..., vectorize=True)` trains it. The table gives medians over the rounds; the ratio is the time of the bare
loop over all settings divided by the time of the other way, in the same round. The loops over settings are timed on
some of the settings and multiplied up. Choosing and stacking the settings is timed apart: it is done once.
"""

import argparse
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.sweeps.sweep_together import SweepTogether
from dlnb.train.sweeps.together import Together

BATCH = 32
ALONE = 4  # settings on which one after another is timed


def points() -> dl.Task:
    """Points in the plane; the class says whether both coordinates have the same sign."""
    x = torch.randn(640, 2, generator=torch.Generator().manual_seed(1))
    y = (x[:, :1] * x[:, 1:] > 0).float()
    return dl.Task("points", TensorBatches(x, y, size=BATCH, shuffle=True), loss=F.binary_cross_entropy_with_logits)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))


def bare(task: dl.Task, lr: float, steps: int, optimizer: str) -> float:
    """Seconds that a bare loop takes for one setting."""
    torch.manual_seed(0)
    model = network()
    kind = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[optimizer]
    update = kind(model.parameters(), lr=lr)
    losses, per_epoch = [], len(task.train)
    begin = time.perf_counter()
    for step in range(steps):
        x, y = task.train.batch(0, *divmod(step, per_epoch))
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        update.zero_grad()
        loss.backward()
        update.step()
        losses.append(loss.item())
    return time.perf_counter() - begin


def fitted(task: dl.Task, lr: float, steps: int, optimizer: str) -> float:
    """Seconds that a run takes for one setting."""
    torch.manual_seed(0)
    run = dl.fit(network(), task, optimizer=optimizer, lr=lr, epochs=-(-steps // len(task.train)), threads=1)
    begin = time.perf_counter()
    run.wait()
    return (time.perf_counter() - begin) * steps / run.steps


def stacked(task: dl.Task, settings: int, steps: int, optimizer: str) -> float:
    """Seconds of the stack by itself, without a thread and without anybody who looks on."""
    loops = []
    for number in range(settings):
        torch.manual_seed(0)
        run = dl.fit(
            network(), task, optimizer=optimizer, lr=rate(number, settings), epochs=10**6, threads=1, start=False
        )
        loops.append(run._loop)
    together = Together(loops)
    with torch.no_grad():
        begin = time.perf_counter()
        for _ in range(steps):
            together.advance()
        return time.perf_counter() - begin


def swept(task: dl.Task, settings: int, steps: int, optimizer: str) -> tuple[float, float]:
    """Seconds of training in a sweep, and from the call to its end."""
    epochs = -(-steps // len(task.train))
    begin = time.perf_counter()
    sweep = dl.sweep(
        lambda lr: dl.fit(network(), task, optimizer=optimizer, lr=lr, epochs=epochs, threads=1, start=False),
        {"lr": (1e-3, 1.0, "log")},
        trials=settings,
        goal=("loss", "minimize"),
        vectorize=True,
    )
    assert isinstance(sweep, SweepTogether)
    sweep.wait()
    assert sweep.together is not None
    share = steps / sweep.together.steps
    return sweep.together.seconds * share, (time.perf_counter() - begin)


def rate(number: int, settings: int) -> float:
    return 1e-3 * 1000 ** (number / settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--settings", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    task, settings, steps = points(), arguments.settings, arguments.steps
    print(
        f"{settings} settings of a 2-8-8-1 network, batch {BATCH}, {steps} steps each, one thread, {arguments.rounds} rounds"
    )
    for optimizer in ("sgd", "adamw"):
        rows: dict[str, list[float]] = {}
        ratios: dict[str, list[float]] = {}
        whole = []
        for round_number in range(arguments.rounds + 1):
            each = [rate(number * settings // ALONE, settings) for number in range(ALONE)]
            seconds = {
                "bare loop, one after another": sum(bare(task, lr, steps // ALONE, optimizer) for lr in each) * settings
            }
            seconds["dl.fit, one after another"] = (
                sum(fitted(task, lr, steps // ALONE, optimizer) for lr in each) * settings
            )
            seconds["the stack by itself"] = stacked(task, settings, steps, optimizer)
            seconds["dl.sweep(vectorize=True)"], total = swept(task, settings, steps, optimizer)
            if round_number == 0:
                continue  # to warm up
            whole.append(total)
            for name, value in seconds.items():
                rows.setdefault(name, []).append(value / steps)
                ratios.setdefault(name, []).append(seconds["bare loop, one after another"] / value)
        print(f"\n{optimizer:32}{'ms a step of all':>18}{'times as fast':>15}{'quartiles':>16}")
        for name, values in rows.items():
            low, _, high = statistics.quantiles(ratios[name], n=4)
            print(
                f"{name:32}{1e3 * statistics.median(values):18.3f}{statistics.median(ratios[name]):15.1f}{low:9.1f}–{high:.1f}"
            )
        print(f"from the call of dl.sweep to its end: {statistics.median(whole):.2f} s")


if __name__ == "__main__":
    main()
