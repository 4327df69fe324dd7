"""The graph that autograd has kept of a loss: its nodes in the order of the forward pass, and the roads between them.

A road leads from the node that made a number to the node that used it. A gradient goes the other way.
"""

import gc
import heapq
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor

LIMIT = 20_000  # nodes that are walked
LEAF = "AccumulateGrad"  # what autograd calls the end of the way back

Shape = tuple[int, ...]
T = TypeVar("T")


@dataclass(eq=False)
class Road:
    """What one input of a node is: an output of another node, or (`source` None) a number without a gradient."""

    slot: int
    source: "Node | None"
    output: int


class Node:
    """One operation of the forward pass, or a leaf: a tensor that somebody made."""

    def __init__(self, function: Any) -> None:
        self.function = function  # autograd's own node, until `forget`
        self.roads: list[Road] = []
        self.uses: list[tuple[Node, Road]] = []
        self.index = 0  # its place in the forward pass
        # Asked by way of the type: a function of one's own may keep something under `name`.
        self.name = str(type(function).name(function)).rpartition("::")[2]
        self.is_leaf = self.name == LEAF
        parts = [function.variable] if self.is_leaf else function._input_metadata
        self.shapes: list[Shape] = [tuple(part.shape) for part in parts]  # of its outputs

    @property
    def kind(self) -> str:
        """The operation in the name, like Mul in MulBackward0."""
        return re.sub(r"Backward\d*$", "", self.name)

    def find(self, table: Mapping[str, T]) -> T | None:
        """What a table has of the operation: under its exact name, as Pow1 for PowBackward1, or else under its kind."""
        return table.get(self.name.replace("Backward", ""), table.get(self.kind))

    @property
    def leaf(self) -> Tensor | None:
        """The tensor, where the node is a leaf."""
        return self.function.variable if self.is_leaf else None

    def saved(self, name: str) -> Any:
        """What autograd has kept under a name; None if nothing."""
        return getattr(self.function, f"_saved_{name}", None)

    def forget(self) -> None:
        """Let go of autograd's node, and so of the tensors that it keeps."""
        self.function = None

    def __repr__(self) -> str:
        return f"Node({self.index}, {self.name})"


def walk(loss: Tensor) -> list[Node]:
    """All nodes behind a loss, in the order of the forward pass: each after those it takes its inputs from.

    Raises: TypeError if the loss is no tensor; ValueError that says what to do if it is not one real number,
        has no history, or has more than 20,000 nodes.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"backprop needs the loss as a tensor, got {type(loss).__name__}. Give it the loss before .item() or float()."
        )
    if loss.numel() != 1:
        raise ValueError(
            f"backpropagation begins at one number, but this tensor has the shape {tuple(loss.shape)}. "
            "Give loss.mean() or loss.sum()."
        )
    if loss.grad_fn is None and loss.requires_grad:
        raise ValueError("this tensor is a leaf: nothing was computed yet, so there is no way back. Give the loss.")
    if loss.grad_fn is None:
        raise ValueError(
            "autograd has kept no history of this number. Either no tensor behind it has requires_grad=True, or it was "
            "made inside torch.no_grad(), or by .detach() or .item(). Compute the loss again without that."
        )
    if loss.is_complex():
        raise ValueError("the loss is a complex number; a loss must be real. Give loss.abs() or loss.real.")
    nodes = _found(loss.grad_fn)
    for node in nodes:
        for road in node.roads:
            if road.source is not None:
                road.source.uses.append((node, road))
    ordered = _in_forward_order(nodes)
    for index, node in enumerate(ordered):
        node.index = index
    return ordered


def _found(root: Any) -> list[Node]:
    first = Node(root)
    nodes, waiting = {root: first}, [first]
    while waiting:
        node = waiting.pop()
        for slot, (function, output) in enumerate(node.function.next_functions):
            if function is not None and function not in nodes:
                if len(nodes) >= LIMIT:
                    raise ValueError(
                        f"this graph has more than {LIMIT:,} nodes, too many to show. Take a shorter sequence, "
                        "fewer layers or one example: the graph of a part says the same."
                    )
                nodes[function] = Node(function)
                waiting.append(nodes[function])
            node.roads.append(Road(slot, None if function is None else nodes[function], output))
    return list(nodes.values())


def _in_forward_order(nodes: list[Node]) -> list[Node]:
    """Autograd numbers operations as they are made; a leaf goes right before its first use."""
    made = {node: float(node.function._sequence_nr()) for node in nodes if not node.is_leaf}
    when = {node: made[node] if node in made else min(made[user] for user, _ in node.uses) - 0.5 for node in nodes}
    missing = {node: sum(road.source is not None for road in node.roads) for node in nodes}
    ready = [(when[node], place, node) for place, node in enumerate(nodes) if not missing[node]]
    heapq.heapify(ready)
    place, ordered = len(nodes), []
    while ready:
        *_, node = heapq.heappop(ready)
        ordered.append(node)
        for user, _ in node.uses:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, (when[user], place, user))
                place += 1
    return ordered


def living(nodes: list[Node]) -> list[Tensor]:
    """The tensors alive in this process that the nodes have made."""
    functions = {node.function for node in nodes}
    return [found for found in gc.get_objects() if type(found) is Tensor and maker_of(found) in functions]


def maker_of(tensor: Tensor) -> Any:
    """Autograd's node that has made a tensor; None for data, leaves, and a view that autograd has given up."""
    try:
        return tensor.grad_fn
    except RuntimeError:  # made under no_grad, and what it shows was written to since
        return None
