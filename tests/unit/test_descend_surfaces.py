"""The surfaces of `dl.descend`: those that come with it, a learner's own function, a model of two weights."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from dlnb.widgets.descend.own import of_function, of_model
from dlnb.widgets.descend.racer import Racer
from dlnb.widgets.descend.rules import RULES
from dlnb.widgets.descend.surfaces import FEWEST, SIDE, SURFACES, bowl


def gone(one: Racer, steps: int) -> Racer:
    for _ in range(steps):
        one.step()
    return one


@pytest.mark.parametrize("name", SURFACES)
def test_the_lowest_places_of_a_surface_are_level_and_lower_than_the_map(name):
    surface = SURFACES[name]
    for minimum in surface.minima:
        weights = torch.tensor(minimum, dtype=torch.float64, requires_grad=True)
        height = surface.whole(weights)
        height.backward()
        assert weights.grad.abs().max() < 1e-9 and height.item() == pytest.approx(surface.lowest, abs=1e-12)
        assert torch.linalg.eigvalsh(torch.autograd.functional.hessian(surface.whole, weights.detach())).min() > 0
        left, right, bottom, top = surface.box
        assert left < minimum[0] < right and bottom < minimum[1] < top
    shown = surface.map()
    assert shown.shape == (SIDE, SIDE) and shown.min() >= surface.lowest - 1e-6 and shown.dtype == np.float32


def test_the_map_says_what_the_function_says():
    surface = SURFACES["two valleys"]
    shown, (left, right, bottom, top) = surface.map(), surface.box
    x, y = left + (right - left) * 3.5 / SIDE, bottom + (top - bottom) * 90.5 / SIDE
    assert shown[90, 3] == pytest.approx(surface.height(torch.tensor([x, y], dtype=torch.float64)), rel=1e-6)


def test_the_map_of_a_function_that_asks_which_is_larger_is_made_place_by_place():
    def larger(x, y):
        return x**2 if x > y else y**2

    shown = of_function(larger, (-1, 1, -1, 1), (0.5, 0.2)).map()
    side = len(shown)
    x, y = -1 + 2 * 0.5 / side, 1 - 2 * 0.5 / side
    assert side >= 24 and shown[0, -1] == pytest.approx(y**2) and shown[-1, 0] == pytest.approx(y**2) and shown[0, 0] == pytest.approx(x**2)


def test_where_a_function_raises_its_map_has_no_loss():
    def left_out(x, y):
        if x < 0:
            raise KeyError("left")
        return x**2 + y**2

    shown = of_function(left_out, (-1, 1, -1, 1), (0.5, 0.2)).map()
    half = len(shown) // 2
    assert np.isnan(shown[:, :half]).all() and np.isfinite(shown[:, -half:]).all()


def test_the_map_of_a_mean_is_that_of_each_place():
    mean = of_function(lambda x, y: (x**2 + y**2).mean(), (-1, 1, -1, 1), (0.5, 0.2))
    whole = of_function(bowl, (-1, 1, -1, 1), (0.5, 0.2))
    assert np.array_equal(mean.map(), whole.map()) and mean.map().shape == (SIDE, SIDE)


def test_an_own_function_gets_learning_rates_that_suit_it():
    steep = of_function(lambda x, y: 1000 * (x**2 + y**2), (-1, 1, -1, 1), (0.5, 0.2))
    assert steep.rates.plain == 5e-4
    one = gone(Racer(RULES["sgd"], steep, steep.start), 20)
    assert one.now.loss < 1e-6


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda x, y: math.sin(x) + math.cos(y), TypeError, "torch.sin"),
        (lambda x, y: np.sin(x.detach().numpy()), TypeError, "torch.sin"),
        (lambda x, y: np.sin(x) + y, TypeError, "torch.sin"),
        (lambda x, y: 3.0, TypeError, "torch.sin"),
        (lambda x, y: torch.log(x - 5) + y, ValueError, "choose another start"),
        (lambda x, y: torch.stack([x, y]), ValueError, "one number"),
    ],
)
def test_a_function_that_is_no_loss_is_refused_in_words(function, error, words):
    with pytest.raises(error, match=words):
        of_function(function, (-1, 1, -1, 1), (0.5, 0.2))


def line_data(count: int = 40):
    x = torch.linspace(-1, 1, count)[:, None]
    return x, 2 * x - 0.5


def test_a_model_of_two_weights_has_its_real_loss_and_stays_as_it_is():
    x, y = line_data()
    model = nn.Linear(1, 1)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    surface = of_model(model, x, y)
    assert surface.weights == ("weight", "bias")
    assert surface.start == pytest.approx((model.weight.item(), model.bias.item()))
    assert surface.height(torch.tensor([2.0, -0.5], dtype=torch.float64)) == pytest.approx(0, abs=1e-12)
    want = float(nn.functional.mse_loss(model(x), y))
    assert surface.height(torch.tensor(surface.start, dtype=torch.float64)) == pytest.approx(want, rel=1e-5)
    one = gone(Racer(RULES["sgd"], surface, surface.start), 200)
    assert one.now.weights == pytest.approx((2.0, -0.5), abs=0.05)
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    assert surface.map().shape == (SIDE, SIDE) and surface.map().min() < 0.01


def test_a_model_with_batches_sees_another_loss_at_each_step_and_the_same_again():
    x, y = line_data()
    surface = of_model(nn.Linear(1, 1), x, y + torch.randn(40, 1), start=(0.0, 0.0), batch=4)
    weights = torch.zeros(2, dtype=torch.float64)
    seen = [float(surface.loss(weights, step)) for step in range(8)]
    assert len(set(seen)) == 8 and seen == [float(surface.loss(weights, step)) for step in range(8)]


def test_a_model_of_much_data_has_a_coarser_map_of_the_same_loss():
    x, y = line_data(60_000)
    surface = of_model(nn.Linear(1, 1), x, y, box=(-3, 3, -3, 3), start=(0.0, 0.0))
    shown = surface.map()
    side = len(shown)
    assert FEWEST <= side < SIDE
    middle = torch.tensor([-3 + 6 * 0.5 / side, 3 - 6 * 0.5 / side], dtype=torch.float64)
    assert shown[-1, 0] == pytest.approx(surface.height(middle), rel=1e-5)


def test_a_weight_of_two_numbers_and_a_frozen_rest_is_a_model_of_two_weights():
    model = nn.Linear(2, 1)
    model.bias.requires_grad_(False)
    surface = of_model(model, torch.randn(10, 2), torch.randn(10, 1))
    assert surface.weights == ("weight[0]", "weight[1]")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x, y: of_model(nn.Linear(2, 1), x, y), "two weights that learn; Linear has 3"),
        (lambda x, y: of_model(nn.Linear(1, 1), x, None), "needs its data"),
        (lambda x, y: of_model(nn.Linear(1, 1), x, y[:3]), "same length"),
        (lambda x, y: of_model(nn.Linear(1, 1), x[:0], y[:0]), "at least 1"),
        (lambda x, y: of_model(nn.Linear(1, 1), x, y, batch=41), "from 1 to 40"),
        (lambda x, y: of_model(nn.Linear(1, 1), x, y, batch=2.5), "from 1 to 40"),
        (lambda x, y: of_model(nn.Linear(1, 1), x, y, seed=-1), "seed must be a whole number from 0 up"),
        (lambda x, y: of_model(nn.Linear(1, 1), ["a", "b"], y), "a list of numbers"),
        (lambda x, y: of_model(nn.Linear(1, 1), 3.0, 4.0), "a list of numbers"),
        (lambda x, y: of_model(nn.Linear(1, 1), torch.ones(40, 1, dtype=torch.long), y), "cannot take x of shape .40, 1."),
        (lambda x, y: of_model(nn.Linear(1, 1), x, y.reshape(-1)), "make them equal"),
        (lambda x, y: of_model(nn.Linear(1, 1), x * math.nan, y), "choose another start"),
        (lambda x, y: of_model(nn.Linear(1, 1), x, y, lambda p, t: (p - t) ** 2), "one number"),
    ],
)
def test_a_model_that_is_no_map_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make(*line_data())
