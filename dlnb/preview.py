"""What can be shown: plain data, no drawing.

A preview holds a few examples and what a model says of them. Views (`dl.watch`, `dl.show`) draw
it; tasks make it. Nothing here knows PyTorch or a browser.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Images:
    """A few pictures, what they truly are, and what a model says of them.

    pixels: (N, H, W) or (N, H, W, 3) uint8.
    truth: (N,) integers below `len(classes)`, or None where nobody knows.
    scores: (N, C) float32 probabilities of each class, or None before a model has been asked.

    Raises: ValueError if the columns do not fit together.
    """

    pixels: np.ndarray
    classes: tuple[str, ...]
    truth: np.ndarray | None = None
    scores: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
            raise ValueError(
                f"pixels are {self.pixels.dtype} {shape}; expected uint8 of shape (N, H, W) or (N, H, W, 3)"
            )
        if self.truth is not None and self.truth.shape != shape[:1]:
            raise ValueError(f"truth has shape {self.truth.shape} but there are {shape[0]} pictures")
        if self.scores is not None and self.scores.shape != (shape[0], len(self.classes)):
            raise ValueError(
                f"scores have shape {self.scores.shape}; expected ({shape[0]}, {len(self.classes)}): "
                "one probability for each picture and class"
            )


Preview = Images
