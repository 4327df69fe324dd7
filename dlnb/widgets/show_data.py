"""From whatever a learner has to what can be drawn: a tensor, a text, a sound, a table, a scene, a batch.

It goes by what a thing is and by its shape, and where a shape may mean two things, by what the learner says of it: a `rate`
makes a sound, `names` make a table, a `tokenizer` makes tokens. What it is taken for is written above the picture.
"""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from ..preview import Preview, Scene
from .show_facts import counted
from .show_kinds import Given, Nothing, Pictures, Sight, Sounds, Table, Tokens

SHOWN = (*get_args(Preview), Scene)


def given(
    x: Any, labels: Any = None, tokenizer: Any = None, rate: float | None = None,
    names: Sequence[str] | None = None, classes: Sequence[str] | None = None,
) -> Given:  # fmt: skip
    """What x is. See `dl.show`.

    Raises: TypeError if it is nothing that can be shown; ValueError if its parts do not fit together.
    """
    x = _listed(x)
    if labels is None and _is_pair(x):
        x, labels = x
    labels = _listed(labels)
    if isinstance(x, SHOWN):
        return Given(x, None, "", "")
    if callable(getattr(type(x), "preview", None)):
        return Given(x.preview(), None, "", "")
    if isinstance(x, str) or _are_texts(x):
        return _texts([x] if isinstance(x, str) else list(x), labels, tokenizer, classes)
    if hasattr(x, "columns") and hasattr(x, "to_numpy"):
        return _frame(x, labels, classes)
    array, dtype = as_array(x)
    shape = str(tuple(array.shape))
    if not array.size:
        return Given(Nothing(), array, shape, dtype)
    if names is not None:
        return Given(_named(array, names, labels, classes), array, shape, dtype)
    if tokenizer is not None:
        return Given(_ids(array, labels, tokenizer, classes), array, shape, dtype)
    if rate is not None:
        return Given(_sounds(array, rate, labels, classes), array, shape, dtype)
    sight, note = _by_shape(array, labels, classes)
    return Given(sight, array, shape, dtype, note)


def as_array(x: Any) -> tuple[np.ndarray, str]:
    """Numbers as NumPy has them, and the name of their type as they were given.

    Raises: TypeError if there are none.
    """
    dtype = str(getattr(x, "dtype", "")).removeprefix("torch.")
    if callable(getattr(x, "detach", None)):  # a tensor, wherever it is
        x = x.detach().cpu()
        if dtype in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
            x = x.float()
        x = x.numpy()
    try:
        array = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the parts of this {type(x).__name__} are not of one size ({error}): show one of them, or cut them to one size") from None
    if array.dtype.kind == "c":
        raise TypeError("complex numbers cannot be shown: show their size, `x.abs()`, or their real part, `x.real`")
    if array.dtype.kind not in "buif":
        raise TypeError(
            f"dl.show cannot show a {type(x).__name__}. It shows tensors and arrays, texts, tables (a pandas DataFrame), pictures, "
            "batches (x, y), and previews of a task"
        )
    dtype = dtype or str(array.dtype)
    return (array.astype(np.uint8) if array.dtype.kind == "b" else array), dtype


def _is_pair(x: Any) -> bool:
    """Whether this is a batch: inputs, and as many labels."""
    if not isinstance(x, tuple | list) or len(x) != 2 or isinstance(x[0], str) or isinstance(x[1], str):
        return False
    inputs, labels = _listed(x[0]), _listed(x[1])
    try:
        sized = len(inputs) == len(labels) and len(inputs) > 0
    except TypeError:
        return False
    is_array = hasattr(inputs, "shape") or _are_texts(inputs) or hasattr(inputs, "columns")
    return bool(sized and is_array and hasattr(labels, "__len__") and len(np.shape(labels)) == 1)


def _listed(x: Any) -> Any:
    """An array or a column of texts as a list of them; all else as it is."""
    is_text = getattr(getattr(x, "dtype", None), "kind", "") in ("O", "U") and len(np.shape(x)) == 1
    return x.tolist() if is_text and _are_texts(x.tolist()) else x


def _are_texts(x: Any) -> bool:
    return isinstance(x, list | tuple) and len(x) > 0 and all(isinstance(text, str) for text in x)


def _labels(labels: Any, count: int, classes: Sequence[str] | None) -> tuple[tuple[str, ...] | None, np.ndarray | None]:
    """Labels in words, and as numbers where they are numbers.

    Raises: ValueError if they are not one for each example, or name a class that there is not.
    """
    if labels is None:
        return None, None
    if _are_texts(labels):
        truth, words = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)[1], tuple(labels)
    else:
        truth, _ = as_array(labels)
        if truth.ndim == 2 and truth.shape[1] == 1:
            truth = truth[:, 0]
        words = tuple(f"{value:.3g}" if truth.dtype.kind == "f" else str(value) for value in truth.tolist()) if truth.ndim == 1 else ()
    if truth.shape != (count,):
        raise ValueError(f"the labels have the shape {truth.shape}, but there {'is' if count == 1 else 'are'} {counted(count, 'example')}: give one label for each")
    if classes is not None and not _are_texts(labels):
        if truth.dtype.kind == "f" or truth.min() < 0 or truth.max() >= len(classes):
            raise ValueError(f"the labels run from {truth.min()} to {truth.max()}, but there are {len(classes)} classes, 0 to {len(classes) - 1}")
        words = tuple(str(classes[value]) for value in truth.tolist())
    return words, truth


def _by_shape(array: np.ndarray, labels: Any, classes: Sequence[str] | None) -> tuple[Sight, str]:
    """What numbers are drawn as when nothing was said of them."""
    note = ""
    if array.ndim == 0:
        array = array.reshape(1)
    if array.ndim > 4:
        left = " × ".join(str(side) for side in array.shape[: array.ndim - 4])
        note = f"Of the first {'side' if array.ndim == 5 else 'sides'} ({left}) only number 0 is shown."
        array, labels = array[(0,) * (array.ndim - 4)], None
    if array.ndim == 1:
        words, truth = _labels(labels, 1, classes)
        return Sounds(array[None], labels=words, truth=truth), note
    if array.ndim == 2:
        if labels is not None and len(np.shape(labels)) == 1 and len(labels) == len(array):
            return _named(array, tuple(f"number {place}" for place in range(array.shape[1])), labels, classes), note
        words, truth = _labels(labels, 1, classes)
        return Pictures(array[None, :, :, None], words, truth), note
    labelled = labels is not None and len(np.shape(labels)) == 1 and 1 < len(labels) == len(array)
    pictures, last, several = (array[..., None], False, True) if array.ndim == 3 and labelled else _pictures_of(array)
    if pictures is None:
        words, _ = _labels(labels, len(array), classes)
        whose = f", of the example with the label {words[0]}" if words else ""
        note = f"{array.shape[1]} channels are no colours: those of example 0 are shown, one picture each{whose}. {note}".strip()
        return Pictures(array[0][..., None], several=True), note
    words, truth = _labels(labels, len(pictures), classes)
    return Pictures(pictures, words, truth, last, several), note


def _pictures_of(array: np.ndarray) -> tuple[np.ndarray | None, bool, bool]:
    """(N, H, W, C) pictures, whether the channels came last, and whether there are several; None where it has other channels than colours."""
    shape = array.shape
    if array.ndim == 3:
        if shape[0] in (1, 3) and not (shape[2] in (3, 4) and shape[1] > 4):
            return np.moveaxis(array, 0, -1)[None], False, False
        if shape[2] in (3, 4) and min(shape[:2]) > 4:
            return array[None, ..., :3], True, False
        if shape[2] == 1 and min(shape[:2]) > 4:
            return array[None], True, False
        return array[..., None], False, True
    if shape[1] in (1, 3):
        return np.moveaxis(array, 1, -1), False, True
    if shape[3] in (1, 3, 4):
        return array[..., :3] if shape[3] == 4 else array, True, True
    return None, False, True


def _sounds(array: np.ndarray, rate: float, labels: Any, classes: Sequence[str] | None) -> Sounds:
    """Raises: ValueError if it is none, or the rate is none."""
    if isinstance(rate, bool) or not np.isfinite(rate) or rate <= 0:
        raise ValueError(f"the rate is how many samples make a second, such as 8000; got {rate!r}")
    if array.ndim > 2:
        raise ValueError(f"a sound has the shape (samples,), several of them (sounds, samples); got {tuple(array.shape)}")
    if array.ndim == 2 and array.shape[1] <= 2 < array.shape[0]:
        raise ValueError(f"the shape {tuple(array.shape)} is that of a sound whose channels come last: take one of them, x[:, 0]")
    several = array.ndim == 2
    values = array if several else array.reshape(1, -1)
    words, truth = _labels(labels, len(values), classes)
    return Sounds(values, float(rate), words, truth, several)


def _named(array: np.ndarray, names: Sequence[str], labels: Any, classes: Sequence[str] | None) -> Table:
    """Raises: ValueError if it is no table, or the names are not as many as its columns."""
    table = array[None] if array.ndim == 1 else array
    if table.ndim != 2:
        raise ValueError(f"a table has rows and columns; this has the shape {tuple(array.shape)}")
    if isinstance(names, str) or len(names) != table.shape[1]:
        raise ValueError(f"there are {table.shape[1]} columns, but {len(names)} names: give one for each")
    words, truth = _labels(labels, len(table), classes)
    columns = tuple(np.asarray(column, np.float64) for column in table.T)
    missing = {str(name): int(np.isnan(column).sum()) for name, column in zip(names, columns, strict=True)}
    return Table(tuple(str(name) for name in names), columns, truth, words, missing)


def _frame(frame: Any, labels: Any, classes: Sequence[str] | None) -> Given:
    """A pandas DataFrame."""
    names, columns, missing = tuple(str(name) for name in frame.columns), [], {}
    for place, name in enumerate(names):
        column = frame.iloc[:, place]
        absent = column.isna().to_numpy()
        missing[name] = int(absent.sum())
        if getattr(column.dtype, "kind", "O") in "buif":
            columns.append(column.to_numpy(dtype=np.float64, na_value=np.nan))
        else:
            columns.append(["" if gone else str(value) for gone, value in zip(absent.tolist(), column.tolist(), strict=True)])
    shape = str(tuple(frame.shape))
    if not names or not len(frame):
        return Given(Nothing(), None, shape, "")
    words, truth = _labels(labels, len(frame), classes)
    texts = sum(isinstance(column, list) for column in columns)
    kinds = [counted(len(columns) - texts, "column") + " of numbers"] if texts < len(columns) else []
    kinds += [counted(texts, "column") + " of text"] if texts else []
    return Given(Table(names, tuple(columns), truth, words, missing), None, shape, ", ".join(kinds))


def _texts(texts: list[str], labels: Any, tokenizer: Any, classes: Sequence[str] | None) -> Given:
    """Texts, by a tokeniser, or else character by character with its number in Unicode.

    Raises: TypeError if the tokeniser is none.
    """
    if not any(texts):
        return Given(Nothing(), None, "(0,)", "")
    if tokenizer is None:
        ids = tuple(np.array([ord(sign) for sign in text], np.int64) for text in texts)
        pieces = tuple(tuple(text) for text in texts)
        known = unknown = None
    else:
        encode = getattr(tokenizer, "encode", None)
        if not callable(encode):
            raise TypeError(f"a tokeniser has `encode(text)`; this {type(tokenizer).__name__} has none")
        ids = tuple(np.array(getattr(encoded := encode(text), "ids", encoded), np.int64) for text in texts)
        pieces = tuple(tuple(_piece(tokenizer, token) for token in row.tolist()) for row in ids)
        known, unknown = _known(tokenizer), _unknown(tokenizer)
    words, _ = _labels(labels, len(texts), classes)
    lengths = sorted({len(row) for row in ids})
    span = f"{lengths[0]} to {lengths[-1]} tokens" if len(lengths) > 1 else counted(lengths[0], "token")
    shape = f"({lengths[0]},)" if len(texts) == 1 else f"{len(texts)} texts of {span}"
    return Given(Tokens(pieces, ids, words, known, unknown), None, shape, "int64")


def _ids(array: np.ndarray, labels: Any, tokenizer: Any, classes: Sequence[str] | None) -> Tokens:
    """Ids and the pieces that they stand for.

    Raises: ValueError if they are none, or beyond what the tokeniser knows.
    """
    if array.dtype.kind == "f" or array.ndim > 2:
        raise ValueError(f"ids are whole numbers of the shape (tokens,) or (texts, tokens); got {array.dtype} {tuple(array.shape)}")
    rows = array.reshape(1, -1) if array.ndim < 2 else array
    known = _known(tokenizer)
    if known is not None and (rows.min() < 0 or rows.max() >= known):
        raise ValueError(f"the ids run from {rows.min()} to {rows.max()}, but the tokeniser has {known:,}, 0 to {known - 1:,}: is it another's text?")
    words, _ = _labels(labels, len(rows), classes)
    pieces = tuple(tuple(_piece(tokenizer, token) for token in row) for row in rows.tolist())
    return Tokens(pieces, tuple(row.astype(np.int64) for row in rows), words, known, _unknown(tokenizer))


def _piece(tokenizer: Any, token: int) -> str:
    """The piece that an id stands for."""
    pieces = getattr(tokenizer, "pieces", None)
    if pieces is not None and 0 <= token < len(pieces):
        return str(pieces[token])
    return str(tokenizer.decode([token])) if callable(getattr(tokenizer, "decode", None)) else "?"


def _known(tokenizer: Any) -> int | None:
    return len(tokenizer) if hasattr(type(tokenizer), "__len__") else None


def _unknown(tokenizer: Any) -> int | None:
    """The id of what is not known, where the tokeniser has a piece for it."""
    pieces = list(getattr(tokenizer, "pieces", ()))
    return pieces.index("⟨unknown⟩") if "⟨unknown⟩" in pieces else None
