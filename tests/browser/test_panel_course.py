"""The course panel, further: exercises live, going on, a chapter put back, search and the glossary, in a real JupyterLab."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page, expect
from real_lab import KERNELSPEC, Lab, eventually, open_page, run_cell, started_lab, wait_for_kernel

from dlnb.course.progress import Progress

TEXT = """## Exercises

**Exercise 10.1.** Move the picture. Then look.

### Second steps

**10.2 · How small?** Find a width."""
GLOSSARY = """# Glossary

## Kernel

The *nine* weights of a `window`. <b>Not bold</b>

Also: filter. Taught in [Second steps](10_images.ipynb#Second-steps).

## Loss

How wrong. Taught nowhere yet.
"""


@pytest.fixture
def course(tmp_path):
    """A JupyterLab with a chapter of two exercises, a lab, and a glossary, for one test."""
    folder = tmp_path / "root" / "notebooks"
    (folder / "labs").mkdir(parents=True)
    checks = [new_code_cell('"10.1"\n# dl.check("10.1", 1)'.replace("# ", "if False: ")), new_code_cell('if False: dl.check("10.2", 2)')]
    cells = [new_markdown_cell("# 10 · Images"), new_code_cell("a = 1"), new_code_cell("kernel = 9"), new_markdown_cell(TEXT), *checks]
    about = {"dlnb": {"chapter": "10", "minutes": 45}, "kernelspec": KERNELSPEC}
    nbformat.write(new_notebook(cells=cells, metadata=about), folder / "10_images.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Lab 10 · Hands\n\nA kernel again.")], metadata=about), folder / "labs" / "10_b.ipynb")
    (folder / "glossary.md").write_text(GLOSSARY)
    with started_lab(tmp_path, tmp_path / "root") as running:
        yield running


@pytest.fixture
def at(course, page):
    """Its page, with the panel in front."""
    open_page(page, course.url("lab", "&reset"))
    expect(panel(page).locator(".dlnb-chapter").first).to_be_visible()
    return page


def panel(page: Page):
    return page.locator("#dlnb-course-panel")


def more(page: Page):
    """What can be opened below the chapter."""
    return panel(page).locator(".dlnb-more").filter(has_text="Images")


def open_chapter(page: Page) -> None:
    panel(page).locator(".dlnb-chapter").filter(has_text="10 Images").click()
    expect(page.locator(".jp-NotebookPanel:visible h1")).to_contain_text("Images")
    wait_for_kernel(page)


def chapter_file(course: Lab) -> Path:
    return course.root / "notebooks" / "10_images.ipynb"


def test_what_a_kernel_writes_is_on_the_panel_soon(at, course):
    """Another process checks answers, as a kernel does; nobody touches the page."""
    expect(more(at).locator("summary")).to_contain_text("Exercises: 0 of 2 solved")
    more(at).locator("summary").click()
    exercises = more(at).get_by_role("list", name="Exercises of 10 Images").get_by_role("button")
    expect(exercises).to_have_text([re.compile("Exercise 10.1 Move the picture.*Not tried"), re.compile("Exercise 10.2 How small.*Not tried")])
    Progress(course.learner).checked("10.1", right=False)
    expect(exercises.first).to_contain_text("Tried, 1 try")
    Progress(course.learner).hinted("10.1", 2)
    Progress(course.learner).checked("10.1", right=True)
    expect(exercises.first).to_contain_text("Solved, 2 tries, 2 hints")
    Progress(course.learner).shown("10.2")
    Progress(course.learner).checked("10.2", right=True)
    expect(exercises.nth(1)).to_contain_text("Solved after the solution")
    expect(more(at).locator("summary")).to_contain_text("Exercises: 1 of 2 solved")
    expect(panel(at).get_by_role("status").filter(has_text="Exercise 10.2: solved.")).to_have_count(1)
    exercises.nth(1).click()
    expect(at.locator(".jp-NotebookPanel:visible h1")).to_contain_text("Images")
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 5")


def test_a_panel_that_nobody_sees_asks_for_nothing(at, course):
    asked: list[str] = []
    at.on("request", lambda request: asked.append(request.url) if "/dlnb/" in request.url else None)
    eventually(at, lambda: len(asked), lambda count: count >= 2)
    assert asked
    at.evaluate("() => window.jupyterapp.commands.execute('filebrowser:activate')")
    expect(panel(at)).to_be_hidden()
    at.wait_for_timeout(1000)
    asked.clear()
    at.wait_for_timeout(5000)
    assert asked == []
    Progress(course.learner).checked("10.1", right=True)
    at.evaluate("() => window.jupyterapp.commands.execute('dlnb:show-course')")
    expect(more(at).locator("summary")).to_contain_text("1 of 2 solved")


def test_going_on_is_at_the_cell_after_the_one_that_ran_last(at):
    open_chapter(at)
    run_cell(at, 2)
    expect(panel(at).locator(".dlnb-state").first).to_have_text("Started, 1 of 4 cells run")
    at.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
    panel(at).locator(".dlnb-continue").click()
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 4")


def reset(page: Page, answer: str) -> None:
    """Ask for a reset of the chapter, and answer the question."""
    if more(page).get_attribute("open") is None:
        more(page).locator("summary").click()
    more(page).get_by_role("button", name="Reset to how it came").click()
    expect(page.get_by_role("dialog")).to_contain_text("Your version is kept beside it")
    page.get_by_role("dialog").get_by_role("button", name=answer, exact=True).click()


def backups(course: Lab) -> list[Path]:
    return sorted(chapter_file(course).parent.glob("*.backup-*.ipynb"))


def edit(page: Page, text: str) -> None:
    """Change a cell in the browser, without saving."""
    page.evaluate("(text) => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource(text)", text)


def first_code(page: Page) -> str:
    return page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.getSource()")


def test_a_reset_brings_the_original_back_and_keeps_what_was_not_even_saved(at, course):
    original = chapter_file(course).read_text()
    open_chapter(at)
    run_cell(at, 1)
    expect(panel(at).locator(".dlnb-state").first).to_have_text("Started, 1 of 4 cells run")
    Progress(course.learner).checked("10.1", right=True)
    expect(more(at).locator("summary")).to_contain_text("1 of 2 solved")
    edit(at, "mine = 1")
    reset(at, "Cancel")
    assert first_code(at) == "mine = 1"
    reset(at, "Reset")
    expect(panel(at).locator(".dlnb-state").first).to_have_text("New")
    expect(more(at).locator("summary")).to_contain_text("0 of 2 solved")
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.getSource() === 'a = 1'")
    assert nbformat.reads(chapter_file(course).read_text(), 4).cells[1].source == "a = 1"
    assert nbformat.reads(original, 4).cells[2].source == nbformat.read(chapter_file(course), 4).cells[2].source
    [kept] = backups(course)
    assert "mine = 1" in kept.read_text()
    said = panel(at).get_by_role("status").filter(has_text="10 Images is as it came")
    said.get_by_role("button", name=kept.name).click()
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget.content?.widgets?.[1]?.model.sharedModel.getSource() === 'mine = 1'")
    said.get_by_role("button", name="Close this message").click()
    expect(said).to_have_count(0)


def test_resets_one_after_the_other_keep_every_version(at, course):
    open_chapter(at)
    for number in range(3):
        at.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.getSource() === 'a = 1'")
        edit(at, f"version = {number}")
        reset(at, "Reset")
        eventually(at, lambda: len(backups(course)), lambda count, wanted=number + 1: count == wanted)
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.getSource() === 'a = 1'")
    kept = [nbformat.read(file, 4).cells[1].source for file in backups(course)]
    assert sorted(kept) == ["version = 0", "version = 1", "version = 2"]


def test_changes_that_cannot_be_saved_stop_the_reset(at, course):
    open_chapter(at)
    edit(at, "mine = 1")
    before = chapter_file(course).read_bytes()
    at.route("**/api/contents/**", lambda route: route.fulfill(status=500, body="{}") if route.request.method == "PUT" else route.continue_())
    reset(at, "Reset")
    expect(at.get_by_role("dialog").last).to_be_visible()
    at.wait_for_timeout(1000)
    assert chapter_file(course).read_bytes() == before
    assert first_code(at) == "mine = 1"
    assert backups(course) == []


def test_a_reset_that_the_server_cannot_do_says_why_and_changes_nothing(at, course):
    open_chapter(at)
    Progress(course.learner).record("10_images.ipynb", ["a"])
    shutil.rmtree(course.learner / "originals")
    edit(at, "mine = 1")
    reset(at, "Reset")
    expect(at.get_by_role("dialog")).to_contain_text("It is not known how this chapter came")
    at.get_by_role("dialog").get_by_role("button").last.click()
    assert first_code(at) == "mine = 1"
    assert backups(course) == []


def test_search_finds_cells_and_terms_and_opens_them(at):
    panel(at).get_by_role("searchbox", name="Search in the course").fill("KERNEL")
    hits = panel(at).locator(".dlnb-hit")
    expect(hits).to_have_count(2)
    expect(hits.first).to_contain_text("Lab 10 Hands")
    expect(hits.first.locator("mark")).to_have_text("kernel")
    expect(hits.nth(1)).to_contain_text("10 Images, code")
    expect(panel(at).locator(".dlnb-term summary")).to_have_text("Kernel")
    hits.nth(1).click()
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget?.content?.activeCellIndex === 2")
    panel(at).get_by_role("searchbox").fill("zebra")
    expect(panel(at)).to_contain_text("Nothing found")
    panel(at).get_by_role("searchbox").press("Escape")
    expect(panel(at).locator(".dlnb-chapter").first).to_be_visible()


def test_the_glossary_says_what_a_term_means_and_leads_to_its_heading(at):
    panel(at).locator(".dlnb-glossary > summary").click()
    terms = panel(at).locator(".dlnb-term")
    expect(terms.locator("summary")).to_have_text(["Kernel", "Loss"])
    expect(panel(at).locator(".dlnb-glossary")).to_contain_text("2 terms")
    terms.first.locator("summary").click()
    expect(terms.first).to_contain_text("The nine weights of a window. <b>Not bold</b>")
    expect(terms.first.locator("em")).to_have_text("nine")
    expect(terms.first).to_contain_text("Also: filter")
    terms.first.get_by_role("button", name="Second steps").click()
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget?.content?.activeCellIndex === 3")
    expect(at.locator(".jp-NotebookPanel:visible h3")).to_be_in_viewport()
