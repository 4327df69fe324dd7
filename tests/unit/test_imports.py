"""Which floor stands on which, and what an import costs. The rules are the contracts in pyproject.toml."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = "[getattr(dl, name) for name in dl.__all__]"
HEAVY = [
    "sklearn", "scipy", "matplotlib", "pandas", "optuna", "pooch", "jupyter_server", "jupyterlab", "soundfile", "jiwer",
    "espeakng_loader", "music21", "mido", "gymnasium", "highway_env", "pygame",
]  # fmt: skip
EVERY_NOTEBOOK = "dl.Run, dl.Task, dl.accuracy, dl.fit, dl.pad, dl.seeded, dl.vision, dl.watch"


def python(code, **variables):
    """What a fresh Python prints when it runs this code in the repository, with these environment variables."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), **variables}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_import_only_ever_goes_down():
    linter = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*linter, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["dlnb", "dlnb.course.chapters", "dlnb.course.progress", "dlnb.server", "dlnb.cli"])
def test_it_never_loads_pytorch(module):
    assert python(f"import sys, {module}; print('torch' in sys.modules)") == "False"


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """The modules that a new process has once it has asked for every public name."""
    return python(f"import sys, dlnb as dl; {PUBLIC}; print(*sys.modules)").split()


@pytest.mark.parametrize("heavy", HEAVY)
def test_the_public_names_load_nothing_heavy_before_it_is_used(heavy, loaded):
    assert "dlnb" in loaded and heavy not in loaded


def test_dlnb_adds_little_to_importing_pytorch(capsys, tmp_path):
    """Half a second where `import torch` takes two; with a bytecode cache, as every learner has from the second import on."""
    code = (
        "import time; a = time.perf_counter(); import torch; b = time.perf_counter(); "
        f"import dlnb as dl; {EVERY_NOTEBOOK}; print(b - a, time.perf_counter() - b)"
    )
    cached = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    python(code, **cached)
    measured = [tuple(map(float, python(code, **cached).split())) for _ in range(5)]
    with capsys.disabled():
        torch, dlnb = (statistics.median(column) for column in zip(*measured, strict=True))
        print(f"\nimport dlnb adds {dlnb:.2f} s to the {torch:.2f} s of import torch (medians of 5)")
    # The fastest of five: what else the machine does can only add to it.
    assert min(dlnb for _, dlnb in measured) <= 0.5 * max(1, min(torch for torch, _ in measured) / 2)
