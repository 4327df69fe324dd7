"""A task: what is to be learned, and how one knows.

Data in three splits, a loss, metrics, the baselines to beat, and a preview. A task knows no
engine and no widget; the engine asks it for batches, a view asks it for a preview.
"""

import functools
import inspect
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from .preview import Preview

Batch = tuple[Any, ...]
Loss = Callable[[Any, Tensor], Tensor]
Metric = Callable[[Any, Any], float]
Predict = Callable[[nn.Module, tuple[Any, ...], Any], Any]


class Batches(Protocol):
    """One split of the data, cut into batches.

    `batch` is a pure function of its arguments, so that any step of a run can be done again.
    """

    def __len__(self) -> int:
        """How many batches an epoch has."""
        ...

    def batch(self, seed: int, epoch: int, position: int) -> Batch:
        """Batch number `position` (from 0) of an epoch: inputs first, the target last."""
        ...


class Resizable(Batches, Protocol):
    """A split whose batches can be cut to another size while a run goes on.

    size: examples in a batch; examples: in an epoch.
    """

    size: int

    @property
    def examples(self) -> int:
        """How many examples an epoch has."""
        ...

    def cut(self, seed: int, epoch: int, start: int, size: int) -> Batch:
        """The `size` examples (fewer at the end) from number `start` of an epoch; pure, as `batch` is."""
        ...


def reader(batches: Batches) -> Batches:
    """The same batches for one more run: what remembers its place in an epoch is made anew."""
    return batches.reader() if hasattr(batches, "reader") else batches


@dataclass
class Task:
    """What is to be learned.

    train, valid, test: `Batches`; only `train` is needed.
    loss: called as `loss(model(*inputs), target)`, returns a scalar tensor.
    metrics: each called as `metric(outputs, targets)` on a whole split, returns a number.
    predict: called as `predict(model, inputs, output)` with each batch on which the metrics are measured, returns what they
        are given in place of the output: the few boxes that a detector's many answers come to, the sentence that a
        translator writes.
    classes: names of the classes, if there are any.
    baselines: for each baseline a function that measures it on the test split.
    preview: called with the model in eval mode, returns a few examples with its answers.
    show: called with the inputs of a batch, returns what can be shown of them, one picture an example (for `dl.errors`).
    from_drawing: turns what a person drew, (S, S) float32 in [0, 1], into one input without
        its batch dimension (for `dl.pad`).
    credit: where the data comes from, and its licence.
    models: models that learn it, by name; each a function that makes one with fresh weights.
    tokenizer: for texts: what turns them to the numbers in the batches, `encode(text)`, and back, `decode(tokens)`.
    recipe: how dlnb makes this task again, as (name of a function under `dlnb`, its arguments); None for your own.

    Raises: ValueError if a split is empty.
    """

    name: str
    train: Batches
    valid: Batches | None = None
    test: Batches | None = None
    loss: Loss = nn.functional.cross_entropy
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    predict: Predict | None = None
    classes: tuple[str, ...] = ()
    baselines: Mapping[str, Callable[[], dict[str, float]]] = field(default_factory=dict)
    preview: Callable[[nn.Module], Preview] | None = None
    show: Callable[..., Preview] | None = None
    from_drawing: Callable[[np.ndarray], Tensor] | None = None
    credit: str = ""
    models: Mapping[str, Callable[[], nn.Module]] = field(default_factory=dict)
    tokenizer: Any = None
    recipe: tuple[str, dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        for name in ("train", "valid", "test"):
            split = getattr(self, name)
            if split is not None and len(split) == 0:
                raise ValueError(
                    f"the {name} split of {self.name!r} has no batches. "
                    "Is the data set empty, or the batch size larger than it with drop_last=True?"
                )

    @classmethod
    def from_loaders(
        cls,
        train: Iterable[Any],
        valid: Iterable[Any] | None = None,
        test: Iterable[Any] | None = None,
        *,
        loss: Loss,
        metrics: Mapping[str, Metric] | None = None,
        name: str = "my data",
        classes: Iterable[str] = (),
    ) -> "Task":
        """A task on your own data: `DataLoader`s, or anything that gives the same batches twice.

        A batch is `(x, y)`, or `(x1, x2, …, y)` for a model with several inputs.

        Raises: ValueError if a loader is empty, TypeError if it has no length or can be read only once.

        >>> import torch
        >>> data = [(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))]
        >>> task = Task.from_loaders(data, loss=nn.functional.cross_entropy)
        >>> len(task.train)
        1
        """
        splits = {"train": train, "valid": valid, "test": test}
        batches = {key: None if loader is None else LoaderBatches(loader, key) for key, loader in splits.items()}
        assert batches["train"] is not None
        return cls(
            name=name,
            train=batches["train"],
            valid=batches["valid"],
            test=batches["test"],
            loss=loss,
            metrics=dict(metrics or {}),
            classes=tuple(map(str, classes)),
        )

    def split(self, name: str) -> Batches:
        """The batches of `"train"`, `"valid"` or `"test"`.

        Raises: ValueError if there is no such split.
        """
        if name not in ("train", "valid", "test"):
            raise ValueError(f"a task has the splits 'train', 'valid' and 'test', not {name!r}")
        split = getattr(self, name)
        if split is None:
            raise ValueError(f"the task {self.name!r} has no {name} split: give one when you make the task")
        return split

    def measure_baselines(self) -> dict[str, dict[str, float]]:
        """Each baseline, measured now on the test split: `{"3-nearest neighbours": {"accuracy": 0.98}}`."""
        return {name: measure() for name, measure in self.baselines.items()}

    def __repr__(self) -> str:
        parts = [f"{name} {len(split)}" for name in ("train", "valid", "test") if (split := getattr(self, name))]
        return f"Task({self.name}: {', '.join(parts)} batches)"


P = ParamSpec("P")


def remembered(make: Callable[P, Task]) -> Callable[P, Task]:
    """A function of dlnb that makes a task, which then knows how: a checkpoint can make it again by itself."""

    @functools.wraps(make)
    def remember(*args: P.args, **kwargs: P.kwargs) -> Task:
        task = make(*args, **kwargs)
        bound = inspect.signature(make).bind(*args, **kwargs)
        bound.apply_defaults()
        task.recipe = (f"{make.__module__}.{make.__qualname__}", dict(bound.arguments))
        return task

    return remember


class LoaderBatches:
    """A `DataLoader` (or any sized iterable that can be read again) seen as `Batches`.

    Batches are drawn in order. Another position than the next one starts the epoch again and skips
    forward. A shuffling loader draws its order with the first batch of an epoch, and this one is drawn
    from (seed, epoch) alone: so the order is the same however often the epoch is begun again.
    """

    def __init__(self, loader: Iterable[Any], name: str = "train") -> None:
        if isinstance(loader, Iterator):
            raise TypeError(
                f"the {name} loader is an iterator that can be read only once, but every epoch reads it again. "
                "Give a DataLoader, or list(...) of it."
            )
        if not isinstance(loader, Sized):
            raise TypeError(
                f"the {name} loader of type {type(loader).__name__} has no length. "
                "Give a DataLoader over a data set with a length, or a list of batches."
            )
        self.loader = loader
        self.name = name
        self._batches: Iterator[Any] = iter(())
        self._next: tuple[int, int, int] | None = None

    def __len__(self) -> int:
        return len(self.loader)

    def reader(self) -> "LoaderBatches":
        """The same loader for another run, which reads it at its own pace."""
        return LoaderBatches(self.loader, self.name)

    def batch(self, seed: int, epoch: int, position: int) -> Batch:
        """See `Batches.batch`."""
        begun = position > 0 and self._next == (seed, epoch, position)
        self._next = None  # until the batch is there
        read = position if begun else 0
        try:
            if not begun:
                with torch.random.fork_rng(devices=[]), _same_numbers_as_before(position > 0):
                    for generator in (torch.default_generator, *generators_of(self.loader)):
                        generator.manual_seed((seed * 1_000_003 + epoch) % 2**63)
                    self._batches = iter(self.loader)
                    for read in range(max(1, position)):  # noqa: B007
                        batch = next(self._batches)
                read = position
            if position > 0:
                batch = next(self._batches)
        except StopIteration:
            raise ValueError(f"the {self.name} loader says it has {len(self)} batches but ended after {read}") from None
        self._next = (seed, epoch, position + 1)
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise TypeError(
                f"the {self.name} loader gave a {type(batch).__name__}; expected (x, y): inputs first, the target last"
            )
        return tuple(batch)


def generators_of(loader: Any) -> list[torch.Generator]:
    """The generators that a loader was given, for itself or for its sampler."""
    holders = (loader, getattr(loader, "sampler", None), getattr(getattr(loader, "batch_sampler", None), "sampler", None))
    found = [getattr(holder, "generator", None) for holder in holders]
    return [generator for generator in found if isinstance(generator, torch.Generator)]


@contextmanager
def _same_numbers_as_before(wanted: bool) -> Iterator[None]:
    """NumPy's and Python's random numbers go on as if batches that are only skipped had drawn none."""
    if not wanted:
        yield
        return
    numpys, pythons = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(numpys)
        random.setstate(pythons)
