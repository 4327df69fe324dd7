"""Chapter 06: each exercise with nothing, with typical wrong answers, each of which gets its own message, and with its solution."""

import pytest
import torch
import torch.nn.functional as F
from judging import refused, tries

import dlnb as dl
from dlnb.exercises import desk
from dlnb.exercises.chapter_06 import alarm, look_back, scale, temperature

NUMBERS = ["06.1", "06.2", "06.3", "06.4"]


def in_place(train, rows):
    rows -= train.mean(0)
    return rows / train.std(0)


SCALES = {
    "those of the rows themselves": lambda train, rows: (rows - rows.mean(0)) / rows.std(0),
    "both tables together.*a leak": lambda train, rows: scale(torch.cat([train, rows]), rows),
    "one mean and one spread for the whole table": lambda train, rows: (rows - train.mean()) / train.std(),
    "each row is scaled by itself": lambda train, rows: (rows - rows.mean(1, keepdim=True)) / rows.std(1, keepdim=True),
    "the spreads are still those of the units": lambda train, rows: rows - train.mean(0),
    "the means are not 0 yet": lambda train, rows: rows / train.std(0),
    "the variance": lambda train, rows: (rows - train.mean(0)) / train.var(0),
    "you multiply by the spread": lambda train, rows: (rows - train.mean(0)) * train.std(0),
    "taken off after the division": lambda train, rows: rows / train.std(0) - train.mean(0),
    "one odd patient decides it": lambda train, rows: (rows - train.amin(0)) / (train.amax(0) - train.amin(0)),
    "changes the table": in_place,
    r"should have the shape \(7, 4\), and has \(60, 4\)": lambda train, rows: scale(train, train),
    "not finite": lambda train, rows: rows / 0,
    "minus the mean in `train`": lambda train, rows: (train.mean(0) - rows) / train.std(0),
    "is a str": lambda train, rows: "scaled",
    "is a `return` missing": lambda train, rows: None,
    "does not take 2 things": lambda rows: rows,
    "this is a Tensor": torch.zeros(3),
    "your answer raised ZeroDivisionError": lambda train, rows: 1 / 0,
}


@pytest.mark.parametrize("words", SCALES)
def test_a_scale_that_is_not_the_one_of_the_training_rows(words):
    refused("06.1", SCALES[words], words)


def test_a_scale_with_either_standard_deviation_or_in_numpy_is_right():
    assert dl.check("06.1", lambda train, rows: (rows - train.mean(0)) / train.std(0, correction=0))
    assert dl.check("06.1", lambda train, rows: ((rows - train.mean(dim=0)) / train.std(dim=0)).numpy())


ALARMS = {
    "exactly where it should not": lambda chance, missed, needless: ~alarm(chance, missed, needless),
    "changed places": lambda chance, missed, needless: alarm(chance, needless, missed),
    "only if there is no tumour": lambda chance, missed, needless: chance * missed > needless,
    "raised for all": lambda chance, missed, needless: chance >= 0,
    "raised for nobody": lambda chance, missed, needless: chance > 1,
    "the same alarms whatever": lambda chance, missed, needless: chance > 1 / 21,
    "a missed tumour costs 2, a needless alarm 1. At a chance of": lambda chance, missed, needless: chance > (1 / 21 if missed / needless == 20 else 0.5),
    "other numbers than yes and no": lambda chance, missed, needless: chance * missed,
    r"should have the shape \(997,\), and has \(\)": lambda chance, missed, needless: chance.mean() > 0.1,
    "does not take 3 things": lambda chance: chance > 0.5,
}


@pytest.mark.parametrize("words", ALARMS)
def test_an_alarm_that_is_raised_elsewhere(words):
    refused("06.2", ALARMS[words], words)


def test_an_alarm_by_its_threshold_or_in_numbers_is_right():
    assert dl.check("06.2", lambda chance, missed, needless: chance > needless / (missed + needless))
    assert dl.check("06.2", lambda chance, missed, needless: alarm(chance, missed, needless).float())


def kept(choose):
    """What tries temperatures and keeps one."""

    def temperature(logits, truth):
        tried = torch.logspace(-1, 1, 200)
        return tried[choose(torch.stack([F.binary_cross_entropy_with_logits(logits / one, truth) for one in tried]))]

    return temperature


TEMPERATURES = {
    "are to be multiplied with": lambda logits, truth: 1 / temperature(logits, truth),
    "for shy ones alike": lambda logits, truth: 3.0,
    "Accuracy cannot tell them apart": lambda logits, truth: 0.1,
    "is it the smallest that you keep": lambda logits, truth: 0.1 if logits.std() > 3 else 10,
    "Try more temperatures": lambda logits, truth: min((0.5, 1.0, 2.0), key=lambda one: F.binary_cross_entropy_with_logits(logits / one, truth)),
    "a temperature is above 0": lambda logits, truth: -1.0,
    "a finite number is wanted": lambda logits, truth: float("nan"),
    "it gives a list": lambda logits, truth: [1, 2],
    "does not take 2 things": lambda logits: 2.0,
}


@pytest.mark.parametrize("words", TEMPERATURES)
def test_a_temperature_that_is_not_the_best(words):
    refused("06.3", TEMPERATURES[words], words)


def test_a_temperature_by_any_search_is_right():
    assert dl.check("06.3", kept(torch.argmin))
    grid = [step / 20 for step in range(2, 100)]
    assert dl.check("06.3", lambda logits, truth: min(grid, key=lambda one: F.binary_cross_entropy_with_logits(logits / one, truth).item()))


def padded(before, behind):
    return lambda x, weight, dilation: F.conv1d(F.pad(x, (before(weight, dilation), behind(weight, dilation))), weight, dilation=dilation)


def reach(weight, dilation):
    return dilation * (weight.shape[2] - 1)


def nothing(weight, dilation):
    return 0


LOOKS = {
    "looks into the future: what comes out at hour 20 is changed by hour 21": padded(nothing, reach),
    "looks into the future": lambda x, weight, dilation: F.conv1d(x, weight, dilation=dilation, padding="same"),
    r"shape \(2, 3, 34\).*reaches 8 hours back": padded(lambda weight, dilation: weight.shape[2] - 1, nothing),
    r"should be made of the hours \[12, 16, 20\]; yours is made of \[18, 19, 20\]": lambda x, weight, dilation: look_back(x, weight, 1),
    "sees nothing after hour 19": lambda x, weight, dilation: look_back(F.pad(x, (1, 0))[..., :-1], weight, dilation),
    "should be 0": lambda x, weight, dilation: F.conv1d(F.pad(x, (reach(weight, dilation), 0), value=1.0), weight, dilation=dilation),
    "weighs them in another way": lambda x, weight, dilation: look_back(x, weight.flip(2), dilation),
    "Was it detached": lambda x, weight, dilation: look_back(x.detach(), weight, dilation),
    "gives a list": lambda x, weight, dilation: [x],
    "does not take 3 things": lambda x, weight: x,
}


@pytest.mark.parametrize("words", LOOKS)
def test_a_convolution_that_does_not_only_look_back(words):
    refused("06.4", LOOKS[words], words)


def test_a_convolution_that_pads_both_sides_and_cuts_the_end_is_right():
    def both_sides(x, weight, dilation):
        before = reach(weight, dilation)
        return F.conv1d(x, weight, dilation=dilation, padding=before)[..., : x.shape[2]]

    assert dl.check("06.4", both_sides)


STARTERS = {
    "06.1": (lambda train, rows: rows, "come back as they were"),
    "06.2": (lambda chance, missed, needless: chance > 0.5, "still begins at 0.5"),
    "06.3": (lambda logits, truth: 1.0, "the temperature is 1"),
    "06.4": (lambda x, weight, dilation: F.conv1d(x, weight, dilation=dilation), "nothing to look back on"),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_what_a_cell_begins_with_is_no_try(number):
    starter, words = STARTERS[number]
    verdict = dl.check(number, starter)
    assert not verdict and words in verdict.words and tries(number) == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_right(number):
    asked = desk.exercise(number)
    made = {"torch": torch, "F": F}
    exec(asked.solution, made)
    assert dl.check(number, next(made[name] for name in ("scale", "alarm", "temperature", "look_back") if name in made))
