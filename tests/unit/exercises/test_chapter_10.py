"""Chapter 10: each exercise with nothing, with typical wrong answers, each of which gets its own message, and with its solution."""

import numpy as np
import pytest
import torch
from judging import tries
from torch import nn

import dlnb as dl
from dlnb.exercises import desk
from dlnb.exercises.chapter_10 import left_kernel


def kernel(*places, ink=1.0):
    made = torch.zeros(3, 3)
    for place in places:
        made[place] = ink
    return made


KERNELS = {
    "stays where it is": kernel((1, 1)),
    "moves right.*neighbour on its left": kernel((1, 0)),
    "moves up.*neighbour below": kernel((2, 1)),
    "moves down.*neighbour above": kernel((0, 1)),
    "2 times as dark": kernel((1, 2), ink=2.0),
    "“right”, but the ink is 0.5 times": kernel((1, 0), ink=0.5),
    "2 numbers of the kernel are not 0": kernel((1, 1), (1, 2)),
    r"shape \(5, 5\); the kernel has \(3, 3\)": torch.zeros(5, 5),
    "not finite": kernel((1, 2), ink=float("nan")),
    "this is a str": "left",
}


@pytest.mark.parametrize("words", KERNELS)
def test_a_kernel_that_does_not_move_to_the_left(words):
    import re

    verdict = dl.check("10.1", KERNELS[words])
    assert not verdict and re.search(words, verdict.words)


def test_a_kernel_of_zeros_is_what_the_cell_begins_with():
    verdict = dl.check("10.1", kernel())
    assert not verdict and "nothing is left of the picture" in verdict.words and tries("10.1") == 0


@pytest.mark.parametrize("form", [torch.as_tensor, np.asarray, lambda kernel: kernel.tolist(), lambda kernel: nn.Parameter(kernel)])
def test_a_kernel_that_does_in_any_form(form):
    assert dl.check("10.1", form(left_kernel()))


@pytest.fixture(scope="module")
def trained():
    return desk.exercise("10.2").given()


def test_a_small_network_that_reads_well(trained):
    assert dl.check("10.2", trained) and "10,906 weights" in dl.check("10.2", trained).words
    trained.train()
    dl.check("10.2", trained)
    assert trained.training  # as it was


def test_networks_that_do_not(trained):
    class Run:
        model = trained

    with dl.seeded(0):
        wide, untrained = dl.vision.LeNet(width=32), dl.vision.LeNet(width=8)
        half = dl.vision.LeNet(width=8)
        half.load_state_dict(trained.state_dict())
        half.classifier[-1].weight.data[5:] = 0
    said = {
        "give the network that it has trained": Run(),
        "this is a int": 8,
        "fewer than 13,000 are wanted": wide,
        "as one who guesses": untrained,
        "There is room for more weights": half,
        "ten scores for each": nn.Sequential(nn.Flatten(), nn.Linear(64, 3)),
        "your answer raised RuntimeError": nn.Linear(3, 10),
    }
    for words, answer in said.items():
        verdict = dl.check("10.2", answer)
        assert not verdict and words in verdict.words, (words, verdict.words)


def test_the_network_with_which_the_cell_begins_is_no_try():
    verdict = dl.check("10.2", dl.vision.LeNet(width=2))
    assert not verdict and "the width is still 2" in verdict.words and tries("10.2") == 0


def test_orders_of_the_pictures():
    in_order, mixed = torch.arange(1797), torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    nearly = torch.cat([in_order[:1400], in_order[1500:1537], in_order[1400:1500], in_order[1537:]])
    assert dl.check("10.3", in_order) and dl.check("10.3", in_order.flip(0)) and dl.check("10.3", in_order.numpy())
    said = {
        "nearly every writer is on both sides": mixed,
        "still stand among those": nearly,
        "names each of the numbers 0 to 1796 once": torch.zeros(1797, dtype=torch.long),
        "as whole numbers": in_order.float(),
        "the order has (1797,)": in_order[:100],
        "this is a function": torch.randperm,
    }
    for words, answer in said.items():
        verdict = dl.check("10.3", answer)
        assert not verdict and words in verdict.words.replace("builtin_function_or_method", "function"), (words, verdict.words)
