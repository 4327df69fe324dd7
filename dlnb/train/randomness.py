"""Random numbers of a run apart from the reader's: what one draws never changes what the other gets.

PyTorch's numbers in a step are a function of (seed, step) and need no state (`Loop`). NumPy's and Python's global
generators, which a data set may use, are exchanged while a run takes its turn. That takes a tenth of a millisecond,
so a run that has left them alone at first is no longer given its own.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

States = tuple[tuple[Any, ...], tuple[Any, ...]]

TRIED = 3  # steps after which it is known whether a run uses these generators


class Randomness:
    """NumPy's and Python's global generators as one run sees them.

    seed: where they begin.
    """

    def __init__(self, seed: int) -> None:
        self.needed: bool | None = None
        self._inside = False
        self._states = _plain(np.random.RandomState(seed % 2**32).get_state(), random.Random(seed).getstate())

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The run's generators inside; the reader's are as they were afterwards."""
        if self._inside:
            yield
            return
        if self.needed is False:
            with _readers_torch():
                yield
            return
        with readers_random():
            _install(self._states)
            self._inside = True
            try:
                yield
            finally:
                self._inside = False
                states = _plain(np.random.get_state(), random.getstate())
                if states != self._states:
                    self._states, self.needed = states, True

    def decide(self, steps: int) -> None:
        """After enough steps that drew nothing, exchange nothing any more."""
        if self.needed is None and steps >= TRIED:
            self.needed = False

    def read(self) -> States:
        """Both states, as plain data that can be compared and saved."""
        if not self._inside:
            return self._states
        return _plain(np.random.get_state(), random.getstate())

    def write(self, states: States) -> None:
        """Put both generators into states that were read."""
        if self.needed is False and states != self._states:
            self.needed = True
        self._states = states
        if self._inside:
            _install(states)

    def copy(self) -> "Randomness":
        """Generators of another run that go on as these would."""
        other = Randomness(0)
        other._states, other.needed = self.read(), self.needed
        return other


class ReadersRandomness:
    """The reader's own generators, PyTorch's too, for a loop in the reader's own thread."""

    @contextmanager
    def installed(self) -> Iterator[None]:
        """They are there already."""
        yield

    def decide(self, steps: int) -> None:
        """Nothing is exchanged."""

    def read(self) -> tuple[Any, ...]:
        """The states of NumPy's, Python's and PyTorch's generators, as plain data."""
        torchs = [torch.default_generator.get_state().numpy().tobytes()]
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torchs += [generator.get_state().cpu().numpy().tobytes() for generator in torch.cuda.default_generators]
        return (*_plain(np.random.get_state(), random.getstate()), *torchs)

    def write(self, states: tuple[Any, ...]) -> None:
        """Put them into states that were read."""
        numpys, pythons, *torchs = states
        _install((numpys, pythons))
        generators = [torch.default_generator, *(torch.cuda.default_generators if len(torchs) > 1 else ())]
        for generator, state in zip(generators, torchs, strict=True):
            generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _plain(numpys: Any, pythons: Any) -> States:
    kind, keys, position, has_gauss, gauss = numpys
    version, words, gauss_next = pythons
    return (
        (kind, np.asarray(keys, np.uint32).tobytes(), int(position), int(has_gauss), float(gauss)),
        (version, np.array(words, np.uint32).tobytes(), gauss_next),
    )


def _install(states: States) -> None:
    (kind, keys, position, has_gauss, gauss), (version, words, gauss_next) = states
    np.random.set_state((kind, np.frombuffer(keys, np.uint32), position, has_gauss, gauss))
    random.setstate((version, tuple(np.frombuffer(words, np.uint32).tolist()), gauss_next))


@contextmanager
def readers_random() -> Iterator[None]:
    """The reader's own random numbers go on afterwards as if nothing had been drawn inside.

    Closed before anybody is told what came of it: who waits for a run may draw numbers at once.
    """
    numpys, pythons = np.random.get_state(), random.getstate()
    with _readers_torch():
        try:
            yield
        finally:
            np.random.set_state(numpys)
            random.setstate(pythons)


@contextmanager
def _readers_torch() -> Iterator[None]:
    torchs = torch.default_generator.get_state()
    try:
        yield
    finally:
        torch.default_generator.set_state(torchs)
