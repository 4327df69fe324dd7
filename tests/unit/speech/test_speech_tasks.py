"""Tasks of hearing: their data, their splits, and what they measure."""

import os

import numpy as np
import pytest
import torch

import dlnb as dl
from dlnb.data import store
from dlnb.data.sets import DataSet, File
from dlnb.preview import Captioned
from dlnb.speech import DIGITS, ENGLISH, SoundError
from dlnb.speech.batches import LATE, AlignedBatches, SoundBatches
from dlnb.speech.digits import SPEAKERS, official, read_digits, without
from dlnb.speech.errors import WordErrors, sentences_right
from dlnb.speech.features import MELS, MIDDLE, SPREAD, as_logarithms, picture
from dlnb.speech.joined import JoinedDigits

FSDD = pytest.mark.skipif(not os.path.isdir(f"{os.environ.get('DLNB_DATA', '')}/fsdd"), reason="needs fsdd in DLNB_DATA")
SMALL = {
    "commands": {"said": 50},
    "transcription": {"sentences": 20, "phrases": 30, "batch_size": 4},
    "wake_word": {"clips": 12, "minutes": 1},
}


@pytest.fixture(scope="module", params=SMALL)
def task(request):
    return getattr(dl.speech, request.param)(**SMALL[request.param])


def test_batches_are_the_same_for_the_same_seed(task):
    def batch(seed, position=0):
        torch.manual_seed(0)  # as the engine does at each step
        return task.train.batch(seed, 1, position)[0]

    first = batch(5)
    assert torch.equal(first, batch(5)) and first.shape[2] == MELS
    assert first.shape != batch(6).shape or not torch.equal(first, batch(6))


def test_no_sound_is_in_two_splits(task):
    kept = [{row.numpy().tobytes() for position in range(len(split)) for row in split.batch(0, 0, position)[0]} for split in (task.valid, task.test)]
    assert not kept[0] & kept[1] and all(kept)


def test_a_preview_shows_pictures_and_texts(task):
    with dl.seeded(0):
        (make,) = task.models.values()
        shown = task.preview(make().eval())
    assert isinstance(shown, Captioned) and shown.pixels.shape[1] == MELS and shown.truth is not None and shown.said is not None
    assert isinstance(task.show(task.valid.batch(0, 0, 0)[0]), Captioned)


def test_a_run_trains_and_its_metrics_are_shares(task):
    with dl.seeded(0):
        (make,) = task.models.values()
        run = dl.fit(make(), task, start=False)
    run.step(2)
    found = run.evaluate("valid")
    assert set(found) == {"loss", *task.metrics} and all(value >= 0 for value in found.values())


def test_baselines_are_measured_by_the_same_metrics(task):
    measured = task.measure_baselines()
    assert measured and all(set(found) == set(task.metrics) for found in measured.values())


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("commands", {"said": 3}, "50 commands or more"),
        ("transcription", {"sentences": 3}, "20 sentences or more"),
        ("transcription", {"phrases": -1}, "phrases must be 0 or more"),
        ("wake_word", {"clips": 1}, "12 clips and 1 minute"),
        ("connected_digits", {"digits": 2}, "digits must be 3 to 12"),
        ("connected_digits", {"rows": 0}, "rows must be 1 or more"),
        ("connected_digits", {"takes": 5}, "takes must be 12 to 50"),
        ("free_spoken_digits", {"speaker": "nobody"}, "'george', 'jackson'"),
    ],
)
def test_wrong_settings_are_refused_in_words(name, wrong, message):
    with pytest.raises(ValueError, match=message):
        getattr(dl.speech, name)(**wrong)


def sounds():
    lengths = torch.tensor([30, 10, 20, 40])
    return (torch.arange(4)[:, None, None] * torch.ones(4, 40, MELS)).to(torch.uint8), lengths, torch.arange(4)


def test_a_batch_is_as_short_as_it_can_be_and_the_first_epoch_goes_from_short_to_long():
    batches = SoundBatches(*sounds(), size=2, shuffle=True, shortest_first=True)
    first, second = (batches.batch(0, 0, position) for position in range(2))
    assert first[0].shape[1] == 20 and second[0].shape[1] == 40
    assert first[1].tolist() == [1, 2] and second[1].tolist() == [0, 3]
    seen = [label for position in range(2) for label in batches.batch(0, 1, position)[1].tolist()]
    assert sorted(seen) == [0, 1, 2, 3]


def test_without_shuffling_every_batch_is_as_long_as_the_longest_of_all():
    assert SoundBatches(*sounds(), size=2).batch(0, 0, 0)[0].shape == (2, 40, MELS)


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1])
def test_phonemes_stay_with_the_frames_they_sound_in_at_any_speed(factor):
    """The picture of each frame is its number; so it can be read off what the phoneme of each step should be."""
    pictures = torch.arange(60).repeat(2, 1)[:, :, None].repeat(1, 1, MELS).to(torch.uint8)
    phonemes = torch.arange(60).repeat(2, 1).to(torch.uint8)
    vary = lambda x: torch.nn.functional.interpolate(x.float().transpose(1, 2), round(60 * factor)).transpose(1, 2)  # noqa: E731
    batches = AlignedBatches(pictures, torch.tensor([60, 60]), torch.zeros(2, 1, dtype=torch.int64), phonemes, size=2, vary=vary)
    numbers, target = batches.batch(0, 0, 0)
    for step, phoneme in enumerate(target["phonemes"][0].tolist()):
        assert abs(phoneme - numbers[0, max(0, 3 * step - LATE), 0].item()) <= 2


def test_word_errors_are_words_left_out_put_in_and_replaced():
    errors, target = WordErrors(ENGLISH), ENGLISH.rows(["a red key", "the door"])
    assert errors(["a red key", "the door"], target) == 0
    assert errors(["a bed key", "the open door"], target) == pytest.approx(2 / 5)
    assert sentences_right(ENGLISH, ["a red key", "a door"], target) == 0.5


@FSDD
def test_the_official_split_is_by_takes_and_nothing_is_in_two():
    spoken = read_digits()
    parts = official(spoken.take)
    assert [len(part) for part in parts] == [2_400, 300, 300] and sorted(torch.cat(parts).tolist()) == list(range(3_000))
    assert sorted(spoken.take[parts[2]].unique().tolist()) == [0, 1, 2, 3, 4]


@FSDD
def test_a_speaker_who_is_held_out_is_heard_in_the_test_only():
    spoken = read_digits()
    for who in range(len(SPEAKERS)):
        train, valid, test = without(spoken.speaker, spoken.take, who)
        assert (len(train), len(valid), len(test)) == (2_250, 250, 500)
        assert spoken.speaker[test].unique().tolist() == [who] and who not in spoken.speaker[torch.cat([train, valid])]


@FSDD
def test_rows_of_digits_use_only_their_own_recordings_by_one_speaker():
    spoken = read_digits(takes=12)
    train, _, test = official(spoken.take)
    rows = JoinedDigits(spoken, test, rows=30, size=10, most=4)
    assert set(rows.sounds) == set(test.tolist()) and not set(rows.sounds) & set(train.tolist())
    numbers, target = rows.batch(0, 0, 0)
    again = rows.batch(3, 7, 0)
    assert torch.equal(numbers, again[0]) and torch.equal(target, again[1])  # the same each epoch
    lengths = (target > 0).sum(1)
    assert lengths.min() >= 3 and lengths.max() <= 4 and target.max() <= 10
    sound, digits = rows.row(0)
    assert len(sound) > sum(spoken.sounds[place].size for place in test[:1]) and rows.text(0) == " ".join(map(str, digits))


@FSDD
def test_rows_to_learn_from_are_others_each_epoch():
    spoken = read_digits(takes=12)
    rows = JoinedDigits(spoken, official(spoken.take)[0], rows=8, size=8, anew=True)
    targets = [rows.batch(seed, epoch, 0)[1].tolist() for seed, epoch in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert targets[0] == targets[3] and targets[0] != targets[1] and targets[0] != targets[2]


@FSDD
def test_rows_joined_from_pictures_look_like_rows_joined_in_samples():
    spoken = read_digits(takes=12)
    rows = JoinedDigits(spoken, official(spoken.take)[0], rows=8, size=8, anew=True)
    for number in range(8):
        numbers, target = rows.cut(0, 3, number, 1)
        sound, digits = rows.row(number, 0, 3)
        assert (target[target > 0] - 1).tolist() == digits.tolist()
        heard = picture(torch.from_numpy(sound))
        assert abs(numbers.shape[1] - len(heard)) <= 2 * len(digits)
        bands = [(numbers[0] * SPREAD + MIDDLE).exp().mean(0), as_logarithms(heard).exp().mean(0)]
        assert torch.corrcoef(torch.stack(bands))[0, 1] > 0.99 and abs((bands[0].sum() / bands[1].sum()).log()) < 0.1


@FSDD
def test_digits_beat_their_baselines_after_a_few_epochs():
    task = dl.speech.free_spoken_digits(takes=20)
    with dl.seeded(0):
        model = task.models["SoundCNN"]()
    run = dl.fit(model, task, lr=3e-3, epochs=4, schedule="cosine", threads=1, block=True)
    assert run.evaluate("test")["accuracy"] > task.measure_baselines()["the most frequent digit"]["accuracy"] + 0.5
    assert len(task.classes) == len(DIGITS.signs) == 10


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text("no sound"), "is no sound that can be read"),
        (lambda path: __import__("soundfile").write(path, np.zeros(100), 16_000), "has 16000 Hz"),
        (lambda path: __import__("soundfile").write(path, np.zeros((100, 2)), 8_000), r"shape \(100, 2\)"),
        (lambda path: __import__("soundfile").write(path, np.zeros(0), 8_000), r"shape \(0,\)"),
    ],
)
def test_a_recording_that_is_none_is_named(tmp_path, monkeypatch, write, message):
    import hashlib

    name = "recordings/0_george_0.wav"
    where = tmp_path / "broken" / name
    where.parent.mkdir(parents=True)
    write(where)
    file = File(("https://nowhere.invalid/" + name,), where.stat().st_size, hashlib.sha256(where.read_bytes()).hexdigest())
    monkeypatch.setenv("DLNB_DATA", str(tmp_path))
    monkeypatch.setattr(store, "_sets", {**store._sets, "broken": DataSet("broken", "", "", "", {name: file})})
    monkeypatch.setattr("dlnb.speech.digits.SPEAKERS", ("george",))
    monkeypatch.setattr("dlnb.speech.digits.fetch", lambda source, names: {one: store.path(source, name) for one in names})
    with pytest.raises(SoundError, match=message):
        read_digits.__wrapped__("broken", 1)
