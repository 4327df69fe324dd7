"""A class, from release to report: the teacher hands the course out, a learner takes chapter 10 in a real browser, with wrong
answers first and by keyboard alone, and the teacher gets a table.
"""

import csv
import re

import pytest
from playwright.sync_api import Locator, Page
from real_lab import expect, open_notebook, run_all, shut_down_kernel, started_lab
from test_chapter import ERRORS

from dlnb import cli
from dlnb.course.views import STUB

CHAPTER = "10_image_classification.ipynb"
NOT_CLEARED = """def step(model, optimizer, x, y):
    F.cross_entropy(model(x), y).backward()
    optimizer.step()"""
GO = """(name) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const index = notebook.widgets.findIndex((cell) => cell.model.getMetadata('nbgrader')?.grade_id === name);
    notebook.activeCellIndex = index;
    notebook.mode = 'command';
    return notebook.scrollToItem(index, 'center').then(() => {
        notebook.widgets[index].node.dataset.asked = name;
        notebook.widgets[index].node.focus();
    });
}"""


@pytest.fixture
def learners(tmp_path):
    """A JupyterLab on the learner's view of the course, as the teacher has released it."""
    assert cli.main(["release", "--to", str(tmp_path / "class")]) == 0
    with started_lab(tmp_path, tmp_path / "class" / "learner") as running:
        yield running


def cell(page: Page, name: str) -> Locator:
    """The cell that nbgrader knows by this name, brought on the screen and made the one that keys go to."""
    page.evaluate(GO, name)
    return page.locator(f".jp-Cell[data-asked={name}]")


def run(page: Page, name: str) -> str:
    """Run a cell, and what it then shows."""
    asked = cell(page, name)
    prompt = asked.locator(".jp-InputPrompt").first
    before = prompt.inner_text()
    page.keyboard.press("Control+Enter")
    expect(prompt).not_to_have_text(before)
    expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))
    return asked.locator(".jp-OutputArea").first.inner_text()


def answer(page: Page, exercise: str, code: str) -> str:
    """Write an answer in the place of what the cell holds, run it and its check, and what the check says."""
    cell(page, f"exercise-{exercise}")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    page.keyboard.press("Escape")
    run(page, f"exercise-{exercise}")
    return run(page, f"check-{exercise}")


def test_a_class_from_release_to_report(learners, page, tmp_path, monkeypatch):
    open_notebook(page, learners, CHAPTER)
    assert STUB in cell(page, "exercise-10-1").inner_text()
    run_all(page, 300)  # before anything is solved
    assert page.evaluate(ERRORS) == []
    for name in ("check-10-1", "check-10-2", "check-10-3"):
        assert "Not yet." in cell(page, name).locator(".jp-OutputArea").first.inner_text()

    said = answer(page, "10-1", 'kernel = torch.zeros(3, 3)\nkernel[1, 0] = 1\ndl.hint("10.1")')
    assert "Not yet. The picture moves right" in said and "To move to the left" in said
    assert "Right. Every place takes over the ink" in answer(page, "10-1", "kernel = torch.zeros(3, 3)\nkernel[1, 2] = 1")
    assert "Not yet. The pictures are mixed" in answer(page, "10-3", "order = torch.randperm(1797)")
    assert "Not yet." in answer(page, "10-4", NOT_CLEARED)
    assert "Right. In 60 of your steps" in answer(page, "10-4", NOT_CLEARED.replace("    F.", "    optimizer.zero_grad()\n    F."))

    page.evaluate("() => window.jupyterapp.commands.execute('dlnb:show-course')")
    more = page.locator("#dlnb-course-panel .dlnb-more").filter(has_text="Image classification")
    expect(more.locator("summary").first).to_contain_text("Exercises: 2 of 4 solved")
    shut_down_kernel(page, learners)

    monkeypatch.setenv("DLNB_HOME", str(learners.learner))
    assert cli.main(["progress", "export", str(tmp_path / "ada.json"), "--name", "Ada"]) == 0
    assert cli.main(["report", str(tmp_path / "ada.json"), "--csv", str(tmp_path / "class.csv")]) == 0
    with (tmp_path / "class.csv").open(newline="", encoding="utf-8-sig") as file:
        [ada] = csv.DictReader(file)
    assert ada["learner"] == "Ada" and ada["solved"] == "2"
    assert [ada[number] for number in ("10.1", "10.3", "10.4")] == ["2 (1 hint)", "1 try", "2"]
