"""Metrics that need no library: a function of all outputs and all targets of a split."""

from torch import Tensor


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """The share of examples whose highest score is at the true class.

    outputs: (N, C) logits or probabilities; targets: (N,) class indices. Returns a share in [0, 1].

    Raises: ValueError if the two do not have these shapes.

    >>> import torch
    >>> accuracy(torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([0, 0]))
    0.5
    """
    if outputs.ndim != 2 or targets.shape != outputs.shape[:1]:
        raise ValueError(
            f"accuracy needs outputs (N, C) and targets (N,), got {tuple(outputs.shape)} and {tuple(targets.shape)}"
        )
    return (outputs.argmax(dim=1) == targets).double().mean().item()
