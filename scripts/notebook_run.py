"""Runs one notebook as a test and measures what it costs, in one execution.

nbval runs the cells in a fresh kernel and compares every output with the one that was committed. Meanwhile the
kernel's life and memory are watched from outside, so neither the notebook nor nbval knows that they are measured.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
SANITIZE = ROOT / "tests" / "notebooks" / "sanitize.cfg"
CORES = 2  # what a chapter may count on; a bigger machine must not hide a slow one
BIRTH = 1.0  # seconds in which a new process runs its own program


@dataclass(frozen=True)
class Budget:
    """What a notebook may cost from the start of its kernel to the end of its last cell, on two cores."""

    seconds: float
    megabytes: float


CHAPTER = Budget(seconds=60, megabytes=1000)
LAB = Budget(seconds=180, megabytes=1500)


@dataclass(frozen=True)
class Outcome:
    """What came of one run. `report` is nbval's own account, to be read when `passed` is false."""

    passed: bool
    cells: int
    seconds: float
    megabytes: float
    report: str

    def over(self, budget: Budget) -> list[str]:
        """What went over the budget, each in words; empty if nothing did."""
        wrong = []
        if self.seconds > budget.seconds:
            wrong.append(f"took {self.seconds:.1f} s, and {budget.seconds:g} s are allowed on {CORES} cores")
        if self.megabytes > budget.megabytes:
            wrong.append(f"took {self.megabytes:.0f} MB of memory, and {budget.megabytes:g} MB are allowed")
        return wrong


def course() -> list[Path]:
    """All notebooks in reading order: the chapters, then the labs."""
    return sorted(NOTEBOOKS.glob("*.ipynb")) + sorted(NOTEBOOKS.glob("labs/*.ipynb"))


def is_lab(notebook: Path) -> bool:
    """Whether it is a project on a real data set, which is downloaded unless DLNB_DATA says where it is."""
    return notebook.parent.name == "labs"


def budget_of(notebook: Path) -> Budget:
    """The budget for this kind of notebook."""
    return LAB if is_lab(notebook) else CHAPTER


def title_of(notebook: Path) -> str:
    """The notebook's one H1."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            if line.startswith("# "):
                return line[2:].strip()
    raise ValueError(f"{notebook.name} has no title: its first cell should begin with a line `# Title`.")


def run_as_test(notebook: Path, budget: Budget) -> Outcome:
    """Run a notebook through nbval, strictly, on two cores; stop it at three times its budget."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [
            *(sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "--color=no", "--tb=short"),
            *("-p", "no:cacheprovider", f"--rootdir={notebook.parent}", f"--junitxml={report}"),
            *(f"--nbval-sanitize-with={SANITIZE}", f"--nbval-cell-timeout={2 * budget.seconds:g}", str(notebook)),
        ]
        with (Path(scratch) / "output.txt").open("w+") as output:
            surroundings = {**os.environ, "DLNB_HOME": scratch}  # the progress of who runs it stays as it is
            nbval = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=surroundings)
            _pin(nbval)
            seconds, megabytes, in_time = _watch(nbval, 3 * budget.seconds)
            output.seek(0)
            text = output.read()
        if not in_time:
            text += f"\nStopped after {3 * budget.seconds:g} s."
        cells = len(list(ElementTree.parse(report).iter("testcase"))) if report.is_file() else 0
        return Outcome(in_time and nbval.returncode == 0, cells, seconds, megabytes, text)


def _pin(process: psutil.Process) -> None:
    """Keep a process, and the kernel it will start, on two cores where the system can do that."""
    if hasattr(process, "cpu_affinity"):
        process.cpu_affinity(process.cpu_affinity()[:CORES])


def _watch(nbval: psutil.Popen, limit: float) -> tuple[float, float, bool]:
    """Seconds the kernel lived, its peak memory in MB, and whether nbval ended within `limit` seconds."""
    started = time.monotonic()
    kernel, born, seconds, peak = None, started, 0.0, 0
    while nbval.poll() is None:
        now = time.monotonic()
        if now - started > limit:
            for process in [*nbval.children(recursive=True), nbval]:
                process.kill()
            nbval.wait()
            return seconds, peak / 1e6, False
        if kernel is None:
            kernel, born = _kernel_of(nbval), now
        elif kernel.is_running() and kernel.status() != psutil.STATUS_ZOMBIE:
            seconds, peak = now - born, max(peak, _memory(kernel))
        time.sleep(0.05)
    return seconds, peak / 1e6, True


def _kernel_of(nbval: psutil.Process) -> psutil.Process | None:
    for child in nbval.children(recursive=True):
        try:
            if "ipykernel_launcher" in " ".join(child.cmdline()):
                return child
        except psutil.Error:
            continue  # it ended between the list and the question
    return None


def _memory(kernel: psutil.Process) -> int:
    """Bytes in memory: the kernel's own peak so far, or the kernel and its children now, whichever is more."""
    try:
        children = [child for child in kernel.children(recursive=True) if not _is_being_born(child, kernel)]
        family = sum(process.memory_info().rss for process in [kernel, *children])
    except psutil.Error:
        family = 0
    return max(family, _high_water(kernel.pid))


def _is_being_born(child: psutil.Process, kernel: psutil.Process) -> bool:
    """Whether it is a copy that is about to run another program: until then the memory of the kernel is told as its own too."""
    return time.time() - child.create_time() < BIRTH and child.cmdline() == kernel.cmdline()


def _high_water(pid: int) -> int:
    """Linux remembers a process's peak, which catches what comes and goes between two looks; 0 elsewhere."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0
