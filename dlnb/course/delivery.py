"""Files that come into a folder all together or not at all, and that can be brought up to date later.

A record of what was written lies beside them. So a file that somebody has changed since then is known, and is kept under another
name; a file that no longer belongs to it goes, unless it was changed.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from .chapters import BACKUP


def deliver(files: Mapping[str, bytes], folder: Path, record: str) -> list[Path]:
    """Bring files (path in the folder → content) into a folder, over what was delivered before; all else in it stays.

    record: the name of the record. Returns the files that somebody had changed, under the names that they have now.
    Raises: OSError; until everything lies on the disk, nothing in the folder is changed.
    """
    here = folder.is_dir()  # it may be another file system than its parent, or where somebody stands
    part = (folder if here else folder.parent) / f".{folder.name}.{os.getpid()}.part"
    try:
        for name, content in files.items():
            _write(part / name, content)
        digests = {name: _digest(content) for name, content in sorted(files.items())}
        _write(part / record, (json.dumps(digests, indent=1) + "\n").encode())
        if here:
            return _update(folder, part, digests, record)
        part.rename(folder)
        return []
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _update(folder: Path, part: Path, digests: dict[str, str], record: str) -> list[Path]:
    before = _recorded(folder / record)
    kept = []
    for name, digest in digests.items():
        target = folder / name
        if target.is_file() and _digest(target.read_bytes()) not in (digest, before.get(name)):
            kept.append(target.rename(target.with_name(f"{target.stem}{BACKUP}{datetime.now():%Y%m%d-%H%M%S}{target.suffix}")))
        target.parent.mkdir(parents=True, exist_ok=True)
        (part / name).replace(target)
    for name in before.keys() - digests.keys():
        left = folder / name
        if left.is_file() and _digest(left.read_bytes()) == before[name]:
            left.unlink()
    (part / record).replace(folder / record)
    return kept


def _recorded(record: Path) -> dict[str, str]:
    """What was delivered before; nothing if that is not known."""
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = found if isinstance(found, dict) else {}
    inside = (name for name in known if not Path(name).is_absolute() and ".." not in Path(name).parts)
    return {name: known[name] for name in inside if isinstance(known[name], str)}


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
