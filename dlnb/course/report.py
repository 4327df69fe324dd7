"""`dlnb report`: one table of a class, from the progress that its learners exported."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .portable import NoProgress, read
from .progress import Answered, Attempted

LONGEST = 60  # characters of a name
_NUMBER, _CHAPTER = re.compile(r"\d{1,4}\.\d{1,3}", re.ASCII), re.compile(r"\d{1,4}", re.ASCII)


@dataclass(frozen=True)
class Learner:
    """What one learner exported. cells: how many have run, by chapter's file. exercises: by number. quizzes: by chapter and question.

    last: seconds since 1970.
    """

    name: str
    cells: dict[str, int]
    exercises: dict[str, Attempted]
    quizzes: dict[str, Answered]
    last: float


def learners(files: Iterable[Path]) -> tuple[list[Learner], list[str]]:
    """What is in the files, by name, and in words which of them were left out, and why.

    A folder stands for all `.json` files in it. Of two files of one name the one that was exported later counts; a file that
    names nobody counts under its own name.
    """
    found: dict[str, tuple[float, Path, Learner]] = {}
    left_out = []
    for file in _all(files):
        try:
            told = read(file.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            left_out.append(f"{file}: it is not text. Export it again")
            continue
        except (NoProgress, OSError) as error:
            left_out.append(f"{file}: {error.strerror if isinstance(error, OSError) and error.strerror else error}")
            continue
        learner = _learner(told, file)
        at, before, _ = found.get(learner.name, (-1.0, file, learner))
        if before != file:
            older, newer = (file, before) if told["at"] < at else (before, file)
            how = "the same export" if told["at"] == at else "a later export"
            left_out.append(f"{older}: {newer} is {how} of “{learner.name}”. Are these two people? Then each needs a name, with --name")
        if told["at"] >= at:
            found[learner.name] = (told["at"], file, learner)
    return sorted((learner for *_, learner in found.values()), key=lambda one: one.name.casefold()), left_out


def table(people: Sequence[Learner]) -> list[list[str]]:
    """A row a learner, under a row of heads: solved exercises in all, each exercise, each quiz, the last day.

    Of an exercise: "2" was solved with the second answer, "2 (1 hint)" with a hint, "shown" after a look at the solution, "3 tries"
    was not solved yet, and nothing was not tried. Of a quiz: "5 of 7" answered questions were right at the first try.
    """
    numbers = sorted({number for one in people for number in one.exercises}, key=_order)
    quizzes = sorted({question.split("/")[0] for one in people for question in one.quizzes}, key=_order)
    heads = ["learner", "cells run", "solved", *numbers, *(f"quiz {chapter}" for chapter in quizzes), "last seen"]
    rows = (
        [one.name, str(sum(one.cells.values())), _solved(one), *(_how(one.exercises.get(n)) for n in numbers), *(_quiz(one, c) for c in quizzes), _day(one.last)]
        for one in people
    )
    return [heads, *rows]


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """The table with columns of equal width."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    """The table for a spreadsheet. What a learner called themselves is never taken for a formula there."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["'" + cell if cell[:1] in ("=", "+", "-", "@") else cell for cell in row] for row in rows])
    return out.getvalue()


def _all(files: Iterable[Path]) -> list[Path]:
    """Each file once, also where it is named and lies in a folder that is named too."""
    named = (one for file in files for one in (sorted(file.glob("*.json")) if file.is_dir() else [file]))
    return list({file.resolve(): file for file in named}.values())


def _learner(told: dict[str, Any], file: Path) -> Learner:
    """What one file tells. Names come from others: they are one line that a terminal takes for text."""
    name = " ".join("".join(c if c.isprintable() else " " for c in told["learner"]).split())[:LONGEST]
    times = [at for runs in told["runs"].values() for at in runs.values()]
    times += [one.at for one in (*told["exercises"].values(), *told["quizzes"].values())]
    cells = {chapter: len(runs) for chapter, runs in told["runs"].items()}
    exercises = {number: one for number, one in told["exercises"].items() if _NUMBER.fullmatch(number)}
    quizzes = {question: one for question, one in told["quizzes"].items() if _CHAPTER.fullmatch(question.split("/")[0])}
    return Learner(name or file.stem, cells, exercises, quizzes, max(times, default=0.0))


def _solved(one: Learner) -> str:
    return str(sum(exercise.alone for exercise in one.exercises.values()))


def _how(one: Attempted | None) -> str:
    if one is None or not (one.tries or one.shown):
        return ""
    if one.alone:
        return f"{one.tries}" + (f" ({one.hints} hint{'s' * (one.hints != 1)})" if one.hints else "")
    return "shown" if one.shown is not None else f"{one.tries} {'try' if one.tries == 1 else 'tries'}"


def _quiz(one: Learner, chapter: str) -> str:
    answers = [answer for question, answer in one.quizzes.items() if question.split("/")[0] == chapter]
    return f"{sum(answer.first for answer in answers)} of {len(answers)}" if answers else ""


def _day(at: float) -> str:
    try:
        return datetime.fromtimestamp(at).strftime("%Y-%m-%d") if at else ""
    except (ValueError, OverflowError, OSError):  # no year that there is
        return ""


def _order(number: str) -> tuple[list[int], str]:
    """10.2 comes before 10.10."""
    return [int(part) for part in number.split(".") if part.isdecimal()], number
