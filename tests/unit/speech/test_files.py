"""Sounds in files, and what is wrong with some of them."""

import numpy as np
import pytest
import soundfile

from dlnb.speech import SoundError, read_sound
from dlnb.speech.files import heard

RATE = 8_000


def tone(seconds=0.5, rate=RATE, hertz=440, height=0.3):
    return (height * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture
def write(tmp_path):
    def to(name, samples, rate=RATE, **more):
        soundfile.write(tmp_path / name, samples, rate, **more)
        return tmp_path / name

    return to


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_a_file_is_read_as_it_was_written(write, name):
    sound = read_sound(write(name, tone()))
    assert sound.dtype == np.float32 and abs(len(sound) - 4_000) <= 64
    assert np.abs(sound[:4_000] - tone()[: len(sound)]).max() < 0.05


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_another_sample_rate_is_resampled(write, rate):
    sound = read_sound(write("a.wav", tone(rate=rate), rate))
    assert abs(len(sound) - 4_000) <= 2
    assert np.abs(sound[200:3_800] - tone()[200:3_800]).max() < 0.02


def test_what_the_rate_cannot_carry_is_filtered_out_and_does_not_come_back_lower(write):
    high = tone(rate=44_100, hertz=7_000)
    assert np.abs(read_sound(write("a.wav", high + 1e-3, 44_100))[200:-200]).max() < 0.01


def test_stereo_is_mixed_down(write):
    both = np.stack([tone(), np.zeros(4_000, np.float32)], 1)
    assert np.abs(read_sound(write("a.wav", both)) - tone() / 2).max() < 1e-3


def test_silence_is_refused(write):
    with pytest.raises(SoundError, match=r"quiet\.wav is silent: is the microphone muted"):
        read_sound(write("quiet.wav", np.zeros(4_000)))


def test_clipping_is_refused(write):
    with pytest.raises(SoundError, match=r"loud\.wav is clipped: \d+% of its samples"):
        read_sound(write("loud.wav", (5 * tone()).clip(-1, 1)))


def test_a_file_that_is_no_sound_is_refused(tmp_path):
    (tmp_path / "letter.wav").write_text("Dear Sir or Madam")
    with pytest.raises(SoundError, match=r"letter\.wav is no sound that can be read"):
        read_sound(tmp_path / "letter.wav")
    (tmp_path / "empty.wav").touch()
    with pytest.raises(SoundError, match=r"empty\.wav is no sound"):
        read_sound(tmp_path / "empty.wav")


def test_ten_minutes_are_refused(write):
    with pytest.raises(SoundError, match="lasts 600 s, but at most 60 s"):
        read_sound(write("long.wav", np.zeros(600 * RATE, np.int16)))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere\.wav"):
        read_sound(tmp_path / "nowhere.wav")


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (tone()[:100], RATE, "lasts 0.013 s"),
        (tone() * np.nan, RATE, "no numbers"),
        (tone() * 30_000, RATE, "divide 16-bit numbers by 32,768"),
        (np.zeros((2, 2, 2)), RATE, "shape"),
        (np.zeros((4_000, 9)), RATE, "at most 8 channels"),
        (tone(), 0, "rate of 0 Hz"),
    ],
)
def test_samples_that_are_no_sound_are_refused_in_words(samples, rate, message):
    with pytest.raises(SoundError, match=message):
        heard(samples, rate)
