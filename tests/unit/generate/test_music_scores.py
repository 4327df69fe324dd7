import numpy as np
import pytest
import torch

from dlnb.generate.music import (
    REST,
    as_melody,
    as_score,
    from_keys,
    from_sounding,
    note_name,
    roll,
    sounding,
    to_keys,
    transposed,
)

CHORD = [[72, 67, 64, 48], [72, 69, 65, 0]]


def test_a_set_of_notes_has_one_spelling_and_comes_back_from_it():
    frames = [[48, 64, 67, 72], [60], [], [50, 57]]
    score = from_sounding(frames)
    assert score.tolist() == [[72, 67, 64, 48], [60, 0, 0, 0], [0, 0, 0, 0], [57, 50, 0, 0]]
    assert sounding(score) == frames
    assert from_sounding([[64, 60, 60]]).tolist() == from_sounding([[60, 64]]).tolist()


def test_more_notes_than_voices_are_refused():
    with pytest.raises(ValueError, match="5 notes sound together, but there are 4 voices: give voices=5"):
        from_sounding([[60, 61, 62, 63, 64]])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([60, 62], r"shape \(frames, voices\)"),
        (np.zeros((0, 4)), "at least one of each"),
        ([[60.5]], "whole numbers"),
        ([[np.nan]], "NaN"),
        ([[np.inf]], "whole numbers"),
        ([["C4"]], "whole numbers"),
        ([[20]], "21 to 108"),
        ([[109]], "21 to 108"),
        ([[-1]], "21 to 108"),
    ],
)
def test_what_is_no_score_is_refused_in_words(wrong, said):
    with pytest.raises(ValueError, match=said):
        as_score(wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "empty"),
        ([0, 0], "silent throughout"),
        ([[60]], "one note at a time"),
        ([60, 100], r"C4 \(60\) to E7 \(100\), out of the range C3 \(48\) to C6 \(84\)"),
        ([47], "octave"),
        ([60, np.nan], "NaN"),
    ],
)
def test_what_is_no_melody_is_refused_in_words(wrong, said):
    with pytest.raises(ValueError, match=said):
        as_melody(wrong, lowest=48, highest=84)


def test_keys_of_a_piano_and_midi_numbers_go_both_ways():
    score = as_score([[108, 60, 21, REST]])
    assert to_keys(score).tolist() == [[88, 40, 1, 0]]
    assert from_keys(to_keys(score)).tolist() == score.tolist()
    assert to_keys(score).dtype == torch.int64


def test_transposing_leaves_silence_and_refuses_to_leave_the_piano():
    assert transposed(as_score(CHORD), -3).tolist() == [[69, 64, 61, 45], [69, 66, 62, 0]]
    with pytest.raises(ValueError, match="21 to 108"):
        transposed(as_score(CHORD), 40)


def test_notes_are_named_as_pianists_do():
    assert [note_name(note) for note in (21, 60, 70, 108, REST)] == ["A0", "C4", "B♭4", "C8", "–"]


def test_a_roll_has_high_notes_at_the_top_and_time_to_the_right():
    paper = roll(as_score([[REST], [REST]]), 60, 72, frame=5, key=2)
    picture = roll(as_score([[72], [60]]), 60, 72, frame=5, key=2)
    assert picture.shape == (26, 10, 3) and picture.dtype == np.uint8
    drawn = (picture != paper).any(2)
    assert drawn[:2, :4].all() and drawn[24:, 5:9].all() and drawn.sum() == 16


def test_a_roll_leaves_out_what_lies_outside_and_refuses_no_rows():
    assert np.array_equal(roll(as_score([[50, 80]]), 60, 72), roll(as_score([[REST, REST]]), 60, 72))
    with pytest.raises(ValueError, match="lowest ≤ highest"):
        roll(as_score(CHORD), 72, 60)
