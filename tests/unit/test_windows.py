"""Windows of a long row: pure functions of where they stand, each token learned from once an epoch, what follows is the target."""

import pytest
import torch

from dlnb.data.windows import Windows

TOKENS = torch.arange(1000)


def test_the_target_is_what_follows():
    for shuffle in (False, True):
        x, y = Windows(TOKENS, length=7, size=5, shuffle=shuffle).batch(3, 1, 2)
        assert x.shape == y.shape == (5, 7)
        assert torch.equal(x + 1, y) and torch.equal(x[:, 1:], y[:, :-1])


def test_a_batch_depends_on_nothing_but_seed_epoch_and_position():
    one, other = (Windows(TOKENS, length=7, size=5, shuffle=True) for _ in range(2))
    for position in (4, 0, 2):
        other.batch(1, 9, position)
        assert torch.equal(one.batch(1, 0, position)[0], other.batch(1, 0, position)[0])
    assert not torch.equal(one.batch(1, 0, 0)[0], one.batch(1, 1, 0)[0])
    assert not torch.equal(one.batch(1, 0, 0)[0], one.batch(2, 0, 0)[0])


@pytest.mark.parametrize("length", [1, 7, 64, 500, 998, 999])
def test_no_token_is_seen_twice_in_an_epoch_and_hardly_one_is_left_out(length):
    for shuffle in (False, True):
        windows = Windows(TOKENS, length=length, size=5, shuffle=shuffle)
        for epoch in range(3):
            seen = torch.cat([windows.batch(0, epoch, i)[0].flatten() for i in range(len(windows))])
            assert len(seen.unique()) == len(seen) == windows.examples * length
            assert len(seen) > len(TOKENS) - 1 - 2 * length


def test_without_shuffling_the_windows_follow_each_other_from_the_first_token_on():
    windows = Windows(TOKENS, length=64, size=4)
    seen = torch.cat([windows.batch(0, 5, i)[0].flatten() for i in range(len(windows))])
    assert torch.equal(seen, torch.arange(15 * 64))


def test_batches_can_be_cut_to_another_size():
    windows = Windows(TOKENS, length=7, size=5, shuffle=True)
    whole = torch.cat([windows.batch(0, 0, i)[0] for i in range(len(windows))])
    assert torch.equal(torch.cat([windows.cut(0, 0, start, 9)[0] for start in range(0, windows.examples, 9)]), whole)


def test_too_few_tokens_are_refused():
    with pytest.raises(ValueError, match="a row of 8 tokens or more"):
        Windows(TOKENS[:7], length=7, size=1)
    with pytest.raises(ValueError, match="at least 1 token"):
        Windows(TOKENS, length=0, size=1)
    with pytest.raises(ValueError, match="a row of"):
        Windows(TOKENS.reshape(2, 500), length=7, size=1)
