"""The Fourier transform, the mel filterbank and the pictures that models listen to."""

import math

import numpy as np
import pytest
import torch

from dlnb.speech.features import (
    HOP,
    MELS,
    QUIETEST,
    RATE,
    WINDOW,
    as_logarithms,
    as_numbers,
    frames_of,
    hertz_to_mel,
    log_mel,
    mel_filters,
    picture,
    stft,
)

SOUND = torch.rand(3, 4_000, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(("window", "hop"), [(256, 80), (200, 80), (64, 64)])
def test_the_transform_is_pytorchs(window, hop):
    reference = torch.stft(SOUND, window, hop, window=torch.hann_window(window), center=False, return_complex=True)
    assert (stft(SOUND, window, hop) - reference.transpose(1, 2)).abs().max() < 1e-4


def test_the_transform_is_scipys():
    from scipy.signal import ShortTimeFFT, get_window

    reference = ShortTimeFFT(get_window("hann", WINDOW), HOP, RATE, phase_shift=None).stft(SOUND[0].double().numpy())
    begin = math.ceil(WINDOW / 2 / HOP)  # scipy's first frames begin before the sound
    ours = stft(SOUND[0].double().float()[begin * HOP - WINDOW // 2 :])
    few = min(len(ours), reference.shape[1] - begin - 3) - 1
    theirs = reference.T[begin + np.arange(few) - int(ShortTimeFFT(get_window("hann", WINDOW), HOP, RATE).p_min)]
    assert np.abs(np.abs(ours[:few].numpy()) - np.abs(theirs)).max() < 1e-4


def test_the_filterbank_is_triangles_that_meet_at_their_neighbours_peaks():
    """Against each triangle drawn by NumPy through its three corners."""
    corners = 700 * (10 ** (np.linspace(hertz_to_mel(60), hertz_to_mel(3_900), MELS + 2) / 2595) - 1)
    hertz = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    reference = np.stack([np.interp(hertz, corners[band : band + 3], [0, 1, 0]) for band in range(MELS)], 1)
    assert np.abs(mel_filters().numpy() - reference).max() < 1e-4


def test_a_thousand_hertz_are_a_thousand_mel():
    assert hertz_to_mel(1_000) == pytest.approx(1_000, abs=0.1)


@pytest.mark.parametrize("hertz", [300, 1_000, 2_500])
def test_a_tone_is_loudest_in_the_band_that_it_lies_in(hertz):
    tone = torch.sin(2 * math.pi * hertz * torch.arange(RATE) / RATE)
    corners = torch.linspace(hertz_to_mel(60), hertz_to_mel(3_900), MELS + 2)
    expected = (corners[1:-1] - hertz_to_mel(hertz)).abs().argmin()
    assert abs(int(log_mel(tone).mean(0).argmax()) - int(expected)) <= 1


def test_a_frame_is_made_of_its_own_samples_only():
    other = SOUND.clone()
    other[:, 5 * HOP + WINDOW :] = 0
    assert torch.equal(log_mel(SOUND)[:, :6], log_mel(other)[:, :6])


def test_silence_is_the_quietest_and_a_picture_keeps_logarithms_to_a_thirtieth():
    assert (log_mel(torch.zeros(WINDOW)) == pytest.approx(QUIETEST)) and not picture(torch.zeros(WINDOW)).any()
    exact = log_mel(SOUND).clamp(max=0)
    assert (as_logarithms(picture(SOUND)) - exact).abs().max() < 1 / 30


def test_pictures_are_bytes_and_what_models_read_is_about_unit_size():
    made = picture(SOUND * 0.1)
    assert made.dtype == torch.uint8 and made.shape == (3, frames_of(4_000), MELS)
    assert as_numbers(made).abs().max() < 4 and torch.equal(as_numbers(as_logarithms(made)), as_numbers(made))


def test_a_sound_shorter_than_a_frame_is_refused():
    assert frames_of(WINDOW) == 1 and frames_of(WINDOW - 1) == 0
    with pytest.raises(ValueError, match="255 samples, but one frame needs 256"):
        stft(torch.zeros(WINDOW - 1))


def test_a_filterbank_above_half_the_rate_is_refused():
    with pytest.raises(ValueError, match="half the rate"):
        mel_filters(high=5_000.0)
