"""What a model makes, in a few pictures, the same few each time: previews of the tasks of making."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..preview import Captioned
from .sampling import make

STEPS = 8  # of a preview, which is asked for about once a second
SIDE = 64  # pixels of a picture of points


class Drawn:
    """Pictures that a `Denoiser` draws, as many of each class as of the others."""

    def __init__(self, classes: Sequence[str], count: int = 20) -> None:
        self.classes = tuple(classes)
        self.wanted = [number % len(self.classes) for number in range(count)]

    def __call__(self, model: nn.Module) -> Captioned:
        """model: a `Denoiser` in eval mode."""
        pictures = make(model, self.wanted, steps=STEPS, guidance=1.5)  # type: ignore[arg-type]
        return Captioned(as_pixels(pictures), truth=tuple(self.classes[label] for label in self.wanted))


class Rebuilt:
    """Pictures, and beside each what an autoencoder makes of the few numbers that it turned it to."""

    def __init__(self, pictures: Tensor, names: Sequence[str]) -> None:
        self.pictures, self.names = pictures, tuple(names)

    def __call__(self, model: Any) -> Captioned:
        """model: an `AutoEncoder` or a `VAE` in eval mode."""
        with torch.no_grad():
            rebuilt = model.decode(model.encode(self.pictures.to(_device(model)))).cpu()
        return Captioned(as_pixels(torch.cat([self.pictures, rebuilt], dim=3)), truth=self.names)


class Imagined:
    """Pictures that a model makes of noise that is the same each time. imagine: a method of the model, of a number and a seed."""

    def __init__(self, count: int = 24) -> None:
        self.count = count

    def __call__(self, model: Any) -> Captioned:
        """model: has `imagine(count, seed)`, which gives pictures (N, 1, H, W) in [0, 1]."""
        return Captioned(as_pixels(model.imagine(self.count, seed=0)))


class Scattered:
    """Real points and those that a GAN makes, as two pictures of where they lie, in [-reach, reach] both ways."""

    def __init__(self, real: Tensor, reach: float = 3.0) -> None:
        self.real, self.reach = real, reach

    def __call__(self, model: Any) -> Captioned:
        """model: a `GAN` in eval mode."""
        made = model.imagine(len(self.real), seed=0)
        return Captioned(np.stack([self._picture(self.real), self._picture(made)]), truth=("real points", "made points"))

    def _picture(self, points: Tensor) -> NDArray[np.uint8]:
        counts, _, _ = np.histogram2d(-points[:, 1].numpy(), points[:, 0].numpy(), SIDE, [[-self.reach, self.reach]] * 2)
        return (255 * np.minimum(counts / 4, 1) ** 0.5).astype(np.uint8)


class Filmed:
    """Strips of film: above how it went on, below how a model says that it goes on.

    frames: (N, T, H, W) in [0, 1], of which the model sees the first `seen`; words: (N,) int64.
    """

    def __init__(self, frames: Tensor, words: Tensor, names: Sequence[str], seen: int) -> None:
        self.frames, self.words, self.seen = frames, words, seen
        self.names = tuple(names[word] for word in words.tolist())

    def __call__(self, model: nn.Module) -> Captioned:
        """model: a `Filmer` in eval mode."""
        with torch.no_grad():
            said = model(self.frames[:, : self.seen].to(_device(model)), self.words.to(_device(model))).cpu()
        ahead = self.frames.shape[1] - self.seen
        both = torch.stack([self.frames[:, -ahead:], said[:, -ahead:].clamp(0, 1)], 1)  # (N, 2, ahead, H, W)
        both = F.pad(both, (1, 0, 1, 0), value=0.5)  # a line between the frames
        strips = both.permute(0, 1, 3, 2, 4).flatten(3).flatten(1, 2)  # (N, 2 · H, ahead · W)
        return Captioned(as_pixels(strips[:, None]), truth=self.names)


def as_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """(N, 1, H, W) in [0, 1] → (N, H, W) uint8."""
    return (pictures[:, 0].clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
