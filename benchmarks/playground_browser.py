"""The playground in a real browser: epochs and pictures a second, of the default network, a large one, and 64 seeds.

    python benchmarks/playground_browser.py [--seconds 5] [--rounds 3]

A real JupyterLab and a real Chromium without a window; everything is on the same machine. A picture counts once it has been
painted. What must be reached: 60 epochs a second with 20 pictures for the default network (2-4-2-1, 250 points, batches of 10),
20 pictures for seven inputs and six layers of eight, 500 steps a second of all 64 seeds together.

DLNB_CHROMIUM is the browser's path, if it is not `chromium`.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

from conftest import FLAGS  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402
from real_lab import open_notebook, run_cell, shut_down_kernel, started_lab, write_notebook  # noqa: E402

OPEN = "import dlnb as dl\ndl.playground({})"
LARGE = "layers=(8,) * 6, inputs=('x', 'y', 'x²', 'y²', 'xy', 'sin x', 'sin y')"
WAYS = {"default": ("", ""), "7-8×6-1": (LARGE, ""), "64 seeds": ("", "spread")}
# Marks are set when a picture is painted.
LOOK = """(seconds) => new Promise((done) => {
    const root = document.querySelector('.dlnb-playground');
    const read = () => ['epoch', 'steps', 'frames'].map((name) => Number(root.dataset[name]));
    const begin = performance.now(), first = read();
    setTimeout(() => {
        const passed = (performance.now() - begin) / 1000;
        done(read().map((value, k) => (value - first[k]) / passed));
    }, 1000 * seconds);
})"""


def main() -> None:
    """Measure, print, and leave with 1 if something was not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each look (5)")
    parser.add_argument("--rounds", type=int, default=3, help="looks at each (3)")
    arguments = parser.parse_args()
    chromium = os.environ.get("DLNB_CHROMIUM") or shutil.which("chromium")
    found: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        started_lab(Path(folder), Path(folder)) as lab,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        for number, (name, (settings, seen)) in enumerate(WAYS.items()):
            page = browser.new_page(viewport={"width": 1400, "height": 1200})
            page.set_default_timeout(60_000)
            open_notebook(page, lab, write_notebook(lab.root / f"{number}.ipynb", OPEN.format(settings)).name)
            found[name] = measured(page, seen, arguments.seconds, arguments.rounds)
            shut_down_kernel(page, lab)
            page.close()
        browser.close()
    print("| network | epochs a second | steps a second | pictures a second |\n|---|---:|---:|---:|")
    for name, (epochs, steps, frames) in found.items():
        print(f"| {name} | {epochs:,.0f} | {steps:,.0f} | {frames:.1f} |")
    reached = (
        found["default"][0] >= 60 and found["default"][2] >= 20
        and found["7-8×6-1"][2] >= 20 and found["64 seeds"][1] >= 500
    )  # fmt: skip
    sys.exit(not reached)


def measured(page: Page, seen: str, seconds: float, rounds: int) -> list[float]:
    """Epochs, steps and pictures a second, the median of some looks."""
    run_cell(page, 0)
    page.wait_for_selector(".dlnb-playground[data-frames]", timeout=120_000)
    page.locator(".dlnb-playground").scroll_into_view_if_needed()
    if seen:
        page.select_option("[data-setting=seen]", seen)
        page.wait_for_selector(".dlnb-seeds")
    page.click("[data-action=play]")
    page.wait_for_timeout(1500)
    looks = [page.evaluate(LOOK, seconds) for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*looks, strict=True)]


if __name__ == "__main__":
    main()
