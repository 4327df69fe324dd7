"""Putting a chapter back: no version of the learner's is ever lost, whatever the disk does."""

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dlnb.course import originals
from dlnb.course.originals import NoOriginal, NotPutBack, Originals, put_back

ORIGINAL, MINE = b'{"cells": []}', b'{"cells": [1]}'


@pytest.fixture
def file(tmp_path):
    (tmp_path / "course").mkdir()
    chapter = tmp_path / "course" / "10_a.ipynb"
    chapter.write_bytes(MINE)
    return chapter


def held(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_twice_in_the_same_second_gives_two_backups(file, monkeypatch):
    class Stopped(originals.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 22, 18, 45, 12)

    monkeypatch.setattr(originals, "datetime", Stopped)
    versions = [b"first", b"second", b"third"]
    for version in versions:
        file.write_bytes(version)
        backup = put_back(file, ORIGINAL)
        assert backup.read_bytes() == version
    found = held(file.parent)
    assert found.pop("10_a.ipynb") == ORIGINAL
    assert found == {
        "10_a.backup-20261122-184512.ipynb": b"first",
        "10_a.backup-20261122-184512-2.ipynb": b"second",
        "10_a.backup-20261122-184512-3.ipynb": b"third",
    }


def test_many_at_once_lose_nothing(file):
    threads = [threading.Thread(target=put_back, args=(file, ORIGINAL)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = held(file.parent)
    assert found.pop("10_a.ipynb") == ORIGINAL
    assert MINE in found.values()
    assert set(found.values()) <= {MINE, ORIGINAL}


def test_a_save_that_comes_in_between_is_in_the_backup(file, monkeypatch):
    """Jupyter's server writes into the file that is there; it may do so just before the original takes its place."""
    second_name = originals._second_name

    def slow(chapter):
        backup = second_name(chapter)
        chapter.open("r+b").write(b"saved meanwhile")
        return backup

    monkeypatch.setattr(originals, "_second_name", slow)
    assert put_back(file, ORIGINAL).read_bytes() == b"saved meanwhile"
    assert file.read_bytes() == ORIGINAL


def test_what_is_as_it_came_makes_no_backup(file):
    file.write_bytes(ORIGINAL)
    assert put_back(file, ORIGINAL) is None
    assert held(file.parent) == {"10_a.ipynb": ORIGINAL}


def test_without_second_names_a_copy_is_made_that_overwrites_nothing(file, monkeypatch):
    def none(*_):
        raise OSError(errno.EPERM, "no links on this file system")

    monkeypatch.setattr(os, "link", none)
    monkeypatch.setattr(originals, "_free_names", lambda chapter: iter([chapter.with_name("a"), chapter.with_name("b")]))
    file.with_name("a").write_bytes(b"somebody's")
    assert put_back(file, ORIGINAL) == file.with_name("b")
    assert held(file.parent) == {"10_a.ipynb": ORIGINAL, "a": b"somebody's", "b": MINE}


FULL = """
import resource, signal, sys
from pathlib import Path
from dlnb.course.originals import NotPutBack, put_back
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
try:
    put_back(Path(sys.argv[1]), b"o" * 100_000)
except NotPutBack as error:
    sys.exit(f"refused: {error}")
"""


def test_a_disk_that_takes_no_more_changes_nothing(file):
    """A real write that fails half way, as on a full disk."""
    done = subprocess.run([sys.executable, "-c", FULL, str(file), "50000"], capture_output=True, text=True, timeout=60)
    assert "refused: The chapter was not reset, and nothing was changed" in done.stderr
    assert held(file.parent) == {"10_a.ipynb": MINE}
    done = subprocess.run([sys.executable, "-c", FULL, str(file), "200000"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(file.read_bytes()) == 100_000


def test_a_copy_that_fails_half_way_is_not_left_as_a_backup(file, monkeypatch):
    file.write_bytes(b"m" * 100_000)

    def none(*_):
        raise OSError(errno.EPERM, "no links on this file system")

    monkeypatch.setattr(os, "link", none)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(NotPutBack):
            put_back(file, ORIGINAL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert held(file.parent) == {"10_a.ipynb": b"m" * 100_000}


def test_a_folder_that_may_not_be_written_to_changes_nothing(file, monkeypatch):
    if os.geteuid() == 0:  # whom no permission stops: what the system would say is said here

        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(originals.tempfile, "mkstemp", refuse)
    file.parent.chmod(0o500)
    try:
        with pytest.raises(NotPutBack, match="nothing was changed: Permission denied"):
            put_back(file, ORIGINAL)
    finally:
        file.parent.chmod(0o700)
    assert held(file.parent) == {"10_a.ipynb": MINE}


def test_a_failure_at_the_last_moment_takes_the_second_name_away_again(file, monkeypatch):
    def refuse(self, target):
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(NotPutBack, match="busy"):
        put_back(file, ORIGINAL)
    monkeypatch.undo()
    assert held(file.parent) == {"10_a.ipynb": MINE}


def test_the_kept_copy_is_the_first_one_that_was_seen(file, tmp_path):
    known = Originals(file.parent, tmp_path / "kept", tmp_path / "none")
    known.keep(file.name)
    file.write_bytes(b"the learner's")
    known.keep(file.name)
    assert known.original(file.name) == MINE
    assert Originals(tmp_path, tmp_path / "kept", tmp_path / "none").kept != known.kept  # another course has its own


def test_a_newer_edition_that_the_wheel_brought_becomes_the_original(file, tmp_path):
    known = Originals(file.parent, tmp_path / "kept", tmp_path / "carried")
    known.keep(file.name)
    (tmp_path / "carried").mkdir()
    (tmp_path / "carried" / file.name).write_bytes(b"newer")
    known.keep(file.name)
    assert known.original(file.name) == MINE  # the learner still has the older edition
    file.write_bytes(b"newer")  # as `dlnb lab` copies it after the old one was removed
    known.keep(file.name)
    assert known.original(file.name) == b"newer"


def test_what_the_wheel_carries_is_the_last_resort(file, tmp_path):
    known = Originals(file.parent, tmp_path / "kept", tmp_path / "carried")
    with pytest.raises(NoOriginal, match="under another name"):
        known.original(file.name)
    (tmp_path / "carried").mkdir()
    (tmp_path / "carried" / file.name).write_bytes(b"carried")
    assert known.original(file.name) == b"carried"
