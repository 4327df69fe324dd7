"""An exercise: what is asked, what judges an answer, hints, a solution, and what a later cell goes on with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .html import block

NOTHING: Any = type("Nothing", (), {"__repr__": lambda self: "nothing yet"})()  # the answer of a cell in which nothing was done


class Wrong(Exception):
    """An answer is wrong; the message says what is wrong with it, to the learner."""


class Unanswered(Exception):
    """What was checked is still what the cell began with; the message says what to do. It is not counted as a try."""


@dataclass(frozen=True)
class Exercise:
    """A question of a chapter.

    number: of the chapter and in it, "10.2". title: a few words.
    judge: called with the answer; returns a word of praise with what was found, or raises `Wrong` or `Unanswered`. It
        judges what the answer does, not how it is written.
    hints: from the first push to nearly all. solution: code that makes a right answer, and a word on why.
    given: makes what later cells go on with where the learner has not solved it.
    trains: whether the judge trains something, which may take seconds; any other answers at once.
    """

    number: str
    title: str
    judge: Callable[[Any], str]
    hints: tuple[str, ...]
    solution: str
    given: Callable[[], Any]
    trains: bool = False

    def __post_init__(self) -> None:
        if not self.hints:
            raise ValueError(f"exercise {self.number} has no hint; give one at least")

    @property
    def chapter(self) -> str:
        """The number of its chapter."""
        return self.number.split(".")[0]


@dataclass(frozen=True)
class Verdict:
    """What came of a check: true where the answer is right. words: why, or what is wrong. hint: the next one, where it is wrong."""

    exercise: Exercise
    right: bool
    words: str
    hint: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        mark = "Right" if self.right else "Not yet"
        return f"{mark}: {self.words}" + (f"\nHint: {self.hint}" if self.hint else "")

    def _ipython_display_(self) -> None:
        """Shown, and not the result of its cell: nbgrader takes a result for a number of points."""
        from IPython.display import display

        display({"text/plain": repr(self), "text/html": self._repr_html_()}, raw=True)

    def _repr_html_(self) -> str:
        return block("right" if self.right else "wrong", f"Exercise {self.exercise.number}", self.words, self.hint)


@dataclass(frozen=True)
class Told:
    """A hint or a solution, to be shown below a cell. code: shown as code."""

    head: str
    words: str
    code: str = ""

    def __repr__(self) -> str:
        return f"{self.head}: {self.words}" + (f"\n{self.code}" if self.code else "")

    def _repr_html_(self) -> str:
        return block("told", self.head, self.words, code=self.code)
