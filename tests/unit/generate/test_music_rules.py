import pytest

from dlnb.generate.music_rules import crossings, key_of, parallels


def test_parallel_fifths_and_octaves_are_counted():
    assert parallels([[67, 60], [69, 62]], 7) == 1
    assert parallels([[72, 60], [74, 62], [76, 64]], 0) == 2
    assert parallels([[79, 60], [81, 62]], 7) == 1  # an octave wider is a fifth too


def test_a_fifth_that_stands_still_or_moves_apart_is_none():
    assert parallels([[67, 60], [67, 60]], 7) == 0
    assert parallels([[67, 60], [62, 67], [0, 0]], 7) == 0
    assert parallels([[67, 60], [0, 0], [69, 62]], 7) == 0  # with a silence between


def test_voices_that_cross_are_counted_also_over_a_silent_one():
    assert crossings([[72, 67, 60], [60, 67, 55], [60, 0, 62], [60, 60, 60]]) == 2


def test_the_key_is_that_of_the_scale():
    assert key_of([[note] for note in (67, 69, 71, 72, 74, 76, 78)]) == ("G", 1.0)
    tonic, share = key_of([[note] for note in (60, 62, 64, 65, 67, 69, 71, 61)])
    assert tonic == "C" and share == pytest.approx(7 / 8)


def test_what_has_no_answer_is_refused_in_words():
    with pytest.raises(ValueError, match="silent throughout"):
        key_of([[0, 0]])
    with pytest.raises(ValueError, match="0 to 11 semitones, got 12"):
        parallels([[60, 60]], 12)
    with pytest.raises(ValueError, match="shape"):
        crossings([60])
