"""What going back costs: snapshots, seeks, forks, and the memory of the timeline.

    python benchmarks/timeline.py [--minutes 1] [--seeks 50] [--rounds 20] [--steps 200000]

A perceptron of 1,000,000 parameters trains for some minutes; then 50 steps of it are gone to at random, and at each the
next 5 losses are compared with the first time, to the bit. Another takes turns with one that takes no snapshots. A small
one takes 200,000 steps under a tight budget.
"""

import argparse
import os
import random
import statistics
import sys
import threading
import time

import psutil
import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.state import restore


def main() -> None:
    """Measure, print, and leave with 1 if a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="how long the large network trains (1; the goal is set for 10)"
    )
    parser.add_argument("--seeks", type=int, default=50)
    parser.add_argument(
        "--rounds", type=int, default=20, help="turns of a run with and one without snapshots; 0 leaves it out"
    )
    parser.add_argument("--steps", type=int, default=200_000, help="of the small network; 0 leaves it out")
    parser.add_argument("--budget", type=int, default=256, help="kB of snapshots that the small network may keep (256)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    limits = Limits()
    if arguments.rounds:
        alternating(limits, arguments.rounds)
    large(limits, arguments.minutes, arguments.seeks)
    if arguments.steps:
        small(limits, arguments.steps, arguments.budget << 10)
    sys.exit(limits.passed)


class Limits:
    """Prints figures beside their limits."""

    def __init__(self) -> None:
        self.passed = False

    def check(self, what: str, value: float, limit: float, unit: str) -> None:
        """A figure that has a limit."""
        good = value <= limit
        self.passed |= not good
        print(f"{what:58}{value:12,.3f} {unit:3} limit {limit:10,.3f}  {'ok' if good else 'TOO MUCH'}", flush=True)

    def say(self, what: str, value: float, unit: str) -> None:
        """A figure that has none."""
        print(f"{what:58}{value:12,.3f} {unit}", flush=True)


class Sampler:
    """Looks at the memory of a run's timeline and of the process every 100 ms, from another thread."""

    def __init__(self, run: dl.Run) -> None:
        self.run, self.most, self.looks = run, 0, 0
        self.resident: list[tuple[int, int]] = []  # (step, bytes)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _loop(self) -> None:
        process = psutil.Process(os.getpid())
        while not self._over.wait(0.1):
            self.most = max(self.most, self.run.timeline.nbytes)
            self.looks += 1
            self.resident.append((self.run.steps, process.memory_info().rss))


def perceptron(*widths: int) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def fitted(model: nn.Module, inputs: int, classes: int, batch: int, memory: int | None = None) -> dl.Run:
    """A run with Adam on random data, not started; its plan does not end."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4096, inputs, generator=generator)
    y = torch.randint(classes, (4096,), generator=generator)
    task = dl.Task("benchmark", train=TensorBatches(x, y, size=batch, shuffle=True), loss=F.cross_entropy)
    return dl.fit(model, task, optimizer="adam", epochs=10**6, threads=1, start=False, memory=memory)


def large(limits: Limits, minutes: float, seeks: int) -> None:
    """The network of a million parameters."""
    torch.manual_seed(0)
    model = perceptron(64, 960, 960, 10)
    run = fitted(model, 64, 10, 64)
    print(
        f"MLP of {sum(p.numel() for p in model.parameters()):,} parameters, Adam, batch 64, one thread, PyTorch {torch.__version__}"
    )
    with Sampler(run) as sampler:
        run.start()
        while run.seconds < 60 * minutes:
            time.sleep(0.2)
        run.pause()
        limits.say("steps", run.steps, "")
        limits.say("a step", 1e3 * run.seconds / run.steps, "ms")
        limits.say("snapshots at the end, in memory and on disk", len(run.timeline.snapshots(run.line)), "")
        limits.check("share of the training time that snapshots took", 100 * run._trail.cost / run.seconds, 1.0, "%")
        snapshots(limits, run)
        forks(limits, run)
        go_to(limits, run, seeks)
    limits.check(
        f"most memory of the timeline, {sampler.looks} looks", sampler.most / 2**20, run.timeline.budget / 2**20, "MiB"
    )
    limits.say("on disk at the end", run.timeline.store.disk_bytes / 2**20, "MiB")
    run.stop()
    run.timeline.store.close()


def snapshots(limits: Limits, run: dl.Run) -> None:
    """One taken and one put back, on this thread as the run is paused."""
    taking, putting = [], []
    for _ in range(20):
        run.step(1)
        begin = time.perf_counter()
        run._trail.snapshot()
        taking.append(time.perf_counter() - begin)
        taken = run.timeline.at_or_before(run.line, run.steps)
        begin = time.perf_counter()
        restore(run._loop, taken)
        putting.append(time.perf_counter() - begin)
    limits.say("a snapshot, taken and kept (median of 20)", 1e3 * statistics.median(taking), "ms")
    limits.say("a snapshot, taken and kept, quickest", 1e3 * min(taking), "ms")
    limits.say("a snapshot, put back", 1e3 * statistics.median(putting), "ms")


def alternating(limits: Limits, rounds: int) -> None:
    """What snapshots cost in all, with what other threads do for them: two runs take turns, one takes none."""
    torch.manual_seed(0)
    runs = [fitted(perceptron(64, 960, 960, 10), 64, 10, 64) for _ in range(2)]
    runs[1].step(1)
    runs[1]._trail.snapshot_if_due = lambda: None
    runs[0].step(300), runs[1].step(300)
    wall, cpu, ratios = [0.0, 0.0], [0.0, 0.0], []
    for turn in range(rounds):
        times = [0.0, 0.0]
        for which in (0, 1) if turn % 2 else (1, 0):
            begin, own = time.perf_counter(), time.process_time()
            runs[which].step(300)
            times[which] = time.perf_counter() - begin
            time.sleep(0.05)  # what the disk is given last is written
            wall[which] += times[which]
            cpu[which] += time.process_time() - own
        ratios.append(times[0] / times[1])
    print(f"{rounds} turns of 300 steps with snapshots and without, 1,000,000 parameters")
    limits.say("longer with snapshots, median of the turns", 100 * (statistics.median(ratios) - 1), "%")
    limits.say("longer with snapshots, all turns together", 100 * (wall[0] / wall[1] - 1), "%")
    limits.say("more processor time with snapshots, all threads", 100 * (cpu[0] / cpu[1] - 1), "%")
    limits.check(
        "share of the training time that snapshots took", 100 * runs[0]._trail.cost / runs[0].seconds, 1.0, "%"
    )
    for run in runs:
        run.stop()
        run.timeline.store.close()


def forks(limits: Limits, run: dl.Run) -> None:
    """`run.fork()` of a run that is paused, as a reader waits for it."""
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        fork = run.fork()
        times.append(time.perf_counter() - begin)
        fork.stop()
    limits.check("a fork (median of 20)", 1e3 * statistics.median(times), 10.0, "ms")
    limits.say("a fork, quickest", 1e3 * min(times), "ms")
    limits.say("a fork, longest", 1e3 * max(times), "ms")


def go_to(limits: Limits, run: dl.Run, seeks: int) -> None:
    """Random steps, and five further ones that must give the losses of the first time."""
    first, end = run.history["loss"], run.steps
    chance = random.Random(0)
    times, others, made = [], 0, []
    for _ in range(seeks):
        step = chance.randrange(end - 5)
        before = max(taken for taken in run.timeline.snapshots(run.line) if taken <= step)
        begin = time.perf_counter()
        run.seek(step)
        times.append(time.perf_counter() - begin)
        made.append(step - before)
        run.step(5)
        others += run.history["loss"].tobytes() != first[: step + 5].tobytes()
    times.sort()
    limits.say(f"seek to one of {end:,} steps, median of {seeks}", statistics.median(times), "s")
    limits.say("steps that a seek makes again, median", statistics.median(made), "")
    limits.say("steps that a seek makes again, most", max(made), "")
    limits.check("seek, 95th percentile", times[int(0.95 * seeks)], 1.0, "s")
    limits.check("seek, longest", times[-1], 1.0, "s")
    limits.check("seeks after which a loss was another", others + (not run.exact), 0, "")


def small(limits: Limits, steps: int, budget: int) -> None:
    """The network of the playground, under a budget that holds a few dozen snapshots."""
    torch.manual_seed(0)
    run = fitted(perceptron(2, 8, 8, 2), 2, 2, 32, memory=budget)
    print(f"\nMLP 2-8-8-2, batch 32, {steps:,} steps, budget {budget >> 10} KiB")
    with Sampler(run) as sampler:
        run.step(steps)
    store, (_, early), (_, late) = (
        run.timeline.store,
        sampler.resident[len(sampler.resident) // 5],
        sampler.resident[-1],
    )
    limits.check(f"most memory of the timeline, {sampler.looks} looks", sampler.most / 2**10, budget / 2**10, "KiB")
    limits.say("snapshots at the end, in memory and on disk", len(run.timeline.snapshots(run.line)), "")
    limits.say("on disk at the end", store.disk_bytes / 2**10, "KiB")
    limits.check("share of the training time that snapshots took", 100 * run._trail.cost / run.seconds, 1.0, "%")
    history = run.history.nbytes / 2**20
    limits.check(
        "resident memory gained after the first fifth, history included", (late - early) / 2**20, history + 16, "MiB"
    )
    go_to(limits, run, 20)
    run.stop()
    store.close()


if __name__ == "__main__":
    main()
