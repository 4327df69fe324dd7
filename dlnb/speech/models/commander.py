"""A model that understands a command: what is wanted, and of what."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .listener import Listener


class Commander(Listener):
    """Pictures of commands to what is wanted: (B, T, MELS) float → (B, sum of sizes) logits, one group for each question.

    sizes: how many answers each question has: the intents, the rooms, the numbers. Each answer is looked for at each moment,
    and counts as much as where it is heard best: the logarithm of its mean over time of the exponentials.
    It is causal: when the speaker ends, all but the last moment has been read.
    phonemes: see `Listener`; then it gives (logits, phonemes).
    """

    def __init__(
        self, sizes: Sequence[int], width: int = 96, dilations: tuple[int, ...] = (1, 2, 4, 8), dropout: float = 0.1,
        phonemes: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(sum(sizes), width, dilations, dropout, phonemes)
        self.sizes = tuple(sizes)
        nn.init.zeros_(self.head.bias)

    def forward(self, pictures: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(B, T, MELS) → (B, sum of sizes), and (B, T // 3, phonemes) if it says them."""
        early, late, _ = self.hidden(pictures)
        logits = pooled(self.head(late))
        return logits if self.sounds is None else (logits, self.sounds(early))


def pooled(logits: Tensor) -> Tensor:
    """(B, T, answers) → (B, answers): where each is heard best."""
    return torch.logsumexp(logits, 1) - torch.log(torch.tensor(float(max(1, logits.shape[1]))))
