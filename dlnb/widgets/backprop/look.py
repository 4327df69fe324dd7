"""All that is known of a graph after one look: its values, its gradients, its local derivatives, and what is odd.

Nothing here holds a tensor: what autograd keeps is freed when the learner lets go of the loss.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from .graph import Node, Road, living, walk
from .names import Names
from .numbers import Numbers
from .rules import letter, rule_of
from .values import Output, Values, values_of
from .way_back import Passed, go_back

MASKING = {"MaskedFill", "Where"}  # −∞ is how scores are masked before a softmax
# A plain number that is no input: its letter in the formula, and under which name autograd keeps it.
PLAIN = {"Pow0": ("n", "exponent"), "Pow2": ("n", "self"), "Rsub1": ("b", "other")}
STRETCHING = {"Add", "Sub", "Rsub", "Mul", "Div", "Pow", "Where", "Maximum", "Minimum", "Addmm"}


@dataclass
class Constant:
    """An input that needs no gradient."""

    letter: str  # in the formula
    name: str
    numbers: Numbers | None  # None where autograd has not kept them


@dataclass
class Look:
    """A graph with its numbers."""

    nodes: list[Node]
    end: Output  # the loss
    passed: Passed
    values: dict[Output, Numbers]
    worked_out: set[Output]
    names: dict[Output, str]
    layers: dict[Node, str]  # of a weight: the path of its layer
    constants: dict[Node, list[Constant]] = field(default_factory=dict)
    factors: dict[Road, Numbers] = field(default_factory=dict)
    notes: dict[Node, str] = field(default_factory=dict)
    notice: str = ""

    @property
    def loss(self) -> str:
        """What the loss is called."""
        return self.names.get(self.end, "the loss")

    def called(self, node: Node) -> str:
        """What a node is called in a sentence."""
        name = self.names.get((node, 0))
        title = rule_of(node).title
        return f"{title} ({name})" if name else title


def look_at(loss: Tensor, names: Names) -> Look:
    """Walk the graph of a loss and go back through it once.

    Raises: what `walk`, `go_back` and `values_of` raise.
    """
    nodes = walk(loss)
    alive = [loss, *living(nodes)]
    passed = go_back(loss, nodes, alive)
    with torch.no_grad():
        values = values_of(nodes, alive)
        look = Look(
            nodes=nodes,
            end=(next(node for node in nodes if node.function is loss.grad_fn), loss.output_nr),
            passed=passed,
            values={output: Numbers.of(tensor) for output, tensor in values.results.items()},
            worked_out=values.worked_out,
            names=_names(nodes, names),
            layers={
                node: names.modules[id(node.leaf)] or "the model" for node in nodes if id(node.leaf) in names.modules
            },
        )
        for node in nodes:
            _add_inputs(look, node, values, names)
    _add_notes(look, values)
    for node in nodes:
        node.forget()
    return look


def _names(nodes: list[Node], names: Names) -> dict[Output, str]:
    found: dict[Output, str] = {}
    for node in nodes:
        if node.is_leaf:
            if (name := names.tensors.get(id(node.leaf))) is not None:
                found[node, 0] = name
            continue
        for output in range(len(node.shapes)):
            if (name := names.results.get((node.function, output))) is not None:
                found[node, output] = name
    return found


def _add_inputs(look: Look, node: Node, values: Values, names: Names) -> None:
    """The local derivative of each road, and the numbers that come in without a gradient."""
    rule = rule_of(node)
    for road in node.roads:
        if road.source is not None:
            if (factor := rule.factor(road.slot, node, values)) is not None:
                _add_factor(look, road, factor)
        elif (known := values.input(node, road.slot)) is not None:
            constant = Constant(letter(road.slot), names.tensors.get(id(known), ""), Numbers.of(known))
            look.constants.setdefault(node, []).append(constant)
        elif node.kind in STRETCHING:
            look.constants.setdefault(node, []).append(Constant(letter(road.slot), "", None))
    if (plain := node.find(PLAIN)) is not None:
        kept = node.saved(plain[1])
        look.constants[node] = [Constant(plain[0], "", None if kept is None else Numbers.of(torch.tensor(kept)))]


def _add_factor(look: Look, road: Road, factor: Tensor | float) -> None:
    slope = Numbers.of(factor if isinstance(factor, Tensor) else torch.tensor(factor, dtype=torch.float64))
    left = look.passed.left.get(road)
    # Where PyTorch takes a limit, as for 0 · ln 0, the formula has no number.
    if slope.is_finite or left is None or not left.is_finite:
        look.factors[road] = slope


def _add_notes(look: Look, values: Values) -> None:
    for node in look.nodes:
        if not _roads_add_up(look, node):
            look.notes[node] = "A hook has changed the gradient here: the roads add up to something else."
    stuck = next((node for node in look.passed.order if not _sends_finite(look, node)), None)
    sick = next((node for node in look.nodes if _gives_what_is_no_number(look, node)), None)
    is_sound = stuck is None and look.values[look.end].is_finite  # an infinity on the way may have done no harm
    if sick is not None and not is_sound:
        look.notice = (
            f"The first number that is not finite (NaN or infinite) is in {look.called(sick)}. "
            "From there on the chain rule multiplies by it. Look at what goes into it."
        )
        look.notes[sick] = "Here the numbers stop being finite."
    elif stuck is not None:
        look.notice = (
            "The loss is a number, but not all gradients are: the first that is not finite leaves "
            f"{look.called(stuck)}. Its slope there is infinite, unknown, or too large for its number type, as that of a root at 0."
        )
        look.notes[stuck] = "Here the gradient stops being finite."
    if values.changed is not None and not look.notice:
        look.notice = (
            f"The inputs of {look.called(values.changed)} no longer give its result: one of them was changed after the "
            "forward pass. Compute the loss again, then the numbers fit together."
        )


def _roads_add_up(look: Look, node: Node) -> bool:
    """Whether what arrives at a node is the sum of what was sent along the roads to it."""
    for output, arrived in enumerate(look.passed.arrived.get(node, [])):
        sent = [look.passed.left.get(road) for _, road in node.uses if road.output == output]
        parts = [part for part in sent if part is not None]
        if arrived is None or not parts or not arrived.is_finite or arrived.is_complex:
            continue
        total = sum((part.values for part in parts), np.zeros(len(arrived.values)))
        room = 100 * max(arrived.precision, 1e-12) * max(part.norm for part in [*parts, arrived])
        if not np.all(np.abs(total - arrived.values) <= room):
            return False
    return True


def _gives_what_is_no_number(look: Look, node: Node) -> bool:
    known = [look.values[node, k] for k in range(len(node.shapes)) if (node, k) in look.values]
    if node.kind in MASKING:
        return any(math.isnan(part.low) for part in known if part.size)
    return not all(part.is_finite for part in known)


def _sends_finite(look: Look, node: Node) -> bool:
    return all(part.is_finite for road in node.roads if (part := look.passed.left.get(road)) is not None)
