"""Waiting for a word: streams, alarms, and how they are counted."""

import pytest
import torch

from dlnb.speech.features import HOP, RATE
from dlnb.speech.models.listener import STRIDE
from dlnb.speech.voices import PEOPLE, PHONEMES
from dlnb.speech.waking import (
    AFTER_END,
    IGNORED,
    LATE,
    REFRACTORY,
    SMOOTHED,
    alarms,
    missed,
    rates,
    smoothed,
    streams,
    threshold_for,
    told_apart,
    waking_loss,
)

STEPS = 333  # ten seconds


def logits(*places, length=STEPS):
    """A row in which the model is sure for some steps from each place on."""
    row = torch.full((length,), -9.0)
    for place in places:
        row[place : place + 2 * SMOOTHED] = 9.0
    return row


def target(*places, length=STEPS):
    row = torch.zeros(length, dtype=torch.int64)
    for place in places:
        row[place : place + AFTER_END] = 1
    return row


def test_every_row_with_the_word_says_once_when_it_has_ended():
    made = streams(6, 4, 3.0, PEOPLE["valid"], 0)
    assert made.target.shape == (10, made.pictures.shape[1] // STRIDE)
    assert (made.target == 1).any(1).tolist() == [True] * 6 + [False] * 4
    for row in made.target[:6].tolist():
        first = row.index(1)
        assert row[first : first + AFTER_END].count(1) == row.count(1) and row[first - 1] == IGNORED
    loud = made.pictures.float().mean(2)
    for picture, row in zip(loud, made.target.tolist(), strict=True):
        if 1 in row:
            end = row.index(1) * STRIDE
            assert picture[max(0, end - 40) : end].mean() > picture.quantile(0.2)


def test_the_same_streams_for_the_same_seed_and_others_for_another():
    one, same, other = (streams.__wrapped__(2, 2, 2.0, PEOPLE["valid"], seed) for seed in (1, 1, 2))
    assert torch.equal(one.pictures, same.pictures) and torch.equal(one.target, same.target)
    assert not torch.equal(one.pictures, other.pictures)


def test_smoothing_is_the_mean_of_the_steps_before():
    row = torch.randn(1, 20)
    expected = row.sigmoid()[0, 10 - SMOOTHED + 1 : 11].mean()
    assert smoothed(row)[0, 10].item() == pytest.approx(expected.item(), abs=1e-6) and smoothed(row).shape == row.shape


def test_after_an_alarm_there_is_none_for_a_second():
    assert alarms([0.9] * 10, 0.5) == [0]
    assert alarms([0.9] * (REFRACTORY + 5), 0.5) == [0, REFRACTORY] and REFRACTORY * STRIDE * HOP / RATE == pytest.approx(1, abs=0.02)
    assert alarms([0.1, 0.4], 0.5) == []


@pytest.mark.parametrize(
    ("rows", "truth", "expected"),
    [
        ([logits(100)], [target(100)], (0.0, 0)),
        ([logits()], [target(100)], (1.0, 0)),
        ([logits(100 + LATE + 5)], [target(100)], (1.0, 1)),
        ([logits(100), logits(100)], [target(100), target()], (0.0, 1)),
        ([logits(100, 200)], [target(100)], (0.0, 1)),
        ([logits(), logits(100)], [target(100), target(100)], (0.5, 0)),
    ],
)
def test_misses_and_false_alarms_are_counted(rows, truth, expected):
    share, an_hour = rates(torch.stack(rows), torch.stack(truth), 0.6)
    hours = len(rows) * STEPS * STRIDE * HOP / RATE / 3600
    assert share == expected[0] and an_hour == pytest.approx(expected[1] / hours)


def test_the_threshold_is_in_the_middle_of_those_that_do_best():
    weak = torch.full((STEPS,), -9.0)
    weak[50:70] = 0.0  # half sure, where nothing was said
    rows, truth = torch.stack([weak, logits(100)]), torch.stack([target(), target(100)])
    threshold = threshold_for(rows, truth, most=1.0)
    assert 0.9 < threshold < 0.97  # the middle of 0 and 6 as logits is 3
    assert rates(rows, truth, threshold) == (0.0, 0.0) and missed(rows, truth) == 0
    rarely = torch.full((1, STEPS), -9.0)
    rarely[0, 100:130] = -1.0  # the word, of which the model is not sure
    assert rates(rarely, truth[1:], threshold_for(rarely, truth[1:])) == (0.0, 0.0)


def test_where_every_threshold_alarms_too_often_nothing_is_noticed():
    assert threshold_for(torch.full((1, STEPS), 20.0), target()[None]) == 1.0


def test_the_loss_asks_only_where_something_is_asked():
    row, truth = torch.randn(1, STEPS), target(100)[None].clone()
    truth[0, 60:90] = IGNORED
    other = row.clone()
    other[0, 60:90] += 5
    assert told_apart(row, truth) == told_apart(other, truth)
    assert told_apart(logits(100, length=STEPS)[None], target(100)[None]) < told_apart(logits()[None], target(100)[None])


def test_the_loss_also_asks_which_phoneme_sounds():
    row, truth = torch.randn(2, STEPS), torch.stack([target(100), target()])
    sounding = torch.randint(5, (2, STEPS))
    heard = torch.nn.functional.one_hot(sounding, 5) * 9.0
    asked = {"said": truth, "phonemes": sounding}
    assert waking_loss((row, heard), asked).item() == pytest.approx(told_apart(row, truth).item(), abs=0.01)
    assert waking_loss((row, heard.flip(2)), asked) > waking_loss((row, heard), asked) + 1


def test_it_is_known_which_phoneme_of_the_word_sounds_when():
    made = streams(6, 4, 3.0, PEOPLE["valid"], 0)
    assert made.phonemes.shape == made.pictures.shape[:2] and made.phonemes.max() < len(PHONEMES)
    wanted = [PHONEMES.index(sign) for sign in ("h", "k", "m", "p")]  # of "hey computer"; the t is another in each accent
    for row, sounds in zip(made.target[:6].tolist(), made.phonemes, strict=False):
        end = row.index(1) * STRIDE
        said = sounds[max(0, end - 130) : end + 1].tolist()
        places = [len(said) - said[::-1].index(one) for one in wanted]
        assert places == sorted(places)
    loud = made.pictures.float().mean(2)
    assert loud[made.phonemes > 0].mean() > loud[made.phonemes == 0].mean() + 10
