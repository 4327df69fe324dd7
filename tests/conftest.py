"""For all tests: what a run would keep for later goes nowhere, and no run outlives the test that made it."""

import os
import sys

import pytest

os.environ.setdefault("DLNB_AUTOSAVE", "0")


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
