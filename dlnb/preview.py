"""What can be shown: plain data, no drawing.

A preview holds a few examples and what a model says of them. Views (`dl.watch`, `dl.show`) draw
it; tasks make it. Nothing here knows PyTorch or a browser.
"""

from dataclasses import dataclass

import numpy as np

NOTHING = -1  # the label that fills up the boxes of a picture that has fewer than another


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
        shape = _check_pixels(self.pixels)
        if self.truth is not None and self.truth.shape != shape[:1]:
            raise ValueError(f"truth has shape {self.truth.shape} but there are {shape[0]} pictures")
        if self.scores is not None and self.scores.shape != (shape[0], len(self.classes)):
            raise ValueError(
                f"scores have shape {self.scores.shape}; expected ({shape[0]}, {len(self.classes)}): "
                "one probability for each picture and class"
            )


@dataclass(frozen=True)
class Boxes:
    """A few pictures, the boxes of what is in them, and the boxes that a model finds.

    pixels: (N, H, W) or (N, H, W, 3) uint8. A box is x1, y1, x2, y2 in pixels.
    truth: (N, M, 4) numbers, and its labels true_labels: (N, M) integers below `len(classes)`, where -1 is no box;
        None where nobody knows.
    found: (N, K, 4) numbers, and its labels found_labels: (N, K), likewise; scores: (N, K) in [0, 1], how sure the
        model is. None before a model has been asked.

    Raises: ValueError if the columns do not fit together.
    """

    pixels: np.ndarray
    classes: tuple[str, ...]
    truth: np.ndarray | None = None
    true_labels: np.ndarray | None = None
    found: np.ndarray | None = None
    found_labels: np.ndarray | None = None
    scores: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = _check_pixels(self.pixels)[0]
        if (self.truth is None) != (self.true_labels is None):
            raise ValueError("truth and true_labels belong together: give both or neither")
        if len({column is None for column in (self.found, self.found_labels, self.scores)}) > 1:
            raise ValueError("found, found_labels and scores belong together: give all three or none")
        for name, boxes, labels in (
            ("true", self.truth, self.true_labels), ("found", self.found, self.found_labels),
        ):  # fmt: skip
            if boxes is None or labels is None:
                continue
            if boxes.ndim != 3 or boxes.shape[0] != count or boxes.shape[2] != 4:
                raise ValueError(f"the {name} boxes have shape {boxes.shape}; expected ({count}, boxes, 4)")
            if labels.shape != boxes.shape[:2]:
                raise ValueError(f"{name}_labels have shape {labels.shape}; expected {boxes.shape[:2]}, one for each box")
            _check_labels(labels, self.classes, f"{name}_labels", NOTHING)
        if self.scores is not None and self.found is not None and self.scores.shape != self.found.shape[:2]:
            raise ValueError(f"scores have shape {self.scores.shape}; expected {self.found.shape[:2]}, one for each found box")


@dataclass(frozen=True)
class Masks:
    """A few pictures, the class of each of their pixels, and the class that a model gives it.

    pixels: (N, H, W) or (N, H, W, 3) uint8.
    classes: their names; the first is the background, which is not painted.
    truth: (N, H, W) uint8 below `len(classes)`, or None where nobody knows.
    said: likewise what the model says, or None before it has been asked.

    Raises: ValueError if the columns do not fit together.
    """

    pixels: np.ndarray
    classes: tuple[str, ...]
    truth: np.ndarray | None = None
    said: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = _check_pixels(self.pixels)
        for name, column in (("truth", self.truth), ("said", self.said)):
            if column is None:
                continue
            if column.shape != shape[:3] or column.dtype != np.uint8:
                raise ValueError(f"{name} is {column.dtype} {column.shape}; expected uint8 {shape[:3]}, one class a pixel")
            _check_labels(column, self.classes, name, 0)


@dataclass(frozen=True)
class Texts:
    """A few texts, what is true of them, and what a model says.

    read: N texts that the model reads: a review, a sentence to be translated, a beginning to go on from.
    truth: N texts, what it should say: the class, the translation; None where nobody knows.
    said: N texts, what it says; None before it has been asked.
    right: (N,) bool, or None where there is no right and wrong.
    scores: (N,) numbers in [0, 1], how sure the model is of what it says, or None.

    Raises: ValueError if the columns do not fit together.
    """

    read: tuple[str, ...]
    truth: tuple[str, ...] | None = None
    said: tuple[str, ...] | None = None
    right: np.ndarray | None = None
    scores: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, texts in (("read", self.read), ("truth", self.truth), ("said", self.said)):
            _check_texts(texts, name, len(self.read), "were read")
        for name, column in (("right", self.right), ("scores", self.scores)):
            if column is not None and self.said is None:
                raise ValueError(f"{name} is about what the model says: give said too")
            if column is not None and column.shape != (len(self.read),):
                raise ValueError(f"{name} has shape {column.shape} but {len(self.read)} texts were read")
        if self.right is not None and self.right.dtype != np.bool_:
            raise ValueError(f"right is {self.right.dtype}; expected bool, whether the model is right")


@dataclass(frozen=True)
class Captioned:
    """A few pictures, each with a text: a spectrogram and what was said in it, what a model made and what it was asked for.

    pixels: (N, H, W) or (N, H, W, 3) uint8, drawn upright, with their first row at the top.
    truth: the text that belongs to each, or None where there is none.
    said: likewise what a model says, or None before it has been asked, or where it made the picture itself.
    right: (N,) bool, whether what it says will do, or None where that is not a matter of right and wrong.

    Raises: ValueError if the columns do not fit together.
    """

    pixels: np.ndarray
    truth: tuple[str, ...] | None = None
    said: tuple[str, ...] | None = None
    right: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = _check_pixels(self.pixels)[0]
        for name, texts in (("truth", self.truth), ("said", self.said)):
            _check_texts(texts, name, count, "belong to the pictures")
        if self.right is not None:
            if self.said is None:
                raise ValueError("right is about what the model says: give said too")
            if self.right.shape != (count,) or self.right.dtype != np.bool_:
                raise ValueError(f"right is {self.right.dtype} {self.right.shape}; expected bool ({count},), whether the model is right")


@dataclass(frozen=True)
class Forecasts:
    """A few series up to now, how they went on, and how a model says that they go on.

    past: (N, P) float32, oldest first; P ≥ 1. truth: (N, F) float32, or None where nobody knows.
    said: (N, F) float32, or None before a model has been asked.
    low, high: (N, F) float32, between which the model expects it, both or neither.
    unit: of the values, such as "MW". step: what lies between two values, such as "hour".

    Raises: ValueError if the columns do not fit together.
    """

    past: np.ndarray
    truth: np.ndarray | None = None
    said: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    unit: str = ""
    step: str = ""

    def __post_init__(self) -> None:
        if self.past.ndim != 2 or not self.past.shape[1]:
            raise ValueError(f"past has shape {self.past.shape}; expected (N, P) with P at least 1")
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high belong together: give both or neither")
        if self.low is not None and self.said is None:
            raise ValueError("low and high are about what the model says: give said too")
        columns = {"truth": self.truth, "said": self.said, "low": self.low, "high": self.high}
        shapes = {name: column.shape for name, column in columns.items() if column is not None}
        for name, shape in shapes.items():
            if len(shape) != 2 or shape[0] != len(self.past) or shape != next(iter(shapes.values())):
                raise ValueError(f"{name} has shape {shape}; expected ({len(self.past)}, F), the same F for all that comes after the past")


@dataclass(frozen=True)
class Scene:
    """A road from above, and the numbers of all that is on it.

    pixels: (H, W, 3) uint8. names: of the F columns, with their units.
    rows: (N, F) float32, one for each body, the own car first. boxes: (N, 4) x1, y1, x2, y2 in pixels; NaN for what lies outside.

    Raises: ValueError if the columns do not fit together.
    """

    pixels: np.ndarray
    names: tuple[str, ...]
    rows: np.ndarray
    boxes: np.ndarray

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or _check_pixels(self.pixels[None])[3] != 3:
            raise ValueError(f"pixels have the shape {self.pixels.shape}; expected (H, W, 3)")
        if self.rows.ndim != 2 or self.rows.shape[1] != len(self.names):
            raise ValueError(f"the rows have the shape {self.rows.shape}, but there are {len(self.names)} names: expected (bodies, {len(self.names)})")
        if self.boxes.shape != (len(self.rows), 4):
            raise ValueError(f"the boxes have the shape {self.boxes.shape}; expected ({len(self.rows)}, 4), one for each row")


Preview = Images | Boxes | Masks | Texts | Captioned | Forecasts


def _check_pixels(pixels: np.ndarray) -> tuple[int, ...]:
    """The shape of pictures.

    Raises: ValueError if they are none.
    """
    shape = pixels.shape
    if pixels.dtype != np.uint8 or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        raise ValueError(f"pixels are {pixels.dtype} {shape}; expected uint8 of shape (N, H, W) or (N, H, W, 3)")
    return shape


def _check_texts(texts: tuple[str, ...] | None, name: str, count: int, what: str) -> None:
    """Raises: ValueError if these are no texts, or another number of them."""
    if texts is None:
        return
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} must be a tuple of texts")
    if len(texts) != count:
        raise ValueError(f"{name} has {len(texts)} texts but {count} {what}")


def _check_labels(labels: np.ndarray, classes: tuple[str, ...], name: str, least: int) -> None:
    """Raises: ValueError if a label is no whole number from `least` to the last of the classes."""
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{name} are {labels.dtype}; expected integers")
    if labels.size and not least <= labels.min() <= labels.max() < len(classes):
        raise ValueError(
            f"{name} run from {labels.min()} to {labels.max()} but there are {len(classes)} classes: "
            f"expected {least} to {len(classes) - 1}"
        )
