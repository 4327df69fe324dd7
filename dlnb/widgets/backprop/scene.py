"""The picture of a graph, or of one part of it: boxes and roads with their places, and the order of the steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .fold import Box, folded, in_order
from .graph import Node, Road
from .layout import Layout, laid_out
from .look import Look

BEFORE, AFTER = "what comes before", "what comes after"


@dataclass(eq=False)
class Way:
    """One road of the picture. Roads between the same two boxes are one where a box is folded."""

    begin: int
    end: int
    roads: list[Road] = field(default_factory=list)
    lane: int = 0  # its number among those between the same two boxes


@dataclass
class Scene:
    """What is drawn. `forward` and `backward` are places of boxes, one a step."""

    boxes: list[Box]
    ways: list[Way]
    layout: Layout
    forward: list[int]
    backward: list[int]


def scene_of(look: Look, nodes: Sequence[Node]) -> Scene:
    """The scene of a part of the graph (or of all of it); of the rest, what touches it is a box before and one behind."""
    boxes = folded(nodes, look.layers)
    inside = set(nodes)
    before = {source for node in nodes for road in node.roads if (source := road.source) and source not in inside}
    after = {user for node in nodes for user, _ in node.uses if user not in inside}
    outside = [Box(_sorted(part), label) for label, part in ((BEFORE, before), (AFTER, after)) if part]
    steps = {node: step for step, node in enumerate(look.passed.order)}
    drawn = boxes + outside
    order = in_order(drawn, _inputs, lambda box: box.nodes[-1].index)
    back = in_order(boxes, _users, lambda box: max(steps.get(node, 0) for node in box.nodes))
    ways = _ways(drawn)
    return Scene(
        boxes=drawn,
        ways=ways,
        layout=laid_out(len(drawn), [(way.begin, way.end) for way in ways], order),
        forward=[
            place for place in order if place < len(boxes) and not all(node.is_leaf for node in drawn[place].nodes)
        ],
        backward=back,
    )


def _sorted(nodes: set[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: node.index)


def _inputs(node: Node) -> list[Node]:
    return [road.source for road in node.roads if road.source is not None]


def _users(node: Node) -> list[Node]:
    return [user for user, _ in node.uses]


def _ways(boxes: Sequence[Box]) -> list[Way]:
    home = {node: place for place, box in enumerate(boxes) for node in box.nodes}
    merged: dict[tuple[int, int], Way] = {}
    ways: list[Way] = []
    lanes: dict[tuple[int, int], int] = {}
    for end, box in enumerate(boxes):
        for road in [road for node in box.nodes for road in node.roads]:
            begin = home.get(road.source) if road.source is not None else None
            if begin is None or begin == end or (boxes[begin].label == BEFORE and box.label == AFTER):
                continue
            if (way := merged.get((begin, end))) is not None:
                way.roads.append(road)
                continue
            ways.append(Way(begin, end, [road], lanes.get((begin, end), 0)))
            lanes[begin, end] = ways[-1].lane + 1
            if boxes[begin].node is None or box.node is None:
                merged[begin, end] = ways[-1]
    return ways
