"""Reading a notebook: its cells with their text and headings, whatever state the file is in.

A large notebook is read by a process of its own: Python's JSON parser lets nothing else run while it works, and a server
that waits for 5 MB of outputs would stand still for a tenth of a second.
"""

import json
import re
import subprocess
import sys
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

LARGEST = 50_000_000  # bytes; a notebook beyond this would make every listing slow
READ_HERE = 500_000  # bytes that are parsed in 15 ms
PATIENCE = 60  # seconds for the process that reads a large one
MOST_TEXT = 100_000  # characters of a cell that are looked at
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what the notebook format allows


class NoNotebook(Exception):
    """A file cannot be read as a notebook; the message says why and what to do."""


@dataclass(frozen=True)
class Heading:
    """A heading in a cell. at: its place in the cell's text. level: 1 to 6. text: without Markdown's marks."""

    at: int
    level: int
    text: str


@dataclass(frozen=True)
class Cell:
    """A cell that holds something.

    at: its place in the notebook, from 0. id: None in a file of an old format. kind: "markdown", "code" or "raw".
    headings: those in it. above: the nearest heading before the cell.
    """

    at: int
    id: str | None
    kind: str
    text: str
    headings: tuple[Heading, ...] = ()
    above: str = ""

    @cached_property
    def folded(self) -> str:
        """The text as it is searched; as long as the text itself."""
        return fold(self.text)

    def heading_at(self, place: int) -> str:
        """The nearest heading above a place in the text."""
        return next((heading.text for heading in reversed(self.headings) if heading.at <= place), self.above)


@dataclass(frozen=True)
class Notebook:
    """about: the metadata under "dlnb". cells: those that hold something, in reading order."""

    about: dict[str, Any]
    cells: tuple[Cell, ...]


def read(file: Path) -> Notebook:
    """Read a notebook. Raises: NoNotebook."""
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise NoNotebook(f"The file is larger than {LARGEST // 1_000_000} MB. Clear its outputs.")
        told = _told(file.read_bytes()) if size <= READ_HERE else _told_by_another(file)
    except OSError as error:
        raise NoNotebook(f"The file cannot be read: {error.strerror or error}.") from None
    if told is None:
        raise NoNotebook("This is not a notebook: it is not valid JSON. Put the original file back.")
    about, cells = told
    if cells is None:
        raise NoNotebook("This is not a notebook: it has no list of cells. Put the original file back.")
    return Notebook(about, _cells(cells))


def fold(text: str) -> str:
    """Lower case without accents, each character for itself, so that places stay what they are."""
    return text.lower() if text.isascii() else "".join(map(_fold, text))


def plain(markdown: str) -> str:
    """One line of Markdown without its marks."""
    return re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)).strip()


def headings(text: str) -> tuple[Heading, ...]:
    """The headings of a Markdown text, but not what looks like one in a block of code."""
    prose = _FENCED.sub(lambda fenced: " " * len(fenced[0]), text)
    return tuple(Heading(found.start(), len(found[1]), re.sub(r"[*`]", "", found[2])) for found in _HEADING.finditer(prose))


@lru_cache(maxsize=10_000)
def _fold(character: str) -> str:
    folded = unicodedata.normalize("NFKD", character)[0].lower()
    return folded if len(folded) == 1 else character


def _told(content: bytes) -> tuple[dict[str, Any], list[Any] | None] | None:
    """What is taken from a file: about the notebook, and (id, kind, source) of its cells. None if it is no JSON."""
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError):
        return None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return {}, None
    metadata = notebook.get("metadata")
    about = metadata.get("dlnb") if isinstance(metadata, dict) else None
    return about if isinstance(about, dict) else {}, [[cell.get("id"), cell.get("cell_type"), _source(cell)] for cell in cells]


def _told_by_another(file: Path) -> tuple[dict[str, Any], list[Any] | None] | None:
    # -P: a learner's json.py in the folder of the server is not ours to import.
    command = [sys.executable, "-P", "-m", "dlnb.course.notebook", str(file.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True, stdin=subprocess.DEVNULL)
    except (subprocess.SubprocessError, OSError) as error:
        raise NoNotebook(f"The file cannot be read: it is large, and reading it failed ({error}). Clear its outputs.") from None
    told = json.loads(done.stdout)
    return None if told is None else (told[0], told[1])


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source[:MOST_TEXT] if isinstance(source, str) else ""


def _cells(told: list[Any]) -> tuple[Cell, ...]:
    found: list[Cell] = []
    above = ""
    for at, (name, kind, text) in enumerate(told):
        own = headings(text) if kind == "markdown" else ()
        if text.strip() and kind in ("markdown", "code", "raw"):
            known = name if isinstance(name, str) and _CELL_ID.fullmatch(name) else None
            found.append(Cell(at, known, kind, text, own, above))
        above = own[-1].text if own else above
    return tuple(found)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_told(Path(sys.argv[1]).read_bytes())))
