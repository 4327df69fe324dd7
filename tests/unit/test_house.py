"""The repository itself: what pyproject promises, what the constraints fix, what the scripts find and count."""

import importlib.util
import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = {
    canonicalize_name(requirement.name): next(iter(requirement.specifier)).version
    for requirement in map(
        Requirement, [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] not in "#"]
    )
}
REQUIREMENTS = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]


def script(name):
    """A module of scripts/, which is no package."""
    specification = importlib.util.spec_from_file_location(f"dlnb_script_{name}", ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "scripts"))
    return module


@pytest.mark.parametrize("requirement", [Requirement(text) for text in REQUIREMENTS], ids=str)
def test_every_requirement_has_a_lower_bound_and_a_tested_version_within_its_bounds(requirement):
    assert any(specifier.operator in {">=", "=="} for specifier in requirement.specifier)
    assert CONSTRAINTS[canonicalize_name(requirement.name)] in requirement.specifier


def test_one_version_stands_in_python_and_in_the_front_end():
    in_python = re.search(r'^__version__ = "(.+)"$', (ROOT / "dlnb" / "__init__.py").read_text(), flags=re.MULTILINE)
    in_front_end = re.search(r'"version": "(.+)"', (ROOT / "widgets" / "package.json").read_text())
    assert in_python[1] == PROJECT["version"] == in_front_end[1]


def test_no_file_says_where_packages_were_downloaded():
    lock = (ROOT / "widgets" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "://" not in (ROOT / "constraints.txt").read_text()


def test_the_readme_shows_both_commands_and_the_way_without_make():
    readme = (ROOT / "README.md").read_text()
    for line in ("make lab", "make test", "pip install --constraint constraints.txt .", "dlnb lab"):
        assert re.search(rf"^\s*{re.escape(line)}", readme, flags=re.MULTILINE), line


def fake_program(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def choose_python(path, **environment):
    command = ["/bin/sh", str(ROOT / "scripts" / "python.sh")]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": str(path), **environment})


def test_an_old_python3_is_passed_over_for_a_newer_one_on_path(tmp_path):
    fake_program(tmp_path, "python3", 'case "$2" in *platform*) echo 3.9.2;; *) exit 1;; esac')
    newer = fake_program(tmp_path, "python3.12", 'case "$2" in *platform*) echo 3.12.1;; esac')
    chosen = choose_python(tmp_path)
    assert chosen.stdout.strip() == str(newer)


def test_without_a_fitting_python_it_says_what_was_found_and_what_to_do(tmp_path):
    fake_program(tmp_path, "python3", 'case "$2" in *platform*) echo 3.9.2;; *) exit 1;; esac')
    chosen = choose_python(tmp_path)
    assert chosen.returncode == 1
    assert "python3 is 3.9.2" in chosen.stderr
    assert "make lab PYTHON=" in chosen.stderr


def test_make_takes_the_cpu_build_of_pytorch_only_when_asked():
    asked, not_asked = (
        subprocess.run(
            ["make", "-n", "lab", "VENV=.venv-that-is-not-there", *extra], cwd=ROOT, capture_output=True, text=True
        ).stdout
        for extra in (["CPU=1"], [])
    )
    assert "--extra-index-url https://download.pytorch.org/whl/cpu torch" in asked
    assert "download.pytorch.org" not in not_asked


def test_a_browser_that_does_not_start_is_said_by_its_name(tmp_path, monkeypatch):
    chromium = script("chromium")
    broken = fake_program(tmp_path, "chromium", "exit 1")
    monkeypatch.setenv("DLNB_CHROMIUM", str(broken))
    with pytest.raises(chromium.NoChromium, match=re.escape(str(broken))):
        chromium.chromium()


def test_the_browser_on_path_is_the_first_that_starts(tmp_path, monkeypatch):
    fake_program(tmp_path, "chromium", "exit 1")
    works = fake_program(tmp_path, "google-chrome", "echo Google Chrome 150")
    monkeypatch.delenv("DLNB_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nowhere")
    assert script("chromium").chromium() == str(works)


JUNIT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure/></testcase>
<testcase name="c"><error/></testcase><testcase name="d"><skipped/></testcase>
</testsuite></testsuites>"""


def test_the_test_runner_counts_what_passed_failed_and_was_skipped(tmp_path):
    runner = script("test")
    (tmp_path / "part.xml").write_text(JUNIT)
    assert runner.counts(tmp_path / "part.xml") == (1, 2, 1)


def part(runner, code, minutes=1.0, counted=False):
    return runner.Part("part", [sys.executable, "-c", code], minutes, counted=counted)


@pytest.fixture
def runner(tmp_path, monkeypatch):
    runner = script("test")
    monkeypatch.setattr(runner, "RESULTS", tmp_path)
    return runner


def test_a_part_that_crashes_runs_nothing_or_never_ends_is_a_failure(runner):
    crashed = runner.run(part(runner, "import os; os.abort()", counted=True))
    assert (crashed.failed, crashed.remark) == (1, "ended with status -6")
    nothing = runner.run(part(runner, "pass", counted=True))
    assert (nothing.failed, nothing.remark) == (1, "ran no test")
    endless = runner.run(part(runner, "import time; time.sleep(60)", minutes=0.01, counted=True))
    assert (endless.failed, endless.remark) == (1, "stopped after 0.01 minutes")


def test_what_a_part_leaves_running_ends_with_it(runner, tmp_path):
    left = (
        f"import subprocess, pathlib; child = subprocess.Popen(['sleep', '60']); "
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))"
    )
    assert runner.run(part(runner, left)).passed == 1
    state = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_the_last_line_is_the_total_of_all_parts(runner):
    results = [runner.Result("one", 10, 0, 2, 1.0), runner.Result("two", 5, 1, 0, 61.0, "ended with status 3")]
    text = runner.summary(results)
    assert text.splitlines()[-1] == "15 passed, 1 failed, 2 skipped"
    assert "ended with status 3" in text


@pytest.mark.parametrize(
    ("file", "root"),
    [
        ("widgets/src/core/core.css", ".dlnb-root"),
        *[(f"widgets/src/{name}/{name}.css", f".dlnb-{name}") for name in ("watch", "pad", "xray", "errors", "compare", "show", "backprop", "descend", "playground")],
        ("widgets/style/index.css", ".dlnb-panel"),
    ],
)
def test_a_style_stays_in_its_own_room(file, root):
    """All styles meet in one page: a rule for `.dlnb-title` in the dashboard would also dress the panel."""
    css = re.sub(r"/\*.*?\*/", "", (ROOT / file).read_text(), flags=re.DOTALL)
    css = re.sub(r"@keyframes[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", css)  # what stands in it is no selector
    selectors = [selector.strip() for selector in re.findall(r"([^{};]+)\{", css)]
    stray = [selector for selector in selectors if not selector.startswith("@") and root not in selector]
    assert selectors and stray == []
