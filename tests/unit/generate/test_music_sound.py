import numpy as np
import pytest
import soundfile

from dlnb.generate.music_sound import LOUDEST, save_wav, sound, tone


def test_a_note_has_its_pitch():
    heard = tone(69, 1.0, 22_050)
    spectrum = np.abs(np.fft.rfft(heard[: 22_050]))
    assert spectrum.argmax() == 440  # Hz, as there is one bin a hertz


def test_nothing_is_clipped_however_many_voices_sing():
    heard = sound(np.tile(np.arange(40, 100, 4), (4, 1)))
    assert heard.dtype == np.float32 and np.abs(heard).max() == pytest.approx(LOUDEST)


def test_silence_is_silent_and_notes_are_not():
    heard = sound([[69], [0], [0], [69]], tempo=60, rate=8_000)
    assert np.abs(heard[:8_000]).max() > 0.1
    assert not heard[9_000:24_000].any()
    assert np.abs(heard[24_000:]).max() > 0.1
    assert not sound([[0, 0]]).any()


def test_it_lasts_as_long_as_the_score():
    assert len(sound(np.full((8, 1), 60), tempo=120, per_quarter=2, rate=8_000)) == pytest.approx(2.06 * 8_000, abs=2)


def test_no_note_begins_or_ends_with_a_crack():
    heard = tone(60, 0.5, 22_050)
    assert abs(heard[0]) < 1e-3 and abs(heard[-1]) < 0.01


def test_a_high_note_has_no_tones_below_it():
    heard = tone(108, 1.0, 8_000)  # 4,186 Hz is more than 8,000 samples a second can hold
    assert not heard.any()


def test_a_wav_file_holds_what_was_heard(tmp_path):
    score = [[72, 60], [71, 62]]
    read, rate = soundfile.read(save_wav(score, tmp_path / "a.wav"), dtype="float32")
    assert rate == 22_050
    assert np.abs(read - sound(score)).max() < 1e-4


@pytest.mark.parametrize("wrong", [{"rate": 100}, {"rate": 1e6}, {"tempo": -1}, {"per_quarter": 0}])
def test_what_cannot_be_heard_is_refused_in_words(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong))).replace("per_quarter", "frames")):
        sound([[60]], **wrong)
