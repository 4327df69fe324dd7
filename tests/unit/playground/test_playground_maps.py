"""The pictures of the playground, and many seeds at once."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dlnb.widgets.playground.checks import PlaygroundError
from dlnb.widgets.playground.maps import SIDE, SMALL, grid, maps
from dlnb.widgets.playground.network import inputs_of
from dlnb.widgets.playground.points import Recipe, made
from dlnb.widgets.playground.seeds import Seeds
from dlnb.widgets.playground.spec import INPUTS, OPTIMIZERS, Layer, Plan, Spec
from dlnb.widgets.playground.training import Trainer


def test_the_grid_begins_at_the_top_left():
    assert grid(SIDE).shape == (SIDE * SIDE, 2)
    assert grid(SIDE)[0].tolist() == pytest.approx([-5.90625, 5.90625])
    assert grid(SIDE)[1].tolist() == pytest.approx([-5.71875, 5.90625])


def test_every_neuron_has_its_picture():
    trainer = Trainer(Spec(tuple(INPUTS), (Layer(8), Layer(5, "relu"))))
    found = maps(trainer.network, trainer.points)
    assert found["neurons"].shape == (13, SMALL, SMALL) and found["neurons"].dtype == np.uint8
    assert found["inputs"].shape == (7, SMALL, SMALL) and found["output"].shape == (SIDE, SIDE)
    # The one input that is x: from negative at the left to positive at the right, 0 in the middle.
    assert found["inputs"][0, 0, 0] == 1 and found["inputs"][0, 0, -1] == 255
    assert abs(int(found["inputs"][0, 5, 15]) + int(found["inputs"][0, 5, 16]) - 256) <= 1


def test_a_picture_is_what_the_neuron_answers():
    trainer = Trainer()
    trainer.train(epochs=3)
    found = maps(trainer.network, trainer.points)
    hidden = trainer.network.answers(inputs_of(trainer.spec.inputs, grid(SMALL)))[0]
    drawn = (found["neurons"][:4].reshape(4, -1).astype(float) - 128) / 127 * found["scales"][:4, None]
    assert np.abs(drawn - hidden.T.numpy()).max() < 0.03
    scores = trainer.network.answers(inputs_of(trainer.spec.inputs, grid(SIDE)))[-1]
    assert np.abs(found["output"].reshape(-1) / 255 - scores.sigmoid()[:, 0].numpy()).max() < 0.003


@pytest.mark.parametrize(("shape", "classes", "size"), [("xor", 5, (5, SIDE, SIDE)), ("plane", 2, (SIDE, SIDE))])
def test_other_tasks_have_their_pictures(shape, classes, size):
    trainer = Trainer(points=made(Recipe(shape, classes=classes)))
    assert maps(trainer.network, trainer.points)["output"].shape == size


def test_a_network_without_neurons_has_an_output_only():
    trainer = Trainer(Spec(layers=()))
    assert maps(trainer.network, trainer.points)["neurons"].shape == (0, SMALL, SMALL)


def test_a_dead_neuron_is_drawn_as_nothing():
    trainer = Trainer(Spec(layers=(Layer(1, "relu"),)))
    for source, value in ((0, 0), (1, 0), (None, -1)):
        trainer.set_weight(0, 0, source, value)
    found = maps(trainer.network, trainer.points)
    assert (found["neurons"] == 128).all() and found["scales"][0] == 0


SPECS = [
    Spec(),
    Spec(("x", "xy"), (Layer(3, "relu", norm="batch"), Layer(4, "gelu", norm="layer"))),
]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("recipe", [Recipe(), Recipe("spiral", classes=3), Recipe("hills")])
def test_each_of_many_seeds_is_the_network_that_learned_alone(spec, recipe):
    # Not Adam, which makes a whole step of the rounding of a gradient near 0.
    points, plan = made(recipe), Plan("SGD", 0.01, l1=1e-3, l2=1e-3, options=(("momentum", 0.9),))
    together = Seeds(replace(spec, seed=5), plan, points, 3)
    together.train(60)
    found = together.measure()
    for number in range(3):
        alone = Trainer(replace(spec, seed=5 + number), plan, points)
        alone.train(steps=60)
        for name, value in alone.measure().items():
            if name in found:
                assert found[name][number] == pytest.approx(value, abs=2e-3 if "accuracy" in name else 1e-4)


@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name not in ("LBFGS", "Adafactor")])
def test_the_optimiser_moves_them_apart_from_each_other(optimizer):
    points, plan = made(Recipe()), Plan(optimizer, 0.01)
    together = Seeds(Spec(), plan, points, 2)
    together.train(30)
    alone = Trainer(Spec(), plan, points)
    alone.train(steps=30)
    assert together.measure()["loss"][0] == pytest.approx(alone.measure()["loss"], abs=1e-4)


def test_the_seeds_disagree_where_there_is_nothing_to_learn_from():
    together = Seeds(Spec(layers=(Layer(4), Layer(4))), Plan("Adam", 0.03), made(Recipe("gaussians")), 16)
    together.train(400)
    found = together.uncertainty()
    spread = found["spread"].astype(float) / 255 / 2
    assert found["mean"].shape == (SMALL, SMALL) and found["lost"][0] == 0
    on_points, far = spread[5:11, 21:27].mean(), spread[0:4, 0:4].mean()
    assert on_points < 0.05 < far
    assert found["mean"][5:11, 21:27].mean() < 50  # the first class is at the top right
    assert (together.measure()["test_accuracy"] > 0.95).all()


@pytest.mark.parametrize(("shape", "classes", "size"), [("xor", 4, (4, SMALL, SMALL)), ("plane", 2, (SMALL, SMALL))])
def test_other_tasks_have_their_uncertainty(shape, classes, size):
    together = Seeds(Spec(layers=(Layer(4, dropout=0.5),)), Plan(), made(Recipe(shape, classes=classes)), 4)
    together.train(30)
    assert together.uncertainty()["mean"].shape == size
    assert together.uncertainty()["spread"].any()


def test_a_seed_that_explodes_is_left_out_and_counted():
    together = Seeds(Spec(layers=(Layer(4, "relu"),)), Plan(lr=0.01), made(Recipe("plane")), 4)
    with torch.no_grad():
        together.layers[0].weight[2] = 1e20
    together.train(30)
    assert together.lost.tolist() == [False, False, True, False]
    assert together.uncertainty()["lost"].tolist() == [1]
    assert np.isnan(together.measure()["loss"]).tolist() == [False, False, True, False]
    with torch.no_grad():
        for layer in together.layers:
            layer.weight.fill_(float("nan"))
    assert together.uncertainty()["lost"].tolist() == [4] and (together.uncertainty()["spread"] == 255).all()


@pytest.mark.parametrize(("count", "optimizer"), [(1, "SGD"), (257, "SGD"), (True, "SGD"), (64, "LBFGS")])
def test_what_cannot_learn_together_is_refused(count, optimizer):
    with pytest.raises(PlaygroundError):
        Seeds(Spec(), Plan(optimizer), made(Recipe()), count)
