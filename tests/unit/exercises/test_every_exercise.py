"""What holds for each exercise of the course, whatever it asks."""

import time

import pytest
import torch
from judging import tries

import dlnb as dl
from dlnb.exercises.desk import every, exercise

ALL = [one.number for one in every()]
AT_ONCE = [one.number for one in every() if not one.trains]


@pytest.mark.parametrize("number", ALL)
def test_nothing_is_told_how_an_answer_is_given(number):
    for verdict in (dl.check(number), dl.check(number, None)):
        assert not verdict and f"dl.check('{number}', answer)" in verdict.words
    assert tries(number) == 0


@pytest.mark.parametrize("number", ALL)
def test_what_is_given_is_right_and_the_hints_and_the_solution_are_there(number):
    asked = exercise(number)
    assert dl.check(number, asked.given())
    compile(asked.solution, number, "exec")
    assert len(set(asked.hints)) == len(asked.hints) == 3


@pytest.mark.parametrize("number", AT_ONCE)
def test_a_check_answers_at_once_and_draws_nothing_from_the_learners_random_numbers(number):
    answer, took = exercise(number).given(), []
    torch.manual_seed(7)
    for _ in range(5):  # the first also loads what it needs
        begin = time.thread_time()  # of this thread: what else the machine does counts in the benchmark
        dl.check(number, answer)
        took.append(time.thread_time() - begin)
    drawn = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(drawn, torch.rand(3)) and min(took) < 0.2
