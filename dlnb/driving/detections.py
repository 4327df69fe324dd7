"""From what a network says of each direction to obstacles: votes for a middle are gathered, and compared with the truth."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .moments import ENOUGH, WITHIN

MATCHES = 2.0  # metres between the middles of an obstacle and of what is taken for it
GATHERED = 2.0  # metres around a vote within which others are for the same obstacle
SURE = 0.5
OUTPUTS = 8  # of a network in each direction: see `bodies_of`


def bodies_of(said: Tensor) -> Tensor:
    """Where each direction says that its obstacle is. said: (…, RAYS, OUTPUTS) → (…, RAYS, 6): x, y, heading, sure, length, width.

    The outputs, in turn: how sure it is (a logit), metres to the middle along the direction and to the right of it (in tens),
    cosine and sine of twice the heading as seen along the direction (a car that stands the other way round looks the same),
    logarithms of length and width.
    """
    rays = said.shape[-2]
    angle = 2 * torch.pi * torch.arange(rays, device=said.device) / rays
    ahead, aside = 10 * said[..., 1], 10 * said[..., 2]
    x = ahead * angle.cos() - aside * angle.sin()
    y = ahead * angle.sin() + aside * angle.cos()
    heading = angle + torch.atan2(said[..., 4], said[..., 3]) / 2
    size = said[..., 5:7].clamp(-1, 3).exp()
    return torch.stack([x, y, heading, said[..., 0].sigmoid(), size[..., 0], size[..., 1]], -1)


def said_of(bodies: Tensor, rays: int) -> Tensor:
    """The reverse: the outputs that would be right. bodies: (…, RAYS, 6) of the obstacle in each direction → (…, RAYS, 6)."""
    angle = 2 * torch.pi * torch.arange(rays, device=bodies.device) / rays
    x, y, turned = bodies[..., 0], bodies[..., 1], 2 * (bodies[..., 2] - angle)
    ahead, aside = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    return torch.stack([ahead / 10, aside / 10, turned.cos(), turned.sin(), bodies[..., 4].clamp(min=0.5).log(), bodies[..., 5].clamp(min=0.5).log()], -1)


class ObstacleLoss:
    """What is wrong with a network's answer (B, RAYS, OUTPUTS).

    target: {"rays": (B, RAYS, 7), the obstacle in each direction as a body and 1, or zeros; "bodies": not used here}.
    """

    def __call__(self, said: Tensor, target: Any) -> Tensor:
        """A scalar: cross-entropy of whether there is an obstacle, and how far off the rest is where there is one."""
        truth = target["rays"]
        there = truth[..., 6]
        right = said_of(truth, truth.shape[-2])
        off = F.smooth_l1_loss(said[..., 1:7], right, reduction="none", beta=0.1)  # (B, RAYS, 6)
        weights = off.new_tensor([4.0, 4.0, 1.0, 1.0, 1.0, 1.0])
        where = ((off * weights).sum(-1) * there).sum() / there.sum().clamp(min=1)
        return F.binary_cross_entropy_with_logits(said[..., 0], there) + 0.5 * where


def decode(said: Tensor, least: float = SURE) -> list[Tensor]:
    """The obstacles of each answer (B, RAYS, OUTPUTS): tensors (N, 6) of x, y, heading, sure, length, width, the surest first.

    The surest direction takes all votes near its own, each counting by how sure it is; then the next that is left does.
    """
    found = []
    for votes in bodies_of(said.detach()).cpu():
        votes = votes[(votes[:, 3] >= least)]
        votes = votes[votes[:, 3].argsort(descending=True)]
        kept: list[Tensor] = []
        while len(votes):
            same = (votes[:, :2] - votes[0, :2]).norm(dim=1) < GATHERED
            mine, weight = votes[same], votes[same, 3] ** 2
            mean = (mine * weight[:, None]).sum(0) / weight.sum()
            turned = torch.atan2((weight * (2 * mine[:, 2]).sin()).sum(), (weight * (2 * mine[:, 2]).cos()).sum()) / 2
            kept.append(torch.stack([mean[0], mean[1], turned, votes[0, 3], mean[4], mean[5]]))
            votes = votes[~same]
        found.append(torch.stack(kept) if kept else torch.zeros(0, 6))
    return found


def counts(found: list[Tensor], bodies: Tensor, nearest: float = 0.0, farthest: float = WITHIN) -> tuple[int, int, int, int]:
    """How many obstacles between two distances there are, and are found; how many such are found, and are there.

    bodies: (B, M, 7) as in `dlnb.driving.moments.views`. What is seen in fewer than ENOUGH directions is not asked for, and no
    mistake when found. Each obstacle is found once: the surest takes the nearest one that is left within MATCHES.
    """
    there = met = claimed = true = 0
    for detections, rows in zip(found, bodies.cpu(), strict=True):
        rows = rows[rows[:, 4] > 0]
        asked = (rows[:, 6] >= ENOUGH) & _between(rows, nearest, farthest)
        free = torch.ones(len(rows), dtype=torch.bool)
        for one in detections:
            away = (rows[:, :2] - one[:2]).norm(dim=1).where(free, torch.tensor(torch.inf))
            best = int(away.argmin()) if len(rows) else 0
            hit = len(rows) > 0 and bool(away[best] <= MATCHES)
            if hit:
                free[best] = False
                met += bool(asked[best])
            if _between(one[None], nearest, farthest)[0] if not hit else asked[best]:
                claimed += 1
                true += hit
        there += int(asked.sum())
    return there, met, claimed, true


def _between(rows: Tensor, nearest: float, farthest: float) -> Tensor:
    away = rows[:, :2].norm(dim=1)
    return (away >= nearest) & (away < farthest)


def recall(found: list[Tensor], target: dict[str, Tensor], nearest: float = 0.0, farthest: float = WITHIN) -> float:
    """The share of the obstacles between two distances, in metres, that are found."""
    there, met, _, _ = counts(found, target["bodies"], nearest, farthest)
    return met / max(there, 1)


def precision(found: list[Tensor], target: dict[str, Tensor], nearest: float = 0.0, farthest: float = WITHIN) -> float:
    """The share of what is found between two distances, in metres, that is there."""
    _, _, claimed, true = counts(found, target["bodies"], nearest, farthest)
    return true / max(claimed, 1)
