"""The same network from many seeds at once: what luck looks like.

Their weights lie stacked, (K, in, out), so that one batched product serves all; autograd finds the gradients of the sum of
their losses, in which no network sees another, and one optimiser of torch.optim moves them all. So each is, up to rounding,
the network that would have learned alone from its seed (dropout apart, whose masks are drawn together).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checks import PlaygroundError, is_whole
from .maps import SMALL, grid_inputs
from .network import Network, inputs_of
from .points import Points
from .spec import Plan, Spec, make_optimizer
from .training import TOO_LARGE, seed_of

MOST = 256  # seeds
APART = ("LBFGS", "Adafactor")  # they look at all weights together, so stacked networks would see each other


class Seeds:
    """K networks of one spec, from the seeds spec.seed, spec.seed + 1, …

    steps, epoch, place: as in `Trainer`. losses: (K,) of the last batch; a network whose loss exploded has NaN from then on.

    Raises: PlaygroundError if there are too many, or the optimiser cannot move them together.
    """

    def __init__(self, spec: Spec, plan: Plan, points: Points, count: int = 64) -> None:
        if not is_whole(count) or not 2 <= count <= MOST:
            raise PlaygroundError(f"2 to {MOST} seeds can learn at once, not {count!r:.40}.")
        if plan.optimizer in APART:
            raise PlaygroundError(f"{plan.optimizer} looks at all weights together. Choose SGD or Adam for many seeds.")
        self.spec, self.plan, self.points = replace(spec, outputs=points.outputs), plan, points
        self.seeds = [spec.seed + k for k in range(count)]
        networks = [Network(replace(self.spec, seed=seed)) for seed in self.seeds]
        self.layers = [
            StackedLayer([network.blocks[k] for network in networks]) for k in range(len(networks[0].blocks))
        ]
        parameters = [parameter for layer in self.layers for parameter in layer.parameters()]
        self.optimizer = make_optimizer(plan, parameters)
        self._learned = inputs_of(spec.inputs, points.x)[points.trains], points.target[points.trains]
        self._generator = torch.Generator().manual_seed(seed_of(spec.seed, -1) % 2**63)
        self.steps = self.epoch = self.place = 0
        self.losses = torch.full((count,), torch.nan)
        self.lost = torch.zeros(count, dtype=torch.bool)
        self._arrange()

    @property
    def batches(self) -> int:
        """Steps of an epoch."""
        return -(-len(self._learned[0]) // self.plan.batch)

    def train(self, steps: int) -> None:
        """Let every network take so many steps."""
        for _ in range(steps):
            stop = min(self.place + self.plan.batch, self._x.shape[1])
            x, y = self._x[:, self.place : stop], self._y[:, self.place : stop]
            losses = self._losses(self._forward(x, True), y)
            total = losses.sum()
            if self.plan.l1 or self.plan.l2:
                total = total + self._penalty()
            self.optimizer.zero_grad()
            total.backward()
            self.optimizer.step()
            self.losses = losses.detach()
            self.steps += 1
            self.place = stop
            if stop == self._x.shape[1]:
                self.epoch, self.place = self.epoch + 1, 0
                self._arrange()
        self.lost |= ~(self.losses < TOO_LARGE)

    @torch.no_grad()
    def uncertainty(self) -> dict[str, np.ndarray]:
        """Where the networks agree.

        mean, spread: (SMALL, SMALL) uint8. Of two classes the probability of the second, 0 to 255, and its standard deviation,
        0 to 255 for 0 to 0.5; for regression the value, -1 to 1 as 1 to 255, and its deviation, 0 to 255 for 0 to 1. Of more
        classes mean is (C, SMALL, SMALL), and spread that of the class where it is largest. lost: how many exploded, (1,).
        Networks that were lost do not count.
        """
        seen = grid_inputs(self.spec.inputs, SMALL)
        scores = self._forward(seen.expand(len(self.seeds), -1, -1), False)
        scores = scores[~self.lost & scores.isfinite().all((1, 2))]  # (K', side², outputs)
        lost = np.array([len(self.seeds) - len(scores)], np.int32)
        classes = self.points.classes
        shape = (classes, SMALL, SMALL) if classes > 2 else (SMALL, SMALL)
        if not len(scores):
            return {"mean": np.zeros(shape, np.uint8), "spread": np.full((SMALL, SMALL), 255, np.uint8), "lost": lost}
        values = scores.softmax(2) if classes > 2 else scores.sigmoid() if classes == 2 else scores.clamp(-1, 1)
        mean = values.mean(0)
        spread = values.std(0, correction=0).amax(1) * (1 if classes == 0 else 2)
        scaled = mean * 127 + 128 if classes == 0 else mean * 255
        return {
            "mean": scaled.T.round().to(torch.uint8).numpy().reshape(shape),
            "spread": (spread * 255).round().clamp(0, 255).to(torch.uint8).numpy().reshape(SMALL, SMALL),
            "lost": lost,
        }

    @torch.no_grad()
    def measure(self) -> dict[str, np.ndarray]:
        """loss, test_loss and for classes accuracy, test_accuracy of every network, each (K,) float32; NaN for those lost."""
        inputs, target = inputs_of(self.spec.inputs, self.points.x), self.points.target
        found: dict[str, np.ndarray] = {}
        for name, part in (("", self.points.trains), ("test_", ~self.points.trains)):
            scores = self._forward(inputs[part].expand(len(self.seeds), -1, -1), False)
            wanted = target[part].expand(len(self.seeds), *target[part].shape)
            losses = self._losses(scores, wanted)
            found[f"{name}loss"] = losses.masked_fill(self.lost, torch.nan).numpy()
            if self.points.classes:
                right = (
                    scores.argmax(2) == wanted if self.points.classes > 2 else ((scores > 0) == (wanted > 0.5))[..., 0]
                )
                found[f"{name}accuracy"] = right.float().mean(1).masked_fill(self.lost, torch.nan).numpy()
        return found

    def _forward(self, x: Tensor, training: bool) -> Tensor:
        """x: (K, B, D) → (K, B, outputs)."""
        for layer, described in zip(self.layers, (*self.spec.layers, None), strict=True):
            x = layer.forward(x, training)
            if described is not None and described.dropout and training:
                keep = torch.rand(x.shape, generator=self._generator) >= described.dropout
                x = x * keep / (1 - described.dropout)
        return x

    def _losses(self, scores: Tensor, target: Tensor) -> Tensor:
        """(K, B, C) → (K,)."""
        if self.points.classes > 2:
            return F.cross_entropy(scores.transpose(1, 2), target, reduction="none").mean(1)
        loss: Any = F.binary_cross_entropy_with_logits if self.points.classes else F.mse_loss
        return loss(scores, target, reduction="none").mean((1, 2))

    def _penalty(self) -> Tensor:
        weights = torch.cat([layer.weight.flatten() for layer in self.layers])
        return self.plan.l1 * weights.abs().sum() + self.plan.l2 / 2 * weights.square().sum()

    def _arrange(self) -> None:
        """The points in the order in which each network sees them in this epoch: (K, N, …)."""
        inputs, target = self._learned
        orders = torch.stack(
            [
                torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed_of(seed, self.epoch)))
                for seed in self.seeds
            ]
        )
        self._x, self._y = inputs[orders], target[orders]


class StackedLayer:
    """One layer of K networks. blocks: the layer of each."""

    def __init__(self, blocks: list[Any]) -> None:
        first = blocks[0]
        self.weight = nn.Parameter(torch.stack([block.linear.weight.detach().T for block in blocks]))  # (K, in, out)
        self.bias = nn.Parameter(torch.stack([block.linear.bias.detach()[None] for block in blocks]))  # (K, 1, out)
        self.activation = first.activation
        self.norm = first.norm
        if first.norm is not None:
            self.gain, self.shift = nn.Parameter(torch.ones_like(self.bias)), nn.Parameter(torch.zeros_like(self.bias))
            self.mean, self.variance = torch.zeros_like(self.bias), torch.ones_like(self.bias)

    def parameters(self) -> list[nn.Parameter]:
        """What learns."""
        return [self.weight, self.bias, *([] if self.norm is None else [self.gain, self.shift])]

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """x: (K, B, in) → (K, B, out)."""
        x = torch.baddbmm(self.bias, x, self.weight)
        if isinstance(self.norm, nn.BatchNorm1d):
            x = self._batch_norm(x, training)
        elif self.norm is not None:
            variance, mean = torch.var_mean(x, 2, correction=0, keepdim=True)
            x = (x - mean) * (variance + self.norm.eps).rsqrt() * self.gain + self.shift
        return x if self.activation is None else self.activation(x)

    def _batch_norm(self, x: Tensor, training: bool) -> Tensor:
        variance, mean = self.variance, self.mean
        if training:
            variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
            with torch.no_grad():  # running values are of the unbiased variance
                count = x.shape[1]
                self.mean.lerp_(mean, self.norm.momentum)
                self.variance.lerp_(variance * count / max(1, count - 1), self.norm.momentum)
        return (x - mean) * (variance + self.norm.eps).rsqrt() * self.gain + self.shift
