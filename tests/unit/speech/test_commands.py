"""Commands: their grammar, what they want, and how well that was understood."""

import math

import pytest
import torch
import torch.nn.functional as F
from numpy.random import RandomState

import dlnb as dl
from dlnb.speech.house import (
    COMPOSERS,
    KEPT_APART,
    MINUTES,
    NOT_UNDERSTOOD,
    NOTHING,
    QUESTIONS,
    ROOMS,
    SIZES,
    command,
    commanded,
    understood,
)
from dlnb.speech.sentences import phrase, sentence
from dlnb.speech.tasks.commands import commands_loss, intents_right, rejected, slots_f1, wrongly_rejected


def some(count=400, learned=True, seed=0):
    draw = RandomState(seed)
    return [command(draw, learned) for _ in range(count)]


def answered(*rows):
    """Logits that give these answers."""
    return torch.cat([F.one_hot(torch.tensor(rows)[:, place], size).float() * 9 for place, size in enumerate(SIZES)], 1)


def test_every_intent_and_every_slot_is_said():
    for place, choices in enumerate(QUESTIONS.values()):
        assert {one.target[place] for one in some(2_000)} == set(range(len(choices)))


def test_what_a_command_wants_is_said_in_it():
    for one in some():
        if one.intent == NOT_UNDERSTOOD:
            assert (one.room, one.minutes, one.composer) == (NOTHING,) * 3
        else:
            assert all(value == NOTHING or value in one.text for value in (one.room, one.minutes, one.composer))
            assert (one.minutes != NOTHING) == (one.intent == "timer") and (one.composer != NOTHING) == (one.intent == "music")


def test_commands_with_slots_that_are_tested_are_never_learned():
    learned, tested = ({one.text for one in some(3_000, learned) if one.room + one.minutes + one.composer != NOTHING * 3} for learned in (True, False))
    assert not learned & tested and len(learned) > 2 * len(tested) > 10 and KEPT_APART > 1


@pytest.mark.parametrize("new", [True, False])
def test_the_words_of_the_test_can_be_new_or_as_they_are_learned(new):
    task, draw = dl.speech.commands(said=50, new_words=new), RandomState(0)
    learned = [command(draw, learned=True).target for _ in range(50)]
    _, tested = ([command(draw, learned=not new).target for _ in range(20)] for _ in range(2))
    assert sorted(row for position in range(len(task.train)) for row in task.train.batch(0, 0, position)[1]["said"].tolist()) == sorted(learned)
    assert task.split("test").batch(0, 0, 0)[1]["said"].tolist() == tested


def test_every_value_of_a_slot_is_learned_and_tested():
    for learned in (True, False):
        said = some(2_000, learned)
        for place, values in ((1, ROOMS), (2, MINUTES), (3, COMPOSERS)):
            assert {one[place + 1] for one in said} == {NOTHING, *values}


def test_most_commands_that_are_tested_have_a_slot():
    slots = [one.room + one.minutes + one.composer != NOTHING * 3 for one in some(2_000, False) if one.intent != NOT_UNDERSTOOD]
    assert sum(slots) / len(slots) == pytest.approx(4 / 6, abs=0.04)


def test_sentences_that_are_tested_are_never_learned():
    draw = RandomState(0)
    learned, tested = ({sentence(draw, learned) for _ in range(1_000)} for learned in (True, False))
    assert not learned & tested and len(tested) > 100
    words = {word for text in learned for word in text.split()}
    assert {word for text in tested for word in text.split()} <= words
    assert {word for _ in range(500) for word in phrase(draw).split()} <= words


def test_answers_make_the_command_again():
    for one in some(100):
        assert commanded(understood(answered(one.target))[0].tolist(), one.text) == one


def test_where_it_was_not_understood_nothing_else_counts():
    assert str(commanded([0, 3, 2, 1])) == NOT_UNDERSTOOD


def test_the_measures_are_what_they_say():
    target = torch.tensor([[1, 3, 0, 0], [3, 0, 2, 0], [0, 0, 0, 0], [5, 0, 0, 0]])
    right = answered([1, 3, 0, 0], [3, 0, 2, 0], [0, 0, 0, 0], [5, 0, 0, 0])
    wrong = answered([1, 4, 0, 0], [0, 0, 2, 0], [4, 0, 0, 1], [5, 0, 0, 0])
    assert (intents_right(right, target), slots_f1(right, target), rejected(right, target), wrongly_rejected(right, target)) == (1, 1, 1, 0)
    assert intents_right(wrong, target) == 0.5 and rejected(wrong, target) == 0
    assert slots_f1(wrong, target) == 0 and wrongly_rejected(wrong, target) == pytest.approx(1 / 3)
    half = answered([1, 3, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0], [5, 0, 0, 0])
    assert slots_f1(half, target) == pytest.approx(2 / 3)  # one of one found, one of two said


def test_the_loss_is_that_of_the_questions_and_of_the_phonemes():
    target = {"said": torch.tensor([[1, 3, 0, 0]]), "phonemes": torch.tensor([[0, 2]])}
    nothing = torch.zeros(1, sum(SIZES)), torch.zeros(1, 2, 5)
    assert commands_loss(nothing, target).item() == pytest.approx(torch.tensor(SIZES).log().sum().item() + math.log(5))
    none = {"said": torch.tensor([[0, 0, 0, 0]]), "phonemes": target["phonemes"]}
    assert commands_loss(nothing, none).item() == pytest.approx(math.log(SIZES[0]) + math.log(5))  # no slots where nothing is wanted
    right = answered([1, 3, 0, 0]), 20 * F.one_hot(torch.tensor([[0, 2]]), 5).float()
    assert commands_loss(right, target) < 0.01
