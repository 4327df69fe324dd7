"""For all tests: what a run would keep for later goes nowhere, and no run outlives the test that made it."""

import os
import signal
import sys

import pytest

os.environ.setdefault("DLNB_AUTOSAVE", "0")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it for what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def runs_end_with_their_test():
    """A run that goes on would draw on the machine, and on the random numbers that the next test seeds."""
    yield
    engine = sys.modules.get("dlnb.train.engine")
    if engine is None:
        return
    for run in list(engine.ENGINE._runs):
        if getattr(run, "state", None) == "running" and hasattr(run, "request"):
            run.request("stop").result(timeout=60)
