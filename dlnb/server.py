"""The Jupyter server extension: the course and the learner's progress for the course panel.

    GET  {base}/dlnb/chapters            → the list of chapters and labs, each with its state
    POST {base}/dlnb/chapters/progress   {"path", "cells": [ids that ran without error]} → the chapter as it is now
    POST {base}/dlnb/chapters/reset      {"path"} → the chapter, new again

All behind Jupyter's own authentication. Files and SQLite are used in a thread, never on the event loop.
"""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from traitlets import Unicode
from traitlets.config import LoggingConfigurable

from .course.chapters import Chapter, CourseNotFound, Shelf, find_course
from .course.progress import Progress, ProgressUnavailable, state

LARGEST_BODY = 200_000  # bytes; 1,000 cell ids are 70 kB
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Dlnb(LoggingConfigurable):
    """The course on this server. Its methods block: call them in a thread."""

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

    def listing(self) -> list[dict[str, Any]]:
        """Every chapter as the panel shows it. Messages for the learner are entries of kind `notice` or `no course`."""
        try:
            shelf = self._found()
        except CourseNotFound as error:  # no failure of the request: most JupyterLabs are no course
            return [{"kind": "no course", "title": str(error)}]
        notices = []
        runs: dict[str, dict[str, float]] = {}
        try:
            runs = self.progress.runs()
        except ProgressUnavailable as error:
            notices.append(str(error))
        if self.progress.notice:
            notices.append(self.progress.notice)
        entries = [self._entry(shelf, chapter, runs.get(chapter.path, {})) for chapter in shelf.chapters()]
        return entries + [{"kind": "notice", "title": notice} for notice in notices]

    def record(self, path: str, cells: list[str]) -> dict[str, Any]:
        """Remember the cells that ran, as far as they belong to the chapter, and give the chapter back."""
        shelf, chapter = self._chapter(path)
        counted = set(chapter.cells).intersection(cells)
        if counted:
            self.progress.record(chapter.path, counted)
        return self._entry(shelf, chapter, self.progress.runs().get(chapter.path, {}))

    def reset(self, path: str) -> dict[str, Any]:
        """Forget which cells of the chapter were run. The notebook itself stays as it is."""
        shelf, chapter = self._chapter(path)
        self.progress.reset(chapter.path)
        return self._entry(shelf, chapter, {})

    def _found(self) -> Shelf:
        folder = find_course(self.root, self.course or os.environ.get("DLNB_COURSE", ""))
        if self._shelf is None or self._shelf.folder != folder:
            self._shelf = Shelf(folder)
        return self._shelf

    def _chapter(self, path: str) -> tuple[Shelf, Chapter]:
        shelf = self._found()
        for chapter in shelf.chapters():
            if self._server_path(shelf, chapter) == path:
                return shelf, chapter
        raise web.HTTPError(404, "There is no such chapter in the course.")

    def _server_path(self, shelf: Shelf, chapter: Chapter) -> str:
        return (shelf.folder / chapter.path).relative_to(self.root).as_posix()

    def _entry(self, shelf: Shelf, chapter: Chapter, runs: dict[str, float]) -> dict[str, Any]:
        run = [cell for cell in chapter.cells if cell in runs]
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
            "next": next((cell for cell in chapter.cells if cell not in runs), None),
            "last": max((runs[cell] for cell in run), default=None),
        }


class _CourseHandler(APIHandler):
    """What the routes share: the course, answers in JSON, and errors in words."""

    auth_resource = "contents"

    @property
    def course(self) -> Dlnb:
        return self.settings["dlnb"]

    async def answer(self, work: Any, *arguments: Any) -> None:
        """Do the work in a thread and send what it returns."""
        try:
            self.finish(json.dumps(await asyncio.to_thread(work, *arguments)))
        except CourseNotFound as error:
            raise web.HTTPError(404, str(error)) from None
        except ProgressUnavailable as error:
            self.log.error("dlnb: %s", error)
            self.set_status(503)
            self.finish(json.dumps({"message": str(error)}))

    def body(self) -> dict[str, Any]:
        """The request's JSON object, with its `path` checked."""
        if len(self.request.body) > LARGEST_BODY:
            raise web.HTTPError(413, f"The body is larger than {LARGEST_BODY} bytes.")
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise web.HTTPError(400, "The body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise web.HTTPError(400, 'The body must be a JSON object, such as {"path": "…"}.')
        path = body.get("path")
        if not isinstance(path, str) or not 0 < len(path) <= 1024:
            raise web.HTTPError(400, '"path" must be the path of a chapter, as text of 1 to 1024 characters.')
        return body


class ChaptersHandler(_CourseHandler):
    """The list of chapters."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Every chapter with its state."""
        await self.answer(self.course.listing)


class ProgressHandler(_CourseHandler):
    """Cells of a chapter that ran without error."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Record them."""
        body = self.body()
        cells = body.get("cells")
        if not isinstance(cells, list) or not 0 < len(cells) <= 1000:
            raise web.HTTPError(400, '"cells" must be a list of 1 to 1000 cell ids.')
        if not all(isinstance(cell, str) and _CELL_ID.fullmatch(cell) for cell in cells):
            raise web.HTTPError(400, '"cells" must hold cell ids: 1 to 64 letters, digits, "-" or "_".')
        await self.answer(self.course.record, body["path"], cells)


class ResetHandler(_CourseHandler):
    """Make a chapter new again."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Forget which of its cells were run."""
        await self.answer(self.course.reset, self.body()["path"])


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "dlnb.server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.web_app.settings["dlnb"] = Dlnb(Path(server.root_dir), parent=server)
    base = url_path_join(server.web_app.settings["base_url"], "dlnb", "chapters")
    route = re.escape(base)  # a user's name in a hub's base URL may hold dots and plus signs
    routes = [(route, ChaptersHandler), (f"{route}/progress", ProgressHandler), (f"{route}/reset", ResetHandler)]
    server.web_app.add_handlers(".*$", routes)
    server.log.info("dlnb: the course panel is served at %s", base)
