"""The routes: what a request must be, and answers in JSON. `routes` is all of them."""

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ..course.chapters import CourseNotFound
from ..course.progress import ProgressUnavailable
from .course import Dlnb, Refused
from .kernels import COMMANDS, Kernels

LARGEST_BODY = 200_000  # bytes; 1,000 cell ids are 70 kB
LONGEST_QUERY = 200  # characters
# Few threads: each that computes takes the interpreter for some milliseconds, and the event loop waits for its turn among them.
WORKERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="dlnb")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of a cell, a kernel or a run


class _CourseHandler(APIHandler):
    """What the routes share: the course, answers in JSON, and errors in words."""

    auth_resource = "contents"
    _track_activity = False  # a panel that looks again and again must not keep a server alive that nobody uses

    @property
    def course(self) -> Dlnb:
        return self.settings["dlnb"]

    @property
    def kernels(self) -> Kernels:
        return self.settings["dlnb_kernels"]

    async def answer(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Do the work in a thread and send what it returns."""
        try:
            self.finish(await in_thread(_as_json, work, *arguments))
        except CourseNotFound as error:
            raise web.HTTPError(404, str(error)) from None
        except Refused as error:
            self.set_status(error.code)
            self.finish(json.dumps({"message": str(error)}))
        except ProgressUnavailable as error:
            self.log.error("dlnb: %s", error)
            self.set_status(503)
            self.finish(json.dumps({"message": str(error)}))

    def body(self) -> dict[str, Any]:
        """The request's JSON object."""
        if len(self.request.body) > LARGEST_BODY:
            raise web.HTTPError(413, f"The body is larger than {LARGEST_BODY} bytes.")
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise web.HTTPError(400, "The body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise web.HTTPError(400, "The body must be a JSON object.")
        return body

    def body_with_path(self) -> dict[str, Any]:
        """The same, with its `path` checked."""
        body = self.body()
        path = body.get("path")
        if not isinstance(path, str) or not 0 < len(path) <= 1024:
            raise web.HTTPError(400, '"path" must be the path of a chapter, as text of 1 to 1024 characters.')
        return body


class ChaptersHandler(_CourseHandler):
    """The list of chapters."""

    _stamp = ""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Every chapter with its state, or nothing new."""
        self._stamp = await in_thread(self.course.stamp)
        self.set_etag_header()
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            await self.answer(self.course.listing)

    def compute_etag(self) -> str | None:
        """What the list was made of, and not what it became."""
        return f'"{self._stamp}"' if self._stamp else None


class ProgressHandler(_CourseHandler):
    """Cells of a chapter that ran without error."""

    _track_activity = True

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Record them."""
        body = self.body_with_path()
        cells = body.get("cells")
        if not isinstance(cells, list) or not 0 < len(cells) <= 1000:
            raise web.HTTPError(400, '"cells" must be a list of 1 to 1000 cell ids.')
        if not all(isinstance(cell, str) and _ID.fullmatch(cell) for cell in cells):
            raise web.HTTPError(400, '"cells" must hold cell ids: 1 to 64 letters, digits, "-" or "_".')
        await self.answer(self.course.record, body["path"], cells)


class ResetHandler(_CourseHandler):
    """Make a chapter what it was."""

    _track_activity = True

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Put its original back, keep the learner's version, and forget how it went."""
        await self.answer(self.course.reset, self.body_with_path()["path"])


class SearchHandler(_CourseHandler):
    """Words in the chapters."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The cells that have them."""
        query = self.get_query_argument("q", "")
        if len(query) > LONGEST_QUERY:
            raise web.HTTPError(400, f"A search takes {LONGEST_QUERY} characters at most.")
        await self.answer(self.course.search, query)


class GlossaryHandler(_CourseHandler):
    """The words of the course."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Every term."""
        await self.answer(self.course.glossary)


class LiveHandler(_CourseHandler):
    """What runs just now, and the memory it takes."""

    auth_resource = "kernels"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Memory, and the runs of every kernel of this server."""
        await self.answer(self.kernels.look, self.kernels.here())

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Pause a run, let it go on, or stop it."""
        body = self.body()
        for name in ("kernel", "run"):
            if not isinstance(body.get(name), str) or not _ID.fullmatch(body[name]):
                raise web.HTTPError(400, f'"{name}" must be 1 to 64 letters, digits, "-" or "_".')
        if body.get("do") not in COMMANDS:
            raise web.HTTPError(400, f'"do" must be one of {", ".join(COMMANDS)}.')
        await self.answer(self.kernels.tell, self.kernels.here(), body["kernel"], body["run"], body["do"])


def routes(base: str) -> list[tuple[str, type[APIHandler]]]:
    """All routes below a base address."""
    route = re.escape(base)  # a user's name in a hub's base URL may hold dots and plus signs
    return [
        (f"{route}/chapters", ChaptersHandler),
        (f"{route}/chapters/progress", ProgressHandler),
        (f"{route}/chapters/reset", ResetHandler),
        (f"{route}/search", SearchHandler),
        (f"{route}/glossary", GlossaryHandler),
        (f"{route}/live", LiveHandler),
    ]


async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """What the work returns, done in a thread of ours."""
    return await asyncio.get_running_loop().run_in_executor(WORKERS, work, *arguments)


def _as_json(work: Callable[..., Any], *arguments: Any) -> str:
    return json.dumps(work(*arguments))
