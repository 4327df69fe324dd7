import pytest
import torch

from dlnb.generate.music_batches import IGNORED, PieceBatches, moved


@pytest.fixture
def pieces():
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, 60, (4 + 3 * number, 4), generator=generator) for number in range(11)]


def test_the_same_seed_gives_the_same_batches_in_any_order(pieces):
    one, other = (PieceBatches(pieces, size=3, shuffle=True, transpose=3) for _ in range(2))
    forward = [one.batch(5, 2, position) for position in range(4)]
    backward = [other.batch(5, 2, position) for position in (3, 2, 1, 0)][::-1]
    assert all(torch.equal(a, b) for x, y in zip(forward, backward, strict=True) for a, b in zip(x, y, strict=True))


def test_every_piece_comes_once_an_epoch_in_another_order_each_time(pieces):
    batches = PieceBatches(pieces, size=3, shuffle=True)

    def seen(epoch):
        rows = [row for position in range(4) for row in batches.batch(0, epoch, position)[1]]
        return [int((row[:, 0] != IGNORED).sum()) for row in rows]

    lengths = [len(piece) for piece in pieces]
    assert sorted(seen(0)) == sorted(seen(1)) == lengths
    assert seen(0) != seen(1)


def test_the_target_is_the_music_itself_and_nothing_after_its_end(pieces):
    notes, target = PieceBatches(pieces, size=4).batch(0, 0, 0)
    assert notes.shape == target.shape == (4, len(pieces[-1]), 4)  # as long as the longest of all: outputs are joined
    for row, piece in enumerate(pieces[:4]):
        assert torch.equal(target[row, : len(piece)], piece) and (target[row, len(piece) :] == IGNORED).all()
        assert torch.equal(notes[row, : len(piece)], piece) and not notes[row, len(piece) :].any()


def test_shuffled_batches_are_no_longer_than_their_longest_piece(pieces):
    batches = PieceBatches(pieces, size=3, shuffle=True)
    for position in range(4):
        _, target = batches.batch(0, 0, position)
        assert (target[..., 0] != IGNORED).any(0)[-1]


def test_transposition_moves_all_notes_alike_and_leaves_silence(pieces):
    batches = PieceBatches(pieces[:1], size=1, shuffle=True, transpose=4)
    found = set()
    for epoch in range(40):
        notes = batches.batch(0, epoch, 0)[0][0]
        assert torch.equal(notes == 0, pieces[0] == 0)
        (shift,) = set((notes - pieces[0])[pieces[0] > 0].tolist())
        found.add(shift)
    assert found <= set(range(-4, 5)) and len(found) > 6


def test_nothing_is_moved_off_the_piano():
    piece = torch.tensor([[88, 3, 0]])
    assert moved(piece, 5).tolist() == [[88, 3, 0]]
    assert moved(piece, -5).tolist() == [[86, 1, 0]]
    assert moved(torch.zeros(2, 4, dtype=torch.long), 3).sum() == 0


def test_another_run_reads_for_itself(pieces):
    batches = PieceBatches(pieces, size=3, shuffle=True, transpose=2)
    expected = batches.batch(1, 0, 1)[0]
    reader = batches.reader()
    reader.batch(2, 7, 0)
    assert reader is not batches and torch.equal(reader.batch(1, 0, 1)[0], expected)


@pytest.mark.parametrize(
    ("wrong", "settings", "said"),
    [
        ([], {}, "no pieces"),
        ([torch.zeros(3, 4, dtype=torch.long)], {"size": 0}, "size=0"),
        ([torch.zeros(3, 4, dtype=torch.long)], {"transpose": -1}, "transpose=-1"),
        ([torch.zeros(3, 4, dtype=torch.long), torch.zeros(3, 3, dtype=torch.long)], {}, r"shape \(frames, 4\)"),
        ([torch.zeros(0, 4, dtype=torch.long)], {}, "at least one frame"),
        ([torch.full((3, 4), 89)], {}, "keys 1 to 88"),
        ([torch.full((3, 4), -1)], {}, "keys 1 to 88"),
        ([torch.full((3, 4), float("nan"))], {}, "whole numbers"),
    ],
)
def test_what_is_no_music_is_refused_in_words(wrong, settings, said):
    with pytest.raises(ValueError, match=said):
        PieceBatches(wrong, **{"size": 2, **settings})
