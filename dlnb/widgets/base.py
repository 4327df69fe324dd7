"""The channel that every widget uses: a small loader, messages both ways, and views that pay as they go.

A widget instance carries only a loader of about 2 kB. The loader asks the kernel for the widget's
bundle once a page, so that neither the notebook file nor twenty instances hold it again and again;
this way works in every front end that runs anywidget, with or without our JupyterLab extension.

A widget may be seen in several places at once (two tabs, a page reloaded, "create new view"). Each
browser view names itself with "hello" and gets everything, then only what is new. It acknowledges
frames when it has painted them; a view that owes as many as its credit gets nothing, so what is
hidden, closed or slow costs nothing and never builds up a queue.
"""

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from .publisher import PUBLISHER

STATIC = Path(__file__).parent / "static"
CREDIT = 2  # frames under way to a view
VIEWS = 8  # browser views of one widget that are remembered

log = logging.getLogger(__name__)

Message = dict[str, Any]


@dataclass
class View:
    """One place in a browser where a widget is shown, and what it has been sent."""

    name: str
    credit: int = CREDIT
    visible: bool = True
    owed: int = 0
    sent: int = 0
    cursors: dict[str, Any] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether a frame may be sent."""
        return self.visible and self.owed < self.credit


class Widget(anywidget.AnyWidget):
    """Base of the widgets. A subclass names its `bundle`, says what it `hears`, and makes frames."""

    bundle: ClassVar[str]
    credit: ClassVar[int] = CREDIT  # frames under way to a view

    _esm = traitlets.Unicode().tag(sync=True)
    _bundle = traitlets.Unicode(help="Hash of the bundle that the loader asks for").tag(sync=True)

    def __init__(self) -> None:
        self.views: dict[str, View] = {}
        self.lock = threading.RLock()
        self.shown_in: int | None = None  # the number of the cell that shows it already, though it is not its last line
        self.hears: dict[str, Callable[[Message, list[memoryview]], None]] = {
            "bundle": self._send_bundle,
            "hello": self._hello,
            "ack": self._ack,
            "visible": self._visible,
        }
        super().__init__(_esm=read_static("loader.js").decode(), _bundle=bundle_hash(self.bundle))
        self.on_msg(self._receive)

    def open(self) -> None:
        """Open the comm, then let the browser choose the subshell for its messages.

        ipykernel 7.4 sends the browser's messages to whichever shell published last. A training cell
        publishes all the time, so a click on "pause" would wait until the cell ends.

        A comm tells IPython of each message as of a cell that has run, and pyplot then shows and closes every
        figure: on the subshell, figures that a cell is drawing just now. So messages come to the widget directly.
        """
        super().open()
        self.comm.handle_msg = self._handle_msg
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = None

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """What is new for a view, or None if nothing is. Subclasses say."""
        return None

    def publish(self) -> None:
        """Send what is new to every view that can take it; on the publisher's thread."""
        with self.lock:
            for view in [view for view in self.views.values() if view.ready]:
                made = self.make_frame(view)
                if made is None:
                    continue
                header, buffers = made
                view.owed += 1
                view.sent += 1
                self.send({"kind": "frame", "view": view.name, "number": view.sent, **header}, buffers)

    def changed(self, urgent: bool = False) -> None:
        """Say that there may be something to send."""
        if self.views:
            PUBLISHER.changed(self, urgent)

    @property
    def is_watched(self) -> bool:
        """Whether any view can take a frame now."""
        return any(view.ready for view in list(self.views.values()))

    def _receive(self, _: Any, content: Any, buffers: list[memoryview]) -> None:
        """Pass a message of the browser on; one that makes no sense is logged and otherwise ignored."""
        try:
            if not isinstance(content, dict) or not isinstance(content.get("kind"), str):
                raise ValueError("a message must be an object with a kind")
            hear = self.hears.get(content["kind"])
            if hear is None:
                raise ValueError(f"there is no message of kind {content['kind']!r}")
            hear(content, buffers)
        except Exception as error:
            log.warning("dlnb: ignored a message to %r: %.200s. It was %.200r", self, error, content)

    def _send_bundle(self, _: Message, __: list[memoryview]) -> None:
        self.send({"kind": "bundle", "hash": self._bundle}, [read_static(f"{self.bundle}.js")])

    def _hello(self, message: Message, _: list[memoryview]) -> None:
        name = _text(message, "view")
        with self.lock:
            self.views.pop(name, None)
            self.views[name] = View(name, self.credit)
            while len(self.views) > VIEWS:
                # Rather one that is hidden, then one that has not answered yet; else the oldest.
                del self.views[min(self.views.values(), key=lambda view: (view.visible, view.ready)).name]
        self.changed(urgent=True)

    def _ack(self, message: Message, _: list[memoryview]) -> None:
        painted = message.get("frames", 1)
        if not isinstance(painted, int) or painted < 1:
            raise ValueError(f"frames must be a number above 0, got {painted!r:.100}")
        with self.lock:
            view = self.views.get(_text(message, "view"))
            if view is not None:
                view.owed = max(0, view.owed - painted)
        if view is None:
            # It was forgotten meanwhile, as after a night's sleep of the laptop.
            self._hello(message, [])
        else:
            self.changed()

    def _visible(self, message: Message, _: list[memoryview]) -> None:
        if (view := self.views.get(_text(message, "view"))) is not None:
            view.visible = message.get("value") is True
            self.changed(urgent=view.visible)

    def _ipython_display_(self) -> None:
        """Nothing more where the widget has shown itself already in this cell; see `inside.py`."""
        from .inside import is_shown_here

        if not is_shown_here(self):
            raise NotImplementedError  # what IPython takes as: show it as always
        self.shown_in = None

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        picture = self.still()
        if bundle is not None and picture is not None:
            bundle[0]["image/png"] = picture
            if words := self.alt():
                bundle[1]["image/png"] = {"alt": words}
        return bundle

    def still(self) -> str | None:
        """A picture for where no widget can run (PNG in base64), or None."""
        return None

    def alt(self) -> str | None:
        """What that picture shows, in words, for who cannot see it; or None."""
        return None

    def __repr__(self) -> str:
        """The same text on every run, so that notebooks can be compared."""
        return f"{type(self).__name__}()"


@cache
def read_static(name: str) -> bytes:
    """A built file of the front end. Raises: FileNotFoundError that says how to build it."""
    try:
        return (STATIC / name).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the front end of dlnb is not built ({name} is missing): run `make build` in the checkout, or `pip install .`"
        ) from None


@cache
def bundle_hash(name: str) -> str:
    """The name under which a page remembers a bundle."""
    return f"{name}-{hashlib.sha256(read_static(f'{name}.js')).hexdigest()[:16]}"


def _text(message: Message, key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 100:
        raise ValueError(f"{key} must be a short text, got {value!r}")
    return value
