"""A Jupyter server with our extension, a learner of its own, and a small course."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


@pytest.fixture
def jp_server_config():
    return {"ServerApp": {"jpserver_extensions": {"dlnb.server": True}}}


@pytest.fixture(autouse=True)
def learner(tmp_path, monkeypatch):
    """A learner of our own, before the server starts."""
    monkeypatch.setenv("DLNB_HOME", str(tmp_path / "learner"))
    monkeypatch.delenv("DLNB_COURSE", raising=False)
    return tmp_path / "learner"


@pytest.fixture
def course(learner, jp_root_dir):
    """A course of one chapter with two code cells and one lab; gives the ids of the chapter's cells."""
    folder = jp_root_dir / "notebooks"
    cells = [new_markdown_cell("# 10 · Images <b>"), new_code_cell("1"), new_code_cell("2")]
    (folder / "labs").mkdir(parents=True)
    about = {"dlnb": {"chapter": "10", "minutes": 45}}
    nbformat.write(new_notebook(cells=cells, metadata=about), folder / "10_a.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A lab")]), folder / "labs" / "10_b.ipynb")
    return [cell.id for cell in cells[1:]]
