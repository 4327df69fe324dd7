"""A real JupyterLab with the course, a real Chromium, and notebooks made for one test."""

import os
import secrets
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from real_lab import SLOW, open_notebook, shut_down_kernel, started_lab, write_notebook

COURSE = Path(__file__).parents[2] / "notebooks"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab whose root holds a copy of the course in `notebooks`."""
    folder = tmp_path_factory.mktemp("lab")
    root = folder / "root"
    root.mkdir()
    if COURSE.is_dir():
        shutil.copytree(COURSE, root / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with started_lab(folder, root) as running:
        yield running


@pytest.fixture(scope="session")
def browser():
    """Chromium: the one of DLNB_CHROMIUM, the one on PATH, or Playwright's own."""
    path = os.environ.get("DLNB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        try:
            chromium = driver.chromium.launch(executable_path=path, args=FLAGS)
        except Exception as error:
            pytest.fail(f"No Chromium could be started ({error}). Install one, or set DLNB_CHROMIUM to its path.")
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """An empty page of its own browser profile."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(SLOW)
    yield page
    context.close()


@pytest.fixture
def notebook(lab, page):
    """`notebook("cell", "cell", …)` opens a notebook of these code cells, with a kernel, and returns its page."""

    def opened(*cells: str):
        file = write_notebook(lab.root / f"{secrets.token_hex(4)}.ipynb", *cells)
        open_notebook(page, lab, file.name)
        return page

    yield opened
    shut_down_kernel(page, lab)
