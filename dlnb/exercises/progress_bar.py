"""A progress bar below a cell while a check trains. What it leaves behind is the same on every run."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from html import escape
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
EVERY = 0.1  # seconds between two looks


def counted(things: Iterable[T], total: int, words: str) -> Iterator[T]:
    """The first `total` of the things, one by one, under a bar that says what goes on. Outside of a notebook nothing is shown."""
    show = _bar(total, words)
    seen, at = 0, time.monotonic()
    for seen, thing in enumerate(islice(things, total), start=1):
        yield thing
        if time.monotonic() - at > EVERY:
            show(seen)
            at = time.monotonic()
    show(seen)


def _bar(total: int, words: str) -> Callable[[int], None]:
    """A bar at nothing yet; gives what moves it to a number of steps."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return lambda seen: None
    from IPython.display import display

    def look(seen: int) -> dict[str, str]:
        line = f"{words}: {seen} of {total} steps"
        bar = f'<progress max="{total}" value="{seen}" aria-label="{escape(words)}" style="width:min(40ch,100%)"></progress>'
        return {"text/plain": line, "text/html": f"<div>{bar} {escape(line)}</div>"}

    handle = display(look(0), raw=True, display_id=True)
    return lambda seen: handle.update(look(seen), raw=True)
