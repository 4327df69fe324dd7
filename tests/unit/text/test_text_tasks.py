"""Tasks of reading and writing: what is tested lies behind what is learned, and the metrics say what they are called."""

import math
import os

import pytest
import torch

from dlnb.text.tasks.language import bits_per_token, next_token_loss, tiny_shakespeare

needs_shakespeare = pytest.mark.skipif(
    not os.path.isdir(f"{os.environ.get('DLNB_DATA')}/tinyshakespeare"), reason="DLNB_DATA names no folder with tiny Shakespeare"
)


def test_a_model_that_knows_nothing_needs_the_logarithm_of_the_vocabulary():
    target = torch.randint(8, (5, 7), generator=torch.Generator().manual_seed(0))
    assert math.isclose(bits_per_token(torch.zeros(5, 7, 8), target), 3.0, rel_tol=1e-6)
    assert math.isclose(next_token_loss(torch.zeros(5, 7, 8), target).item(), math.log(8), rel_tol=1e-6)
    sure = 50.0 * torch.nn.functional.one_hot(target, 8)
    assert bits_per_token(sure, target) < 1e-6


@needs_shakespeare
def test_the_parts_follow_each_other_and_the_test_is_the_last_tenth():
    task = tiny_shakespeare()
    train, valid, test = (task.split(name).tokens for name in ("train", "valid", "test"))
    assert len(train) + len(valid) + len(test) == 1_115_394 and len(test) == 111_540
    seen = sum(len(task.test.batch(0, 0, position)[0].flatten()) for position in range(len(task.test)))
    assert seen == 111_540 // 64 * 64


@needs_shakespeare
def test_without_validation_everything_before_the_test_is_learned():
    task, whole = tiny_shakespeare(), tiny_shakespeare(held_out=0)
    assert whole.valid is None and torch.equal(whole.test.tokens, task.test.tokens)
    assert torch.equal(whole.train.tokens, torch.cat([task.train.tokens, task.valid.tokens]))
    assert len(whole.preview(whole.models["GPT"]().eval()).said) > 0
    with pytest.raises(ValueError, match="held_out must be from 0 to 0.5"):
        tiny_shakespeare(held_out=0.6)


@needs_shakespeare
def test_counting_five_characters_is_a_strong_baseline():
    """4.8 bits are the entropy of single characters; with five before it counted, a character needs 2.7."""
    found = {name: value["bits per character"] for name, value in tiny_shakespeare().measure_baselines().items()}
    alone, counted = found.values()
    assert 4.6 < alone < 4.9 and counted < 2.9
