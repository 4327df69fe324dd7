"""A network that looks around: lidar and cameras, fused direction by direction."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RangeView(nn.Module):
    """Convolutions along the circle of directions; each direction says whether it sees an obstacle, and where its middle is.

    lidar: (B, RAYS) metres, NaN where it says nothing. camera: (B, ROWS, COLUMNS) in [0, 1], NaN likewise, with a whole number of
    columns for each ray. Returns (B, RAYS, OUTPUTS), to be read by `dlnb.driving.detections`.

    What is NaN is set to 0, and the network is told for each direction which sensor speaks: so it can learn to do without one.
    Source: LaserNet, Meyer et al. 2019, arXiv:1903.08701 (boxes from the view of the sensor); that one is dense and has no camera.
    """

    def __init__(self, rays: int = 240, columns: int = 480, rows: int = 20, width: int = 64, reach: float = 60.0, outputs: int = 8) -> None:
        super().__init__()
        if columns % rays:
            raise ValueError(f"the camera's {columns} columns must be a multiple of the lidar's {rays} rays")
        self.rays, self.columns, self.rows, self.reach = rays, columns, rows, reach
        self.lidar = nn.Conv1d(4, width // 2, 5, padding=2, padding_mode="circular")
        self.camera = nn.Conv1d(columns // rays * rows + 1, width, 3, padding=1, padding_mode="circular")
        self.fuse = nn.Conv1d(width + width // 2, width, 1)
        self.blocks = nn.ModuleList(Around(width, 2**step) for step in range(4))
        self.head = nn.Conv1d(width, outputs, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        self.head.bias = nn.Parameter(torch.tensor([-2.0, 2.0] + [0.0] * (outputs - 2)))  # most directions are free

    def forward(self, lidar: Tensor, camera: Tensor) -> Tensor:
        """lidar: (B, RAYS), camera: (B, ROWS, COLUMNS) → (B, RAYS, OUTPUTS)."""
        if lidar.ndim != 2 or lidar.shape[1] != self.rays or tuple(camera.shape[1:]) != (self.rows, self.columns):
            raise ValueError(
                f"this RangeView reads lidar (B, {self.rays}) and camera (B, {self.rows}, {self.columns}), "
                f"got {tuple(lidar.shape)} and {tuple(camera.shape)}"
            )
        hears = lidar.isfinite()
        metres = lidar.where(hears, torch.zeros_like(lidar))
        met = hears & (metres < 0.999 * self.reach)
        points = torch.stack([hears.float(), met.float(), metres / 20 * met, met * 5 / metres.clamp(min=2.0)], 1)  # (B, 4, RAYS)
        looks = camera.isfinite().all(1, keepdim=True)  # (B, 1, COLUMNS)
        seen = (camera - 0.6).where(looks, torch.zeros_like(camera)) * 3
        beside = self.columns // self.rays
        seen = seen.unflatten(2, (self.rays, beside)).transpose(2, 3).flatten(1, 2)  # (B, ROWS · beside, RAYS)
        looking = looks.unflatten(2, (self.rays, beside)).all(3).float()  # (B, 1, RAYS)
        x = torch.cat([self.lidar(points), self.camera(torch.cat([seen, looking], 1))], 1)
        x = self.fuse(F.gelu(x))  # (B, width, RAYS)
        for block in self.blocks:
            x = block(x)
        return self.head(F.gelu(x)).transpose(1, 2)  # (B, RAYS, OUTPUTS)


class Around(nn.Module):
    """x: (B, C, RAYS) → the same: a look to both sides, wider from block to block, added to what was there."""

    def __init__(self, width: int, spread: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.look = nn.Conv1d(width, width, 5, padding=2 * spread, dilation=spread, padding_mode="circular")
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, RAYS)."""
        return x + self.mix(F.gelu(self.look(self.norm(x))))
