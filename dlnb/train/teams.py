"""Let threads that wait have no helpers of their own, so that those of the thread that trains need not sleep.

PyTorch shares a big operation among helper threads, and every thread that ever asked for one keeps its helpers. GNU's OpenMP
counts them all. As soon as there are more than cores, a helper no longer stays awake for the next operation, a few
microseconds later, but goes to sleep, and waking it takes longer than its work: a small detector that trained with two threads
in the background, after its weights had been drawn with two in the cell, took 195 ms a step; without those it takes 97.

Source: libgomp's manual, GOMP_SPINCOUNT; OpenMP 5.2, section 18.6.1, omp_pause_resource_all.
"""

import ctypes
import functools
import sys
from collections.abc import Callable
from pathlib import Path

import torch

SOFT = 1  # omp_pause_soft: settings stay as they are


def let_helpers_go() -> bool:
    """End the helpers of the calling thread; its next big operation gets new ones. Returns whether there was a way to."""
    pause = _pause()
    return pause is not None and pause(SOFT) == 0


@functools.cache
def let_helpers_go_after_cells() -> None:
    """The same after every cell of a notebook, on the thread that runs them."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    if shell is not None:
        shell.events.register("post_run_cell", lambda *_: let_helpers_go())


@functools.cache
def _pause() -> Callable[[int], int] | None:
    """PyTorch's own OpenMP, where it is GNU's (other packages bring copies of theirs)."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        pause = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so")).omp_pause_resource_all
    except (OSError, AttributeError):
        return None
    pause.argtypes, pause.restype = [ctypes.c_int], ctypes.c_int
    return pause
