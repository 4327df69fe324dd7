"""What the C library does with freed memory; only glibc can be told."""

import os
import subprocess
import sys

import pytest

from dlnb.train.allocator import keep_memory

PAGE_FAULTS = """
import resource
import torch
import torch.nn.functional as F
import dlnb as dl
from dlnb.data.batches import TensorBatches
torch.set_num_threads(1)
x, y = torch.randn(256, 1, 28, 28), torch.randint(10, (256,))
task = dl.Task("noise", train=TensorBatches(x, y, size=64), loss=F.cross_entropy)
run = dl.fit(dl.vision.LeNet(size=28, width=8), task, epochs=10**6, threads=1, start=False)
run.step(20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
run.step(40)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 40)
"""


def printed(code: str, **environment: str) -> float:
    """The number that some code prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told to keep memory")
def test_a_step_finds_the_memory_of_the_last_one_again():
    if not keep_memory():
        pytest.skip("the C library of this machine is not glibc")
    assert printed(PAGE_FAULTS) < printed(PAGE_FAULTS, DLNB_MALLOC="0") / 4


THREADS = """
import ctypes, threading
from dlnb.train.allocator import keep_memory
keep_memory()
malloc, together = ctypes.CDLL(None).malloc, threading.Barrier(12)
malloc.restype = ctypes.c_void_p
heaps = set()
def take():
    heaps.add(malloc(100_000) >> 26)  # a heap that is not the first lies within 64 MB of its own
    together.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(len(heaps))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told to share heaps")
def test_new_threads_share_heaps():
    if not keep_memory():
        pytest.skip("the C library of this machine is not glibc")
    assert printed(THREADS) <= 4 < 8 <= printed(THREADS, DLNB_MALLOC="0")


def test_the_c_library_is_left_alone_on_request(monkeypatch):
    monkeypatch.setenv("DLNB_MALLOC", "0")
    assert keep_memory.__wrapped__() is False
