"""Recurrent networks: one step of arithmetic, done again at every position, with a state that is handed on.

Each cell is written out here as its equations stand; a test holds it against PyTorch's own, whose weights fit in.
"""

import torch
from torch import Tensor, nn

from .tokens import TokenTable


class RNNCell(nn.Module):
    """The simplest memory: the new state is a mix of what is read and the old state.

    h' = tanh(W x + U h). x: (B, inputs), h: (B, width) → (B, width).
    Source: Elman 1990, Finding structure in time.
    """

    gates = 1

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.from_input = nn.Linear(inputs, self.gates * width)
        self.from_state = nn.Linear(width, self.gates * width)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)

    def start(self, x: Tensor) -> tuple[Tensor, ...]:
        """The state before anything is read."""
        return (x.new_zeros(len(x), self.width),)

    def forward(self, read: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """read: `from_input` of what stands at this position, (B, gates · width)."""
        (h,) = state
        return (torch.tanh(read + self.from_state(h)),)


class LSTMCell(RNNCell):
    """A memory c that is kept as it is unless gates say otherwise: what to forget, what to write, what to show.

    i, f, o = σ(W x + U h), g = tanh(W x + U h); c' = f·c + i·g; h' = o·tanh(c').
    Source: Hochreiter & Schmidhuber 1997, Long short-term memory; the forget gate: Gers et al. 2000.
    """

    gates = 4

    def start(self, x: Tensor) -> tuple[Tensor, ...]:
        """The state and the memory before anything is read."""
        return x.new_zeros(len(x), self.width), x.new_zeros(len(x), self.width)

    def forward(self, read: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """read: (B, 4 · width)."""
        h, c = state
        write, forget, new, show = (read + self.from_state(h)).chunk(4, dim=1)  # each (B, width)
        c = forget.sigmoid() * c + write.sigmoid() * new.tanh()
        return show.sigmoid() * c.tanh(), c


class GRUCell(RNNCell):
    """Two gates and no memory of its own: how much of the state to look at, and how much of it to keep.

    r, z = σ(W x + U h); n = tanh(W x + r·(U h)); h' = (1 - z)·n + z·h.
    Source: Cho et al. 2014, arXiv:1406.1078.
    """

    gates = 3

    def forward(self, read: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """read: (B, 3 · width)."""
        (h,) = state
        look, keep, new = read.chunk(3, dim=1)
        look_at, keep_of, new_of = self.from_state(h).chunk(3, dim=1)
        look, keep = (look + look_at).sigmoid(), (keep + keep_of).sigmoid()
        new = (new + look * new_of).tanh()
        return ((1 - keep) * new + keep * h,)


CELLS = {"rnn": RNNCell, "lstm": LSTMCell, "gru": GRUCell}


class Recurrent(nn.Module):
    """A cell that goes over a sequence from left to right.

    x: (B, T, inputs), mask: (B, T) bool → the state after each position, (B, T, width). Padding (where `mask` is False)
    leaves the state as it was, so that the last state is always that of the last word.
    """

    def __init__(self, cell: str, inputs: int, width: int) -> None:
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"there is no cell {cell!r}; there are {', '.join(CELLS)}")
        self.cell = CELLS[cell](inputs, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (B, T, inputs) → (B, T, width)."""
        read = self.cell.from_input(x)  # (B, T, gates · width), for all positions at once
        state = self.cell.start(x)
        shown = []
        for t in range(x.shape[1]):
            after = self.cell(read[:, t], state)
            if mask is not None:
                after = tuple(torch.where(mask[:, t, None], a, b) for a, b in zip(after, state, strict=True))
            state = after
            shown.append(state[0])
        return torch.stack(shown, dim=1)


class RecurrentClassifier(nn.Module):
    """Reads a text word by word, both ways, and says of which class it is.

    tokens: (B, T) int64, mask: (B, T) bool, False where there is only padding → logits (B, classes).

    pool: what of the states is looked at: "last", the last one; "mean" of all; or "attention", a mean in which the
        words have weights that are learned (Bahdanau, Cho & Bengio 2015, arXiv:1409.0473; as pooling: Yang et al. 2016).
    """

    def __init__(
        self, vocabulary: int, classes: int = 2, cell: str = "lstm", width: int = 64, pool: str = "attention", dropout: float = 0.3
    ) -> None:
        super().__init__()
        if pool not in ("last", "mean", "attention"):
            raise ValueError(f"pool must be 'last', 'mean' or 'attention', got {pool!r}")
        self.pool = pool
        self.token = TokenTable(vocabulary, width)
        self.forwards = Recurrent(cell, width, width)
        self.backwards = Recurrent(cell, width, width)
        self.asks = nn.Linear(2 * width, 1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, classes)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """tokens: (B, T) int64 → logits (B, classes)."""
        mask = torch.ones_like(tokens, dtype=torch.bool) if mask is None else mask
        x = self.dropout(self.token(tokens))  # (B, T, C)
        to_right = self.forwards(x, mask)  # (B, T, C)
        to_left = self.backwards(x.flip(1), mask.flip(1)).flip(1)  # (B, T, C)
        states = torch.cat([to_right, to_left], dim=2)  # (B, T, 2C)
        return self.head(self.dropout(self._pooled(to_right, to_left, states, mask)))

    def weights(self, states: Tensor, mask: Tensor) -> Tensor:
        """How much each word counts, (B, T, 1), with the sum 1 over the words: what "attention" learns, or all the same."""
        scores = self.asks(states) if self.pool == "attention" else torch.zeros_like(states[..., :1])
        return scores.masked_fill(~mask[..., None], -torch.inf).softmax(dim=1)

    def _pooled(self, to_right: Tensor, to_left: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        if self.pool == "last":
            return torch.cat([to_right[:, -1], to_left[:, 0]], dim=1)  # (B, 2C)
        return (self.weights(states, mask) * states).sum(dim=1)  # (B, 2C)
