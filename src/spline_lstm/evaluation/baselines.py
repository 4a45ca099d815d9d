"""Naive forecasts on the same windows, which every model has to beat."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Float64, Int64

_CHUNK = 8_192
"""Number of windows whose past is in memory at once."""


def last_value(last: Float64, horizon: int) -> Float64:
    """Repeat the last known value.

    Args:
        last: Targets at the origin, shape `(windows, 1, F_target)`.
        horizon: Steps to forecast.

    Returns:
        Shape `(windows, horizon, F_target)`.

    """
    return np.repeat(last, horizon, axis=1)


def moving_average(recent: Float64, horizon: int) -> Float64:
    """Repeat the mean of the last steps, without the NaN before the series begins.

    Args:
        recent: Targets of the last steps up to the origin, shape `(windows, steps, F_target)`.
        horizon: Steps to forecast.

    Returns:
        Shape `(windows, horizon, F_target)`.

    """
    return np.repeat(np.nanmean(recent, axis=1, keepdims=True), horizon, axis=1)


def seasonal_ages(horizon: int, season: int) -> Int64:
    """Return the steps from the origin back to each step of the horizon one season earlier, `(horizon,)`."""
    ages: Int64 = season - 1 - np.arange(horizon) % season
    return ages


def seasonal_naive(seasonal: Float64, last: Float64) -> Float64:
    """Repeat the last season; the last value replaces steps before the series begins.

    Args:
        seasonal: Targets at the `seasonal_ages`, shape `(windows, horizon, F_target)`; NaN before the series begins.
        last: Targets at the origin, shape `(windows, 1, F_target)`.

    Returns:
        Shape `(windows, horizon, F_target)`.

    """
    return np.where(np.isnan(seasonal), last, seasonal)


def drift(last: Float64, first: Float64, passed: Int64, ahead: Int64) -> Float64:
    """Extend the line from the first value of a series to its last one.

    R. J. Hyndman and G. Athanasopoulos, "Forecasting: principles and practice", 3rd edition, 2021, section 5.2.

    Args:
        last: Targets at the origin, shape `(windows, 1, F_target)`.
        first: Targets of the first step of each series, of the same shape.
        passed: Steps between `first` and `last`, shape `(windows,)`.
        ahead: Steps after the origin, shape `(horizon,)`.

    Returns:
        The change since the origin, shape `(windows, horizon, F_target)`.

    """
    slope = (last - first) / np.maximum(passed, 1)[:, None, None]
    return slope * ahead[None, :, None]


class BesideNaive(Mapping[str, Float64]):
    """Forecasts for some windows by name; naive forecasts are made one at a time, on access, to save memory.

    Each forecast is in the target's own unit, shape `(windows, horizon, F_target)`.
    """

    def __init__(self, made: Mapping[str, Float64], model_input: ModelInput, windows: Int64, season: int) -> None:
        """Take the finished forecasts, preprocessed data, window numbers, and the steps in a season."""
        self._made = made
        self._model_input = model_input
        self._windows = windows
        self._season = season

    def __getitem__(self, name: str) -> Float64:
        """Return the forecasts of one name."""
        if name in self._made:
            return self._made[name]
        make = _NAIVE[name]
        chunks = [self._windows[start : start + _CHUNK] for start in range(0, len(self._windows), _CHUNK)]
        return np.concatenate([make(self, chunk) for chunk in chunks or [self._windows]])

    def __iter__(self) -> Iterator[str]:
        """Yield the names; naive forecasts come last."""
        return iter((*self._made, *_NAIVE))

    def __len__(self) -> int:
        """Count the names."""
        return len(self._made) + len(_NAIVE)

    def _last(self, windows: Int64) -> Float64:
        return self._model_input.past(windows, np.array([0]))

    def _repeat_last(self, windows: Int64) -> Float64:
        return last_value(self._last(windows), self._model_input.horizon)

    def _repeat_mean(self, windows: Int64) -> Float64:
        ages = np.arange(self._model_input.lookback)[::-1]
        return moving_average(self._model_input.past(windows, ages), self._model_input.horizon)

    def _repeat_season(self, windows: Int64) -> Float64:
        ages = seasonal_ages(self._model_input.horizon, self._season)
        return seasonal_naive(self._model_input.past(windows, ages), self._last(windows))

    def _follow_line(self, windows: Int64) -> Float64:
        return self._last(windows) + self._line(windows, np.arange(1, self._model_input.horizon + 1))

    def _repeat_season_along_line(self, windows: Int64) -> Float64:
        ahead = (np.arange(self._model_input.horizon) // self._season + 1) * self._season
        return self._repeat_season(windows) + self._line(windows, ahead)

    def _line(self, windows: Int64, ahead: Int64) -> Float64:
        starts = self._model_input.series_starts[self._model_input.window_series[windows]]
        passed, first = self._model_input.window_origin[windows] - starts, self._model_input.raw_target[starts][:, None]
        return drift(self._last(windows), first, passed, ahead)


_NAIVE: dict[str, Callable[[BesideNaive, Int64], Float64]] = {
    "last_value": BesideNaive._repeat_last,
    "moving_average": BesideNaive._repeat_mean,
    "seasonal_naive": BesideNaive._repeat_season,
    "drift": BesideNaive._follow_line,
    "seasonal_naive_with_drift": BesideNaive._repeat_season_along_line,
}
