"""Measures of what is made: right on clouds where the answer is known, and clear where there is none."""

import math

import numpy as np
import pytest
import torch

from dlnb.generate import frechet, nearest, precision_recall, recogniser, told_apart
from dlnb.generate.digits import parts_of_digits
from dlnb.generate.recogniser import recognised


def cloud(count: int, width: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def test_the_frechet_distance_of_moved_and_stretched_clouds_is_as_the_formula_says():
    real = cloud(500).double()
    assert frechet(real, real) == pytest.approx(0, abs=1e-9)
    assert frechet(real, real + 3) == pytest.approx(4 * 9)
    scaled = frechet(real, 2 * (real - real.mean(0)) + real.mean(0))
    assert scaled == pytest.approx(real.var(0).sum().item())  # tr(C + 4C - 2·2C)


def test_the_frechet_distance_agrees_with_the_matrix_root_of_scipy():
    from scipy.linalg import sqrtm

    real, made = cloud(300, 6) @ cloud(6, 6, 1), cloud(200, 6, 2) @ cloud(6, 6, 3) + 0.5
    c, d = np.cov(real.double().numpy().T), np.cov(made.double().numpy().T)
    expected = ((real.mean(0) - made.mean(0)) ** 2).sum().item() + np.trace(c + d - 2 * np.real(sqrtm(c @ d)))
    assert frechet(real, made) == pytest.approx(expected, rel=1e-4)
    assert frechet(real, made) == pytest.approx(frechet(made, real))


def test_the_frechet_distance_is_there_with_fewer_examples_than_features():
    assert 0 < frechet(cloud(5, 20), cloud(5, 20, 1)) < math.inf


def test_precision_falls_with_what_is_not_real_and_recall_with_what_is_missed():
    real = torch.cat([cloud(100), cloud(100, seed=1) + 100])  # two heaps
    assert precision_recall(real, real) == (1.0, 1.0)
    one_heap = precision_recall(real, cloud(200, seed=2))
    assert one_heap[0] > 0.8 and one_heap[1] <= 0.5
    half_wrong = precision_recall(real, torch.cat([real[::2], cloud(100, seed=3) - 500]))
    assert half_wrong == (0.5, pytest.approx(1.0, abs=0.1))


def test_precision_and_recall_reach_as_far_as_the_kth_neighbour():
    real, made = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[1.5], [6.0], [20.0]])
    # With k=1 the real ones reach 1, 1 and 2, so 1.5 lies among them; the made ones reach 4.5, 4.5 and 14.
    assert precision_recall(real, made, k=1) == (pytest.approx(1 / 3), 1.0)


def test_the_nearest_training_example_tells_a_copy():
    training = torch.rand(20, 1, 8, 8)
    where, distance = nearest(torch.cat([training[7:8], training[3:4] + 0.5]), training)
    assert where[0] == 7 and distance[0] == pytest.approx(0, abs=1e-6) and distance[1] > 0.1


def test_the_same_cannot_be_told_apart_other_things_can_and_copies_look_too_much_alike():
    assert told_apart(cloud(400), cloud(400, seed=1)) == pytest.approx(0.5, abs=0.08)
    assert told_apart(cloud(50), cloud(50, seed=1) + 100) == 1.0
    assert told_apart(cloud(50), cloud(50) + 1e-6) == 0.0


@pytest.mark.parametrize("measure", [frechet, precision_recall, told_apart, nearest])
def test_what_cannot_be_compared_is_said(measure):
    with pytest.raises(ValueError, match="NaN or infinite"):
        measure(cloud(20), torch.full((20, 4), math.nan))
    with pytest.raises(ValueError, match="give both the same features"):
        measure(cloud(20), cloud(20, 5))
    with pytest.raises(ValueError, match="expected \\(N, D\\)"):
        measure(cloud(0), cloud(0))


def test_the_two_samples_of_the_test_are_as_many_and_k_is_a_number_of_neighbours():
    with pytest.raises(ValueError, match="got 10 real and 20 made"):
        told_apart(cloud(10), cloud(20))
    with pytest.raises(ValueError, match="k must be 1 or more"):
        precision_recall(cloud(10), cloud(10), k=0)
    with pytest.raises(ValueError, match="N at least 4"):
        precision_recall(cloud(3), cloud(10))


def test_the_recogniser_knows_digits_that_it_never_saw_and_is_the_same_each_time():
    pictures, labels = parts_of_digits(0)[2]
    assert recognised(pictures, labels) > 0.96
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = recogniser(0).state_dict()
    recogniser.cache_clear()
    assert all(torch.equal(a, b) for a, b in zip(first.values(), recogniser(0).state_dict().values(), strict=True))
    assert torch.equal(before, torch.get_rng_state())  # and takes no random numbers of others


def test_real_digits_are_nearer_to_real_digits_than_noise_is():
    train, _, test = parts_of_digits(0)
    net = recogniser(0)
    noise = torch.rand(len(test[0]), 1, 8, 8, generator=torch.Generator().manual_seed(0))
    near, far = frechet(net.features(train[0]), net.features(test[0])), frechet(net.features(train[0]), net.features(noise))
    assert 10 * near < far
