import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import dlnb as dl
from dlnb.generate.bach import Chorale
from dlnb.generate.models.composer import KEYS, Composer
from dlnb.generate.music import from_sounding, to_keys
from dlnb.generate.music_batches import IGNORED, PieceBatches
from dlnb.generate.tasks.music import by_tune, each_after_its_last, each_by_itself, nats
from dlnb.generate.writing import nats_a_frame
from dlnb.preview import Captioned

DATA = Path(os.environ.get("DLNB_DATA", "none"), "jsb_chorales")
needs_set = pytest.mark.skipif(not DATA.is_dir(), reason="needs jsb_chorales in DLNB_DATA")


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """The task of a few of music21's chorales, in a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLNB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield dl.generate.chorales(pieces=4, batch_size=1, transpose=2)


def pieces_of(split):
    """Every piece of a split, as bytes."""
    targets = [row for position in range(len(split)) for row in split.batch(0, 0, position)[1]]
    return {row[row[:, 0] != IGNORED].numpy().tobytes() for row in targets}


def test_a_task_of_chorales_has_all_its_parts(few):
    assert [len(few.split(name)) for name in ("train", "valid", "test")] == [2, 1, 1]
    notes, target = few.train.batch(0, 0, 0)
    assert notes.shape == target.shape and notes.shape[2] == 4
    assert 1 <= notes.max() <= KEYS
    arguments = {"pieces": 4, "per_quarter": 1, "batch_size": 1, "transpose": 2, "seed": 0}
    assert few.recipe == ("dlnb.generate.tasks.music.chorales", arguments)


def test_no_piece_is_in_two_splits(few):
    train, valid, test = (pieces_of(few.split(name)) for name in ("train", "valid", "test"))
    assert not (train & valid or train & test or valid & test)


def test_no_tune_is_in_two_splits():
    draw = np.random.RandomState(0)
    tunes = [draw.randint(60, 80, 12) for _ in range(12)]
    pieces = [
        Chorale(str(number), np.stack([tunes[draw.randint(12)] + draw.randint(-3, 4)] * 4, 1)) for number in range(60)
    ]
    parts = by_tune(pieces, seed=0)
    assert sum(map(len, parts)) == 60 and min(map(len, parts)) >= 6
    names = [{piece.tune for piece in part} for part in parts]
    assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])
    again = by_tune(pieces, seed=0)
    assert [piece.name for piece in again[2]] == [piece.name for piece in parts[2]]
    assert {piece.name for piece in by_tune(pieces, seed=1)[2]} != {piece.name for piece in parts[2]}


def test_the_preview_sings_the_same_melodies_with_rolls_and_words(few):
    with dl.seeded(0):
        model = few.models["Composer"]().eval()
    shown = few.preview(model)
    assert isinstance(shown, Captioned) and shown.pixels.dtype == np.uint8 and shown.said is None
    assert shown.truth[0].startswith("the melody ") and len(shown.truth[0].split()) > 8
    assert np.array_equal(shown.pixels, few.preview(model).pixels)


def test_the_loss_is_the_nats_of_all_notes_over_the_number_of_frames():
    target = torch.tensor([[[40, 30], [41, 0]], [[50, 20], [IGNORED, IGNORED]]])
    logits = torch.randn(2, 2, 2, KEYS + 1, generator=torch.Generator().manual_seed(0))
    chances = logits.log_softmax(-1)
    likely = chances[0, 0, 0, 40] + chances[0, 0, 1, 30] + chances[0, 1, 0, 41] + chances[0, 1, 1, 0] + chances[1, 0, 0, 50] + chances[1, 0, 1, 20]
    assert nats(logits, target).item() == pytest.approx(-likely.item() / 3, rel=1e-5)


def test_the_metric_of_a_split_is_the_mean_over_all_its_frames_however_they_are_batched_and_padded():
    scores = [from_sounding([[60, 64, 67, 72]] * length) for length in (3, 7, 4, 9, 2)]
    with dl.seeded(0):
        model = Composer(width=16, layers=1, heads=2).eval()
        torch.nn.init.normal_(model.head.weight)
    split = PieceBatches([to_keys(score) for score in scores], size=2)
    batches = [split.batch(0, 0, position) for position in range(3)]
    with torch.no_grad():
        logits = torch.cat([model(notes) for notes, _ in batches])
    found = nats(logits, torch.cat([target for _, target in batches])).item()
    expected = sum(nats_a_frame(model, score) * len(score) for score in scores) / sum(map(len, scores))
    assert found == pytest.approx(expected, rel=1e-5)


def test_baselines_are_below_equal_chances_and_knowing_the_last_note_helps(few):
    found = {name: values["nats a frame"] for name, values in few.measure_baselines().items()}
    assert found["each voice after its last note"] < found["each voice by itself"] < 4 * np.log(KEYS + 1)


def test_a_baseline_counts_what_it_says():
    train = [torch.tensor([[10], [10], [20]])]
    assert each_by_itself(train, train) == pytest.approx(-(2 * np.log(3 / 92) + np.log(2 / 92)) / 3)
    first = (1 + 10 * 3 / 92) / 11  # 10 came once from silence, and is sung with 3 of 92
    again, on = (1 + 10 * 3 / 92) / 12, (1 + 10 * 2 / 92) / 12  # after 10 there came 10 once and 20 once
    assert each_after_its_last(train, train) == pytest.approx(-np.log([first, again, on]).mean(), rel=1e-5)


def test_finer_time_has_more_frames(few, monkeypatch, tmp_path):
    monkeypatch.setenv("DLNB_CACHE", str(tmp_path))
    fine = dl.generate.chorales(pieces=4, per_quarter=4, batch_size=1)
    assert fine.valid.batch(0, 0, 0)[0].shape[1] == pytest.approx(4 * few.valid.batch(0, 0, 0)[0].shape[1], abs=4)


def test_what_cannot_be_made_is_refused_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("DLNB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="per_quarter must be 1, 2 or 4"):
        dl.generate.chorales(pieces=1, per_quarter=3)
    with pytest.raises(ValueError, match="read more pieces"):
        dl.generate.chorales(pieces=1)
    with pytest.raises(ValueError, match="pieces must be 1 or more"):
        dl.generate.jsb_chorales(pieces=0)


@needs_set
def test_the_published_set_is_split_as_it_was_published_and_read_to_the_note():
    task = dl.generate.jsb_chorales()
    published = json.loads((DATA / "jsb-chorales-quarter.json").read_text())
    for name in ("train", "valid", "test"):
        split, found = task.split(name), 0
        for position in range(len(split)):
            for row in split.batch(0, 0, position)[1]:
                frames = row[row[:, 0] != IGNORED]
                found += len(frames)
                if name != "train":
                    expected = published[name][position * split.size + len(frames) * 0]
                    assert expected
        assert found == sum(map(len, published[name]))
    first = task.test.batch(0, 0, 0)[1][0]
    frames = [sorted(note + 20 for note in frame if note > 0) for frame in first.tolist() if frame[0] != IGNORED]
    assert frames == [sorted(frame) for frame in published["test"][0]]


@needs_set
def test_a_short_training_beats_the_baselines_of_the_published_set():
    task = dl.generate.jsb_chorales(pieces=24, batch_size=2)
    with dl.seeded(0):
        model = task.models["Composer"]()
    run = dl.fit(model, task, start=False, threads=1, validate_every=1000, lr=4e-3)
    run.step(40)
    assert run.evaluate("test")["nats a frame"] < min(values["nats a frame"] for values in task.measure_baselines().values())
