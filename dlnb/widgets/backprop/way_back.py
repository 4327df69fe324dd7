"""One real backward pass, written down: what arrives at each node and what leaves along each of its roads.

The pass is `torch.autograd.grad` with hooks on the nodes. No `.grad` is changed and the graph stays usable.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .graph import Node, Road
from .numbers import Numbers


@dataclass
class Passed:
    """What a backward pass did. Gradients are None where autograd sends none (they count as zero)."""

    order: list[Node] = field(default_factory=list)  # as the engine went through them
    arrived: dict[Node, list[Numbers | None]] = field(default_factory=dict)  # one an output of the node
    left: dict[Road, Numbers | None] = field(default_factory=dict)


def go_back(loss: Tensor, nodes: list[Node], alive: list[Tensor]) -> Passed:
    """Send the gradient 1 back from the loss, and write down all that moves.

    alive: the tensors that the nodes have made and somebody still holds.

    Raises: ValueError that says what to do if the graph was freed or a tensor in it was changed in place.
    """
    passed = Passed()
    leaves = [node for node in nodes if node.is_leaf]
    handles = [
        node.function.register_hook(lambda sent, got, node=node: _write(passed, node, sent, got))
        for node in nodes
        if not node.is_leaf
    ]
    try:
        with _grads_kept(alive):
            gradients = torch.autograd.grad(
                loss, [leaf for node in leaves if (leaf := node.leaf) is not None], retain_graph=True, allow_unused=True
            )
    except RuntimeError as error:
        raise ValueError(explained(error)) from error
    finally:
        for handle in handles:
            handle.remove()
    for node, gradient in zip(leaves, gradients, strict=True):
        passed.arrived[node] = [None if gradient is None else Numbers.of(gradient)]
    passed.order = _with_leaves(passed.order)
    return passed


def explained(error: RuntimeError) -> str:
    """What autograd refuses, in words that say what to do."""
    said = str(error)
    if "second time" in said or "already been freed" in said:
        return (
            "this graph was used up: loss.backward() frees what it kept. Compute the loss again and call "
            "dl.backprop(loss) before loss.backward(), or use loss.backward(retain_graph=True)."
        )
    if "inplace operation" in said:
        return (
            "a tensor was changed in place after the forward pass had used it (by +=, by a function that ends in _, or "
            "by optimizer.step()), so its old value is gone and no gradient can be computed. Write x = x + 1 instead "
            "of x += 1, or compute the loss again after the change. PyTorch says: " + said.partition(" Hint:")[0][:300]
        )
    return f"PyTorch cannot go back through this graph: {said[:500]}"


def _write(passed: Passed, node: Node, sent: tuple[Any, ...], got: tuple[Any, ...]) -> None:
    passed.order.append(node)
    passed.arrived[node] = [None if gradient is None else Numbers.of(gradient) for gradient in got]
    for road, gradient in zip(node.roads, sent, strict=False):
        if road.source is not None:
            passed.left[road] = None if gradient is None else Numbers.of(gradient)


def _with_leaves(order: list[Node]) -> list[Node]:
    """The engine serves a leaf as soon as the last of its uses has sent its part."""
    waiting: dict[Node, int] = {}
    complete = []
    for node in order:
        complete.append(node)
        for road in node.roads:
            if road.source is not None and road.source.is_leaf:
                waiting[road.source] = waiting.get(road.source, len(road.source.uses)) - 1
                if not waiting[road.source]:
                    complete.append(road.source)
    return complete


@contextmanager
def _grads_kept(alive: list[Tensor]) -> Iterator[None]:
    """What has called `retain_grad()` would collect the gradient of this pass too; give it back what it had."""
    kept = [(tensor, tensor.grad) for tensor in alive if tensor.retains_grad]
    try:
        yield
    finally:
        for tensor, gradient in kept:
            tensor.grad = gradient
