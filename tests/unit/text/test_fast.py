"""The modern GPT and what makes it quick: checked against their references."""

import pytest
import torch
from torch import nn

import dlnb as dl
from dlnb.text import generate
from dlnb.text.fast import BFloat16Linear, Muon, fast_linear, orthogonal
from dlnb.text.models.modern import ModernGPT, turned


@pytest.fixture
def model():
    with dl.seeded(0):
        made = ModernGPT(11, context=16, width=16, layers=2, heads=2)
        for parameter in made.parameters():
            nn.init.normal_(parameter, std=0.3)
    return made.eval()


def tokens(rows: int, count: int) -> torch.Tensor:
    return torch.randint(11, (rows, count), generator=torch.Generator().manual_seed(1))


def test_it_knows_nothing_at_first_and_sees_nothing_that_is_to_come(model):
    with dl.seeded(0):
        fresh = ModernGPT(11, context=16, width=16, layers=2, heads=2)
    assert torch.equal(fresh(tokens(2, 16)), torch.zeros(2, 16, 11))
    read = tokens(2, 16)
    other = read.clone()
    other[:, 9:] = (other[:, 9:] + 1) % 11
    assert torch.allclose(model(read)[:, :9], model(other)[:, :9], atol=1e-5)
    assert not torch.allclose(model(read)[:, 9:], model(other)[:, 9:], atol=1e-2)


def test_what_was_read_before_is_not_read_again(model):
    read = tokens(3, 16)
    whole, cache, parts = model(read), model.empty_cache(), []
    for part in read.split([5, 1, 7, 3], dim=1):
        parts.append(model(part, cache))
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)
    kept, anew = (generate(model, read[:, :4], 30, seed=3, use_cache=use) for use in (True, False))
    assert torch.equal(kept, anew)


def test_only_how_far_apart_two_positions_are_matters():
    gpt = ModernGPT(11, context=16, width=16, heads=2)
    q, k = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(0))
    scores = [(turned(q, gpt.turns[at : at + 1]) * turned(k, gpt.turns[at - 3 : at - 2])).sum() for at in (3, 8, 15)]
    assert torch.allclose(torch.stack(scores), scores[0].expand(3), atol=1e-5)
    assert torch.allclose(turned(q, gpt.turns[:1]), q)


def test_more_than_it_can_see_and_widths_that_do_not_divide_are_refused(model):
    with pytest.raises(ValueError, match="sees 16 tokens"):
        model(tokens(1, 17))
    with pytest.raises(ValueError, match="cannot share a width of 18"):
        ModernGPT(11, width=18, heads=4)


def test_directions_stay_and_lengths_become_alike():
    made = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(0))
    for matrices in (made, made.mT):
        u, _, v = torch.linalg.svd(matrices, full_matrices=False)
        found = orthogonal(matrices)
        assert ((0.5 < torch.linalg.svdvals(found)) & (torch.linalg.svdvals(found) < 1.4)).all()
        wanted = u @ v
        assert (torch.cosine_similarity(found.flatten(1), wanted.flatten(1)) > 0.98).all()


def steps(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    for _ in range(6):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()
    return [parameter.detach().clone() for parameter in parameters]


def fresh(*shapes: tuple[int, ...]) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(5)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def test_matrices_move_as_with_pytorchs_muon():
    shapes = [(12, 20), (20, 12), (12, 20)]
    begin, ours, theirs = [part.detach() for part in fresh(*shapes)], fresh(*shapes), fresh(*shapes)
    mine = steps(Muon(ours, [], lr=0.05), ours)
    reference = steps(torch.optim.Muon(theirs, lr=0.05, weight_decay=0.0, momentum=0.95, nesterov=True), theirs)
    for one, other, start in zip(mine, reference, begin, strict=True):
        assert torch.cosine_similarity((one - start).flatten(), (other - start).flatten(), dim=0) > 0.99
        assert (one - start).norm() == pytest.approx((other - start).norm().item(), rel=0.03)


def test_all_else_moves_as_with_adam():
    shapes = [(7,), (3, 4)]
    ours, theirs = fresh(*shapes), fresh(*shapes)
    mine = steps(Muon([], ours, lr_others=0.02), ours)
    reference = steps(torch.optim.Adam(theirs, lr=0.02, betas=(0.9, 0.95)), theirs)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(mine, reference, strict=True))


def test_the_matrices_of_a_model_are_told_from_its_embeddings_and_its_head():
    gpt = ModernGPT(11, context=8, width=16, layers=2, heads=2)
    matrices, others = Muon.of(gpt).param_groups
    assert len(matrices["params"]) == 8 and {id(part) for part in others["params"]} == {id(gpt.token.weight), id(gpt.head.weight)}
    tied = dl.text.GPT(11, context=8, width=16, layers=1, heads=2)
    assert tied.token.weight.data_ptr() not in {part.data_ptr() for part in Muon.of(tied).param_groups[0]["params"]}
    with pytest.raises(ValueError, match="Muon moves matrices"):
        Muon([nn.Parameter(torch.zeros(3))], [])


def test_bfloat16_multiplies_nearly_the_same_and_learns_in_float32():
    with dl.seeded(0):
        exact, half = nn.Linear(32, 8), BFloat16Linear(32, 8)
        x = torch.randn(5, 32)
    half.load_state_dict(exact.state_dict())
    assert half(x).dtype == torch.float32 and torch.allclose(half(x), exact(x), atol=0.05)
    half(x).sum().backward()
    assert half.weight.grad.dtype == torch.float32
    assert fast_linear() in (nn.Linear, BFloat16Linear)
