"""The exercises of chapter 01, data as tensors: a photo, a batch of sentences, a scale, a split."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .exercise import Exercise, Unanswered, Wrong
from .forms import function, numbers, same

SHARE = (0.1, 0.3)  # of the rows that may be set aside where a fifth is asked for
NOT_YET = "the function gives nothing back yet. End it with `return` and what it has made"

# 01.1, a photo as a network reads it.


def to_input(photo: Tensor) -> Tensor:
    """(H, W, 3) uint8 → (3, H, W) float32 in [0, 1]."""
    return photo.movedim(-1, 0).float() / 255


def judge_input(answer: Any) -> str:
    """Whether a function brings a photo into the form that PyTorch's layers read."""
    function(answer, "to_input(photo)", 1)
    photo = torch.from_numpy(np.random.default_rng(0).integers(0, 200, (5, 7, 3), dtype=np.uint8))  # no pixel is as bright as can be
    before = photo.clone()
    made = answer(photo)
    if not torch.equal(photo, before):
        raise Wrong("the photo itself has changed. Make a new tensor: somebody may still need the old one")
    if made is None:
        raise Unanswered(NOT_YET)
    right = to_input(photo)
    if not isinstance(made, Tensor):
        raise Wrong(f"it gives a {type(made).__name__} back; a tensor is wanted")
    if tuple(made.shape) != tuple(right.shape):
        _wrong_shape(tuple(made.shape), photo)
    if not made.is_floating_point():
        raise Wrong(f"the numbers are still {_dtype(made)}: whole numbers have nothing between 0 and 1. `.float()` makes float32 of them")
    if same(made, right):
        if made.dtype != torch.float32:
            raise Wrong(f"the numbers are right, and stand in {_dtype(made)}; PyTorch's layers expect float32")
        return "channels first, float32, 0 to 1. `dl.show` finds nothing strange in it any more."
    if same(made, 255 * right):
        raise Wrong(f"the numbers still run up to {made.max():g}. Divide by the largest that a byte can hold, 255")
    if same(made, right * (255 / photo.max())):
        raise Wrong("you divide by the brightest pixel of this photo. Then a dark photo becomes a bright one: divide by 255, the brightest that is possible")
    mixed = photo.reshape(right.shape).float() / 255
    if same(made, mixed) or same(made, 255 * mixed):
        raise Wrong("the shape is right, and the pixels are mixed up: `reshape` reads on in the old order. To change the order of the sides, move them")
    raise Wrong("the shape is right, but the numbers are not the photo's, divided by 255")


def _wrong_shape(shape: tuple[int, ...], photo: Tensor) -> None:
    """Raises: Wrong, always: what has become of the sides."""
    height, width, _ = photo.shape
    what = f"a photo of the shape {tuple(photo.shape)} becomes {shape}, and {(3, height, width)} is wanted"
    if shape == tuple(photo.shape):
        raise Wrong(f"{what}: the channels still come last")
    if shape == (3, width, height):
        raise Wrong(f"{what}: rows and columns have changed places, so the picture lies on its side")
    if len(shape) == 4:
        raise Wrong(f"{what}: that is a batch. Here one photo is asked for")
    raise Wrong(what)


# 01.2, sentences of many lengths in one tensor.


def as_batch(sentences: list[list[int]]) -> Tensor:
    """Lists of ids → (N, T) int64, filled up with 0 at the end."""
    batch = torch.zeros(len(sentences), max(len(ids) for ids in sentences), dtype=torch.long)
    for row, ids in zip(batch, sentences, strict=True):
        row[: len(ids)] = torch.tensor(ids)
    return batch


def judge_batch(answer: Any) -> str:
    """Whether a function makes one tensor of lists of ids, with 0 behind those that are shorter."""
    function(answer, "as_batch(sentences)", 1)
    for sentences in ([[5, 6, 7, 8], [9], [10, 11]], [[3, 4], [5, 6, 7]]):
        made = answer([list(ids) for ids in sentences])
        if made is None:
            raise Unanswered(NOT_YET)
        right = as_batch(sentences)
        if not isinstance(made, Tensor | np.ndarray):
            raise Wrong(f"it gives a {type(made).__name__} back; a tensor is wanted, whose rows are all of one length")
        made = torch.as_tensor(made)
        if made.ndim != 2 or len(made) != len(sentences):
            raise Wrong(f"{len(sentences)} sentences become the shape {tuple(made.shape)}; one row for each is wanted, {tuple(right.shape)}")
        _judge_width(made, sentences, right)
        if made.is_floating_point():
            raise Wrong(f"the ids stand in {_dtype(made)}. They are numbers of pieces and measure nothing: whole numbers, int64")
        if torch.equal(made, right):
            continue
        flipped = torch.stack([torch.tensor([0] * (right.shape[1] - len(ids)) + ids) for ids in sentences])
        if torch.equal(made, flipped):
            raise Wrong("the 0 stand in front of the short sentences, and belong behind them: place 0 is where a sentence begins")
        begins = all(row[: len(ids)].tolist() == ids for row, ids in zip(made, sentences, strict=True))
        if begins:
            raise Wrong(f"the sentences are all there, but they are filled up with {made[right == 0][0].item()}, and 0 is the id that means “nothing here”")
        raise Wrong(f"{sentences} becomes {made.tolist()}; {right.tolist()} is wanted")
    return "one row for each sentence, the shorter ones filled up with 0. So sentences of any length fit into one tensor."


def _judge_width(made: Tensor, sentences: list[list[int]], right: Tensor) -> None:
    """Raises: Wrong if the rows are not as long as the longest sentence."""
    shortest = min(map(len, sentences))
    if made.shape[1] == right.shape[1]:
        return
    if made.shape[1] == shortest:
        raise Wrong(f"all sentences are cut to the shortest, {shortest}: what came after that is lost")
    more = "more than that is only zeros to compute with" if made.shape[1] > right.shape[1] else "what does not fit is lost"
    raise Wrong(f"the rows have {made.shape[1]} places, and the longest sentence needs {right.shape[1]}: {more}")


# 01.3, one scale for all, learned from the training rows.


def scaled(train: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Both (rows, F), each column by the mean and the deviation of the training rows."""
    mean, deviation = train.mean(0), train.std(0)
    deviation[deviation == 0] = 1
    return (train - mean) / deviation, (valid - mean) / deviation


def judge_scale(answer: Any) -> str:
    """Whether a function scales two tables by the columns of the first, also where one of them never changes."""
    function(answer, "scaled(train, valid)", 2)
    draw = np.random.default_rng(0)
    spread = np.array([1.0, 50.0, 0.01])
    train = torch.from_numpy(draw.standard_normal((40, 3)) * spread + [0.0, 300.0, 5.0]).float()
    valid = torch.from_numpy(draw.standard_normal((12, 3)) * spread * 1.5 + [1.0, 380.0, 5.02]).float()
    made = _two_tables(answer(train.clone(), valid.clone()), train, valid)
    _judge_statistics(made, train, valid)
    train[:, 1] = 7.0
    valid[:, 1] = torch.arange(12.0)
    found = answer(train.clone(), valid.clone())
    if not all(np.isfinite(np.asarray(part)).all() for part in found):
        raise Wrong("where a column never changes, its deviation is 0, and you divide by it: NaN. Give such a column the deviation 1")
    again = _two_tables(found, train, valid)
    if abs(again[0][:, 1]).max() > 1e-3 or abs(again[1][:, [0, 2]]).max() > 100:
        raise Wrong("a column that never changes should become 0 in the training rows, and the others should stay as they were before")
    return "both tables are on one scale, and it was learned from the training rows alone."


def _two_tables(made: Any, train: Tensor, valid: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Raises: Unanswered or Wrong if these are not the two tables."""
    if made is None:
        raise Unanswered(NOT_YET)
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise Wrong("it should give two tables back: `return train_scaled, valid_scaled`")
    return numbers(made[0], tuple(train.shape), "the first table"), numbers(made[1], tuple(valid.shape), "the second table")


def _judge_statistics(made: tuple[np.ndarray, np.ndarray], train: Tensor, valid: Tensor) -> None:
    """Raises: Wrong, with whose mean and deviation were taken, if they are not those of the training rows' columns."""
    a, b = train.double().numpy(), valid.double().numpy()
    both = np.concatenate([a, b])

    def by(x: np.ndarray, of: np.ndarray, axis: int | None = 0) -> list[np.ndarray]:
        return [(x - of.mean(axis)) / of.std(axis, ddof=ddof) for ddof in (0, 1)]

    def is_any(x: np.ndarray, of: list[np.ndarray]) -> bool:
        return any(np.allclose(x, one, rtol=1e-3, atol=2e-3) for one in of)

    first, second = made
    if is_any(first, by(a, a)) and is_any(second, by(b, a)):
        return
    if is_any(first, by(a, a)) and is_any(second, by(b, b)):
        raise Wrong("the validation rows are scaled by their own mean and deviation. Then the same measure becomes two different numbers: use those of the training rows for both")
    if is_any(first, by(a, both)):
        raise Wrong("the mean and the deviation are those of all rows together. So the training has already seen the validation rows, a little: that is a leak. Use the training rows alone")
    if is_any(first, by(a, a, None)):
        raise Wrong("there is one mean for the whole table, and each column needs its own: `train.mean(0)` is one mean for each column")
    if np.allclose(first, a) and np.allclose(second, b):
        raise Unanswered("the tables come back as they went in")
    if np.allclose(first, a - a.mean(0), rtol=1e-3, atol=2e-3):
        raise Wrong("the columns lie around 0 now, but one is still spread thousands of times as far as another: divide by the deviation too")
    if np.allclose(first, a / a.std(0, ddof=1), rtol=1e-2):
        raise Wrong("the columns are spread alike now, but they do not lie around 0: take the mean away first")
    if np.allclose(first.min(0), 0, atol=1e-4) and np.allclose(first.max(0), 1, atol=1e-4):
        raise Wrong("you bring the columns from 0 to 1, which works too, but one far value squeezes all others together. Here mean 0 and deviation 1 are asked for")
    if is_any(first, by(a, a)):
        raise Wrong("the training rows are right, and the validation rows are not: scale them by the mean and the deviation of the training rows")
    raise Wrong(f"the columns of the training rows should have mean 0 and deviation 1; theirs are {_listed(first.mean(0))} and {_listed(first.std(0))}")


# 01.4, a split that keeps people together.


def split(patients: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Rows to learn from and to validate: all rows of a patient stand on one side, a fifth of the patients on the second."""
    everyone = patients.unique()
    order = torch.randperm(len(everyone), generator=torch.Generator().manual_seed(seed))
    aside = everyone[order[: len(everyone) // 5]]
    there = torch.isin(patients, aside)
    return (~there).nonzero()[:, 0], there.nonzero()[:, 0]


def judge_split(answer: Any) -> str:
    """Whether a function sets a fifth of the patients aside, by lot, and each with all rows."""
    function(answer, "split(patients, seed)", 2)
    draw = np.random.default_rng(0)
    patients = torch.from_numpy(draw.permutation(np.repeat(np.arange(30) * 7 + 100, draw.integers(3, 9, 30))))
    train, valid = _two_sides(answer(patients.clone(), 0), len(patients))
    torn = len(set(patients[train].tolist()) & set(patients[valid].tolist()))
    if torn:
        raise Wrong(f"{torn} of the 30 patients stand on both sides: the network would be asked about people it knows. Draw patients, not rows")
    share = len(valid) / len(patients)
    if not SHARE[0] <= share <= SHARE[1]:
        raise Wrong(f"{share:.0%} of the rows are set aside; about a fifth, 20%, is wanted")
    again, other = (_two_sides(answer(patients.clone(), seed), len(patients))[1] for seed in (0, 1))
    if sorted(again) != sorted(valid):
        raise Wrong("called twice with the same seed it gives two different splits. Draw from the seed: `torch.Generator().manual_seed(seed)`")
    if sorted(other) == sorted(valid):
        raise Wrong("with another seed the split is the same. Those who came first may differ from those who came last: choose by lot")
    return "nobody stands on both sides, and who is set aside was drawn by lot. Now the validation asks about strangers."


def _two_sides(made: Any, rows: int) -> tuple[list[int], list[int]]:
    """The places on both sides. Raises: Unanswered or Wrong if they are not each row once."""
    if made is None:
        raise Unanswered(NOT_YET)
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise Wrong("it should give two lists of row numbers back: `return train, valid`")
    sides = []
    for side in made:
        found = np.asarray(side)
        if found.dtype == bool and found.shape == (rows,):
            found = np.flatnonzero(found)
        if found.ndim != 1 or found.dtype.kind not in "ui":
            raise Wrong(f"each side is a list of row numbers, whole numbers from 0 to {rows - 1}; got {found.dtype} of the shape {found.shape}")
        sides.append([int(place) for place in found])
    train, valid = sides
    if not train or not valid:
        raise Wrong(f"the {'first' if not train else 'second'} side is empty")
    if min(train + valid) < 0 or max(train + valid) >= rows:
        raise Wrong(f"there are rows 0 to {rows - 1}, and yours go from {min(train + valid)} to {max(train + valid)}. Are these the patients' own numbers?")
    twice = len(set(train) & set(valid))
    if twice:
        raise Wrong(f"{twice} rows stand on both sides")
    if len(train) + len(valid) != rows or len(set(train + valid)) != rows:
        raise Wrong(f"there are {rows} rows, and {len(set(train + valid))} of them are used: each should stand on one side, once")
    return train, valid


def _dtype(made: Tensor) -> str:
    return str(made.dtype).removeprefix("torch.")


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


EXERCISES = {
    one.number: one
    for one in (
        Exercise(
            "01.1",
            "Channels first, then float32, then divided by 255.",
            judge_input,
            (
                "Three things are strange, and `dl.show(photo)` names them, each with its remedy. Mend one after the other.",
                "`photo.movedim(-1, 0)` moves the last side to the front. It copies nothing, and nothing gets mixed up.",
                "`photo.movedim(-1, 0).float() / 255`, with `return` before it.",
            ),
            "def to_input(photo):\n    return photo.movedim(-1, 0).float() / 255",
            lambda: to_input,
        ),
        Exercise(
            "01.2",
            "A table of zeros as wide as the longest sentence, and each sentence written into its row.",
            judge_batch,
            (
                "How wide must the tensor be? `max(len(ids) for ids in sentences)`.",
                "Begin with `torch.zeros(rows, places, dtype=torch.long)`, then write each sentence into its row.",
                "`batch[row, : len(ids)] = torch.tensor(ids)` writes one, in a loop over `enumerate(sentences)`.",
            ),
            "def as_batch(sentences):\n"
            "    batch = torch.zeros(len(sentences), max(len(ids) for ids in sentences), dtype=torch.long)\n"
            "    for row, ids in enumerate(sentences):\n"
            "        batch[row, : len(ids)] = torch.tensor(ids)\n"
            "    return batch",
            lambda: as_batch,
        ),
        Exercise(
            "01.3",
            "Mean and deviation of the training rows, column by column, for both tables.",
            judge_scale,
            (
                "`train.mean(0)` is one mean for each column. What else do you need, and of which rows?",
                "Both tables use the same mean and the same deviation: those of `train`.",
                "A column that never changes has the deviation 0. `deviation[deviation == 0] = 1` before you divide.",
            ),
            "def scaled(train, valid):\n"
            "    mean, deviation = train.mean(0), train.std(0)\n"
            "    deviation[deviation == 0] = 1\n"
            "    return (train - mean) / deviation, (valid - mean) / deviation",
            lambda: scaled,
        ),
        Exercise(
            "01.4",
            "Draw a fifth of the patients, and set all their rows aside.",
            judge_split,
            (
                "Draw patients, not rows. `patients.unique()` is each of them once.",
                "`torch.randperm(count, generator=torch.Generator().manual_seed(seed))` shuffles the numbers below `count`, the same way for the same seed.",
                "`torch.isin(patients, aside)` is true for each row of those set aside; `.nonzero()[:, 0]` turns that into row numbers.",
            ),
            "def split(patients, seed):\n"
            "    everyone = patients.unique()\n"
            "    order = torch.randperm(len(everyone), generator=torch.Generator().manual_seed(seed))\n"
            "    aside = torch.isin(patients, everyone[order[: len(everyone) // 5]])\n"
            "    return (~aside).nonzero()[:, 0], aside.nonzero()[:, 0]",
            lambda: split,
        ),
    )
}
