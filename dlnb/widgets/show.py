"""`dl.show(x)`: look at any data as what it stands for and as the numbers that it is. The drawing half is `widgets/src/show/`."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from .base import Message, View, Widget
from .frames import pack
from .show_about import about
from .show_data import given
from .show_facts import Strange
from .show_frames import frame
from .show_kinds import Given


def show(
    x: Any, labels: Any = None, *, tokenizer: Any = None, rate: float | None = None,
    names: Sequence[str] | None = None, classes: Sequence[str] | None = None,
) -> "Show":  # fmt: skip
    """Show any data, and the numbers that it is: shape, type, range, and what is strange about it.

    x: numbers of any shape: (H, W) a matrix; (C, H, W) or (H, W, C) a picture; (N, H, W) or (N, C, H, W) a batch of them; (n,) a row.
        A text or several; a pandas DataFrame; a scene of `dl.driving`; a batch (x, labels); a preview of a task.
    labels: what is true of each example: numbers (N,) or texts. classes: the names that whole numbers stand for.
    tokenizer: turns texts into ids, or says what ids (tokens,) or (texts, tokens) stand for. Without one, each character is a token.
    rate: samples a second in Hz; x is then a sound (samples,), or several (sounds, samples).
    names: of the columns; x is then a table (rows, columns).

    Raises: TypeError if x is nothing that can be shown; ValueError if its parts do not fit together.
    """
    return Show(given(x, labels, tokenizer, rate, names, classes))


class Show(Widget):
    """Data, drawn. What is said of it, a cell can read too: `facts` and `strange`."""

    bundle = "show"

    def __init__(self, shown: Given) -> None:
        self.given = shown
        self.about = about(shown)
        super().__init__()

    @property
    def facts(self) -> dict[str, str]:
        """What is said of the data: {"shape": "(8, 8): 8 rows, 8 columns", …}."""
        return dict(self.about.facts)

    @property
    def strange(self) -> tuple[Strange, ...]:
        """What is not as usual, each with what to do; empty if nothing is."""
        return self.about.strange

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`: everything, once."""
        if view.sent:
            return None
        columns: dict[str, np.ndarray] = {}
        header = frame(self.given, self.about, columns)
        directory, buffer = pack(columns)
        return {"full": True, "columns": directory, **header}, [buffer]

    def still(self) -> str:
        """The data as a picture."""
        from .show_picture import picture

        return base64.b64encode(picture(self.given, self.about)).decode()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[1]["image/png"] = {"alt": self.about.line()}
        return bundle

    def __repr__(self) -> str:
        return f"Show({self.about.line()})"
