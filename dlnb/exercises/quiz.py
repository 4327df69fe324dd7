"""`dl.quiz`: the quiz of a chapter, from its file to the widget, and from the answers to the learner's progress."""

import logging
import threading
from collections.abc import Callable
from html import escape

from ..course.progress import Answered, Progress, ProgressUnavailable
from ..course.prose import as_written, first_and_rest, html
from ..course.quizzes import Question, Sheet, quiz_of
from ..widgets.quiz import Answer, Asked, Quiz

_log = logging.getLogger(__name__)


def quiz(chapter: str) -> Quiz:
    """The quiz of a chapter: answer, and read why each choice is right or wrong.

    chapter: its number, as "10". The questions are those of `quizzes/10.toml` beside the notebook, read anew each time; your answers
    of earlier days are there again.

    Raises: ValueError if there is no such quiz, or if its file has mistakes; the message says what to do.
    """
    sheet = quiz_of(str(chapter).zfill(2))
    asked = [_asked(question) for question in sheet.questions]
    before, notice = _before(sheet)
    texts = {question.id: [choice.text for choice in question.choices] for question in sheet.questions}

    def keep(shown: Quiz, question: str, chosen: frozenset[int], right: bool) -> None:
        words = [texts[question][place] for place in sorted(chosen)]
        _keep(shown, lambda progress: progress.answered(f"{sheet.chapter}/{question}", words, right))

    shown = Quiz(sheet.chapter, asked, _static(sheet), before, keep)
    shown.say(notice)
    return shown


def _asked(question: Question) -> Asked:
    text, more = first_and_rest(question.text)
    choices = tuple(first_and_rest(choice.text)[0] for choice in question.choices)
    whys = tuple(html(choice.why) for choice in question.choices)
    return Asked(question.id, text, more, choices, whys, frozenset(question.right), question.several)


def _before(sheet: Sheet) -> tuple[dict[str, Answer], str]:
    """The answers that are known from earlier, and a message where they cannot be read."""
    try:
        known = Progress().quizzes()
    except ProgressUnavailable as error:
        return {}, f"{error} You can answer all the same."
    found = ((question, known.get(f"{sheet.chapter}/{question.id}")) for question in sheet.questions)
    return {question.id: _again(question, answered) for question, answered in found if answered}, ""


def _again(question: Question, answered: Answered) -> Answer:
    """An answer of an earlier day; only its first try counts where the choices were rewritten since."""
    places = {choice.text: place for place, choice in enumerate(question.choices)}
    chosen = frozenset(places[text] for text in answered.chosen if text in places)
    is_whole = len(chosen) == len(answered.chosen) > 0 and (question.several or len(chosen) == 1)
    return Answer(chosen, True, answered.first) if is_whole else Answer(first=answered.first)


def _keep(shown: Quiz, what: Callable[[Progress], None]) -> None:
    """Write to the progress beside the quiz: another process that writes, or a full disk, must not stand in the way of learning."""

    def write() -> None:
        try:
            what(Progress())
        except ProgressUnavailable as error:
            _log.warning("%s", error)
            shown.say(f"{error} This answer is not kept in your progress; go on all the same.")
        else:
            shown.say("")

    threading.Thread(target=write, name="dlnb-quiz", daemon=True).start()


def _static(sheet: Sheet) -> str:
    """The questions and choices as plain HTML, without what is right, for where no widget can run."""
    items = []
    for question in sheet.questions:
        text, more = first_and_rest(question.text, as_written)
        choices = "".join(f"<li>{first_and_rest(choice.text, as_written)[0]}</li>" for choice in question.choices)
        several = " <em>(Choose all that are right.)</em>" if question.several else ""
        items.append(f"<li><p><strong>{text}</strong>{several}</p>{more}<ul>{choices}</ul></li>")
    return f"<p>Quiz of chapter {escape(sheet.chapter)}. Run this cell to answer it.</p><ol>{''.join(items)}</ol>"
