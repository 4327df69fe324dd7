"""The course on this server: what the routes ask. Every method here blocks: call it in a thread."""

import hashlib
import os
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from traitlets import Unicode
from traitlets.config import LoggingConfigurable

from ..course import glossary
from ..course.chapters import Chapter, CourseNotFound, Shelf, find_course
from ..course.originals import NoOriginal, NotPutBack, Originals, put_back
from ..course.progress import Attempted, Progress, ProgressUnavailable, home, state
from ..course.search import search

Entry = dict[str, Any]


class Refused(Exception):
    """What is asked for cannot be done; the message says why, to the learner. code: of HTTP."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class Dlnb(LoggingConfigurable):
    """The course on this server. Its methods block: call them in a thread.

    Raises, from every method but `listing`: CourseNotFound; ProgressUnavailable if progress cannot be read or kept just now.
    """

    course = Unicode(
        "",
        help="The folder of the course, absolute or relative to the server's root directory. "
        "Empty: the environment variable DLNB_COURSE, else the folder is looked for.",
    ).tag(config=True)

    def __init__(self, root: Path, **traits: Any) -> None:
        super().__init__(**traits)
        self.root = root.resolve()
        self.progress = Progress()
        self._shelf: Shelf | None = None
        self._resetting = threading.Lock()
        self._kept: dict[str, tuple[Path, int, int]] = {}

    def stamp(self) -> str:
        """A text that changes when the list would. Costs a look at the folder and at the progress file, and opens neither."""
        try:
            parts = [str(self._found().folder), self._found().stamp()]
        except CourseNotFound as error:
            parts = [str(error)]
        for ending in ("", "-wal"):
            file = self.progress.file.with_name(self.progress.file.name + ending)
            try:
                stat = file.stat()
                parts.append(f"{stat.st_ino} {stat.st_mtime_ns} {stat.st_size}" if stat.st_size else "")
            except OSError:
                parts.append("")
        return hashlib.sha256("\0".join([*parts, str(self.progress.notice)]).encode("utf-8", "surrogatepass")).hexdigest()

    def listing(self) -> list[Entry]:
        """Every chapter as the panel shows it. Messages for the learner are entries of kind `notice` or `no course`."""
        try:
            shelf = self._found()
        except CourseNotFound as error:  # no failure of the request: most JupyterLabs are no course
            return [{"kind": "no course", "title": str(error)}]
        notices = []
        runs: dict[str, dict[str, float]] = {}
        tried: dict[str, Attempted] = {}
        try:
            runs, tried = self.progress.runs(), self.progress.exercises()
        except ProgressUnavailable as error:
            notices.append(str(error))
        if self.progress.notice:
            notices.append(self.progress.notice)
        chapters = shelf.chapters()
        for chapter in chapters:
            self._keep(shelf, chapter, runs)
        entries = [self._entry(shelf, chapter, runs.get(chapter.path, {}), tried) for chapter in chapters]
        return entries + [{"kind": "notice", "title": notice} for notice in notices]

    def record(self, path: str, cells: list[str]) -> Entry:
        """Remember the cells that ran, as far as they belong to the chapter, and give the chapter back."""
        shelf, chapter = self._chapter(path)
        counted = set(chapter.cells).intersection(cells)
        if counted:
            self._keep(shelf, chapter, self.progress.runs())
            self.progress.record(chapter.path, counted)
        return self._now(shelf, chapter)

    def reset(self, path: str) -> Entry:
        """Make a chapter what it was when it came, and forget how it went. "backup" is where the learner's version is now, or None.

        Raises: Refused if it cannot be put back; then nothing has changed.
        """
        with self._resetting:
            shelf, chapter = self._chapter(path)
            self._keep(shelf, chapter, self.progress.runs())
            exercises = {asked.number for asked in chapter.exercises}
            try:
                backup = put_back(shelf.folder / chapter.path, self._originals(shelf).original(chapter.path))
            except NoOriginal as error:
                raise Refused(409, str(error)) from None
            except NotPutBack as error:
                self.log.error("dlnb: %s", error)
                raise Refused(507, str(error)) from None
            shelf, chapter = self._chapter(path)
            quiz = chapter.number if chapter.kind == "chapter" else ""  # a lab has the number of its chapter, and no quiz
            self.progress.reset(chapter.path, exercises | {asked.number for asked in chapter.exercises}, quiz)
        kept = None if backup is None else backup.relative_to(self.root).as_posix()
        return {**self._now(shelf, chapter), "backup": kept}

    def search(self, query: str) -> Entry:
        """Cells in which all words are, the best first, and how many there are in all."""
        shelf = self._found()
        hits, count = search(shelf.books(), query)
        found = [
            {**self._place(shelf, hit.chapter), "cell": hit.cell.id, "at": hit.cell.at, "kind": hit.cell.kind, "heading": hit.heading,
             "snippet": hit.snippet, "marks": hit.marks}
            for hit in hits
        ]  # fmt: skip
        return {"hits": found, "count": count}

    def glossary(self) -> Entry:
        """Every term in the order of the alphabet, each with the places where it is taught. "message" says why there are none."""
        shelf = self._found()
        try:
            terms = glossary.terms(shelf.folder)
        except FileNotFoundError:
            return {"terms": [], "message": "This course has no glossary."}
        except (OSError, ValueError) as error:
            return {"terms": [], "message": f"The glossary cannot be read ({glossary.NAME}): {error}."}
        books = shelf.books()
        told = []
        for term in sorted(terms, key=lambda term: term.name.casefold()):
            places = []
            for taught in term.taught:
                if (found := glossary.cell_of(taught, books)) is not None:
                    chapter, cell = found
                    at = {"cell": cell and cell.id, "at": cell and cell.at, "heading": taught.heading}
                    places.append({**self._place(shelf, chapter), **at, "words": taught.words})
            told.append({"name": term.name, "also": term.also, "words": term.words, "taught": places})
        return {"terms": told, "message": ""}

    def _found(self) -> Shelf:
        folder = find_course(self.root, self.course or os.environ.get("DLNB_COURSE", ""))
        if self._shelf is None or self._shelf.folder != folder:
            self._shelf = Shelf(folder)
        return self._shelf

    def _originals(self, shelf: Shelf) -> Originals:
        return Originals(shelf.folder, home() / "originals", shelf.carried)

    def _keep(self, shelf: Shelf, chapter: Chapter, runs: dict[str, dict[str, float]]) -> None:
        """Keep the original of a chapter that has not been begun; looked at once for each state of its file."""
        if chapter.error or runs.get(chapter.path):
            return
        try:
            stat = (shelf.folder / chapter.path).stat()
            seen = (shelf.folder, stat.st_mtime_ns, stat.st_size)
            if self._kept.get(chapter.path) != seen:
                self._originals(shelf).keep(chapter.path)
                self._kept[chapter.path] = seen
        except OSError as error:
            self.log.warning("dlnb: the original of %s cannot be kept: %s", chapter.path, error)

    def _chapter(self, path: str) -> tuple[Shelf, Chapter]:
        shelf = self._found()
        for chapter in shelf.chapters():
            if self._server_path(shelf, chapter) == path:
                return shelf, chapter
        raise Refused(404, "There is no such chapter in the course.")

    def _server_path(self, shelf: Shelf, chapter: Chapter) -> str:
        return (shelf.folder / chapter.path).relative_to(self.root).as_posix()

    def _place(self, shelf: Shelf, chapter: Chapter) -> Entry:
        return {"path": self._server_path(shelf, chapter), "number": chapter.number, "title": chapter.title, "of": chapter.kind}

    def _now(self, shelf: Shelf, chapter: Chapter) -> Entry:
        return self._entry(shelf, chapter, self.progress.runs().get(chapter.path, {}), self.progress.exercises())

    def _entry(self, shelf: Shelf, chapter: Chapter, runs: dict[str, float], tried: dict[str, Attempted]) -> Entry:
        run = [cell for cell in chapter.cells if cell in runs]
        own = [tried[asked.number].at for asked in chapter.exercises if asked.number in tried]
        return {
            "kind": chapter.kind,
            "number": chapter.number,
            "title": chapter.title,
            "minutes": chapter.minutes,
            "path": self._server_path(shelf, chapter),
            "error": chapter.error,
            "state": state(chapter.cells, run),
            "cells": len(chapter.cells),
            "run": len(run),
            "next": next_cell(chapter.cells, runs),
            "last": max([*(runs[cell] for cell in run), *own], default=None),
            "exercises": [{**asdict(asked), **how(tried.get(asked.number))} for asked in chapter.exercises],
        }


def next_cell(cells: tuple[str, ...], runs: dict[str, float]) -> str | None:
    """The cell to go on with: the next that has not run after the one that ran last, else the first that has not."""
    latest = max((at for at, cell in enumerate(cells) if cell in runs), key=lambda at: (runs[cells[at]], at), default=-1)
    waiting = [at for at, cell in enumerate(cells) if cell not in runs]
    found = next((at for at in waiting if at > latest), next(iter(waiting), None))
    return None if found is None else cells[found]


def how(tried: Attempted | None) -> Entry:
    """How it went with an exercise: new, tried, shown (the solution was looked at), helped (solved after that) or solved."""
    if tried is None:
        return {"state": "new", "tries": 0, "hints": 0}
    solved = "solved" if tried.alone else "helped"
    begun = "shown" if tried.shown is not None else "tried" if tried.tries or tried.hints else "new"
    return {"state": solved if tried.solved is not None else begun, "tries": tried.tries, "hints": tried.hints}
