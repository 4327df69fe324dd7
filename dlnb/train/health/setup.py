"""Rules about how model, loss and optimiser were put together."""

import math
from typing import Any

import numpy as np
from torch import nn

from .finding import Context, Finding, Remedy, evidence, names, rule

SOON = 64  # steps in which the first loss is spoken of


@rule("not_in_optimizer", "start")
def not_in_optimizer(context: Context) -> Finding | None:
    """Parameters that are to be trained, but that no optimiser holds."""
    held = {id(p) for optimizer in context.optimizers for group in optimizer.param_groups for p in group["params"]}
    left = [name for name, p in context.model.named_parameters() if p.requires_grad and id(p) not in held]
    if not left:
        return None
    layers = list(dict.fromkeys(name.rpartition(".")[0] or name for name in left))
    count = len(left)
    return Finding(
        "not_in_optimizer",
        "warn",
        f"{count} {'parameter is' if count == 1 else 'parameters are'} not in the optimiser, so {names(layers)} will never "
        "learn. Was the optimiser made before the layer was, or for another model?",
        context.steps,
        layers[0],
        evidence("", {}, count=count, parameters=", ".join(left[:50])),
        Remedy(
            "make the optimiser after the whole model, from model.parameters(); or, if the layer is to stay as it is, "
            "layer.requires_grad_(False)"
        ),
    )


@rule("batch_norm", "start")
def batch_norm(context: Context) -> Finding | None:
    """Batch normalisation over a single example."""
    norms = [
        (name, module)
        for name, module in context.model.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        and any(p.requires_grad for p in context.model.parameters())
    ]
    size, examples = _batch_size(context)
    if not norms or not size:
        return None
    last = examples % size if examples else 0
    if size != 1 and not (last == 1 and any(isinstance(module, nn.BatchNorm1d) for _, module in norms)):
        return None
    name = norms[0][0]
    if size == 1:
        sentence = (
            f"`{name}` normalises over the batch, but each batch holds 1 example: what it learns is that one example's own "
            "mean and size, and in use it behaves otherwise."
        )
        remedy = Remedy("a batch size of 8 or more, or nn.GroupNorm or nn.LayerNorm instead", {"batch_size": 16})
    else:
        sentence = (
            f"The last batch of an epoch holds 1 example ({examples} in batches of {size}), over which `{name}` cannot "
            "normalise: the training will stop there with an error."
        )
        remedy = Remedy(
            "another batch size, or drop_last=True in the DataLoader",
            {"batch_size": _without_rest_of_one(examples, size)},
        )
    if not hasattr(context.task.train, "cut"):
        remedy = Remedy(remedy.words)
    return Finding("batch_norm", "warn", sentence, context.steps, name, evidence("", {}, batch=size, last=last), remedy)


@rule("eval_mode", "observation", patience=2, grace=1)
def eval_mode(context: Context) -> Finding | None:
    """It trains with every module in eval mode, and for some that matters."""
    if context.seen.training:
        return None
    kinds = sorted({type(module).__name__ for module in context.model.modules() if _is_modal(module)})
    return Finding(
        "eval_mode",
        "warn",
        f"It trains in eval mode: {' and '.join(kinds)} {'does' if len(kinds) == 1 else 'do'} what "
        f"{'it does' if len(kinds) == 1 else 'they do'} in use, not what helps to learn. Something called model.eval().",
        context.steps,
        None,
        evidence("", {}, modules=", ".join(kinds)),
        Remedy("call model.train() before the training steps, after each evaluation"),
    )


@rule("initial_loss", "observation")
def initial_loss(context: Context) -> Finding | None:
    """A fresh classifier is far worse than one that says that every class is as likely."""
    first = context.first
    if first is None or first.kind != "cross-entropy" or len(first.output_shape) < 2 or first.step > 4:
        return None
    if context.steps > SOON and "initial_loss" not in context.present:
        return None
    assert first.output is not None
    chance = math.log(first.output.shape[1])
    losses = context.column("loss")[1]
    if not len(losses):
        return None
    # A single example is often worse than chance: of small batches, several are taken together.
    begin = float(np.mean(losses[: max(1, -(-32 // max(1, first.examples)))]))
    if begin < chance + max(1.5, 0.5 * chance) or np.median(losses[-10:]) < chance:
        return None
    spread = float(first.output.std())
    return Finding(
        "initial_loss",
        "note",
        f"A fresh {first.output.shape[1]}-class model should start near {chance:.3f}, as if it guessed; yours started at "
        f"{begin:.3g}. Its outputs are too large (about ±{spread:.2g}), so the first steps only undo that.",
        context.steps,
        None,
        evidence("step", {"step": context.column("loss")[0][:200], "loss": losses[:200]}, chance=chance, begin=begin),
        Remedy(
            "smaller first weights in the last layer (such as nn.init.normal_(layer.weight, std=0.02)), inputs of unit "
            "scale, or normalisation inside"
        ),
    )


@rule("softmax_twice", "observation", patience=2, grace=2)
def softmax_twice(context: Context) -> Finding | None:
    """The loss applies softmax (or the sigmoid) to what are probabilities already."""
    kind = context.seen.kind
    if kind not in ("softmax twice", "sigmoid twice") or context.seen.output is None:
        return None
    soft = kind == "softmax twice"
    function, loss = ("softmax", "cross-entropy") if soft else ("the sigmoid", "binary cross-entropy with logits")
    classes = context.seen.output.shape[1]
    floor = math.log(1 + (classes - 1) / math.e) if soft else math.log(1 + math.exp(-1))
    rows = context.seen.output[:8]
    return Finding(
        "softmax_twice",
        "warn",
        f"The model ends with {function}, and the loss, {loss}, applies it once more: gradients become small, and the loss "
        f"cannot fall below {floor:.2f}.",
        context.steps,
        None,
        evidence("output", {"output": range(rows.shape[1]), "first example": rows[0]}, floor=floor),
        Remedy(
            f"let the model give what comes before {function} (the logits), and apply {function} only to show answers"
        ),
    )


def _batch_size(context: Context) -> tuple[int, int]:
    """Examples in a batch, and in an epoch if every batch of it is used; 0 where not known."""
    train: Any = None if context.task is None else context.task.train
    size = getattr(context.loop, "batch_size", None) or getattr(train, "size", None)
    if isinstance(size, int) and isinstance(getattr(train, "examples", None), int):
        return size, train.examples
    loader = getattr(train, "loader", None)
    size = getattr(loader, "batch_size", None)
    if isinstance(size, int):
        data = getattr(loader, "dataset", None)
        whole = not getattr(loader, "drop_last", False) and hasattr(data, "__len__")
        return size, len(data) if whole and data is not None else 0
    if isinstance(loader, list) and loader and hasattr(loader[0][-1], "__len__"):
        sizes = [len(batch[-1]) for batch in loader[:1000]]
        return max(sizes), 1 + max(sizes) if min(sizes) == 1 else 0
    return 0, 0


def _without_rest_of_one(examples: int, size: int) -> int:
    """The next larger batch size that leaves no batch of one."""
    return next(more for more in range(size + 1, examples + 2) if examples % more != 1)


def _is_modal(module: nn.Module) -> bool:
    from ..probes.observation import MODAL

    return isinstance(module, MODAL) or (isinstance(module, nn.RNNBase) and module.dropout > 0)
