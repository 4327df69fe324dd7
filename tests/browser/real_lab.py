"""A real JupyterLab on a free port, and what a test does on its pages."""

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page, expect

T = TypeVar("T")

# A loaded machine with two cores is slow, and none of our claims is "within so many seconds": who waits this long waits in vain.
SLOW = 120_000  # milliseconds
expect.set_options(timeout=SLOW)

KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


@dataclass
class Lab:
    """A running JupyterLab: its files, its address, its token, and the folder where it keeps the learner's progress."""

    root: Path
    base: str
    token: str
    learner: Path
    log: Path

    def url(self, path: str = "lab", query: str = "") -> str:
        """The address of a page, such as `lab/tree/a.ipynb`, with the token."""
        return f"{self.base}/{path}?token={self.token}{query}"


@contextlib.contextmanager
def started_lab(folder: Path, root: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Lab]:
    """Start JupyterLab on `root`, with home, settings and progress of its own in `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, learner, log = secrets.token_hex(8), folder / "learner", folder / "lab.log"
    (folder / "home").mkdir(parents=True, exist_ok=True)
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True, exist_ok=True)
    quiet.write_text('{"fetchNews": "false"}')  # else a question about news lies over the page
    _without_nbgrader(folder / "config")
    surroundings = {
        **os.environ,
        "HOME": str(folder / "home"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "DLNB_HOME": str(learner),
        **(env or {}),
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *arguments,
    ]  # fmt: skip
    with log.open("w") as output:
        server = subprocess.Popen(command, env=surroundings, stdout=output, stderr=output)
        base = f"http://127.0.0.1:{port}"
        try:
            _wait_until_up(server, f"{base}/api/status?token={token}", log)
            yield Lab(root, base, token, learner, log)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _without_nbgrader(config: Path) -> None:
    """The tests' environment has nbgrader, a teacher's tool; learners' JupyterLab has no such menus and panels."""
    servers = ("assignment_list", "course_list", "formgrader", "validate_assignment")
    off = {"ServerApp": {"jpserver_extensions": {f"nbgrader.server_extensions.{name}": False for name in servers}}}
    (config / "labconfig").mkdir(parents=True, exist_ok=True)
    (config / "labconfig" / "page_config.json").write_text('{"disabledExtensions": {"@jupyter/nbgrader": true}}')
    (config / "jupyter_server_config.json").write_text(json.dumps(off))


def _wait_until_up(server: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + SLOW / 1000
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=2).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def write_notebook(file: Path, *cells: str) -> Path:
    """A notebook of these code cells."""
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(c) for c in cells], metadata={"kernelspec": KERNELSPEC}), file)
    return file


def open_page(page: Page, url: str) -> None:
    """Go to a page of JupyterLab and wait until it is restored."""
    page.goto(url)
    page.wait_for_function("window.jupyterapp !== undefined")
    page.evaluate("() => window.jupyterapp.restored")


def open_notebook(page: Page, lab: Lab, path: str) -> None:
    """Open a notebook and wait until its kernel is ready."""
    open_page(page, lab.url(f"lab/tree/{path}", "&reset"))
    page.wait_for_selector(".jp-NotebookPanel:visible .jp-Cell")
    wait_for_kernel(page)


def open_in_notebook_7(page: Page, lab: Lab, path: str) -> None:
    """Open a notebook in Notebook 7 and wait until its kernel is ready: what is run before that is forgotten."""
    page.goto(lab.url(f"notebooks/{path}"))
    page.wait_for_function("window.jupyterapp !== undefined")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    wait_for_kernel(page)


def wait_for_kernel(page: Page) -> None:
    """Wait until the notebook in front has an idle kernel."""
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )


def run_cell(page: Page, index: int) -> None:
    """Run one cell of the notebook in front; returns at once."""
    page.evaluate(
        """(i) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = i;
                    void window.jupyterapp.commands.execute('notebook:run-cell'); }""",
        index,
    )


def wait_until_run(page: Page, index: int) -> None:
    """Wait until one cell of the notebook in front has run, whether well or not.

    What is asked of a kernel before it has answered for a cell that raised is aborted: that is Jupyter's rule.
    """
    prompt = page.locator(".jp-NotebookPanel:visible .jp-Cell").nth(index).locator(".jp-InputPrompt")
    expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))


def run_all(page: Page, timeout: float = SLOW / 1000) -> None:
    """Run all cells of the notebook in front and wait until they have run (timeout: seconds)."""
    page.evaluate(
        """(limit) => Promise.race([
            window.jupyterapp.commands.execute('notebook:run-all-cells'),
            new Promise((_, fail) => setTimeout(() => fail(new Error(limit + ' s were not enough')), limit * 1000)),
        ]).then(() => null)""",
        timeout,
    )


def outputs(page: Page, index: int):
    """The output area of one cell of the notebook in front."""
    return page.locator(".jp-NotebookPanel:visible .jp-Cell").nth(index).locator(".jp-OutputArea")


def see_predictions(page: Page) -> Locator:
    """Bring the predictions of the first dashboard on the screen and wait until they are there; returns them.

    A panel that nobody sees is not kept up to date, and what is drawn above it may push it off the screen again.
    """
    page.wait_for_function(
        """() => {
            const panel = document.querySelector('.dlnb-panel-predictions');
            panel?.scrollIntoView({ block: 'nearest' });
            return Boolean(panel?.querySelector('.dlnb-gallery'));
        }""",
        polling=500,
    )
    return page.locator(".dlnb-gallery").first


def eventually(page: Page, get: Callable[[], T], holds: Callable[[T], bool], timeout: float = SLOW) -> T:
    """What `get` gives once it holds; the last it gave when the time (ms) is over."""
    deadline = time.monotonic() + timeout / 1000
    while not holds(found := get()) and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    return found


def at_rest(page: Page, get: Callable[[], T], quiet: float = 500) -> T:
    """What `get` gives once it has given the same for `quiet` milliseconds."""
    last, since = get(), time.monotonic()
    deadline = since + SLOW / 1000
    while time.monotonic() - since < quiet / 1000:
        assert time.monotonic() < deadline, f"it never came to rest: {last}"
        page.wait_for_timeout(50)
        if (now := get()) != last:
            last, since = now, time.monotonic()
    return last


def box_of(locator: Locator) -> dict[str, float]:
    """Where an element is on the screen, once the page around it moves no more."""
    locator.scroll_into_view_if_needed()
    box = at_rest(locator.page, locator.bounding_box)
    assert box is not None
    return dict(box)


def shut_down_kernel(page: Page, lab: Lab) -> None:
    """Have the kernel of the notebook in front end; returns before it has."""
    kernel = page.evaluate("() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.id")
    if kernel:
        threading.Thread(target=_end, args=(lab.url(f"api/kernels/{kernel}"),), daemon=True).start()


def _end(url: str) -> None:
    with contextlib.suppress(OSError):  # it has ended already, or the server has
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=60).close()


__all__ = [
    "KERNELSPEC", "SLOW", "Lab", "at_rest", "box_of", "eventually", "expect", "open_notebook", "open_page", "outputs", "run_all",
    "run_cell", "shut_down_kernel", "started_lab", "wait_for_kernel", "wait_until_run", "write_notebook",
]  # fmt: skip
