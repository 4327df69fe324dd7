"""A Transformer over time and voices: it hears the frames so far, then says the next one, voice after voice."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KEYS = 88  # of a piano; key 1 is the lowest A, and 0 is no note
BEATS = 16  # frames, after which the place in a phrase is counted from 0 again
REACH = 24  # semitones: wider intervals are taken for this one
INTERVALS = 2 * REACH + 2  # the last one stands for silence
NEVER = -1e4  # the logit of what cannot be: its probability is exactly 0


class Composer(nn.Module):
    """Music of a few voices, frame after frame, and in a frame voice after voice from the first, the highest, down.

    notes: (B, T, voices) int64, keys of a piano from 1 to 88, 0 where a voice is silent → logits (B, T, voices, 89) of what
    stands there, given all frames before it and the voices above it in its frame: nothing later is looked at.
    crossing: whether a voice may meet or cross the one above it. Without, a frame is a set of notes from high to low, and the
        silent voices come last: each set has then one spelling, and the probabilities of all sets add up to 1.

    What may come is judged as a key, and by its intervals to the notes before and above it: these sound alike in all keys.
    So are the last chord and how the voices above go on from it heard, so that parallel fifths can be told in any key.

    Raises: ValueError if the width is no multiple of the heads, or notes have another shape or are no keys.
    Sources: Transformer: Vaswani et al. 2017, arXiv:1706.03762; attention that leans to what is near: Press et al. 2021,
    arXiv:2108.12409; a frame given those before it: Boulanger-Lewandowski et al. 2012, arXiv:1206.6392.
    """

    intervals: Tensor  # (89, 89) int64

    def __init__(
        self, width: int = 96, layers: int = 2, heads: int = 4, dropout: float = 0.3, voices: int = 4, crossing: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads cannot share a width of {width}: it must be a multiple of their number")
        self.voices, self.crossing, self.heads = voices, crossing, heads
        self.past, self.last, self.above = (NoteTable(width, voices) for _ in range(3))
        self.motion, self.chord = (nn.Embedding(count * INTERVALS, width) for count in (voices, voices**2))
        self.start = nn.Parameter(torch.zeros(width))
        self.beat, self.voice = nn.Embedding(BEATS, width), nn.Embedding(voices, width)
        self.over_time = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.over_voices = Block(width, heads, dropout)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)
        self.head = nn.Linear(width, KEYS + 1)
        self.steps = nn.Linear(width, 2 * voices * INTERVALS, bias=False)
        for table in (self.motion, self.chord):
            nn.init.normal_(table.weight, std=0.3)
        for layer in (self.head, self.steps):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("intervals", intervals(), persistent=False)

    def forward(self, notes: Tensor) -> Tensor:
        """notes: (B, T, voices) int64 → logits (B, T, voices, 89)."""
        if notes.ndim != 3 or not notes.shape[1] or notes.shape[2] != self.voices or notes.is_floating_point():
            raise ValueError(f"this Composer reads whole numbers of the shape (B, T, {self.voices}), T from 1; got {notes.dtype} {tuple(notes.shape)}")
        if notes.numel() and not 0 <= int(notes.min()) <= int(notes.max()) <= KEYS:
            raise ValueError(f"notes are the keys 1 to {KEYS} of a piano, 0 for silence; got {int(notes.min())} to {int(notes.max())}")
        return self.sing(self.hear(notes), notes, F.pad(notes, (0, 0, 1, -1)))

    def hear(self, notes: Tensor) -> Tensor:
        """notes: (B, T, voices) → what each frame knows of those before it, (B, T, C)."""
        x = self.past(notes[:, :-1]).sum(2)  # (B, T - 1, C)
        x = torch.cat([self.start.expand(len(x), 1, -1), x], 1)  # (B, T, C)
        x = self.dropout(x + self.beat(torch.arange(x.shape[1], device=x.device) % BEATS))
        lean = leaning(x.shape[1], self.heads, x.device)
        for block in self.over_time:
            x = block(x, lean)
        return x

    def sing(self, heard: Tensor, notes: Tensor, before: Tensor) -> Tensor:
        """heard: (B, T, C); notes, and the frame before each: (B, T, voices) → logits (B, T, voices, 89)."""
        place = INTERVALS * torch.arange(self.voices**2, device=notes.device)
        moves = self.intervals[before, notes] + place[: self.voices]  # (B, T, voices): how each voice goes on
        sung = F.pad((self.above(notes) + self.motion(moves)).cumsum(2), (0, 0, 1, -1))  # (B, T, voices, C): by those above
        chord = self.intervals[before[..., None], before[:, :, None]] + place.view(self.voices, -1)  # (B, T, voices, voices)
        x = heard[:, :, None] + sung + self.chord(chord).sum(3) + self.last(before).sum(2, keepdim=True) + self.voice.weight
        x = self.dropout(x)
        x = self.over_voices(x.flatten(0, 1), leaning(self.voices, self.heads, x.device))  # (B · T, voices, C)
        x = self.norm(x).unflatten(0, heard.shape[:2])
        steps = self.steps(x).unflatten(-1, (2 * self.voices, -1))  # (B, T, voices, 2 · voices, intervals)
        known = notes[:, :, None].expand(-1, -1, self.voices, -1).tril(-1)  # (B, T, voices, voices), 0 where not yet sung
        known = torch.cat([before[:, :, None].expand_as(known), known], 3)
        logits = self.head(x)  # (B, T, voices, 89)
        for number, note in enumerate(known.unbind(3)):
            logits = logits + steps[..., number, :].gather(-1, self.intervals[note])
        return logits if self.crossing else logits.masked_fill(self._too_high(notes), NEVER)

    def _too_high(self, notes: Tensor) -> Tensor:
        """(B, T, voices, 89) bool: the keys that do not lie below the note above; all of them where that voice is silent."""
        roof = F.pad(notes[..., :-1], (1, 0), value=KEYS + 1)[..., None]
        keys = torch.arange(KEYS + 1, device=notes.device)
        return (keys >= roof) & (keys > 0)


class NoteTable(nn.Module):
    """A vector for a note of each voice: one of the key, and one of its name, which all octaves share.

    notes: (…, voices) int64 → (…, voices, C).
    """

    def __init__(self, width: int, voices: int) -> None:
        super().__init__()
        self.key, self.name = nn.Embedding(voices * (KEYS + 1), width), nn.Embedding(voices * 13, width)
        for table in (self.key, self.name):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, notes: Tensor) -> Tensor:
        """notes: (…, voices) int64 → (…, voices, C)."""
        voice = torch.arange(notes.shape[-1], device=notes.device)
        name = torch.where(notes > 0, notes % 12 + 1, 0)
        return self.key(notes + voice * (KEYS + 1)) + self.name(name + voice * 13)


class Block(nn.Module):
    """x: (B, T, C) → (B, T, C): look back, then think about it; both are nothing at first and are added to what was there."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_thought = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv, self.to_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)
        for layer in (self.to_out, self.shrink):
            nn.init.zeros_(layer.weight)

    def forward(self, x: Tensor, lean: Tensor) -> Tensor:
        """x: (B, T, C), lean: (heads, T, T) → (B, T, C)."""
        qkv = self.to_qkv(self.before_attention(x)).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, heads, C/heads)
        q, k, v = (part.transpose(1, 2) for part in qkv.unbind(2))  # (B, heads, T, C/heads)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=lean)
        x = x + self.dropout(self.to_out(mixed.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.shrink(F.gelu(self.widen(self.before_thought(x)))))


def leaning(length: int, heads: int, device: torch.device) -> Tensor:
    """What is added to attention, (heads, T, T): less the farther back, by another slope in each head; what is later is not seen."""
    place = torch.arange(length, device=device)
    back = (place[:, None] - place).float()
    slopes = 2.0 ** -torch.linspace(0, 6, heads, device=device)
    return (-back * slopes[:, None, None]).masked_fill(back < 0, -torch.inf)


def intervals() -> Tensor:
    """Of each pair of keys the number of the interval from the first up to the second, (89, 89) int64; one more is for silence."""
    keys = torch.arange(KEYS + 1)
    steps = (keys - keys[:, None]).clamp(-REACH, REACH) + REACH
    return steps.masked_fill((keys == 0) | (keys[:, None] == 0), INTERVALS - 1)
