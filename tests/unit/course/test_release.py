"""`dlnb release`: two views of a course, the same bytes each time, whole or not at all."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlnb import cli
from dlnb.course.release import NotReleased, release
from dlnb.course.views import STUB, learners_view, solution_in, source_of, without_solution

ROOT = Path(__file__).resolve().parents[3]
COURSE = ROOT / "notebooks"
SOLVED = "answer = None\n### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION\nprint(answer)"


def graded(name, **about):
    known = {"grade_id": name, "grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**known, **about}}


def printed(text):
    return {"outputs": [new_output("stream", text=text)], "execution_count": 1}


def chapter(folder, number="10", solved=SOLVED):
    """A small chapter with one exercise."""
    cells = [
        new_markdown_cell(f"# {number} · Small\n\n**Exercise {number}.1.** What is the answer?", id="a"),
        new_code_cell(solved, id="b", metadata=graded(f"exercise-{number}-1", solution=True), **printed("42")),
        new_code_cell("answer", id="c", metadata=graded(f"check-{number}-1", grade=True, locked=True, points=2), **printed("42")),
        new_code_cell("print('a figure')", id="d", **printed("a figure")),
        new_markdown_cell("**One.** Why?\n\n<details><summary>One answer</summary>Because.</details>", id="e"),
    ]
    notebook = new_notebook(cells=cells, metadata={"dlnb": {"chapter": number, "minutes": 5}, "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / f"{number}_small.ipynb")


@pytest.fixture
def course(tmp_path):
    chapter(tmp_path / "course")
    (tmp_path / "course" / "labs").mkdir()
    lab = new_notebook(cells=[new_markdown_cell("# Lab 10 · Large", id="a")], metadata={"dlnb": {"chapter": "10"}})
    nbformat.write(lab, tmp_path / "course" / "labs" / "10_large.ipynb")
    return tmp_path / "course"


def held(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_learner_gets_cells_to_fill_in_and_the_teacher_the_answers(course, tmp_path):
    assert release(course, tmp_path / "out") == (2, [])
    learner = nbformat.read(tmp_path / "out" / "learner" / "10_small.ipynb", as_version=4)
    starter, check, figure = learner.cells[1:4]
    assert starter.source == f"answer = None\n{STUB}\nprint(answer)" and starter.metadata.deletable is False
    assert check.metadata.editable is False and check.metadata.nbgrader.checksum
    assert starter.outputs == check.outputs == [] and starter.execution_count is None
    assert figure.outputs[0].text == "a figure"
    teacher = tmp_path / "out" / "teacher"
    assert (teacher / "source" / "10_small" / "10_small.ipynb").read_bytes() == (course / "10_small.ipynb").read_bytes()
    answers = (teacher / "answers.md").read_text()
    for words in ("## 10 · Small", "**Exercise 10.1.** What is the answer? *(2 points)*", "```python\nanswer = 42\n```", "**One.** Why?\n\n> Because."):
        assert words in answers
    assert (tmp_path / "out" / "learner" / "labs" / "10_large.ipynb").is_file()
    assert not [file for file in (tmp_path / "out" / "learner").rglob("*.ipynb") if b"42" in file.read_bytes()]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released") / "course"
    release(COURSE, folder)
    return folder


def test_the_course_is_released_twice_without_a_byte_of_difference(released, tmp_path):
    release(COURSE, tmp_path / "again")
    assert held(tmp_path / "again") == held(released)


def test_nothing_of_a_solution_is_left_in_the_learners_view(released):
    checked = 0
    for file in (released / "learner").rglob("*.ipynb"):
        solved = nbformat.read(COURSE / file.relative_to(released / "learner"), as_version=4)
        learner = nbformat.read(file, as_version=4)
        assert "SOLUTION" not in file.read_text()
        for before, after in zip(solved.cells, learner.cells, strict=True):
            if before.metadata.get("nbgrader", {}).get("solution"):
                checked += 1
                assert solution_in(before.source) and STUB in after.source
                assert not [line for line in solution_in(before.source).splitlines() if line in after.source]
    assert checked >= 4


def test_dlnbs_own_way_to_the_learners_view_gives_the_same_cells_as_nbgraders(released):
    for file in sorted((released / "learner").rglob("*.ipynb")):
        ours = learners_view(json.loads((COURSE / file.relative_to(released / "learner")).read_text()))
        theirs = json.loads(file.read_text())
        assert [(source_of(cell), cell.get("outputs"), cell.get("execution_count")) for cell in ours["cells"]] == [
            (source_of(cell), cell.get("outputs"), cell.get("execution_count")) for cell in theirs["cells"]
        ]


def test_every_solution_in_a_notebook_is_the_one_that_dl_solution_shows():
    from dlnb.exercises.desk import exercise

    for file in COURSE.glob("*.ipynb"):
        for cell in nbformat.read(file, as_version=4).cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                number = cell.metadata.nbgrader.grade_id.removeprefix("exercise-").replace("-", ".")
                ours, shown = (re.sub(r"^ +", "", text, flags=re.MULTILINE) for text in (solution_in(cell.source), exercise(number).solution))
                assert ours in shown, number


@pytest.mark.parametrize(
    ("text", "learners", "solution"),
    [
        ("a\n### BEGIN SOLUTION\nb\n### END SOLUTION\nc", f"a\n{STUB}\nc", "b"),
        ("def f():\n    '''Doc.'''\n    # BEGIN SOLUTION\n    if x:\n        y\n    # END SOLUTION", f"def f():\n    '''Doc.'''\n    {STUB}", "if x:\n    y"),
        ("# BEGIN SOLUTION\na\n# END SOLUTION\nb\n# BEGIN SOLUTION\nc\n# END SOLUTION", f"{STUB}\nb\n{STUB}", "a\nc"),
        ("nothing to solve", "nothing to solve", ""),
    ],
)
def test_a_stub_comes_in_the_place_of_each_solution(text, learners, solution):
    assert without_solution(text) == learners and solution_in(text) == solution


def test_a_folder_with_something_in_it_is_not_touched(course, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "marks.txt").write_text("mine")
    assert cli.main(["release", "--to", str(tmp_path / "mine"), "--course", str(course)]) == 2
    assert "something in" in (said := capsys.readouterr().err) and "--force" in said
    assert held(tmp_path / "mine") == {"marks.txt": b"mine"}
    assert cli.main(["release", "--to", str(tmp_path / "mine" / "marks.txt"), "--course", str(course), "--force"]) == 2
    assert "is a file" in capsys.readouterr().err


def test_an_empty_folder_in_which_one_stands_is_filled(course, tmp_path, monkeypatch):
    release(course, tmp_path / "out")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert cli.main(["release", "--to", ".", "--course", str(course)]) == 0
    assert Path("learner").is_dir() and held(tmp_path / "here") == held(tmp_path / "out")


def test_a_release_is_brought_up_to_date_and_everything_else_stays(course, tmp_path, capsys):
    out = tmp_path / "out"
    chapter(course, "11")
    command = ["release", "--to", str(out), "--course", str(course)]
    assert cli.main(command) == 0
    (out / "teacher" / "gradebook.db").write_text("marks")
    mine = out / "teacher" / "source" / "10_small" / "10_small.ipynb"
    mine.write_text("my version")
    (course / "11_small.ipynb").unlink()
    chapter(course, solved=SOLVED.replace("42", "43"))
    assert cli.main([*command, "--force"]) == 0
    assert "you had changed a file" in capsys.readouterr().err
    (kept,) = mine.parent.glob("10_small.backup-*.ipynb")
    assert kept.read_text() == "my version" and "answer = 43" in mine.read_text()
    assert (out / "teacher" / "gradebook.db").read_text() == "marks"
    assert not [name for name in held(out) if "11_small" in name]
    kept.unlink()
    (out / "teacher" / "gradebook.db").unlink()
    assert cli.main(["release", "--to", str(tmp_path / "fresh"), "--course", str(course)]) == 0
    assert held(out) == held(tmp_path / "fresh")


@pytest.mark.parametrize("record", ["no JSON", "[]", '{"../course/10_small.ipynb": "x", "/etc/passwd": "y", "learner/10_small.ipynb": 3}'])
def test_a_damaged_record_harms_nobody(course, tmp_path, record):
    release(course, tmp_path / "out")
    (tmp_path / "out" / ".dlnb-release.json").write_text(record)
    before = held(tmp_path / "out")
    _, kept = release(course, tmp_path / "out", again=True)
    assert kept == [] and held(course) and set(held(tmp_path / "out")) == set(before)


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, -1))
from dlnb import cli
sys.exit(cli.main(["release", "--to", sys.argv[1], "--course", sys.argv[2], "--force"]))
"""


@pytest.mark.parametrize("there_before", [False, True])
def test_a_disk_that_takes_no_more_leaves_all_as_it_was(course, tmp_path, there_before):
    """A real write that fails half way, as on a full disk."""
    if there_before:
        release(course, tmp_path / "out")
        chapter(course, solved=SOLVED.replace("42", "43"))
    before = held(tmp_path)
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "out"), str(course)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "File too large" in done.stderr, done.stderr
    assert held(tmp_path) == before and not list(tmp_path.rglob(".*.part"))


def test_a_place_that_cannot_be_written_is_a_sentence(course, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "out", Path("/proc/out")):
        assert cli.main(["release", "--to", str(place), "--course", str(course)]) == 2
        said = capsys.readouterr().err
        assert said.startswith("dlnb: ") and said.count("\n") == 1 and "Traceback" not in said


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda course: (course / "10_small.ipynb").write_text('{"dlnb": {}}'), "This is not a notebook"),
        (lambda course: chapter(course, solved="answer = None"), "This is a learner's view"),
        (lambda course: chapter(course, solved="### BEGIN SOLUTION\n1"), "no end solution statement"),
        (lambda course: chapter(course, solved="### BEGIN SOLUTION\n1\n### BEGIN SOLUTION\n### END SOLUTION"), "nested begin solution"),
        (lambda course: (course / "quizzes").mkdir() or (course / "quizzes" / "10.toml").write_text("[["), "10.toml is not valid TOML"),
    ],
)
def test_a_course_with_a_mistake_is_not_released_and_the_mistake_is_named(course, tmp_path, spoil, words):
    spoil(course)
    with pytest.raises(NotReleased, match=words):
        release(course, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_exercises_of_one_name_are_refused(course, tmp_path):
    notebook = nbformat.read(course / "10_small.ipynb", as_version=4)
    notebook.cells[2].metadata.nbgrader.grade_id = "exercise-10-1"
    nbformat.write(notebook, course / "10_small.ipynb")
    with pytest.raises(NotReleased, match="(?i)duplicate grade id|metadata may be corrupted"):
        release(course, tmp_path / "out")


def test_no_course_is_a_sentence(tmp_path, capsys):
    assert cli.main(["release", "--to", str(tmp_path / "out"), "--course", str(tmp_path)]) == 2
    assert "there is no course in" in capsys.readouterr().err


def test_without_nbgrader_it_says_how_to_get_it(course, tmp_path):
    code = f"import sys; sys.modules['nbgrader'] = None\nfrom dlnb import cli\nsys.exit(cli.main(['release', '--to', {str(tmp_path / 'out')!r}, '--course', {str(course)!r}]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 2 and "pip install 'dlnb[teach]'" in done.stderr and not (tmp_path / "out").exists()
