"""Tasks that say how a series goes on."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...task import Task, remembered
from ..models import GRUForecaster, TemporalCNN
from ..previews import Forecasted
from ..series import SeriesBatches
from ..tables import Scale
from ..town import DAYS_A_YEAR, HOURS_A_DAY, Town, town

BEHIND, AHEAD = 7 * HOURS_A_DAY, HOURS_A_DAY  # hours
STRIDE = 25  # hours between two windows that are tested: every hour of the day is a beginning once
FORECAST_ERROR = 1.0  # °C, by which the weather forecast is wrong
BOOSTED = 40_000  # hours that gradient boosting is fitted to
SHOWN, SHOWN_BEHIND = 6, 3 * HOURS_A_DAY


@remembered
def electricity(days: int = 4 * DAYS_A_YEAR, seed: int = 0, batch_size: int = 64) -> Task:
    """Say how much electricity a town takes in each of the next 24 hours, from the last week, the calendar and a weather forecast.

    The town does not exist: `dlnb.tabular.town` says by which rules it is made. What is tested lies behind all that is learned:
    70 % of the days, then 10 % to validate, then 20 %.
    A batch is (past (B, 168, 3): load, temperature, working day; known (B, 24, 13): temperature as forecast, working day, weekday,
    hour and season as waves), and the load of the 24 hours (B, 24), all of mean 0 and deviation 1 in the hours learned from.

    Raises: ValueError for less than 100 days, which leave nothing to validate on.
    """
    if days < 100:
        raise ValueError(f"days must be 100 or more, so that there are weeks to learn from, to validate and to test; got {days}")
    made = town(days, seed)
    first, second = (int(share * days) * HOURS_A_DAY for share in (0.7, 0.8))
    scale, measured, known = _columns(made, first, seed)
    ranges = {"train": (BEHIND, first - AHEAD + 1, 1), "valid": (first, second - AHEAD + 1, STRIDE), "test": (second, len(measured) - AHEAD + 1, STRIDE)}
    presents = {name: torch.arange(*steps) for name, steps in ranges.items()}

    def split(name: str) -> SeriesBatches:
        learned = name == "train"
        return SeriesBatches(measured, known, presents[name], BEHIND, AHEAD, size=batch_size if learned else 256, shuffle=learned)

    metrics = {
        "mean absolute error": lambda said, true: (said - true).abs().mean().item() * scale.deviation.item(),
        "root mean squared error": lambda said, true: F.mse_loss(said, true).sqrt().item() * scale.deviation.item(),
    }

    def measured_on_test(forecast: Callable[[], Tensor]) -> Callable[[], dict[str, float]]:
        def measure() -> dict[str, float]:
            said = forecast()
            return {name: metric(said, came) for name, metric in metrics.items()}

        return measure

    past, ahead, came = split("test").around(presents["test"])
    few = split("valid").around(presents["valid"][:: max(1, len(presents["valid"]) // SHOWN)][:SHOWN])
    return Task(
        name="electricity of a town",
        train=split("train"),
        valid=split("valid"),
        test=split("test"),
        loss=F.l1_loss,
        metrics=metrics,
        baselines={
            "as at the same hour of the last day": measured_on_test(lambda: past[:, -AHEAD:, 0]),
            "as at the same hour a week ago": measured_on_test(lambda: past[:, :AHEAD, 0]),
            "linear regression": measured_on_test(lambda: linear(split("train").around(presents["train"]), past, ahead)),
            "gradient boosting": measured_on_test(lambda: boosted(split("train").around(presents["train"]), past, ahead)),
        },
        preview=Forecasted(*few, scale, SHOWN_BEHIND, "MW", "hour"),
        credit="made up by the rules in dlnb.tabular.town; no real town",
        models={
            "TemporalCNN": lambda: TemporalCNN(BEHIND, measured.shape[1], known.shape[1], AHEAD),
            "GRUForecaster": lambda: GRUForecaster(BEHIND, measured.shape[1], known.shape[1], AHEAD),
        },
    )


def _columns(made: Town, learned: int, seed: int) -> tuple[Scale, Tensor, Tensor]:
    """The scale of the load, what is measured (T, 3), and what is known ahead (T, 13)."""
    load, temperature = torch.from_numpy(made.load), torch.from_numpy(made.temperature)
    scale, warmth = Scale.of(load[:learned]), Scale.of(temperature[:learned])
    working = torch.from_numpy(made.working).float()
    measured = torch.stack([scale.apply(load), warmth.apply(temperature), working], dim=1)
    wrong = np.random.default_rng([seed, 1]).standard_normal(len(load)).astype(np.float32) * FORECAST_ERROR
    day, hour = torch.from_numpy(made.day), torch.from_numpy(made.hour)
    turns = torch.stack([hour / HOURS_A_DAY, day / DAYS_A_YEAR], dim=1) * 2 * torch.pi
    weekday = F.one_hot(day % 7, 7)
    known = [warmth.apply(temperature + torch.from_numpy(wrong))[:, None], working[:, None], weekday, turns.sin(), turns.cos()]
    return scale, measured, torch.cat(known, dim=1).float()


def linear(learned: tuple[Tensor, Tensor, Tensor], past: Tensor, ahead: Tensor) -> Tensor:
    """Ridge regression for each hour ahead, from the load of the whole last week and all that is known ahead. → (N, 24)."""
    from sklearn.linear_model import Ridge

    def columns(past: Tensor, ahead: Tensor) -> np.ndarray:
        return torch.cat([past[..., 0], past[:, -AHEAD:, 1:].flatten(1), ahead.flatten(1)], dim=1).numpy()

    return torch.from_numpy(Ridge(alpha=10.0).fit(columns(*learned[:2]), learned[2].numpy()).predict(columns(past, ahead))).float()


def boosted(learned: tuple[Tensor, Tensor, Tensor], past: Tensor, ahead: Tensor) -> Tensor:
    """Gradient boosting on what a forecaster would write down for an hour: the same hour before, weather, calendar. → (N, 24)."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def columns(past: Tensor, ahead: Tensor) -> Tensor:
        last_day, last_week = past[:, -AHEAD:], past[:, :AHEAD]  # (N, 24, 3)
        hours = torch.arange(AHEAD).expand(len(past), -1)[..., None].float()
        mean = past[:, -AHEAD:, :2].mean(1, keepdim=True).expand(-1, AHEAD, -1)
        now = past[:, -1:, 0, None].expand(-1, AHEAD, -1)
        return torch.cat([last_day, last_week, mean, now, ahead, hours], dim=-1).flatten(0, 1)  # (N · 24, columns)

    chosen = torch.randperm(len(learned[0]) * AHEAD, generator=torch.Generator().manual_seed(0))[:BOOSTED]
    windows = chosen // AHEAD
    places = torch.arange(len(chosen)) * AHEAD + chosen % AHEAD
    rows = columns(learned[0][windows], learned[1][windows])[places]
    model = HistGradientBoostingRegressor(loss="absolute_error", max_iter=300, learning_rate=0.1, random_state=0)
    model.fit(rows.numpy(), learned[2].flatten()[chosen].numpy())
    return torch.from_numpy(model.predict(columns(past, ahead).numpy())).float().view(len(past), AHEAD)
