"""A model that waits for one word."""

from torch import Tensor, nn

from .listener import Listener, State


class Spotter(Listener):
    """How sure it is, each 30 ms, that the word has just been said: pictures (B, T, MELS) float → (B, T // 3) logits.

    It is a small `Listener` with one sign to write, and reads a stream piece by piece as that does.
    phonemes: see `Listener`; then it gives (logits, phonemes).
    """

    def __init__(
        self, width: int = 64, dilations: tuple[int, ...] = (1, 2, 4, 8), dropout: float = 0.1, rare: float = 3.0,
        phonemes: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(1, width, dilations, dropout, phonemes)
        nn.init.constant_(self.head.bias, -rare)  # the word is seldom said

    def forward(self, pictures: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(B, T, MELS) → (B, T // 3), and (B, T // 3, phonemes) if it says them."""
        early, late, _ = self.hidden(pictures)
        logits = self.head(late)[:, :, 0]
        return logits if self.sounds is None else (logits, self.sounds(early))

    def read(self, pictures: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The logits of the next frames of a stream, (B, T // 3), and what is remembered for those after."""
        logits, state = super().read(pictures, state)
        return logits[:, :, 0], state
