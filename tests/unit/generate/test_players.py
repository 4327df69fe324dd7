"""Two networks in one run: the losses of the game, two optimisers that step as one, and heaps that are counted."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import logsigmoid

import dlnb as dl
from dlnb.generate import GAN, Both
from dlnb.generate.adversaries import at_heaps, heaps, heaps_found, mended, naive, points, share_at_heaps


@pytest.fixture
def gan():
    with dl.seeded(0):
        return GAN(noise=4, width=16)


def gradients(module: nn.Module) -> list[torch.Tensor]:
    return [parameter.grad.clone() for parameter in module.parameters()]


def close(ones, others) -> bool:
    return all(torch.allclose(one, other, atol=1e-6) for one, other in zip(ones, others, strict=True))


# The game.


def test_one_backward_pass_gives_each_player_the_gradient_of_its_own_loss(gan):
    real = points(32, 0)
    with dl.seeded(1):
        naive(gan(real), real).backward()
    together = gradients(gan.generator), gradients(gan.critic)
    with dl.seeded(1):
        made = gan.generator(torch.randn(32, 4))
    gan.zero_grad()
    (-logsigmoid(gan.critic(real)) - logsigmoid(-gan.critic(made.detach()))).mean().backward()
    assert close(together[1], gradients(gan.critic))  # the critic's: of real and made, -log D and -log(1 - D)
    gan.zero_grad()
    logsigmoid(-gan.critic(made)).mean().backward()
    assert close(together[0], gradients(gan.generator))  # the generator's: log(1 - D(made))


def test_the_mended_loss_compares_pairs_and_asks_opposite_things_of_the_players(gan):
    real = points(32, 0)
    with dl.seeded(1):
        said = gan(real)
    loss = mended(said, real, strength=0.0)
    loss.backward()
    together = gradients(gan.generator)
    with dl.seeded(1):
        made = gan.generator(torch.randn(32, 4))
    gan.zero_grad()
    (-logsigmoid(gan.critic(made) - gan.critic(real))).mean().backward()
    assert close(together, gradients(gan.generator))


def test_the_penalty_is_the_squared_slope_of_the_critic_at_both_kinds_of_points():
    gan = GAN(noise=4)
    gan.critic = nn.Linear(2, 1)
    steep = gan(points(8, 0))[3]
    assert torch.allclose(steep, 2 * gan.critic.weight.square().sum().expand(8))
    assert not GAN(noise=4, penalty=False)(points(8, 0))[3].any()


def test_judging_leaves_what_learns_as_it_was_also_a_layer_that_is_frozen(gan):
    gan.critic[0].requires_grad_(False)
    before = [parameter.requires_grad for parameter in gan.parameters()]
    mended(gan(points(8, 0)), points(8, 0)).backward()
    assert [parameter.requires_grad for parameter in gan.parameters()] == before
    assert gan.critic[0].weight.grad is None and gan.critic[2].weight.grad is not None


def test_outside_of_training_a_gan_answers_the_same_each_time(gan):
    gan.eval()
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(gan(points(8, 0)), gan(points(8, 0)), strict=True))
    assert torch.equal(gan.imagine(5, seed=1), gan.imagine(5, seed=1)) and not torch.equal(gan.imagine(5), gan.imagine(5, seed=1))
    with pytest.raises(ValueError, match="count must be 1 or more"):
        gan.imagine(0)


# Heaps.


def test_points_lie_at_the_heaps_and_are_the_same_for_the_same_seed():
    drawn = points(4000, 0)
    assert heaps_found(drawn) == 8 and share_at_heaps(drawn) > 0.98
    assert at_heaps(drawn) == pytest.approx(torch.full((8,), 1 / 8).numpy(), abs=0.03)
    assert torch.equal(drawn, points(4000, 0)) and not torch.equal(drawn, points(4000, 1))
    with pytest.raises(ValueError, match="count must be 1 or more"):
        points(0, 0)


def test_a_heap_counts_from_one_in_a_hundred_points_within_three_deviations():
    here, there, nowhere = heaps()[:1], heaps()[1:2], torch.zeros(1, 2)
    assert heaps_found(torch.cat([here.repeat(99, 1), there])) == 2
    assert heaps_found(torch.cat([here.repeat(199, 1), there])) == 1
    assert heaps_found(nowhere.repeat(100, 1)) == 0
    assert heaps_found(here + torch.tensor([[0.059, 0.0]])) == 1 and heaps_found(here + torch.tensor([[0.061, 0.0]])) == 0


@pytest.mark.parametrize("made", [torch.zeros(0, 2), torch.zeros(4, 3), torch.full((4, 2), float("nan"))])
def test_what_is_no_points_is_not_counted(made):
    with pytest.raises(ValueError, match="expected points"):
        at_heaps(made)


# Two optimisers.


def test_two_optimisers_step_as_each_would_alone(gan):
    alone = copy.deepcopy(gan)
    both = Both(torch.optim.Adam(gan.generator.parameters(), 1e-2), torch.optim.SGD(gan.critic.parameters(), 1e-1, momentum=0.9))
    ones = torch.optim.Adam(alone.generator.parameters(), 1e-2), torch.optim.SGD(alone.critic.parameters(), 1e-1, momentum=0.9)
    for step in range(4):
        for model, optimizers in ((gan, (both,)), (alone, ones)):
            with dl.seeded(step):
                loss = mended(model(points(16, step)), points(16, step))
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(gan.state_dict().values(), alone.state_dict().values(), strict=True))


def test_a_parameter_belongs_to_one_of_the_two(gan):
    with pytest.raises(ValueError, match="a parameter is in both optimisers"):
        Both(torch.optim.Adam(gan.parameters()), torch.optim.SGD(gan.critic.parameters(), 0.1))


def game(**more) -> dl.Run:
    task = dl.generate.eight_points(count=320, batch_size=32)
    with dl.seeded(0):
        model = GAN(noise=4, width=16)
    return dl.fit(model, task, optimizer=Both.of(model, lr=1e-3, lr_second=2e-3), start=False, threads=1, **more)


def test_a_run_of_both_goes_back_and_on_to_the_bit():
    run = game()
    run.step(20)
    losses = run.history["loss"].tolist()
    for step in (7, 0, 13):
        run.seek(step)
    run.step(7)
    assert run.history["loss"].tolist() == losses and run.exact


def test_a_fork_of_both_goes_its_own_way():
    run = game()
    run.step(5)
    fork = run.fork()
    assert fork._loop.optimizer.one.state is fork._loop.optimizer.state is not run._loop.optimizer.state
    run.step(5)
    weights = [weight.clone() for weight in run.model.parameters()]
    fork.step(5)
    assert all(torch.equal(a, b) for a, b in zip(fork.model.parameters(), weights, strict=True))


def test_the_knob_turns_both_and_keeps_their_ratio():
    run = game()
    run.set(lr=5e-4)
    optimizer = run._loop.optimizer
    assert optimizer.one.param_groups[0]["lr"] == 5e-4 and optimizer.other.param_groups[0]["lr"] == pytest.approx(1e-3)


def test_a_schedule_moves_both():
    run = game(schedule="cosine", epochs=2)
    run.step(20)
    optimizer = run._loop.optimizer
    assert optimizer.one.param_groups[0]["lr"] < 2e-5 and optimizer.other.param_groups[0]["lr"] < 4e-5


def test_what_both_have_gathered_can_be_saved_and_loaded(gan, tmp_path):
    run = game()
    run.step(6)
    run.save(tmp_path / "game.run")
    run.step(4)
    model = GAN(noise=4, width=16)
    task = dl.generate.eight_points(count=320, batch_size=32)
    loaded = dl.Run.load(tmp_path / "game.run", model, task, optimizer=lambda parameters: Both.of(model))
    loaded.step(4)
    assert loaded.history["loss"].tolist() == run.history["loss"].tolist()


def test_a_state_dict_of_both_is_taken_by_the_two():
    run = game()
    run.step(3)
    kept = copy.deepcopy(run._loop.optimizer.state_dict())
    other = game()._loop.optimizer
    other.load_state_dict(kept)
    assert other.one.state is other.state and other.one.param_groups[0] is other.param_groups[0]
    assert len(other.state) == len(run._loop.optimizer.state)
