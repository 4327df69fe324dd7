"""A residual network: each block adds a correction to what it was given, so that many of them can be stacked."""

import torch.nn.functional as F
from torch import Tensor, nn


class ResNet(nn.Module):
    """A stem, then stages of residual blocks; each stage sees half the pixels with twice the filters.

    x: (B, channels, H, W), sides of 8 pixels or more (made for 28 to 64) → logits (B, classes).

    Source: He, Zhang, Ren & Sun 2016, arXiv:1512.03385, the plan for small pictures in section 4.2; with the order of
    normalisation, ReLU and convolution of He et al. 2016, arXiv:1603.05027.
    """

    def __init__(self, classes: int = 10, channels: int = 3, width: int = 32, stages: int = 3, blocks: int = 1) -> None:
        super().__init__()
        self.channels, self.least = channels, 2**stages
        self.stem = nn.Conv2d(channels, width, 3, padding=1, bias=False)  # (B, 32, H, W)
        parts: list[nn.Module] = []
        inputs = width
        for stage in range(stages):  # (B, 32, H, W) → (B, 64, H/2, W/2) → (B, 128, H/4, W/4)
            outputs = width * 2**stage
            for block in range(blocks):
                parts.append(Residual(inputs, outputs, stride=2 if stage and not block else 1))
                inputs = outputs
        self.stages = nn.Sequential(*parts)
        self.norm = nn.BatchNorm2d(inputs)
        self.head = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, channels, H, W) float32 → logits (B, classes)."""
        if x.ndim != 4 or x.shape[1] != self.channels or min(x.shape[2:]) < self.least:
            raise ValueError(
                f"this ResNet reads pictures of shape (B, {self.channels}, H, W) with sides of {self.least} or more, got {tuple(x.shape)}"
            )
        x = F.relu(self.norm(self.stages(self.stem(x))))  # (B, 128, H/4, W/4)
        return self.head(x.mean((2, 3)))  # the mean over all places: (B, 128) → (B, classes)


class Residual(nn.Module):
    """x + correction(x). x: (B, inputs, H, W) → (B, outputs, H/stride, W/stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(outputs), nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, inputs, H, W) → (B, outputs, H/stride, W/stride)."""
        normed = F.relu(self.norm1(x))
        correction = self.conv2(F.relu(self.norm2(self.conv1(normed))))
        return correction + (x if isinstance(self.shortcut, nn.Identity) else self.shortcut(normed))
