"""The still picture of `dl.backprop`: the graph with values and gradients, by Matplotlib without pyplot."""

import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from .fold import Box
from .look import Look
from .numbers import Numbers, short, words
from .rules import rule_of
from .scene import Scene

WIDE, TALL = 2.1, 0.95  # inches that a column and a row take
LARGEST = 60.0  # inches
LETTERS = 27  # that fit in a line of a box
COLOURS = {1: "#0072b2", 0: "0.25", -1: "#b34a00"}  # of what is above zero, of both, below


def drawn(look: Look, scene: Scene) -> bytes:
    """The scene as a PNG picture."""
    columns, rows = scene.layout.columns, scene.layout.rows
    across, down = max(columns) + 1, max(rows) + 1
    width, height = WIDE * across, TALL * down + 0.4
    scale = min(1.0, LARGEST / max(width, height))
    figure = Figure(figsize=(width * scale, height * scale))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-0.5, across - 0.5)
    axes.set_ylim(down - 0.5 + 0.4 / TALL, -0.5)
    axes.set_axis_off()
    for way, bends in zip(scene.ways, scene.layout.bends, strict=True):
        through = [(x, row) for column, row in bends for x in (column - 0.43, column + 0.43)]
        along = [columns[way.begin] + 0.43, *(x for x, _ in through), columns[way.end] - 0.43]
        heights = [rows[way.begin], *(row for _, row in through), rows[way.end]]
        axes.plot(along, heights, color="0.6", lw=scale, zorder=1)
    for place, box in enumerate(scene.boxes):
        _draw(axes, look, box, columns[place], rows[place], scale)
    note = f"{len(look.nodes):,} nodes. In each box its value, and after ∂ how {look.loss} changes with it."
    axes.text(-0.45, down - 0.5 + 0.2 / TALL, note, va="center", size=8 * scale, color="0.4", parse_math=False)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=90)
    return data.getvalue()


def _draw(axes: Axes, look: Look, box: Box, x: float, y: float, scale: float) -> None:
    is_leaf = box.node is not None and box.node.is_leaf
    corner = f"round,pad=0,rounding_size={0.2 if is_leaf else 0.05}"
    axes.add_patch(FancyBboxPatch((x - 0.43, y - 0.38), 0.86, 0.76, boxstyle=corner, fc="white", ec="0.4", zorder=2))
    title, value, gradient = _told(look, box)
    lines = [(title, "0"), (value, "0")]
    if gradient is not None:
        lines.append((f"∂ {short(gradient)}", COLOURS[gradient.sign]))
    for line, (text, colour) in enumerate(lines):
        weight = "normal" if line else "bold"
        axes.text(
            x, y - 0.22 + 0.23 * line, text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…", ha="center", va="center", size=8 * scale, color=colour,
            weight=weight, zorder=3, parse_math=False,
        )  # fmt: skip


def _told(look: Look, box: Box) -> tuple[str, str, Numbers | None]:
    """The title of a box, its value in words, and the gradient that arrives there."""
    node = box.node
    if node is None:
        return box.label, f"{len(box.nodes):,} nodes", None
    name, title = look.names.get((node, 0), ""), rule_of(node).title
    if name:
        title = name if node.is_leaf else f"{title} → {name}"
    value, arrived = look.values.get((node, 0)), look.passed.arrived.get(node, [])
    return title, words(node.shapes[0]) if value is None else short(value), arrived[0] if arrived else None
