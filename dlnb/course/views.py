"""The learner's view of a notebook whose exercises are solved: nbgrader's convention, without nbgrader.

Between a line with BEGIN SOLUTION and one with END SOLUTION stands what a learner is to write; a stub comes in its place. The
outputs of an exercise and of its check go with it. All others stay: a cell that goes on with an answer takes it from `dl.given`,
so what it shows is the same for every right one.
"""

import copy
import json
import textwrap
from collections.abc import Iterator
from typing import Any

BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"
STUB, TEXT_STUB = "# Your code here", "Your answer here"


def learners_view(notebook: dict[str, Any]) -> dict[str, Any]:
    """The learner's view of a notebook of format 4, which stays as it is itself."""
    made = copy.deepcopy(notebook)
    for cell in made["cells"]:
        about = exercise_of(cell)
        if about is None:
            continue
        if about.get("solution"):
            cell["source"] = without_solution(source_of(cell), STUB if cell["cell_type"] == "code" else TEXT_STUB)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return made


def learners_file(content: bytes) -> bytes:
    """The same of a notebook's file. What is no notebook stays as it is."""
    try:
        made = learners_view(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return content
    return (json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def exercise_of(cell: dict[str, Any]) -> dict[str, Any] | None:
    """What nbgrader is to know of a cell; None where it belongs to no exercise."""
    about = cell.get("metadata", {}).get("nbgrader")
    return about if isinstance(about, dict) else None


def source_of(cell: dict[str, Any]) -> str:
    """The text of a cell, which a file may hold as one text or as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def without_solution(text: str, stub: str = STUB) -> str:
    """The text with a stub in the place of each solution, as far to the right as its first marker."""
    kept = []
    for line, where in _lines(text):
        if where == "begin":
            kept.append(line[: len(line) - len(line.lstrip())] + stub)
        elif where == "outside":
            kept.append(line)
    return "\n".join(kept)


def solution_in(text: str) -> str:
    """What stands between the markers, moved to the left; nothing where there are none."""
    return textwrap.dedent("\n".join(line for line, where in _lines(text) if where == "inside"))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Each line, and whether it is "outside" or "inside" of a solution, or its "begin" or "end"."""
    inside = False
    for line in text.split("\n"):
        marker = "begin" if BEGIN in line else "end" if END in line else ""
        inside = marker == "begin" or (inside and marker != "end")
        yield line, marker or ("inside" if inside else "outside")
