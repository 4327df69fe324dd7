"""The page of answers that a teacher gets with a release: exercises, questions to think about, and quizzes, as Markdown."""

import re
from collections.abc import Iterator
from typing import Any

from .chapters import Chapter
from .quizzes import Sheet
from .views import exercise_of, solution_in, source_of

_EXERCISE = re.compile(r"^\*\*Exercise .*", re.MULTILINE | re.DOTALL)
_THINK = re.compile(r"^(\*\*[^\n]+)\n\n<details><summary>[^<]*</summary>(.*?)</details>", re.MULTILINE | re.DOTALL)


def page_of(chapter: Chapter, notebook: dict[str, Any], sheet: Sheet | None) -> str:
    """The answers of one chapter, in the order of its notebook; then those of its quiz."""
    parts = [f"## {chapter.number} · {chapter.title}", *_of_cells(notebook["cells"])]
    for question in sheet.questions if sheet else ():
        right = [f"{choice.text.strip()}\n\n{choice.why.strip()}" for choice in question.choices if choice.right]
        parts += [f"**Quiz.** {question.text.strip()}", *map(_quoted, right)]
    return "\n\n".join(parts) + "\n"


def _of_cells(cells: list[dict[str, Any]]) -> Iterator[str]:
    points = {about["grade_id"]: about["points"] for about in map(exercise_of, cells) if about and about.get("grade")}
    said = ""  # the last text
    for cell in cells:
        text, about = source_of(cell), exercise_of(cell)
        if about and about.get("solution"):
            asked = _EXERCISE.search(said)
            worth = points.get(about["grade_id"].replace("exercise", "check"), 0)
            yield (asked[0].strip() if asked else f"**{about['grade_id']}**") + f" *({worth:g} point{'s' * (worth != 1)})*"
            yield f"```python\n{solution_in(text)}\n```"
        elif cell["cell_type"] == "markdown":
            said = text
            for question, answer in _THINK.findall(text):
                yield question.strip()
                yield _quoted(answer.strip())


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
