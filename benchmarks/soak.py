"""Half an hour under the dashboard: does the page, or the kernel, grow without end?

    python benchmarks/soak.py [--minutes 30] [--every 10]

A real JupyterLab, a real Chromium without a window, and a LeNet that trains under `dl.watch`, every panel open and the
curves smoothed. Each line is a look: the kernel's resident memory, with what the run keeps on purpose, and the page's
heap after a garbage collection, its DOM nodes and its event listeners. At the end: the growth from minute 1 on.

DLNB_CHROMIUM is the browser's path, if it is not `chromium`.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

from conftest import FLAGS  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from real_lab import open_notebook, run_cell, shut_down_kernel, started_lab, write_notebook  # noqa: E402
from soaking import MB, TRAIN, Sample, Soak, slope  # noqa: E402


def main() -> None:
    """Run it, print each look and the growth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks")
    arguments = parser.parse_args()
    chromium = os.environ.get("DLNB_CHROMIUM") or shutil.which("chromium")
    samples: list[Sample] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        started_lab(Path(folder), Path(folder)) as lab,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 1600})
        file = write_notebook(lab.root / "soak.ipynb", TRAIN)
        open_notebook(page, lab, file.name)
        run_cell(page, 0)
        page.wait_for_selector(".dlnb-watch", timeout=120_000)
        soak = Soak(page)
        while not samples or samples[-1].seconds < 60 * arguments.minutes:
            if samples:
                page.wait_for_timeout(1000 * arguments.every)
            samples.append(soak.look())
            print(samples[-1], flush=True)
        shut_down_kernel(page, lab)
        browser.close()
    report(samples)


def report(samples: list[Sample]) -> None:
    """The growth from minute 1 to the end."""
    later = [sample for sample in samples if sample.seconds >= min(60.0, samples[-1].seconds / 2)]
    first, last = later[0], later[-1]
    print(f"\nfrom {first.seconds:.0f} s to {last.seconds:.0f} s, {last.steps - first.steps:,} steps:")
    for name, of, unit, size in [
        ("kernel, resident", "resident", "MB", MB), ("  without history and snapshots", "unexplained", "MB", MB),
        ("page, heap after collection", "heap", "MB", MB), ("page, DOM nodes", "nodes", "", 1), ("page, listeners", "listeners", "", 1),
    ]:  # fmt: skip
        begin, end = getattr(first, of) / size, getattr(last, of) / size
        print(f"{name:34}{begin:10,.1f} → {end:10,.1f} {unit:2}  {slope(later, of) / size:+8.3f} {unit} a minute")


if __name__ == "__main__":
    main()
