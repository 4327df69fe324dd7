"""What the C library does with freed memory; only glibc can be told."""

import os
import subprocess
import sys

import pytest

from dlnb.train.allocator import keep_memory

PAGE_FAULTS = """
import resource, threading
import torch
import dlnb as dl
torch.set_num_threads(1)
run = dl.fit(dl.vision.LeNet(size=28, width=8), TASK, epochs=10**6, threads=1, start=False)
run.step(20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
run.step(40)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 40)
"""
TASK = """
from dlnb.data.batches import TensorBatches
import torch.nn.functional as F
x, y = torch.randn(256, 1, 28, 28), torch.randint(10, (256,))
TASK = dl.Task("noise", train=TensorBatches(x, y, size=64), loss=F.cross_entropy)
"""


def page_faults(**environment: str) -> float:
    code = PAGE_FAULTS.replace("torch.set_num_threads(1)", "torch.set_num_threads(1)" + TASK)
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told to keep memory")
def test_a_step_finds_the_memory_of_the_last_one_again():
    if not keep_memory():
        pytest.skip("the C library of this machine is not glibc")
    assert page_faults() < page_faults(DLNB_MALLOC="0") / 4


def test_the_c_library_is_left_alone_on_request(monkeypatch):
    monkeypatch.setenv("DLNB_MALLOC", "0")
    assert keep_memory.__wrapped__() is False
