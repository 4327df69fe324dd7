"""What a model answers on a split, example by example: its predictions and the loss of each.

A split is read a batch at a time, so that whoever reads it between two steps holds the training up for a moment only.
What kind of answers they are (one class, several labels, numbers, or something else) is read off the data itself.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...task import Batches, Loss, Task, reader
from ..evaluate import to_device

Kind = Literal["classes", "labels", "numbers", "losses"]
# Losses that say at once what each example's own is.
SIMPLE: tuple[Any, ...] = (F.cross_entropy, F.mse_loss, F.l1_loss, F.binary_cross_entropy_with_logits)
CLOSE = 1e-3  # relative: two ways to compute one loss agree so far


@dataclass(frozen=True)
class Answers:
    """What a model said of the N examples of a split.

    kind: "classes", one of C classes: truth and said (N,) int64 (-1 where there is no label, or no answer as the
            output is not finite), probabilities (N, C) float32;
        "labels", any of C labels: truth and said (N, C) bool, probabilities (N, C);
        "numbers", a regression of D numbers: truth and said (N, D) float32;
        "losses": none of these; only the losses are known.
    losses: (N,) float32, NaN where there is none.
    whole_batches: the loss cannot be computed for one example, so that an "example" is a batch here.
    notice: what went wrong while the split was read, or an empty text.
    """

    kind: Kind
    losses: np.ndarray
    truth: np.ndarray | None = None
    said: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    whole_batches: bool = False
    notice: str = ""

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def right(self) -> np.ndarray | None:
        """(N,) bool: which examples are answered rightly, all their labels together; None for numbers and losses."""
        if self.kind == "classes":
            assert self.truth is not None and self.said is not None
            return (self.said == self.truth) & (self.truth >= 0)
        if self.kind == "labels":
            assert self.truth is not None and self.said is not None
            return (self.said == self.truth).all(axis=1) & self.finite
        return None

    @property
    def finite(self) -> np.ndarray:
        """(N,) bool: which outputs are finite numbers."""
        outputs = self.said if self.probabilities is None else self.probabilities
        return np.ones(len(self), bool) if outputs is None else np.isfinite(outputs).all(axis=1)


class Reading:
    """One pass through a split, in its own order and without augmentation.

    on_inputs: called with the number of the first example and the inputs of each batch.

    Raises: ValueError if the task has no such split.
    """

    def __init__(self, task: Task, split: str, on_inputs: Callable[[int, list[Any]], None] | None = None) -> None:
        self.task = task
        self.batches = in_order(task.split(split))
        self.position = 0
        self.starts = [0]  # the number of the first example of each batch, and of what comes next
        self._on_inputs = on_inputs
        self._losses: list[np.ndarray] = []
        self._outputs: list[Tensor] | None = []
        self._targets: list[Tensor] = []
        self._agrees: set[str] = set()
        self._whole_batches = False
        self._notice = ""

    @property
    def done(self) -> bool:
        """Whether all batches have been read."""
        return self.position >= len(self.batches)

    @staticmethod
    def size_of(batch: tuple[Any, ...]) -> int:
        """How many examples a batch holds; one batch counts as one example where it does not say."""
        return examples_in(batch[-1]) or examples_in(list(batch[:-1])) or 1

    def read(self, model: nn.Module) -> None:
        """Read one batch. model: in eval mode, no gradients."""
        batch = load(self.batches, self.position)
        *inputs, target = to_device(batch, device_of(model))
        output = model(*inputs)
        size = self.size_of(batch)
        losses, whole = self._measure(output, target, size)
        if self._outputs == [] and self.position == 0:
            self._agrees = _agreeing(output, target, self.task.loss)
        self._keep(output, target, size)
        if self._on_inputs is not None:
            self._on_inputs(self.starts[-1], list(batch[:-1]))
        if whole != self._whole_batches and self.position:
            # Some batches could be taken apart and this one not, or the other way round: all are counted as wholes.
            self._losses = [part.mean(keepdims=True) for part in self._losses]
            losses = losses.mean(keepdims=True)
            whole = True
        self._whole_batches |= whole
        self._losses.append(losses)
        self.starts.append(self.starts[-1] + size)
        self.position += 1

    def answers(self) -> Answers:
        """What has been read."""
        losses = np.concatenate(self._losses) if self._losses else np.zeros(0, np.float32)
        rest = {"whole_batches": self._whole_batches, "notice": self._notice}
        if self._whole_batches or not self._outputs:
            return Answers("losses", losses, classes=self.task.classes, **rest)  # type: ignore[arg-type]
        try:
            output, target = torch.cat(self._outputs), torch.cat(self._targets)
        except RuntimeError:  # batches of different shapes, as of sentences padded each to its own length
            return Answers("losses", losses, classes=self.task.classes, **rest)  # type: ignore[arg-type]
        kind, truth, said, probabilities = _told_apart(output, target, self._agrees)
        count = 0 if probabilities is None else probabilities.shape[1]
        names = class_names(self.task.classes, count)
        return Answers(kind, losses, truth, said, probabilities, names, **rest)  # type: ignore[arg-type]

    def _measure(self, output: Any, target: Any, size: int) -> tuple[np.ndarray, bool]:
        try:
            losses = example_losses(self.task.loss, output, target, size)
            return losses.float().cpu().numpy(), False
        except Exception:  # a loss that needs more than one example at a time
            try:
                whole = self.task.loss(output, target).float().reshape(-1).mean()
                return whole.cpu().numpy().reshape(1), True
            except Exception as error:
                self._notice = f"the loss cannot be computed: {type(error).__name__}: {str(error)[:300]}"
                return np.full(size, np.nan, np.float32), False

    def _keep(self, output: Any, target: Any, size: int) -> None:
        fits = (
            self._outputs is not None
            and isinstance(output, Tensor)
            and isinstance(target, Tensor)
            and output.is_floating_point()
            and 1 <= output.ndim <= 2
            and len(output) == len(target) == size
        )
        if not fits:
            self._outputs = None  # as of a language model: too large to keep, and no classification
        elif self._outputs is not None:
            self._outputs.append(output.float().cpu())
            self._targets.append(target.cpu())


def in_order(batches: Batches) -> Batches:
    """A reader of its own over the same examples, unshuffled and without augmentation where it is known how.

    A reader of its own, since one that remembers its place would have to find it again for the training.
    """
    plain = reader(batches)
    if hasattr(plain, "shuffle") and hasattr(plain, "augment"):
        plain = copy.copy(plain)
        plain.shuffle, plain.augment = False, None
    return plain


def load(batches: Batches, position: int) -> tuple[Any, ...]:
    """A batch as it is each time: a data set that draws at random draws the same again."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(position)
        return batches.batch(0, 0, position)


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are; the CPU for a model without any."""
    parameter = next(model.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


def examples_in(part: Any) -> int:
    """How many examples a part of a batch holds; 0 if it does not say."""
    if isinstance(part, Tensor):
        return len(part) if part.ndim else 0
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, (tuple, list)):
        return next(filter(None, map(examples_in, part)), 0)
    return 0


def one(part: Any, index: int) -> Any:
    """Example number `index` of a part of a batch, still with its batch dimension."""
    if isinstance(part, Tensor):
        return part[index : index + 1] if part.ndim else part
    if isinstance(part, dict):
        return {key: one(value, index) for key, value in part.items()}
    if isinstance(part, (tuple, list)):
        return type(part)([one(value, index) for value in part])
    return part


def example_losses(loss: Loss, output: Any, target: Any, size: int) -> Tensor:
    """(size,) what the loss gives for each example alone.

    Raises: what the loss raises for a batch of one; ValueError if that is no scalar.
    """
    if isinstance(output, Tensor) and isinstance(target, Tensor):
        if loss in SIMPLE and output.ndim <= 2 and (output.shape == target.shape or loss is F.cross_entropy):
            found = loss(output, target, reduction="none")  # type: ignore[call-arg]
            return found.reshape(size, -1).mean(dim=1)
        try:
            found = torch.func.vmap(lambda o, t: loss(o[None], t[None]))(output, target)
            if found.shape == (size,):
                return found
        except Exception:  # noqa: S110  (a loss that looks at values, or draws: one after the other then)
            pass
    found = torch.stack([torch.as_tensor(loss(one(output, i), one(target, i))).float() for i in range(size)])
    if found.ndim != 1:
        raise ValueError("the loss of one example is no scalar")
    return found


def class_names(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """A name for each class: the task's where they fit, else their numbers."""
    if len(names) == count:
        return tuple(map(str, names))
    return (f"not {names[0]}", str(names[0])) if count == 2 and len(names) == 1 else tuple(map(str, range(count)))


def _agreeing(output: Any, target: Any, loss: Loss) -> set[str]:
    """Which well-known losses give what the task's own gives: that tells what its outputs mean."""
    candidates: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "cross_entropy": F.cross_entropy,
        "sigmoid": F.binary_cross_entropy_with_logits,
        "probability": F.binary_cross_entropy,
        "square": F.mse_loss,
    }
    found: set[str] = set()
    if not isinstance(output, Tensor) or not isinstance(target, Tensor) or output.numel() != target.numel():
        return found
    try:
        value = float(loss(output, target))
        output, target = output.float().reshape(len(output), -1), target.float().reshape(len(output), -1)
    except Exception:
        return found  # where the loss cannot be asked the kind of answers stays unknown, and losses alone are shown
    for name, candidate in candidates.items():
        try:
            if abs(float(candidate(output, target)) - value) <= CLOSE * max(abs(value), CLOSE):
                found.add(name)
        except Exception:  # noqa: S112  (shapes or values that this loss does not take: not this one)
            continue
    return found


Told = tuple[Kind, np.ndarray | None, np.ndarray | None, np.ndarray | None]


def _told_apart(output: Tensor, target: Tensor, agrees: set[str]) -> Told:
    """The kind of answers, the truth, what was said, and probabilities, from outputs (N, …) and targets (N, …)."""
    whole = not target.is_floating_point()
    if whole and target.ndim == 1 and output.ndim == 2 and output.shape[1] > 1:
        shares = output if _are_shares(output) else output.softmax(dim=1)
        labelled = (target >= 0) & (target < output.shape[1])  # others are to be ignored, such as -100
        return _classes(torch.where(labelled, target.long(), -1), shares)
    if target.numel() != output.numel():
        return "losses", None, None, None
    said, truth = output.reshape(len(output), -1), target.reshape(len(target), -1).float()
    columns = said.shape[1]
    yes_or_no = bool(((truth == 0) | (truth == 1)).all())
    shares = _yes_shares(said, agrees)
    if columns > 1 and bool((truth >= 0).all()) and bool(((truth.sum(dim=1) - 1).abs() < CLOSE).all()):
        if yes_or_no or "cross_entropy" in agrees:
            shares = said.softmax(dim=1) if "cross_entropy" in agrees and not _are_shares(said) else shares
            return _classes(truth.argmax(dim=1), shares)
    if yes_or_no and columns > 1:
        return "labels", truth.bool().numpy(), (shares >= 0.5).numpy(), shares.numpy()
    if yes_or_no and (whole or agrees & {"sigmoid", "probability"}):
        return _classes(truth[:, 0].long(), torch.cat([1 - shares, shares], dim=1))
    return "numbers", truth.numpy(), said.numpy(), None


def _classes(truth: Tensor, shares: Tensor) -> Told:
    finite = shares.isfinite().all(dim=1)
    said = torch.where(finite, shares.nan_to_num(0.0).argmax(dim=1), -1)
    return "classes", truth.numpy(), said.numpy(), shares.float().numpy()


def _are_shares(output: Tensor) -> bool:
    """Whether the outputs are probabilities already, as after a softmax in the model."""
    finite = output[output.isfinite().all(dim=1)]
    return len(finite) > 0 and bool((finite >= 0).all()) and bool(((finite.sum(dim=1) - 1).abs() < CLOSE).all())


def _yes_shares(output: Tensor, agrees: set[str]) -> Tensor:
    """A probability for each yes-or-no output."""
    if "sigmoid" in agrees:
        return output.sigmoid()
    finite = output[output.isfinite()]
    if "square" in agrees or (len(finite) and bool(((finite >= 0) & (finite <= 1)).all())):
        return output.clamp(0, 1)
    return output.sigmoid()
