"""The network of the playground: an ordinary module that grows and shrinks without forgetting."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dlnb.widgets.playground import growth
from dlnb.widgets.playground.checks import PlaygroundError
from dlnb.widgets.playground.network import Network, inputs_of
from dlnb.widgets.playground.spec import (
    INPUTS,
    OPTIMIZERS,
    Layer,
    Plan,
    Spec,
    make_optimizer,
)

POINTS = torch.rand(40, 2, generator=torch.Generator().manual_seed(1)) * 10 - 5
PLAN = Plan()


def trained(spec: Spec, plan: Plan = PLAN, steps: int = 5):
    """A network that has learned a little, and its optimiser."""
    network = Network(spec)
    optimizer = make_optimizer(plan, list(network.parameters()))
    x, y = inputs_of(spec.inputs, POINTS), (POINTS[:, :1] > 0).float()
    for _ in range(steps):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(network(x)[:, :1], y).backward()
        optimizer.step()
    return network, optimizer


def answer(network: Network) -> torch.Tensor:
    network.eval()
    with torch.no_grad():
        return network(inputs_of(network.spec.inputs, POINTS))


def test_it_is_what_pytorch_makes_after_the_same_seed():
    network = Network(Spec(seed=7))
    torch.manual_seed(7)
    plain = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), plain.parameters(), strict=True))
    assert torch.equal(network(POINTS), plain(POINTS))


def test_making_one_leaves_the_readers_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    Network(Spec())
    assert torch.equal(torch.rand(3), expected)


def test_the_answers_of_the_neurons_are_those_of_the_layers():
    spec = Spec(tuple(INPUTS), (Layer(8, "relu", 0.5, "batch"), Layer(3, "gelu", 0, "layer")), 3)
    network, _ = trained(spec)
    network.train()
    found = network.answers(inputs_of(spec.inputs, POINTS))
    assert [tuple(part.shape) for part in found] == [(40, 8), (40, 3), (40, 3)]
    assert network.training
    assert torch.equal(found[-1], answer(network))


GROWING = [
    ("relu", lambda spec: growth.add_unit(spec, 0)),
    ("tanh", lambda spec: growth.add_unit(spec, 1)),
    ("tanh", lambda spec: growth.set_inputs(spec, ("x", "sin y", "y", "x²"))),
    ("relu", lambda spec: growth.add_layer(spec, 2)),
    ("relu", lambda spec: growth.add_layer(spec, 1)),
    ("tanh", lambda spec: growth.add_layer(spec, 1, Layer(8, "linear"))),
    ("relu", lambda spec: growth.set_layer(spec, 0, dropout=0.5)),
]


@pytest.mark.parametrize(("activation", "edit"), GROWING)
def test_a_network_that_grows_answers_as_before(activation, edit):
    spec = Spec(layers=(Layer(4, activation, norm="batch"), Layer(3, activation)))
    network, optimizer = trained(spec)
    new, _ = growth.grown(network, optimizer, edit(spec), Plan())
    torch.testing.assert_close(answer(new), answer(network), rtol=0, atol=1e-6)


def test_a_new_tanh_layer_bends_the_answer_only_a_little():
    spec = Spec()
    network, optimizer = trained(spec)
    new, _ = growth.grown(network, optimizer, growth.add_layer(spec, 2), Plan())
    assert (answer(new) - answer(network)).abs().max() < 0.5 * answer(network).abs().max()


def test_old_weights_stay_to_the_bit_when_a_neuron_comes():
    network, optimizer = trained(Spec())
    new, _ = growth.grown(network, optimizer, growth.add_unit(Spec(), 0), Plan())
    old_in, old_out = network.blocks[0].linear, network.blocks[1].linear
    assert torch.equal(new.blocks[0].linear.weight[:4], old_in.weight)
    assert torch.equal(new.blocks[0].linear.bias[:4], old_in.bias)
    assert torch.equal(new.blocks[1].linear.weight[:, :4], old_out.weight)
    assert not new.blocks[1].linear.weight[:, 4].any()
    assert new.blocks[0].linear.weight[4].any()


def test_a_new_neuron_wakes_up():
    spec, plan = Spec(layers=(Layer(2), Layer(2))), Plan()
    network, optimizer = trained(spec)
    new, moving = growth.grown(network, optimizer, growth.add_unit(spec, 0), plan)
    for _ in range(3):
        moving.zero_grad()
        F.binary_cross_entropy_with_logits(new(POINTS), (POINTS[:, :1] > 0).float()).backward()
        moving.step()
    assert new.blocks[1].linear.weight[:, 2].abs().min() > 0


def test_a_neuron_that_goes_takes_only_its_own_lines():
    network, optimizer = trained(Spec())
    new, _ = growth.grown(network, optimizer, growth.remove_unit(Spec(), 0, 1), Plan())
    rest = [0, 2, 3]
    assert torch.equal(new.blocks[0].linear.weight, network.blocks[0].linear.weight[rest])
    assert torch.equal(new.blocks[1].linear.weight, network.blocks[1].linear.weight[:, rest])
    assert torch.equal(new.blocks[2].linear.weight, network.blocks[2].linear.weight)


def test_a_layer_that_came_and_goes_leaves_no_trace():
    spec = Spec(layers=(Layer(4, "relu"), Layer(2, "relu")))
    network, optimizer = trained(spec)
    edit = growth.add_layer(spec, 1)
    bigger, moving = growth.grown(network, optimizer, edit, Plan())
    back, _ = growth.grown(bigger, moving, growth.remove_layer(edit[0], 1), Plan())
    assert back.spec == spec
    assert all(torch.equal(a, b) for a, b in zip(back.parameters(), network.parameters(), strict=True))


def test_an_input_that_comes_back_keeps_the_others():
    network, optimizer = trained(Spec(inputs=("x", "y", "xy")))
    new, _ = growth.grown(network, optimizer, growth.set_inputs(network.spec, ("xy", "x")), Plan())
    assert torch.equal(new.blocks[0].linear.weight, network.blocks[0].linear.weight[:, [2, 0]])


def test_more_classes_keep_those_that_were_there():
    network, optimizer = trained(Spec(outputs=3))
    new, _ = growth.grown(network, optimizer, growth.set_outputs(network.spec, 5), Plan())
    assert torch.equal(new.blocks[-1].linear.weight[:3], network.blocks[-1].linear.weight)
    again, _ = growth.grown(new, optimizer, growth.set_outputs(new.spec, 1), Plan())
    assert again.spec.outputs == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_goes_on_after_an_edit(name):
    plan = Plan(name, 0.01)
    network, optimizer = trained(Spec(), plan, 0)
    y = (POINTS[:, :1] > 0).float()

    def closure():
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(network(POINTS), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    for edit in (growth.add_unit, growth.add_layer, lambda spec, _: growth.remove_unit(spec, 0, 0)):
        network, optimizer = growth.grown(network, optimizer, edit(network.spec, 0), plan)
        before = [parameter.clone() for parameter in network.parameters()]
        optimizer.step(closure)
        assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
        assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_momentum_goes_with_its_weights():
    plan = Plan("SGD", 0.1, options=(("momentum", 0.9),))
    network, optimizer = trained(Spec(), plan)
    new, moved = growth.grown(network, optimizer, growth.add_unit(Spec(), 0), plan)
    old = optimizer.state[network.blocks[0].linear.weight]["momentum_buffer"]
    buffer = moved.state[new.blocks[0].linear.weight]["momentum_buffer"]
    assert torch.equal(buffer[:4], old) and not buffer[4].any()


def test_a_weight_is_set_by_hand():
    network = Network(Spec())
    network.set_weight(1, 0, 3, 2.5)
    network.set_weight(2, 0, None, -1)
    assert network.blocks[1].linear.weight[0, 3] == 2.5 and network.blocks[2].linear.bias[0] == -1


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda: Layer(9), "too large to draw"),
        (lambda: Layer(0), "1 to 8 neurons"),
        (lambda: Layer(True), "1 to 8 neurons"),
        (lambda: Layer(4, "step"), "Choose one of"),
        (lambda: Layer(4, dropout=1.0), "Dropout"),
        (lambda: Layer(1, norm="layer"), "at least 2 neurons"),
        (lambda: Spec(layers=(Layer(),) * 7), "too large to draw"),
        (lambda: Spec(inputs=()), "at least one input"),
        (lambda: Spec(inputs=("x", "x")), "once"),
        (lambda: Spec(inputs=("z",)), "no input 'z'"),
        (lambda: Spec(seed=-1), "seed"),
        (lambda: Spec(outputs=7), "2 to 6 classes"),
        (lambda: Plan("Sgd"), "no optimiser 'Sgd'"),
        (lambda: Plan("Muon"), "no optimiser"),
        (lambda: Plan(lr=float("nan")), "learning rate"),
        (lambda: Plan(lr="0.1"), "learning rate"),
        (lambda: Plan(batch=0), "batch"),
        (lambda: Plan(options=(("lambda", 1),)), "no option"),
        (lambda: Plan("Adam", options=(("betas", (2.0, 0.5)),)), "torch.optim.Adam cannot be set so"),
        (lambda: Network(Spec()).set_weight(0, 0, 0, float("inf")), "A weight must be"),
        (lambda: Network(Spec()).set_weight(0, 4, 0, 1), "no neuron"),
        (lambda: Network(Spec()).set_weight(3, 0, 0, 1), "no layer"),
        (lambda: Network(Spec()).set_weight(0, 0, 2, 1), "No line"),
        (lambda: growth.add_unit(Spec(layers=(Layer(8),)), 0), "8 neurons at most"),
        (lambda: growth.add_layer(Spec(layers=(Layer(),) * 6), 0), "6 layers at most"),
        (lambda: growth.remove_unit(Spec(layers=(Layer(1),)), 0, 0), "at least one neuron"),
        (lambda: growth.set_layer(Spec(), 0, units=3), "no units"),
        (lambda: growth.remove_layer(Spec(), 2), "no hidden layer"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(bad, words):
    with pytest.raises(PlaygroundError, match=words) as caught:
        bad()
    assert str(caught.value).endswith((".", ")", "0.5)")) or "torch.optim" in str(caught.value)


def test_a_network_without_hidden_layers_is_a_line():
    spec = Spec(layers=())
    network, optimizer = trained(spec)
    assert len(network) == 1
    new, _ = growth.grown(network, optimizer, growth.add_layer(spec, 0, Layer(2, "linear")), Plan())
    torch.testing.assert_close(answer(new), answer(network))
    assert replace(new.spec, layers=()) == spec
