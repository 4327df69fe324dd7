"""Saving a notebook: what it printed is kept, what differs from run to run is not."""

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from run_notebooks import WIDGET_VIEW, run

SLIDER = "import ipywidgets\nipywidgets.IntSlider(value=3)"


def saved(path, *sources):
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    return path


def test_two_runs_save_the_same_bytes(tmp_path):
    path = saved(tmp_path / "small.ipynb", "print('one')\nprint('two')", SLIDER)
    run(path)
    first = path.read_bytes()
    run(path)
    assert path.read_bytes() == first


def test_a_widget_leaves_its_still_form_and_no_model(tmp_path):
    path = saved(tmp_path / "small.ipynb", "print('one')", SLIDER)
    run(path)
    notebook = nbformat.read(path, as_version=4)
    printed, slider = (cell.outputs[0] for cell in notebook.cells)
    assert printed.text == "one\n"
    assert slider.data["text/plain"].startswith("IntSlider(value=3")
    assert WIDGET_VIEW not in slider.data
    assert "widgets" not in notebook.metadata


def test_a_notebook_whose_cell_raises_is_left_as_it_was(tmp_path):
    path = saved(tmp_path / "small.ipynb", "print('one')", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run(path)
    assert path.read_bytes() == before
