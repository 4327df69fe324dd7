"""Search in the chapters: every word must be in a cell, in the heading above it or in the chapter's title."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .chapters import Chapter
from .notebook import Cell, fold, plain

MOST = 50  # hits that are given; more help nobody
WIDTH = 110  # characters of a snippet
MOST_WORDS = 10


@dataclass(frozen=True)
class Hit:
    """A cell in which all words are. heading: the nearest one above the first word. marks: where in the snippet words begin and end."""

    chapter: Chapter
    cell: Cell
    heading: str
    snippet: str
    marks: tuple[tuple[int, int], ...]


def search(books: Iterable[tuple[Chapter, tuple[Cell, ...]]], query: str, most: int = MOST) -> tuple[list[Hit], int]:
    """The hits, the best first, and how many there are in all. Words are found in any case, without accents, and inside of words."""
    words = list(dict.fromkeys(fold(query).split()))[:MOST_WORDS]
    found: list[tuple[tuple[int, ...], Chapter, Cell]] = []
    if words:
        for place, (chapter, cells) in enumerate(books):
            title = fold(f"{chapter.number} {chapter.title}")
            for cell in cells:
                rank = _rank(words, cell, title)
                if rank is not None:
                    found.append(((rank, place, cell.at), chapter, cell))
    found.sort(key=lambda one: one[0])
    return [_hit(chapter, cell, words) for _, chapter, cell in found[:most]], len(found)


def _rank(words: list[str], cell: Cell, title: str) -> int | None:
    """0 where a heading of the cell has all words, 1 where its text has them, 2 in code, 3 where the heading above or the title helps.

    None where a word is missing, or the cell itself has none.
    """
    text = cell.folded
    if not any(word in text for word in words):
        return None
    if all(word in text for word in words):
        if any(all(word in fold(heading.text) for word in words) for heading in cell.headings):
            return 0
        return 2 if cell.kind == "code" else 1
    around = fold(cell.above) + " " + title
    return 3 if all(word in text or word in around for word in words) else None


def _hit(chapter: Chapter, cell: Cell, words: list[str]) -> Hit:
    first = min(at for at in (cell.folded.find(word) for word in words) if at >= 0)
    snippet = _snippet(cell, first)
    folded = fold(snippet)
    marks = sorted((found.start(), found.end()) for word in words for found in re.finditer(re.escape(word), folded))
    return Hit(chapter, cell, cell.heading_at(first), snippet, tuple(_apart(marks)))


def _snippet(cell: Cell, at: int) -> str:
    """Some words around a place, on one line."""
    begin = max(0, at - WIDTH // 3)
    begin = cell.text.find(" ", begin, at) + 1 or begin if begin else 0
    text = cell.text[begin : begin + 2 * WIDTH]
    if cell.kind == "markdown":
        text = "\n".join(plain(line.lstrip("#> ")) for line in text.splitlines())
    text = " ".join(text.split())
    cut = text if len(text) <= WIDTH else text[:WIDTH].rpartition(" ")[0] or text[:WIDTH]
    return ("… " if begin else "") + cut + (" …" if begin + 2 * WIDTH < len(cell.text) or cut != text else "")


def _apart(marks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Marks that overlap become one."""
    apart: list[tuple[int, int]] = []
    for begin, end in marks:
        if apart and begin <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((begin, end))
    return apart
