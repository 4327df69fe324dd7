"""The released views, run as a class would run them, and graded by nbgrader itself."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from notebook_run import CHAPTER, NOTEBOOKS, course, is_lab

from dlnb.course.progress import Progress
from dlnb.course.release import release
from dlnb.course.views import STUB

CHAPTERS = [path.stem for path in course() if not is_lab(path)]
ALONE = {"OMP_NUM_THREADS": "1"}  # loses little, and is not held up by what else the machine computes
SWEEP = "for number in reversed(order):\n        for source, slope in zip(number.made_of, number.slopes):\n            source.grad += slope * number.grad"
RIGHT = {
    "00_start_here": ("exercise-00-1", "weight = 15.0"),
    "01_data_as_tensors": ("exercise-01-1", "return photo.movedim(-1, 0).float() / 255"),
    "02_forward_propagation": ("exercise-02-1", "weight_middle, weight_sides, bias = 1.0, -1.0, 0.1"),
    "03_error_and_backpropagation": ("exercise-03-4", SWEEP),
    "06_predictive_analytics": ("exercise-06-2", "raised = chance * missed > (1 - chance) * needless"),
    "10_image_classification": ("exercise-10-1", "kernel[1, 2] = 1.0"),
}
WRONG = {
    "00_start_here": ("exercise-00-2", "learning_rate = 1.0"),
    "01_data_as_tensors": ("exercise-01-2", "return torch.zeros(len(sentences), 3, dtype=torch.long)"),
    "02_forward_propagation": ("exercise-02-3", "hill = [1.0, -1.0, 0.0]"),
    "03_error_and_backpropagation": ("exercise-03-1", "error = -scores[np.arange(len(truth)), truth].mean()"),
    "06_predictive_analytics": ("exercise-06-3", "best = 5.0"),
    "10_image_classification": ("exercise-10-2", "width = 32"),
}
UNTOUCHED = {
    "00_start_here": (),
    "01_data_as_tensors": ("exercise-01-3", "exercise-01-4"),
    "02_forward_propagation": ("exercise-02-2", "exercise-02-4"),
    "03_error_and_backpropagation": ("exercise-03-2", "exercise-03-3"),
    "06_predictive_analytics": ("exercise-06-1", "exercise-06-4"),
    "10_image_classification": ("exercise-10-3", "exercise-10-4"),
}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released") / "course"
    release(NOTEBOOKS, folder)
    return folder


def of_exercises(notebook, what):
    """The name nbgrader knows them by → the cells of exercises; what: "solution" or "grade"."""
    about = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    return {known["grade_id"]: cell for cell, known in about if known.get(what)}


def printed(cell):
    """The texts of a cell's outputs."""
    return [output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_learners_view_runs_to_its_end_before_anything_is_solved(released, name, tmp_path):
    notebook = nbformat.read(released / "learner" / f"{name}.ipynb", as_version=4)
    folder = {"metadata": {"path": str(released / "learner")}}
    client = NotebookClient(notebook, timeout=int(2 * CHAPTER.seconds), kernel_name="python3", resources=folder)
    client.execute(env={**os.environ, **ALONE, "DLNB_HOME": str(tmp_path)})
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert not [output for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]
    checks = of_exercises(notebook, "grade")
    assert checks and all(any(text.startswith("Not yet: ") for text in printed(cell)) for cell in checks.values())
    assert Progress(tmp_path).exercises() == {}  # what a cell begins with is no try


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_teachers_view_is_the_notebook_that_every_test_runs(released, name):
    assert (released / "teacher" / "source" / name / f"{name}.ipynb").read_bytes() == (NOTEBOOKS / f"{name}.ipynb").read_bytes()


def nbgrader(folder, *arguments, **surroundings):
    """Call nbgrader as a teacher would, in their folder."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic by name
    done = subprocess.run(command, cwd=folder, env={**os.environ, **ALONE, "PATH": path, **surroundings}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def points(teacher, name, learner):
    """What nbgrader's gradebook has: check → points."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{teacher / 'gradebook.db'}", "dlnb") as book:
        submission = book.find_submission_notebook(name, name, learner)
        return {grade.name: (grade.auto_score, grade.max_score) for grade in submission.grades}


@pytest.mark.parametrize("name", RIGHT)
def test_nbgrader_releases_the_same_cells_and_gives_points_for_what_is_right(released, name, tmp_path):
    teacher = released / "teacher"
    nbgrader(teacher, "generate_assignment", name)
    theirs = nbformat.read(teacher / "release" / name / f"{name}.ipynb", as_version=4)
    ours = nbformat.read(released / "learner" / f"{name}.ipynb", as_version=4)
    assert [(cell.source, cell.metadata) for cell in theirs.cells] == [(cell.source, cell.metadata) for cell in ours.cells]

    handed_in = of_exercises(ours, "solution")
    for exercise, code in (RIGHT[name], WRONG[name]):
        assert handed_in[exercise].source.count(STUB) == 1
        handed_in[exercise].source = handed_in[exercise].source.replace(STUB, code)
    (teacher / "submitted" / "ada" / name).mkdir(parents=True)
    nbformat.write(ours, teacher / "submitted" / "ada" / name / f"{name}.ipynb")
    said = nbgrader(teacher, "autograde", name, DLNB_HOME=str(tmp_path))
    assert "cannot be converted to" not in said  # a verdict is no number of points

    got = points(teacher, name, "ada")
    check = RIGHT[name][0].replace("exercise", "check")
    worth = of_exercises(ours, "grade")[check].metadata.nbgrader.points
    assert got[check] == (worth, worth)
    others = [exercise.replace("exercise", "check") for exercise in (WRONG[name][0], *UNTOUCHED[name])]
    assert set(got) == {check, *others} and all(got[other][0] == 0.0 for other in others)
    graded = nbformat.read(teacher / "autograded" / "ada" / name / f"{name}.ipynb", as_version=4)
    failed = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in graded.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    assert sorted(failed) == sorted(others)
    assert Progress(tmp_path).exercises() == {}  # a teacher who grades makes no progress
