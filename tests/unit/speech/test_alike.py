"""Baselines that learn nothing."""

import torch

from dlnb.speech.alike import WORD, like_word, most_alike
from dlnb.speech.features import MELS, as_numbers
from dlnb.speech.models.listener import STRIDE


def pictures(count, frames=120):
    return (torch.rand(count, frames // 6, MELS, generator=torch.Generator().manual_seed(0)).repeat_interleave(6, 1) * 200).to(torch.uint8)


def test_every_sound_is_most_like_itself_also_when_it_is_said_faster():
    known, lengths = pictures(6), torch.full((6,), 120)
    assert most_alike(known, lengths, known, lengths).tolist() == list(range(6))
    faster = torch.cat([known[:, ::2], torch.zeros(6, 60, MELS, dtype=torch.uint8)], 1)
    assert most_alike(known, lengths, faster, torch.full((6,), 60)).tolist() == list(range(6))


def test_a_stream_is_most_like_the_word_where_it_ends():
    word = pictures(1)[0, :WORD]
    learned = torch.zeros(1, 150, MELS, dtype=torch.uint8)
    learned[0, 120 - WORD : 120] = word
    target = torch.zeros(1, 50, dtype=torch.int64)
    target[0, 120 // STRIDE] = 1
    stream = pictures(3, 300)[2:].clone()
    stream[0, 210 - WORD : 210] = word
    alike = like_word(learned, target, as_numbers(stream))
    assert alike.shape == (1, 100) and abs(int(alike[0].argmax()) * STRIDE - 209) <= STRIDE
