"""A large graph is folded: nodes that belong together become one box, which can be opened."""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .graph import Node

LIMIT = 40  # boxes of a picture

# What only turns a weight into the form in which it is used.
TURNING = {"T", "Transpose", "Permute", "View", "Unsqueeze", "Squeeze", "Expand", "ToCopy"}
LOSSES = {
    "LogSoftmax", "NllLoss", "NllLoss2D", "MseLoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BinaryCrossEntropy",
    "BinaryCrossEntropyWithLogits", "KlDiv", "CtcLoss",
}  # fmt: skip


@dataclass(eq=False)
class Box:
    """What is drawn as one: a node alone, or many that are folded."""

    nodes: list[Node]  # in the order of the forward pass
    label: str = ""  # of a fold

    @property
    def node(self) -> Node | None:
        """The node, where it stands alone."""
        return self.nodes[0] if len(self.nodes) == 1 and not self.label else None


def folded(nodes: Sequence[Node], layers: Mapping[Node, str]) -> list[Box]:
    """The boxes of a graph, at most 40, or of a part of one that is a box itself. No road leads in a circle.

    layers: the path of the layer whose weight a leaf is.
    """
    if len(nodes) <= LIMIT:
        return [Box([node]) for node in nodes]
    depths = {path.count(".") + 1 for path in layers.values()}
    for depth in range(max(depths, default=0), 0, -1):
        boxes = _by_layer(nodes, {leaf: ".".join(path.split(".")[:depth]) for leaf, path in layers.items()})
        if 1 < len(boxes) <= LIMIT:
            return boxes
    return _by_depth(nodes)


def _by_depth(nodes: Sequence[Node]) -> list[Box]:
    size = -(-len(nodes) // LIMIT)
    parts = [list(nodes[begin : begin + size]) for begin in range(0, len(nodes), size)]
    return [
        Box(part, f"nodes {part[0].index + 1} to {part[-1].index + 1}") if len(part) > 1 else Box(part)
        for part in parts
    ]


def _by_layer(nodes: Sequence[Node], layers: Mapping[Node, str]) -> list[Box]:
    """A layer begins where its weight is used, and goes on until the next one begins.

    A node's group is never before one of its inputs' groups, so the groups stand in an order, too.
    """
    inside = set(nodes)
    names = ["the beginning"]
    groups: dict[Node, int] = {}
    turned: dict[Node, str | None] = {}  # a weight, and what turns it, by its layer
    for node in nodes:
        sources = [road.source for road in node.roads if road.source is not None and road.source in inside]
        if node.is_leaf:
            turned[node] = layers.get(node)
        elif node.kind in TURNING and len(sources) == 1 and sources[0] in turned:
            turned[node] = turned[sources[0]]
        else:
            group = max((groups[source] for source in sources if source in groups), default=0)
            own = next((name for source in sources if (name := turned.get(source))), None)
            if node.kind in LOSSES:
                own = "the loss"
            if own is not None and own != names[group]:
                names.append(own)
                group = len(names) - 1
            groups[node] = group
    for node in reversed(nodes):
        if node not in groups:
            groups[node] = min((groups[user] for user, _ in node.uses if user in groups), default=0)
    members: dict[int, list[Node]] = {}
    for node in nodes:
        members.setdefault(groups[node], []).append(node)
    return [Box(part, names[group] if len(part) > 1 else "") for group, part in sorted(members.items())]


def in_order(boxes: Sequence[Box], before: Callable[[Node], Iterable[Node]], rank: Callable[[Box], int]) -> list[int]:
    """The places of the boxes in an order in which each comes after all it waits for; else by rank, smallest first.

    before: the nodes that a node waits for.
    """
    home = {node: place for place, box in enumerate(boxes) for node in box.nodes}
    waits = [
        {home[other] for node in box.nodes for other in before(node) if other in home} - {place}
        for place, box in enumerate(boxes)
    ]
    follows: list[list[int]] = [[] for _ in boxes]
    for place, others in enumerate(waits):
        for other in others:
            follows[other].append(place)
    missing = [len(others) for others in waits]
    ready = [(rank(box), place) for place, box in enumerate(boxes) if not missing[place]]
    heapq.heapify(ready)
    order = []
    while ready:
        _, place = heapq.heappop(ready)
        order.append(place)
        for after in follows[place]:
            missing[after] -= 1
            if not missing[after]:
                heapq.heappush(ready, (rank(boxes[after]), after))
    return order
