"""A model that waits for one word."""

from torch import Tensor, nn

from .listener import Listener, State


class Spotter(Listener):
    """How sure it is, each 30 ms, that the word has just been said: pictures (B, T, MELS) float → (B, T // 3) logits.

    It is a small `Listener` with one sign to write, and reads a stream piece by piece as that does.
    """

    def __init__(self, width: int = 64, dilations: tuple[int, ...] = (1, 2, 4, 8), dropout: float = 0.1, rare: float = 3.0) -> None:
        super().__init__(1, width, dilations, dropout)
        nn.init.constant_(self.head.bias, -rare)  # the word is seldom said

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, T, MELS) → (B, T // 3)."""
        return self.read(pictures)[0]

    def read(self, pictures: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The logits of the next frames of a stream, (B, T // 3), and what is remembered for those after."""
        logits, state = super().read(pictures, state)
        return logits[:, :, 0], state
