"""The learner's progress: which code cells of which chapter have run without an error.

One SQLite file in the learner's own data folder. Every write is one transaction, so a kill at any moment
loses at most the write it interrupts; several processes may write at once.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import platformdirs

PATIENCE = 10.0  # seconds to wait for another process that writes
_DAMAGED = ("not a database", "malformed", "file is encrypted", "disk image", "unsupported file format")
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "fuse.sshfs", "fuse.glusterfs"}
_TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    chapter TEXT NOT NULL,  -- path in the course folder
    cell TEXT NOT NULL,     -- id of a code cell
    at REAL NOT NULL,       -- seconds since 1970 of the latest run without error
    PRIMARY KEY (chapter, cell)
) WITHOUT ROWID
"""


class ProgressUnavailable(Exception):
    """The progress cannot be read or kept just now; the message says why."""


def home() -> Path:
    """The learner's own folder: DLNB_HOME, else where this platform keeps a user's data."""
    wish = os.environ.get("DLNB_HOME")
    return Path(wish).expanduser() if wish else platformdirs.user_data_path("dlnb", appauthor=False)


def state(cells: Iterable[str], run: Iterable[str]) -> str:
    """`new`, `started` or `done`: done is when each of the chapter's code cells has been run."""
    cells = set(cells)
    done = cells & set(run)
    return "done" if cells and done == cells else "started" if done else "new"


class Progress:
    """The progress kept in one file; threads and processes may share it.

    `notice` is a message for the learner, or None: it says so when a damaged file had to be set aside.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.file = (folder or home()) / "progress.sqlite"
        self.notice: str | None = None
        self._checked: int | None = None  # which file was found sound, by its inode
        self._lock = threading.Lock()

    def record(self, chapter: str, cells: Iterable[str]) -> None:
        """Remember that these cells ran without an error, now."""
        now = time.time()
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO runs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
                [(chapter, cell, now) for cell in cells],
            )
            connection.execute("COMMIT")

    def reset(self, chapter: str) -> None:
        """Forget which cells of one chapter were run."""
        with self._connection() as connection:
            connection.execute("DELETE FROM runs WHERE chapter = ?", (chapter,))

    def runs(self) -> dict[str, dict[str, float]]:
        """For each chapter: cell id → when it last ran, in seconds since 1970."""
        found: dict[str, dict[str, float]] = {}
        with self._connection() as connection:
            for chapter, cell, at in connection.execute("SELECT chapter, cell, at FROM runs"):
                found.setdefault(chapter, {})[cell] = at
        return found

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for one piece of work. It is closed after it, so that no process holds the file for long."""
        try:
            with self._lock:
                connection = self._open()
            try:
                yield connection
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            if _is_damage(error):
                self._checked = None  # the next use looks at the file and sets it aside
            raise ProgressUnavailable(f"The progress in {self.file} cannot be used: {error}.") from error

    def _open(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        before = _inode(self.file)
        try:
            return self._prepared()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._set_aside(before)
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        # Autocommit: transactions are written out, so that a writer takes its lock at the beginning.
        connection = sqlite3.connect(self.file, timeout=PATIENCE, isolation_level=None)
        try:
            if self._checked is None or self._checked != _inode(self.file):
                verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if verdict != "ok":
                    raise sqlite3.DatabaseError(f"database disk image is malformed: {verdict}")
                _use_wal(connection, self.file)
                self._checked = _inode(self.file)
            connection.execute(_TABLE)
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, before: int | None) -> None:
        if before is None or _inode(self.file) != before:
            return  # another process has already put a new file in its place
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        kept = self.file.with_name(f"progress.damaged-{stamp}.sqlite")
        # The journals first: a new file must never meet the journal of an old one.
        for ending in ("-wal", "-shm", "-journal", ""):
            part = self.file.with_name(self.file.name + ending)
            if part.exists():
                part.replace(kept.with_name(kept.name + ending))
        self.notice = f"The file with your progress was damaged. It was kept as {kept}, and a new one was begun."


def _use_wal(connection: sqlite3.Connection, file: Path) -> None:
    """Choose WAL, in which readers do not wait for a writer; it needs memory that all users of the file share."""
    try:
        connection.execute(f"PRAGMA journal_mode = {'DELETE' if _on_network(file) else 'WAL'}")
    except sqlite3.OperationalError:
        pass  # the file system cannot, or another process has just opened it: the mode it has serves as well


def _on_network(file: Path) -> bool:
    """Whether the file lies on a network file system, where processes of two machines share no memory (Linux)."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    kinds = {}
    for mount in mounts:
        before, _, after = mount.partition(" - ")
        kinds[Path(before.split()[4].replace("\\040", " "))] = after.split()[0]
    return next((kinds[place] in _NETWORK for place in file.resolve().parents if place in kinds), False)


def _is_damage(error: BaseException) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and any(word in str(error) for word in _DAMAGED)


def _inode(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except OSError:
        return None
