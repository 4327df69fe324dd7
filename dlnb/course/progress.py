"""The learner's progress: which code cells of which chapter have run without an error, and how it went with exercises and quizzes.

One SQLite file in the learner's own data folder; `database.py` says what it survives.
"""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from .database import Database
from .database import Unavailable as ProgressUnavailable

__all__ = ["Answered", "Attempted", "Progress", "ProgressUnavailable", "home", "state"]

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS runs (
    chapter TEXT NOT NULL,  -- path in the course folder
    cell TEXT NOT NULL,     -- id of a code cell
    at REAL NOT NULL,       -- seconds since 1970 of the latest run without error
    PRIMARY KEY (chapter, cell)
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS exercises (
    exercise TEXT NOT NULL PRIMARY KEY,  -- its number, "10.2"
    tries INTEGER NOT NULL DEFAULT 0,    -- answers that were checked
    hints INTEGER NOT NULL DEFAULT 0,    -- the most hints that were looked at
    solved REAL,                         -- seconds since 1970 of the first right answer
    shown REAL,                          -- of the first look at the solution
    at REAL NOT NULL                     -- of the latest of all this
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS quizzes (
    question TEXT NOT NULL PRIMARY KEY,  -- its chapter and its id, "10/shared-weights"
    chosen TEXT NOT NULL,                -- the texts of the choices of the latest answer, as JSON
    is_right INTEGER NOT NULL,           -- whether the latest answer is right
    first_right INTEGER NOT NULL,        -- whether the first one was
    begun REAL NOT NULL,                 -- seconds since 1970 of the first answer
    at REAL NOT NULL                     -- of the latest
) WITHOUT ROWID
""",
)


def home() -> Path:
    """The learner's own folder: DLNB_HOME, else where this platform keeps a user's data."""
    wish = os.environ.get("DLNB_HOME")
    return Path(wish).expanduser() if wish else platformdirs.user_data_path("dlnb", appauthor=False)


def state(cells: Iterable[str], run: Iterable[str]) -> str:
    """`new`, `started` or `done`: done is when each of the chapter's code cells has been run."""
    cells = set(cells)
    done = cells & set(run)
    return "done" if cells and done == cells else "started" if done else "new"


@dataclass(frozen=True)
class Attempted:
    """How it went with an exercise. Times are seconds since 1970, or None where it did not happen.

    tries: answers that were checked. hints: the most that were looked at. solved: the first right answer. shown: the first look
    at the solution. at: the latest of all this.
    """

    tries: int
    hints: int
    solved: float | None
    shown: float | None
    at: float

    @property
    def alone(self) -> bool:
        """Whether it was solved before the solution was looked at."""
        return self.solved is not None and (self.shown is None or self.solved <= self.shown)


@dataclass(frozen=True)
class Answered:
    """How a question of a quiz was answered. Times are seconds since 1970.

    chosen: the texts of the choices, and right: whether they are the right ones, in the latest answer. first: whether the first
    answer was right. begun: when that was. at: when the latest was.
    """

    chosen: tuple[str, ...]
    right: bool
    first: bool
    begun: float
    at: float


class Progress:
    """The progress kept in one file; threads and processes may share it.

    Raises, from every method: ProgressUnavailable if the file cannot be used just now.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._database = Database((folder or home()) / "progress.sqlite", _TABLES)

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return self._database.file

    @property
    def notice(self) -> str | None:
        """A message for the learner, or None: it says so when a damaged file had to be set aside."""
        return self._database.notice

    def record(self, chapter: str, cells: Iterable[str]) -> None:
        """Remember that these cells ran without an error, now."""
        now = time.time()
        self.add_runs((chapter, cell, now) for cell in cells)

    def add_runs(self, runs: Iterable[tuple[str, str, float]]) -> None:
        """Remember runs of cells: chapter, cell and when, in seconds since 1970. Of two times of a cell the later is kept."""
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO runs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)", list(runs)
            )

    def reset(self, chapter: str, exercises: Iterable[str] = (), quiz: str = "") -> None:
        """Forget which cells of one chapter were run, and how it went with these exercises and the quiz of the chapter with this number."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM runs WHERE chapter = ?", (chapter,))
            connection.executemany("DELETE FROM exercises WHERE exercise = ?", [(name,) for name in exercises])
            connection.execute("DELETE FROM quizzes WHERE substr(question, 1, length(?1) + 1) = ?1 || '/'", (quiz,))

    def runs(self) -> dict[str, dict[str, float]]:
        """For each chapter: cell id → when it last ran, in seconds since 1970."""
        found: dict[str, dict[str, float]] = {}
        with self._database.reading() as connection:
            for chapter, cell, at in connection.execute("SELECT chapter, cell, at FROM runs"):
                found.setdefault(chapter, {})[cell] = at
        return found

    def checked(self, exercise: str, right: bool) -> None:
        """Remember that an answer was checked, now."""
        now = time.time()
        self.add_exercises({exercise: Attempted(1, 0, now if right else None, None, now)}, more=True)

    def hinted(self, exercise: str, hints: int) -> None:
        """Remember that so many hints were looked at."""
        self.add_exercises({exercise: Attempted(0, hints, None, None, time.time())}, more=True)

    def shown(self, exercise: str) -> None:
        """Remember that the solution was looked at, now."""
        now = time.time()
        self.add_exercises({exercise: Attempted(0, 0, None, now, now)}, more=True)

    def add_exercises(self, exercises: dict[str, Attempted], more: bool = False) -> None:
        """Put these together with what is known: the most hints, the first right answer, the latest time.

        more: tries come on top of those that are known; else the larger number is kept, as of the same tries told twice.
        """
        together = "tries + excluded.tries" if more else "max(tries, excluded.tries)"
        rows = [(name, one.tries, one.hints, one.solved, one.shown, one.at) for name, one in exercises.items()]
        with self._database.writing() as connection:
            connection.executemany(
                f"""INSERT INTO exercises VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                tries = {together}, hints = max(hints, excluded.hints),
                solved = min(coalesce(solved, excluded.solved), coalesce(excluded.solved, solved)),
                shown = min(coalesce(shown, excluded.shown), coalesce(excluded.shown, shown)),
                at = max(at, excluded.at)""",
                rows,
            )

    def exercises(self) -> dict[str, Attempted]:
        """How it went with each exercise that was tried."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT exercise, tries, hints, solved, shown, at FROM exercises").fetchall()
        return {name: Attempted(*rest) for name, *rest in rows}

    def answered(self, question: str, chosen: Iterable[str], right: bool) -> None:
        """Remember how a question of a quiz was answered, now. question: as "10/shared-weights"."""
        now = time.time()
        self.add_quizzes({question: Answered(tuple(chosen), right, right, now, now)})

    def add_quizzes(self, quizzes: dict[str, Answered]) -> None:
        """Put these together with what is known: the first answer and the latest."""
        rows = [
            (name, json.dumps(one.chosen, ensure_ascii=False), one.right, one.first, one.begun, one.at) for name, one in quizzes.items()
        ]
        with self._database.writing() as connection:
            connection.executemany(
                """INSERT INTO quizzes VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                first_right = iif(excluded.begun < begun, excluded.first_right, first_right),
                chosen = iif(excluded.at > at, excluded.chosen, chosen),
                is_right = iif(excluded.at > at, excluded.is_right, is_right),
                begun = min(begun, excluded.begun), at = max(at, excluded.at)""",
                rows,
            )

    def quizzes(self) -> dict[str, Answered]:
        """How each question of the quizzes was answered, by its chapter and its id."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT question, chosen, is_right, first_right, begun, at FROM quizzes").fetchall()
        return {name: Answered(tuple(json.loads(chosen)), bool(right), bool(first), begun, at) for name, chosen, right, first, begun, at in rows}
