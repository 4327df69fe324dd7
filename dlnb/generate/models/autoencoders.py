"""Networks that turn a picture to a few numbers, and numbers to a picture."""

import torch
from torch import Tensor, nn


class AutoEncoder(nn.Module):
    """A picture through a bottleneck. x: (B, 1, side, side) in [0, 1] → the same.

    numbers: as which a picture leaves the bottleneck. `encode` and `decode` are its halves.

    Raises: ValueError if there are no numbers, or as many as pixels: then nothing has to be left out.
    """

    def __init__(self, numbers: int = 8, side: int = 8, width: int = 256) -> None:
        super().__init__()
        _check_numbers(numbers, side)
        self.encoder = _encoder(numbers, side, width)
        self.decoder = _decoder(numbers, side, width)

    def encode(self, x: Tensor) -> Tensor:
        """(B, 1, side, side) → (B, numbers)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """(B, numbers) → (B, 1, side, side)."""
        return self.decoder(z).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, side, side) → the same."""
        return self.decode(self.encode(x))


class VAE(nn.Module):
    """An autoencoder whose numbers are uncertain, and as a whole normally distributed: so one can draw them, and decode.

    x: (B, 1, side, side) in [0, 1] → logits of the pixels (B, 1, side, side), mean and log-variance of the numbers (B, numbers).
    While it learns the numbers are drawn by PyTorch's default generator; in eval mode by one that always begins the same.

    Raises: ValueError as `AutoEncoder` does. Source: Kingma & Welling 2014, Auto-encoding variational Bayes, arXiv:1312.6114.
    """

    def __init__(self, numbers: int = 8, side: int = 8, width: int = 256) -> None:
        super().__init__()
        _check_numbers(numbers, side)
        self.numbers = numbers
        self.encoder = _encoder(2 * numbers, side, width)
        self.decoder = _decoder(numbers, side, width)
        nn.init.normal_(self.encoder[-1].weight, std=0.02)  # type: ignore[arg-type]  # at first all are alike: mean 0, variance 1

    def encode(self, x: Tensor) -> Tensor:
        """The means of the numbers: (B, 1, side, side) → (B, numbers)."""
        return self.encoder(x).chunk(2, dim=1)[0]

    def decode(self, z: Tensor) -> Tensor:
        """(B, numbers) → (B, 1, side, side) in [0, 1]."""
        return self.decoder(z).sigmoid()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 1, side, side) → logits of the same shape, mean and log-variance (B, numbers)."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        log_variance = log_variance.clamp(-12, 12)
        generator = None if self.training else torch.Generator(x.device).manual_seed(0)
        noise = torch.randn(mean.shape, generator=generator, device=x.device)
        return self.decoder(mean + noise * (log_variance / 2).exp()), mean, log_variance

    def imagine(self, count: int, seed: int = 0) -> Tensor:
        """Pictures of numbers that are drawn: (count, 1, side, side) in [0, 1]. Raises: ValueError if there are to be none."""
        if count < 1:
            raise ValueError(f"count must be 1 or more, got {count}")
        z = torch.randn(count, self.numbers, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            return self.decode(z.to(next(self.parameters()).device)).cpu()


def _encoder(numbers: int, side: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(side**2, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, numbers)
    )


def _decoder(numbers: int, side: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(numbers, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, side**2),
        nn.Unflatten(1, (1, side, side)),
    )  # fmt: skip


def _check_numbers(numbers: int, side: int) -> None:
    if not 1 <= numbers < side**2:
        raise ValueError(f"numbers must be from 1 to {side**2 - 1}, fewer than the {side**2} pixels of a picture; got {numbers}")
