"""Voices that are made on the spot, and what comes between them and a microphone."""

import numpy as np
import psutil
import pytest
import torch
from numpy.random import RandomState

from dlnb.speech.disturb import as_loud_as, at_level, disturbed, in_room, loudness, with_noise
from dlnb.speech.espeak import Utterance, say
from dlnb.speech.features import RATE, as_numbers
from dlnb.speech.recorded import recorded
from dlnb.speech.variety import covered, varied
from dlnb.speech.voices import ACCENTS, PEOPLE, PHONEMES, spoken


def tone(seconds=1.0):
    return (0.2 * np.sin(2 * np.pi * 500 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def test_the_same_list_sounds_the_same_to_the_bit():
    utterances = [Utterance("good morning", f"en-us+{who}") for who in ("f2", "f5", "m1")]
    for one, other in zip(say(utterances), say(utterances), strict=True):
        assert np.array_equal(one.samples, other.samples) and one.phonemes == other.phonemes


def test_every_person_can_speak_and_sounds_unlike_another():
    everyone = [who for part in PEOPLE.values() for who in part]
    said = [voice.samples for voice in say([Utterance("good morning", f"en-us+{who}") for who in everyone])]
    assert min(len(sound) for sound in said) > 10_000 and min(np.abs(sound.astype(int)).max() for sound in said) > 2_000
    kinds = {sound.tobytes() for sound in said}
    assert len(kinds) >= len(everyone) - 2  # Gene and Gene2, max and RicishayMax are the same throat, in one split each


def test_nobody_is_in_two_splits():
    everyone = [who for part in PEOPLE.values() for who in part]
    assert len(everyone) == len(set(everyone)) and all(PEOPLE.values())


def test_every_accent_is_known():
    assert all(len(voice.samples) for voice in say([Utterance("tea", accent) for accent in ACCENTS]))


def hertz(samples, rate=22_050):
    """The pitch, where the autocorrelation of the middle is largest."""
    middle = samples[len(samples) // 3 :][:4_096].astype(float)
    lags = np.correlate(middle, middle, "full")[len(middle) :]
    return rate / (50 + lags[50:400].argmax() + 1)


def test_what_is_said_faster_is_shorter_and_higher_voices_are_higher():
    slow, fast = say([Utterance("good morning", words=120), Utterance("good morning", words=240)])
    assert len(fast.samples) < 0.7 * len(slow.samples)
    low, high = (hertz(voice.samples) for voice in say([Utterance("are", pitch=pitch, melody=0) for pitch in (10, 90)]))
    assert high > 1.3 * low


def test_a_voice_that_there_is_not_is_named():
    with pytest.raises(ValueError, match="there is no voice 'en-us-nowhere'"):
        list(say([Utterance("hello"), Utterance("hello", "en-us-nowhere")]))


def test_what_is_not_asked_for_is_not_said():
    before = set(psutil.Process().children())
    voices = say([Utterance("good morning")] * 100_000)  # minutes, and gigabytes
    assert len(next(voices).samples)
    [speaker] = set(psutil.Process().children()) - before
    voices.close()
    assert not speaker.is_running()


def test_phonemes_come_when_they_sound():
    (voice,) = spoken(["my"], ["m1"], seed=0)
    signs = [PHONEMES[number] for number, _ in voice.phonemes]
    places = [place for _, place in voice.phonemes]
    assert signs[0] == "m" and signs[1].startswith(("aI", "aa")) and places == sorted(places) and places[-1] <= len(voice.samples)


def test_another_seed_is_another_way_of_saying_it():
    one, other = (next(spoken(["good morning"], PEOPLE["train"], seed)).samples for seed in (0, 1))
    assert len(one) != len(other) or not np.array_equal(one, other)


def test_a_room_echoes_after_the_sound_has_ended():
    clap = np.zeros(RATE, np.float32)
    clap[100] = 0.5
    there = in_room(clap, 0.3, RandomState(0))
    energy = lambda part: float((part**2).sum())  # noqa: E731
    assert energy(there[200:1_000]) > energy(there[1_500:2_300]) > energy(there[3_000:]) and np.abs(there[:100]).max() < 1e-6
    assert np.array_equal(in_room(clap, 0.0, RandomState(0)), clap)


@pytest.mark.parametrize("decibels", [0, 10, 20])
def test_noise_is_so_many_decibels_weaker(decibels):
    noise = with_noise(tone(), decibels, RandomState(0)) - tone()
    assert 20 * np.log10(loudness(tone()) / np.sqrt(np.mean(noise**2))) == pytest.approx(decibels, abs=0.1)


def test_brown_noise_is_lower_than_white():
    def centre(colour):
        power = np.abs(np.fft.rfft(with_noise(tone(), 0, RandomState(0), colour) - tone())) ** 2
        return (power * np.arange(len(power))).sum() / power.sum()

    assert centre(2.0) < centre(1.0) < centre(0.0)


def test_loudness_is_what_was_asked_and_pauses_do_not_count():
    assert 20 * np.log10(loudness(at_level(tone(), -20.0))) == pytest.approx(-20, abs=0.1)
    assert loudness(np.concatenate([tone(), np.zeros(RATE // 2, np.float32)])) == pytest.approx(loudness(tone()), rel=0.01)
    assert np.sqrt(np.mean(as_loud_as(tone(), 0.5 * tone()) ** 2)) == pytest.approx(np.sqrt(np.mean((0.5 * tone()) ** 2)), rel=1e-4)


def test_a_disturbed_sound_has_its_pauses_and_no_sample_out_of_range():
    there = disturbed(tone(), RandomState(0), before=0.1, after=0.4)
    assert len(there) == int(1.5 * RATE) and np.abs(there).max() <= 1 and there.dtype == np.float32


def test_recordings_know_which_phoneme_sounds_in_each_frame():
    made = recorded(("my tea", "a key"), PEOPLE["valid"], 3)
    assert made.pictures.shape[:2] == made.phonemes.shape and int(made.lengths.max()) == made.pictures.shape[1]
    loud = made.pictures[0].float().mean(1)
    sounding = made.phonemes[0] > 0
    assert loud[: made.lengths[0]][sounding[: made.lengths[0]]].mean() > loud[: made.lengths[0]][~sounding[: made.lengths[0]]].mean() + 10


PICTURES = (torch.rand(4, 60, 40, generator=torch.Generator().manual_seed(0)) * 255).to(torch.uint8)


def test_pictures_vary_with_the_default_generator_and_not_without():
    torch.manual_seed(1)
    one = varied(PICTURES)
    torch.manual_seed(1)
    again, other = varied(PICTURES), varied(PICTURES)
    assert torch.equal(one, again) and (one.shape != other.shape or not torch.equal(one, other))
    low, high = as_numbers(torch.tensor([0, 255], dtype=torch.uint8)).tolist()
    assert low - 1e-5 <= one.min() and one.max() <= high + 1e-5 and 53 <= one.shape[1] <= 67


def test_pictures_that_vary_in_nothing_stay_as_they_are():
    quiet = varied(PICTURES, speed=0.0, throat=0.0, loud=0.0, noise=(-60.0, -60.0), masks=0)
    assert (quiet - as_numbers(PICTURES)).abs().max() < 1e-3


def test_what_is_covered_is_bands_and_spans_and_not_too_many():
    torch.manual_seed(0)
    x = covered(torch.ones(50, 60, 40), masks=1)
    hidden = x == 0
    bands, spans = hidden.all(1).sum(1), hidden.all(2).sum(1)
    assert bands.max() <= 5 and spans.max() <= 8 and bands.max() > 0 and spans.max() > 0
    assert torch.equal(hidden, hidden.all(1, keepdim=True) | hidden.all(2, keepdim=True))
