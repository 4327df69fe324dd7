"""Learning in the playground: exact, steerable, and never lost when something is refused."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dlnb.widgets.playground import growth
from dlnb.widgets.playground.checks import PlaygroundError
from dlnb.widgets.playground.network import Network
from dlnb.widgets.playground.points import Points, Recipe, made
from dlnb.widgets.playground.spec import OPTIMIZERS, Layer, Plan, Spec
from dlnb.widgets.playground.training import DENSE, Exploded, Trainer, seed_of

BUSY = Spec(layers=(Layer(4, dropout=0.2), Layer(3, "relu", norm="batch")))


def state(trainer: Trainer) -> list[torch.Tensor]:
    """All numbers of the network and of its optimiser."""
    known = [
        value
        for parameter in trainer.parameters
        for value in trainer.optimizer.state.get(parameter, {}).values()
        if isinstance(value, torch.Tensor)
    ]
    return [tensor.detach().clone() for tensor in (*trainer.network.state_dict().values(), *known)]


def same(one: list[torch.Tensor], two: list[torch.Tensor]) -> bool:
    return len(one) == len(two) and all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_the_losses_are_those_of_a_plain_pytorch_loop():
    trainer = Trainer()
    trainer.train(epochs=5)
    points = made(Recipe())
    x, y = points.x[points.trains], points.y[points.trains].float()[:, None]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03)
    losses = []
    for epoch in range(6):
        losses.append(F.binary_cross_entropy_with_logits(model(x), y).item())
        order = torch.randperm(250, generator=torch.Generator().manual_seed(seed_of(0, epoch)))
        for batch in order.split(10):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(x[batch]), y[batch]).backward()
            optimizer.step()
    assert trainer.history["loss"] == pytest.approx(losses, abs=1e-6)
    assert trainer.steps == 125


def test_it_learns_the_circle():
    trainer = Trainer(Spec(layers=(Layer(6), Layer(4))), Plan("Adam", 0.03))
    trainer.train(epochs=40)
    assert trainer.history["test_accuracy"][-1] > 0.97
    assert trainer.history["test_accuracy"][0] < 0.75


@pytest.mark.parametrize("shape", ["plane", "hills"])
def test_it_learns_a_surface(shape):
    trainer = Trainer(Spec(layers=(Layer(8), Layer(8))), Plan("Adam", 0.01), made(Recipe(shape)))
    trainer.train(epochs=40)
    assert trainer.history["test_loss"][-1] < 0.3 * trainer.history["test_loss"][0]
    assert math.isnan(trainer.history["accuracy"][-1])


def test_it_learns_six_classes():
    trainer = Trainer(Spec(layers=(Layer(8),)), Plan("Adam", 0.03), made(Recipe("gaussians", classes=6)))
    trainer.train(epochs=40)
    assert trainer.history["test_accuracy"][-1] > 0.9


def test_the_same_settings_give_the_same_start_and_another_seed_another():
    one, two = Trainer(BUSY), Trainer(BUSY)
    one.train(epochs=3)
    two.train(epochs=3)
    assert same(state(one), state(two)) and one.history == two.history
    one.start()
    assert same(state(one), state(Trainer(BUSY))) and one.epoch == 0
    one.start(seed=5)
    assert not same(state(one), state(Trainer(BUSY)))


def test_samples_batches_and_epochs_are_steps_of_one_kind():
    trainer = Trainer()
    trainer.sample()
    assert (trainer.steps, trainer.place, trainer.epoch) == (1, 1, 0)
    trainer.train(steps=1)
    assert (trainer.steps, trainer.place) == (2, 11)
    trainer.train(epochs=1)
    assert (trainer.place, trainer.epoch) == (0, 1) and len(trainer.history["loss"]) == 2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rewinding_gives_the_same_numbers_to_the_bit(optimizer):
    trainer = Trainer(BUSY, Plan(optimizer, 0.01, batch=50))
    trainer.train(epochs=4)
    at_four = state(trainer)
    trainer.train(epochs=5)
    then, history = state(trainer), {name: list(column) for name, column in trainer.history.items()}
    trainer.rewind(4)
    assert same(state(trainer), at_four) and len(trainer.history["loss"]) == 5
    trainer.train(epochs=5)
    assert same(state(trainer), then) and trainer.history == history


def test_rewinding_goes_over_every_kind_of_edit():
    spec = Spec(layers=(Layer(4, dropout=0.2), Layer(3, "relu", norm="layer")))
    trainer = Trainer(spec, Plan("Adam", 0.01))
    states = []

    def learn(epochs: int) -> None:
        for _ in range(epochs):
            trainer.train(epochs=1)
            states.append(state(trainer))

    states.append(state(trainer))
    learn(2)
    trainer.train(steps=3)
    trainer.grow(growth.add_unit(trainer.spec, 0))
    trainer.sample()
    trainer.train(steps=2)
    trainer.set_plan(lr=0.02, batch=7)
    learn(2)
    trainer.set_weight(0, 0, 1, 1.5)
    trainer.train(steps=2)
    trainer.set_plan(optimizer="SGD", l1=0.001, l2=0.01)
    learn(2)
    trainer.train(steps=4)
    trainer.set_points(made(Recipe("spiral", classes=3)))
    learn(1)
    trainer.grow(growth.remove_layer(trainer.spec, 0))
    states[7] = state(trainer)  # what was changed at the end of an epoch belongs to it
    learn(1)
    losses = list(trainer.history["loss"])
    for epoch in (7, 5, 3, 1):
        trainer.rewind(epoch)
        assert same(state(trainer), states[epoch]), epoch
        assert trainer.history["loss"] == losses[: epoch + 1]
    assert trainer.spec == spec and trainer.plan == Plan("Adam", 0.01)


def test_far_back_snapshots_thin_out_and_the_rest_is_replayed():
    trainer = Trainer(Spec(layers=(Layer(1),)), Plan("SGD", 0.01, batch=250))
    kept = {}
    for epoch in range(1, 4 * DENSE + 1):
        trainer.train(epochs=1)
        if epoch in (3, 401):
            kept[epoch] = state(trainer)
    assert len(trainer._snapshots) < 2.2 * DENSE
    for epoch in (401, 3):
        trainer.rewind(epoch)
        assert same(state(trainer), kept[epoch])


@pytest.mark.parametrize(("lr", "shape"), [(1e4, "plane"), (1e6, "plane"), (1e6, "circle")])
def test_a_learning_rate_that_explodes_is_said_and_the_state_kept(lr, shape):
    trainer = Trainer(
        Spec(inputs=("x", "x²", "xy"), layers=(Layer(4, "relu"), Layer(4, "relu"))), points=made(Recipe(shape))
    )
    trainer.train(epochs=2)
    trainer.train(steps=3)
    before = state(trainer)
    trainer.set_plan(lr=lr)
    with pytest.raises(Exploded, match="learning rate .* too large for SGD.*at step 53. Choose a smaller"):
        trainer.train(epochs=20)
    assert same(state(trainer), before) and (trainer.epoch, trainer.place, trainer.steps) == (2, 30, 53)
    trainer.set_plan(lr=0.001)
    trainer.train(epochs=1)
    assert math.isfinite(trainer.history["loss"][-1]) and len(trainer.history["loss"]) == 4


def test_an_explosion_keeps_the_dropout_that_was():
    def lost(explode: bool) -> list[torch.Tensor]:
        trainer = Trainer(Spec(layers=(Layer(4, "relu", 0.5),)), points=made(Recipe("plane")))
        trainer.train(steps=3)
        if explode:
            trainer.set_plan(lr=1e6)
            with pytest.raises(Exploded):
                trainer.train(epochs=5)
        trainer.set_plan(lr=0.01)
        trainer.train(steps=30)
        return state(trainer)

    assert same(lost(False), lost(True))


def test_training_leaves_the_readers_random_numbers_alone():
    trainer = Trainer(BUSY)
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    trainer.train(epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_l1_and_l2_make_weights_smaller():
    sizes = {}
    for name, plan in {"": Plan(), "l1": Plan(l1=0.02), "l2": Plan(l2=0.05)}.items():
        trainer = Trainer(plan=plan)
        trainer.train(epochs=20)
        sizes[name] = float(sum(weight.detach().abs().sum() for weight in trainer.network.weights))
    assert sizes["l1"] < 0.7 * sizes[""] and sizes["l2"] < 0.8 * sizes[""]


REFUSED = [
    (lambda t: t.set_plan(lr=-1), "learning rate"),
    (lambda t: t.set_plan(optimizer="Best"), "no optimiser"),
    (lambda t: t.grow(growth.add_unit(t.spec, 7)), "no hidden layer"),
    (lambda t: t.set_weight(0, 0, 0, math.nan), "A weight must be"),
    (lambda t: t.rewind(99), "epochs 0 to 2"),
    (lambda t: t.rewind(True), "epochs 0 to 2"),
    (lambda t: t.set_plan(batch=249), "Batch norm averages"),
    (lambda t: t.sample(), "Batch norm averages"),
]


@pytest.mark.parametrize(("command", "words"), REFUSED)
def test_what_is_refused_changes_nothing(command, words):
    trainer = Trainer(BUSY)
    trainer.train(epochs=2)
    before, history = state(trainer), dict(trainer.history)
    with pytest.raises(PlaygroundError, match=words):
        command(trainer)
    assert same(state(trainer), before) and trainer.history == history and trainer.plan == Plan()


def test_new_points_of_as_many_classes_keep_every_weight():
    trainer = Trainer()
    trainer.train(epochs=2)
    before = state(trainer)
    trainer.set_points(made(Recipe("xor")))
    assert same(state(trainer), before) and trainer.epoch == 2


def test_the_trainer_moves_a_network_of_ordinary_modules():
    trainer = Trainer()
    assert isinstance(trainer.network, nn.Sequential) and isinstance(trainer.network, Network)
    assert isinstance(trainer.points, Points) and type(trainer.optimizer) is torch.optim.SGD


def test_to_a_moment_one_can_return_from_anywhere():
    trainer = Trainer(BUSY, Plan("Adam", 0.01, batch=50))
    trainer.train(epochs=3)
    trainer.train(steps=2)
    before, moment = state(trainer), trainer.moment()
    trainer.grow(growth.add_layer(trainer.spec, 0))
    trainer.set_points(made(Recipe("spiral", classes=3)))
    trainer.train(epochs=2)
    trainer.begin(Spec(), Plan(), made(Recipe("hills")))
    for _ in range(2):  # also twice
        trainer.return_to(moment)
        assert same(state(trainer), before) and (trainer.epoch, trainer.place, trainer.edits) == (3, 100, 0)
        trainer.train(epochs=1)
    other = Trainer(BUSY, Plan("Adam", 0.01, batch=50))
    other.train(epochs=4)
    assert same(state(trainer), state(other)) and trainer.history == other.history
    trainer.rewind(1)
    other.rewind(1)
    assert same(state(trainer), state(other))


def test_weights_of_another_network_are_refused():
    trainer = Trainer()
    before = state(trainer)
    with pytest.raises(PlaygroundError, match="another network"):
        trainer.set_weights([torch.zeros(3)])
    assert same(state(trainer), before) and trainer.edits == 0
