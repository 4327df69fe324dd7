"""What was seen of one step beside the layers: the batch, the output, the loss and the gradients as a whole.

Small samples as NumPy arrays, so that who looks at them later holds no part of the training.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import SAMPLE, Layer, first_tensor, values_of

ROWS = 64  # rows of the output that are kept
CELLS = 16_384  # numbers of the output that are kept at most
CHECKED_UNTIL = 8  # steps in which it is tried what the loss is

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)
# Modules that do something else in training than in use.
MODAL = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, nn.RReLU)


@dataclass
class Entered:
    """What came into the first layer that has weights: the data, after all that the model does to it before.

    layer: its name; normalises: whether it brings its input to unit scale itself, or looks numbers up.
    values: a sample, (N,) float64.
    """

    layer: str
    normalises: bool
    values: np.ndarray


@dataclass
class Observation:
    """One observed step.

    training: False if every module was in eval mode although that matters for one of them.
    output: (N, C) float32, a sample of the rows of the output if that is a tensor; target: the same rows of it.
    output_shape, target_shape: of the whole; empty if it is no tensor.
    kind: "cross-entropy" if the loss is that of these outputs and targets; "softmax twice" or "sigmoid twice" if it
        is applied to what are probabilities already; "squares" if it is the mean of the squared difference;
        "" if not known.
    cosine: between this step's gradient and that of the step before; growth: the size of their difference relative to
        this one. stale: whether the step before's was still there when this one was added. gradient: the norm of all.
    order: the layers as they were called; calls: how often.
    """

    step: int
    examples: int = 0
    training: bool = True
    input_dtype: str = ""
    entered: Entered | None = None
    loss: float = math.nan
    kind: str = ""
    output: np.ndarray | None = None
    output_shape: tuple[int, ...] = ()
    target: np.ndarray | None = None
    target_shape: tuple[int, ...] = ()
    target_dtype: str = ""
    stale: bool = False
    cosine: float = math.nan
    growth: float = math.nan
    gradient: float = math.nan
    order: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    _target: Any = None
    _loss: Tensor | None = None
    _possible: dict[str, Any] = field(default_factory=dict)

    def enter(self, layer: Layer, tensor: Tensor) -> None:
        """Keep what came into the first layer with weights."""
        looks_up = not tensor.is_floating_point() or isinstance(layer.module, (nn.Embedding, nn.EmbeddingBag))
        values = np.zeros(0)
        if not looks_up:
            flat = values_of(tensor)
            values = flat[:: -(-flat.numel() // SAMPLE)].cpu().double().numpy()
        self.entered = Entered(layer.name, looks_up or isinstance(layer.module, _NORMS), values)

    def finish(self, gradient: np.ndarray, earlier: np.ndarray, weights: np.ndarray) -> None:
        """Compare the gradient with an earlier one; both (R, SAMPLE), each element standing for `weights` (R,)."""
        loss = math.nan if self._loss is None else self._loss.item()
        self._loss = self._target = None
        self._possible = {kind: value.item() for kind, value in self._possible.items()}
        self.settle(loss)
        n = len(weights)
        g, e = gradient[:n].astype(np.float64), earlier[:n].astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            products = [float(weights @ np.einsum("ij,ij->i", a, b)) for a, b in ((g, g), (e, e), (g, e))]
        gg, ee, ge = products
        if gg > 0 and ee > 0 and math.isfinite(gg + ee):
            self.cosine = ge / math.sqrt(gg * ee)
            self.growth = math.sqrt(max(0.0, gg + ee - 2 * ge) / gg)

    def settle(self, loss: float) -> None:
        """Say what the loss was, and so which of the likely ones it is. In a hand-written loop that comes later."""
        self.loss = loss
        for kind, value in self._possible.items():
            if math.isclose(value, loss, rel_tol=1e-4, abs_tol=1e-6):
                self.kind = kind


def is_training(model: nn.Module) -> bool:
    """False if every module is in eval mode although that matters for one of them."""
    if model.training:
        return True
    modules = list(model.modules())
    return any(module.training for module in modules) or not any(
        isinstance(module, MODAL) or (isinstance(module, nn.RNNBase) and module.dropout > 0) for module in modules
    )


def look_at_batch(step: int, inputs: list[Any], target: Any) -> Observation:
    """Begin an observation with what is known before the forward pass."""
    first = first_tensor(inputs)
    seen = Observation(step)
    if first is not None:
        seen.examples = len(first) if first.ndim else 1
        seen.input_dtype = str(first.dtype)
    seen._target = target
    return seen


@torch.no_grad()
def look_at_output(seen: Observation, output: Any, loss: Tensor) -> None:
    """Add what is known after the forward pass."""
    seen._loss = loss.detach()
    target = seen._target if isinstance(seen._target, Tensor) else None
    if target is not None:
        seen.target_shape, seen.target_dtype = tuple(target.shape), str(target.dtype)
    if not isinstance(output, Tensor) or not output.ndim or not output.numel():
        return
    sigmoid = _is_from_sigmoid(output)
    output = output.detach()
    seen.output_shape = tuple(output.shape)
    if not output.is_floating_point():
        return
    rows, labels = as_rows(output, target)
    step = max(1, len(rows) // max(1, min(ROWS, CELLS // max(1, rows.shape[1]))))
    seen.output = rows[::step].float().cpu().numpy().copy()
    if labels is not None and len(labels) == len(rows):
        seen.target = labels[::step].cpu().numpy().copy()
    if target is not None and (seen.step <= CHECKED_UNTIL or _are_probabilities(seen.output)):
        seen._possible = _possible_losses(rows, labels, output, target, seen.output, sigmoid)


def as_rows(output: Tensor, target: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The output as (N, C), and the class numbers (N,) or values (N, …) that belong to the rows, if they fit.

    A language model's (B, T, C) with targets (B, T) or (B·T,) has one row a position; so have maps (N, C, H, W) with
    targets (N, H, W).
    """
    if output.ndim == 1:
        return output[:, None], None if target is None else target.reshape(len(target), -1) if target.ndim else None
    classes = target is not None and not target.is_floating_point()
    if classes and target is not None and target.shape == output.shape[:1] + output.shape[2:]:
        return output.movedim(1, -1).reshape(-1, output.shape[1]), target.reshape(-1)
    if classes and target is not None and target.numel() * output.shape[-1] == output.numel():
        return output.reshape(-1, output.shape[-1]), target.reshape(-1)
    return output.reshape(len(output), -1), None if target is None or not target.ndim else target.reshape(
        len(target), -1
    )


def _is_from_sigmoid(output: Tensor) -> bool:
    """Whether the last thing done was a sigmoid, but for changes of the shape. Small logits look like probabilities too."""
    made_by: Any = output.grad_fn
    for _ in range(3):
        if made_by is None or not any(word in made_by.name() for word in ("View", "Squeeze", "Reshape", "Select")):
            break
        made_by = next((before for before, _ in made_by.next_functions if before is not None), None)
    return made_by is not None and made_by.name().startswith("SigmoidBackward")


def _are_probabilities(rows: np.ndarray) -> bool:
    return bool((rows >= 0).all() and (rows <= 1).all())


def _possible_losses(
    rows: Tensor, labels: Tensor | None, output: Tensor, target: Tensor, sample: np.ndarray, sigmoid: bool
) -> dict[str, Tensor]:
    """What the loss would be if it were each of the likely ones."""
    if labels is not None and labels.ndim == 1 and labels.dtype == torch.int64 and rows.shape[1] > 1:
        counted = labels[labels != -100]
        if not len(counted) or int(counted.min()) < 0 or int(counted.max()) >= rows.shape[1]:
            return {}
        sums_to_one = np.abs(sample.sum(1) - 1).max() < 1e-3
        twice = _are_probabilities(sample) and sums_to_one
        return {"softmax twice" if twice else "cross-entropy": F.cross_entropy(rows, labels)}
    if not target.is_floating_point() or target.shape != output.shape:
        return {}
    if sigmoid:
        return {
            "sigmoid twice": F.binary_cross_entropy_with_logits(output, target),
            "squares": F.mse_loss(output, target),
        }
    return {"squares": F.mse_loss(output, target)}
