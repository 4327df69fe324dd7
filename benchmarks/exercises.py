"""How long a check takes to answer: with the reference, with nothing, and with a wrong answer.

At most 0.2 s, or 5 s where it trains something. The first check in a kernel also loads what it needs, and is told apart.
"""

import os
import statistics
import sys
import tempfile
import time

import torch

import dlnb as dl
from dlnb.exercises.desk import every, exercise

AT_ONCE, TRAINED = 0.2, 5.0  # seconds
TRAINS = {"10.4"}
WRONG = {"10.1": torch.eye(3), "10.2": dl.vision.LeNet(), "10.3": torch.arange(1797) // 2, "10.4": lambda model, optimizer, x, y: model(x)}


def seconds(number, answer, times=7):
    """How long each of some checks takes."""
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        dl.check(number, answer)
        took.append(time.perf_counter() - begin)
    return took


def main() -> int:
    """Print a table; the exit status says whether every check is as quick as it must be."""
    slow = []
    print(f"{'exercise':10}{'first':>10}{'right':>10}{'slowest':>10}{'wrong':>10}{'nothing':>10}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLNB_HOME"] = home
        for one in every():
            right = exercise(one.number).given()
            first, *took = seconds(one.number, right)
            others = [statistics.median(seconds(one.number, answer)) for answer in (WRONG[one.number], None)]
            columns = [first, statistics.median(took), max(took), *others]
            print(f"{one.number:10}" + "".join(f"{1000 * each:7.0f} ms" for each in columns))
            if max(took) > (TRAINED if one.number in TRAINS else AT_ONCE):
                slow.append(one.number)
    print(f"too slow: {', '.join(slow)}" if slow else f"all within {1000 * AT_ONCE:.0f} ms, or {TRAINED:.0f} s where it trains")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
