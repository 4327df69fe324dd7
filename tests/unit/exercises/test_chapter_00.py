"""Chapter 00: each exercise with nothing, with typical wrong answers, each of which gets its own message, and with its solution."""

import re

import pytest
from judging import tries

import dlnb as dl
from dlnb.exercises import desk

NUMBERS = ["00.1", "00.2"]


WRONG = [
    ("00.1", 10, "too flat: with 10 a flat is said 290 € too cheap"),
    ("00.1", 20.0, "too steep: with 20 a flat is said 285 € too dear"),
    ("00.1", -15, "a larger flat is cheaper"),
    ("00.1", "15 €", "this is a str; the weight is one number"),
    ("00.1", float("inf"), "a finite number"),
    ("00.2", 1.0, "The steps are too large"),
    ("00.2", 1e-6, "The steps are too small"),
    ("00.2", 0.0, "no weight moves"),
    ("00.2", -0.01, "every step goes uphill"),
    ("00.2", [0.1], "this is a list; the learning rate is one number"),
    ("00.2", float("nan"), "a finite number"),
]


@pytest.mark.parametrize(("number", "answer", "words"), WRONG)
def test_a_wrong_answer_is_told_what_is_wrong(number, answer, words):
    verdict = dl.check(number, answer)
    assert not verdict and re.search(words, verdict.words), verdict.words
    assert tries(number) == 1


@pytest.mark.parametrize(("number", "starter"), [("00.1", 0.0), ("00.2", 3.0)])
def test_what_a_cell_begins_with_is_no_try(number, starter):
    verdict = dl.check(number, starter)
    assert not verdict and "still" in verdict.words and tries(number) == 0


@pytest.mark.parametrize("weight", [14.6, 15, 15.5])
def test_a_weight_whose_line_goes_through_the_dots(weight):
    assert dl.check("00.1", weight)


@pytest.mark.parametrize("rate", [0.002, 0.01, 0.03])
def test_a_learning_rate_with_which_a_network_learns(rate):
    assert dl.check("00.2", rate)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_right(number):
    asked, made = desk.exercise(number), {}
    exec(asked.solution, made)
    assert dl.check(number, made["weight" if number == "00.1" else "learning_rate"])
