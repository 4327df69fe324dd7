"""The form of a notebook: what a reader, a screen reader and a reviewer of a change may count on."""

import ast
import re

import nbformat
import pytest
from notebook_run import NOTEBOOKS, ROOT, course, is_lab

from dlnb.course.views import exercise_of
from dlnb.exercises.desk import every

NAMES = [str(path.relative_to(ROOT)) for path in course()]
CHAPTERS = [str(path.relative_to(ROOT)) for path in course() if not is_lab(path)]
FOLDERS_OF_A_MACHINE = re.compile(r"(?:/home/|/root/|/tmp/|/Users/|/work/|[A-Z]:\\\\)\S*")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def notebook(request):
    return nbformat.read(ROOT / request.param, as_version=4)


every_notebook = pytest.mark.parametrize("notebook", NAMES, indirect=True)
every_chapter = pytest.mark.parametrize("notebook", CHAPTERS, indirect=True)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def prose(notebook):
    """The text without code blocks, formulas and HTML tags."""
    text = "\n\n".join(markdown(notebook))
    for left_out in (r"```.*?```", r"\$\$.*?\$\$", r"\$[^$\n]+\$", r"<[^>]+>"):
        text = re.sub(left_out, " ", text, flags=re.DOTALL)
    return text


def headings(notebook):
    """The level of every heading, in order."""
    text = re.sub(r"```.*?```", "", "\n\n".join(markdown(notebook)), flags=re.DOTALL)
    return [len(marks) for marks in re.findall(r"^(#{1,6}) ", text, flags=re.MULTILINE)]


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def test_there_is_a_course():
    assert CHAPTERS, f"no chapter in {NOTEBOOKS}"


@every_notebook
def test_it_has_one_title_and_no_heading_skips_a_level(notebook):
    levels = headings(notebook)
    assert levels[:1] == [1] and levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in zip(levels, levels[1:], strict=False)), levels


@every_notebook
def test_no_cell_is_over_25_lines(notebook):
    long = {number: cell.source.count("\n") + 1 for number, cell in enumerate(notebook.cells) if cell.source}
    assert not {number: lines for number, lines in long.items() if lines > 25}


@every_chapter
def test_a_chapter_has_35_to_45_cells_beside_its_exercises(notebook):
    assert 35 <= len([cell for cell in notebook.cells if "nbgrader" not in cell.metadata]) <= 45


@every_chapter
def test_a_chapter_has_1500_to_2500_words(notebook):
    assert 1500 <= len(re.findall(r"\b\w[\w'’-]*", prose(notebook))) <= 2500


@every_chapter
def test_every_exercise_has_a_text_a_cell_to_fill_in_and_a_check_right_below(notebook):
    known = [exercise.number for exercise in every() if exercise.chapter == notebook.metadata["dlnb"]["chapter"]]
    asked = re.findall(r"^\*\*Exercise (\d+\.\d+)\.\*\*", "\n".join(markdown(notebook)), flags=re.MULTILINE)
    places = [place for place, cell in enumerate(notebook.cells) if exercise_of(cell)]
    assert asked == known and len(places) == 2 * len(known)
    for number, starter, check in zip(known, places[::2], places[1::2], strict=True):
        name = number.replace(".", "-")
        begin, end = (exercise_of(notebook.cells[place]) for place in (starter, check))
        assert check == starter + 1 and (begin["grade_id"], end["grade_id"]) == (f"exercise-{name}", f"check-{name}")
        assert begin["solution"] and end["grade"] and end["locked"] and end["points"] > 0
        assert re.fullmatch(rf'dl\.check\("{re.escape(number)}", \w+\)', notebook.cells[check].source)


@every_chapter
def test_no_later_cell_needs_what_an_exercise_makes(notebook):
    """It would fail for those who have not solved it; they take it from `dl.given`."""
    made = set()
    for cell in code(notebook):
        about, tree = exercise_of(cell), list(ast.walk(ast.parse(cell.source)))
        names = [node for node in tree if isinstance(node, ast.Name)]
        stored = {node.id for node in names if isinstance(node.ctx, ast.Store)} | {node.name for node in tree if isinstance(node, ast.FunctionDef)}
        if about and about["solution"]:
            made |= stored
        elif not about:
            assert not made & ({node.id for node in names} - stored), cell.source
            made -= stored


@every_notebook
def test_it_was_run_once_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code(notebook) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks` and commit the result"


@every_notebook
def test_its_outputs_are_committed_and_none_is_an_error(notebook):
    assert outputs(notebook)
    assert not [output for output in outputs(notebook) if output.output_type == "error"]
    assert not [output.text for output in outputs(notebook) if output.get("name") == "stderr"]


@every_notebook
def test_no_output_names_a_folder_of_somebodys_machine(notebook):
    texts = [output.get("text", "") + str(output.get("data", {}).get("text/plain", "")) for output in outputs(notebook)]
    assert not FOLDERS_OF_A_MACHINE.findall("\n".join(texts))


@every_notebook
def test_no_widget_state_is_saved_and_every_widget_left_a_still_picture(notebook):
    assert "widgets" not in notebook.metadata
    # Without the saved state JupyterLab shows "model not found" for a view, and the still picture without one.
    assert not [output for output in outputs(notebook) if WIDGET_VIEW in output.get("data", {})]


@every_notebook
def test_every_picture_in_the_text_has_a_text_for_those_who_do_not_see_it(notebook):
    text = "\n".join(markdown(notebook))
    assert not re.findall(r"!\[\s*\]\([^)]*\)", text)
    assert not [tag for tag in re.findall(r"<img\b[^>]*>", text) if not re.search(r"\balt=\"[^\"]+\"", tag)]


@every_notebook
def test_it_says_its_chapter_its_minutes_and_the_plain_python_kernel(notebook):
    about = notebook.metadata["dlnb"]
    assert about["chapter"]
    assert 1 <= about["minutes"] <= 180
    assert notebook.metadata.kernelspec.name == "python3"


@every_notebook
def test_nothing_of_the_run_itself_is_saved(notebook):
    assert not [cell.metadata for cell in notebook.cells if "execution" in cell.metadata]


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_under_a_megabyte_and_a_half(name):
    assert (ROOT / name).stat().st_size < 1_500_000


def test_the_readmes_table_has_every_notebook_and_no_other():
    table = (ROOT / "README.md").read_text().split("<!-- budgets:begin -->")[1].split("<!-- budgets:end -->")[0]
    assert sorted(re.findall(r"\]\((notebooks/[^)]+\.ipynb)\)", table)) == sorted(NAMES), "run `make budgets`"
