r"""The quizzes of the course: a TOML file for each chapter, `quizzes/NN.toml` beside the notebooks.

    [[question]]
    id = "shared-weights"                # stays the same when the text is improved: progress is kept under it
    text = 'Why does $3 \\times 3$ suffice?'

    [[question.choice]]
    text = 'Because …'
    right = true
    why = 'Shown once it is answered, whether it was chosen or not.'

Texts are Markdown, with `code` and maths between dollars. One right choice makes radio buttons, several make check boxes; so does
`several = true`, which does not give away that only one is right.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .chapters import CARRIED, CourseNotFound, find_course
from .prose import ProseError, first_and_rest, html

BESIDE = Path(__file__).parents[2] / "notebooks"  # the course in a clone that was installed with `pip install -e`
FOLDER = "quizzes"
LARGEST = 1_000_000  # bytes
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_CHAPTER = re.compile(r"\d{1,4}", re.ASCII)


class QuizError(ValueError):
    """A quiz cannot be shown; the message names the file, the question and what to do."""


@dataclass(frozen=True)
class Choice:
    """What can be chosen, whether it is right, and why it is or is not. Texts as they are written."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    """A question with its choices. several: it is asked with check boxes."""

    id: str
    text: str
    choices: tuple[Choice, ...]
    several: bool

    @property
    def right(self) -> tuple[int, ...]:
        """The places of the right choices, from 0."""
        return tuple(place for place, choice in enumerate(self.choices) if choice.right)


@dataclass(frozen=True)
class Sheet:
    """The quiz of one chapter, as its file says."""

    chapter: str
    questions: tuple[Question, ...]


def quiz_of(chapter: str, here: Path | None = None) -> Sheet:
    """The quiz of a chapter, read anew each time. here: where the search begins, the kernel's folder unless given.

    Raises: QuizError if there is none, or if its file has mistakes.
    """
    if not _CHAPTER.fullmatch(chapter):
        raise QuizError(f"a quiz is named by the number of its chapter, as dl.quiz('10'); got {chapter!r:.60}")
    folders = list(dict.fromkeys(_folders(Path.cwd() if here is None else here)))
    for folder in folders:
        if (folder / f"{chapter}.toml").is_file():
            return read_quiz(folder / f"{chapter}.toml")
    there = sorted({file.stem for folder in folders for file in folder.glob("*.toml")})
    raise QuizError(
        f"chapter {chapter} has no quiz" + (f"; there is one for {', '.join(there)}" if there else "") + f". A quiz is a file {FOLDER}/{chapter}.toml beside the notebook"
    )


def read_quiz(file: Path) -> Sheet:
    """Read and check one file. Raises: QuizError that names each of its mistakes, and what to do."""
    name = f"{file.parent.name}/{file.name}"
    try:
        if file.stat().st_size > LARGEST:
            raise QuizError(f"{name} is larger than {LARGEST // 1_000_000} MB, which no quiz is")
        whole = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise QuizError(f"{name} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise QuizError(f"{name} is not text in UTF-8. Save it in that encoding") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        hint = ". Put a text with a backslash between single quotes" if "backslash" in str(error) or "escape" in str(error).lower() else ""
        raise QuizError(f"{name} is not valid TOML: {error}{hint}") from None
    wrong = [f"{name}, {fault}" for fault in _faults(whole)]
    if wrong:
        raise QuizError("\n".join(wrong))
    return Sheet(file.stem, tuple(_question(one) for one in whole["question"]))


def _folders(here: Path) -> Iterator[Path]:
    """Where quizzes may lie, the learner's own course first."""
    yield here / FOLDER
    yield here.parent / FOLDER  # of a lab
    try:
        yield find_course(here, os.environ.get("DLNB_COURSE", "")) / FOLDER
    except (CourseNotFound, OSError):
        pass
    yield from (CARRIED / FOLDER, BESIDE / FOLDER)


def _question(one: dict[str, Any]) -> Question:
    choices = tuple(Choice(choice["text"], choice.get("right", False), choice["why"]) for choice in one["choice"])
    return Question(one["id"], one["text"], choices, one.get("several", sum(choice.right for choice in choices) > 1))


def _faults(whole: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the file, each in words that begin with the place."""
    questions = whole.get("question")
    if not isinstance(questions, list) or not questions:
        yield "no question: begin each with a line [[question]], with two brackets on each side"
        return
    for key in sorted(set(whole) - {"question"}):
        yield f"{key!r} is not known: it should be [[question]] or [[question.choice]]"
    for number, one in enumerate(questions, 1):
        own = one.get("id") if isinstance(one, dict) else None
        place = f"question {number}" + (f" ({own})" if isinstance(own, str) else "")
        yield from (f"{place}: {fault}" for fault in _faults_of(one))
    ids = [own for one in questions if isinstance(one, dict) and isinstance(own := one.get("id"), str)]
    for own in sorted({own for own in ids if ids.count(own) > 1}):
        yield f"{ids.count(own)} questions have the id {own!r}: give each its own, as progress is kept under it"


def _faults_of(one: Any) -> Iterator[str]:
    if not isinstance(one, dict):
        yield "it is not a question: begin it with a line [[question]]"
        return
    yield from _unknown(one, {"id", "text", "choice", "several"})
    own = one.get("id")
    if not isinstance(own, str) or not _ID.fullmatch(own) or len(own) > 60:
        yield 'it needs an id of small letters, digits and hyphens, such as id = "shared-weights"'
    yield from _faults_of_text(one.get("text"), "it has no text: ask something, as text = 'Why …?'", True)
    if not isinstance(one.get("several", False), bool):
        yield "several is true or false, without quotes"
    choices = one.get("choice")
    if not isinstance(choices, list) or len(choices) < 2:
        yield "it has fewer than two choices: begin each with a line [[question.choice]]"
        return
    for number, choice in enumerate(choices, 1):
        yield from (f"choice {number}: {fault}" for fault in _faults_of_choice(choice))
    whole = [choice for choice in choices if isinstance(choice, dict)]
    if not any(choice.get("right") is True for choice in whole):
        yield "no choice is right: write right = true under one of them"
    elif all(choice.get("right") is True for choice in whole) and not one.get("several"):
        yield "every choice is right: add a wrong one that somebody would choose"
    texts = [" ".join(choice["text"].split()) for choice in whole if isinstance(choice.get("text"), str)]
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        yield f"{texts.count(text)} choices say the same, {text[:60]!r}: change or remove one"


def _faults_of_choice(choice: Any) -> Iterator[str]:
    if not isinstance(choice, dict):
        yield "it is not a choice: begin it with a line [[question.choice]]"
        return
    yield from _unknown(choice, {"text", "right", "why"})
    yield from _faults_of_text(choice.get("text"), "it has no text: say what can be chosen, as text = '…'", True)
    if isinstance(text := choice.get("text"), str) and len(text) > 1000:
        yield "its text is longer than 1,000 characters: shorten it"
    if not isinstance(choice.get("right", False), bool):
        yield "right is true or false, without quotes"
    yield from _faults_of_text(choice.get("why"), "it has no explanation: say why it is right or wrong, as why = '…'", False)
    if isinstance(text, str) and text.strip():
        try:
            if first_and_rest(text)[1]:
                yield "its text is more than one paragraph: put code between backticks, and what is long into the question"
        except ProseError:
            pass  # said above


def _faults_of_text(text: Any, missing: str, begins_with_sentence: bool) -> Iterator[str]:
    if not isinstance(text, str) or not text.strip():
        yield missing
        return
    try:
        first_and_rest(text) if begins_with_sentence else html(text)
    except ProseError as error:
        yield str(error)


def _unknown(one: dict[str, Any], known: set[str]) -> Iterator[str]:
    for key in sorted(set(one) - known):
        yield f"{key!r} is not known; there are {', '.join(sorted(known))}"
