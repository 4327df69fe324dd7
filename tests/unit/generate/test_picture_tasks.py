"""Tasks that draw digits: splits, noise as a pure function of its place, autoencoders, previews, and bad input."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

import dlnb as dl
from dlnb.data.digits import read_digits
from dlnb.generate import VAE, AutoEncoder, Path
from dlnb.generate.digits import NoisedBatches, parts_of_digits
from dlnb.generate.recogniser import recognised
from dlnb.generate.tasks.pictures import bound, divergence, principal, squared_error
from dlnb.preview import Captioned


@pytest.fixture(scope="module")
def noised():
    return NoisedBatches(*parts_of_digits(0)[0], classes=10, path=Path("round"), size=128, learn=True)


# Data.


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    pictures, labels = read_digits()
    assert np.array_equal(pictures.flatten(1).numpy() * 16, load_digits().data) and np.array_equal(labels, load_digits().target)


def test_the_splits_hold_each_digit_once_and_depend_on_the_seed():
    parts = parts_of_digits(0)
    assert [len(labels) for _, labels in parts] == [1258, 180, 359]
    together = torch.cat([pictures.flatten(1) for pictures, _ in parts])
    assert torch.equal(together.sort(0).values, read_digits()[0].flatten(1).sort(0).values)
    assert torch.unique(together, dim=0).shape == torch.unique(read_digits()[0].flatten(1), dim=0).shape
    assert not torch.equal(parts[2][1], parts_of_digits(1)[2][1])


# Noise.


def test_a_noised_batch_is_a_pure_function_of_its_place(noised):
    one = noised.batch(3, 2, 1)
    noised.batch(0, 0, 0)
    assert all(torch.equal(a, b) for a, b in zip(one, noised.reader().batch(3, 2, 1), strict=True))
    for other in ((4, 2, 1), (3, 1, 1), (3, 2, 2)):
        assert not torch.equal(one[0], noised.batch(*other)[0])


def test_a_batch_has_all_times_and_one_class_in_ten_is_left_out(noised):
    x, t, labels, velocity = (torch.cat(parts) for parts in zip(*[noised.batch(0, epoch, 0) for epoch in range(20)], strict=True))
    assert x.shape == velocity.shape == (2560, 1, 8, 8) and t.shape == labels.shape == (2560,)
    assert t.histc(10, 0, 1).min() > 240  # of 256
    assert (labels == 10).double().mean() == pytest.approx(0.1, abs=0.03) and labels.max() == 10


def test_what_a_batch_asks_for_leads_back_to_the_digits(noised):
    x, t, _, velocity = noised.batch(0, 0, 0)
    digits = 2 * noised.tensors[0].flatten(1) - 1
    for place in range(5):
        picture, _ = Path("round").ends(x[place], velocity[place], t[place])
        assert torch.cdist(picture.view(1, -1), digits).min() < 1e-3


def test_held_out_noise_is_the_same_whatever_the_run():
    task = dl.generate.digits_diffusion()
    assert all(torch.equal(a, b) for a, b in zip(task.valid.batch(0, 0, 0), task.valid.batch(5, 3, 0), strict=True))
    assert task.valid.batch(0, 0, 0)[2].max() < 10  # and no class is left out


def test_pictures_to_be_noised_are_in_range():
    for wrong in (math.nan, 16.0, -1.0):
        with pytest.raises(ValueError, match="numbers from 0 to 1"):
            NoisedBatches(torch.full((4, 1, 8, 8), wrong), torch.zeros(4, dtype=torch.long), classes=10, path=Path(), size=2)


# Drawing.


@pytest.mark.parametrize("path", ["round", "straight"])
def test_the_loss_begins_at_the_size_of_the_velocity_and_falls(path):
    task = dl.generate.digits_diffusion(path, batch_size=32)
    with dl.seeded(0):
        model = dl.generate.Denoiser(width=64, blocks=1, path=path)
    run = dl.fit(model, task, start=False, threads=1, lr=3e-3)
    run.step(38)
    loss = run.history["loss"]
    size = task.valid.batch(0, 0, 0)[3].square().mean().item()
    assert loss[0] == pytest.approx(size, rel=0.15) and loss[-5:].mean() < 0.8 * loss[0]


def test_real_digits_pass_for_real_while_means_and_noise_are_recognised_too_but_told_apart():
    baselines = dl.generate.digits_diffusion().measure_baselines()
    assert all(measured["recognised"] > 0.9 for measured in baselines.values())
    assert 0.4 < baselines["real digits of the same kinds"]["told apart"] < 0.6
    assert min(baselines[name]["told apart"] for name in ("the mean of each digit", "noise like each digit")) > 0.8


def test_the_metrics_compare_what_is_drawn_with_what_was_asked_for_and_with_the_real_ones():
    task = dl.generate.digits_diffusion()
    x, t, labels, velocity = task.valid.batch(0, 0, 0)
    pictures, _ = parts_of_digits(0)[1]
    assert task.metrics["recognised"]((pictures, x, t, labels), velocity) == recognised(pictures, labels) > 0.95
    assert task.metrics["recognised"]((pictures, x, t, (labels + 1) % 10), velocity) < 0.05
    assert task.metrics["told apart"]((pictures, x, t, labels), velocity) < 0.05  # the very same ones
    assert task.metrics["told apart"]((torch.rand_like(pictures), x, t, labels), velocity) > 0.95


# Autoencoders.


def test_a_vae_with_beta_0_counts_pixels_alone_and_the_divergence_is_that_of_two_normals():
    mean, log_variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, -1.0]])
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(torch.zeros(2), torch.ones(2))).sum()
    assert divergence(mean, log_variance).item() == pytest.approx(expected.item(), rel=1e-5)
    logits, pictures = torch.zeros(1, 1, 8, 8), torch.rand(1, 1, 8, 8)
    assert bound((logits, mean, log_variance), pictures, beta=0.0).item() == pytest.approx(64 * math.log(2), rel=1e-5)
    assert bound((logits, mean, log_variance), pictures).item() == pytest.approx(64 * math.log(2) + expected.item(), rel=1e-5)


def test_a_vae_is_random_while_it_learns_and_the_same_each_time_in_use():
    with dl.seeded(0):
        model = VAE()
    x = read_digits()[0][:4]
    with torch.no_grad():
        assert not torch.equal(model(x)[0], model(x)[0])
        model.eval()
        assert torch.equal(model(x)[0], model(x)[0])
    assert torch.equal(model.imagine(3, seed=1), model.imagine(3, seed=1)) and model.imagine(3).shape == (3, 1, 8, 8)
    with pytest.raises(ValueError, match="count must be 1 or more"):
        model.imagine(0)


@pytest.mark.parametrize("numbers", [0, 64, -1])
def test_a_bottleneck_is_narrower_than_the_picture(numbers):
    for kind in (AutoEncoder, VAE):
        with pytest.raises(ValueError, match="numbers must be from 1 to 63"):
            kind(numbers)


@pytest.mark.parametrize("beta", [-1.0, math.nan, math.inf])
def test_beta_is_no_negative_number(beta):
    with pytest.raises(ValueError, match="beta must be a finite number"):
        dl.generate.digits_vae(beta=beta)


def test_principal_components_are_those_of_scikit_learn_and_beat_the_mean():
    from sklearn.decomposition import PCA

    train, test = (parts_of_digits(0)[part][0] for part in (0, 2))
    fitted = PCA(8, svd_solver="full").fit(train.flatten(1).double().numpy())
    expected = fitted.inverse_transform(fitted.transform(test.flatten(1).double().numpy()))
    assert np.allclose(principal(train, test, 8).flatten(1), expected, atol=1e-4)
    baselines = dl.generate.digits_autoencoder().measure_baselines()
    assert baselines["8 principal components"]["squared error"] < baselines["the mean picture"]["squared error"]
    assert squared_error(test, test) == 0.0


# Previews, and what cannot be asked for.


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: dl.generate.digits_diffusion(), (20, 8, 8)),
        (lambda: dl.generate.digits_autoencoder(), (16, 8, 16)),
        (lambda: dl.generate.digits_vae(), (24, 8, 8)),
        (lambda: dl.generate.eight_points(count=256), (2, 64, 64)),
        (lambda: dl.generate.films(clips=16, width=8), (7, 34, 136)),
    ],
)
def test_a_preview_shows_the_same_each_time_and_changes_nothing(make, shape):
    task = make()
    with dl.seeded(0):
        model = next(iter(task.models.values()))().eval()
    before = [tensor.clone() for tensor in model.state_dict().values()]
    shown = task.preview(model)
    assert isinstance(shown, Captioned) and shown.pixels.shape == shape
    assert np.array_equal(shown.pixels, task.preview(model).pixels)
    assert all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values(), strict=True))


def test_what_a_preview_asked_for_stands_below_it():
    shown = dl.generate.digits_diffusion().preview(dl.generate.Denoiser(width=16, blocks=1).eval())
    assert shown.truth == tuple("01234567890123456789")


def test_paths_and_losses_that_do_not_exist_are_named():
    with pytest.raises(ValueError, match="path must be one of 'round', 'straight', got 'crooked'"):
        dl.generate.digits_diffusion("crooked")
    with pytest.raises(ValueError, match="loss must be one of 'naive', 'mended', got 'other'"):
        dl.generate.eight_points("other")
