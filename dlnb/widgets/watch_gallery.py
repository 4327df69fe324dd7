"""The part of the dashboard's frames that shows examples and what a model says of them: previews as columns and texts."""

from typing import Any

import numpy as np

from ..preview import Boxes, Captioned, Forecasts, Images, Masks, Preview, Texts
from .base import Message

LONGEST_TEXT = 2_000  # characters of a text that are sent


def gallery(shown: Preview, columns: dict[str, np.ndarray], with_examples: bool) -> Message:
    """What to say of a preview; adds its columns. The examples and what is true of them travel once."""
    if isinstance(shown, Texts):
        return _texts(shown, columns, with_examples)
    if isinstance(shown, Forecasts):
        return _forecasts(shown, columns, with_examples)
    if isinstance(shown, Captioned):
        return _captioned(shown, columns, with_examples)
    return _pictures(shown, columns, with_examples)


def examples_of(shown: Preview) -> object:
    """That in which a preview is the same as another: what is shown to the model."""
    if isinstance(shown, Texts):
        return shown.read
    return shown.past if isinstance(shown, Forecasts) else shown.pixels


def _pictures(shown: Images | Boxes | Masks, columns: dict[str, np.ndarray], with_examples: bool) -> Message:
    once: dict[str, Any] = {"pixels": shown.pixels, "truth": shown.truth}
    if isinstance(shown, Images):
        kind, each = "images", {"scores": shown.scores}
    elif isinstance(shown, Boxes):
        kind, each = "boxes", {"found": shown.found, "foundLabels": shown.found_labels, "scores": shown.scores}
        once["trueLabels"] = shown.true_labels
    else:
        kind, each = "masks", {"said": shown.said}
    _send({**once, **each} if with_examples else each, columns)
    return {"kind": kind, **_shape(shown.pixels), "classes": [str(name) for name in shown.classes]}


def _captioned(shown: Captioned, columns: dict[str, np.ndarray], with_examples: bool) -> Message:
    right = None if shown.right is None else shown.right.astype(np.uint8)
    _send({"pixels": shown.pixels, "right": right} if with_examples else {"right": right}, columns)
    message: Message = {"kind": "captioned", **_shape(shown.pixels), "said": _sendable(shown.said)}
    return message | ({"truth": _sendable(shown.truth)} if with_examples else {})


def _forecasts(shown: Forecasts, columns: dict[str, np.ndarray], with_examples: bool) -> Message:
    once: dict[str, Any] = {"past": shown.past, "truth": shown.truth}
    each: dict[str, Any] = {"said": shown.said, "low": shown.low, "high": shown.high}
    sent = {**once, **each} if with_examples else each
    _send({name: None if column is None else column.astype(np.float32) for name, column in sent.items()}, columns)
    ahead = next((column.shape[1] for column in (shown.truth, shown.said) if column is not None), 0)
    count, behind = shown.past.shape
    return {"kind": "forecasts", "count": count, "behind": behind, "ahead": ahead, "unit": shown.unit, "step": shown.step}


def _texts(shown: Texts, columns: dict[str, np.ndarray], with_examples: bool) -> Message:
    _send({"right": None if shown.right is None else shown.right.astype(np.uint8), "scores": shown.scores}, columns)
    message: Message = {"kind": "texts", "count": len(shown.read), "said": _sendable(shown.said)}
    return message | ({"read": _sendable(shown.read), "truth": _sendable(shown.truth)} if with_examples else {})


def _send(sent: dict[str, Any], columns: dict[str, np.ndarray]) -> None:
    columns.update({f"gallery/{name}": column.reshape(-1) for name, column in sent.items() if column is not None})


def _shape(pixels: np.ndarray) -> Message:
    count, height, width = pixels.shape[:3]
    return {"count": count, "height": height, "width": width, "channels": pixels.shape[3] if pixels.ndim == 4 else 1}


def _sendable(texts: tuple[str, ...] | None) -> list[str] | None:
    """As they can be sent: not endless, and without halves of characters, which no encoding knows."""
    if texts is None:
        return None
    short = [text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…" for text in texts]
    return [text.encode("utf-8", "replace").decode() for text in short]
