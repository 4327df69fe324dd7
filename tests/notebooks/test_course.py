"""Every notebook of the course, run from top to bottom: the same outputs again, within its time and memory."""

import os

import pytest
from notebook_run import ROOT, budget_of, course, is_lab, run_as_test

NOTEBOOKS = [str(path.relative_to(ROOT)) for path in course()]


@pytest.fixture(scope="module", params=NOTEBOOKS)
def notebook(request):
    path = ROOT / request.param
    if is_lab(path) and not os.environ.get("DLNB_DATA"):
        pytest.skip("a lab needs its data set: set DLNB_DATA to a folder that holds it")
    return path


@pytest.fixture(scope="module")
def outcome(notebook, costs):
    """One execution, which answers both questions."""
    outcome = run_as_test(notebook, budget_of(notebook))
    costs[notebook.name] = f"{outcome.cells} cells, {outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB"
    return outcome


def test_every_output_is_the_same_again(notebook, outcome):
    assert outcome.passed, f"{notebook.name} does not reproduce its outputs:\n{outcome.report}"
    assert outcome.cells > 0


def test_it_stays_within_its_time_and_memory(notebook, outcome):
    wrong = outcome.over(budget_of(notebook))
    assert not wrong, f"{notebook.name} {' and '.join(wrong)}"
