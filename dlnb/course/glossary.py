"""The glossary: `glossary.md` in the course folder, plain Markdown that a teacher can edit and JupyterLab shows as it is.

    ## Convolution

    One small window of weights, moved over the whole picture …

    Also: filter, kernel. Taught in [Forward](10_image_classification.ipynb#Forward:-one-small-window).

A heading of level 2 is a term. The links of its paragraph that begins with "Also" or "Taught in" say where it is taught: a
notebook of the course, and after `#` a heading in it with `-` for each space, as JupyterLab writes it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from .chapters import Chapter
from .notebook import Cell, headings, plain

NAME = "glossary.md"
LARGEST = 2_000_000  # bytes
_LINK = re.compile(r"\[([^\]]*)\]\(<?([^)>\s]+)>?\)")


@dataclass(frozen=True)
class Taught:
    """Where a term is taught. words: of the link. path: of the notebook, from the course folder. heading: empty for all of it."""

    words: str
    path: str
    heading: str


@dataclass(frozen=True)
class Term:
    """A term, other names of it, what it means (one line of Markdown a paragraph), and where it is taught."""

    name: str
    also: tuple[str, ...]
    words: str
    taught: tuple[Taught, ...]


def terms(folder: Path) -> list[Term]:
    """The terms in the order of the file. Raises: OSError or ValueError if the file cannot be read; FileNotFoundError if there is none."""
    file = folder / NAME
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ValueError("it is a link that leads out of the course")
    if file.stat().st_size > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1_000_000} MB")
    text = file.read_text(encoding="utf-8")
    marks = [heading for heading in headings(text) if heading.level <= 2]
    ends = [heading.at for heading in marks[1:]] + [len(text)]
    return [_term(heading.text, text[heading.at : end].partition("\n")[2]) for heading, end in zip(marks, ends, strict=False) if heading.level == 2]


def cell_of(taught: Taught, books: Iterable[tuple[Chapter, tuple[Cell, ...]]]) -> tuple[Chapter, Cell | None] | None:
    """The chapter and the cell that a link leads to: no cell for a whole chapter. None if there is no such chapter or heading."""
    for chapter, cells in books:
        if chapter.path == taught.path and not chapter.error:
            if not taught.heading:
                return chapter, None
            for cell in cells:
                if any(anchor(heading.text) == anchor(taught.heading) for heading in cell.headings):
                    return chapter, cell
    return None


def anchor(heading: str) -> str:
    """A heading as JupyterLab writes it after `#`."""
    return heading.strip().replace(" ", "-")


def _term(name: str, body: str) -> Term:
    also: list[str] = []
    taught: list[Taught] = []
    words = []
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        line = " ".join(paragraph.split())
        if not re.match(r"(Also|Taught in)\b", line):
            words.append(line)
            continue
        names = re.match(r"Also:?\s+(.*?)\.(?:\s|$)", line)
        also += [plain(one).strip() for one in names[1].split(",")] if names else []
        for link in _LINK.finditer(line):
            path, _, heading = unquote(link[2]).partition("#")
            taught.append(Taught(plain(link[1]), path.removeprefix("./"), heading))
    return Term(name.strip(), tuple(also), "\n".join(filter(None, words)), tuple(taught))
