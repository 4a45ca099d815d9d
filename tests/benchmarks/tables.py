"""Tables unlike the bundled one, made from a seed: what strangers might bring."""

from collections.abc import Callable

import numpy as np
import pandas as pd

Table = pd.DataFrame


def growing_demand(seed: int = 0) -> Table:
    """A year of hourly demand that grows threefold, with daily and weekly profiles and absent hours."""
    random = np.random.default_rng(seed)
    steps = np.arange(24 * 365)
    level = 100 * np.exp(np.log(3) * steps / len(steps))
    weekend = steps // 24 % 7 >= 5
    profile = 1 + 0.3 * np.sin(2 * np.pi * (steps % 24 - 6) / 24) + 0.1 * np.sin(4 * np.pi * (steps % 24) / 24)
    noise = 0.03 * _smooth(random.normal(size=len(steps)), 0.8)
    table = _table(steps, "h", level * profile * (1 - 0.2 * weekend) * (1 + noise))
    return table.drop(index=random.choice(len(table) - 50, 60, replace=False) + 25).reset_index(drop=True)


def counting_sensors(seed: int = 0) -> Table:
    """Eight sensors that count passers-by for half a year of hours, with weekly seasons."""
    random = np.random.default_rng(seed)
    steps = np.arange(24 * 182)
    parts = []
    for number in range(8):
        peak, weekend = random.uniform(8, 18), random.uniform(0.3, 1.5)
        daily = np.exp(-0.5 * ((steps % 24 - peak) / random.uniform(2, 5)) ** 2)
        weekday = np.where(steps // 24 % 7 >= 5, weekend, 1.0)
        weather = np.exp(0.3 * _smooth(random.normal(size=len(steps)), 0.97))
        counts = random.poisson((5 + 200 * random.uniform(0.2, 2) * daily * weekday) * weather)
        parts.append(_table(steps, "h", counts.astype(float)).assign(sensor=f"s{number}"))
    return pd.concat(parts, ignore_index=True)


def commuter_counts(seed: int = 0) -> Table:
    """Eight counters with two rushes on weekdays and one wave on weekends, spread beyond Poisson, and some events."""
    random = np.random.default_rng(seed)
    days, steps = 182, np.arange(24 * 182)
    hour, weekend = steps % 24, steps // 24 % 7 >= 5
    parts = []
    for number in range(8):

        def wave(peak: float, width: float) -> np.ndarray:
            return np.exp(-0.5 * ((hour - peak) / width) ** 2)

        night, rush = random.uniform(5, 40), random.lognormal(4.5, 0.7)
        weekday = random.uniform(0.5, 1) * wave(8, 1.3) + random.uniform(0.6, 1) * wave(17.5, 2) + 0.5 * wave(13, 2)
        leisure = random.uniform(0.3, 1.2) * wave(random.uniform(12, 15), 3.5)
        rate = night * np.where((hour > 6) & (hour < 23), 1.0, 0.2) + rush * np.where(weekend, leisure, weekday)
        rate = rate * np.exp(0.25 * _smooth(random.normal(size=len(steps)), 0.98))
        for day in random.choice(days, 6, replace=False):
            rate[day * 24 + 17 : day * 24 + 23] *= random.uniform(1.5, 4)
        counts = random.poisson(rate * random.gamma(8, 1 / 8, size=len(steps)))
        parts.append(_table(steps, "h", counts.astype(float)).assign(sensor=f"s{number}"))
    return pd.concat(parts, ignore_index=True)


def daily_sales(seed: int = 0) -> Table:
    """Five years of days with a week, a year and a slow trend."""
    random = np.random.default_rng(seed)
    steps = np.arange(365 * 5)
    week = np.array([0, -2, -3, -1, 4, 9, 5])[steps % 7]
    year = 8 * np.cos(2 * np.pi * steps / 365.25)
    return _table(steps, "D", 60 + 0.01 * steps + week + year + 3 * _smooth(random.normal(size=len(steps)), 0.6))


def quarter_hours(seed: int = 0) -> Table:
    """Ninety days of a load every 15 minutes."""
    random = np.random.default_rng(seed)
    steps = np.arange(96 * 90)
    day = np.sin(2 * np.pi * steps / 96) + 0.4 * np.sin(4 * np.pi * steps / 96 + 1)
    return _table(steps, "15min", 30 + 8 * day + 1.5 * _smooth(random.normal(size=len(steps)), 0.95))


def short_series(seed: int = 0) -> Table:
    """Three hundred hours."""
    random = np.random.default_rng(seed)
    steps = np.arange(300)
    return _table(
        steps, "h", 10 + 3 * np.sin(2 * np.pi * steps / 24) + _smooth(random.normal(size=len(steps)), 0.7)
    )  # fmt: skip


def pure_noise(seed: int = 0) -> Table:
    """Half a year of hours in which there is nothing to learn."""
    return _table(np.arange(24 * 182), "h", np.random.default_rng(seed).normal(size=24 * 182))


TABLES: dict[str, Callable[..., Table]] = {
    "growing demand": growing_demand,
    "counting sensors": counting_sensors,
    "commuter counts": commuter_counts,
    "daily sales": daily_sales,
    "quarter hours": quarter_hours,
    "short series": short_series,
    "pure noise": pure_noise,
}


def _table(steps: np.ndarray, freq: str, target: np.ndarray) -> Table:
    stamps = pd.date_range("2024-01-01", periods=len(steps), freq=freq, tz="UTC")
    return pd.DataFrame({"timestamp": stamps, "target": target})


def _smooth(noise: np.ndarray, persistence: float) -> np.ndarray:
    """An autoregressive process of order one with unit variance."""
    values = np.empty_like(noise)
    last = 0.0
    for step, shock in enumerate(noise):
        last = persistence * last + np.sqrt(1 - persistence**2) * shock
        values[step] = last
    return values
