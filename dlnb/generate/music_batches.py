"""Batches of pieces of music: a pure function of (seed, epoch, position), as all batches are, transposition included."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

KEYS = 88  # of a piano
IGNORED = -100  # the target after the end of a piece, as PyTorch's cross-entropy has it


class PieceBatches:
    """Whole pieces, a few at a time: `(notes, target)`, both (B, T, voices) int64.

    pieces: each (T, voices) int64, keys of a piano from 1 to 88, 0 where a voice is silent. size: pieces in a batch. notes are
    filled up with silence to the longest of the batch, the target, which is the same, with IGNORED.
    shuffle: a new order each epoch, in which pieces of a like length come together. Without it every batch is as long as the
        longest piece of all.
    transpose: semitones by which a piece may be moved up or down, drawn anew in each epoch; less where it would leave the piano.

    Raises: ValueError if there are no pieces, their shapes differ, a key is none of a piano, or a number is below its least.
    """

    def __init__(self, pieces: Sequence[Tensor], *, size: int, shuffle: bool = False, transpose: int = 0) -> None:
        if not pieces:
            raise ValueError("there are no pieces to make batches of")
        if size < 1 or transpose < 0:
            raise ValueError(f"a batch needs at least 1 piece, and transposition 0 semitones or more; got size={size}, transpose={transpose}")
        for piece in pieces:
            if piece.ndim != 2 or not piece.numel() or piece.shape[1] != pieces[0].shape[1]:
                raise ValueError(f"a piece has the shape (frames, {pieces[0].shape[-1]}), at least one frame; got {tuple(piece.shape)}")
            if piece.is_floating_point() or piece.min() < 0 or piece.max() > KEYS:
                raise ValueError(
                    f"a piece has the keys 1 to {KEYS} of a piano, 0 for silence, as whole numbers; got {piece.dtype} up to {piece.max().item()}"
                )
        self.pieces, self.size, self.shuffle, self.transpose = list(pieces), size, shuffle, transpose
        self.lengths = torch.tensor([len(piece) for piece in pieces])
        self._drawn: tuple[Tensor, Tensor] = (torch.empty(0), torch.empty(0))
        self._drawn_for: tuple[int, int] | None = None

    def __len__(self) -> int:
        return -(-self.examples // self.size)

    @property
    def examples(self) -> int:
        """How many pieces an epoch has."""
        return len(self.pieces)

    def batch(self, seed: int, epoch: int, position: int) -> tuple[Tensor, Tensor]:
        """Batch number `position` (from 0) of `epoch`."""
        return self.cut(seed, epoch, position * self.size, self.size)

    def cut(self, seed: int, epoch: int, start: int, size: int) -> tuple[Tensor, Tensor]:
        """The `size` pieces (fewer at the end) from number `start` of `epoch`."""
        if self.shuffle and self._drawn_for != (seed, epoch):
            self._drawn, self._drawn_for = self._draw(seed, epoch), (seed, epoch)
        order, shifts = self._drawn if self.shuffle else (torch.arange(self.examples), torch.zeros(self.examples, dtype=torch.long))
        chosen = order[start : start + size].tolist()
        pieces = [moved(self.pieces[i], int(shifts[i])) for i in chosen]
        longest = int(self.lengths[chosen].max() if self.shuffle else self.lengths.max())
        notes, target = (
            torch.stack([F.pad(piece, (0, 0, 0, longest - len(piece)), value=filling) for piece in pieces]) for filling in (0, IGNORED)
        )
        return notes, target

    def reader(self) -> "PieceBatches":
        """The same batches for another run, which keeps the order of an epoch of its own."""
        return PieceBatches(self.pieces, size=self.size, shuffle=self.shuffle, transpose=self.transpose)

    def _draw(self, seed: int, epoch: int) -> tuple[Tensor, Tensor]:
        """The order of the pieces in an epoch, and by how many semitones each of them is moved."""
        generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
        # Sorted by length, but for so much chance that other pieces come together in each epoch.
        near = self.lengths * torch.empty(self.examples).uniform_(0.8, 1.25, generator=generator)
        batches = list(near.argsort().split(self.size))
        turns = torch.randperm(len(batches), generator=generator).tolist()
        if len(batches[-1]) < self.size:  # the one that is smaller stays the last
            turns = [turn for turn in turns if turn != len(batches) - 1] + [len(batches) - 1]
        shifts = torch.randint(-self.transpose, self.transpose + 1, (self.examples,), generator=generator)
        return torch.cat([batches[turn] for turn in turns]), shifts


def moved(piece: Tensor, semitones: int) -> Tensor:
    """The same music so much higher or lower, or less where it would leave the piano; silence stays silence."""
    sung = piece > 0
    if not semitones or not sung.any():
        return piece
    semitones = max(1 - int(piece[sung].min()), min(KEYS - int(piece.max()), semitones))
    return torch.where(sung, piece + semitones, 0)
