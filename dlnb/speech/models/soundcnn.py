"""A small convolutional network that says which word a sound is."""

from torch import Tensor, nn


class SoundCNN(nn.Module):
    """The picture of a sound of one word to its class: pictures (B, T, MELS) float → (B, classes).

    Four convolutions, each of which halves the picture; the last answers are averaged over time, so any length will do.
    """

    def __init__(self, classes: int = 10, width: int = 16, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for outputs in (width, 2 * width, 4 * width, 4 * width):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()]
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(3 * inputs, classes)  # MELS is halved four times: three bands are left
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, T, MELS) → (B, classes)."""
        x = self.features(pictures[:, None])  # (B, C, T / 16, MELS / 16)
        return self.head(self.dropout(x.mean(2).flatten(1)))
