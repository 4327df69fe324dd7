"""What `dl.xray` asks a model: one look, reduced at once to the little that a browser can show."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..explain.layouts import batch_size
from ..explain.pictures import Picture, Thumbnail, shrink
from ..explain.recorder import Activity, Loss
from ..explain.surgery import Off, can_reinitialise
from ..explain.weights import histogram, sample_weights
from ..explain.xray import Look, look, usual_accuracy, usual_loss

EXAMPLES = 64  # of a run's batch that are looked at
THUMBNAILS = 24_000  # bytes of all thumbnails together
CELLS = 2_304  # values of the larger view
LONGEST = 256  # values along one side of it
OVERVIEW = 8_000  # bytes of the small maps of all channels
CHANNELS = 128  # channels in the overview
PEAKS = 1_024  # units that are told one by one
ANSWERS = 64  # values of the model's answer


@dataclass
class Batch:
    """The examples that the model is shown, and how its answer is judged."""

    x: Any
    y: Any = None
    loss: Loss | None = None
    metrics: Mapping[str, Callable[[Any, Any], float]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.x, self.y = _as_tensors(self.x), _as_tensors(self.y)
        if self.y is not None and self.loss is None:
            self.loss = usual_loss
        is_classes = isinstance(self.y, Tensor) and not self.y.is_floating_point()
        if is_classes and not self.metrics and self.loss is usual_loss:
            self.metrics = {"accuracy": usual_accuracy}

    @property
    def size(self) -> int:
        """How many examples it holds."""
        return batch_size(self.x) or 1

    def first(self, count: int) -> "Batch":
        """Its first examples."""
        size = self.size
        x, y = _cut(self.x, size, count), _cut(self.y, size, count)
        return Batch(x, y, self.loss, self.metrics, self.classes)

    def on(self, model: nn.Module) -> "Batch":
        """The batch where the model is, in its precision."""
        parameter = next(model.parameters(), None)
        if parameter is None:
            return self
        dtype = parameter.dtype if parameter.is_floating_point() else None
        x, y = _moved(self.x, parameter.device, dtype), _moved(self.y, parameter.device, None)
        return Batch(x, y, self.loss, self.metrics, self.classes)


@dataclass(frozen=True)
class Order:
    """What is to be seen: thumbnails of `paths`, and one of them (`chosen`) in larger."""

    paths: Sequence[str]
    chosen: str | None
    unit: int | None
    example: int
    calls: Mapping[str, int]
    off: Sequence[Off]


@dataclass
class Detail:
    """The larger view of one layer.

    values: (h, w) float32: one channel, or all of a vector or a sequence; gradient: the same of the gradient.
    height, width: how large it is before it was averaged down. overview: small maps of the channels.
    """

    path: str
    kind: str
    values: np.ndarray
    height: int
    width: int
    gradient: np.ndarray | None
    overview: Thumbnail | None
    peaks: np.ndarray
    unit: int | None
    counts: np.ndarray
    weights: tuple[float, float, int, int]
    can_reinitialise: bool


@dataclass
class Sight:
    """The answer of a model to one look, on the CPU and small."""

    activities: dict[str, Activity]
    thumbnails: dict[str, Thumbnail]
    gradients: dict[str, Thumbnail]
    samples: dict[str, Tensor]
    detail: Detail | None
    measures: dict[str, float]
    measures_before: dict[str, float] | None
    answer: np.ndarray | None
    answer_before: np.ndarray | None
    truth: int | None
    changed: int | None
    difference: float | None
    example: int
    examples: int
    problems: list[str]
    seconds: float


def see(model: nn.Module, batch: Batch, order: Order) -> Sight:
    """Look at a model, in the mode it is in. Raises: LookError if the model raises."""
    begin = time.perf_counter()
    batch = batch.on(model)
    example = min(order.example, batch.size - 1)
    paths = [path for path in order.paths if _has(model, path)]
    found = look(
        model, batch.x, paths, example=example, calls=order.calls, target=batch.y, loss=batch.loss,
        metrics=batch.metrics, off=[part for part in order.off if _has(model, part.path)],
    )  # fmt: skip
    detail = None
    if order.chosen in paths and order.chosen is not None:
        detail = _detail(
            model.get_submodule(order.chosen), order.chosen, found.activities.get(order.chosen), order.unit
        )
    with_gradients = any(activity.gradient is not None for activity in found.activities.values())
    pixels = min(2_048, max(64, THUMBNAILS // (max(1, len(paths)) * (1 + with_gradients))))
    thumbnails, gradients = {}, {}
    for path, activity in found.activities.items():
        if activity.picture is not None:
            thumbnails[path] = activity.picture.thumbnail(pixels)
        if activity.gradient is not None:
            gradients[path] = activity.gradient.thumbnail(pixels)
    for activity in found.activities.values():  # the pictures may be large and have been reduced
        activity.picture = activity.gradient = None
    samples = {path: sample_weights(model.get_submodule(path)) for path in paths}
    answer, before = _one_answer(found.answer, batch.size, example), _one_answer(found.before, batch.size, example)
    return Sight(
        found.activities, thumbnails, gradients, samples, detail, found.measures, found.measures_before, answer, before,
        _truth(batch.y, example), *_difference(found), example, batch.size, found.problems, time.perf_counter() - begin,
    )  # fmt: skip


def _detail(module: nn.Module, path: str, activity: Activity | None, unit: int | None) -> Detail:
    counts, low, high, counted, total = histogram(module)
    picture = None if activity is None else activity.picture
    peaks = np.zeros(0, np.float32) if activity is None else activity.peaks[:PEAKS].numpy()
    detail = Detail(
        path, "none", np.zeros((0, 0), np.float32), 0, 0, None, None, peaks, unit, counts.numpy(),
        (low, high, counted, total), can_reinitialise(module),
    )  # fmt: skip
    if activity is None or picture is None:
        return detail
    maps = picture.kind == "maps"
    if maps:
        detail.unit = unit = min(unit or 0, len(picture.values) - 1)
    elif unit is not None:
        detail.unit = min(unit, activity.units - 1)
    shown = picture.values[unit if maps and unit is not None else 0]
    height, width = _larger(*shown.shape)
    detail.kind, (detail.height, detail.width) = picture.kind, shown.shape
    detail.values = shrink(shown[None], height, width)[0].numpy()
    if activity.gradient is not None:
        gradient = activity.gradient.values[unit if maps and unit is not None else 0]
        detail.gradient = shrink(gradient[None], height, width)[0].numpy()
    if maps:
        count = min(CHANNELS, len(picture.values))
        side = max(2, min(16, int((OVERVIEW / count) ** 0.5)))
        detail.overview = Picture(picture.values[:count], "maps").overview(side)
    return detail


def _larger(height: int, width: int) -> tuple[int, int]:
    """The size of the larger view of a map: as it is if that is small enough."""
    if height == 1:
        return 1, min(width, CELLS)
    height, width = min(height, LONGEST), min(width, LONGEST)
    while height * width > CELLS:
        height, width = (height, max(1, width * 9 // 10)) if width >= height else (max(1, height * 9 // 10), width)
    return height, width


def _one_answer(answer: Any, size: int, example: int) -> np.ndarray | None:
    """The answer for one example, where it is a short vector."""
    if not isinstance(answer, Tensor) or answer.ndim != 2 or len(answer) != size or answer.is_complex():
        return None
    return answer[example, :ANSWERS].float().cpu().numpy() if answer.shape[1] <= ANSWERS else None


def _truth(y: Any, example: int) -> int | None:
    if isinstance(y, Tensor) and y.ndim == 1 and not y.is_floating_point() and example < len(y):
        return int(y[example])
    return None


def _difference(found: Look) -> tuple[int | None, float | None]:
    """For how many examples the most likely class is another than before, and how far the answer moved."""
    now, before = found.answer, found.before
    if not isinstance(now, Tensor) or not isinstance(before, Tensor) or now.shape != before.shape:
        return None, None
    changed = None
    if now.ndim == 2 and now.shape[1] > 1 and not now.is_complex():
        changed = int((now.argmax(1) != before.argmax(1)).sum())
    size = before.double().norm().item() if not before.is_complex() else 0.0
    moved = (now.double() - before.double()).norm().item() if size else 0.0
    return changed, moved / size if size else None


def _has(model: nn.Module, path: str) -> bool:
    """Whether a layer is there still."""
    try:
        model.get_submodule(path)
    except AttributeError:
        return False
    return True


def _as_tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, Mapping):
        return {key: _as_tensors(part) for key, part in value.items()}
    return tuple(map(_as_tensors, value)) if type(value) in (list, tuple) else value


def _cut(value: Any, size: int, count: int) -> Any:
    if isinstance(value, Tensor):
        return value[:count] if value.ndim and len(value) == size else value
    if isinstance(value, Mapping):
        return {key: _cut(part, size, count) for key, part in value.items()}
    return tuple(_cut(part, size, count) for part in value) if type(value) in (list, tuple) else value


def _moved(value: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, dtype if dtype is not None and value.is_floating_point() else value.dtype)
    if isinstance(value, Mapping):
        return {key: _moved(part, device, dtype) for key, part in value.items()}
    return tuple(_moved(part, device, dtype) for part in value) if type(value) in (list, tuple) else value
