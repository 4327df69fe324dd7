"""The chapters and labs of a course folder, read from their notebooks.

Chapters are `NN_name.ipynb` in the folder, labs are `labs/NN_name.ipynb`. A notebook that cannot be read
is listed with an `error` in words: one broken file must not hide the rest of the course. The backups that a reset makes
(`originals.py`) are no chapters.
"""

import os
import re
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from textwrap import shorten
from typing import Any

from .notebook import LARGEST, Cell, NoNotebook, plain, read

CARRIED = Path(__file__).parent / "notebooks"  # the course as the wheel carries it; not there in a clone
BACKUP = ".backup-"  # in the name of what the learner had before a reset
_NAME = re.compile(r"(\d{1,4})_(.+)\.ipynb", re.ASCII)
_OURS = re.compile(rb'"dlnb"\s*:\s*\{')  # the notebook metadata {"dlnb": {"chapter": "10", "minutes": 45}}
_PIECE = 1_000_000  # bytes that are looked through at once, so that other threads get their turn
_CHECK = re.compile(r"""^(?!\s*#).*?\bcheck\(\s*["'](\d{1,4}\.\d{1,3})["']""", re.MULTILINE)


class CourseNotFound(Exception):
    """There is no course to show; the message says where it was looked for and what to do."""


@dataclass(frozen=True)
class Asked:
    """An exercise of a chapter: its number, a few words on it (or none), and the cell in which it is checked."""

    number: str
    title: str
    cell: str | None


@dataclass(frozen=True)
class Chapter:
    """One notebook of the course.

    `path` is relative to the course folder, with forward slashes. `cells` are the ids of the code cells
    that hold code, in reading order. `exercises` are those that a cell checks with `dl.check("10.2", …)`.
    `error` says in words why the notebook cannot be read.
    """

    number: str
    title: str
    kind: str  # "chapter" or "lab"
    path: str
    minutes: int | None = None
    cells: tuple[str, ...] = ()
    exercises: tuple[Asked, ...] = ()
    error: str | None = None


def find_course(root: Path, wish: str = "") -> Path:
    """The course folder of a server whose files begin at `root`.

    wish: a folder, absolute or relative to `root`; without one, `root/notebooks`, `root` and `root/dlnb-course` are
    tried.
    Raises: CourseNotFound if there is none, or if it lies outside `root` and could not be opened.
    """
    root = root.resolve()
    if wish:
        folder = (root / Path(wish).expanduser()).resolve()
        if not folder.is_dir():
            raise CourseNotFound(f"The course folder {folder} does not exist. Correct the setting DLNB_COURSE.")
        if not folder.is_relative_to(root):
            raise CourseNotFound(
                f"The course folder {folder} is outside {root}, the folder that JupyterLab shows, so its notebooks "
                "cannot be opened. Start JupyterLab in a folder above the course."
            )
        return folder
    places = [root / "notebooks", root, root / "dlnb-course"]
    for place in places:
        if is_course(place) and place.resolve().is_relative_to(root):
            return place.resolve()
    raise CourseNotFound(
        f"No chapters were found in {root} or in its folders notebooks and dlnb-course. "
        "Start JupyterLab in the folder of the course, or with the command “dlnb lab”."
    )


def is_course(folder: Path) -> bool:
    """Whether the folder holds a chapter of ours: other people number their notebooks too."""
    return any(_is_ours(file) for file in _notebooks(folder))


class Shelf:
    """The chapters of one course folder. A notebook is read again only after it has changed; threads may share a shelf.

    carried: the course as it ships. Where the same notebook is found there, a code cell that the learner
    added does not count, so trying something out does not undo "done".
    """

    def __init__(self, folder: Path, carried: Path = CARRIED) -> None:
        self.folder = folder.resolve()
        self.carried = carried
        self._read: dict[Path, tuple[Stamp, Chapter, tuple[Cell, ...]]] = {}
        self._lock = threading.Lock()
        self._reading = threading.Lock()  # so that many who ask at once do not all read the same notebooks

    def chapters(self) -> list[Chapter]:
        """All chapters in reading order, each followed by its labs."""
        return [chapter for chapter, _ in self.books()]

    def books(self) -> list[tuple[Chapter, tuple[Cell, ...]]]:
        """The same, each with the cells of its notebook."""
        found = [self._book(file, "chapter") for file in _notebooks(self.folder)]
        found += [self._book(file, "lab") for file in _notebooks(self.folder / "labs")]
        return sorted(found, key=lambda book: (int(book[0].number), book[0].kind, book[0].path))

    def stamp(self) -> str:
        """A text that changes when a notebook comes, goes or changes. Costs a look at the folder."""
        files = [*_notebooks(self.folder), *_notebooks(self.folder / "labs")]
        return repr([(file.relative_to(self.folder).as_posix(), _stamp(file)) for file in files])

    def _book(self, file: Path, kind: str) -> tuple[Chapter, tuple[Cell, ...]]:
        path = file.relative_to(self.folder).as_posix()
        chapter, cells = self._cached(file, path, kind)
        shipped = self.carried / path
        if chapter.error or not shipped.is_file() or shipped.resolve() == file.resolve():
            return chapter, cells
        known = set(self._cached(shipped, path, kind)[0].cells)
        counted = tuple(cell for cell in chapter.cells if cell in known)
        return replace(chapter, cells=counted) if counted else chapter, cells

    def _cached(self, file: Path, path: str, kind: str) -> tuple[Chapter, tuple[Cell, ...]]:
        stamp = _stamp(file)
        known = self._known(file)
        if known is None or known[0] != stamp:
            with self._reading:
                known = self._known(file)
                if known is None or known[0] != stamp:
                    known = (stamp, *self._looked_at(file, path, kind))
                    with self._lock:
                        self._read[file] = known
        return known[1], known[2]

    def _known(self, file: Path) -> "tuple[Stamp, Chapter, tuple[Cell, ...]] | None":
        with self._lock:
            return self._read.get(file)

    def _looked_at(self, file: Path, path: str, kind: str) -> tuple[Chapter, tuple[Cell, ...]]:
        real = file.resolve()
        if real.is_relative_to(self.folder) or real.is_relative_to(self.carried.resolve()):
            return read_chapter(file, path, kind)
        return _broken(path, kind, "It is a link that leads out of the course."), ()


Stamp = tuple[int, int] | None  # when a file was changed, in nanoseconds, and its size; None if it cannot be looked at


def read_chapter(file: Path, path: str, kind: str) -> tuple[Chapter, tuple[Cell, ...]]:
    """Read one notebook, as a chapter and its cells; whatever is wrong with it becomes the chapter's `error`."""
    try:
        notebook = read(file)
    except NoNotebook as error:
        return _broken(path, kind, str(error)), ()
    blank = _broken(path, kind, "")
    number = notebook.about.get("chapter")
    number = number if isinstance(number, str) and re.fullmatch(r"\d{1,4}", number, re.ASCII) else blank.number
    chapter = Chapter(
        number=number,
        title=_title(notebook.cells, number) or blank.title,
        kind=kind,
        path=path,
        minutes=_minutes(notebook.about.get("minutes")),
        cells=tuple(dict.fromkeys(cell.id for cell in notebook.cells if cell.kind == "code" and cell.id)),
        exercises=_exercises(notebook.cells),
    )
    return chapter, notebook.cells


def _notebooks(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name) and BACKUP not in file.name and file.is_file())
    except OSError:
        return []  # no such folder, or not ours to read


def _stamp(file: Path) -> Stamp:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _is_ours(file: Path) -> bool:
    stamp = _stamp(file)
    return stamp is not None and stamp[1] <= LARGEST and _names_us(file, stamp)


@lru_cache(maxsize=1000)
def _names_us(file: Path, stamp: Stamp) -> bool:
    """Whether the metadata of ours is in the file; looked at again when its stamp has changed."""
    try:
        with file.open("rb") as content:
            content.seek(-min(_PIECE, os.fstat(content.fileno()).st_size), os.SEEK_END)
            if _OURS.search(content.read()):  # where it is in nearly every notebook
                return True
            content.seek(0)
            last = b""
            while piece := content.read(_PIECE):
                if _OURS.search(last + piece):
                    return True
                last = piece[-64:]
    except OSError:
        pass
    return False


def _broken(path: str, kind: str, error: str) -> Chapter:
    match = _NAME.fullmatch(path.rpartition("/")[2])
    number, name = match.groups() if match else ("0", path)
    return Chapter(number, name.replace("_", " ").capitalize(), kind, path, error=error)


def _title(cells: tuple[Cell, ...], number: str) -> str:
    """The first H1, as text, without "10", "Chapter 10:" or "Lab 10 ·" before it."""
    text = next((heading.text for cell in cells for heading in cell.headings if heading.level == 1), "")
    prefix = rf"(?:(?:chapter|lab)\s+)?0*{int(number)}(?:\s*[.:·–—]\s*|\s+-\s+|\s+)"
    return re.sub(rf"^{prefix}", "", text, flags=re.IGNORECASE).strip()[:200]


def _minutes(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10_000:
        return None
    return max(1, round(value))


def _exercises(cells: tuple[Cell, ...]) -> tuple[Asked, ...]:
    """The exercises that a code cell checks, each where it is checked first, with the words that follow its number in the text."""
    where: dict[str, str | None] = {}
    for cell in cells:
        if cell.kind == "code":
            for found in _CHECK.finditer(cell.text):
                where.setdefault(found[1], cell.id)
    prose = "\n".join(cell.text for cell in cells if cell.kind == "markdown")
    return tuple(Asked(number, _asked(number, prose), where[number]) for number in sorted(where, key=_place))


def _asked(number: str, prose: str) -> str:
    """The first words after "Exercise 10.2 ·" in a heading or in bold at the beginning of a line."""
    lead = rf"^[ \t]*(?:#{{1,6}}[ \t]+|[*_]{{2}})(?:Exercise[ \t]+)?{re.escape(number)}(?!\d)[ \t.:·–—*_]*(.*)$"
    found = re.search(lead, prose, re.MULTILINE)
    words = plain(found[1]) if found else ""
    ends = re.search(r"[.:;](?=\s|$)|(?<=[?!])(?=\s|$)", words)
    return shorten(words[: ends.start()] if ends else words, 60, placeholder=" …")


def _place(number: str) -> tuple[int, ...]:
    """10.2 comes before 10.10."""
    return tuple(int(part) for part in number.split("."))
