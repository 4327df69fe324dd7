"""What the C library does with freed memory; only glibc can be told."""

import os
import subprocess
import sys

import pytest

from dlnb.train.allocator import keep_memory

# A step as the allocator sees it: some blocks of 20 MB (5,000 pages) at once, then none. glibc changes its own limits by what
# a program frees, unless one is given; so it is given its first one here.
AS_SHIPPED = {"MALLOC_MMAP_THRESHOLD_": str(128 << 10)}
PAGE_FAULTS = """
import resource
import torch
from dlnb.train.allocator import keep_memory
keep_memory()
def step():
    blocks = [torch.ones(5 << 20) for _ in range(4)]
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
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
    assert printed(PAGE_FAULTS, **AS_SHIPPED) < printed(PAGE_FAULTS, DLNB_MALLOC="0", **AS_SHIPPED) / 4


A_RUN = """
import torch
import torch.nn.functional as F
import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.allocator import keep_memory
x, y = torch.randn(64, 1, 28, 28), torch.randint(10, (64,))
task = dl.Task("noise", train=TensorBatches(x, y, size=64), loss=F.cross_entropy)
before = keep_memory.cache_info().currsize
dl.fit(dl.vision.LeNet(size=28, width=8), task, start=False)
print(keep_memory.cache_info().currsize - before)
"""


def test_a_run_has_the_memory_kept():
    assert printed(A_RUN) == 1


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
