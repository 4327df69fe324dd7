"""Faces: people stay themselves, batches hold several pictures of each, and what tells them apart is measured right."""

import math
import os
import shutil
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dlnb.data import store
from dlnb.vision import FaceNet, faces, orl_faces
from dlnb.vision.faces import (
    METRICS,
    CentreMarginLoss,
    PeopleBatches,
    equal_error_rate,
    erased,
    grouping,
    lit_and_mirrored,
    looked_at_again,
    pairs,
    rank_one,
    threshold,
    verification_area,
    whitened_eigenfaces,
)
from dlnb.vision.people import face, person


def directions(*degrees: float) -> torch.Tensor:
    """Embeddings of two numbers at these angles."""
    angles = torch.tensor(degrees).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_a_drawn_face_is_a_function_of_person_number_and_seed():
    assert np.array_equal(face(3, 5), face(3, 5))
    for other in (face(4, 5), face(3, 6), face(3, 5, seed=1)):
        assert not np.array_equal(face(3, 5), other)
    assert face(0, 0).shape == (48, 40, 3) and face(0, 0, height=96, width=64).shape == (96, 64, 3)
    assert face(0, 0).dtype == np.uint8 and face(0, 0).std() > 20


def test_what_makes_the_person_is_the_same_in_all_pictures_and_differs_between_people():
    assert person(7) is person(7)
    made = [person(number) for number in range(50)]
    assert len({one.eyes_apart for one in made}) == 50 and len({one.style for one in made}) == 6
    assert 5 < sum(one.glasses > 0 for one in made) < 25


def test_a_face_is_drawn_in_little_time():
    seconds = []
    for number in range(40):
        begin = time.process_time()
        face(number % 4, number)
        seconds.append(time.process_time() - begin)
    assert min(seconds) < 0.005  # about 0.001 s on a machine that has nothing else to do


@pytest.mark.parametrize("arguments", [{"height": 8}, {"width": 15}, {"who": -1}, {"number": -1}, {"seed": -1}])
def test_faces_that_cannot_be_drawn_are_refused(arguments):
    with pytest.raises(ValueError, match="16 pixels or more|counted from 0"):
        face(**{"who": 0, "number": 0, **arguments})


def test_a_batch_holds_several_pictures_of_each_person_and_no_picture_twice():
    people = torch.arange(6).repeat_interleave(4)
    batches = PeopleBatches(torch.arange(24.0).view(-1, 1, 1, 1), people, together=5, each=3, length=7)
    assert len(batches) == 7
    pictures, who = batches.batch(0, 2, 3)
    assert pictures.shape == (15, 1, 1, 1) and len(set(pictures.flatten().tolist())) == 15
    assert sorted(who.bincount(minlength=6).tolist()) == [0, 3, 3, 3, 3, 3]
    assert torch.equal(people[pictures.flatten().long()], who)
    assert torch.equal(batches.batch(0, 2, 3)[0], pictures)
    assert not torch.equal(batches.batch(0, 2, 4)[0], pictures) and not torch.equal(batches.batch(1, 2, 3)[0], pictures)


@pytest.mark.parametrize(
    ("together", "each", "said"),
    [(1, 2, "2 to 6 people"), (7, 2, "2 to 6 people"), (2, 1, "2 to 3 pictures"), (2, 4, "2 to 3 pictures")],
)
def test_batches_for_which_there_are_too_few_are_refused(together, each, said):
    people = torch.arange(6).repeat_interleave(4)[:-1]
    with pytest.raises(ValueError, match=said):
        PeopleBatches(torch.zeros(23, 1, 1, 1), people, together, each, length=1)
    with pytest.raises(ValueError, match="23 pictures, but it is said of 24"):
        PeopleBatches(torch.zeros(23, 1, 1, 1), torch.zeros(24), together, each, length=1)


def test_the_loss_is_cosface_with_the_centres_of_the_batch():
    embeddings, people = directions(0, 20, 90, 130), torch.tensor([5, 5, 2, 2])
    loss = CentreMarginLoss(scale=10.0, margin=0.3)(embeddings, people)
    # Of each picture the angle to the other picture of its person, and to the other person's centre.
    angles = [(20, 110), (20, 90), (40, 80), (40, 120)]
    by_hand = [
        math.log1p(math.exp(10 * (math.cos(math.radians(other)) - (math.cos(math.radians(own)) - 0.3)))) for own, other in angles
    ]
    assert loss.item() == pytest.approx(np.mean(by_hand), rel=1e-5)


def test_a_picture_with_no_other_of_its_person_is_not_asked_about():
    loss = CentreMarginLoss()
    without = loss(directions(0, 20, 90, 130), torch.tensor([0, 0, 1, 1]))
    alone = loss(directions(0, 20, 90, 130, 45), torch.tensor([0, 0, 1, 1, 2]))
    assert alone > without  # it is one more to be told from, but has no centre of its own
    with pytest.raises(ValueError, match="PeopleBatches"):
        loss(directions(0, 20), torch.tensor([0, 1]))


def test_the_loss_pulls_people_apart():
    torch.manual_seed(0)
    free, people = torch.randn(12, 8, requires_grad=True), torch.arange(4).repeat_interleave(3)
    optimizer, loss = torch.optim.Adam([free], lr=0.1), CentreMarginLoss()
    for _ in range(60):
        optimizer.zero_grad()
        loss(F.normalize(free, dim=1), people).backward()
        optimizer.step()
    assert verification_area(F.normalize(free.detach(), dim=1), people) == 1.0


def test_what_is_measured_is_what_one_counts_by_hand():
    embeddings, people = directions(0, 10, 60, 15), torch.tensor([0, 0, 1, 1])
    cosines, same = pairs(embeddings, people)
    assert same.tolist() == [True, False, False, False, False, True]
    right, wrong = cosines[same], cosines[~same]
    by_hand = np.mean(right[:, None] > wrong)  # 5 of the 8 comparisons
    assert verification_area(embeddings, people) == pytest.approx(by_hand) == 0.625
    assert rank_one(embeddings, people) == 0.5  # the second is nearest to the first, and so is the fourth
    assert 0.25 <= equal_error_rate(embeddings, people) <= 0.5


def test_perfect_embeddings_get_perfect_marks_and_any_order_does():
    embeddings, people = directions(0, 90, 180, 2, 91, 182), torch.tensor([4, 9, 1, 4, 9, 1])
    assert {name: metric(embeddings, people) for name, metric in METRICS.items()} == {
        "area under ROC": 1.0, "equal error rate": 0.0, "rank-1": 1.0, "Rand index": 1.0,
    }  # fmt: skip
    assert math.cos(math.radians(88)) < threshold(embeddings, people) <= 1


def test_a_model_that_sees_no_faces_guesses():
    generator = torch.Generator().manual_seed(0)
    embeddings = F.normalize(torch.randn(200, 16, generator=generator), dim=1)
    people = torch.arange(20).repeat_interleave(10)
    assert verification_area(embeddings, people) == pytest.approx(0.5, abs=0.03)
    assert equal_error_rate(embeddings, people) == pytest.approx(0.5, abs=0.04)
    assert grouping(embeddings, people) == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize(
    ("embeddings", "people", "said"),
    [
        (torch.zeros(4), torch.zeros(4), r"embeddings \(N, D\)"),
        (torch.zeros(4, 2), torch.zeros(3), r"got \(4, 2\) and \(3,\)"),
        (torch.ones(4, 2), torch.zeros(4), "two people"),
        (torch.ones(4, 2), torch.arange(4), "two pictures"),
    ],
)
@pytest.mark.parametrize("metric", METRICS.values())
def test_what_cannot_be_measured_is_said(metric, embeddings, people, said):
    with pytest.raises(ValueError, match=said):
        metric(embeddings, people)


def test_facenet_gives_directions_that_brightness_does_not_change():
    torch.manual_seed(0)
    model = FaceNet((24, 20), width=4, dimensions=8).eval()
    pictures = torch.rand(3, 1, 24, 20)
    with torch.no_grad():
        found = model(pictures)
        assert found.shape == (3, 8) and torch.allclose(found.norm(dim=1), torch.ones(3))
        assert torch.allclose(model(0.4 * pictures + 0.2), found, atol=0.02)
        assert torch.isfinite(model(torch.zeros(1, 1, 24, 20))).all()
        twice = looked_at_again(model, (pictures,), found)
        assert torch.allclose(twice, looked_at_again(model, (pictures.flip(3),), model(pictures.flip(3))), atol=1e-5)


def test_facenet_says_which_shape_it_reads():
    with pytest.raises(ValueError, match=r"\(B, 1, 24, 20\), got \(1, 3, 24, 20\)"):
        FaceNet((24, 20))(torch.zeros(1, 3, 24, 20))
    with pytest.raises(ValueError, match="cannot be halved 3 times"):
        FaceNet((4, 20))


def test_light_and_mirror_follow_the_generator_and_leave_the_input_alone():
    pictures = torch.rand(16, 1, 8, 6)
    before = pictures.clone()
    torch.manual_seed(3)
    first = lit_and_mirrored(pictures)
    torch.manual_seed(3)
    assert torch.equal(lit_and_mirrored(pictures), first) and torch.equal(pictures, before)
    assert first.min() >= 0 and not torch.equal(first, pictures)
    plain = lit_and_mirrored(pictures, gradient=0.0)
    kept = [torch.equal(a, b) for a, b in zip(plain, pictures, strict=True)]
    assert 0 < sum(kept) < 16
    assert all(kept[i] or torch.equal(plain[i], pictures[i].flip(2)) for i in range(16))


def test_a_rectangle_of_some_pictures_is_hidden_under_their_mean():
    pictures = torch.rand(64, 2, 20, 16)
    torch.manual_seed(0)
    seen = erased(pictures, share=0.5)
    hidden = (seen != pictures).any(1)  # (B, H, W)
    assert 16 < hidden.flatten(1).any(1).sum() < 48
    assert (hidden.any(2).sum(1) <= 0.45 * 20 + 1).all() and (hidden.any(1).sum(1) <= 0.45 * 16 + 1).all()
    mean = pictures.mean((2, 3), keepdim=True).expand_as(pictures)
    assert torch.equal(seen[hidden[:, None].expand_as(seen)], mean[hidden[:, None].expand_as(seen)])
    assert torch.equal(erased(pictures, share=0.0), pictures)


def test_the_splits_of_the_drawn_faces_share_no_person():
    task = faces(people=6, pictures=4, together=3, each=2, height=24, width=20)
    people = [set(getattr(task, name).tensors[1].tolist()) for name in ("train", "valid", "test")]
    assert [len(one) for one in people] == [6, 16, 24] and len(set.union(*people)) == 46
    x, y = task.train.batch(0, 0, 0)
    assert x.shape == (6, 3, 24, 20) and x.dtype == torch.float32 and 0 <= x.min() and x.max() <= 1 and y.dtype == torch.int64
    assert torch.equal(task.test.tensors[0], faces(people=6, pictures=4, together=3, each=2, height=24, width=20).test.tensors[0])
    other = faces(seed=1, people=6, pictures=4, together=3, each=2, height=24, width=20)
    assert not torch.equal(task.test.tensors[0], other.test.tensors[0])


def test_the_preview_shows_pairs_side_by_side_half_of_them_of_one_person():
    task = faces(people=6, pictures=4, together=3, each=2, height=24, width=20)
    model = task.models["FaceNet"]().eval()
    shown = task.preview(model)
    assert shown.pixels.shape == (24, 24, 40, 3) and shown.classes == ("two people", "the same person")
    assert shown.truth.sum() == 12 and np.allclose(shown.scores.sum(1), 1, atol=1e-5)
    assert task.preview(model).pixels is shown.pixels
    pixels = (task.valid.tensors[0] * 255).round().byte().permute(0, 2, 3, 1).numpy()
    whose = {picture.tobytes(): int(who) for picture, who in zip(pixels, task.valid.tensors[1], strict=True)}
    for pair, truth in zip(shown.pixels, shown.truth, strict=True):
        left, right = (whose[np.ascontiguousarray(half).tobytes()] for half in (pair[:, :20], pair[:, 20:]))
        assert (left == right) == bool(truth)
    assert task.show(task.valid.tensors[0]).pixels.shape == (96, 24, 20, 3)


@pytest.mark.parametrize("arguments", [{"people": 1}, {"pictures": 1}, {"together": 49}, {"each": 7}, {"height": 8}])
def test_tasks_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ValueError, match="people|pictures|pixels"):
        faces(**arguments)


def test_eigenfaces_are_measured_on_people_never_seen():
    task = faces(people=6, pictures=4, together=3, each=2, height=24, width=20)
    found = task.measure_baselines()["whitened eigenfaces"]
    by_hand = whitened_eigenfaces(task.train.tensors[0], *task.test.tensors)
    assert found == by_hand and set(found) == set(METRICS) and 0.5 < found["area under ROC"] < 1


needs_faces = pytest.mark.skipif(not os.environ.get("DLNB_DATA"), reason="DLNB_DATA names no folder with the real faces")


@needs_faces
@pytest.mark.parametrize("seed", [0, 3])
def test_the_orl_people_of_the_test_are_never_seen_and_no_picture_is_in_two_splits(seed):
    task = orl_faces(seed=seed)
    train, valid, test = (getattr(task, name).tensors for name in ("train", "valid", "test"))
    assert [len(part[1]) for part in (train, valid, test)] == [240, 60, 100] and train[0].shape[1:] == (1, 56, 48)
    assert torch.equal(train[1].unique(), valid[1].unique()) and len(train[1].unique()) == 30
    assert not set(train[1].tolist()) & set(test[1].tolist())
    pictures = torch.cat([part[0].flatten(1) for part in (train, valid, test)])
    assert len(pictures.unique(dim=0)) == 400
    assert not torch.equal(orl_faces(seed=seed + 1).test.tensors[1], test[1])


@needs_faces
def test_an_altered_face_is_refused_by_name(tmp_path, monkeypatch):
    real = os.path.join(os.environ["DLNB_DATA"], "orl_faces")
    shutil.copytree(real, tmp_path / "orl_faces")
    monkeypatch.setenv("DLNB_DATA", str(tmp_path))
    altered = tmp_path / "orl_faces" / "s7" / "3.pgm"
    altered.write_bytes(altered.read_bytes()[:-1] + b"!")
    with pytest.raises(store.DataError, match="s7/3.pgm was altered"):
        orl_faces()
