"""Live runs on the course panel, in a real JupyterLab with a real training; and the panel by keyboard alone."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page, expect
from real_lab import KERNELSPEC, eventually, open_page, run_cell, started_lab, wait_for_kernel, wait_until_run

TRAIN = "import dlnb as dl\nrun = dl.fit(dl.vision.LeNet(), dl.vision.digits(), epochs=100_000)"
GLOSSARY = "# Glossary\n\n## Kernel\n\nNine weights.\n\nTaught in [Windows](10_images.ipynb#Windows).\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    notebooks = folder / "root" / "notebooks"
    notebooks.mkdir(parents=True)
    cells = [new_markdown_cell("# 10 · Images"), new_code_cell(TRAIN), new_code_cell("while True:\n    sum(range(1000))")]
    cells += [new_markdown_cell("## Windows\n\nA kernel.\n\n**10.1 · Move it.**"), new_code_cell('dl.check("10.1", 1)')]
    about = {"dlnb": {"chapter": "10", "minutes": 45}, "kernelspec": KERNELSPEC}
    nbformat.write(new_notebook(cells=cells, metadata=about), notebooks / "10_images.ipynb")
    (notebooks / "glossary.md").write_text(GLOSSARY)
    with started_lab(folder, folder / "root") as running:
        yield running


@pytest.fixture
def at(course, page):
    open_page(page, course.url("lab", "&reset"))
    expect(panel(page).locator(".dlnb-chapter")).to_be_visible()
    yield page
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")


def panel(page: Page):
    return page.locator("#dlnb-course-panel")


def start(page: Page) -> None:
    """A run in the background, and a cell that never ends."""
    panel(page).locator(".dlnb-chapter").click()
    expect(page.locator(".jp-NotebookPanel:visible h1")).to_contain_text("Images")
    wait_for_kernel(page)
    run_cell(page, 1)
    wait_until_run(page, 1)
    run_cell(page, 2)


def step(page: Page) -> int:
    text = panel(page).locator(".dlnb-run .dlnb-meta").first.inner_text()
    return int(re.search(r"step ([\d,]+)", text)[1].replace(",", ""))


def test_a_run_is_seen_paused_resumed_and_stopped_while_its_cell_is_busy(at):
    start(at)
    running = panel(at).get_by_role("region", name="Running")
    runs = running.get_by_role("list", name="Runs of 10_images.ipynb").get_by_role("listitem")
    expect(runs).to_contain_text(re.compile(r"LeNet on digits\s*Running, step [\d,]+ of [\d,]+, loss \d"))
    expect(running.get_by_role("meter", name="Memory in use")).to_have_attribute("aria-valuetext", re.compile(r"[\d.]+ of [\d.]+ GB"))
    expect(running.get_by_role("button", name="10_images.ipynb")).to_contain_text(re.compile(r"\d+ MB|GB"))
    before = step(at)
    assert eventually(at, lambda: step(at), lambda now: now > before) > before
    indicator = at.locator(".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator")
    assert indicator.get_attribute("data-status") == "busy"  # asking has not made a busy kernel look idle
    running.get_by_role("button", name="Pause LeNet on digits").click()
    expect(runs).to_contain_text("Paused, step")
    expect(panel(at).get_by_role("status").filter(has_text="LeNet on digits: paused.")).to_have_count(1)
    at_pause = step(at)
    at.wait_for_timeout(2500)
    assert step(at) == at_pause
    running.get_by_role("button", name="Resume LeNet on digits").click()
    expect(runs).to_contain_text("Running, step")
    running.get_by_role("button", name="Stop LeNet on digits").click()
    expect(runs).to_have_count(0)


def test_the_panel_goes_on_while_a_kernel_is_killed(at):
    start(at)
    expect(panel(at).locator(".dlnb-run")).to_have_count(1)
    at.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    expect(panel(at).locator(".dlnb-running")).to_have_count(0)
    expect(panel(at).locator(".dlnb-notice")).to_have_count(0)
    expect(panel(at).locator(".dlnb-chapter")).to_be_visible()


# By keyboard alone.


def focused(page: Page) -> str:
    """The name of what has the focus, as a screen reader says it."""
    return page.evaluate(
        """() => {
            const node = document.activeElement;
            return (node?.getAttribute('aria-label') ?? node?.textContent ?? '').replace(/\\s+/g, ' ').trim();
        }"""
    )


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press Tab until something of this name has the focus, and see that its focus is visible."""
    passed = []
    for _ in range(40):
        if name in focused(page):
            outline = page.evaluate("() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]; }")
            assert outline[0] != "none" and outline[1] >= 1, f"{name}: the focus cannot be seen"
            return
        passed.append(focused(page))
        page.keyboard.press(key)
    pytest.fail(f"{name!r} was not reached; passed {passed}")


def to_search(page: Page) -> None:
    """The command that puts the keyboard into the panel's search field."""
    page.evaluate("() => window.jupyterapp.commands.execute('dlnb:search-course')")
    expect(panel(page).get_by_role("searchbox")).to_be_focused()


def test_everything_on_the_panel_is_done_by_keyboard_alone(at):
    start(at)
    expect(panel(at).locator(".dlnb-run")).to_have_count(1)
    to_search(at)
    at.keyboard.type("kernel")  # search, and open what was found
    expect(panel(at).locator(".dlnb-hit")).to_have_count(1)
    tab_to(at, "Kernel")
    at.keyboard.press("Enter")
    expect(panel(at).locator(".dlnb-term")).to_contain_text("Nine weights")
    tab_to(at, "Windows 10 Images")  # the link of the term
    tab_to(at, "A kernel")  # the cell
    at.keyboard.press("Enter")
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 3")
    to_search(at)
    at.keyboard.press("Escape")
    expect(panel(at).get_by_role("searchbox")).to_have_value("")

    tab_to(at, "Continue where you left off")  # the run
    tab_to(at, "10_images.ipynb")
    tab_to(at, "Pause LeNet on digits")
    at.keyboard.press("Space")
    expect(panel(at).locator(".dlnb-run")).to_contain_text("Paused")
    tab_to(at, "Stop LeNet on digits")
    at.keyboard.press("Enter")
    expect(panel(at).locator(".dlnb-run")).to_have_count(0)

    to_search(at)
    tab_to(at, "Exercises: 0 of 1 solved")  # the exercises, and the way back
    at.keyboard.press("Enter")
    tab_to(at, "Exercise 10.1 Move it")
    at.keyboard.press("Enter")
    at.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 4")
    to_search(at)
    tab_to(at, "Reset to how it came")
    at.keyboard.press("Enter")
    expect(at.get_by_role("dialog")).to_contain_text("Reset this chapter?")
    at.keyboard.press("Escape")
    expect(at.get_by_role("dialog")).to_have_count(0)

    to_search(at)
    tab_to(at, "Glossary")  # the glossary, and back out by Shift+Tab
    at.keyboard.press("Enter")
    expect(panel(at).locator(".dlnb-glossary .dlnb-term")).to_have_count(1)
    tab_to(at, "Kernel")
    tab_to(at, "Read the chapters again", key="Shift+Tab")
