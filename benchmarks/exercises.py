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
WRONG = {"10.1": torch.eye(3), "10.2": dl.vision.LeNet(), "10.3": torch.arange(1797) // 2, "10.4": lambda model, optimizer, x, y: model(x)}
WRONG |= {"00.1": 10.0, "00.2": 1.0}
WRONG |= {"01.1": lambda photo: photo.float(), "01.2": lambda sentences: torch.zeros(2, 2), "01.3": lambda train, valid: (train - 1, valid), "01.4": lambda patients, seed: (patients, patients)}
WRONG |= {"02.1": (1.0, 0.0, -0.3), "02.2": lambda W1, b1, W2, b2: (W1 @ W2, b2), "02.3": [1, -1, 0], "02.4": lambda x, layers: x @ layers[0][0].T}
WRONG |= {"03.1": lambda scores, truth: 1.0, "03.2": lambda x, t, w1, b, w2: (1.0, 1.0, 1.0), "03.3": {"add": max, "exp": max}, "03.4": lambda last: setattr(last.made_of[0], "grad", 1.0)}
WRONG |= {"04.1": lambda parameters, lr: [parameter.grad.zero_() for parameter in parameters], "04.2": lambda weight, slope, speed, lr, mu: (weight - lr * slope, speed)}
WRONG |= {"04.3": lambda weight, slope, mean, square, t, lr: (weight - lr * slope, mean, square), "04.4": lambda losses, patience: len(losses) - 1}
WRONG |= {"05.1": lambda low, high, steps: [low] * steps, "05.2": lambda step, total: 1.0, "05.3": lambda layer: torch.nn.init.zeros_(layer.weight), "05.4": lambda first, second: "first"}
WRONG |= {"06.1": lambda train, rows: rows - 1, "06.2": lambda chance, missed, needless: chance > 0.1, "06.3": lambda logits, truth: 5.0, "06.4": lambda x, weight, dilation: x}


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
            if max(took) > (TRAINED if one.trains else AT_ONCE):
                slow.append(one.number)
    print(f"too slow: {', '.join(slow)}" if slow else f"all within {1000 * AT_ONCE:.0f} ms, or {TRAINED:.0f} s where it trains")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
