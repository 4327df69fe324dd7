"""`dl.check`, `dl.hint`, `dl.solution` and `dl.given`: where a learner's answer is judged, at once and without a network."""

import logging
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..course.progress import Progress, ProgressUnavailable
from .exercise import NOTHING, Exercise, Told, Unanswered, Verdict, Wrong

CHAPTERS = {number: f"chapter_{number}" for number in ("00", "01", "02", "03", "04", "05", "06", "10")}  # the module with the exercises of each chapter
GRADER = "NBGRADER_EXECUTION"  # nbgrader sets it while it validates or grades a notebook
_log = logging.getLogger(__name__)
_answers: dict[str, Any] = {}  # right answers of this kernel, for later cells
_hints: dict[str, int] = {}  # that were shown in this kernel


def exercise(number: str) -> Exercise:
    """The exercise with this number, such as "10.2".

    Raises: ValueError if there is none; the message names those of the chapter.
    """
    wanted = str(number)
    chapter = wanted.split(".")[0]
    found: dict[str, Exercise] = import_module(f"dlnb.exercises.{CHAPTERS[chapter]}").EXERCISES if chapter in CHAPTERS else {}
    if wanted in found:
        return found[wanted]
    if found:
        raise ValueError(f"there is no exercise {number!r}; chapter {chapter} has {', '.join(found)}")
    raise ValueError(f"there is no exercise {number!r}; a number is a chapter and a place in it, as '10.2'. There are exercises in chapters {', '.join(CHAPTERS)}")


def every() -> list[Exercise]:
    """All exercises, chapter by chapter."""
    return [one for module in CHAPTERS.values() for one in import_module(f"dlnb.exercises.{module}").EXERCISES.values()]


def check(number: str, answer: Any = NOTHING) -> Verdict:
    """Judge an answer, at once: whether it is right, and if not what is wrong, with the next hint.

    The verdict is true where the answer is right; it is kept in your progress. Nothing, or what the cell began with, is no try. An
    answer that fails inside of the check is judged as wrong, with the error in words: nothing is raised at the learner.

    Raises: ValueError if there is no such exercise; AssertionError if nbgrader asks and the answer is not right, for no points.
    """
    verdict = _judged(exercise(number), answer)
    if not verdict and GRADER in os.environ:
        raise AssertionError(f"exercise {verdict.exercise.number}: {verdict.words}")
    return verdict


def hint(number: str) -> Told:
    """The next hint; after the last one, the last one again. Raises: ValueError if there is no such exercise."""
    asked = exercise(number)
    place = min(_hints.get(asked.number, 0), len(asked.hints) - 1)
    _hints[asked.number] = place + 1
    _keep(lambda progress: progress.hinted(asked.number, place + 1))
    return Told(f"Hint {place + 1} of {len(asked.hints)} for exercise {asked.number}", asked.hints[place])


def solution(number: str) -> Told:
    """A solution, as code. Your progress remembers that you looked. Raises: ValueError if there is no such exercise."""
    asked = exercise(number)
    _keep(lambda progress: progress.shown(asked.number))
    return Told(f"A solution of exercise {asked.number}", asked.title, asked.solution)


def given(number: str) -> Any:
    """Your own right answer where you have checked one in this kernel, else a right one that is given, so that later cells go on.

    Raises: ValueError if there is no such exercise.
    """
    asked = exercise(number)
    return _answers[asked.number] if asked.number in _answers else asked.given()


def _judged(asked: Exercise, answer: Any) -> Verdict:
    """What comes of an answer; tries and right answers are kept."""
    if answer is NOTHING or answer is None:
        return Verdict(asked, False, f"there is no answer yet. Give yours: `dl.check({asked.number!r}, answer)`")
    try:
        words = asked.judge(answer)
    except Unanswered as untouched:
        return Verdict(asked, False, str(untouched))
    except Exception as error:  # of the learner's own code too, which the check has called
        _keep(lambda progress: progress.checked(asked.number, right=False))
        if _answers.get(asked.number) is answer:  # it was right, and was changed since
            del _answers[asked.number]
        wrong = str(error) if isinstance(error, Wrong) else f"your answer raised {type(error).__name__}: {error}"
        return Verdict(asked, False, wrong, _next_hint(asked))
    _answers[asked.number] = answer
    _keep(lambda progress: progress.checked(asked.number, right=True))
    return Verdict(asked, True, words)


def _next_hint(asked: Exercise) -> str:
    """The hint that a wrong answer gets: the first that was not asked for yet, which is not counted as looked at."""
    return asked.hints[min(_hints.get(asked.number, 0), len(asked.hints) - 1)]


def _keep(what: Callable[[Progress], None]) -> None:
    """Progress that cannot be kept must not stand in the way of learning. A teacher who grades a class makes none."""
    if GRADER in os.environ:
        return
    try:
        what(Progress())
    except ProgressUnavailable as error:
        _log.warning("%s The check itself is not touched by it.", error)
