"""Reading notebooks: a large one in a process of its own, with the same result."""

import json

import pytest

from dlnb.course import notebook
from dlnb.course.notebook import NoNotebook, fold, headings, read

CELLS = [
    {"cell_type": "markdown", "id": "a", "source": ["# One\n", "text"]},
    {"cell_type": "code", "id": "b", "source": "x = 1", "outputs": [{"data": list(range(1000))}]},
    {"cell_type": "code", "source": "no id"},
    {"cell_type": "strange", "source": "x"},
    {"cell_type": "markdown", "source": ["é\ud800", 3]},
]


def test_a_large_notebook_is_read_by_another_process_with_the_same_result(tmp_path, monkeypatch):
    file = tmp_path / "10_a.ipynb"
    file.write_text(json.dumps({"cells": CELLS, "metadata": {"dlnb": {"chapter": "10"}}}))
    here = read(file)
    monkeypatch.setattr(notebook, "READ_HERE", 100)
    monkeypatch.setattr(notebook, "_told", lambda _: pytest.fail("parsed in this process"))
    assert read(file) == here
    assert [(cell.at, cell.id, cell.above) for cell in here.cells] == [(0, "a", ""), (1, "b", "One"), (2, None, "One"), (4, None, "One")]


@pytest.mark.parametrize("content", ["{", "[" * 200, '"x"', "", "[]"])
def test_a_large_file_that_is_no_notebook_says_the_same(tmp_path, monkeypatch, content):
    file = tmp_path / "a"
    file.write_text(content)
    with pytest.raises(NoNotebook) as here:
        read(file)
    monkeypatch.setattr(notebook, "READ_HERE", -1)
    with pytest.raises(NoNotebook) as there:
        read(file)
    assert str(there.value) == str(here.value)


def test_a_json_module_beside_the_learner_is_not_taken(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('taken')")
    file = tmp_path / "10_a.ipynb"
    file.write_text(json.dumps({"cells": CELLS}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebook, "READ_HERE", 100)
    assert len(read(file).cells) == 4


def test_headings_in_a_block_of_code_are_none():
    text = "# One\n\n```\n# two\n```\n\n## `Three` **four** ##\ntext\n~~~\n# five\n~~~"
    assert [(heading.level, heading.text) for heading in headings(text)] == [(1, "One"), (2, "Three four")]
    assert text[headings(text)[1].at :].startswith("## `Three`")


def test_folding_keeps_every_place():
    for text in ("Boğaziçi", "STRASSE ß ﬁ İ", "naïve Café", "日本語", "e\u0301", "\ud800"):
        assert len(fold(text)) == len(text)
    assert fold("Café ÉCOLE") == "cafe ecole"
