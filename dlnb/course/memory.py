"""Memory: how much this machine or container lets us use, how much is in use, and how much a process takes."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

SYSTEM = Path("/")


@dataclass(frozen=True)
class Memory:
    """Bytes in use and bytes there are in all. where: "container" or "machine", whichever sets the limit."""

    used: int
    limit: int
    where: str


def memory(system: Path = SYSTEM) -> Memory:
    """What is in use now, against the limit: of the container (cgroup 1 or 2, or `MEM_LIMIT` as on Binder), else of the machine."""
    machine = psutil.virtual_memory()
    whole = Memory(machine.total - machine.available, machine.total, "machine")
    told = [found for found in (*_containers(system), _told_by_the_hub()) if found is not None and 0 < found.limit < machine.total]
    return min(told, key=lambda found: found.limit, default=whole)


def of_process(pid: int) -> int | None:
    """Bytes that a process and those it has started hold; None if it is gone or not ours to ask."""
    try:
        process = psutil.Process(pid)
        parts = [process, *process.children(recursive=True)]
    except psutil.Error:
        return None
    return sum(filter(None, map(_resident, parts))) or None


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has ended meanwhile
        return 0


def _containers(system: Path) -> list[Memory | None]:
    """The limits of the groups that this process is in, from its own up to the outermost."""
    found = []
    for group, limit, used, cache in (
        (_group(system, ""), "memory.max", "memory.current", "inactive_file"),
        (_group(system, "memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        base = system / "sys/fs/cgroup" / ("memory" if cache.startswith("total") else "")
        place = base / group.lstrip("/")
        for folder in [place, *(parent for parent in place.parents if parent.is_relative_to(base))]:
            found.append(_group_memory(folder, limit, used, cache))
    return found


def _group(system: Path, controller: str) -> str:
    """The path of this process' group, of cgroup 2 or of a controller of cgroup 1."""
    try:
        lines = (system / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return "/"
    for _, names, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controller in names.split(",") and ".." not in path:
            return path
    return "/"


def _group_memory(folder: Path, limit: str, used: str, cache: str) -> Memory | None:
    try:
        most, taken = int((folder / limit).read_text()), int((folder / used).read_text())
    except (OSError, ValueError):  # no such group, or "max": no limit
        return None
    # Files that were read lately count as used, but are let go as soon as memory is wanted.
    return Memory(max(0, taken - _number_in(folder / "memory.stat", cache)), most, "container")


def _number_in(file: Path, name: str) -> int:
    try:
        return next((int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(name + " ")), 0)
    except (OSError, ValueError, IndexError):
        return 0


def _told_by_the_hub() -> Memory | None:
    try:
        most = int(os.environ.get("MEM_LIMIT", ""))
    except ValueError:
        return None
    return Memory(of_process(os.getpid()) or 0, most, "container")
