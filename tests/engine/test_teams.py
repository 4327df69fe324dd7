"""Helpers of PyTorch: while a run trains with several threads, no other thread keeps any, as they would all go to sleep."""

import os
import subprocess
import sys
import textwrap

import pytest

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts the threads of a process as Linux shows them")

SCRIPT = """
import os, threading, time
import torch
from torch import nn
import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.teams import let_helpers_go

def threads():  # besides those of Python
    return len(os.listdir("/proc/self/task")) - threading.active_count()

def left(before):  # more than before, once those that go are gone: a thread that ends is seen for a while
    end = time.monotonic() + 10
    while threads() > before and time.monotonic() < end:
        time.sleep(0.01)
    return threads() - before

def work():  # large enough to be shared
    return torch.ones(1000, 1000) * 2

torch.set_num_threads(3)
x = torch.randn(64, 3, 32, 32)
task = dl.Task("pictures", TensorBatches(x, torch.zeros(64, dtype=torch.long), size=32))
model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 900, 2))
"""


def said(script, **environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + textwrap.dedent(script)], capture_output=True, text=True, timeout=120, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@LINUX
def test_helpers_go_and_come_back():
    script = """
        alone = threads(); work(); helped = threads()
        gone = let_helpers_go(); after = left(alone); work()
        print(gone, helped - alone, after, threads() - alone)
    """
    assert said(script) == ["True", "2", "0", "2"]


INSIDE = "inside = dl.seeded(0); inside.__enter__(); work(); inside.__exit__(None, None, None)"


@LINUX
@pytest.mark.parametrize("call", ["run.wait()", "run.step(2)", "run.pause()", INSIDE])
def test_whoever_waits_for_a_run_has_none(call):
    script = f"""
        run = dl.fit(model, task, epochs=2, threads=1, start={"step" not in call})
        alone = threads()
        work()
        helped = threads()
        {call}
        print(helped - alone, left(alone))
    """
    assert said(script) == ["2", "0"]


@LINUX
def test_the_engine_has_none_when_it_has_nothing_to_do():
    script = """
        run = dl.fit(model, task, epochs=2, threads=3)
        run.wait()
        print(left(threads() - 2) <= 0)
    """
    assert said(script) == ["True"]


@LINUX
def test_a_notebook_has_none_after_a_cell():
    script = """
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.user_ns.update(globals())
        shell.run_cell("run = dl.fit(model, task, epochs=1, threads=1, block=True)")
        alone = threads()
        shell.run_cell("work()\\nhelped = threads()")
        print(shell.user_ns["helped"] - alone, left(alone))
    """
    assert said(script)[-2:] == ["2", "0"]
