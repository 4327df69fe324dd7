"""`dlnb doctor` says how an installation is, with a remedy for each thing that is wrong, and always comes to its end."""

import json
import os
import stat
import sys

import pytest

from dlnb import cli
from dlnb.course import doctor
from dlnb.course.doctor import FINE, NOTE, WRONG, Finding, examine, report
from dlnb.course.memory import Memory


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No settings, data or progress of whoever runs the tests."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("DLNB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLNB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLNB_DATA", raising=False)


def states(look):
    return [finding.state for finding in look()]


def test_all_is_well_where_make_test_has_installed(capsys):
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    for words in ("Python: 3.", "torch 2.", "extension dlnb: enabled", "server extension: enabled", "PyTorch: 2.", "GB free", "All is well."):
        assert words in said
    assert "Traceback" not in said


def test_it_changes_nothing(tmp_path):
    list(doctor.extensions()), list(doctor.server()), list(doctor.data()), list(doctor.disk())
    assert not (tmp_path / "cache").exists() and not (tmp_path / "jupyter").exists()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    (finding,) = doctor.packages()
    assert finding.state == WRONG and "no-such-package" in finding.words and "pip install" in finding.remedy


def test_an_extension_that_is_not_there_or_disabled_is_wrong(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "EXTENSIONS", {"no-such-extension": "the course panel"})
    (finding,) = doctor.extensions()
    assert finding.state == WRONG and "not installed, so JupyterLab has no course panel" in finding.words
    monkeypatch.setattr(doctor, "EXTENSIONS", {"dlnb": "the course panel"})
    assert states(doctor.extensions) == [FINE]
    settings = tmp_path / "jupyter" / "labconfig"
    settings.mkdir(parents=True)
    (settings / "page_config.json").write_text(json.dumps({"disabledExtensions": {"dlnb": True}}))
    (finding,) = doctor.extensions()
    assert finding.state == WRONG and "jupyter labextension enable dlnb" in finding.remedy


def test_a_server_extension_that_is_disabled_is_wrong(monkeypatch, tmp_path):
    assert states(doctor.server) == [FINE]
    folder = tmp_path / "before" / "jupyter_server_config.d"
    folder.mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(folder.parent))
    (folder / "mine.json").write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"dlnb.server": False}}}))
    (finding,) = doctor.server()
    assert finding.state == WRONG and "enable dlnb.server" in finding.remedy


@pytest.mark.parametrize("code", ["raise OSError('libtorch.so: cannot open shared object file')", "import os; os.abort()", "print('?')"])
def test_a_broken_pytorch_does_not_take_the_doctor_along(monkeypatch, code):
    monkeypatch.setattr(doctor, "ASK_TORCH", code)
    (finding,) = doctor.torch()
    assert finding.state == WRONG and finding.remedy
    assert "libtorch.so" in finding.words or "raise" not in code


def test_a_pytorch_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(doctor, "ASK_TORCH", "import time; time.sleep(60)")
    monkeypatch.setattr(doctor, "PATIENCE", 0.5)
    assert states(doctor.torch) == [WRONG]


def test_little_memory_and_little_disk_are_told(monkeypatch):
    monkeypatch.setattr(doctor, "NEEDED_MEMORY", 1 << 60)
    monkeypatch.setattr(doctor, "NEEDED_DISK", 1 << 60)
    assert states(doctor.memory) == states(doctor.disk) == [NOTE]


def test_memory_is_told_against_the_limit_of_a_container(monkeypatch):
    monkeypatch.setattr(doctor, "in_use", lambda: Memory(int(1.5 * 2**30), 2 * 2**30, "container"))
    (finding,) = doctor.memory()
    assert finding.state == NOTE and finding.words.startswith("0.5 GB free of 2.0 GB")


def test_progress_that_cannot_be_kept_is_wrong(tmp_path):
    (tmp_path / "home").write_text("a file where a folder should be")
    (finding,) = doctor.progress()
    assert finding.state == WRONG and "DLNB_HOME" in finding.remedy


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_progress_that_may_only_be_read_is_wrong(tmp_path):
    assert states(doctor.progress) == [FINE]
    (tmp_path / "home" / "progress.sqlite").chmod(stat.S_IRUSR)
    assert WRONG in states(doctor.progress)


def test_data_is_told_apart_by_what_lies_here(monkeypatch, tmp_path):
    assert "not here" in next(doctor.data()).words
    monkeypatch.setenv("DLNB_DATA", str(tmp_path / "nowhere"))
    (finding,) = doctor.data()
    assert finding.state == WRONG and "not a folder" in finding.words
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(bytes(4_542))
    monkeypatch.setenv("DLNB_DATA", str(folder.parent))
    assert "in part: mnist" in next(doctor.data()).words


def test_another_python_is_wrong(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))
    (finding,) = doctor.python()
    assert finding.state == WRONG and "3.11, 3.12 or 3.13" in finding.remedy


def test_a_look_that_fails_is_a_finding_and_the_others_go_on(monkeypatch):
    def memory():
        raise RuntimeError("no /proc here")

    monkeypatch.setattr(doctor, "memory", memory)
    monkeypatch.setattr(doctor, "ASK_TORCH", "print('{}')")
    found = list(examine())
    assert any("no /proc here" in finding.words and finding.state == WRONG for finding in found)
    assert found[-1].what == "data"


def test_the_report_counts_what_is_wrong():
    lines: list[str] = []
    findings = [Finding("a", FINE, "good"), Finding("b", WRONG, "bad", "mend it"), Finding("c", NOTE, "so so")]
    assert report(iter(findings), lines.append) == 1
    assert lines[0].startswith("ok") and "mend it" in lines[2] and lines[-1].startswith("1 thing is wrong")
