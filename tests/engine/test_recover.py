"""Autosave and recovery: what a killed process leaves behind goes on as if nothing had happened."""

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import torch

import dlnb as dl
from dlnb.train.checkpoints import autosave
from dlnb.train.checkpoints.autosave import attach, home, unlocked
from dlnb.train.checkpoints.checkpoint import CheckpointError, read, write
from dlnb.train.checkpoints.recover import recover, recoverable

from .conftest import network, quadrants

ROOT = Path(__file__).parents[2]
LONG = 100_000  # epochs


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch) -> Path:
    """A folder of its own for what runs save, here and in child processes."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DLNB_AUTOSAVE", "0.1")
    # A shared machine takes long over a little: what a save may cost has a test of its own.
    monkeypatch.setattr(autosave, "SHARE", 0.5)
    return tmp_path / "state"


def begin(**settings):
    run = dl.fit(network(0.3), quadrants(noise=0.1), epochs=LONG, threads=1, start=False, schedule="cosine", **settings)
    saving = attach(run)
    return run, saving


def wait_for(condition, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def child(code: str, **options) -> subprocess.Popen:
    """Python in another process that knows `begin` and its like."""
    header = """
        import os, signal, sys, time
        from dlnb.train.checkpoints import autosave
        autosave.SHARE = 0.5
        from tests.engine.test_recover import *
    """
    code = textwrap.dedent(header) + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def files() -> list[Path]:
    return sorted(home().glob("*/*.safetensors"))


# Killed.


def test_a_run_that_is_killed_again_and_again_goes_on_to_the_bit():
    moments = random.Random(0)
    steps = 0
    for kill in range(11):
        code = """
            if recoverable():
                run = recover(network(seed=1), quadrants(noise=0.1))
            else:
                run, _ = begin()
            print(run.steps, flush=True)
            run.resume()
            time.sleep(60)
        """
        killed = child(code)
        begun = killed.stdout.readline()
        assert begun, killed.stderr.read()
        assert int(begun) == steps
        wait_for(lambda: any(read_step(file) > steps for file in files()))  # noqa: B023
        time.sleep(moments.uniform(0, 0.4))
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        (lost,) = recoverable()
        assert lost.step > steps, f"kill {kill} lost everything"
        steps = lost.step
        assert len(files()) <= 3  # two, and the oldest if the kill fell between writing and removing
    run = recover(network(seed=1), quadrants(noise=0.1))
    assert run.state == "paused" and run.steps == steps
    run.step(20)
    undisturbed = dl.fit(network(0.3), quadrants(noise=0.1), epochs=LONG, threads=1, start=False, schedule="cosine")
    undisturbed.step(run.steps)
    for name in undisturbed.history.names:
        assert run.history[name].tolist() == undisturbed.history[name].tolist(), name
    run.stop()


def read_step(file: Path) -> int:
    """The step of a checkpoint that another process may replace at any moment."""
    try:
        return read(file).step
    except (FileNotFoundError, CheckpointError):
        return -1


def test_a_damaged_save_is_passed_over_for_the_one_before():
    run, _ = begin()
    run.start()
    assert wait_for(lambda: len(files()) == 2)
    run.pause()
    folder, here = files()[0].parent, files()
    kept = {file: file.read_bytes() for file in here}
    run.stop()
    assert wait_for(lambda: not files())
    folder.mkdir(parents=True)
    here[0].write_bytes(kept[here[0]])
    here[1].write_bytes(kept[here[1]][:1000])
    older = read(here[0]).step
    recovered = recover(network(), quadrants(noise=0.1))
    assert recovered.steps == older
    recovered.stop()


def test_what_is_recovered_goes_on_being_saved_in_the_same_place():
    killed = child("run, _ = begin(); run.start(); time.sleep(60)")
    assert wait_for(files)
    killed.kill()
    killed.communicate()
    (lost,) = recoverable()
    run = recover(network(), quadrants(noise=0.1))
    assert recoverable() == []  # it is alive again
    before = run.steps
    run.resume()
    assert wait_for(lambda: any(read_step(file) > before for file in files()))
    assert {file.parent for file in files()} == {lost.folder}
    run.stop()
    assert wait_for(lambda: not lost.folder.exists())


def test_the_newest_that_fits_is_taken_and_a_model_that_fits_none_is_refused():
    for model in ("network(0.3)", "torch.nn.Linear(2, 2)"):
        seen = len(files())
        killed = child(f"run = dl.fit({model}, quadrants(), epochs=LONG, start=False); attach(run); run.start(); time.sleep(60)")
        assert wait_for(lambda: len(files()) > seen)  # noqa: B023
        killed.kill()
        killed.communicate()
    assert [lost.model for lost in recoverable()] == ["Linear", "Sequential"]
    with pytest.raises(CheckpointError, match="of a task of your own"):
        recover()
    with pytest.raises(CheckpointError, match=r"\(2, 2\) there and \(3, 2\) here"):
        recover(torch.nn.Linear(2, 3), quadrants())
    run = recover(network(), quadrants())
    assert isinstance(run.model, torch.nn.Sequential)
    assert [lost.model for lost in recoverable()] == ["Linear"]
    run.stop()


# Alive, or at its end.


def test_a_run_of_a_live_process_is_not_offered():
    run, _ = begin()
    run.start()
    assert wait_for(files)
    assert recoverable() == []
    other = child("print(recoverable())")
    assert other.communicate()[0] == "[]\n"
    with pytest.raises(LookupError, match="no run to recover"):
        recover()
    run.stop()


@pytest.mark.parametrize("end", ["run.stop()", "run.set(epochs=run.epoch + 1); run.wait()", "del run, saving; import gc; gc.collect()"])
def test_a_run_that_ended_leaves_nothing(end):
    code = f"""
        run, saving = begin()
        run.start()
        assert wait_for(files)
        {"run.pause()" if "del" in end else ""}
        {end}
        assert wait_for(lambda: not list(home().iterdir())), list(home().rglob("*"))
        print("nothing")
    """
    done = child(code)
    out, errors = done.communicate()
    assert (out, done.returncode) == ("nothing\n", 0), errors


def test_a_run_that_was_under_way_when_its_process_ended_can_be_recovered():
    done = child("run, _ = begin(); run.start(); assert wait_for(files); print(run.steps)")
    out, errors = done.communicate()
    assert done.returncode == 0, errors  # a thread inside PyTorch at the end would abort it
    (lost,) = recoverable()
    assert 0 < lost.step
    recover(network(), quadrants(noise=0.1)).stop()


def test_a_pause_is_saved_though_nothing_happens_afterwards():
    run, saving = begin()
    run.step(7)
    run.set(lr=0.5)
    assert wait_for(lambda: files() and read_step(files()[-1]) == 7 and read(files()[-1]).events != ())
    count = saving.saved
    time.sleep(0.5)
    assert saving.saved == count  # and not again and again
    run.stop()


def test_what_is_done_to_a_paused_run_while_it_is_being_saved_is_saved_next(monkeypatch):
    writes, go_on = threading.Event(), threading.Event()

    def slow(checkpoint, file):
        writes.set()
        assert go_on.wait(30)
        write(checkpoint, file)

    monkeypatch.setattr(autosave, "write", slow)
    run, _ = begin()
    run.step(7)
    assert writes.wait(30)
    run.set(lr=0.5)
    go_on.set()
    assert wait_for(lambda: files() and read_step(files()[-1]) == 7 and read(files()[-1]).events != ())
    run.stop()


def test_a_short_run_writes_nothing(monkeypatch):
    monkeypatch.setenv("DLNB_AUTOSAVE", "5")
    run = dl.fit(network(), quadrants(), epochs=2, start=False)
    attach(run)
    run.start()
    run.wait()
    assert not home().exists()


def test_autosave_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("DLNB_AUTOSAVE", "0")
    run, _ = begin()
    run.start()
    time.sleep(0.5)
    run.stop()
    assert not home().exists()


def test_what_nobody_wanted_for_two_weeks_goes():
    old = home() / "20200101-000000-1"
    old.mkdir(parents=True)
    (old / "00000001.safetensors").write_bytes(b"")
    os.utime(old, (0, 0))
    run, _ = begin()
    run.start()
    assert wait_for(lambda: not old.exists() and files())
    run.stop()


def test_a_folder_removed_by_another_process_while_it_is_looked_into_holds_nothing(monkeypatch):
    folder = home() / "20200101-000000-1"
    folder.mkdir(parents=True)
    (folder / "00000001.safetensors").write_bytes(b"")
    scan = os.scandir

    def remove_first(place):
        if place in (folder, str(folder)):
            shutil.rmtree(folder, ignore_errors=True)
        return scan(place)

    monkeypatch.setattr(os, "scandir", remove_first)
    assert recoverable() == [] and not folder.exists()


# A disk that does not take it.


def test_a_full_disk_is_said_once_and_the_run_goes_on():
    code = """
        import resource, logging
        logging.basicConfig(format="%(message)s", stream=sys.stdout)
        autosave.AGAIN = 0.1
        run, saving = begin()
        run.start()
        assert wait_for(files)
        whole = {file: file.read_bytes() for file in files()}
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))  # EFBIG from the system itself
        assert wait_for(lambda: run.notice), run
        time.sleep(0.6)
        here = run.steps
        assert wait_for(lambda: run.steps > here + 100) and run.state == "running"
        assert read_step(files()[-1]) > 0  # what was saved before is whole
        assert not list(home().rglob("*.part"))
        print("NOTICE", run.notice)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert wait_for(lambda: not run.notice)
        assert wait_for(lambda: read_step(files()[-1]) > here)
        run.stop()
    """
    done = child(code)
    out, errors = done.communicate()
    assert done.returncode == 0, errors
    assert out.count("autosave: File too large") == 2  # the log's, and ours of the run
    assert "NOTICE autosave: File too large" in out and "tried again" in out


def test_a_folder_that_cannot_be_made_is_said_and_the_run_goes_on(state):
    state.mkdir()
    (state / "dlnb").write_text("a file is in the way")
    run, saving = begin()
    run.start()
    assert wait_for(lambda: run.notice)
    assert "autosave" in run.notice and run.state == "running"
    run.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody, who may not write here")
def test_a_read_only_folder_is_said_and_the_run_goes_on(state):
    state.mkdir()
    state.chmod(0o555)
    code = """
        run, _ = begin()
        os.setegid(65534), os.seteuid(65534)
        run.start()
        assert wait_for(lambda: run.notice) and run.state == "running"
        print(run.notice)
    """
    out, errors = child(code).communicate()
    assert "autosave: Permission denied" in out, errors


def test_a_folder_that_is_deleted_meanwhile_is_made_again():
    run, saving = begin()
    run.start()
    assert wait_for(files)
    here = files()[0].parent
    for file in here.iterdir():
        file.unlink(missing_ok=True)
    try:
        here.rmdir()
    except OSError:
        pass  # it was just being written into
    assert wait_for(lambda: files() and (here / "lock").exists())
    assert run.state == "running" and recoverable() == [] and unlocked(here) is None
    run.stop()


def test_a_run_that_cannot_be_saved_says_why_once_and_goes_on():
    run, saving = begin()
    run.step(1)
    run.optimizer.state[run.model[0].weight]["diary"] = [object]
    run.resume()
    assert wait_for(lambda: run.notice)
    assert "not saved by itself" in run.notice and run.state == "running"
    run.stop()


# What it costs.


def test_saving_takes_a_small_share_of_the_training(monkeypatch):
    monkeypatch.setattr(autosave, "SHARE", 0.003)
    model = torch.nn.Sequential(torch.nn.Linear(2, 700), torch.nn.ReLU(), torch.nn.Linear(700, 700), torch.nn.Linear(700, 2))
    run = dl.fit(model, quadrants(), epochs=LONG, threads=1, start=False)
    saving = attach(run)
    run.start()
    assert wait_for(lambda: saving.saved >= 1)
    time.sleep(2)
    run.pause()
    # Each save is paid for before the next: only the last may still be owed.
    assert saving.saved == 1 or saving.cost * (saving.saved - 1) / saving.saved < 0.006 * run.seconds
    run.stop()
