"""A network that says whose face it is by putting it somewhere: pictures of one person near together, others far away."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FaceNet(nn.Module):
    """A convolutional network that turns a face into a direction.

    x: (B, channels, height, width) → embeddings (B, dimensions) of length 1; the cosine between two says how alike they are.

    Each picture is brought to mean 0 and variance 1 first, so that a bright lamp makes no other person. What is seen where
    matters in a face that looks into the camera: so the last layer sees every place, and not the mean over all.

    Source: the idea, Schroff, Kalenichenko & Philbin 2015, FaceNet, arXiv:1503.03832; with a far smaller network.
    """

    def __init__(
        self, size: tuple[int, int] = (56, 48), channels: int = 1, width: int = 32, stages: int = 3, dimensions: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        if min(size) < 2**stages:
            raise ValueError(f"pictures of {size[0]}×{size[1]} pixels cannot be halved {stages} times")
        self.expects = (channels, *size)
        parts: list[nn.Module] = []
        (height, wide), inputs = size, channels
        for stage in range(stages):  # (B, 32, H/2, W/2) → (B, 64, H/4, W/4) → (B, 128, H/8, W/8)
            outputs, kernel = width * 2**stage, 3 if stage else 5
            parts += [
                nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
            inputs, height, wide = outputs, -(-height // 2), -(-wide // 2)
        self.features = nn.Sequential(*parts)
        self.head = nn.Linear(inputs * height * wide, dimensions)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, channels, height, width) float32 → embeddings (B, dimensions) of length 1."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.expects:
            raise ValueError(
                f"this FaceNet reads pictures of shape (B, {', '.join(map(str, self.expects))}), got {tuple(x.shape)}. "
                "Make it with the size and channels of your pictures: FaceNet(size=(56, 48), channels=1)."
            )
        x = x - x.mean((1, 2, 3), keepdim=True)
        x = x / (x.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-3)
        x = self.features(x.contiguous(memory_format=torch.channels_last))  # (B, 128, H/8, W/8)
        return F.normalize(self.head(x.flatten(1)), dim=1)
