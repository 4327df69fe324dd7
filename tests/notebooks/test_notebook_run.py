"""The measuring stick itself: it must see a changed output, an error, slowness, memory, and a cell that never ends."""

import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_run import CHAPTER, Budget, run_as_test


@pytest.fixture
def notebook(tmp_path):
    """Makes a notebook of (source, committed output) pairs."""

    def make(*cells):
        made = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        for source, text in cells:
            outputs = [new_output("stream", name="stdout", text=text)] if text else []
            made.cells.append(new_code_cell(source, outputs=outputs, execution_count=len(made.cells) + 1))
        path = tmp_path / "small.ipynb"
        nbformat.write(made, path)
        return path

    return make


def test_a_notebook_that_prints_the_same_again_passes(notebook):
    outcome = run_as_test(notebook(("a = 20", ""), ("print(a + 22)", "42\n")), CHAPTER)
    assert outcome.passed, outcome.report
    assert outcome.cells == 2
    assert 0 < outcome.seconds < 30
    assert 20 < outcome.megabytes < 500
    assert outcome.over(CHAPTER) == []


def test_a_notebook_that_prints_something_else_fails(notebook):
    outcome = run_as_test(notebook(("print('accuracy 0.98')", "accuracy 0.99\n")), CHAPTER)
    assert not outcome.passed
    assert "accuracy 0.98" in outcome.report


def test_a_cell_that_raises_fails(notebook):
    outcome = run_as_test(notebook(("assert 1 > 2, 'the claim does not hold'", "")), CHAPTER)
    assert not outcome.passed
    assert "the claim does not hold" in outcome.report


def test_a_progress_bars_clock_is_the_only_thing_overlooked(notebook):
    bar = "print('100%|####| 10/10 [00:0{}<00:00, {}it/s]')"
    assert run_as_test(notebook((bar.format(1, 8.5), "100%|####| 10/10 [00:02<00:00, 5.0it/s]\n")), CHAPTER).passed
    assert not run_as_test(notebook((bar.format(1, 8.5), " 90%|### | 9/10 [00:02<00:00, 5.0it/s]\n")), CHAPTER).passed


def test_slowness_and_memory_are_measured_against_the_budget(notebook):
    # bytearray() fills its pages with zeros, but only on being written to are they all in memory.
    greedy = "import time\nblock = bytearray(b'x') * 300_000_000\ndel block\ntime.sleep(3)"
    outcome = run_as_test(notebook((greedy, "")), CHAPTER)
    assert outcome.passed, outcome.report
    slow, large = outcome.over(Budget(seconds=2, megabytes=200))
    assert "2 s are allowed on 2 cores" in slow
    assert "200 MB are allowed" in large
    assert 300 < outcome.megabytes < 600


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not born as copies here")
@pytest.mark.parametrize(("seconds", "counts"), [(0.3, False), (2.5, True)])
def test_a_copy_of_the_kernel_counts_once_it_stays(notebook, seconds, counts):
    """What the kernel starts is a copy of it, until it runs a program of its own."""
    forks = f"import os, time\nblock = bytearray(b'x') * 300_000_000\nfor _ in range(4):\n    if not os.fork():\n        time.sleep({seconds})\n        os._exit(0)\n    os.wait()"
    outcome = run_as_test(notebook((forks, "")), CHAPTER)
    assert outcome.passed, outcome.report
    assert (outcome.megabytes > 600) == counts and outcome.megabytes > 300


def test_a_notebook_that_never_ends_is_stopped(notebook):
    outcome = run_as_test(notebook(("import time\nwhile True: time.sleep(1)", "")), Budget(seconds=3, megabytes=1000))
    assert not outcome.passed
    assert "9 s" in outcome.report or "Timeout" in outcome.report
