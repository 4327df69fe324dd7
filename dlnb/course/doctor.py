"""`dlnb doctor`: whether all that the course needs is there, and what to do where it is not.

Each look gives findings in words, each that is not fine with a remedy. A look that fails is a finding itself: the doctor always
comes to the end. PyTorch is asked in a process of its own, so that a broken one cannot take the doctor along.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from ..data import store
from .memory import memory as in_use
from .progress import Progress, ProgressUnavailable, home

FINE, NOTE, WRONG = "fine", "note", "wrong"
PYTHONS = ((3, 11), (3, 13))  # the first and the last that are tested
PACKAGES = ("torch", "jupyterlab", "ipykernel", "ipywidgets", "anywidget", "jupyter_server", "numpy", "matplotlib")
EXTENSIONS = {"dlnb": "the course panel", "@jupyter-widgets/jupyterlab-manager": "widgets", "anywidget": "dlnb's widgets"}
INSTALL = "Install dlnb again, in its folder: pip install --constraint constraints.txt ."
NEEDED_MEMORY, NEEDED_DISK = 2 << 30, 1 << 30  # bytes that a chapter and the notebook server take together; for data and snapshots
PATIENCE = 180  # seconds for PyTorch to be imported on a slow disk
ASK_TORCH = """
import json, torch
gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
print(json.dumps({"version": torch.__version__, "gpu": gpu, "threads": torch.get_num_threads()}))
"""


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is (`FINE`, `NOTE` or `WRONG`), in words, and what to do where it is not fine."""

    what: str
    state: str
    words: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """All findings, one after the other."""
    for look in (python, packages, extensions, server, kernel, torch, memory, disk, progress, data):
        try:
            yield from look()
        except Exception as error:  # a look that fails must not hide the others
            yield Finding(look.__name__, WRONG, f"could not be looked at: {type(error).__name__}: {error}", INSTALL)


def report(findings: Iterator[Finding], say: Callable[[str], object] = print) -> int:
    """Say each finding as soon as it is there. Returns how many are wrong."""
    wrong = 0
    for finding in findings:
        mark = {FINE: "ok", NOTE: "--", WRONG: "!!"}[finding.state]
        say(f"{mark}  {finding.what}: {finding.words}")
        if finding.remedy:
            say(f"      {finding.remedy}")
        wrong += finding.state == WRONG
    say("All is well." if not wrong else f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong: marked !!, each with what to do.")
    return wrong


def python() -> Iterator[Finding]:
    """The Python that runs this."""
    here = sys.version_info[:2]
    words = f"{'.'.join(map(str, sys.version_info[:3]))} in {sys.prefix}"
    if PYTHONS[0] <= here <= PYTHONS[1]:
        yield Finding("Python", FINE, words)
    else:
        yield Finding("Python", WRONG, words, "The course needs Python 3.11, 3.12 or 3.13. Install one, remove .venv and call make lab.")


def packages() -> Iterator[Finding]:
    """What is installed."""
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield Finding("packages", WRONG, f"missing: {', '.join(missing)}", INSTALL) if missing else Finding("packages", FINE, ", ".join(found))


def extensions() -> Iterator[Finding]:
    """The parts that JupyterLab loads into the browser."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_federated_extensions, get_page_config

    places = jupyter_path("labextensions")
    there, disabled = get_federated_extensions(places), get_page_config(places).get("disabledExtensions", [])
    for name, words in EXTENSIONS.items():
        if name not in there:
            yield Finding(f"extension {name}", WRONG, f"not installed, so JupyterLab has no {words.removeprefix('the ')}", INSTALL)
        elif any(entry.split(":")[0] == name for entry in disabled):
            yield Finding(f"extension {name}", WRONG, f"disabled, so JupyterLab does not show {words}", f"Enable it: jupyter labextension enable {name}")
        else:
            yield Finding(f"extension {name}", FINE, f"enabled ({words})")


def server() -> Iterator[Finding]:
    """The part that runs inside the Jupyter server."""
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    known = ExtensionConfigManager(read_config_path=jupyter_config_path()).get_jpserver_extensions()
    if known.get("dlnb.server"):
        yield Finding("server extension", FINE, "enabled")
    else:
        state, remedy = ("disabled", "Enable it: jupyter server extension enable dlnb.server") if "dlnb.server" in known else ("not installed", INSTALL)
        yield Finding("server extension", WRONG, f"{state}, so the course panel finds no course", remedy)


def kernel() -> Iterator[Finding]:
    """The Python that notebooks run in: it must be one that has dlnb."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        yield Finding("kernel", WRONG, "there is no Python kernel", INSTALL)
        return
    found = shutil.which(command) or command
    if command == "python" or Path(found).resolve() == Path(sys.executable).resolve():  # JupyterLab puts its own in place of "python"
        yield Finding("kernel", FINE, "notebooks run in this Python")
    else:
        yield Finding("kernel", NOTE, f"notebooks run in another Python, {found}", f"If a notebook finds no dlnb: {sys.executable} -m ipykernel install --user")


def torch() -> Iterator[Finding]:
    """PyTorch, asked in a process of its own: its version, a GPU, threads."""
    command = [sys.executable, "-c", ASK_TORCH]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        yield Finding("PyTorch", WRONG, f"was not there after {PATIENCE} seconds", "Try again; if it stays so, the disk is slow or PyTorch is damaged. " + INSTALL)
        return
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1]
        yield Finding("PyTorch", WRONG, f"cannot be used: {last}", INSTALL)
        return
    yield Finding("PyTorch", FINE, f"{said['version']}, {said['threads']} thread{'s' * (said['threads'] != 1)} of {os.cpu_count()} cores")
    if said["gpu"]:
        yield Finding("GPU", FINE, said["gpu"])
    else:
        yield Finding("GPU", NOTE, "none that PyTorch can use; the course needs none")


def memory() -> Iterator[Finding]:
    """What is free, within the limit of a container where there is one."""
    found = in_use()
    free = max(0, min(found.limit - found.used, psutil.virtual_memory().available))
    words = f"{free / 2**30:.1f} GB free of {found.limit / 2**30:.1f} GB"
    if free >= NEEDED_MEMORY:
        yield Finding("memory", FINE, words)
    else:
        yield Finding("memory", NOTE, words, "A chapter takes up to 1 GB. Shut down kernels that you do not need (the panel “Running”), or close programs.")


def disk() -> Iterator[Finding]:
    """Room for data, snapshots and progress."""
    place = home()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    words = f"{free / 2**30:.1f} GB free in {place}"
    if free >= NEEDED_DISK:
        yield Finding("disk", FINE, words)
    else:
        yield Finding("disk", NOTE, words, "Make room, or name a folder elsewhere in DLNB_HOME and DLNB_CACHE.")


def progress() -> Iterator[Finding]:
    """Whether the learner's progress can be read and kept."""
    kept = Progress()
    try:
        chapters = len(kept.runs())
        with kept.file.open("ab"):
            pass
    except (ProgressUnavailable, OSError) as error:
        yield Finding("progress", WRONG, str(error), f"Make {kept.file.parent} a folder that you may write to, or name another in DLNB_HOME.")
        return
    if kept.notice:
        yield Finding("progress", NOTE, kept.notice)
    yield Finding("progress", FINE, f"kept in {kept.file}, {chapters} chapter{'s' * (chapters != 1)} begun")


def data() -> Iterator[Finding]:
    """Which data sets of the labs are there. None is needed for the chapters."""
    given = os.environ.get("DLNB_DATA")
    if given and not Path(given).is_dir():
        yield Finding("data", WRONG, f"DLNB_DATA names {given}, which is not a folder", "Mend the path, or unset DLNB_DATA.")
        return
    here: dict[str, list[str]] = {"here": [], "in part": [], "not here": []}
    for name, dataset in sorted(store.sets().items()):
        found = len(store.files_here(name))
        here["here" if found == len(dataset.files) else "in part" if found else "not here"].append(name)
    words = "; ".join(f"{state}: {', '.join(names)}" for state, names in here.items() if names)
    if here["in part"] or here["not here"]:
        yield Finding("data", NOTE, words, "The labs fetch what they need; to have a set before: dlnb data get NAME")
    else:
        yield Finding("data", FINE, words)
