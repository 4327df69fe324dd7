import itertools

import pytest
import torch
import torch.nn.functional as F

from dlnb.generate.models.composer import KEYS, Composer


def tried(**arguments):
    """A small Composer whose weights are all drawn, so that every part of it matters."""
    generator = torch.Generator().manual_seed(0)
    model = Composer(**{"width": 16, "layers": 1, "heads": 2, **arguments}).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def frames(count, voices=4, seed=0):
    """(1, count, voices): sets of notes from high to low, silent voices last."""
    generator = torch.Generator().manual_seed(seed)
    notes = torch.rand(count, KEYS, generator=generator).argsort(1)[:, :voices] + 1
    notes = notes.sort(1, descending=True).values
    silent = torch.arange(voices) >= torch.randint(0, voices + 1, (count, 1), generator=generator)
    return notes.masked_fill(silent, 0)[None]


def likely(model, notes):
    """The logarithm of the probability of each frame: (B, T)."""
    with torch.no_grad():
        return F.log_softmax(model(notes).double(), -1).gather(-1, notes[..., None]).sum((2, 3))


def test_the_probabilities_of_all_frames_add_up_to_one():
    model, begin = tried(voices=2), frames(3, 2)
    sets = [(), *itertools.combinations(range(1, KEYS + 1), 1), *itertools.combinations(range(1, KEYS + 1), 2)]
    last = torch.tensor([sorted(notes, reverse=True) + [0] * (2 - len(notes)) for notes in sets])
    after = torch.cat([begin.expand(len(sets), -1, -1), last[:, None]], 1)
    assert likely(model, after)[:, -1].exp().sum().item() == pytest.approx(1, abs=1e-6)
    first = likely(model, last[:, None])[:, 0]
    assert first.exp().sum().item() == pytest.approx(1, abs=1e-6)


def test_the_probabilities_of_all_frames_of_voices_that_cross_add_up_to_one():
    every = torch.cartesian_prod(torch.arange(KEYS + 1), torch.arange(KEYS + 1))[:, None]
    assert likely(tried(voices=2, crossing=True), every).exp().sum().item() == pytest.approx(1, abs=1e-6)


def test_a_second_spelling_of_a_frame_has_no_probability():
    model = tried(voices=2)
    for wrong in ([40, 40], [40, 41], [0, 40]):
        assert likely(model, torch.tensor([[wrong]])).exp().item() == 0


def test_nothing_later_is_looked_at():
    model, notes = tried(), frames(12)
    with torch.no_grad():
        before = model(notes)
        for t, voice in itertools.product((0, 5, 11), range(4)):
            changed = notes.clone()
            changed[0, t, voice:] = 0
            changed[:, t + 1 :] = frames(12, seed=1)[:, t + 1 :]
            after = model(changed)
            assert torch.equal(after[:, :t], before[:, :t])
            assert torch.allclose(after[0, t, : voice + 1], before[0, t, : voice + 1], atol=1e-5)


def test_every_frame_and_voice_before_is_looked_at():
    model, notes = tried(), frames(6, seed=3)
    notes[0, 1] = torch.tensor([60, 50, 40, 30])
    notes[0, 4] = torch.tensor([60, 50, 40, 30])
    with torch.no_grad():
        before = model(notes)
        for voice in range(4):
            far, near = notes.clone(), notes.clone()
            far[0, 1, voice] += 1
            near[0, 4, voice] += 1
            assert not torch.allclose(model(far)[0, 5], before[0, 5], atol=1e-6)
            if voice < 3:
                assert not torch.allclose(model(near)[0, 4, voice + 1 :, 0], before[0, 4, voice + 1 :, 0], atol=1e-6)


def test_an_untrained_composer_takes_all_that_can_be_for_equally_likely():
    model = Composer().eval()
    with torch.no_grad():
        logits = model(torch.tensor([[[50, 40, 0, 0]]]))[0, 0]
    chances = logits.softmax(-1)
    assert torch.allclose(chances[0], torch.full((KEYS + 1,), 1 / (KEYS + 1)))
    assert torch.allclose(chances[1, :50], torch.full((50,), 1 / 50)) and not chances[1, 50:].any()
    assert chances[3, 0] == 1


def test_an_interval_counts_alike_in_all_keys():
    model = Composer(width=16, layers=1, heads=2).eval()
    torch.nn.init.normal_(model.steps.weight)
    for part in (model.past, model.last, model.above):  # what is heard is forgotten: intervals are all there is
        for table in (part.key, part.name):
            torch.nn.init.zeros_(table.weight)
    notes = torch.tensor([[[60, 56, 53, 41], [0, 0, 0, 0]]])
    with torch.no_grad():
        here = model(notes)[0, 1, 0]
        there = model(torch.where(notes > 0, notes + 2, 0))[0, 1, 0]
    assert torch.allclose(here[1:80], there[3:82], atol=1e-5)


def test_writing_frame_by_frame_gives_what_reading_all_at_once_gives():
    model, notes = tried(), frames(7)
    with torch.no_grad():
        whole = model(notes)
        for t in range(1, 7):
            heard = model.hear(notes[:, : t + 1])[:, -1:]
            alone = model.sing(heard, notes[:, t : t + 1], notes[:, t - 1 : t])
            assert torch.allclose(alone[0, 0], whole[0, t], atol=1e-4)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (torch.zeros(2, 5, 3, dtype=torch.long), r"\(B, T, 4\)"),
        (torch.zeros(5, 4, dtype=torch.long), r"\(B, T, 4\)"),
        (torch.zeros(2, 0, 4, dtype=torch.long), "T from 1"),
        (torch.full((1, 2, 4), float("nan")), "whole numbers"),
        (torch.full((1, 2, 4), 89), "keys 1 to 88"),
        (torch.full((1, 2, 4), -1), "keys 1 to 88"),
    ],
)
def test_what_is_no_music_is_refused_in_words(wrong, said):
    with pytest.raises(ValueError, match=said):
        Composer(width=8, heads=2)(wrong)


def test_heads_that_cannot_share_the_width_are_refused():
    with pytest.raises(ValueError, match="multiple"):
        Composer(width=10, heads=4)
