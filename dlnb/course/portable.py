"""The progress as JSON: to take it along from a Binder session, to another machine, or to a teacher.

An object with "dlnb progress" (the version of the format), "learner" (a name), "at" (when it was exported), "runs" (chapter →
cell → when it last ran), "exercises" (number → tries, hints, solved, shown, at) and "quizzes" (chapter/question → chosen, right,
first, begun, at). Times are seconds since 1970, or null.
"""

import json
import math
import time
from dataclasses import asdict
from typing import Any

from .progress import Answered, Attempted, Progress

MARK, VERSION = "dlnb progress", 1
LARGEST = 20_000_000  # characters
_NAME = 1024  # characters of a chapter, a cell, an exercise, a question, a choice
_CHOICES = 100  # of a question


class NoProgress(ValueError):
    """A text is not exported progress; the message says why."""


def exported(progress: Progress, learner: str = "") -> str:
    """All that is known, as JSON. learner: a name, for a teacher's table."""
    exercises = {name: asdict(one) for name, one in sorted(progress.exercises().items())}
    quizzes = {name: asdict(one) for name, one in sorted(progress.quizzes().items())}
    whole = {MARK: VERSION, "learner": learner, "at": time.time(), "runs": progress.runs(), "exercises": exercises, "quizzes": quizzes}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def read(text: str) -> dict[str, Any]:
    """Exported progress, checked: "learner", "at", "runs", "exercises" (name → `Attempted`) and "quizzes" (name → `Answered`).

    Raises: NoProgress if it is something else, damaged, or of a newer dlnb.
    """
    if len(text) > LARGEST:
        raise NoProgress(f"it is larger than {LARGEST:,} characters, which no progress is")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoProgress(f"it is not JSON ({error}). Export it again, and copy all of it") from None
    if not isinstance(whole, dict) or MARK not in whole:
        raise NoProgress("it is JSON, but no exported progress of dlnb")
    if whole[MARK] != VERSION:
        raise NoProgress(f"it was exported by a newer dlnb (version {whole[MARK]!r} of the format). Update dlnb here")
    learner, at = whole.get("learner", ""), whole.get("at", 0)
    runs = {_name(chapter): {_name(cell): _time(when) for cell, when in _object(cells).items()} for chapter, cells in _object(whole.get("runs")).items()}
    exercises = {_name(name): _attempted(_object(one)) for name, one in _object(whole.get("exercises")).items()}
    quizzes = {_name(name): _answered(_object(one)) for name, one in _object(whole.get("quizzes", {})).items()}  # an older dlnb exported none
    return {"learner": learner if isinstance(learner, str) else "", "at": _time(at), "runs": runs, "exercises": exercises, "quizzes": quizzes}


def merged(progress: Progress, text: str) -> tuple[int, int, int]:
    """Put exported progress together with what is here; doing it twice changes nothing.

    Returns how many cells, exercises and questions of quizzes it told of.

    Raises: NoProgress as `read` does; ProgressUnavailable.
    """
    told = read(text)
    cells = [(chapter, cell, at) for chapter, runs in told["runs"].items() for cell, at in runs.items()]
    progress.add_runs(cells)
    progress.add_exercises(told["exercises"])
    progress.add_quizzes(told["quizzes"])
    return len(cells), len(told["exercises"]), len(told["quizzes"])


def _attempted(one: dict[str, Any]) -> Attempted:
    first = [None if one.get(name) is None else _time(one[name]) for name in ("solved", "shown")]
    return Attempted(_count(one.get("tries")), _count(one.get("hints")), first[0], first[1], _time(one.get("at")))


def _answered(one: dict[str, Any]) -> Answered:
    chosen = one.get("chosen")
    if not isinstance(chosen, list) or len(chosen) > _CHOICES or not all(isinstance(text, str) and len(text) <= _NAME for text in chosen):
        raise NoProgress(f"it holds {str(chosen)[:40]!r} where chosen answers are expected: it is damaged. Export it again")
    return Answered(tuple(chosen), one.get("right") is True, one.get("first") is True, _time(one.get("begun")), _time(one.get("at")))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NoProgress(f"it holds {str(value)[:40]!r} where an object is expected: it is damaged. Export it again")
    return value


def _name(value: str) -> str:
    if not 0 < len(value) <= _NAME:
        raise NoProgress(f"it holds a name of {len(value)} characters: it is damaged. Export it again")
    return value


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise NoProgress(f"it holds {str(value)[:40]!r} where a time is expected: it is damaged. Export it again")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1_000_000:
        raise NoProgress(f"it holds {str(value)[:40]!r} where a number of times is expected: it is damaged. Export it again")
    return value
