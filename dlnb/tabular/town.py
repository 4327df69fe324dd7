"""A town that does not exist, and the electricity it takes each hour: weather, working days, holidays, heating, cooling."""

from dataclasses import dataclass

import numpy as np

HOURS_A_DAY, DAYS_A_WEEK, DAYS_A_YEAR = 24, 7, 365
COMFORT = (15.0, 22.0)  # °C between which nobody heats or cools


@dataclass(frozen=True)
class Town:
    """Hours one after the other, from a Monday, the first of January, on.

    load: (N,) float32, MW. temperature: (N,) float32, °C. working: (N,) bool, whether it is a working day.
    """

    load: np.ndarray
    temperature: np.ndarray
    working: np.ndarray

    @property
    def hour(self) -> np.ndarray:
        """(N,) int64, 0 to 23."""
        return np.arange(len(self.load)) % HOURS_A_DAY

    @property
    def day(self) -> np.ndarray:
        """(N,) int64, the number of the day since the beginning."""
        return np.arange(len(self.load)) // HOURS_A_DAY


def town(days: int = 2 * DAYS_A_YEAR, seed: int = 0) -> Town:
    """Electricity of a town of some 100,000 people, made up by rules, with noise that lasts as weather and habits do.

    What it holds to find: two peaks on working days and a late one on others; heating below 15 °C and cooling above 22 °C,
    stronger by day; walls that keep the warmth of a day; about ten holidays a year; growth of 1 % a year. These rules are ours:
    what a model reaches here says nothing of a real town's grid.

    Raises: ValueError for less than 28 days.
    """
    if days < 28:
        raise ValueError(f"days must be 28 or more, four weeks; got {days}")
    random = np.random.default_rng(seed)
    hours = np.arange(days * HOURS_A_DAY)
    day, hour = hours // HOURS_A_DAY, hours % HOURS_A_DAY
    temperature = _temperature(random, days, day, hour)
    holidays = random.random(days) < 10 / DAYS_A_YEAR
    working = ((day % DAYS_A_WEEK) < 5) & ~holidays[day]
    weekday = 26 * _bump(hour, 8, 2.2) + 30 * _bump(hour, 18.5, 3.0) + 18 * _bump(hour, 13, 4.0)
    weekend = 14 * _bump(hour, 11, 3.0) + 30 * _bump(hour, 19.5, 3.0)
    felt = _fading(temperature, 0.9)  # walls follow the weather within half a day
    awake = 0.5 + 0.5 * _bump(hour, 14, 6.0)
    heating, cooling = np.maximum(COMFORT[0] - felt, 0), np.maximum(felt - COMFORT[1], 0)
    load = 60 + np.where(working, weekday, weekend) + 1.6 * heating * (0.6 + 0.4 * awake) + 3.2 * cooling * awake
    load *= (1 + 0.01 * day / DAYS_A_YEAR) * (1 + 0.04 * _lasting(random, len(hours), 0.97)) * (1 + 0.01 * random.standard_normal(len(hours)))
    return Town(load.astype(np.float32), temperature.astype(np.float32), working)


def _temperature(random: np.random.Generator, days: int, day: np.ndarray, hour: np.ndarray) -> np.ndarray:
    year = 11 - 10 * np.cos(2 * np.pi * (day - 20) / DAYS_A_YEAR)
    swing = 2.5 + 2.5 * (1 + _lasting(random, days, 0.6)[day]).clip(0, 2)  # more under a clear sky
    return year - swing * np.cos(2 * np.pi * (hour - 4) / HOURS_A_DAY) + 3.5 * _lasting(random, len(day), 0.99)


def _bump(hour: np.ndarray, middle: float, width: float) -> np.ndarray:
    """Up to 1 at an hour of the day, and round the clock."""
    away = np.abs((hour - middle + 12) % 24 - 12)
    return np.exp(-0.5 * (away / width) ** 2)


def _lasting(random: np.random.Generator, count: int, keeps: float) -> np.ndarray:
    """(count,) noise of deviation 1, of which each step keeps a share."""
    from scipy.signal import lfilter

    return lfilter([(1 - keeps**2) ** 0.5], [1, -keeps], random.standard_normal(count + 500))[500:]


def _fading(values: np.ndarray, keeps: float) -> np.ndarray:
    """Each value as the mean of those before it, fading."""
    from scipy.signal import lfilter, lfiltic

    begin = lfiltic([1 - keeps], [1, -keeps], y=values[:1], x=values[:1])
    return lfilter([1 - keeps], [1, -keeps], values, zi=begin)[0]
