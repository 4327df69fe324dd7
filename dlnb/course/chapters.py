"""The chapters and labs of a course folder, read from their notebooks.

Chapters are `NN_name.ipynb` in the folder, labs are `labs/NN_name.ipynb`. A notebook that cannot be read
is listed with an `error` in words: one broken file must not hide the rest of the course.
"""

import json
import re
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CARRIED = Path(__file__).parent / "notebooks"  # the course as the wheel carries it; not there in a clone
LARGEST = 50_000_000  # bytes; a notebook beyond this would make every listing slow
_NAME = re.compile(r"(\d{1,4})_(.+)\.ipynb", re.ASCII)
_OURS = re.compile(rb'"dlnb"\s*:\s*\{')  # the notebook metadata {"dlnb": {"chapter": "10", "minutes": 45}}
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what the notebook format allows


class CourseNotFound(Exception):
    """There is no course to show; the message says where it was looked for and what to do."""


@dataclass(frozen=True)
class Chapter:
    """One notebook of the course.

    `path` is relative to the course folder, with forward slashes. `cells` are the ids of the code cells
    that hold code, in reading order. `error` says in words why the notebook cannot be read.
    """

    number: str
    title: str
    kind: str  # "chapter" or "lab"
    path: str
    minutes: int | None = None
    cells: tuple[str, ...] = ()
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
        self._read: dict[Path, tuple[tuple[int, int], Chapter]] = {}
        self._lock = threading.Lock()

    def chapters(self) -> list[Chapter]:
        """All chapters in reading order, each followed by its labs."""
        found = [self._chapter(file, "chapter") for file in _notebooks(self.folder)]
        found += [self._chapter(file, "lab") for file in _notebooks(self.folder / "labs")]
        return sorted(found, key=lambda chapter: (int(chapter.number), chapter.kind, chapter.path))

    def _chapter(self, file: Path, kind: str) -> Chapter:
        path = file.relative_to(self.folder).as_posix()
        chapter = self._cached(file, path, kind)
        shipped = self.carried / path
        if chapter.error or not shipped.is_file() or shipped.resolve() == file.resolve():
            return chapter
        known = set(self._cached(shipped, path, kind).cells)
        counted = tuple(cell for cell in chapter.cells if cell in known)
        return replace(chapter, cells=counted) if counted else chapter

    def _cached(self, file: Path, path: str, kind: str) -> Chapter:
        try:
            stat = file.stat()
        except OSError as error:
            return _broken(path, kind, f"The file cannot be read: {error.strerror or error}.")
        stamp = (stat.st_mtime_ns, stat.st_size)
        with self._lock:
            known = self._read.get(file)
        if known is None or known[0] != stamp:
            real = file.resolve()
            if real.is_relative_to(self.folder) or real.is_relative_to(self.carried.resolve()):
                known = (stamp, read_chapter(file, path, kind))
            else:
                known = (stamp, _broken(path, kind, "It is a link that leads out of the course."))
            with self._lock:
                self._read[file] = known
        return known[1]


def read_chapter(file: Path, path: str, kind: str) -> Chapter:
    """Read one notebook; whatever is wrong with it becomes the chapter's `error`."""
    try:
        if file.stat().st_size > LARGEST:
            return _broken(path, kind, f"The file is larger than {LARGEST // 1_000_000} MB. Clear its outputs.")
        notebook = json.loads(file.read_bytes())
    except OSError as error:
        return _broken(path, kind, f"The file cannot be read: {error.strerror or error}.")
    except (ValueError, RecursionError):
        return _broken(path, kind, "This is not a notebook: it is not valid JSON. Put the original file back.")
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return _broken(path, kind, "This is not a notebook: it has no list of cells. Put the original file back.")
    plain = _broken(path, kind, "")
    about = _about(notebook)
    number = about.get("chapter")
    number = number if isinstance(number, str) and re.fullmatch(r"\d{1,4}", number, re.ASCII) else plain.number
    return Chapter(
        number=number,
        title=_title(cells, number) or plain.title,
        kind=kind,
        path=path,
        minutes=_minutes(about.get("minutes")),
        cells=_code_cells(cells),
    )


def _notebooks(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name) and file.is_file())
    except OSError:
        return []  # no such folder, or not ours to read


def _is_ours(file: Path) -> bool:
    try:
        return file.stat().st_size <= LARGEST and _OURS.search(file.read_bytes()) is not None
    except OSError:
        return False


def _broken(path: str, kind: str, error: str) -> Chapter:
    match = _NAME.fullmatch(path.rpartition("/")[2])
    number, name = match.groups() if match else ("0", path)
    return Chapter(number, name.replace("_", " ").capitalize(), kind, path, error=error)


def _about(notebook: dict[str, Any]) -> dict[str, Any]:
    metadata = notebook.get("metadata")
    about = metadata.get("dlnb") if isinstance(metadata, dict) else None
    return about if isinstance(about, dict) else {}


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _title(cells: list[dict[str, Any]], number: str) -> str:
    """The first H1, as text, without "10", "Chapter 10:" or "Lab 10 ·" before it."""
    for cell in cells:
        if cell.get("cell_type") != "markdown":
            continue
        prose = re.sub(r"^(```|~~~).*?^\1", "", _source(cell), flags=re.DOTALL | re.MULTILINE)
        heading = re.search(r"^ {0,3}#[ \t]+(.+?)[ \t#]*$", prose, re.MULTILINE)
        if heading:
            text = re.sub(r"[*`]", "", heading[1])
            prefix = rf"(?:(?:chapter|lab)\s+)?0*{int(number)}(?:\s*[.:·–—]\s*|\s+-\s+|\s+)"
            return re.sub(rf"^{prefix}", "", text, flags=re.IGNORECASE).strip()[:200]
    return ""


def _minutes(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10_000:
        return None
    return max(1, round(value))


def _code_cells(cells: list[dict[str, Any]]) -> tuple[str, ...]:
    ids = (cell.get("id") for cell in cells if cell.get("cell_type") == "code" and _source(cell).strip())
    return tuple(dict.fromkeys(i for i in ids if isinstance(i, str) and _CELL_ID.fullmatch(i)))
