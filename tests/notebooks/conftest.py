"""Puts scripts/ within reach, and prints what each notebook cost at the end of the run."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

COSTS = pytest.StashKey[dict[str, str]]()


def pytest_configure(config):
    config.stash[COSTS] = {}


@pytest.fixture(scope="session")
def costs(request):
    """Notebook → what it cost, for the summary."""
    return request.config.stash[COSTS]


def pytest_terminal_summary(terminalreporter, config):
    for name, cost in config.stash[COSTS].items():
        terminalreporter.write_line(f"{name}: {cost}")
