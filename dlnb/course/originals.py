"""Chapters as they came, and putting one back without losing what the learner made of it.

The original of a chapter is, in this order: what git has of it, upstream or in the last commit, where the course is a clone;
the copy that was kept in the learner's own folder when the course was first opened, before a cell of it had run; what the
wheel carries. The learner's version stays beside it under a new name, `10_images.backup-20261122-184512.ipynb`.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from .chapters import BACKUP, CARRIED

PATIENCE = 10  # seconds for git


class NoOriginal(Exception):
    """It is not known how a chapter came; the message says what to do."""


class NotPutBack(Exception):
    """A chapter cannot be put back just now; the message says why. Everything is as it was."""


class Originals:
    """The originals of one course folder. kept: the folder in which copies are kept, of this and other courses."""

    def __init__(self, folder: Path, kept: Path, carried: Path = CARRIED) -> None:
        self.folder = folder.resolve()
        self.kept = kept / hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        self.carried = carried

    def keep(self, path: str) -> None:
        """Keep a copy of a chapter that the learner has not begun, if there is none. Raises: OSError if it cannot be kept."""
        kept, file, shipped = self.kept / path, self.folder / path, self.carried / path
        if not kept.exists() or (_same(file, shipped) and not _same(kept, shipped)):  # a newer edition is an original too
            kept.parent.mkdir(parents=True, exist_ok=True)
            _written_beside(kept, file.read_bytes()).replace(kept)

    def original(self, path: str) -> bytes:
        """The notebook as it came. Raises: NoOriginal."""
        for found in (self._committed(path), _content(self.kept / path), _content(self.carried / path)):
            if found:
                return found
        raise NoOriginal(
            "It is not known how this chapter came: it had been begun before it was first opened here. "
            "Take it from where the course came from, under another name."
        )

    def _committed(self, path: str) -> bytes | None:
        """The file in git, as it is upstream, else in the last commit; None where this is no clone or the file is not in it."""
        surroundings = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
        for commit in ("@{upstream}", "HEAD"):
            command = ["git", "-C", str(self.folder), "cat-file", "blob", f"{commit}:./{path}"]
            try:
                done = subprocess.run(command, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
            except (OSError, subprocess.SubprocessError):
                return None  # no git
            if done.returncode == 0 and done.stdout:
                return done.stdout
        return None


def put_back(file: Path, original: bytes) -> Path | None:
    """Make a notebook what it was; returns where the learner's version is now, or None where it was no other.

    The learner's version is given a second name before its first one goes to the original, so that no moment is without it, and
    a save that comes in between is in it too. Raises: NotPutBack.
    """
    file = file.resolve()
    fresh = None
    try:
        if file.read_bytes() == original:
            return None
        fresh = _written_beside(file, original)  # here a full disk shows, before anything is changed
        shutil.copymode(file, fresh)
        backup = _second_name(file)
        try:
            fresh.replace(file)
        except OSError:
            if _same(backup, file):
                backup.unlink()
            raise
        return backup
    except OSError as error:
        if fresh is not None:
            fresh.unlink(missing_ok=True)
        raise NotPutBack(f"The chapter was not reset, and nothing was changed: {error.strerror or error} ({file.parent}).") from error


def _second_name(file: Path) -> Path:
    """Give the file a name more, one that was free; where the file system has no second names, a copy."""
    for backup in _free_names(file):
        try:
            os.link(file, backup)
            return backup
        except FileExistsError:
            continue
        except OSError:
            pass
        try:
            with backup.open("xb") as copy:
                _fill(copy.fileno(), file.read_bytes())
        except FileExistsError:
            continue
        except OSError:
            backup.unlink(missing_ok=True)
            raise
        if _same(backup, file):
            return backup
    raise AssertionError("names do not come to an end")


def _free_names(file: Path) -> Iterator[Path]:
    stem = f"{file.stem}{BACKUP}{datetime.now():%Y%m%d-%H%M%S}"
    for number in count(1):
        yield file.with_name(f"{stem}{f'-{number}' if number > 1 else ''}{file.suffix}")


def _written_beside(file: Path, content: bytes) -> Path:
    """A new file in the same folder that holds all of the content, also after a power cut."""
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    try:
        try:
            _fill(number, content)
        finally:
            os.close(number)
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _fill(number: int, content: bytes) -> None:
    with os.fdopen(os.dup(number), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _same(one: Path, other: Path) -> bool:
    content = _content(one)
    return content is not None and content == _content(other)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
