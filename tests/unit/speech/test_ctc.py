"""Connectionist temporal classification against PyTorch and against all rows of frames that there are."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from dlnb.speech.ctc import BLANK, beam, collapsed, ctc_loss, forward, greedy
from dlnb.speech.language import LetterLanguage


def frames(count, letters, seed=0):
    return torch.randn(count, letters, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)


@pytest.mark.parametrize("text", [[1], [1, 2], [1, 1], [3, 3, 3], [1, 2, 1, 2], []])
def test_the_forward_algorithm_is_pytorchs(text):
    log_probs = frames(8, 4)
    reference = F.ctc_loss(log_probs[:, None], torch.tensor([text], dtype=torch.long), [8], [len(text)], reduction="sum")
    assert forward(log_probs, text).item() == pytest.approx(reference.item(), abs=1e-5)


def test_its_gradient_is_pytorchs_too():
    logits = frames(7, 4).requires_grad_()
    (ours,) = torch.autograd.grad(forward(logits.log_softmax(-1), [2, 2, 1]), logits)
    loss = F.ctc_loss(logits.log_softmax(-1)[:, None], torch.tensor([[2, 2, 1]]), [7], [3], reduction="sum")
    (theirs,) = torch.autograd.grad(loss, logits)
    assert (ours - theirs).abs().max() < 1e-5


def test_the_forward_algorithm_sums_over_all_rows_that_say_the_text():
    log_probs, text = frames(5, 3), [1, 2]
    rows = [row for row in itertools.product(range(3), repeat=5) if collapsed(row) == text]
    total = torch.logsumexp(torch.stack([sum(log_probs[t, letter] for t, letter in enumerate(row)) for row in rows]), 0)
    assert forward(log_probs, text).item() == pytest.approx(-total.item(), abs=1e-5)


def test_a_text_that_does_not_fit_is_impossible():
    assert forward(frames(2, 3), [1, 1]).item() == math.inf


def test_a_text_with_blanks_is_refused():
    with pytest.raises(ValueError, match="BLANK"):
        forward(frames(4, 3), [1, BLANK])


def test_the_loss_of_a_batch_is_a_letters_mean():
    logits, target = torch.stack([frames(9, 4, 0), frames(9, 4, 1)]), torch.tensor([[1, 2, 3], [2, 0, 0]])
    total = forward(logits[0], [1, 2, 3]) + forward(logits[1], [2])
    assert ctc_loss(logits, target).item() == pytest.approx(total.item() / 4, abs=1e-5)


def test_repetitions_and_blanks_are_left_out():
    assert collapsed([0, 1, 1, 0, 1, 2, 2]) == [1, 1, 2]
    assert collapsed([1, 1, 2], before=1) == [2]
    assert greedy(F.one_hot(torch.tensor([[3, 3, 0, 3]]), 4).float()) == [[3, 3]]


def test_the_beam_finds_the_likeliest_text_where_the_likeliest_row_says_another():
    log_probs = torch.tensor([[0.4, 0.6], [0.55, 0.45]]).log()  # the rows of "1" have 0.78 together
    two = torch.tensor([[0.4, 0.35, 0.25], [0.4, 0.35, 0.25]]).log()
    assert greedy(two[None]) == [[]] and beam(two) == [1]
    assert beam(log_probs) == [1]


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_is_as_good_as_trying_all_texts(seed):
    log_probs = frames(5, 3, seed)
    texts = [list(text) for length in range(4) for text in itertools.product((1, 2), repeat=length)]
    best = min(texts, key=lambda text: forward(log_probs, text).item())
    assert beam(log_probs, width=64) == best


def test_a_language_decides_where_the_frames_do_not():
    log_probs = torch.tensor([[0.02, 0.96, 0.01, 0.01], [0.02, 0.01, 0.49, 0.48]]).log()
    language = LetterLanguage([[1, 3]] * 5, letters=4, order=2)
    assert beam(log_probs) == [1, 2] and beam(log_probs, language=language, weight=1.0) == [1, 3]


@pytest.mark.parametrize("before", [[], [1], [2, 1], [3, 3, 3]])
def test_a_language_gives_probabilities(before):
    language = LetterLanguage([[1, 2, 1, 2], [2, 3]], letters=4, order=3)
    assert sum(math.exp(language(before, letter)) for letter in range(4)) == pytest.approx(1)


def test_a_language_knows_where_texts_end():
    log_probs = torch.tensor([[0.02, 0.96, 0.01, 0.01], [0.51, 0.01, 0.47, 0.01]]).log()
    language = LetterLanguage([[1, 2]] * 5, letters=4, order=2)
    assert beam(log_probs) == [1] and beam(log_probs, language=language, weight=1.0) == [1, 2]


def test_a_language_knows_what_it_was_counted_in():
    language = LetterLanguage([[1, 2, 1, 2]], letters=4, order=3)
    assert language([1], 2) > language([1], 1) and language([1, 2], 1) > language([1, 2], 3)
    with pytest.raises(ValueError, match="order"):
        LetterLanguage([], letters=4, order=0)
