"""Memory against the limit: of a container, old or new, of a hub, or of the machine."""

import os
import subprocess
import sys

import psutil
import pytest

from dlnb.course.memory import Memory, memory, of_process

GB = 2**30


@pytest.fixture(autouse=True)
def no_hub(monkeypatch):
    monkeypatch.delenv("MEM_LIMIT", raising=False)


def group(system, path, **files):
    folder = system / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(str(content))


def within(system, line):
    (system / "proc/self").mkdir(parents=True)
    (system / "proc/self/cgroup").write_text(line)


def test_without_a_container_it_is_the_machine(tmp_path):
    found = memory(tmp_path)
    assert (found.limit, found.where) == (psutil.virtual_memory().total, "machine")
    assert 0 < found.used < found.limit


def test_the_new_kind_of_container(tmp_path):
    group(tmp_path, "", memory__max=2 * GB, memory__current=GB, memory__stat=f"anon 5\ninactive_file {GB // 4}\n")
    assert memory(tmp_path) == Memory(GB * 3 // 4, 2 * GB, "container")


def test_a_group_inside_of_groups_has_the_smallest_limit_of_all(tmp_path):
    within(tmp_path, "0::/user/lab\n")
    group(tmp_path, "", memory__max="max", memory__current=9 * GB)
    group(tmp_path, "user", memory__max=GB, memory__current=GB // 2)
    group(tmp_path, "user/lab", memory__max="max", memory__current=GB // 4)
    assert memory(tmp_path) == Memory(GB // 2, GB, "container")


def test_the_old_kind_of_container(tmp_path):
    within(tmp_path, "3:cpu,memory:/docker/abc\n0::/\n")
    names = {"memory__limit_in_bytes": 2 * GB, "memory__usage_in_bytes": GB, "memory__stat": "total_inactive_file 24\n"}
    group(tmp_path, "memory/docker/abc", **names)
    assert memory(tmp_path) == Memory(GB - 24, 2 * GB, "container")


def test_a_limit_beyond_the_machine_is_none(tmp_path):
    group(tmp_path, "", memory__max=2**62, memory__current=GB)
    assert memory(tmp_path).where == "machine"


@pytest.mark.parametrize("odd", ["", "max", "-1", "x" * 100])
def test_odd_files_are_passed_over(tmp_path, odd):
    within(tmp_path, "nonsense\n0::/../..\n")
    group(tmp_path, "", memory__max=odd, memory__current=odd, memory__stat="inactive_file\n")
    assert memory(tmp_path).where == "machine"


def test_binder_says_its_limit_in_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("MEM_LIMIT", str(2 * GB))
    found = memory(tmp_path)
    assert (found.limit, found.where) == (2 * GB, "container")
    assert abs(found.used - of_process(os.getpid())) < 100_000_000


def test_a_process_counts_with_those_it_has_started():
    before = of_process(os.getpid())
    code = "x = bytearray(100_000_000); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert of_process(os.getpid()) > before + 90_000_000
        child.communicate(b"\n")
    assert of_process(child.pid) is None
