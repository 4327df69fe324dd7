"""How well the digits are told apart, on five splits, beside what it must beat.

    python benchmarks/digits.py

Learning rate, epochs, network and variation of the pictures were chosen on the splits 100 to 105; the
splits 0 to 4 are only reported here. Each split has a network with other first weights.
"""

import argparse
import statistics

import torch

import dlnb as dl

SPLITS = range(5)
RECIPE = {"lr": 6e-3, "epochs": 40, "schedule": "cosine"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="LeNet on the digits, on five splits, beside its baselines.")
    parser.add_argument("--threads", type=int, default=1, help="PyTorch's threads (1)")
    threads = parser.parse_args().threads
    print(f"LeNet on digits, {RECIPE}, {threads} thread(s), PyTorch {torch.__version__}")
    print("test accuracy in %; wrong: of 360\n")
    print("| split | LeNet | wrong | 3-nearest neighbours | logistic regression | seconds |")
    print("|---|---|---|---|---|---|")
    accuracies, margins, seconds = [], [], []
    for seed in SPLITS:
        task = dl.vision.digits(seed=seed)
        with dl.seeded(seed):
            model = dl.vision.LeNet()
        run = dl.fit(model, task, **RECIPE, seed=seed, threads=threads, block=True)
        found = run.evaluate("test")["accuracy"]
        baselines = {name: value["accuracy"] for name, value in task.measure_baselines().items()}
        neighbours, logistic = baselines["3-nearest neighbours"], baselines["logistic regression"]
        accuracies.append(found)
        margins.append(found - max(neighbours, logistic))
        seconds.append(run.seconds)
        print(
            f"| {seed} | {found:.2%} | {round((1 - found) * 360)} | {neighbours:.2%} | {logistic:.2%} | {run.seconds:.1f} |",
            flush=True,
        )
    print(
        f"\nworst {min(accuracies):.2%}, median {statistics.median(accuracies):.2%}, "
        f"smallest lead over the better baseline {100 * min(margins):+.2f} points, longest {max(seconds):.1f} s"
    )


if __name__ == "__main__":
    main()
