"""Models that listen, and streams that they listen to."""

import numpy as np
import pytest
import torch

import dlnb as dl
from dlnb.speech import Assistant, Commander, Hearing, Letters, Listener, SoundCNN, SoundError, Spotter, transcribe
from dlnb.speech.features import MELS, RATE, as_numbers, picture
from dlnb.speech.hearing import AFTER, Frames
from dlnb.speech.house import SIZES
from dlnb.speech.voices import spoken

LETTERS = Letters(" abcdefgh")


@pytest.fixture(scope="module")
def sound():
    return next(spoken(["turn on the kitchen light"], ["m7"], seed=0)).samples


@pytest.fixture
def talkative():
    """An untrained model that says a letter in many frames."""
    with dl.seeded(0):
        model = Listener(len(LETTERS), 32, dilations=(1, 2))
        torch.nn.init.normal_(model.head.weight, std=1.0)
        torch.nn.init.zeros_(model.head.bias)
    return model.eval()


def cut(sound, sizes):
    places = np.cumsum(sizes)
    return np.split(sound, places[places < len(sound)])


@pytest.mark.parametrize("size", [1_000, 160, 777, 100_000])
def test_a_stream_has_the_frames_of_the_whole(sound, size):
    frames = Frames()
    pieces = [frames.of(piece) for piece in cut(sound, [size] * 200)]
    assert torch.equal(torch.cat(pieces, 1)[0], as_numbers(picture(torch.from_numpy(sound))))


@pytest.mark.parametrize("sizes", [[3] * 100, [1, 2, 50] * 5, [100, 1], [7] * 40])
def test_a_listener_reads_pieces_as_it_reads_the_whole(talkative, sound, sizes):
    pictures = as_numbers(picture(torch.from_numpy(sound)))[None]
    state, read, place = None, [], 0
    with torch.inference_mode():
        for size in sizes:
            logits, state = talkative.read(pictures[:, place : place + size], state)
            read.append(logits)
            place += size
        whole = talkative(pictures[:, :place])
    assert torch.cat(read, 1).shape[1] == whole.shape[1] == pictures[:, :place].shape[1] // 3
    assert (torch.cat(read, 1) - whole).abs().max() < 1e-4


@pytest.mark.parametrize("size", [80, 333, 2_000])
def test_hearing_writes_the_text_of_the_whole_whatever_the_pieces(talkative, sound, size):
    hearing = Hearing(talkative, LETTERS)
    texts = [hearing.hear(piece) for piece in cut(sound, [size] * 200)]
    assert all(later.startswith(earlier) for earlier, later in zip(texts, texts[1:], strict=False))
    assert hearing.end() == transcribe(talkative, LETTERS, sound) and len(hearing.text) > 5
    hearing.begin()
    assert hearing.text == ""


def test_what_comes_later_changes_nothing_before(talkative):
    pictures = torch.randn(1, 60, MELS)
    other = pictures.clone()
    other[:, 30:] = 0
    with torch.inference_mode():
        assert torch.equal(talkative(pictures)[:, :10], talkative(other)[:, :10])


@pytest.mark.parametrize("piece", [np.zeros((2, 100)), np.array([np.nan] * 100), np.full(100, 12_000.0)])
def test_a_piece_that_is_no_sound_is_refused(talkative, piece):
    with pytest.raises(SoundError, match="piece of a stream"):
        Hearing(talkative, LETTERS).hear(piece)


@pytest.mark.parametrize(
    ("model", "frames", "shape"),
    [
        (lambda: SoundCNN(10), 80, (2, 10)),
        (lambda: SoundCNN(10), 51, (2, 10)),
        (lambda: Listener(28), 100, (2, 33, 28)),
        (lambda: Spotter(), 100, (2, 33)),
        (lambda: Commander(SIZES), 100, (2, sum(SIZES))),
    ],
)
def test_models_give_what_they_say(model, frames, shape):
    assert model()(torch.randn(2, frames, MELS)).shape == shape


def test_a_listener_that_says_phonemes_gives_both():
    letters, phonemes = Listener(28, 32, phonemes=40)(torch.randn(2, 90, MELS))
    assert letters.shape == (2, 30, 28) and phonemes.shape == (2, 30, 40)


def test_an_assistant_answers_when_the_speaker_has_ended_and_is_quiet_in_silence(sound):
    with dl.seeded(0):
        assistant = Assistant(Commander(SIZES))
    quiet = np.zeros(RATE // 50, np.float32)
    assert all(assistant.hear(quiet) is None for _ in range(100))
    loud = np.flatnonzero(np.abs(sound) > 0.01)[-1]
    pieces = cut(np.concatenate([sound[:loud], np.zeros(RATE, np.float32)]), [160] * 1_000)
    answered = [place for place, piece in enumerate(pieces) if assistant.hear(piece) is not None]
    assert len(answered) == 1 and 0 < answered[0] * 160 - loud < 0.3 * RATE


def test_an_assistant_says_what_the_model_says_of_the_whole(sound):
    with dl.seeded(0):
        model = Commander(SIZES).eval()
        torch.nn.init.normal_(model.head.weight, std=1.0)
    assistant = Assistant(model)
    whole = np.concatenate([sound, np.zeros(RATE, np.float32)])
    for piece in cut(whole, [800] * 100):
        found = assistant.hear(piece)
        if found is not None:
            break
    from dlnb.speech.house import commanded, understood

    pictures = as_numbers(picture(torch.from_numpy(whole)))[None, : found.frames]
    with torch.inference_mode():
        assert found.command == commanded(understood(model(pictures))[0].tolist())


def test_a_text_is_letters_and_comes_back():
    assert LETTERS.decode(LETTERS.encode("a bad cab")) == "a bad cab" and AFTER > 0.3
    with pytest.raises(ValueError, match=r"'x', 'z' cannot be written"):
        LETTERS.encode("zax")
