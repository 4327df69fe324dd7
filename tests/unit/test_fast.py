"""What makes learning quick on a processor: checked against its references."""

import pytest
import torch
from torch import nn

import dlnb as dl
from dlnb.fast import STEPS, BFloat16Linear, Muon, _all_at_once, _one_by_one, fast_linear, orthogonal
from dlnb.text import ModernGPT


def test_directions_stay_and_lengths_become_alike():
    made = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(0))
    for matrices in (made, made.mT):
        u, _, v = torch.linalg.svd(matrices, full_matrices=False)
        found = orthogonal(matrices)
        assert ((0.5 < torch.linalg.svdvals(found)) & (torch.linalg.svdvals(found) < 1.4)).all()
        wanted = u @ v
        assert (torch.cosine_similarity(found.flatten(1), wanted.flatten(1)) > 0.98).all()


@pytest.mark.parametrize("shape", [(2, 48, 96), (1, 64, 640), (3, 50, 500)])
def test_what_is_done_to_wide_matrices_at_once_is_what_is_done_one_by_one(shape):
    generator = torch.Generator().manual_seed(0)
    sizes = torch.logspace(0, -4, shape[2])  # from well to badly balanced
    x = torch.randn(shape, generator=generator) * sizes
    x = x / x.norm(dim=(1, 2), keepdim=True)
    for count in (0, 1, STEPS):
        assert torch.allclose(_all_at_once(x, count), _one_by_one(x, count), atol=1e-4)


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


def test_filters_move_as_the_matrices_that_they_are():
    filters, matrix = fresh((12, 5, 2, 2)), fresh((12, 20))
    moved, wanted = steps(Muon(filters, [], lr=0.05), filters)[0], steps(Muon(matrix, [], lr=0.05), matrix)[0]
    assert torch.allclose(moved.flatten(1), wanted, atol=1e-6)
    side_by_side = [nn.Parameter(part.detach().contiguous(memory_format=torch.channels_last)) for part in fresh((12, 5, 2, 2))]
    assert torch.allclose(steps(Muon(side_by_side, [], lr=0.05), side_by_side)[0], moved, atol=1e-6)


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
    seeing = dl.vision.Detector(3, width=8, pyramid=8)
    matrices, others = Muon.of(seeing, but=("what", "where")).param_groups
    assert all(part.ndim == 4 for part in matrices["params"])
    assert {id(seeing.what.weight), id(seeing.where.weight)} <= {id(part) for part in others["params"]}
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


@pytest.mark.parametrize(("has", "kind"), [({"amx_bf16": True}, BFloat16Linear), ({"amx_bf16": False}, nn.Linear), ({"neon": True}, nn.Linear)])
def test_the_processor_and_not_the_clock_says_whether_bfloat16_is_fast(monkeypatch, has, kind):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    monkeypatch.setattr("time.perf_counter", lambda: 0.0)
    assert fast_linear() is kind
    with dl.seeded(0):
        matrix = torch.randn(1, 6, 6)
    moved = orthogonal(matrix)
    assert torch.equal(moved, moved.bfloat16().float()) == (kind is BFloat16Linear)
