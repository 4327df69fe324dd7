"""Every test here has a learner who begins."""

import pytest

from dlnb.exercises import desk


@pytest.fixture(autouse=True)
def new_learner(monkeypatch, tmp_path):
    """A learner who has done nothing yet; returns the folder of their progress."""
    home = tmp_path / "home"
    monkeypatch.setenv("DLNB_HOME", str(home))
    monkeypatch.setattr(desk, "_answers", {})
    monkeypatch.setattr(desk, "_hints", {})
    return home
