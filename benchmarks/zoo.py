"""What the zoo's models learn from random weights, and how long it takes.

    python benchmarks/zoo.py [--only digits,mnist] [--seeds 3] [--threads 2]

Each row is one recipe for all seeds; a seed draws the first weights and the order of the data (for the digits and the faces
also the split). Time is that of training alone, by the clock, validation included. "Loader" is the share of that time in which
batches were made.
DLNB_DATA is the folder with the real sets; without it they are fetched.
"""

import argparse
import copy
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

import dlnb as dl
from dlnb.text.models.bert import BERT, BERTClassifier

MOST_SHARE = 0.10  # of the training time that making batches may take


@dataclass(frozen=True)
class Measured:
    """One training: metrics on the test split, seconds of training, and the share of them in which batches were made."""

    values: dict[str, float]
    seconds: float
    loader: float


@dataclass(frozen=True)
class Row:
    """A line of the table. asked: the least of each metric; seconds: of training at the most; seeds: where more than usual."""

    name: str
    measure: Callable[[int, int], Measured]
    asked: dict[str, float]
    seconds: float
    seeds: int = 0


def trained(model: nn.Module, task: dl.Task, seed: int, threads: int, **recipe: Any) -> Measured:
    """Train and measure."""
    task = copy.copy(task)
    task.train = Timed(task.train)
    run = dl.fit(model, task, seed=seed, threads=threads, start=False, **recipe)
    begin = time.perf_counter()
    run.start()
    run.wait()
    seconds = time.perf_counter() - begin
    return Measured(run.evaluate("test"), seconds, task.train.seconds / seconds)


class Timed:
    """Batches, and how long they took to make."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, seed: int, epoch: int, position: int) -> Any:
        """See `Batches.batch`."""
        begin = time.perf_counter()
        made = self._batches.batch(seed, epoch, position)
        self.seconds += time.perf_counter() - begin
        return made


def by_task(make: Callable[[int], dl.Task], model: str | Callable[[dl.Task], nn.Module], **recipe: Any) -> Callable[[int, int], Measured]:
    """A measurement of a model on a task. make: of the seed; model: its name in the task, or what makes it."""

    def measure(seed: int, threads: int) -> Measured:
        task = make(seed)
        with dl.seeded(seed):
            made = task.models[model]() if isinstance(model, str) else model(task)
        return trained(made, task, seed, threads, **recipe)

    return measure


def pretrained_reviews(seed: int, threads: int) -> Measured:
    """A BERT that has filled in hidden words, beside one that has not, both fine-tuned on 100 labels."""
    masked, labelled = dl.text.masked_reviews(), dl.text.reviews(100, seed=seed)
    found, seconds = {}, 0.0
    for name in ("scratch", "pretrained"):
        with dl.seeded(seed):
            bert = masked.models["BERT"]()
            assert isinstance(bert, BERT)
        if name == "pretrained":
            seconds += trained(bert, masked, seed, threads, lr=3e-3, epochs=6, schedule="cosine", clip=1.0).seconds
        with dl.seeded(seed):
            classifier = BERTClassifier(bert, 2)
        one = trained(classifier, labelled, seed, threads, lr=1e-3, epochs=15, schedule="cosine")
        found[name], seconds = one.values["accuracy"], seconds + one.seconds
    return Measured({"points gained": 100 * (found["pretrained"] - found["scratch"]), **found}, seconds, 0.0)


def rows() -> list[Row]:
    """All rows, in the order of the table."""
    vision, text = dl.vision, dl.text
    cosine: dict[str, Any] = {"schedule": "cosine"}
    return [
        Row("digits, five splits", by_task(lambda seed: vision.digits(seed=seed), "LeNet", lr=5e-3, epochs=30, **cosine), {"accuracy": 0.985}, 10, seeds=5),
        Row("MNIST's 10,000", by_task(lambda seed: vision.mnist(), "LeNet", lr=3e-3, epochs=4, **cosine), {"accuracy": 0.985}, 60),
        Row("scenes, detection", by_task(lambda seed: vision.scenes_detection(), "Detector", lr=3e-3, epochs=10, **cosine), {"AP50": 0.9, "AP": 0.6}, 60),
        Row("scenes, segmentation", by_task(lambda seed: vision.scenes_segmentation(), "UNet", lr=4e-3, epochs=10, **cosine), {"mean IoU": 0.85}, 60),
        Row("Penn-Fudan, detection", by_task(lambda seed: vision.penn_fudan_detection(), "Detector", lr=2e-3, epochs=75, **cosine), {"AP50": 0.55}, 180),
        Row("Penn-Fudan, segmentation", by_task(lambda seed: vision.penn_fudan_segmentation(), "UNet", lr=4e-3, epochs=120, **cosine), {"IoU person": 0.7}, 180),
        Row("ORL faces, ten people never seen", by_task(lambda seed: vision.orl_faces(seed=seed), "FaceNet", lr=2e-3, epochs=16, **cosine), {"area under ROC": 0.98}, 60, seeds=5),
        Row("SST-2", by_task(lambda seed: text.sst2(), "TextCNN", lr=1e-3, epochs=5, **cosine), {"accuracy": 0.8}, 120),
        Row("reviews, 100 labels, BERT", pretrained_reviews, {"points gained": 10}, 60),
        Row("English to French, grammar", by_task(lambda seed: text.translation(), "Translator", lr=2e-3, epochs=5, clip=1.0, **cosine), {"exactly right": 0.95}, 60),
        Row("Multi30k, English to German", by_task(lambda seed: text.multi30k(batch_size=64), "Translator", lr=2e-3, epochs=4, clip=1.0, **cosine), {"BLEU": 15}, 180),
    ]  # fmt: skip


def line(row: Row, found: list[Measured], megabytes: float) -> str:
    """A line of the table: of each metric the worst and the median over the seeds."""
    asked, measured, reached = [], [], []
    for name, least in row.asked.items():
        values = [one.values[name] for one in found]
        worst = min(values)
        asked.append(f"{name} ≥ {least:g}")
        measured.append(f"{worst:.3g}, {statistics.median(values):.3g}")
        reached.append(worst >= least)
    seconds = max(one.seconds for one in found)
    loader = max(one.loader for one in found)
    in_time = seconds <= row.seconds and loader <= MOST_SHARE
    return (
        f"| {row.name} | {'; '.join(asked)} | {'; '.join(measured)} | {row.seconds:g} s | {seconds:.0f} s | {loader:.1%} | {megabytes:.0f} MB | "
        f"{'yes' if all(reached) and in_time else 'no'} |"
    )


HEAD = """\
| task | asked | measured: worst, median | time asked | longest | loader | memory | reached |
|---|---|---|---:|---:|---:|---:|---|
"""


def measure(name: str, seeds: int, threads: int) -> None:
    """Measure one row in this process, and print it."""
    row = next(row for row in rows() if row.name == name)
    found = []
    for seed in range(max(seeds, row.seeds) if seeds > 1 else seeds):
        found.append(row.measure(seed, threads))
        one = found[-1]
        values = {key: round(value, 4) for key, value in one.values.items()}
        print(f"  {row.name}, seed {seed}: {values}, {one.seconds:.1f} s, loader {one.loader:.1%}", file=sys.stderr, flush=True)
    print(line(row, found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    """Each row in a process of its own, so that its memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="parts of the names of rows, with commas")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row:
        torch.set_num_threads(arguments.threads)
        measure(arguments.row, arguments.seeds, arguments.threads)
        return
    parts = [part.strip().lower() for part in arguments.only.split(",") if part.strip()]
    chosen = [row for row in rows() if not parts or any(part in row.name.lower() for part in parts)]
    print(HEAD, end="", flush=True)
    for row in chosen:
        command = [sys.executable, __file__, "--row", row.name, "--seeds", str(arguments.seeds), "--threads", str(arguments.threads)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, end="", flush=True)


if __name__ == "__main__":
    main()
