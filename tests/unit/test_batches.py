"""Batches: an order in which examples of a like length come together still has each example once, and is drawn by its generator."""

import torch

from dlnb.data.batches import alike_together


def lengths(count):
    return torch.randint(1, 100, (count,), generator=torch.Generator().manual_seed(1))


def order(count, size, seed=0):
    return alike_together(lengths(count), size, torch.Generator().manual_seed(seed))


def test_each_example_comes_once():
    for count, size in ((1, 4), (4, 4), (103, 8), (1000, 16)):
        assert sorted(order(count, size).tolist()) == list(range(count))


def test_little_of_a_batch_is_padding_and_batches_come_in_any_order():
    batches = lengths(1024)[order(1024, 8)].view(-1, 8)
    at_random = lengths(1024).view(-1, 8)
    padding, before = ((part.amax(1, keepdim=True) - part).float().mean() for part in (batches, at_random))
    assert padding < before / 4
    first = batches[:, 0]
    assert not torch.equal(first, first.sort().values)


def test_a_smaller_batch_is_the_last_one():
    for seed in range(5):
        found = lengths(100)[order(100, 16, seed)]
        # 100 examples are one pool, sorted: the four that fill no batch are the longest.
        assert found[96:].tolist() == lengths(100).sort().values[96:].tolist()


def test_the_order_is_that_of_the_generator():
    assert torch.equal(order(200, 8, 3), order(200, 8, 3))
    assert not torch.equal(order(200, 8, 3), order(200, 8, 4))
