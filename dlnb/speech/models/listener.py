"""A model that writes down what it hears, while it hears it."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ctc import BLANK
from ..features import MELS, QUIETEST, as_numbers

STRIDE = 3  # frames of 10 ms in one of the model's
SEEN = 6  # frames that it sees at once
SILENT_AT_FIRST = 3.0  # how much likelier BLANK is than a letter: most frames say nothing


class State(NamedTuple):
    """What a `Listener` remembers of what it has read: frames for the stem, inputs of each convolution, the GRU's state."""

    frames: Tensor
    convolutions: list[Tensor]
    recurrent: Tensor | None


class GatedConvolution(nn.Module):
    """Now, and twice some frames ago: x + a·sigmoid(b), of a normalised x. (B, T, C) → (B, T, C), causal.

    Source: Dauphin, Fan, Auli & Grangier 2017, Language modeling with gated convolutional networks, arXiv:1612.08083.
    """

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(3 * width, 2 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.out.bias)
        nn.init.normal_(self.out.weight, std=0.02)

    def forward(self, x: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """past: (B, 2·dilation, C), the normalised frames before x; none where it begins. Also returns those before what follows."""
        back, normal = 2 * self.dilation, self.norm(x)
        before = normal.new_zeros(len(x), back, x.shape[2]) if past is None else past
        known = torch.cat([before, normal], 1)  # (B, back + T, C)
        three = [known[:, place : place + x.shape[1]] for place in (0, self.dilation, back)]
        mixed = F.glu(self.mix(torch.cat(three, 2)), 2)
        return x + self.out(mixed * self.dropout(mixed.new_ones(len(x), 1, mixed.shape[2]))), known[:, known.shape[1] - back :]


class Listener(nn.Module):
    """Pictures of sounds to letters: a stem that sees 60 ms each 30 ms, gated convolutions over a second, a GRU over it all.

    pictures: (B, T, MELS) float → logits (B, T // 3, letters). It is causal, so `read` reads a stream piece by piece.
    letters: how many signs it can write, with BLANK.
    phonemes: of how many it also says which one sounds, in each step, before the GRU, which reads what was said there: then it
        gives (letters, phonemes), and learns from both, where it is known what sounds when.

    Source: of learning from both: Krishna, Toshniwal & Livescu 2018, arXiv:1807.06234; of reading the first answer: Nozaki &
    Komatsu 2021, arXiv:2104.02724.
    """

    def __init__(
        self, letters: int, width: int = 128, dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2), dropout: float = 0.1,
        phonemes: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.stem = nn.Linear(SEEN * MELS, width)
        self.blocks = nn.ModuleList(GatedConvolution(width, dilation, dropout) for dilation in dilations)
        self.before = nn.LayerNorm(width)
        self.recurrent = nn.GRU(width, width, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias[BLANK] = SILENT_AT_FIRST
        self.sounds = nn.Linear(width, phonemes) if phonemes else None
        self.reading = nn.Linear(phonemes, width, bias=False) if phonemes else None

    def forward(self, pictures: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(B, T, MELS) → (B, T // 3, letters), and (B, T // 3, phonemes) if it says them."""
        early, late, _ = self.hidden(pictures)
        return self.head(late) if self.sounds is None else (self.head(late), self.sounds(early))

    def read(self, pictures: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The logits of the next frames of a stream, and what is remembered for those after. Frames that fill no step wait."""
        _, late, state = self.hidden(pictures, state)
        return self.head(late), state

    def hidden(self, pictures: Tensor, state: State | None = None) -> tuple[Tensor, Tensor, State]:
        """What is known before the GRU and after it, (B, T // 3, width) each, and what is remembered."""
        begun = pictures.new_full((len(pictures), SEEN - STRIDE, MELS), NOTHING) if state is None else state.frames
        frames = torch.cat([begun, pictures], 1)
        steps = max(0, (frames.shape[1] - SEEN) // STRIDE + 1)
        rest = frames[:, steps * STRIDE :]
        if not steps:
            kept = State(rest, [], None) if state is None else State(rest, state.convolutions, state.recurrent)
            nothing = pictures.new_zeros(len(pictures), 0, self.stem.out_features)
            return nothing, nothing, kept
        seen = frames[:, : steps * STRIDE + SEEN - STRIDE].unfold(1, SEEN, STRIDE)  # (B, steps, MELS, SEEN)
        x = self.stem(seen.flatten(2))  # (B, steps, width)
        pasts = state.convolutions if state is not None and state.convolutions else [None] * len(self.blocks)
        convolutions = []
        for block, past in zip(self.blocks, pasts, strict=True):
            x, past = block(x, past)
            convolutions.append(past)
        early = known = self.before(x)
        if self.sounds is not None and self.reading is not None:
            known = early + self.reading(self.sounds(early).softmax(2))
        heard, recurrent = self.recurrent(known, None if state is None else state.recurrent)
        return early, self.norm(known + heard), State(rest, convolutions, recurrent)


NOTHING = as_numbers(torch.tensor(QUIETEST)).item()  # what silence looks like
