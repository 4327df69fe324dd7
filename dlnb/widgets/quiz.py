"""A quiz, question by question. The drawing half is `widgets/src/quiz/`.

The browser gets what is right, and why, only of questions that are answered. What was chosen is kept here, so that it is there
again after a page reload, and the same in every view.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .base import Message, View, Widget
from .frames import pack


@dataclass(frozen=True)
class Asked:
    """A question as it is shown; texts are HTML.

    text: the question itself, in one line. more: what follows it. choices: what can be chosen, and whys: of each, why it is right
    or wrong. right: the places of the right ones. several: whether more than one can be chosen.
    """

    id: str
    text: str
    more: str
    choices: tuple[str, ...]
    whys: tuple[str, ...]
    right: frozenset[int]
    several: bool


@dataclass
class Answer:
    """Where a question stands. chosen: places. given: it is answered, and not only chosen. first: the first answer was right.

    number: of the change that it was part of.
    """

    chosen: frozenset[int] = field(default_factory=frozenset)
    given: bool = False
    first: bool | None = None
    number: int = 0


Keep = Callable[["Quiz", str, frozenset[int], bool], None]  # the question, what was chosen, and whether it is right


class Quiz(Widget):
    """Questions, and what was answered.

    static: the questions as HTML, for where no widget can run. before: answers of an earlier day. keep: called with each answer;
    it must not wait for anything.
    """

    bundle = "quiz"

    def __init__(self, chapter: str, asked: Sequence[Asked], static: str, before: Mapping[str, Answer], keep: Keep) -> None:
        self.chapter = chapter
        self.asked = {one.id: one for one in asked}
        self.static = static
        self.answers = {name: before.get(name) or Answer() for name in self.asked}
        self.keep = keep
        self.notice = ""
        self._number = 0
        super().__init__()
        self.hears |= {"choose": self._choose, "answer": self._answer, "again": self._again, "restart": self._restart}

    def say(self, notice: str) -> None:
        """Show a message above the questions; an empty one takes it away."""
        with self.lock:
            if notice != self.notice:
                self.notice = notice
                self._number += 1
        self.changed()

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`."""
        known = view.cursors.get("number", -1)
        if known == self._number and view.sent:
            return None
        view.cursors["number"] = self._number
        header: Message = {
            "full": view.sent == 0,
            "columns": pack({})[0],
            "chapter": self.chapter,
            "answers": {name: self._told(name) for name, answer in self.answers.items() if answer.number > known},
            "score": self._score(),
            "notice": self.notice,
        }
        if view.sent == 0:
            header["questions"] = [
                {"id": one.id, "text": one.text, "more": one.more, "several": one.several, "choices": list(one.choices)} for one in self.asked.values()
            ]
        return header, [b""]

    def _told(self, name: str) -> Message:
        """What a view is told of an answer: what is right, and why, only where it was given."""
        asked, answer = self.asked[name], self.answers[name]
        told: Message = {"chosen": sorted(answer.chosen), "given": answer.given}
        if answer.given:
            told |= {"right": sorted(asked.right), "whys": list(asked.whys)}
        return told

    def _score(self) -> dict[str, int]:
        """How many questions there are, are answered, are right now, and were right at the first try."""
        given = [(name, answer) for name, answer in self.answers.items() if answer.given]
        return {
            "questions": len(self.asked),
            "answered": len(given),
            "right": sum(answer.chosen == self.asked[name].right for name, answer in given),
            "first": sum(answer.first is True for answer in self.answers.values()),
        }

    def _choose(self, message: Message, _: list[memoryview]) -> None:
        """What is chosen, but not answered yet."""
        name, chosen = self._read(message)
        with self.lock:
            answer = self.answers[name]
            if answer.given:
                return  # another view was quicker
            answer.chosen = chosen
            self._changed(name, message)

    def _answer(self, message: Message, _: list[memoryview]) -> None:
        name, chosen = self._read(message)
        if not chosen:
            raise ValueError("an answer must choose something")
        with self.lock:
            answer = self.answers[name]
            is_new = not answer.given
            if is_new:
                answer.chosen, answer.given = chosen, True
                if answer.first is None:
                    answer.first = chosen == self.asked[name].right
            self._changed(name)
        if is_new:
            self.keep(self, name, chosen, chosen == self.asked[name].right)

    def _again(self, message: Message, _: list[memoryview]) -> None:
        """Take one answer back."""
        name = self._name(message)
        with self.lock:
            self._take_back(name)

    def _restart(self, _: Message, __: list[memoryview]) -> None:
        """Take all answers back; what was right at the first try stays known."""
        with self.lock:
            for name in self.answers:
                self._take_back(name)

    def _take_back(self, name: str) -> None:
        answer = self.answers[name]
        answer.chosen, answer.given = frozenset(), False
        self._changed(name)

    def _changed(self, name: str, by: Message | None = None) -> None:
        """There is news of a question. by: the message of a view that knows it already."""
        self._number += 1
        self.answers[name].number = self._number
        author = self.views.get(by.get("view", "")) if by else None
        if author is not None and author.cursors.get("number") == self._number - 1:
            author.cursors["number"] = self._number
        self.changed(urgent=True)

    def _name(self, message: Message) -> str:
        name = message.get("question")
        if not isinstance(name, str) or name not in self.asked:
            raise ValueError(f"there is no question {name!r:.80}")
        return name

    def _read(self, message: Message) -> tuple[str, frozenset[int]]:
        """The question and the places that were chosen. Raises: ValueError if they make no sense."""
        name, chosen = self._name(message), message.get("chosen")
        asked = self.asked[name]
        if not isinstance(chosen, list) or not all(type(place) is int and 0 <= place < len(asked.choices) for place in chosen):
            raise ValueError(f"chosen must be places of the {len(asked.choices)} choices, got {chosen!r:.80}")
        if len(chosen) > 1 and not asked.several:
            raise ValueError(f"only one can be chosen, got {chosen!r:.80}")
        return name, frozenset(chosen)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/html"] = self.static
        return bundle

    def __repr__(self) -> str:
        return f"Quiz(chapter {self.chapter}, {len(self.asked)} questions)"
