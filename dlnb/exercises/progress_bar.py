"""A progress bar below a cell while a check trains. When it is done nothing is left of it."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from html import escape
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
EVERY = 0.1  # seconds between two looks
NO_BAR = {"text/plain": "", "text/html": ""}


def counted(things: Iterable[T], total: int, words: str) -> Iterator[T]:
    """The first `total` of the things, one by one, under a bar that says what goes on. Outside of a notebook nothing is shown."""
    show = _place()
    at = 0.0
    try:
        for seen, thing in enumerate(islice(things, total)):
            if time.monotonic() - at > EVERY:
                show(_bar(seen, total, words))
                at = time.monotonic()
            yield thing
    finally:
        show(NO_BAR)


def _place() -> Callable[[dict[str, str]], None]:
    """A place below the cell, empty yet; gives what puts something there."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return lambda shown: None
    from IPython.display import display

    handle = display(NO_BAR, raw=True, display_id=True)
    return lambda shown: handle.update(shown, raw=True)


def _bar(seen: int, total: int, words: str) -> dict[str, str]:
    line = f"{words}: {seen} of {total} steps"
    bar = f'<progress max="{total}" value="{seen}" aria-label="{escape(words)}" style="width:min(40ch,100%)"></progress>'
    return {"text/plain": line, "text/html": f"<div>{bar} {escape(line)}</div>"}
