"""The modern GPT."""

import pytest
import torch
from torch import nn

import dlnb as dl
from dlnb.text import generate
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
