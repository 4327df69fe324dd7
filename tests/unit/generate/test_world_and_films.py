"""A moving world and a network that films on: clips are as they should be, and what is to come is not seen."""

import math

import pytest
import torch

import dlnb as dl
from dlnb.generate import Filmer, film
from dlnb.generate.tasks.films import again, straight_on
from dlnb.generate.world import WORDS, FilmBatches, film_clips, held_out

SHAPE = {"frames": 16, "seen": 8, "side": 16, "world": 0}


@pytest.fixture(scope="module")
def clips():
    return film_clips(210)


@pytest.fixture
def filmer():
    with dl.seeded(0):
        model = Filmer(len(WORDS), width=8)
        torch.nn.init.normal_(model.head.weight, std=0.05)
    return model.eval()


def of(clips, word: str) -> torch.Tensor:
    frames = clips.frames[clips.words == WORDS.index(word)]
    assert len(frames) > 10
    return frames


# The world.


def test_frames_are_grey_levels_and_every_word_is_filmed(clips):
    assert clips.frames.shape == (210, 16, 16, 16) and clips.frames.dtype == torch.float32
    assert 0 <= clips.frames.min() and clips.frames.max() <= 1
    assert set(clips.words.tolist()) == set(range(len(WORDS)))
    assert (clips.frames.amax((2, 3)) > 0.3).all()  # something is to be seen in each frame


def test_the_same_seed_films_the_same_and_another_another(clips):
    assert torch.equal(clips.frames, film_clips(210).frames)
    assert not torch.equal(clips.frames, film_clips(210, seed=(1,)).frames)


def test_a_ball_stays_inside_and_keeps_its_size(clips):
    size = of(clips, "ball").sum((2, 3))  # (N, T)
    assert ((size - size.mean(1, keepdim=True)).abs() < 0.12 * size.mean(1, keepdim=True)).all()


def test_a_ball_moves_evenly_but_where_it_bounces(clips):
    frames = of(clips, "ball")
    places = torch.arange(16.0) + 0.5
    x = (frames.sum(2) * places).sum(2) / frames.sum((2, 3))  # (N, T), the middle of what is bright
    y = (frames.sum(3) * places).sum(2) / frames.sum((2, 3))
    steps = torch.stack([x.diff(dim=1), y.diff(dim=1)])  # (2, N, T - 1)
    speed = steps.square().sum(0).sqrt().amax(1)
    assert speed.min() > 0.35 and speed.max() < 1.35
    turns = steps[:, :, 1:] * steps[:, :, :-1] < -0.01
    assert turns.any()  # some bounce
    speeds = steps.square().sum(0).sqrt()
    assert ((speeds - speeds.median(1, keepdim=True).values).abs() < 0.2).double().mean() > 0.8


def test_behind_the_wall_a_ball_is_hidden_and_comes_back(clips):
    frames = of(clips, "behind the wall")
    wall = (frames - 0.35).abs().lt(1e-6).all(1).all(1)  # (N, side): columns that are grey all the time
    assert (wall.sum(1) >= 4).all()
    open_part = frames.sum(2).masked_fill(wall[:, None], 0).sum(2)  # (N, T): what is bright beside the wall
    hidden = open_part < 0.05
    assert hidden.any() and (hidden.any(1) & ~hidden[:, -1]).any()


@pytest.mark.parametrize(("word", "axis", "sign"), [("camera left", 3, 1), ("camera right", 3, -1), ("camera up", 2, 1), ("camera down", 2, -1)])
def test_the_camera_pans_the_way_it_says_over_a_round_world(clips, word, axis, sign):
    frames = of(clips, word)
    # As the phase of the slowest wave along the axis: it turns evenly, and also where something goes round the edge.
    wave = torch.fft.fft(frames.sum(5 - axis), dim=2)[:, :, 1]  # (N, T)
    turned = -torch.angle(wave[:, 1:] / wave[:, :-1]) * 16 / (2 * math.pi)  # pixels in a frame
    pace = sign * turned[wave.abs().amin(1) > 3].mean(1)
    assert len(pace) > 5 and pace.min() > 0.38 and pace.max() < 1.22
    total = frames.sum((2, 3))
    assert ((total - total.mean(1, keepdim=True)).abs() < 0.1 * total.mean(1, keepdim=True)).all()  # nothing comes or goes


@pytest.mark.parametrize(("count", "frames", "side"), [(0, 16, 16), (4, 0, 16), (4, 16, 8)])
def test_a_world_needs_clips_frames_and_room(count, frames, side):
    with pytest.raises(ValueError, match="expected count and frames of 1 or more and a side of 12"):
        film_clips(count, frames, side)


# Batches.


def test_batches_are_a_pure_function_of_their_place():
    batches = FilmBatches(20, size=8, **SHAPE)
    one = batches.batch(3, 2, 1)
    batches.batch(0, 0, 0)
    assert all(torch.equal(a, b) for a, b in zip(one, batches.batch(3, 2, 1), strict=True))
    for other in ((4, 2, 1), (3, 1, 1), (3, 2, 0)):
        assert not torch.equal(one[0], batches.batch(*other)[0])
    assert len(batches) == 3 and len(batches.batch(0, 0, 2)[0]) == 4
    with pytest.raises(ValueError, match="at least 1 clip"):
        FilmBatches(0, size=8, **SHAPE)


def test_the_target_is_what_follows_each_frame():
    seen, words, following = FilmBatches(8, size=8, **SHAPE).batch(0, 0, 0)
    assert seen.shape == (8, 8, 16, 16) and words.shape == (8,) and following.shape == (8, 15, 16, 16)
    assert torch.equal(seen[:, 1:], following[:, :7])


def test_no_world_is_in_two_splits():
    learned = FilmBatches(300, size=300, **SHAPE).batch(0, 0, 0)[2]
    valid, test = (held_out(300, part=part, **SHAPE).tensors[2] for part in (1, 2))
    for one, other in ((learned, valid), (learned, test), (valid, test)):
        assert torch.cdist(one.flatten(1), other.flatten(1)).min() > 0.5


# The network.


def test_a_fresh_network_says_that_nothing_changes(clips):
    model = Filmer(len(WORDS), width=8)
    with torch.no_grad():
        said = model(clips.frames[:4, :8], clips.words[:4])
    assert said.shape == (4, 15, 16, 16)
    assert torch.allclose(said[:, 7:], clips.frames[:4, 7:8].expand(-1, 8, -1, -1), atol=0.3)


def test_nothing_that_comes_later_is_seen(filmer, clips):
    frames, words = clips.frames[:2, :8].clone(), clips.words[:2]
    with torch.no_grad():
        before = filmer(frames, words)
        frames[:, 5:] = 0.5
        after = filmer(frames, words)
    assert torch.equal(before[:, :5], after[:, :5]) and not torch.equal(before[:, 5:], after[:, 5:])


def test_the_word_and_the_frames_before_count(filmer, clips):
    frames = clips.frames[:1, :8]
    one = film(filmer, frames, torch.tensor([0]))
    assert not torch.equal(one, film(filmer, frames, torch.tensor([3])))
    changed = frames.clone()
    changed[:, :4] = 0
    assert not torch.equal(one, film(filmer, changed, torch.tensor([0])))


def test_it_begins_from_any_number_of_frames_and_films_as_long_as_it_is_asked(filmer, clips):
    for begun, count in ((1, 3), (5, 8), (12, 20)):
        made = film(filmer, clips.frames[:2, :begun], clips.words[:2], count)
        assert made.shape == (2, count, 16, 16) and 0 <= made.min() <= made.max() <= 1
    long = film(filmer, clips.frames[:2, :8], clips.words[:2], 12)
    assert torch.equal(long[:, :8], film(filmer, clips.frames[:2, :8], clips.words[:2], 8))


def test_where_the_round_world_is_moved_the_film_is_moved_if_nobody_says_where_its_edges_are(filmer, clips):
    filmer.where.zero_()
    frames, words = clips.frames[:2, :8], clips.words[:2]
    moved = film(filmer, frames.roll((4, 6), (2, 3)), words)
    assert torch.allclose(moved, film(filmer, frames, words).roll((4, 6), (2, 3)), atol=1e-4)


# Bad input.


def test_what_is_no_beginning_of_a_film_is_said(filmer, clips):
    frames, words = clips.frames[:2, :8], clips.words[:2]
    for begun, word, count, what in (
        (frames[:, :0], words, 8, "there is no frame to begin from"),
        (frames[:, :, :8], words, 8, "expected \\(clips, frames, 16, 16\\)"),
        (frames[0], words[:1].expand(8), 8, "frames have the shape"),
        (torch.full_like(frames, math.nan), words, 8, "some are NaN or outside"),
        (255 * frames, words, 8, "some are NaN or outside"),
        (frames, words[:1], 8, "one for each film"),
        (frames, words.float(), 8, "word is torch.float32"),
        (frames, torch.tensor([0, 7]), 8, "the words run from 0 to 7; the model knows 0 to 6"),
        (frames, words, 0, "count must be a whole number"),
        (frames, words, 1.5, "count must be a whole number"),
    ):
        with pytest.raises(ValueError, match=what):
            film(filmer, begun, word, count)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="multiple of 2"):
        Filmer(3, side=15)
    with pytest.raises(ValueError, match="seen must be 2 or more"):
        dl.generate.films(seen=1)


# The guesses to beat.


def test_the_guesses_are_the_last_frame_and_a_straight_line():
    first, last = torch.tensor([[[0.2]]]), torch.tensor([[[0.5]]])
    assert again(last, 3).flatten().tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert straight_on(first, last, 3).flatten().tolist() == pytest.approx([0.8, 1.0, 1.0])


def test_the_metric_is_the_share_of_the_better_guess():
    task = dl.generate.films(clips=16)
    true = task.valid.tensors[2]
    baselines = task.measure_baselines()
    share, error = task.metrics["of the better guess"], task.metrics["squared error"]
    said = torch.cat([true[:, :7], again(true[:, 6], 8)], 1)
    assert share(said, true) == pytest.approx(1.0) and share(true, true) == 0.0
    tested = task.test.tensors[2]
    last = torch.cat([tested[:, :7], again(tested[:, 6], 8)], 1)
    assert error(last, tested) == pytest.approx(baselines["the last frame again"]["squared error"])
