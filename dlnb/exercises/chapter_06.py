"""The exercises of chapter 06, predictive analytics."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..train.engine import seeded
from .exercise import Exercise, Unanswered, Wrong
from .forms import function, numbers

PATIENTS, NEW, COLUMNS = 60, 7, 4  # of a made-up table
COSTS = ((20.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, 5.0), (300.0, 15.0))  # of a tumour that is missed, of a needless alarm
CASES, SURE, UNSURE = 2000, 3.0, 0.5  # made-up answers, and by how much they are too sure, and not sure enough
NEAR = 0.1  # share by which a temperature may be off
HOURS, INPUTS, OUTPUTS = 40, 2, 3  # of a made-up series


def scale(train: Tensor, rows: Tensor) -> Tensor:
    """Rows (N, F) measured by the mean and the spread of each column of train (M, F)."""
    return (rows - train.mean(0)) / train.std(0)


def alarm(chance: Tensor, missed: float, needless: float) -> Tensor:
    """Whether to raise the alarm for chances (N,) of a tumour. missed, needless: what the two mistakes cost. → (N,) bool."""
    return chance * missed > (1 - chance) * needless


def temperature(logits: Tensor, truth: Tensor) -> float:
    """The number by which to divide logits (N,), so that the log loss on truth (N,), 0 or 1, is smallest."""
    tried = torch.logspace(-1, 1, 200)
    losses = [F.binary_cross_entropy_with_logits(logits / one, truth).item() for one in tried]
    return tried[min(range(len(tried)), key=losses.__getitem__)].item()


def look_back(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    """A convolution that sees no future. x: (B, C, T), weight: (O, C, K) → (B, O, T)."""
    before = dilation * (weight.shape[2] - 1)
    return F.conv1d(F.pad(x, (before, 0)), weight, dilation=dilation)


def judge_scale(answer: Any) -> str:
    """Whether rows are scaled by what the training rows have, and by nothing else."""
    function(answer, "scale(train, rows)", 2)
    with seeded(0):
        units = torch.tensor([1.0, 50.0, 0.01, 3.0])
        middle = torch.tensor([5.0, -200.0, 0.03, 10.0])
        train = torch.randn(PATIENTS, COLUMNS) * units + middle
        rows = (torch.randn(NEW, COLUMNS) + 1) * 1.5 * units + middle
    before = train.clone(), rows.clone()
    said = torch.from_numpy(numbers(answer(train, rows), (NEW, COLUMNS), "what it gives for 7 rows of 4 columns"))
    if not (torch.equal(train, before[0]) and torch.equal(rows, before[1])):
        raise Wrong("it changes the table that it was given; make a new one, without `-=` and `/=`")
    if _same(said, rows):
        raise Unanswered("the rows come back as they were. Bring each column to the mean 0 and the spread 1 of `train`")
    right, both = scale(train, rows), torch.cat([train, rows])
    if _same(said, right, 0.02):  # with the spread of a sample or of all
        return "each column is measured by what the training rows have, and nobody who is tested has helped."
    mean, spread = train.mean(0), train.std(0)
    low, high = train.amin(0), train.amax(0)
    told = {
        "mean and spread are those of the rows themselves. Then a patient looks different in other company, and one who comes alone has no spread at all": scale(rows, rows),
        "mean and spread are those of both tables together: the rows that you will test on have helped. That is a leak, even a small one": scale(both, rows),
        "there is one mean and one spread for the whole table. Each column has its own unit, so each needs its own: say along which dimension": (rows - train.mean()) / train.std(),
        "each row is scaled by itself, across its columns: millimetres are averaged with areas. Take the mean of each column": (rows - rows.mean(1, keepdim=True)) / rows.std(1, keepdim=True),
        "the means are right, and the spreads are still those of the units": rows - mean,
        "the spreads are right, and the means are not 0 yet": rows / spread,
        "you divide by the variance, which is the spread squared": (rows - mean) / train.var(0),
        "you multiply by the spread, and should divide": (rows - mean) * spread,
        "the mean is taken off after the division: it is in the units of before": rows / spread - mean,
        "the numbers run from 0 to 1 in `train`. That is a scale too, but one odd patient decides it; here mean and spread are wanted": (rows - low) / (high - low),
    }  # fmt: skip
    for words, wrong in told.items():
        if _same(said, wrong, 0.02):
            raise Wrong(words)
    raise Wrong("the columns do not come out as they should. For each: minus the mean in `train`, divided by the standard deviation in `train`")


def judge_alarm(answer: Any) -> str:
    """Whether the alarm is raised exactly where it is the cheaper mistake to risk."""
    function(answer, "alarm(chance, missed, needless)", 3)
    chance = torch.linspace(0.0004, 0.9991, 997)
    said = {}
    for missed, needless in COSTS:
        one = torch.from_numpy(numbers(answer(chance.clone(), missed, needless), (len(chance),), f"the answer for {len(chance)} chances"))
        if not ((one == 0) | (one == 1)).all():
            raise Wrong("it gives other numbers than yes and no. Compare two numbers for each patient: `>` gives True or False")
        said[missed, needless] = one.bool()
    if all(torch.equal(one, chance > 0.5) for one in said.values()):
        raise Unanswered("the alarm still begins at 0.5, whatever a mistake costs. Compare what you pay on average with the alarm and without")
    if all(torch.equal(one, alarm(chance, *costs)) for costs, one in said.items()):
        return "with 20 to 1 the alarm begins at a chance of 1 in 21, with 1 to 1 at one half."
    told: dict[str, Callable[[float, float], Tensor]] = {
        "it raises the alarm exactly where it should not": lambda missed, needless: ~alarm(chance, missed, needless),
        "the costs have changed places: the dearer a missed tumour is, the fewer alarms you raise": lambda missed, needless: alarm(chance, needless, missed),
        "without the alarm you pay `chance * missed` on average. With it you pay `needless` only if there is no tumour: by which chance?": lambda missed, needless: chance * missed > needless,
        "the alarm is raised for all": lambda missed, needless: torch.ones(len(chance), dtype=torch.bool),
        "the alarm is raised for nobody": lambda missed, needless: torch.zeros(len(chance), dtype=torch.bool),
    }  # fmt: skip
    for words, wrong in told.items():
        if all(torch.equal(one, wrong(*costs)) for costs, one in said.items()):
            raise Wrong(words)
    if _all_the_same(list(said.values())):
        raise Wrong("it gives the same alarms whatever a mistake costs. `missed` and `needless` must decide where they begin")
    for (missed, needless), one in said.items():
        wrong_at = (one != alarm(chance, missed, needless)).nonzero()
        if len(wrong_at):
            at = chance[wrong_at[len(wrong_at) // 2]].item()
            raise Wrong(
                f"a missed tumour costs {missed:g}, a needless alarm {needless:g}. At a chance of {at:.3f} waiting costs {at * missed:.2f} "
                f"on average and the alarm {(1 - at) * needless:.2f}, and you {'wait' if at * missed > (1 - at) * needless else 'raise it'}"
            )
    raise AssertionError("an answer that differs nowhere is right")


def judge_temperature(answer: Any) -> str:
    """Whether it finds by how much answers are too sure, or not sure enough."""
    function(answer, "temperature(logits, truth)", 2)
    with seeded(0):
        honest = 2 * torch.randn(CASES)
        truth = torch.bernoulli(honest.sigmoid())
    found = [_number(answer(times * honest, truth.clone())) for times in (SURE, UNSURE)]
    if found == [1, 1]:
        raise Unanswered("the temperature is 1, which changes nothing. Try others, and keep the one with the smallest log loss")
    if min(found) <= 0:
        raise Wrong(f"it gives {min(found):.3g}: a temperature is above 0, or the answers would turn round or have no end")
    best = [temperature(times * honest, truth) for times in (SURE, UNSURE)]
    if all(abs(one / other - 1) < NEAR for one, other in zip(found, best, strict=True)):
        return "answers that were too sure by a factor of 3 are divided by about 3, and shy ones by about one half."
    if all(abs(one * other - 1) < 2 * NEAR for one, other in zip(found, best, strict=True)):
        raise Wrong("that is what the logits are to be multiplied with. The temperature divides them")
    if abs(found[0] / found[1] - 1) < 1e-3:
        raise Wrong(f"it gives {found[0]:.3g} for answers that are too sure and for shy ones alike. Accuracy cannot tell them apart: dividing moves no answer across 0. Which number can?")
    times, one, other = next((times, one, other) for times, one, other in zip((SURE, UNSURE), found, best, strict=True) if abs(one / other - 1) >= NEAR)
    losses = [F.binary_cross_entropy_with_logits(times * honest / by, truth).item() for by in (one, other, 1.0)]
    worse = ". That is worse than to leave them as they are: is it the smallest that you keep?" if losses[0] > losses[2] + 1e-3 else ". Try more temperatures, from 0.1 to 10"
    raise Wrong(f"divided by your {one:.3g}, made-up answers have a log loss of {losses[0]:.3f}; with {other:.2g} it is {losses[1]:.3f}{worse}")


def judge_look_back(answer: Any) -> str:
    """Whether a convolution is as long as its input, sees no future, and looks back in steps of the dilation."""
    function(answer, "look_back(x, weight, dilation)", 3)
    for kernel, dilation in ((2, 1), (3, 4), (2, 8)):
        with seeded(0):
            x, weight = torch.randn(2, INPUTS, HOURS), torch.randn(OUTPUTS, INPUTS, kernel)
        said = answer(x.requires_grad_(), weight, dilation)
        plain = F.conv1d(x, weight, dilation=dilation)
        if said is None:
            raise Unanswered("the function gives nothing back yet: it needs a `return`")
        if not isinstance(said, Tensor):
            raise Wrong(f"it gives a {type(said).__name__}; what is wanted is a tensor (B, O, T)")
        if said.shape == plain.shape and _same(said, plain):
            raise Unanswered(f"{HOURS} hours go in and {said.shape[2]} come out: at the beginning there is nothing to look back on. What could stand there?")
        if tuple(said.shape) != (2, OUTPUTS, HOURS):
            missing = f". A kernel of {kernel} with dilation {dilation} reaches {dilation * (kernel - 1)} hours back" if said.ndim == 3 else ""
            raise Wrong(f"for {HOURS} hours it gives the shape {tuple(said.shape)}; {(2, OUTPUTS, HOURS)} is wanted{missing}")
        if not said.requires_grad:
            raise Wrong("what comes out does not depend on `x` in a way that a slope could follow. Was it detached?")
        middle = HOURS // 2
        (slope,) = torch.autograd.grad(said[:, :, middle].sum(), x)
        seen = slope.abs().sum((0, 1)).nonzero().flatten().tolist()  # hours
        _sees(seen, middle, kernel, dilation)
        if not _same(said, look_back(x, weight, dilation)):
            raise Wrong("it looks at the right hours, and weighs them in another way than `F.conv1d` does with this `weight`. What stands before the first hour should be 0")
    return "every hour is said from itself and what was before it, and from nothing that comes."


def _sees(seen: list[int], middle: int, kernel: int, dilation: int) -> None:
    """Raises: Wrong if hour `middle` is made of other hours than it should be."""
    wanted = [middle - dilation * back for back in range(kernel - 1, -1, -1)]
    if seen == wanted:
        return
    if seen and max(seen) > middle:
        raise Wrong(f"it looks into the future: what comes out at hour {middle} is changed by hour {max(seen)}. Put all the zeros before the first hour")
    if seen and max(seen) < middle:
        raise Wrong(f"at hour {middle} it sees nothing after hour {max(seen)}, and so not the present either. Is there one zero too many?")
    raise Wrong(f"with a kernel of {kernel} and dilation {dilation}, hour {middle} should be made of the hours {wanted}; yours is made of {seen or 'none'}")


def _number(said: Any) -> float:
    if said is None:
        raise Unanswered("the function gives nothing back yet: it needs a `return`")
    try:
        number = float(said)
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"it gives a {type(said).__name__}; one number is wanted") from None
    if not math.isfinite(number):
        raise Wrong(f"it gives {number}; a finite number is wanted")
    return number


def _same(a: Tensor, b: Tensor, tolerance: float = 1e-3) -> bool:
    return a.shape == b.shape and bool((a - b).norm() <= tolerance * b.norm())


def _all_the_same(tensors: list[Tensor]) -> bool:
    return all(torch.equal(one, tensors[0]) for one in tensors)


EXERCISES = {
    one.number: one
    for one in (
        Exercise(
            "06.1",
            "The mean and the standard deviation of each column come from the rows that are learned from; both tables are measured by them.",
            judge_scale,
            (
                "Two numbers for each column, its mean and its spread. Of which patients may you know them?",
                "`train.mean(0)` is the mean of each column; without the 0 it is one number for the whole table.",
                "Take `train.mean(0)` off the rows, and divide by `train.std(0)`.",
            ),
            "def scale(train, rows):\n    scaled = (rows - train.mean(0)) / train.std(0)\n    return scaled",
            lambda: scale,
        ),
        Exercise(
            "06.2",
            "Raise it where a tumour that is missed costs more on average than an alarm for nothing.",
            judge_alarm,
            (
                "Take 100 patients with the same chance. What do you pay if the alarm is raised for all of them, and what if for none?",
                "Without an alarm you pay `chance * missed` on average. With one you pay only for those who are healthy.",
                "`chance * missed > (1 - chance) * needless`",
            ),
            "def alarm(chance, missed, needless):\n    raised = chance * missed > (1 - chance) * needless\n    return raised",
            lambda: alarm,
        ),
        Exercise(
            "06.3",
            "Try many, and keep the one with the smallest log loss.",
            judge_temperature,
            (
                "There is one number to find. Nobody forbids you to try two hundred.",
                "`F.binary_cross_entropy_with_logits(logits / t, truth)` is the log loss with temperature `t`.",
                "`torch.logspace(-1, 1, 200)` are 200 temperatures from 0.1 to 10. Keep the one whose loss is smallest.",
            ),
            "def temperature(logits, truth):\n"
            "    tried = torch.logspace(-1, 1, 200)\n"
            "    losses = torch.stack([F.binary_cross_entropy_with_logits(logits / one, truth) for one in tried])\n"
            "    best = tried[losses.argmin()].item()\n"
            "    return best",
            lambda: temperature,
        ),
        Exercise(
            "06.4",
            "Zeros before the first hour, as many as the kernel reaches back, and none behind the last.",
            judge_look_back,
            (
                "`F.pad(x, (3, 0))` puts three zeros before the first hour and none behind the last. How many are needed?",
                "The kernel's oldest weight lies `dilation` hours before the next one. With `K` weights that makes how many hours in all?",
                "`dilation * (weight.shape[2] - 1)` zeros before the first hour.",
            ),
            "def look_back(x, weight, dilation):\n    x = F.pad(x, (dilation * (weight.shape[2] - 1), 0))\n    return F.conv1d(x, weight, dilation=dilation)",
            lambda: look_back,
        ),
    )
}
