"""Runs every test of dlnb, each part as its own process, and ends with one line for all of them.

Parts are processes of their own because Playwright's event loop and the one of the server tests do not
share one, and because a part that crashes or hangs must not take the others' results with it.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chromium import NoChromium, chromium

# Two processes that share the tests, and take each other's when their own are done; more would not fit in the memory of a small machine.
SIDE_BY_SIDE = ("--numprocesses=2", "--dist=worksteal")
# The tests of a browser wait more than they compute. Each process has a JupyterLab of its own; a file's tests share a page.
FILE_BY_FILE = ("--numprocesses=2", "--dist=loadfile")

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "tests" / "results"


@dataclass(frozen=True)
class Part:
    """One process of the test run. `counted` parts write a JUnit file; the others are one check each."""

    name: str
    command: list[str]
    minutes: float
    folder: Path = ROOT
    counted: bool = False
    prepare: Callable[[], dict[str, str]] = dict


@dataclass(frozen=True)
class Result:
    """How a part ended: counts of tests, seconds, and a word on what is not in the counts."""

    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    remark: str = ""


def parts() -> list[Part]:
    """All parts, the quick ones first. What comes with `.venv` is called by module, so PATH does not matter."""
    python = [sys.executable, "-m"]
    npm, widgets = shutil.which("npm") or "npm", ROOT / "widgets"
    vitest_report = f"--outputFile.junit={RESULTS / 'front.xml'}"
    vitest = [npm, "test", "--", "--reporter=default", "--reporter=junit", vitest_report]
    return [
        Part("lint", [*python, "ruff", "check", "--quiet", "."], 2),
        Part("types", [*python, "mypy", "--no-error-summary"], 5),
        Part("typescript", [npm, "run", "--silent", "typecheck"], 5, widgets, prepare=node_modules),
        Part("front", vitest, 5, widgets, counted=True, prepare=node_modules),
        pytest("unit", 20, "--doctest-modules", "dlnb", "tests/unit", prepare=side_by_side, options=SIDE_BY_SIDE),
        pytest("engine", 35, "tests/engine", prepare=side_by_side, options=SIDE_BY_SIDE),
        pytest("server", 10, "tests/server"),
        pytest("notebooks", 40, "tests/notebooks", "--ignore=tests/notebooks/test_release.py"),  # times are measured: one after the other
        pytest("release", 30, "tests/notebooks/test_release.py", prepare=side_by_side, options=SIDE_BY_SIDE),
        pytest("browser", 40, "tests/browser", prepare=browser, options=FILE_BY_FILE),
    ]


def pytest(
    name: str, minutes: float, *arguments: str, prepare: Callable[[], dict[str, str]] = dict, options: tuple[str, ...] = ()
) -> Part:
    """A part that is one call of pytest."""
    report = f"--junitxml={RESULTS / name}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "--durations=5", "--durations-min=10", *options, report, *arguments]
    return Part(name, command, minutes, counted=True, prepare=prepare)


def side_by_side() -> dict[str, str]:
    """One thread of PyTorch for each of the processes, which would else get in each other's way."""
    return {"OMP_NUM_THREADS": "1"}


def browser() -> dict[str, str]:
    """Tells the browser tests which Chromium to drive."""
    return {"DLNB_CHROMIUM": chromium()}


def node_modules() -> dict[str, str]:
    """Fetches the front end's packages if the installation did not have to build it."""
    widgets = ROOT / "widgets"
    if shutil.which("npm") is None:
        raise RuntimeError("npm is not on PATH. Call `make test`, which brings its own, or install Node.js.")
    installed, lock = widgets / "node_modules" / ".package-lock.json", widgets / "package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=widgets, check=True)
    return {}


def run(part: Part) -> Result:
    """Run a part to its end, its output going straight to the screen."""
    print(f"\n== {part.name}", flush=True)
    started = time.monotonic()
    report = RESULTS / f"{part.name}.xml"
    report.unlink(missing_ok=True)
    try:
        environment = {**os.environ, **part.prepare()}
    except (NoChromium, RuntimeError, subprocess.CalledProcessError) as error:
        print(error, flush=True)
        return Result(part.name, 0, 1, 0, time.monotonic() - started, "could not start")
    status = _status(part, environment)
    passed, failed, skipped = counts(report) if part.counted else (int(status == 0), int(status != 0), 0)
    remark = ""
    if status is None:
        failed, remark = failed + 1, f"stopped after {part.minutes:g} minutes"
    elif status != 0 and failed == 0:
        failed, remark = 1, f"ended with status {status}"
    elif passed + failed + skipped == 0:
        failed, remark = 1, "ran no test"
    return Result(part.name, passed, failed, skipped, time.monotonic() - started, remark)


def _status(part: Part, environment: dict[str, str]) -> int | None:
    """The exit status of a part's process; None if its time was over."""
    # A group of its own, so that the kernels, servers and browsers that a test left behind end with it.
    process = subprocess.Popen(
        part.command, cwd=part.folder, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait(part.minutes * 60)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started that is still there."""
    for way in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, way)
            process.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        time.sleep(0.2)


def counts(report: Path) -> tuple[int, int, int]:
    """Tests passed, failed and skipped, from a JUnit file; zeros if there is none."""
    if not report.is_file():
        return 0, 0, 0
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed, skipped


def summary(results: list[Result]) -> str:
    """A table, a line a part, and under it the line for all of them."""
    lines = [f"{'part':<12}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}"]
    for result in results:
        lines.append(
            f"{result.name:<12}{result.passed:>8}{result.failed:>8}{result.skipped:>9}{result.seconds:>9.0f}"
            + (f"  {result.remark}" if result.remark else "")
        )
    passed, failed, skipped = (sum(getattr(r, what) for r in results) for what in ("passed", "failed", "skipped"))
    lines += ["", f"{passed} passed, {failed} failed, {skipped} skipped"]
    return "\n".join(lines)


def main() -> int:
    """Run the chosen parts. Returns 0 only if every one of them passed."""
    names = [part.name for part in parts()]
    parser = argparse.ArgumentParser(description="Run every test of dlnb, each part as its own process.")
    parser.add_argument("--only", default="", help=f"comma-separated parts: {', '.join(names)}")
    only = [name for name in parser.parse_args().only.split(",") if name]
    unknown = sorted(set(only) - set(names))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}. The parts are {', '.join(names)}.")
    RESULTS.mkdir(parents=True, exist_ok=True)
    results = [run(part) for part in parts() if not only or part.name in only]
    print(f"\n{summary(results)}", flush=True)
    return int(any(result.failed for result in results))


if __name__ == "__main__":
    sys.exit(main())
