"""An assistant that listens to a stream, notices when a speaker has ended, and says what they want."""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from .features import SPREAD
from .hearing import Frames
from .house import SIZES, Command, commanded, understood
from .models import Commander
from .models.listener import State

QUIET_AFTER = 18  # frames in a row that are quiet after the speaker's end: 180 ms
FALL = math.log(10 ** (9 / 10))  # quiet is what has a power 9 dB below the loudest tenth of what was heard
SPEECH = 20  # loud frames that make a command


class Understood(NamedTuple):
    """A command, and of how many frames it was understood."""

    command: Command
    frames: int


class Assistant:
    """Hears a stream piece by piece; when a speaker has ended, it gives their command.

    model: a `Commander`. What is said is read while it is said, so little is left to do at the end.
    """

    def __init__(self, model: Commander) -> None:
        self.model = model.eval()
        self.begin()

    def begin(self) -> None:
        """Wait for the next command."""
        self._frames = Frames()
        self._state: State | None = None
        self._sum = torch.full((sum(SIZES),), -math.inf)
        self._steps = 0
        self._loudness: list[float] = []

    def hear(self, samples: NDArray[np.floating]) -> Understood | None:
        """The command that has just ended, or None while nobody has said one. samples: (n,) float in [-1, 1] at RATE.

        Raises: SoundError if it is no row of numbers in [-1, 1].
        """
        pictures = self._frames.of(samples)
        if not pictures.shape[1]:
            return None
        with torch.inference_mode():
            logits, self._state = self.model.read(pictures, self._state)
        if logits.shape[1]:
            self._sum = torch.logaddexp(self._sum, logits[0].logsumexp(0))
            self._steps += logits.shape[1]
        self._loudness += (torch.logsumexp(pictures[0] * SPREAD, 1)).tolist()
        if not self._ended() or not self._steps:
            return None
        answers = understood((self._sum - math.log(self._steps))[None])[0].tolist()
        found = Understood(commanded(answers), len(self._loudness))
        self.begin()
        return found

    def _ended(self) -> bool:
        """Whether someone has spoken and is quiet now."""
        heard = np.array(self._loudness)
        if len(heard) < SPEECH + QUIET_AFTER:
            return False
        loud = np.quantile(heard, 0.9) - FALL
        return int((heard > loud).sum()) >= SPEECH and bool((heard[-QUIET_AFTER:] < loud).all())
