"""The learner's progress survives kills, other processes and damage."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from dlnb.course.progress import Progress, ProgressUnavailable, home, state

# Records cell after cell and says which ones are safely kept.
WRITER = """
import sys
from pathlib import Path
from dlnb.course.progress import Progress
progress, name, count = Progress(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
for i in range(count):
    progress.record("10_a.ipynb", [f"{name}-{i}"])
    print(f"{name}-{i}", flush=True)
"""


def writer(folder, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_state_follows_from_the_cells_that_ran():
    assert state(["a", "b"], []) == "new"
    assert state(["a", "b"], ["other"]) == "new"
    assert state(["a", "b"], ["a"]) == "started"
    assert state(["a", "b"], ["b", "a", "other"]) == "done"
    assert state([], ["a"]) == "new"


def test_progress_is_there_after_a_restart(tmp_path):
    before = time.time()
    Progress(tmp_path).record("10_a.ipynb", ["one", "two"])
    runs = Progress(tmp_path).runs()
    assert set(runs["10_a.ipynb"]) == {"one", "two"}
    assert before <= runs["10_a.ipynb"]["one"] <= time.time()


def test_running_a_cell_again_moves_its_time(tmp_path):
    progress = Progress(tmp_path)
    progress.record("10_a.ipynb", ["one"])
    first = progress.runs()["10_a.ipynb"]["one"]
    time.sleep(0.01)
    progress.record("10_a.ipynb", ["one"])
    assert progress.runs()["10_a.ipynb"]["one"] > first


def test_reset_forgets_one_chapter(tmp_path):
    progress = Progress(tmp_path)
    progress.record("10_a.ipynb", ["one"])
    progress.record("20_b.ipynb", ["two"])
    progress.reset("10_a.ipynb")
    assert list(progress.runs()) == ["20_b.ipynb"]


def test_the_environment_chooses_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLNB_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("DLNB_HOME")
    assert home().name == "dlnb"


def test_a_file_on_a_local_disk_uses_wal(tmp_path):
    Progress(tmp_path).record("10_a.ipynb", ["one"])
    assert sqlite3.connect(tmp_path / "progress.sqlite").execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_network_file_system_gets_the_rollback_journal(tmp_path, monkeypatch):
    monkeypatch.setattr("dlnb.course.database._on_network", lambda file: True)
    Progress(tmp_path).record("10_a.ipynb", ["one"])
    assert sqlite3.connect(tmp_path / "progress.sqlite").execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert list(Progress(tmp_path).runs()) == ["10_a.ipynb"]


@pytest.mark.parametrize("wait", [0.01, 0.05, 0.1, 0.2, 0.3])
def test_a_kill_while_writing_loses_nothing_that_was_kept(tmp_path, wait):
    process = writer(tmp_path, "cell", 100_000)
    process.stdout.readline()
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    kept = ["cell-0", *process.stdout.read().split()]
    process.wait()
    progress = Progress(tmp_path)
    assert set(kept[:-1]) <= set(progress.runs()["10_a.ipynb"])  # the last line may be cut
    assert progress.notice is None
    progress.record("10_a.ipynb", ["after"])


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    names = ["a", "b", "c", "d"]
    processes = [writer(tmp_path, name, 100) for name in names]
    assert [process.communicate(timeout=60) and process.returncode for process in processes] == [0] * 4
    assert set(Progress(tmp_path).runs()["10_a.ipynb"]) == {f"{name}-{i}" for name in names for i in range(100)}


def damage_beginning(file):
    file.write_bytes(b"this is no database" * 100)


def damage_middle(file):
    content = bytearray(file.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    file.write_bytes(content)


def cut(file):
    file.write_bytes(file.read_bytes()[:5000])


@pytest.mark.parametrize("harm", [damage_beginning, damage_middle, cut])
@pytest.mark.parametrize("while_open", [False, True])
def test_a_damaged_file_is_kept_aside_with_a_message(tmp_path, harm, while_open):
    progress = Progress(tmp_path)
    progress.record("10_a.ipynb", [f"cell-{i}" for i in range(1000)])
    harm(progress.file)
    harmed = progress.file.read_bytes()
    if while_open:  # a server that runs on: the first use may fail in words, the next one must work
        try:
            progress.runs()
        except ProgressUnavailable as error:
            assert "cannot be used" in str(error)
    else:
        progress = Progress(tmp_path)
    assert progress.runs() == {}
    progress.record("10_a.ipynb", ["again"])
    assert list(progress.runs()["10_a.ipynb"]) == ["again"]
    [kept] = tmp_path.glob("progress.damaged-*.sqlite")
    assert kept.read_bytes() == harmed
    assert str(kept) in progress.notice


def test_a_file_that_was_deleted_is_begun_anew(tmp_path):
    progress = Progress(tmp_path)
    progress.record("10_a.ipynb", ["one"])
    for file in tmp_path.iterdir():
        file.unlink()
    assert progress.runs() == {}
    progress.record("10_a.ipynb", ["two"])
    assert list(progress.runs()["10_a.ipynb"]) == ["two"]


def test_a_folder_that_cannot_be_used_is_an_error_in_words(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ProgressUnavailable, match="cannot be used"):
        Progress(tmp_path / "file").record("10_a.ipynb", ["one"])
    (tmp_path / "progress.sqlite").mkdir()
    with pytest.raises(ProgressUnavailable, match="cannot be used"):
        Progress(tmp_path).runs()
