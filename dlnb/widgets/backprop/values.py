"""The numbers of the forward pass: what autograd has kept, what is still alive, and what follows from both.

Autograd keeps only what it needs for the way back. A sum needs nothing, so its result is worked out again here
from its inputs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .graph import Node
from .numbers import Numbers
from .way_back import explained

LARGE = 100_000  # numbers of a result that is worked out again
MOST = 20_000_000  # of all of them together

Output = tuple[Node, int]

# Under which names a node keeps its inputs, slot by slot; it does so only where a gradient needs them.
INPUTS: dict[str, tuple[str | None, ...]] = {
    "Mul": ("self", "other"), "Div0": ("self", "other"), "Pow0": ("self",), "Pow1": ("self", "exponent"), "Pow2": ("exponent",),
    "Mm": ("self", "mat2"),
    "Bmm": ("self", "mat2"), "Addmm": (None, "mat1", "mat2"), "Mv": ("self", "vec"), "Dot": ("self", "tensor"),
    "MseLoss": ("self", "target"), "BinaryCrossEntropyWithLogits": ("self", "target"), "NllLoss": ("self", "target"),
    "Convolution": ("input", "weight"), "Log": ("self",), "Sin": ("self",), "Cos": ("self",), "Abs": ("self",),
}  # fmt: skip


@dataclass
class Values:
    """Results of nodes, and inputs that are plain numbers, as far as they are known."""

    results: dict[Output, Tensor]
    worked_out: set[Output]  # those that nobody had kept
    changed: Node | None  # whose result is not what its inputs give: something was changed meanwhile

    def input(self, node: Node, slot: int) -> Tensor | None:
        """What an input of a node was."""
        road = node.roads[slot] if slot < len(node.roads) else None
        if road is not None and road.source is not None:
            known = self.results.get((road.source, road.output))
            if known is not None:
                return known
        names = node.find(INPUTS) or ()
        found = node.saved(name) if slot < len(names) and (name := names[slot]) else None
        return found if isinstance(found, Tensor) else None

    def result(self, node: Node, output: int = 0) -> Tensor | None:
        """What a node gave."""
        return self.results.get((node, output))


def values_of(nodes: list[Node], alive: list[Tensor]) -> Values:
    """All results that are known. `alive` are tensors, the loss among them, that the nodes have made.

    Raises: ValueError that says what to do if what autograd kept is gone or was changed.
    """
    by_function = {node.function: node for node in nodes}
    results: dict[Output, Tensor] = {}

    def take(tensor: Any) -> None:
        node = by_function.get(tensor.grad_fn)
        if node is not None:
            results.setdefault((node, tensor.output_nr), tensor.detach())

    for node in nodes:
        if (leaf := node.leaf) is not None:
            results[node, 0] = leaf.detach()
    for node in nodes:
        for name in [name for name in dir(node.function) if name.startswith("_saved_")]:
            try:
                kept = getattr(node.function, name)
            except RuntimeError as error:
                raise ValueError(explained(error)) from error
            if isinstance(kept, Tensor) and kept.grad_fn is not None:
                take(kept)
    for tensor in alive:
        take(tensor)
    values = Values(results, set(), None)
    room = MOST
    for node in nodes:
        again = _again(node, values) if room > 0 else None
        if again is None:
            continue
        known = values.result(node)
        if known is None:
            results[node, 0] = again
            values.worked_out.add((node, 0))
            room -= again.numel()
        elif values.changed is None and not Numbers.of(again).is_near(Numbers.of(known)):
            values.changed = node
    return values


def _again(node: Node, values: Values) -> Tensor | None:
    """A result worked out from the inputs; None where they are not known, too large, or the operation is another one."""
    work = node.find(AGAIN)
    if work is None or any(math.prod(shape) > LARGE for shape in node.shapes):
        return None
    inputs = [values.input(node, slot) for slot in range(len(node.roads))]
    if any(part is None or part.numel() > LARGE for part in inputs):
        return None
    result = work(node, inputs)
    return result if result is not None and tuple(result.shape) == node.shapes[0] else None


def signed(value: int) -> int:
    """A dimension that autograd shows as an unsigned number."""
    return value - 2**64 if value >= 2**63 else value


def _reshape(node: Node, inputs: list[Any]) -> Tensor:
    return inputs[0].reshape(node.shapes[0])


def _sum(node: Node, inputs: list[Any]) -> Tensor:
    dims = node.saved("dim")
    if dims is None:
        return inputs[0].sum()
    return inputs[0].sum([signed(dim) for dim in dims] or None, keepdim=bool(node.saved("keepdim")))


def _mean(node: Node, inputs: list[Any]) -> Tensor:
    dims = node.saved("dim")
    if dims is None:
        return inputs[0].mean()
    return inputs[0].mean([signed(dim) for dim in dims] or None, keepdim=bool(node.saved("keepdim")))


Work = Callable[[Node, list[Any]], Tensor | None]

AGAIN: dict[str, Work] = {
    "Add": lambda node, x: x[0] + node.saved("alpha") * x[1] if len(x) == 2 else None,
    "Sub": lambda node, x: x[0] - node.saved("alpha") * x[1] if len(x) == 2 else None,
    "Mul": lambda _, x: x[0] * x[1] if len(x) == 2 else None,
    "Div0": lambda _, x: x[0] / x[1],
    "Neg": lambda _, x: -x[0],
    "Pow0": lambda node, x: x[0] ** node.saved("exponent"),
    "Pow1": lambda _, x: x[0] ** x[1],
    "Pow2": lambda node, x: node.saved("self") ** x[0],
    "Exp": lambda _, x: x[0].exp(),
    "Log": lambda _, x: x[0].log(),
    "Sqrt": lambda _, x: x[0].sqrt(),
    "Reciprocal": lambda _, x: x[0].reciprocal(),
    "Sigmoid": lambda _, x: x[0].sigmoid(),
    "Tanh": lambda _, x: x[0].tanh(),
    "Relu": lambda _, x: x[0].relu(),
    "Sin": lambda _, x: x[0].sin(),
    "Cos": lambda _, x: x[0].cos(),
    "Abs": lambda _, x: x[0].abs(),
    "Sum": _sum,
    "Mean": _mean,
    "View": _reshape,
    "UnsafeView": _reshape,
    "ReshapeAlias": _reshape,
    "Unsqueeze": _reshape,
    "Squeeze": _reshape,
    "T": lambda _, x: x[0].t(),
    "Transpose": lambda node, x: x[0].transpose(signed(node.saved("dim0")), signed(node.saved("dim1"))),
    "Permute": lambda node, x: x[0].permute([signed(dim) for dim in node.saved("dims")]),
    "Expand": lambda node, x: x[0].expand(node.shapes[0]),
    "Clone": lambda _, x: x[0],
    "Mm": lambda _, x: x[0] @ x[1],
    "Bmm": lambda _, x: x[0] @ x[1],
    "Mv": lambda _, x: x[0] @ x[1],
    "Dot": lambda _, x: x[0] @ x[1],
    "Addmm": lambda node, x: node.saved("beta") * x[0] + node.saved("alpha") * (x[1] @ x[2]),
}
