"""LeNet: the network that read the digits on cheques, with today's parts."""

from torch import Tensor, nn


class LeNet(nn.Module):
    """A small convolutional network: two rounds of filter and shrink, then a decision.

    x: (B, channels, size, size) → logits (B, classes).

    The plan is LeNet's (LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document
    recognition): filters whose weights are shared over the whole picture, then fully connected layers.
    The parts are today's: ReLU and max pooling instead of tanh and averaging, more filters, batch
    normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167), and dropout (Srivastava et al. 2014).

    size: side of the pictures in pixels, such as 8 (the filters are 3×3) or 28 (5×5, as in 1998).
    """

    def __init__(
        self, classes: int = 10, size: int = 8, channels: int = 1, width: int = 32, dropout: float = 0.3
    ) -> None:
        super().__init__()
        if size < 4:
            raise ValueError(f"pictures of {size}×{size} pixels cannot be halved twice: size must be 4 or more")
        self.expects = (channels, size, size)
        kernel = 3 if size < 16 else 5
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, kernel, padding="same"),  # (B, 32, size, size)
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (B, 32, size/2, size/2)
            nn.Conv2d(width, 2 * width, kernel, padding="same"),  # (B, 64, size/2, size/2)
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (B, 64, size/4, size/4)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (B, 64 · size/4 · size/4)
            nn.Dropout(dropout),
            nn.Linear(2 * width * (size // 4) ** 2, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, classes),  # (B, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, channels, size, size) float32 → logits (B, classes)."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.expects:
            channels, size, _ = self.expects
            raise ValueError(
                f"this LeNet reads pictures of shape (B, {channels}, {size}, {size}), got {tuple(x.shape)}. "
                "Make it with the size and channels of your pictures: LeNet(size=28, channels=1)."
            )
        return self.classifier(self.features(x))
