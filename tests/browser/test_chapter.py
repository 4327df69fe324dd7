"""Chapter 10 as a learner takes it: open it, run all of it, hold the run, turn a knob, draw a digit."""

import pytest
from real_lab import box_of, expect, open_notebook, see_predictions, shut_down_kernel, wait_for_kernel

CHAPTER = "notebooks/10_image_classification.ipynb"

RUN_ALL = """() => {
    window.finished = null;
    window.jupyterapp.commands.execute('notebook:run-all-cells').then(
        () => { window.finished = 'all cells ran'; }, (error) => { window.finished = String(error); });
}"""

ERRORS = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
    return cells.flatMap((cell, i) => cell.cell_type !== 'code' ? [] : cell.outputs
        .filter((output) => output.output_type === 'error')
        .map((output) => `cell ${i}: ${output.ename}: ${output.evalue}`));
}"""


@pytest.fixture
def chapter(lab, page):
    open_notebook(page, lab, CHAPTER)
    yield page
    shut_down_kernel(page, lab)


def to_widget(page, selector: str) -> None:
    """Cells far away are not in the page until one scrolls there."""
    code = "dl.watch(run)" if "watch" in selector else "dl.pad(run)"
    page.evaluate(
        """(code) => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            const index = notebook.widgets.findIndex((cell) => cell.model.sharedModel.getSource().trimEnd().endsWith(code));
            return notebook.scrollToItem(index, 'start');
        }""",
        code,
    )
    page.wait_for_selector(selector)
    page.locator(selector).scroll_into_view_if_needed()


def test_the_chapter_runs_from_top_to_bottom_under_the_learners_hands(chapter):
    page = chapter
    page.evaluate(RUN_ALL)
    to_widget(page, ".dlnb-watch")
    step = page.locator(".dlnb-step")
    page.wait_for_function("() => Number(document.querySelector('.dlnb-step').textContent) >= 20")

    # The next cell waits for the run: the kernel is busy, and the click arrives all the same.
    page.click("[data-action=pause]")
    page.wait_for_selector(".dlnb-watch[data-state=paused]")
    held = int(step.inner_text())
    page.locator("[data-knob=lr] [type=range]").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".dlnb-log")).to_contain_text("lr ")
    page.click("[data-action=step]")
    page.wait_for_function(f"() => Number(document.querySelector('.dlnb-step').textContent) === {held + 1}")
    page.click("[data-action=resume]")
    page.wait_for_selector(".dlnb-watch[data-state=done]")
    expect(see_predictions(page)).to_contain_text("of 24 right")

    page.wait_for_function("() => window.finished !== null")
    assert page.evaluate("() => window.finished") == "all cells ran"
    assert page.evaluate(ERRORS) == []

    wait_for_kernel(page)
    to_widget(page, ".dlnb-pad")
    box = box_of(page.locator(".dlnb-board canvas"))
    page.mouse.move(box["x"] + 128, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 128, box["y"] + 226, steps=10)
    page.mouse.up()
    expect(page.locator(".dlnb-best .dlnb-class")).to_have_text("1")
