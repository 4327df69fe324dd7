"""One SQLite file that threads, processes and, on a hub, machines share, and that survives kills and damage.

Every write is one transaction, so a kill at any moment loses at most the write that it interrupts. A damaged file is set aside,
never deleted. Where the file system can, readers do not wait for a writer (WAL); on a network file system, where processes of
two machines share no memory, the rollback journal is used.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

PATIENCE = 30.0  # seconds to wait for other processes that write: a whole class may begin at once
_DAMAGED = ("not a database", "malformed", "file is encrypted", "disk image", "unsupported file format")
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "fuse.sshfs", "fuse.glusterfs"}


class Unavailable(Exception):
    """The file cannot be read or written just now; the message says why."""


class Database:
    """The file, and connections to it.

    tables: the SQL that makes each table if it is not there. A newer dlnb adds tables and columns and takes none away, so that an
    older one can go on with the same file.
    `notice` is a message for the learner, or None: it says so when a damaged file had to be set aside.
    """

    def __init__(self, file: Path, tables: tuple[str, ...]) -> None:
        self.file = file
        self.tables = tables
        self.notice: str | None = None
        self._checked: int | None = None  # which file was found sound, by its inode
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one piece of work. It is closed after it, so that no process holds the file for long.

        Raises: Unavailable if the file cannot be used.
        """
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
            raise Unavailable(f"The progress in {self.file} cannot be used: {error}.") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same in one transaction, which takes its lock at the beginning: all of it is kept, or nothing."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

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
            for table in self.tables:
                connection.execute(table)
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, before: int | None) -> None:
        if before is None or _inode(self.file) != before:
            return  # another process has already put a new file in its place
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        kept = self.file.with_name(f"{self.file.stem}.damaged-{stamp}{self.file.suffix}")
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
