"""Baselines that learn nothing: the sound that is most like another, and how like a stream is to a word at each moment."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .features import HOP, RATE, as_logarithms, as_numbers
from .models.listener import STRIDE

TIMES = 24  # moments into which every sound is stretched
WORD = int(0.75 * RATE / HOP)  # frames before the end of the word that are compared


def most_alike(known: Tensor, known_lengths: Tensor, asked: Tensor, asked_lengths: Tensor) -> Tensor:
    """The number of the known sound that each asked one is most like, all stretched to one length. (N, T, MELS) uint8 → (N,) int64."""
    return (_stretched(asked, asked_lengths) @ _stretched(known, known_lengths).T).argmax(1)


def _stretched(pictures: Tensor, lengths: Tensor) -> Tensor:
    """(N, T, MELS) → (N, TIMES · MELS) of length 1, each band less its mean."""
    rows = []
    for picture, length in zip(pictures, lengths.tolist(), strict=True):
        row = F.interpolate(as_logarithms(picture[:length]).T[None], TIMES, mode="linear", align_corners=True)[0]  # (MELS, TIMES)
        rows.append((row - row.mean(1, keepdim=True)).flatten())
    return F.normalize(torch.stack(rows), dim=1)


def like_word(learned: Tensor, target: Tensor, heard: Tensor) -> Tensor:
    """How like each moment of a stream is to the mean of the word as it was learned, as logits. heard: (N, T, MELS) float → (N, T // 3).

    learned: (N, T, MELS) uint8, target: (N, T // 3), as in `dlnb.speech.waking.Streams`.
    """
    rows = []
    for picture, row in zip(learned, target.tolist(), strict=True):
        if 1 in row and (end := row.index(1) * STRIDE) >= WORD:
            rows.append(as_numbers(picture[end - WORD : end]))
    mean = torch.stack(rows).mean(0)  # (WORD, MELS)
    mean = mean - mean.mean(0)
    weight = F.normalize(mean.flatten(), dim=0).view(1, WORD, -1).transpose(1, 2)  # (1, MELS, WORD)
    x = F.pad(heard.transpose(1, 2), (WORD - 1, 0))
    size = F.avg_pool1d((x - x.mean(2, keepdim=True)).square().sum(1, keepdim=True), WORD, 1) * WORD
    alike = F.conv1d(x, weight)[:, 0] / size[:, 0].sqrt().clamp(min=1.0)  # (N, T), -1 to 1
    return 12 * (alike[:, ::STRIDE][:, : heard.shape[1] // STRIDE] - 0.5)
