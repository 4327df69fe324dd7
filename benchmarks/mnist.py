"""How well MNIST's 10,000 test pictures are told apart: 8,000 to learn from and to validate, 2,000 to test.

    DLNB_DATA=folder python benchmarks/mnist.py      (without DLNB_DATA the files are fetched, 1.7 MB)

The recipe was chosen on split 100; the splits here are only reported.
"""

import argparse

import torch

import dlnb as dl

RECIPE = {"lr": 5e-3, "epochs": 6, "schedule": "cosine"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="LeNet on 10,000 pictures of MNIST, beside its baselines.")
    parser.add_argument("--threads", type=int, default=1, help="PyTorch's threads (1)")
    parser.add_argument("--splits", type=int, default=2, help="how many splits, from 0 (2)")
    arguments = parser.parse_args()
    print(f"LeNet on MNIST's 10,000, {RECIPE}, {arguments.threads} thread(s), PyTorch {torch.__version__}")
    print("test accuracy in %\n")
    print("| split | LeNet | 3-nearest neighbours | logistic regression | seconds |")
    print("|---|---|---|---|---|")
    for seed in range(arguments.splits):
        task = dl.vision.mnist(seed=seed)
        with dl.seeded(seed):
            model = dl.vision.LeNet(size=28, width=16)
        run = dl.fit(model, task, **RECIPE, seed=seed, threads=arguments.threads, block=True)
        found = run.evaluate("test")["accuracy"]
        baselines = {name: value["accuracy"] for name, value in task.measure_baselines().items()}
        print(
            f"| {seed} | {found:.2%} | {baselines['3-nearest neighbours']:.2%} "
            f"| {baselines['logistic regression']:.2%} | {run.seconds:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
