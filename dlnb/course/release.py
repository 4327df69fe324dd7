"""`dlnb release`: the course as learners get it, and as a teacher needs it, made of its notebooks by nbgrader's own steps.

    learner/                     the chapters without solutions, the labs, the quizzes, the glossary
    teacher/answers.md           all answers on one page
    teacher/nbgrader_config.py   makes the folder a course of nbgrader
    teacher/source/NN_name/      each chapter with its solutions, as an assignment of nbgrader

Making it twice gives the same bytes.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .answers import page_of
from .chapters import Chapter, Shelf
from .delivery import deliver
from .quizzes import FOLDER as QUIZZES
from .quizzes import QuizError, read_quiz
from .views import STUB, TEXT_STUB, exercise_of, solution_in, source_of

BESIDE = ("*.md", f"{QUIZZES}/*.toml")  # what a course holds beside its notebooks
RECORD = ".dlnb-release.json"
INSTALL = "Install it with: pip install 'dlnb[teach]' (in a clone of the course: pip install -e '.[teach]')"
CONFIG = f'''"""What nbgrader needs to know of this course. In this folder: nbgrader generate_assignment NAME, a folder in source/."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "dlnb"
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}  # runs, so that Run All works before anything is solved
c.ClearSolutions.text_stub = "{TEXT_STUB}"
c.Execute.timeout = 300  # seconds for a cell: some of them train
'''


class NotReleased(Exception):
    """The course cannot be released; the message says why and what to do. Nothing was changed."""


def release(course: Path, folder: Path, again: bool = False) -> tuple[int, list[Path]]:
    """Write both views of a course folder.

    again: also into a folder with something in it; only what a release wrote is brought up to date. Returns how many notebooks were
    released, and the files that somebody had changed since the last release, under the names they have now. Raises: NotReleased.
    """
    folder = folder.absolute()
    try:
        if folder.exists() and not folder.is_dir():
            raise NotReleased(f"{folder} is a file. Name a folder")
        if folder.exists() and any(folder.iterdir()) and not again:
            raise NotReleased(f"there is something in {folder} already. Name a new folder, or add --force: it brings a release up to date and leaves all else as it is")
        chapters = Shelf(course).chapters()
        return len(chapters), deliver(dict(views(course, chapters)), folder, RECORD)
    except OSError as error:
        raise NotReleased(f"{error.filename or folder}: {error.strerror or error}") from error


def views(course: Path, chapters: list[Chapter]) -> Iterator[tuple[str, bytes]]:
    """Every file of a release, by its path in it. Raises: NotReleased; OSError."""
    pages = []
    for pattern in BESIDE:
        for file in sorted(course.glob(pattern)):
            yield f"learner/{file.relative_to(course).as_posix()}", file.read_bytes()
    for chapter in chapters:
        notebook = _solved(course, chapter)
        yield f"learner/{chapter.path}", _as_bytes(_learners(notebook, chapter))
        if chapter.kind != "chapter":
            continue  # a lab has no exercises
        name, quiz = Path(chapter.path).stem, course / QUIZZES / f"{chapter.number}.toml"
        yield f"teacher/source/{name}/{chapter.path}", _as_bytes(notebook)
        if quiz.is_file():
            yield f"teacher/source/{name}/{QUIZZES}/{quiz.name}", quiz.read_bytes()
        try:
            pages.append(page_of(chapter, notebook, read_quiz(quiz) if quiz.is_file() else None))
        except QuizError as error:
            raise NotReleased(str(error)) from error
    if not pages:
        raise NotReleased(f"there is no chapter in {course}. Name the folder of the course with --course")
    yield "teacher/nbgrader_config.py", CONFIG.encode()
    yield "teacher/answers.md", "\n".join(["# Answers\n", *pages]).encode()


def _solved(course: Path, chapter: Chapter) -> Any:
    """A notebook with all its solutions. Raises: NotReleased."""
    import nbformat

    if chapter.error:
        raise NotReleased(f"{chapter.path}: {chapter.error}")
    notebook = nbformat.read(course / chapter.path, as_version=4)
    for cell in notebook.cells:
        about = exercise_of(cell)
        if about and about.get("solution") and not solution_in(source_of(cell)):
            raise NotReleased(f"{chapter.path}: there is no solution in {about.get('grade_id')}. This is a learner's view; release the course itself")
    return notebook


def _learners(notebook: Any, chapter: Chapter) -> Any:
    """The learner's view, by the steps of `nbgrader generate_assignment`. Only outputs that give an answer away are cleared."""
    try:
        from nbgrader import preprocessors as steps
    except ImportError as error:
        raise NotReleased(f"this takes nbgrader, which cannot be loaded ({error}). {INSTALL}") from error

    class ClearExercises(steps.ClearOutput):
        def preprocess_cell(self, cell: Any, resources: Any, index: int) -> Any:
            return super().preprocess_cell(cell, resources, index) if exercise_of(cell) else (cell, resources)

    made, resources = copy.deepcopy(notebook), dict[str, Any]()
    try:
        for step in (
            steps.CheckCellMetadata(), steps.LockCells(),
            steps.ClearSolutions(code_stub={"python": STUB}, text_stub=TEXT_STUB), ClearExercises(),
            steps.ClearHiddenTests(), steps.ClearMarkScheme(), steps.ComputeChecksums(), steps.CheckCellMetadata(),
        ):  # fmt: skip
            made, resources = step(made, resources)
    except Exception as error:  # each step raises what it likes
        raise NotReleased(f"{chapter.path}: nbgrader refuses it, with {type(error).__name__}: {error}") from error
    return made


def _as_bytes(notebook: Any) -> bytes:
    import nbformat

    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()
