"""The state of a loop that somebody wrote by hand, in the form of which snapshots are taken.

Nothing here makes a step: the learner's code does. It says which batch comes next, counts the optimiser's steps, and
knows where the random numbers of the epoch began, so that a place in a shuffled epoch is found again.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..task import Batch, Task, generators_of
from .clearing import Clearing
from .history import History
from .loop import OFF, Loop
from .randomness import ReadersRandomness


class _Unknown:
    """The data of a loop before it has begun."""

    def __len__(self) -> int:
        return 1

    def batch(self, seed: int, epoch: int, position: int) -> Batch:
        """There is none."""
        raise RuntimeError("a loop written by hand reads its own data")


class HandLoop(Loop):
    """A model and its optimisers in a loop that is not ours.

    also: further modules whose state decides the next step, such as an average of the weights.
    """

    keeps_gradients = True  # they may be added up over several batches

    def __init__(
        self,
        model: nn.Module,
        optimizers: list[Optimizer],
        scheduler: LRScheduler | None,
        also: tuple[nn.Module, ...],
        name: str,
    ) -> None:
        self.model = model
        self.task = Task(name, train=_Unknown())
        self._optimizers = optimizers
        self.optimizer = optimizers[0]
        self.scheduler = scheduler
        self.held = False
        self.lr_scale = 1.0
        self.also = also
        self.seed = 0
        self.epochs = 1
        self.validate_every = None
        self.clip = OFF
        self.own_knobs = {}
        self.batch_size = None
        self.steps = 0
        self.epoch = 0
        self.place = 0
        self.seconds = 0.0
        self.device = next(model.parameters()).device
        self.randomness = ReadersRandomness()  # type: ignore[assignment]
        self.observer = None
        self.history = History()
        self.history.add("lr", 0, self.lr)
        self._late = []
        self._modes = None
        self.clearing = Clearing()
        self.look_for_sentinel()
        self.loader: Any = None
        self._length: int | None = None
        self._batches: Iterator[Any] | None = None
        self._epoch_random: Any = None  # the random numbers' states when the epoch began
        self._loader_random: list[bytes] = []

    # Data.

    def read(self, loader: Any, epochs: int) -> None:
        """Take the batches from a loader, from its beginning."""
        self.loader, self.epochs = loader, self.epoch + epochs
        self._length = len(loader) if hasattr(loader, "__len__") else None
        self._batches = None
        self.place = 0

    def next_batch(self) -> Any:
        """The next batch; at the end of the last epoch, StopIteration."""
        while self.epoch < self.epochs:
            if self._batches is None:
                self._batches = self._begin_epoch()
            try:
                return next(self._batches)
            except StopIteration:
                if not self.place:
                    raise ValueError("the loader gave no batch at all: is the data set empty?") from None
                self.epoch, self.place, self._batches = self.epoch + 1, 0, None
        raise StopIteration

    def _begin_epoch(self) -> Iterator[Any]:
        """The batches of this epoch from `place`; where the epoch has begun before, in the same order."""
        generators = generators_of(self.loader)
        if not self.place:
            self._epoch_random = self.randomness.read()
            self._loader_random = [generator.get_state().numpy().tobytes() for generator in generators]
            return iter(self.loader)
        here = self.randomness.read()
        self.randomness.write(self._epoch_random)
        for generator, state in zip(generators, self._loader_random, strict=True):
            generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
        batches = iter(self.loader)
        for _ in range(self.place):
            next(batches)
        self.randomness.write(here)
        return batches

    # What differs from a loop of ours.

    def advance(self, record: bool = True) -> float | None:
        """The learner's code does."""
        raise RuntimeError("the steps of this loop are made by the code that you wrote")

    def validate(self) -> None:
        """A loop of one's own validates by itself."""

    def seed_step(self) -> None:
        """The random numbers are the reader's own."""

    @property
    def optimizers(self) -> list[Optimizer]:
        """Every optimiser of the loop."""
        return self._optimizers

    @property
    def modules(self) -> list[tuple[str, nn.Module]]:
        """Every module with state that decides the next step."""
        return [("model", self.model), *((f"also{i}", module) for i, module in enumerate(self.also))]

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, as far as one knows."""
        return self._length or 1

    @property
    def total_steps(self) -> int:
        """Steps there will be, if each batch makes one."""
        if self._length is None or self.epoch >= self.epochs:
            return max(self.steps, 1)
        return self.steps + (self.epochs - self.epoch) * self._length - self.place

    def plain(self) -> dict[str, Any]:
        """What is neither tensor nor optimiser."""
        return {**super().plain(), "epoch_random": self._epoch_random, "loader_random": self._loader_random}

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over what `plain` gave."""
        epoch_random, loader_random = plain.pop("epoch_random"), plain.pop("loader_random")
        plain["epochs"] = self.epochs  # of the loop that goes round now
        super().load_plain(plain)
        self._epoch_random, self._loader_random = epoch_random, loader_random
        self._batches = None

    def copy(self) -> Loop:
        """Raises: TypeError, as nobody but the learner's code can make its steps."""
        raise TypeError(
            "a loop that you wrote yourself cannot be copied into a fork: its steps are made by your cell. "
            "dl.fit(model, task) trains in a way that can; or seek back and go on with other knobs."
        )

    def rest(self) -> None:
        """The modes of the modules are the learner's own."""

    def wake(self) -> None:
        """The modes of the modules are the learner's own."""
