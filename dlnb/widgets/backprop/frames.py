"""The frame of `dl.backprop`: boxes and roads as text, every number of a tensor in one column."""

from collections.abc import Sequence

import numpy as np

from ..base import Message
from .fold import Box
from .graph import Node, Road
from .look import STRETCHING, Look
from .numbers import Column, words
from .rules import letter, rule_of
from .scene import AFTER, BEFORE, Scene, Way

OUTPUTS = 4  # results of a node that are shown
TEXT = 60  # letters of a name


def picture(look: Look, scene: Scene, part: str) -> tuple[Message, dict[str, np.ndarray]]:
    """A scene as a header and columns. `part` names the part of the graph that is shown, if not all of it."""
    column = Column()
    header: Message = {
        "nodes": len(look.nodes),
        "leaves": sum(node.is_leaf for node in look.nodes),
        "loss": look.loss[:TEXT],
        "part": part,
        "notice": look.notice,
        "boxes": [_box(look, scene, place, column) for place in range(len(scene.boxes))],
        "roads": [_way(look, scene, way, column) for way in scene.ways],
    }
    bends = scene.layout.bends
    columns = {
        "numbers": column.packed(),
        "columns": np.array(scene.layout.columns, np.int32),
        "rows": np.array(scene.layout.rows, np.float32),
        "forward": np.array(scene.forward, np.int32),
        "backward": np.array(scene.backward, np.int32),
        "bends/counts": np.array([len(bend) for bend in bends], np.int32),
        "bends/columns": np.array([column for bend in bends for column, _ in bend], np.int32),
        "bends/rows": np.array([row for bend in bends for _, row in bend], np.float32),
    }
    return header, columns


def is_fold(box: Box) -> bool:
    """Whether a box can be opened."""
    return _kind(box) == "fold"


def place_of(box: Box) -> str:
    """A name by which a fold can be opened."""
    return f"{box.nodes[0].index}-{box.nodes[-1].index}-{len(box.nodes)}"


def _box(look: Look, scene: Scene, place: int, column: Column) -> Message:
    box = scene.boxes[place]
    node = box.node
    said: Message = {
        "kind": _kind(box),
        "nodes": len(box.nodes),
        "fold": place_of(box) if is_fold(box) else "",
        "note": next((look.notes[node] for node in box.nodes if node in look.notes), ""),
        "constants": [],
    }
    if node is None:
        said |= {"title": box.label[:TEXT], "name": "", "autograd": "", "formula": "", "end": ""}
        ends = _ends(look, scene, place)
        said["outputs"] = [_output(look, *end, column) for end in ends[:1]] if len(ends) == 1 else []
        said["results"] = len(ends)
        return said
    rule = rule_of(node)
    said |= {
        "title": rule.title[:TEXT],
        "name": look.names.get((node, 0), "")[:TEXT],
        "autograd": node.name[:TEXT],
        "formula": rule.formula,
        "end": rule.way(0) if node.is_leaf else "",
        "outputs": [_output(look, node, output, column) for output in range(min(len(node.shapes), OUTPUTS))],
        "results": len(node.shapes),
        "constants": [
            {"letter": one.letter, "name": one.name[:TEXT], "value": column.put(one.numbers)}
            for one in look.constants.get(node, [])
        ],
    }
    return said


def _kind(box: Box) -> str:
    if box.label in (BEFORE, AFTER):
        return "outside"
    if box.node is None:
        return "fold"
    return "leaf" if box.node.is_leaf else "node"


def _ends(look: Look, scene: Scene, place: int) -> list[tuple[Node, int]]:
    """The results that leave a fold: those that other boxes use, and the loss."""
    box = scene.boxes[place]
    roads = [road for way in scene.ways if way.begin == place for road in way.roads]
    found = {(road.source, road.output) for road in roads if road.source is not None}
    if look.end[0] in box.nodes:
        found.add(look.end)
    return sorted(found, key=lambda end: (end[0].index, end[1]))


def _output(look: Look, node: Node, output: int, column: Column) -> Message:
    arrived = look.passed.arrived.get(node, [])
    return {
        "value": column.put(look.values.get((node, output))),
        "shape": words(node.shapes[output]),
        "worked": (node, output) in look.worked_out,
        "arrived": column.put(arrived[output]) if output < len(arrived) else None,
    }


def _way(look: Look, scene: Scene, way: Way, column: Column) -> Message:
    said: Message = {"from": way.begin, "to": way.end, "lane": way.lane, "count": len(way.roads)}
    road = way.roads[0]
    node = scene.boxes[way.end].node
    known = node is not None and len(way.roads) == 1
    said["letter"] = letter(road.slot) if known else ""
    said["way"] = rule_of(node).way(road.slot) if known and node is not None else ""
    said["note"] = _stretch(node, road) if known and node is not None else ""
    source = (road.source, road.output) if known and road.source is not None else None
    said["name"] = look.names.get(source, "")[:TEXT] if source else ""
    said["value"] = column.put(look.values.get(source)) if source else None
    said["factor"] = column.put(look.factors.get(road)) if known else None
    said["left"] = column.put(look.passed.left.get(road)) if len(way.roads) == 1 else None
    return said


def _stretch(node: Node, road: Road) -> str:
    """How an input was stretched, where it was smaller than the result."""
    if node.kind not in STRETCHING or road.source is None:
        return ""
    shape = road.source.shapes[road.output]
    if _size(shape) >= _size(node.shapes[0]) or node.kind == "Addmm":  # whose rule says it for the bias
        return ""
    return f"it was stretched from {words(shape) or 'one number'} to {words(node.shapes[0])}"


def _size(shape: Sequence[int]) -> int:
    return int(np.prod(shape))
