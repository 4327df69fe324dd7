"""Where the boxes of a graph are drawn: in columns from left to right, each to the right of what it takes in.

After Sugiyama, Tagawa & Toda 1981: columns, then an order within each that avoids crossings, then heights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SWEEPS = 12

Roads = Sequence[tuple[int, int]]


@dataclass
class Layout:
    """Columns (whole numbers from 0) and heights (in rows, the smallest is 0) of boxes, and the bends of roads."""

    columns: list[int]
    rows: list[float]
    bends: list[list[tuple[int, float]]]  # of each road: where it passes the columns between its ends


def laid_out(count: int, roads: Roads, order: Sequence[int]) -> Layout:
    """Lay out `count` boxes; `order` lists them so that no road leads backward."""
    columns = _columns(count, roads, order)
    # A road across several columns gets a small place in each, so that no box stands on it.
    places = [(column, 1.0) for column in columns]
    links: list[tuple[int, int]] = []
    through: list[list[int]] = []
    for begin, end in roads:
        chain = list(range(len(places), len(places) + columns[end] - columns[begin] - 1))
        places += [(column, 0.5) for column in range(columns[begin] + 1, columns[end])]
        through.append(chain)
        links += list(zip([begin, *chain], [*chain, end], strict=True))
    rows = _rows(places, links, order)
    low = min(rows, default=0.0)
    rows = [row - low for row in rows]
    bends = [[(places[place][0], rows[place]) for place in chain] for chain in through]
    return Layout(columns, rows[:count], bends)


def _columns(count: int, roads: Roads, order: Sequence[int]) -> list[int]:
    """The longest way from the left; what takes nothing in stands right before its first use."""
    inputs: list[list[int]] = [[] for _ in range(count)]
    uses: list[list[int]] = [[] for _ in range(count)]
    for begin, end in roads:
        inputs[end].append(begin)
        uses[begin].append(end)
    columns = [0] * count
    for box in order:
        columns[box] = max((columns[other] + 1 for other in inputs[box]), default=0)
    for box in range(count):
        if not inputs[box] and uses[box]:
            columns[box] = min(columns[user] for user in uses[box]) - 1
    return columns


def _rows(places: list[tuple[int, float]], links: list[tuple[int, int]], order: Sequence[int]) -> list[float]:
    near: list[list[int]] = [[] for _ in places]
    for begin, end in links:
        near[begin].append(end)
        near[end].append(begin)
    first = {box: rank for rank, box in enumerate(order)}
    levels: list[list[int]] = [[] for _ in range(max((column for column, _ in places), default=-1) + 1)]
    for place, (column, _) in enumerate(places):
        levels[column].append(place)
    rows = [0.0] * len(places)
    for level in levels:
        level.sort(key=lambda place: first.get(place, place))
        for rank, place in enumerate(level):
            rows[place] = float(rank)
    for sweep in range(SWEEPS):
        for level in levels if sweep % 2 == 0 else reversed(levels):
            wanted = {
                place: float(np.mean([rows[other] for other in near[place]])) if near[place] else rows[place]
                for place in level
            }
            level.sort(key=wanted.__getitem__)
            for place, row in zip(level, _apart(level, wanted, places), strict=True):
                rows[place] = row
    return rows


def _apart(level: list[int], wanted: dict[int, float], places: list[tuple[int, float]]) -> list[float]:
    """Rows in the order of a column, as near to those wanted as possible (least squares), with room between.

    Neighbours that would be too near are moved together as one block (the pool of adjacent violators).
    """
    room = [0.0]
    for above, below in zip(level, level[1:], strict=False):
        room.append(room[-1] + (places[above][1] + places[below][1]) / 2)
    blocks: list[list[float]] = []  # sum of what is wanted, and how many
    for place, offset in zip(level, room, strict=True):
        blocks.append([wanted[place] - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    rows: list[float] = []
    for total, count in blocks:
        rows += [total / count + offset for offset in room[len(rows) : len(rows) + int(count)]]
    return rows
