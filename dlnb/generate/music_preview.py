"""What a `Composer` sets to the same few melodies each time, as piano rolls."""

import numpy as np
import torch
from torch import Tensor, nn

from ..preview import Captioned
from .music import REST, from_keys, note_name, roll
from .writing import settings

LOWEST, HIGHEST = 36, 96  # MIDI numbers of a picture's bottom and top rows: C2 to C7
TOLD = 8  # notes of the melody in the text


class Harmonised:
    """The preview of a task of music. melodies: (M, T) int64, keys of a piano."""

    def __init__(self, melodies: Tensor) -> None:
        self.melodies = melodies

    def __call__(self, model: nn.Module) -> Captioned:
        """model: a `Composer` in eval mode."""
        with torch.no_grad():
            made = settings(model, self.melodies, temperature=0.8, seed=0, tries=2)  # type: ignore[arg-type]
        pixels = np.stack([roll(from_keys(one), LOWEST, HIGHEST) for one in made])
        return Captioned(pixels, truth=tuple(f"the melody {told(melody)}" for melody in self.melodies))


def told(melody: Tensor) -> str:
    """The first notes of a melody by name: "C5 D5 E5 …"."""
    notes = from_keys(melody).tolist()
    names = [note_name(note) for note in notes if note != REST]
    return " ".join(names[:TOLD]) + (" …" if len(names) > TOLD else "")
