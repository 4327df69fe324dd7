"""Many settings as one: the numbers of each are those of its own network, whatever the others do."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.sweeps.stackable import CannotStack
from dlnb.train.sweeps.stacked import Stack
from dlnb.train.sweeps.stacked_updates import StackedOptimizer, stacked_loss
from dlnb.train.sweeps.together import Together

from .conftest import quadrants

SETTINGS = 5
STEPS = 50


def mlp(outputs=2, activation=nn.ReLU, dropout=lambda k: 0.0):
    def make(k):
        p = dropout(k)
        layers = [
            nn.Linear(3, 8),
            activation(),
            nn.Dropout(p),
            nn.Linear(8, 8),
            activation(),
            nn.Dropout(p / 2),
            nn.Linear(8, outputs),
        ]
        return nn.Sequential(*layers)

    return make


def with_norms(k):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)
    )


def through_one(k):
    return nn.Sequential(
        nn.Linear(3, 1), nn.Tanh(), nn.Sequential(nn.Linear(1, 4), nn.SiLU(inplace=True)), nn.Linear(4, 2)
    )


def groups(model, k):
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    biases = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    return torch.optim.AdamW(
        [{"params": weights, "weight_decay": 0.1 * k}, {"params": biases, "lr": 1e-2}], lr=3e-3 * (k + 1)
    )


OPTIMIZERS = {
    "sgd": lambda model, k: torch.optim.SGD(model.parameters(), lr=0.02 * (k + 1)),
    "momentum": lambda model, k: torch.optim.SGD(
        model.parameters(), lr=0.01 * (k + 1), momentum=0.2 * k, dampening=0.1 * k, weight_decay=1e-3 * k
    ),
    "nesterov": lambda model, k: torch.optim.SGD(
        model.parameters(), lr=0.01 * (k + 1), momentum=0.1 * k + 0.1, nesterov=True
    ),
    "adam": lambda model, k: torch.optim.Adam(
        model.parameters(),
        lr=3e-3 * (k + 1),
        betas=(0.9 - 0.05 * k, 0.999 - 0.01 * k),
        eps=10.0 ** -(8 - k),
        weight_decay=0.01 * k,
    ),
    "adamw": lambda model, k: torch.optim.AdamW(model.parameters(), lr=3e-3 * (k + 1), weight_decay=0.01 * k),
    "adamw, all alike": lambda model, k: torch.optim.AdamW(model.parameters(), lr=3e-3),
    "groups": groups,
}
MODELS = {
    "relu": mlp(), "tanh": mlp(activation=nn.Tanh), "leaky": mlp(activation=nn.LeakyReLU), "one dropout": mlp(dropout=lambda k: 0.2),
    "a dropout each": mlp(dropout=lambda k: k / (SETTINGS - 1)), "norms": with_norms, "through one unit": through_one,
}  # fmt: skip
LOSSES = {
    "cross entropy": F.cross_entropy, "module": nn.CrossEntropyLoss(), "smoothed": nn.CrossEntropyLoss(label_smoothing=0.1),
    "weighted": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0])),
}  # fmt: skip
ONE_OUTPUT = {
    "mse": F.mse_loss, "mse module": nn.MSELoss(), "binary": F.binary_cross_entropy_with_logits,
    "weighted binary": nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0])), "huber": F.smooth_l1_loss,
    "own": lambda output, target: (output - target).abs().pow(1.5).mean(),
}  # fmt: skip


def side_by_side(make, make_optimizer, loss, classes=True):
    """Losses over the first steps, (STEPS, SETTINGS), and outputs in eval mode, of the stack and of single networks."""
    torch.manual_seed(0)
    x = torch.randn(200, 3)
    y = (x[:, 0] * x[:, 1] > 0).long()
    y = y if classes else y[:, None].float()
    models = [make(k) for k in range(SETTINGS)]
    singles = [copy.deepcopy(model) for model in models]
    updates = [make_optimizer(model, k) for k, model in enumerate(singles)]
    stack = Stack(models)
    update = StackedOptimizer(
        [make_optimizer(model, k) for k, model in enumerate(models)], stack.flat, stack.parameters
    )
    stacked = stacked_loss(loss, y[:20])
    ours, theirs = np.empty((STEPS, SETTINGS)), np.empty((STEPS, SETTINGS))
    for step in range(STEPS):
        batch = slice(step % 10 * 20, step % 10 * 20 + 20)
        torch.manual_seed(step)
        before = torch.default_generator.get_state()
        for k in range(SETTINGS):
            torch.default_generator.set_state(before)
            for dropout in stack.dropouts:
                dropout.draw([k], 20)
        with torch.no_grad():
            outputs = stack.forward(stack.inputs(x[batch], True), True)
            losses, gradient = stacked(outputs, y[batch], True)
            update.step(stack.backward(gradient))
        ours[step] = losses.numpy()
        for k, model in enumerate(singles):
            torch.default_generator.set_state(before)
            value = loss(model(x[batch]), y[batch])
            updates[k].zero_grad()
            value.backward()
            updates[k].step()
            theirs[step, k] = value.item()
    with torch.no_grad():
        seen = torch.stack([stack.model(k).eval()(x) for k in range(SETTINGS)])
        wanted = torch.stack([model.eval()(x) for model in singles])
        at_once = stack.forward(stack.inputs(x, True), False).transpose(1, 2)
    return ours, theirs, seen, wanted, at_once


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_losses_are_those_of_each_network_alone(make):
    ours, theirs, seen, wanted, at_once = side_by_side(make, OPTIMIZERS["momentum"], F.cross_entropy)
    assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-7)
    assert torch.allclose(seen, wanted, rtol=1e-3, atol=1e-3)
    assert torch.allclose(at_once, seen, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_optimiser_moves_as_torchs_own_with_numbers_of_each_setting(optimizer):
    ours, theirs, *_ = side_by_side(mlp(), optimizer, F.cross_entropy)
    assert np.allclose(ours, theirs, rtol=1e-4)
    assert (ours[40] != ours[0]).all()  # another loss on the same batch: all of them have moved


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses_over_classes(loss):
    ours, theirs, *_ = side_by_side(mlp(), OPTIMIZERS["adamw"], loss)
    assert np.allclose(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize("loss", ONE_OUTPUT.values(), ids=ONE_OUTPUT)
def test_losses_over_numbers(loss):
    ours, theirs, *_ = side_by_side(mlp(1), OPTIMIZERS["adam"], loss, classes=False)
    assert np.allclose(ours, theirs, rtol=1e-4)


# On a task, with the engine's own loops.


def loops(settings, task=None, **common):
    """A run for each setting that has not begun, and its loop."""
    task = task or quadrants(noise=0.1)
    made = []
    for setting in settings:
        chosen = {"epochs": 3, "lr": 0.01, "threads": 1} | common | setting
        dropout, initial = chosen.pop("dropout", 0.0), chosen.pop("initial", 0)
        with dl.seeded(initial):
            network = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Dropout(dropout), nn.Linear(12, 2))
        made.append(dl.fit(network, task, start=False, **chosen)._loop)
    return made


def trained(settings, steps=STEPS, **common):
    together = Together(loops(settings, **common))
    with torch.no_grad():
        together.validate()
        for _ in range(steps):
            together.advance()
    return together


def curve(together, setting, name="loss"):
    return together.columns[name].read(setting, 10**9)[1]


MANY = [
    {"lr": 0.01}, {"lr": 0.1, "dropout": 0.3}, {"seed": 7}, {"seed": 7, "dropout": 0.3}, {"initial": 3}, {"clip": 0.1, "lr": 0.03},
    {"schedule": "cosine"}, {"schedule": "cosine", "lr": 0.1, "dropout": 0.3},
]  # fmt: skip


def test_each_setting_gives_the_numbers_of_its_own_run():
    task = quadrants(noise=0.1)
    together = trained(MANY, task=task)
    for number, loop in enumerate(loops(MANY, task=task)):
        loop.validate()
        for _ in range(STEPS):
            loop.advance()
        assert np.allclose(curve(together, number), loop.history["loss"], rtol=1e-4), MANY[number]
        for name in ("valid_loss", "valid_accuracy"):
            assert np.allclose(curve(together, number, name), loop.history[name], rtol=1e-3, atol=5e-3), (
                name,
                MANY[number],
            )
            assert together.columns[name].read(number, 10**9)[0].tolist() == loop.history.steps(name).tolist()


def test_no_setting_depends_on_what_the_others_are():
    task = quadrants(noise=0.1)
    one, other = {"lr": 0.02, "dropout": 0.2}, {"lr": 0.005, "seed": 3}
    among_wild = trained([one, {"lr": 1e6, "dropout": 0.9}, other, {"lr": 1e30}], task=task)
    among_tame = trained([{"lr": 1e-3}, other, {"seed": 9}, {"initial": 4}, one], task=task)
    assert np.allclose(curve(among_wild, 0), curve(among_tame, 4), rtol=1e-5)
    assert np.allclose(curve(among_wild, 2), curve(among_tame, 1), rtol=1e-5)


def test_a_setting_whose_loss_is_no_number_ends_before_its_weights_change_and_the_others_go_on():
    task = quadrants()
    together = trained([{"lr": 0.01}, {"lr": 1e38, "optimizer": "sgd"}], task=task, optimizer="sgd")
    assert together.states == ["running", "failed"]
    assert together.reached(0) == STEPS and together.reached(1) < STEPS
    assert "lr 1e+38 is likely too high" in together.errors[1]
    assert np.isfinite(together.columns["loss"].read(1, together.reached(1))[1]).all()
    alone = trained([{"lr": 0.01}], task=task, optimizer="sgd")
    assert np.allclose(curve(together, 0), curve(alone, 0), rtol=1e-5)


def test_a_setting_that_is_ended_keeps_its_weights():
    together = trained([{}, {"lr": 0.03}], steps=10)
    together._do_drop(1)
    at_its_end = {name: value.clone() for name, value in together.model(1).state_dict().items()}
    with torch.no_grad():
        for _ in range(10):
            together.advance()
    assert all(torch.equal(value, at_its_end[name]) for name, value in together.model(1).state_dict().items())
    assert together.reached(1) == 10 and together.reached(0) == 20


def test_settings_may_end_at_different_epochs():
    together = trained([{"epochs": 1}, {"epochs": 2}], steps=40)
    assert together.states == ["done", "done"]
    assert [together.reached(0), together.reached(1)] == [20, 40]


def test_frozen_layers_stay_as_they_are():
    made = loops([{}, {"lr": 0.1}])
    for loop in made:
        loop.model[0].requires_grad_(False)
    together = Together(made)
    before = together.stack.flat.clone()
    with torch.no_grad():
        for _ in range(5):
            together.advance()
    first = sum(parameter.numel() for parameter in made[0].model[0].parameters())
    assert torch.equal(together.stack.flat[:, :first], before[:, :first])
    assert (together.stack.flat[:, first:] != before[:, first:]).any(1).all()


# What cannot be stacked is refused in words.


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        return self.linear(x)


def tied():
    layer = nn.Linear(2, 2)
    return nn.Sequential(layer, nn.ReLU(), layer)


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([Own(), Own()], "is a Own"),
        ([nn.Sequential(nn.Conv2d(1, 1, 1))], "is a Conv2d"),
        ([nn.Sequential(nn.Linear(2, 4)), nn.Sequential(nn.Linear(2, 8))], "out_features=8"),
        ([nn.Sequential(nn.Linear(2, 4)), nn.Sequential(nn.Linear(2, 4), nn.ReLU())], "setting 1 of Linear, ReLU"),
        (
            [nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.1)), nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.2))],
            "negative_slope=0.2",
        ),
        ([tied()], "twice"),
        ([nn.Sequential(nn.Linear(2, 2).double())], "float64"),
        ([nn.Sequential(nn.ReLU())], "no Linear"),
        ([nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, momentum=None))], "momentum=None"),
    ],
)
def test_networks_that_cannot_be_stacked_are_named(models, words):
    with pytest.raises(CannotStack, match=words) as refused:
        Stack(models)
    assert "Leave vectorize out" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([{"optimizer": "rmsprop"}], "SGD, Adam or AdamW; they have RMSprop"),
        ([{"optimizer": "sgd"}, {"optimizer": "adam"}], "they have Adam, SGD"),
        ([{"optimizer": lambda p: torch.optim.Adam(p, amsgrad=True), "lr": None}], "no amsgrad"),
        ([{"validate_every": 5}, {"validate_every": 7}], "validate_every"),
    ],
)
def test_plans_that_cannot_be_stacked_are_named(settings, words):
    with pytest.raises(CannotStack, match=words):
        Together(loops(settings))


def test_batches_of_another_form_are_refused():
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    pictures = dl.Task(
        "pictures", TensorBatches(x.view(64, 1, 2), y, size=16), loss=lambda output, target: output.mean()
    )
    with pytest.raises(CannotStack, match="begin with Flatten"):
        Together(loops([{}], task=pictures)).advance()

    class Both(nn.Sequential):
        def forward(self, x, z):
            return super().forward(x + z)

    with pytest.raises(CannotStack, match="is a Both"):
        Stack([Both(nn.Linear(2, 2))])


def test_batch_norm_refuses_a_batch_of_one():
    stack = Stack([nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))])
    with torch.no_grad(), pytest.raises(ValueError, match="more than 1 example"):
        stack.forward(stack.inputs(torch.zeros(1, 2), True), True)


def test_targets_of_another_shape_than_the_outputs_are_refused():
    loss = stacked_loss(F.mse_loss, torch.zeros(4))
    with pytest.raises(ValueError, match="make them of one shape"):
        loss(torch.zeros(2, 1, 4), torch.zeros(4), True)


def test_whoever_reads_the_steps_finds_the_losses_of_all_of_them(monkeypatch):
    seen = []

    def counted(together, steps):
        seen.append((steps, len(curve(together, 0)) if steps else 0))
        vars(together)["steps"] = steps

    monkeypatch.setattr(Together, "steps", property(lambda together: vars(together)["steps"], counted), raising=False)
    trained([{}], steps=20)
    assert [steps for steps, _ in seen] == list(range(21)) and all(steps == losses for steps, losses in seen)


def test_the_value_is_a_number_before_and_after():
    together = trained([{"lr": 0.05}], steps=60)
    assert curve(together, 0)[-20:].mean() < curve(together, 0)[:20].mean()
    assert not math.isnan(curve(together, 0, "valid_loss")[-1])
