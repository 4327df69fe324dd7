"""A kernel's word to the course panel: only while somebody looks, once a second at most, and nearly for nothing."""

import gc
import json
import time

import pytest
import torch
from torch import nn

from dlnb.task import Task
from dlnb.train import announce
from dlnb.train.announce import Announcer, about
from dlnb.train.fit import fit
from dlnb.train.registry import runs


@pytest.fixture
def files(tmp_path):
    """The announcer of a kernel, and its two files."""
    announcer = Announcer(tmp_path / "kernel-1.json")
    return announcer, tmp_path / "dlnb-asked-kernel-1.json", tmp_path / "dlnb-runs-kernel-1.json"


@pytest.fixture
def run():
    batches = [(torch.rand(4, 2), torch.rand(4, 1))]
    task = Task.from_loaders(batches, batches, loss=nn.functional.mse_loss, name="numbers")
    made = fit(nn.Linear(2, 1), task, epochs=1_000_000, lr=1e-3)
    yield made
    made.stop()


def asks(file, seconds=60.0, *commands):
    part = file.with_name("part")
    part.write_text(json.dumps({"until": time.time() + seconds, "commands": list(commands)}))
    part.replace(file)


def told(file, run):
    return next((one for one in json.loads(file.read_text())["runs"] if one["id"] == f"run-{run.number}"), None)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_nothing_is_written_while_nobody_looks(files, run):
    announcer, asked, runs_file = files
    announcer.look()
    assert not runs_file.exists()
    asks(asked, -1)
    announcer.look()
    assert not runs_file.exists()


def test_a_run_is_told_of_while_somebody_looks(files, run):
    announcer, asked, runs_file = files
    wait_for(lambda: run.steps > 3)
    asks(asked)
    announcer.look()
    seen = told(runs_file, run)
    assert (seen["name"], seen["state"], seen["steps"]) == ("Linear on numbers", "running", run.total_steps)
    assert 3 < seen["step"] <= run.steps
    assert 0 <= seen["loss"] < 10


def test_it_is_written_once_a_second_at_most(files, run):
    announcer, asked, runs_file = files
    asks(asked)
    written = set()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        announcer.look()
        written.add(runs_file.stat().st_mtime_ns)
        time.sleep(0.01)
    assert 2 <= len(written) <= 3


def test_a_command_is_obeyed_once_and_its_outcome_is_told_at_the_next_look(files, run):
    announcer, asked, runs_file = files
    command = {"number": "a-1", "run": f"run-{run.number}", "do": "pause"}
    asks(asked, 60, command)
    announcer.look()
    wait_for(lambda: run.state == "paused")
    announcer.look()
    assert told(runs_file, run)["state"] == "paused"
    run.resume()
    asks(asked, 60, command)  # as when the server asks again
    announcer.look()
    time.sleep(0.1)
    assert run.state == "running"
    asks(asked, 60, command, {"number": "a-2", "run": f"run-{run.number}", "do": "stop"})
    announcer.look()
    wait_for(lambda: run.state == "done")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"until": "x", "commands": []}', '{"until": 9e99, "commands": 3}', '{"until": 9e99, "commands": [{}]}'],
)
def test_odd_questions_change_nothing(files, run, content):
    announcer, asked, runs_file = files
    asked.write_text(content)
    with pytest.raises((ValueError, KeyError, TypeError)):
        announcer.look()  # `listen` takes it, and goes on
    assert run.state == "running"
    asks(asked)
    announcer.look()
    assert told(runs_file, run)["state"] == "running"


@pytest.mark.parametrize("do", ["save", "fork", "_do_stop", "__class__", "seek"])
def test_only_what_the_panel_has_buttons_for_is_obeyed(files, run, do):
    announcer, asked, _ = files
    asks(asked, 60, {"number": f"b-{do}", "run": f"run-{run.number}", "do": do})
    announcer.look()
    assert run.state == "running"


def test_a_finished_run_is_told_of_no_more_and_is_not_kept_in_memory(files, run):
    announcer, asked, runs_file = files
    asks(asked)
    run.stop()
    time.sleep(1.1)
    announcer.look()
    assert told(runs_file, run) is None
    short = fit(nn.Linear(2, 1), run.task, epochs=1, block=True)
    number = short.number
    assert about(short)["state"] == "done"
    del short
    time.sleep(0.5)
    gc.collect()
    assert number not in [one.number for one in runs()]


def test_nothing_is_left_behind(files, run):
    announcer, asked, runs_file = files
    asks(asked)
    announcer.look()
    announcer.clear()
    assert not asked.exists() and not runs_file.exists()
    announcer.clear()


def test_listening_costs_nearly_nothing(files, run):
    """Four looks a second, of which one writes while somebody looks: less than a thousandth of the time."""
    announcer, asked, _ = files
    begin = time.thread_time()
    for _ in range(1000):
        announcer.look()
    nobody = (time.thread_time() - begin) / 1000
    asks(asked)
    announcer.look()
    begin = time.thread_time()
    for _ in range(100):
        announcer._written = (0.0, "")
        announcer.look()
    somebody = (time.thread_time() - begin) / 100
    print(f"a look takes {1e6 * nobody:.0f} µs while nobody asks, {1e6 * somebody:.0f} µs when it is written")
    assert nobody / announce.PERIOD < 0.0005
    assert (3 * nobody + somebody) / announce.WRITE < 0.005


def test_outside_of_a_notebook_nothing_listens():
    assert announce._connection_file() is None
