"""Two networks that learn from each other: one makes points out of noise, the other judges which are real."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Judged = tuple[Tensor, Tensor, Tensor, Tensor]


class GAN(nn.Module):
    """A generator and its critic, as one module that learns by one loss.

    x: (B, D) real points → what the critic says of the real ones, of made ones that the generator may not learn from, and of
    the same made ones that only the generator learns from; each (B,); and the penalty (B,). So the gradients of one backward
    pass are those of both players, each of its own part of the loss (`dlnb.generate.adversaries`).

    penalty: whether to measure how steep the critic is where points are: the squared length of its gradient at the real and at
    the made points, added up (R1, Mescheder et al. 2018, arXiv:1801.04406; R2 as in Huang et al. 2024, arXiv:2501.05441).
    While it learns the noise is drawn by PyTorch's default generator; in eval mode by one that always begins the same.

    Source: Goodfellow et al. 2014, Generative adversarial networks, arXiv:1406.2661.
    """

    def __init__(self, numbers: int = 2, noise: int = 16, width: int = 128, penalty: bool = True) -> None:
        super().__init__()
        self.noise, self.penalty = noise, penalty
        self.generator = nn.Sequential(
            nn.Linear(noise, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, numbers)
        )
        self.critic = nn.Sequential(
            nn.Linear(numbers, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
        )

    def forward(self, x: Tensor) -> Judged:
        """(B, D) → four times (B,)."""
        generator = None if self.training else torch.Generator(x.device).manual_seed(0)
        made = self.generator(torch.randn(len(x), self.noise, generator=generator, device=x.device))  # (B, D)
        with torch.enable_grad():  # a penalty is a gradient, also where nothing learns
            real, fake = x.detach(), made.detach()
            if self.penalty:
                real, fake = real.requires_grad_(), fake.requires_grad_()
            said_of_real, said_of_fake = self.critic(real)[:, 0], self.critic(fake)[:, 0]
            steep = _steepness(said_of_real, real) + _steepness(said_of_fake, fake) if self.penalty else torch.zeros_like(said_of_real)
        with _held_fixed(self.critic):
            said_of_made = self.critic(made)[:, 0]
        return said_of_real, said_of_fake, said_of_made, steep

    def imagine(self, count: int, seed: int = 0) -> Tensor:
        """Points of noise that is drawn: (count, D). Raises: ValueError if there are to be none."""
        if count < 1:
            raise ValueError(f"count must be 1 or more, got {count}")
        noise = torch.randn(count, self.noise, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            return self.generator(noise.to(next(self.parameters()).device)).cpu()


def _steepness(said: Tensor, points: Tensor) -> Tensor:
    """The squared length of the gradient at each point: (B,), (B, D) → (B,)."""
    (slope,) = torch.autograd.grad(said.sum(), points, create_graph=True)
    return slope.square().sum(1)


@contextmanager
def _held_fixed(module: nn.Module) -> Iterator[None]:
    """Gradients pass through the module inside, and none stays with it."""
    learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
