"""A small convolutional network that says which word a sound is."""

import torch.nn.functional as F
from torch import Tensor, nn

PARTS = (4, 5)  # of time and of height, whose answers are averaged


class SoundCNN(nn.Module):
    """The picture of a sound of one word to its class: pictures (B, T, MELS) float → (B, classes).

    Four convolutions, the first three of which halve the picture; the last answers are averaged in four parts of the time, so any
    length will do.
    """

    def __init__(self, classes: int = 10, width: int = 24, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for outputs, stride in ((width, 2), (2 * width, 2), (4 * width, 2), (4 * width, 1)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()]
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(PARTS[0] * PARTS[1] * inputs, classes)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, T, MELS) → (B, classes)."""
        x = self.features(pictures[:, None])  # (B, C, T / 8, MELS / 8)
        return self.head(self.dropout(F.adaptive_avg_pool2d(x, PARTS).flatten(1)))
