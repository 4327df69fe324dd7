"""The Jupyter server extension: the course and the learner's progress for the course panel.

    GET  {base}/dlnb/chapters            → the list of chapters and labs, each with its state and its exercises; 304 while nothing changed
    POST {base}/dlnb/chapters/progress   {"path", "cells": [ids that ran without error]} → the chapter as it is now
    POST {base}/dlnb/chapters/reset      {"path"} → the chapter as it came, and under which name the learner's version was kept
    GET  {base}/dlnb/search?q=words      → cells of chapters and terms of the glossary in which all words are
    GET  {base}/dlnb/glossary            → every term, what it means, and where it is taught
    GET  {base}/dlnb/live                → memory in use, and the runs of every kernel
    POST {base}/dlnb/live                {"kernel", "run", "do": "pause", "resume" or "stop"} → nothing

All behind Jupyter's own authentication. Files, SQLite and processes are used in a thread, never on the event loop.
`course.py` is what the routes ask, `kernels.py` how kernels tell of their runs, `handlers.py` HTTP.
"""

from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join

from .course import Dlnb
from .handlers import routes
from .kernels import Kernels

__all__ = ["Dlnb"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "dlnb.server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    settings = server.web_app.settings
    settings["dlnb"] = Dlnb(Path(server.root_dir), parent=server)
    settings["dlnb_kernels"] = Kernels(server.kernel_manager)
    base = url_path_join(settings["base_url"], "dlnb")
    server.web_app.add_handlers(".*$", routes(base))
    server.log.info("dlnb: the course panel is served at %s", base)
