"""How soon a run does as it is told: pause, set and step from another thread, on LeNet and on a small MLP.

    python benchmarks/controls.py [--times 200]

Each must take effect within one step and 5 ms. What is measured is what a caller waits: `run.pause()` returns when the
run has paused.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable

import torch
from overhead_jobs import Job

import dlnb as dl
from dlnb.data.batches import TensorBatches

MORE = 0.005  # seconds that a command may take beyond a step


def main() -> None:
    """Measure, print, and leave with 1 if more than 5 of 100 took too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200, help="how often each command is given (200)")
    times = parser.parse_args().times
    late = [measure(name, times) for name in ("lenet", "mlp")]
    sys.exit(max(late) > 0.05)


def measure(name: str, times: int) -> float:
    """The table of one job; the largest share of commands that took longer than a step and 5 ms."""
    job = Job(name)
    model, optimizer = job.parts()
    data = TensorBatches(job.x, job.y, size=job.size, shuffle=True)
    task = dl.Task("benchmark", train=data, loss=job.loss)
    run = dl.fit(model, task, optimizer=optimizer, epochs=10**6, threads=1)
    time.sleep(1)
    alone = 1 / run.rate
    print(f"\n{job.what}: a step takes {1e3 * alone:.2f} ms, PyTorch {torch.__version__}")
    print(f"{'':10}{'median':>10}{'p95':>10}{'longest':>10}   within a step and 5 ms")
    chance = random.Random(0)
    worst = 0.0
    commands: dict[str, tuple[Callable[[], object], bool]] = {
        "pause": (run.pause, True),
        "set": (lambda: run.set(lr=job.lr * chance.uniform(0.5, 1)), True),
        "step": (run.step, False),
    }
    for command, (give, running) in commands.items():
        waits = []
        for _ in range(times):
            (run.resume if running else run.pause)()
            time.sleep(chance.uniform(0.01, 0.05))
            begin = time.perf_counter()
            give()
            waits.append(time.perf_counter() - begin)
        waits.sort()
        late = sum(wait > alone + MORE for wait in waits) / times
        worst = max(worst, late)
        median, p95 = statistics.median(waits), waits[int(0.95 * times)]
        print(f"{command:10}{1e3 * median:7.2f} ms{1e3 * p95:7.2f} ms{1e3 * waits[-1]:7.2f} ms   {1 - late:.1%}", flush=True)
    run.stop()
    return worst


if __name__ == "__main__":
    main()
