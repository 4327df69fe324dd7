"""Listening to a stream, piece by piece, and writing down what was heard so far."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .ctc import BLANK, Language, beam, collapsed
from .features import HOP, RATE, WINDOW, as_numbers, frames_of, picture
from .files import SoundError
from .letters import Letters
from .models import Listener
from .models.listener import State

AFTER = 0.45  # seconds of silence in which a model may still say what it heard


class Frames:
    """Samples that come in pieces of any size, as pictures of all the frames that are whole; the same as of all at once."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def of(self, samples: NDArray[np.floating]) -> Tensor:
        """samples: (n,) float in [-1, 1] at RATE → (1, frames, MELS) float32, as a model reads them; frames may be 0.

        Raises: SoundError if it is no row of numbers in [-1, 1].
        """
        new = np.asarray(samples, np.float32)
        if new.ndim != 1 or not np.isfinite(new).all() or (len(new) and np.abs(new).max() > 1.5):
            found = f"the shape {new.shape}" if new.ndim != 1 else "NaN" if np.isnan(new).any() else f"numbers up to {np.abs(new).max():.3g}"
            raise SoundError(f"a piece of a stream must be (samples,) numbers from -1 to 1 at {RATE:,} Hz, got {found}")
        sound = np.concatenate([self._rest, new])
        count = frames_of(len(sound))
        self._rest = sound[count * HOP :]
        if not count:
            return torch.zeros(1, 0, as_numbers(picture(torch.zeros(WINDOW))).shape[-1])
        return as_numbers(picture(torch.from_numpy(sound[: (count - 1) * HOP + WINDOW])))[None]


class Hearing:
    """A model that listens to a stream: `hear` it piece by piece, and it gives the text so far.

    model: a `Listener`. letters: what its answers are.

    The text is the one that the same model writes of the whole at once.
    """

    def __init__(self, model: Listener, letters: Letters) -> None:
        self.model, self.letters = model.eval(), letters
        self.begin()

    def begin(self) -> None:
        """Forget what was heard."""
        self._frames, self._last = Frames(), BLANK
        self._state: State | None = None
        self._written: list[int] = []

    def hear(self, samples: NDArray[np.floating]) -> str:
        """The text so far, after some more samples: (n,) float in [-1, 1] at RATE.

        Raises: SoundError if it is no row of numbers in [-1, 1].
        """
        pictures = self._frames.of(samples)
        if pictures.shape[1]:
            with torch.inference_mode():
                logits, self._state = self.model.read(pictures.to(_device(self.model)), self._state)
            said = logits[0].argmax(-1).tolist()
            self._written += collapsed(said, self._last)
            self._last = said[-1] if said else self._last
        return self.text

    def end(self) -> str:
        """The whole text: nothing more will be said."""
        return self.hear(np.zeros(int(AFTER * RATE), np.float32))

    @property
    def text(self) -> str:
        """What was heard so far."""
        return self.letters.decode(self._written)


def transcribe(
    model: Listener, letters: Letters, sound: NDArray[np.floating], language: Language | None = None, width: int = 24,
    weight: float = 0.7, reward: float = 1.0,
) -> str:  # fmt: skip
    """What is said in a sound, (samples,) at RATE. With a language, the likeliest text that a beam search finds.

    width, weight, reward: see `dlnb.speech.ctc.beam`.
    """
    silence = np.zeros(int(AFTER * RATE), np.float32)
    pictures = Frames().of(np.concatenate([np.asarray(sound, np.float32), silence]))
    model.eval()
    with torch.inference_mode():
        logits = model(pictures.to(_device(model)))[0].float().cpu()
    if language is None:
        return letters.decode(collapsed(logits.argmax(-1).tolist()))
    return letters.decode(beam(logits.log_softmax(-1), width, language, weight, reward))


def searched(logits: Tensor, language: Language, width: int = 24, weight: float = 0.7, reward: float = 1.0) -> list[Sequence[int]]:
    """A beam search for each of a batch. logits: (B, T, letters)."""
    return [beam(row, width, language, weight, reward) for row in logits.float().log_softmax(-1).cpu()]


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
