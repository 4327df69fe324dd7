"""The course panel in a real JupyterLab: what it lists, opens and follows, by mouse and by keyboard."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page, expect
from real_lab import KERNELSPEC, Lab, open_page, run_all, run_cell, started_lab, wait_for_kernel, wait_until_run

HTML = "Boxes <img src=x onerror=alert(1)> <b>& more</b>"


def chapter(file: Path, title: str, *cells) -> None:
    """A chapter that needs no PyTorch, with the outputs of its author, as the course is committed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    written = [new_code_cell(cell, execution_count=1) if isinstance(cell, str) else cell for cell in cells]
    about = {"chapter": file.name[:2], "minutes": 45}
    nbformat.write(
        new_notebook(
            cells=[new_markdown_cell(f"# {title}"), *written], metadata={"dlnb": about, "kernelspec": KERNELSPEC}
        ),
        file,
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A JupyterLab with a small course of its own."""
    folder = tmp_path_factory.mktemp("panel")
    course = folder / "root" / "notebooks"
    chapter(course / "10_images.ipynb", "10 · Images", "a = 1", "print(a)", "print(a + 1)")
    chapter(course / "labs" / "10_mnist.ipynb", "Lab 10 · Real handwriting", "1")
    chapter(course / "11_boxes.ipynb", f"11 · {HTML}", "1")
    expected = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    chapter(course / "12_errors.ipynb", "12 · Errors", expected, "wrong")
    chapter(course / "13_again.ipynb", "13 · Again", "1")
    (course / "14_broken.ipynb").write_text("{")
    with started_lab(folder, folder / "root") as running:
        yield running


@pytest.fixture
def at_course(small, page):
    """JupyterLab, just opened on the small course."""
    open_page(page, small.url("lab", "&reset"))
    expect(entry(page, "10 Images")).to_be_visible()
    yield page
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")  # the kernels of this test


def entry(page: Page, name: str):
    """The entry of one chapter in the list."""
    return page.locator("#dlnb-course-panel .dlnb-chapter").filter(has_text=name)


def opened(page: Page, title: str) -> None:
    """Wait until the chapter with this heading is in front."""
    expect(page.locator(".jp-NotebookPanel:visible h1")).to_contain_text(title)


def progress(lab: Lab, page: Page) -> dict[str, dict]:
    """What the server says of each chapter."""
    answer = page.request.get(f"{lab.base}/dlnb/chapters", headers={"Authorization": f"token {lab.token}"})
    return {Path(item["path"]).name: item for item in answer.json()}


def test_the_panel_is_in_front_and_lists_chapters_with_minutes_and_state(at_course):
    panel = at_course.get_by_role("region", name="Deep learning course")
    expect(panel).to_be_visible()
    expect(entry(at_course, "11 Boxes")).to_contain_text("45 min")
    expect(entry(at_course, "11 Boxes").locator(".dlnb-state")).to_have_text("New")
    labs = panel.get_by_role("list", name="Labs of chapter 10")
    expect(labs.get_by_role("button")).to_have_count(1)
    expect(labs).to_contain_text("Lab Real handwriting")


def test_a_title_with_html_in_it_is_shown_as_text(at_course):
    at_course.on("dialog", lambda dialog: pytest.fail("the title ran as HTML"))
    expect(entry(at_course, "11").locator(".dlnb-title")).to_have_text(f"11 {HTML}")
    assert at_course.locator("#dlnb-course-panel :is(img, b)").count() == 0


def test_a_notebook_that_cannot_be_read_is_shown_with_the_reason(at_course):
    broken = at_course.locator("#dlnb-course-panel .dlnb-broken")
    expect(broken).to_contain_text("14 Broken")
    expect(broken).to_contain_text("not valid JSON")


def test_a_click_opens_the_chapter_and_marks_it_as_current(at_course):
    entry(at_course, "10 Images").click()
    opened(at_course, "Images")
    expect(entry(at_course, "10 Images")).to_have_attribute("aria-current", "page")
    expect(at_course.locator("[aria-current]").filter(has_text="Images")).to_have_count(1)
    entry(at_course, "Real handwriting").click()
    opened(at_course, "Real handwriting")
    expect(entry(at_course, "Real handwriting")).to_have_attribute("aria-current", "page")
    expect(entry(at_course, "10 Images")).not_to_have_attribute("aria-current", "page")


def test_the_keyboard_alone_opens_a_chapter(at_course):
    at_course.evaluate("() => window.jupyterapp.commands.execute('dlnb:show-course')")
    expect(at_course.locator(".dlnb-continue")).to_be_focused()
    for _ in range(60):  # past the kernels that tests before it have left, with their buttons
        at_course.keyboard.press("Tab")
        if entry(at_course, "10 Images").evaluate("(node) => node === document.activeElement"):
            break
    expect(entry(at_course, "10 Images")).to_be_focused()
    at_course.keyboard.press("End")
    expect(entry(at_course, "13 Again")).to_be_focused()
    at_course.keyboard.press("Home")
    at_course.keyboard.press("ArrowDown")
    expect(entry(at_course, "Real handwriting")).to_be_focused()
    at_course.keyboard.press("Enter")
    opened(at_course, "Real handwriting")


def test_cells_that_run_turn_a_chapter_from_new_to_started_to_done(at_course, small):
    """The committed counts and outputs are the author's: only what this learner runs counts."""
    page, images = at_course, entry(at_course, "10 Images").locator(".dlnb-state")
    entry(page, "10 Images").click()
    opened(page, "Images")
    wait_for_kernel(page)
    expect(images).to_have_text("New")
    run_cell(page, 1)
    expect(images).to_have_text("Started, 1 of 3 cells run")
    expect(page.locator(".dlnb-continue")).to_contain_text("Continue where you left off")
    expect(page.locator(".dlnb-continue")).to_contain_text("10 Images")
    run_all(page)
    expect(images).to_have_text("Done")
    expect(page.locator("#dlnb-course-panel").get_by_role("status").filter(has_text="10 Images: done.")).to_have_count(1)
    expect(page.locator(".dlnb-continue")).to_contain_text("Go on with")
    assert progress(small, page)["10_images.ipynb"]["state"] == "done"
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    open_page(page, small.url("lab", "&reset"))
    expect(images).to_have_text("Done")


def test_a_cell_counts_only_if_it_succeeded_or_was_meant_to_fail(at_course, small):
    page = at_course
    entry(page, "12 Errors").click()
    opened(page, "Errors")
    wait_for_kernel(page)
    run_cell(page, 2)
    expect(page.locator(".jp-NotebookPanel:visible")).to_contain_text("NameError")
    wait_until_run(page, 2)
    run_cell(page, 1)
    expect(entry(page, "12 Errors").locator(".dlnb-state")).to_have_text("Started, 1 of 2 cells run")


def test_continue_goes_to_the_first_cell_that_has_not_run(at_course, small):
    page = at_course
    entry(page, "12 Errors").click()
    opened(page, "Errors")
    wait_for_kernel(page)
    run_cell(page, 1)
    expect(page.locator(".dlnb-continue")).to_contain_text("12 Errors")
    entry(page, "13 Again").click()
    opened(page, "Again")
    page.locator(".dlnb-continue").click()
    opened(page, "Errors")
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 2")


def test_progress_is_kept_while_the_server_does_not_answer(at_course, small):
    page, state = at_course, entry(at_course, "Real handwriting").locator(".dlnb-state")
    entry(page, "Real handwriting").click()
    opened(page, "Real handwriting")
    wait_for_kernel(page)
    page.route("**/dlnb/chapters/progress*", lambda route: route.fulfill(status=503, body='{"message": "disk full"}'))
    run_cell(page, 1)
    expect(page.locator(".dlnb-notice")).to_contain_text("not saved yet: disk full")
    page.unroute("**/dlnb/chapters/progress*")
    expect(state).to_have_text("Done")
    expect(page.locator(".dlnb-notice")).to_have_count(0)


def test_launcher_tile_menu_entry_and_palette_open_the_panel(at_course):
    page, panel = at_course, at_course.locator("#dlnb-course-panel")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    expect(panel).to_be_hidden()
    page.locator(".jp-LauncherCard[data-category='Deep learning course']").click()
    expect(panel).to_be_visible()
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    expect(panel).to_be_hidden()
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.get_by_role("menuitem", name="Course Panel").click()
    expect(panel).to_be_visible()
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input:visible").fill("Open a Chapter: 11")
    found = page.locator(".lm-CommandPalette-item:visible").filter(has_text="Open a Chapter: 11 Boxes")
    expect(found).to_have_count(1)
    page.keyboard.press("Enter")
    opened(page, "Boxes")


def test_a_closed_panel_stays_closed_when_the_page_is_reloaded(at_course, small):
    page = at_course
    saved = '"current":"filebrowser"'  # what was saved before, as the page opened, may be under way
    with page.expect_response(lambda answer: "api/workspaces" in answer.url and saved in (answer.request.post_data or "")):
        page.evaluate("() => window.jupyterapp.commands.execute('filebrowser:activate')")
        expect(page.locator("#dlnb-course-panel")).to_be_hidden()
    open_page(page, small.url("lab"))
    page.wait_for_timeout(1000)
    expect(page.locator("#dlnb-course-panel")).to_be_hidden()


def test_nothing_is_cut_off_at_200_pixels(at_course):
    panel = at_course.locator("#dlnb-course-panel")
    panel.evaluate("(node) => { node.style.setProperty('width', '200px', 'important'); node.style.minWidth = '0'; }")
    widths = panel.evaluate(
        """(node) => [node, ...node.querySelectorAll('*:not(.dlnb-said)')].map((part) => part.scrollWidth)"""
    )
    assert max(widths) <= 200


def test_every_control_has_a_name_and_the_theme_colours(at_course):
    page, panel = at_course, at_course.locator("#dlnb-course-panel")
    for button in panel.get_by_role("button").all():
        assert button.evaluate("(node) => (node.getAttribute('aria-label') ?? node.innerText).trim()")
    expect(panel).to_have_css("background-color", "rgb(255, 255, 255)")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    expect(panel).to_have_css("background-color", re.compile(r"rgb\((\d|[1-5]\d), "))
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    expect(panel).to_have_css("background-color", "rgb(255, 255, 255)")


def test_a_folder_without_a_course_says_what_to_do(page, tmp_path):
    (tmp_path / "root").mkdir()
    with started_lab(tmp_path, tmp_path / "root") as lab:
        open_page(page, lab.url("lab"))
        page.evaluate("() => window.jupyterapp.commands.execute('dlnb:show-course')")
        expect(page.locator("#dlnb-course-panel")).to_contain_text("No chapters were found in")
        expect(page.locator("#dlnb-course-panel")).to_contain_text("dlnb lab")
        chapter(lab.root / "10_images.ipynb", "10 · Images", "1")
        page.get_by_role("button", name="Read the chapters again").click()
        expect(entry(page, "10 Images")).to_be_visible()


def test_a_missing_server_extension_says_what_to_do(page, small):
    page.route(re.compile(r"/dlnb/chapters"), lambda route: route.fulfill(status=404, body="<html>404</html>"))
    open_page(page, small.url("lab", "&reset"))
    page.evaluate("() => window.jupyterapp.commands.execute('dlnb:show-course')")
    expect(page.locator("#dlnb-course-panel")).to_contain_text("jupyter server extension enable dlnb.server")


@pytest.mark.parametrize("path", ["tree", "notebooks/notebooks/10_images.ipynb"])
def test_notebook_7_has_the_panel_and_no_errors_of_ours(page, small, path):
    pytest.importorskip("notebook", reason="Notebook 7 is not installed")
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(f"{error} {error.stack}"))
    open_page(page, small.url(path))
    for _ in range(2):  # the second time it is open already, and must stay so
        page.evaluate("() => window.jupyterapp.commands.execute('dlnb:show-course')")
        expect(entry(page, "10 Images")).to_be_visible()
    if path != "tree":
        expect(entry(page, "10 Images")).to_have_attribute("aria-current", "page")
    with page.context.expect_page() as other:
        entry(page, "11 Boxes").click()
    other.value.wait_for_url(re.compile("11_boxes"))
    page.wait_for_timeout(500)
    assert [error for error in errors if "dlnb" in error] == []


def test_the_real_course_is_listed(page, lab):
    open_page(page, lab.url("lab", "&reset"))
    expect(page.locator(".dlnb-chapter").first).to_be_visible()
    notebooks = (lab.root / "notebooks").rglob("[0-9][0-9]_*.ipynb")
    shipped = sorted(file for file in notebooks if ".ipynb_checkpoints" not in file.parts)
    expect(page.locator(".dlnb-chapter")).to_have_count(len(shipped))
    for file in shipped:
        about = json.loads(file.read_text())["metadata"]["dlnb"]
        expect(page.locator(".dlnb-minutes").filter(has_text=f"{about['minutes']} min").first).to_be_visible()
