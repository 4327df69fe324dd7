import numpy as np
import pytest
import torch
from torch import nn

from dlnb.generate.models.composer import KEYS, Composer
from dlnb.generate.music import as_score
from dlnb.generate.writing import harmonise, nats_a_frame, next_frame, settings, write

MELODY = [72, 74, 76, 0, 77, 79]


@pytest.fixture(params=[False, True], ids=["sets", "voices that cross"])
def model(request):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Composer(width=16, layers=1, heads=2, crossing=request.param)
        nn.init.normal_(model.head.weight)
        nn.init.normal_(model.steps.weight, std=0.1)
    return model


def test_a_beginning_is_kept_and_written_on(model):
    beginning = [[72, 67, 64, 48], [72, 65, 60, 53]]
    written = write(model, beginning, 5, seed=0)
    assert written.shape == (7, 4) and written[:2].tolist() == beginning
    assert np.array_equal(as_score(written), written)


def test_the_same_seed_writes_the_same_and_another_one_does_not(model):
    assert np.array_equal(write(model, None, 8, seed=3), write(model, None, 8, seed=3))
    assert not np.array_equal(write(model, None, 8, seed=3), write(model, None, 8, seed=4))


def test_at_temperature_0_the_likeliest_note_is_taken_whatever_the_seed(model):
    assert np.array_equal(write(model, None, 4, temperature=0, seed=1), write(model, None, 4, temperature=0, seed=2))


def test_the_frames_of_a_model_of_sets_are_sets_from_high_to_low():
    written = write(Composer(width=16, layers=1, heads=2), None, 20, seed=0)
    for row in written.tolist():
        sung = [note for note in row if note]
        assert sung == sorted(set(sung), reverse=True) and row == sung + [0] * (4 - len(sung))


def test_the_melody_is_sung_as_it_was_given(model):
    made = harmonise(model, MELODY, seed=0)
    assert made.shape == (6, 4) and made[:, 0].tolist() == MELODY
    assert made[0, 1:].any()
    assert np.array_equal(made, harmonise(model, MELODY, seed=0))


def test_writing_leaves_the_model_as_it_was(model):
    for training in (True, False):
        model.train(training)
        write(model, None, 2, seed=0)
        assert model.training == training and torch.is_grad_enabled()


def test_what_is_drawn_comes_as_often_as_the_model_says():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Composer(width=8, layers=1, heads=2, voices=2, crossing=True).eval()
        nn.init.normal_(model.head.bias, std=2.0)
    with torch.no_grad():
        chances = model(torch.zeros(1, 1, 2, dtype=torch.long))[0, 0, 0].softmax(0)
        drawn, _ = next_frame(model, torch.zeros(20_000, 0, 2, dtype=torch.long), 1.0, torch.Generator().manual_seed(0))
    often = torch.bincount(drawn[:, 0], minlength=KEYS + 1) / 20_000
    assert (often - chances).abs().max() < 0.015


class Told(Composer):
    """A model of two notes, whose second voice tells what the first will sing next: only who looks ahead can sing it right."""

    def sing(self, heard, notes, before):
        logits = torch.full((*notes.shape, KEYS + 1), -30.0)
        logits[..., 0, 40], logits[..., 0, 42] = before[..., 1] - 21.0, 21.0 - before[..., 1]  # 20 told of 42, 22 of 40
        logits[..., 1, 20] = logits[..., 1, 22] = 0.0
        return logits


def test_many_tries_find_the_voices_that_fit_what_the_melody_does_next():
    model = Told(width=8, heads=2, voices=2, crossing=True)
    melody = [60, 62, 60, 60, 62, 62]  # keys 40 and 42
    made = harmonise(model, melody, seed=0, tries=64)
    told = np.where(np.array(melody[1:]) == 62, 40, 42)  # MIDI numbers of the keys 20 and 22
    assert (made[:-1, 1] == told).mean() >= 0.8
    one = np.mean([(harmonise(model, melody, seed=seed, tries=1)[:-1, 1] == told).mean() for seed in range(20)])
    assert one < 0.7  # who does not look ahead is right by chance alone


def test_several_melodies_are_set_side_by_side(model):
    melodies = torch.tensor([[50, 52, 54], [57, 55, 53]])
    made = settings(model, melodies, 1.0, 0, tries=3)
    assert made.shape == (2, 3, 4) and torch.equal(made[..., 0], melodies)


def test_nats_of_an_untrained_model_are_those_of_equal_chances():
    score = [[72, 67, 64, 48]] * 3
    keys = [note - 20 for note in score[0]]
    expected = np.log(KEYS + 1) + sum(np.log(above) for above in keys[:3])  # as many lower keys as that, silence among them
    assert nats_a_frame(Composer(width=8, heads=2), score) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("melody", "said"),
    [
        ([], "empty"),
        ([0, 0], "silent throughout"),
        ([72, 40], "out of the range C3"),
        ([72, 100], "out of the range C3"),
        ([72.5], "whole numbers"),
        ([float("nan")], "NaN"),
        ([[72, 67]], "one note at a time"),
    ],
)
def test_a_melody_that_cannot_be_set_is_refused_in_words(model, melody, said):
    with pytest.raises(ValueError, match=said):
        harmonise(model, melody)


def test_what_cannot_be_written_is_refused_in_words(model):
    with pytest.raises(ValueError, match="4 voices, but the score has 3"):
        write(model, [[72, 67, 64]])
    with pytest.raises(ValueError, match="frames must be from 1"):
        write(model, None, 0)
    with pytest.raises(ValueError, match="temperature"):
        write(model, None, 4, temperature=float("nan"))
    with pytest.raises(ValueError, match="temperature"):
        harmonise(model, MELODY, temperature=-1)
    with pytest.raises(ValueError, match="tries"):
        harmonise(model, MELODY, tries=0)
    with pytest.raises(TypeError, match="Composer, got a Linear"):
        write(nn.Linear(1, 1))


def test_voices_that_meet_are_refused_by_a_model_of_sets():
    model = Composer(width=8, heads=2)
    with pytest.raises(ValueError, match=r"in frame 1 they are \[72, 72, 60, 50\]"):
        write(model, [[72, 67, 60, 50], [72, 72, 60, 50]])
    with pytest.raises(ValueError, match="silent voices last"):
        nats_a_frame(model, [[72, 0, 60, 50]])
