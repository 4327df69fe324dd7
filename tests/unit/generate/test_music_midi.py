import mido
import numpy as np
import pytest
from numpy.random import RandomState

from dlnb.generate.music import as_score
from dlnb.generate.music_midi import read_midi, save_midi

SCORE = as_score([[72, 67, 0, 48], [72, 69, 65, 48], [0, 0, 0, 0], [74, 74, 62, 50], [0, 70, 0, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize("per_quarter", [1, 2, 4])
def test_a_score_that_is_saved_is_read_again(tmp_path, per_quarter):
    assert np.array_equal(read_midi(save_midi(SCORE, tmp_path / "a.mid", per_quarter=per_quarter), per_quarter), SCORE)


def test_any_score_comes_back(tmp_path):
    draw = RandomState(0)
    for _ in range(10):
        score = draw.randint(21, 109, (draw.randint(1, 40), draw.randint(1, 6)))
        score[draw.rand(*score.shape) < 0.3] = 0
        score[0] = 60  # a voice that is silent throughout would leave no notes to read
        assert np.array_equal(read_midi(save_midi(score, tmp_path / "a.mid")), score)


def test_voices_may_cross_and_come_back_as_they_were(tmp_path):
    score = as_score([[60, 64], [64, 60], [62, 62]])
    assert np.array_equal(read_midi(save_midi(score, tmp_path / "a.mid")), score)


def test_a_note_is_struck_again_at_each_quarter_and_held_within_it(tmp_path):
    file = mido.MidiFile(save_midi(np.full((8, 1), 60), tmp_path / "a.mid", tempo=100, per_quarter=4))
    assert sum(message.type == "note_on" for message in file.tracks[0]) == 2
    assert file.length == pytest.approx(2 * 60 / 100)


def played(path, messages, **arguments):
    file = mido.MidiFile(ticks_per_beat=100, **arguments)
    file.tracks.append(mido.MidiTrack(messages))
    file.save(path)
    return path


def test_chords_in_one_track_become_frames_from_high_to_low(tmp_path):
    chord = [mido.Message("note_on", note=note) for note in (60, 64, 67)]
    ends = [mido.Message("note_on", note=note, velocity=0, time=200 * (note == 60)) for note in (60, 64, 67)]
    assert read_midi(played(tmp_path / "a.mid", chord + ends)).tolist() == [[67, 64, 60]] * 2


def test_a_hand_that_is_a_little_late_is_forgiven_and_the_drums_are_left_out(tmp_path):
    late = [
        mido.Message("note_on", channel=9, note=40), mido.Message("note_on", note=60, time=10), mido.Message("note_off", note=60, time=100),
        mido.Message("note_on", note=62), mido.Message("note_off", note=62, time=95), mido.Message("note_off", channel=9, note=40),
    ]  # fmt: skip
    assert read_midi(played(tmp_path / "a.mid", late)).tolist() == [[60], [62]]


def test_a_damaged_file_is_refused_in_words(tmp_path):
    whole = save_midi(SCORE, tmp_path / "whole.mid").read_bytes()
    wrong = tmp_path / "wrong.mid"
    for content in (b"", b"MThd", b"RIFF" + whole, whole[: len(whole) // 2], whole[:20], b"\0" * 100, whole[:30] + b"\xff" * 60):
        wrong.write_bytes(content)
        with pytest.raises(ValueError, match=r"wrong\.mid"):
            read_midi(wrong)


def test_no_flipped_byte_ends_in_anything_but_a_score_or_a_refusal(tmp_path):
    whole, draw = save_midi(SCORE, tmp_path / "whole.mid").read_bytes(), RandomState(0)
    wrong, refused = tmp_path / "wrong.mid", 0
    for _ in range(300):
        content = bytearray(whole)
        content[draw.randint(len(content))] = draw.randint(256)
        wrong.write_bytes(content)
        try:
            as_score(read_midi(wrong))
        except ValueError as error:
            assert "wrong.mid" in str(error)
            refused += 1
    assert 0 < refused < 300


def test_files_without_music_are_refused_in_words(tmp_path):
    note = [mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=100)]
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(ValueError, match="has no notes"):
        read_midi(played(tmp_path / "a.mid", []))
    with pytest.raises(ValueError, match="note 5; a piano has 21 to 108"):
        read_midi(played(tmp_path / "b.mid", [mido.Message("note_on", note=5), mido.Message("note_off", note=5, time=100)]))
    with pytest.raises(ValueError, match="at most 20,000 are read"):
        read_midi(played(tmp_path / "c.mid", [*note, mido.MetaMessage("end_of_track", time=200_000_000)]))


def test_what_cannot_be_written_is_refused_in_words(tmp_path):
    with pytest.raises(ValueError, match="tempo"):
        save_midi(SCORE, tmp_path / "a.mid", tempo=0)
    with pytest.raises(ValueError, match="tempo"):
        save_midi(SCORE, tmp_path / "a.mid", tempo=float("nan"))
    with pytest.raises(ValueError, match="a quarter has 1, 2, 3, 4, 6, 8 or 12 frames, got 5"):
        save_midi(SCORE, tmp_path / "a.mid", per_quarter=5)
    with pytest.raises(ValueError, match="15 channels"):
        save_midi(np.full((2, 16), 60), tmp_path / "a.mid")
    assert not (tmp_path / "a.mid").exists()
