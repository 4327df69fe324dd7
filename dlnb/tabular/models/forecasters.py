"""Networks that say how a series goes on: convolutions that look back, and a recurrent one."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NEAR = 4  # hours before and after an hour whose weather and calendar are read for it


class TemporalCNN(nn.Module):
    """Convolutions whose view back doubles with each layer; the features of the last step say all that is ahead at once.

    past: (B, P, C) float32, the series first, then what else was measured; ahead: (B, A, D), what is known of the time ahead
    (calendar, weather forecast) → (B, A), the series ahead. Each layer makes only every second step, as the last step needs no
    other: the same view as with dilated convolutions, for less work.
    Source: Bai, Kolter & Koltun 2018, arXiv:1803.01271.
    """

    def __init__(self, behind: int, channels: int, known: int, ahead: int, width: int = 32, layers: int = 6) -> None:
        super().__init__()
        widths = [channels] + [width] * layers
        self.layers = nn.ModuleList(nn.Conv1d(before, width, 3, stride=2) for before in widths[:-1])
        self.out = Ahead(width, behind, channels, known, ahead)

    def forward(self, past: Tensor, ahead: Tensor) -> Tensor:
        """(B, P, C), (B, A, D) → (B, A)."""
        hidden = past.transpose(1, 2)  # (B, C, P)
        for layer in self.layers:
            before = 1 + hidden.shape[2] % 2  # zeros before the first step, so that the last step is always made
            hidden = F.relu(layer(F.pad(hidden, (before, 0))))  # (B, width, P / 2)
        return self.out(hidden[:, :, -1], past, ahead)


class GRUForecaster(nn.Module):
    """A gated recurrent unit that reads the past, hour by hour; its last state says all that is ahead at once.

    past: (B, P, C), ahead: (B, A, D) → (B, A), as in `TemporalCNN`.
    Source: Cho et al. 2014, arXiv:1406.1078.
    """

    def __init__(self, behind: int, channels: int, known: int, ahead: int, width: int = 48) -> None:
        super().__init__()
        self.read = nn.GRU(channels, width, batch_first=True)
        self.out = Ahead(width, behind, channels, known, ahead)

    def forward(self, past: Tensor, ahead: Tensor) -> Tensor:
        """(B, P, C), (B, A, D) → (B, A)."""
        return self.out(self.read(past)[0][:, -1], past, ahead)


class Ahead(nn.Module):
    """The hours ahead from three sides: a line through the past, the weather and calendar around each hour, and a summary of the past.

    summary: (B, width), past: (B, P, C), ahead: (B, A, D) → (B, A). The line begins as the forecast "as a week ago", the last
    layer at 0: so training begins at a naive forecast, and not below it.
    Source: that a line through the past is hard to beat: Zeng et al. 2023, arXiv:2205.13504.
    """

    def __init__(self, width: int, behind: int, channels: int, known: int, ahead: int, hidden: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.line = nn.Linear(behind, ahead)
        self.from_past = nn.Linear(width, hidden)
        self.from_hours = nn.Conv1d(known + 2 * channels, hidden, 2 * NEAR + 1, padding=NEAR)
        self.hour = nn.Embedding(ahead, hidden)
        self.dropout = nn.Dropout(dropout)
        self.mix, self.out = nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
        with torch.no_grad():
            self.line.weight.zero_()[range(ahead), range(ahead)] = 1
        for part in (self.line.bias, self.out.weight, self.out.bias):
            nn.init.zeros_(part)

    def forward(self, summary: Tensor, past: Tensor, ahead: Tensor) -> Tensor:
        """(B, width), (B, P, C), (B, A, D) → (B, A)."""
        hours = ahead.shape[1]
        same = torch.cat([ahead, past[:, -hours:], past[:, :hours]], dim=-1)  # (B, A, D + 2C): a day and a week ago
        near = self.from_hours(same.transpose(1, 2)).transpose(1, 2)  # (B, A, hidden): walls still hold the warmth of the hours before
        hidden = self.from_past(summary)[:, None] + near + self.hour.weight  # (B, A, hidden)
        hidden = self.dropout(F.relu(self.mix(self.dropout(F.relu(hidden)))))
        return self.line(past[..., 0]) + self.out(hidden).squeeze(-1)
