"""Naive forecasts on the same windows: what any model has to beat."""

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Float64, Int64

_CHUNK = 8_192
"""Windows whose past is in memory at once."""


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
    """Repeat the mean of the last steps; NaN, before the series begins, is left out.

    Args:
        recent: Targets of the last steps up to the origin, shape `(windows, steps, F_target)`.
        horizon: Steps to forecast.

    Returns:
        Shape `(windows, horizon, F_target)`.

    """
    return np.repeat(np.nanmean(recent, axis=1, keepdims=True), horizon, axis=1)


def seasonal_ages(horizon: int, season: int) -> Int64:
    """Return how many steps before the origin each step of the horizon lay in the last season, `(horizon,)`."""
    ages: Int64 = season - 1 - np.arange(horizon) % season
    return ages


def seasonal_naive(seasonal: Float64, last: Float64) -> Float64:
    """Repeat the last season; the last value stands for what lies before the series begins.

    Args:
        seasonal: Targets at the `seasonal_ages`, shape `(windows, horizon, F_target)`; NaN before the series begins.
        last: Targets at the origin, shape `(windows, 1, F_target)`.

    Returns:
        Shape `(windows, horizon, F_target)`.

    """
    return np.where(np.isnan(seasonal), last, seasonal)


def drift(last: Float64, first: Float64, passed: Int64, ahead: Int64) -> Float64:
    """Go on along the line from the first value of a series to its last one.

    R. J. Hyndman and G. Athanasopoulos, "Forecasting: principles and practice", 3rd edition, 2021, section 5.2.

    Args:
        last: Targets at the origin, shape `(windows, 1, F_target)`.
        first: Targets of the first step of each series, of the same shape.
        passed: Steps between the two, shape `(windows,)`.
        ahead: Steps to go on from the origin, shape `(horizon,)`.

    Returns:
        What to add to a value of the origin, shape `(windows, horizon, F_target)`.

    """
    slope = (last - first) / np.maximum(passed, 1)[:, None, None]
    return slope * ahead[None, :, None]


def naive_forecasts(model_input: ModelInput, windows: Int64, season: int) -> dict[str, Float64]:
    """Make all naive forecasts for some windows.

    Args:
        model_input: Preprocessed data.
        windows: Window numbers.
        season: Steps in a season.

    Returns:
        Baseline name to forecasts in the target's own unit, shape `(windows, horizon, F_target)`.

    """
    chunks = [windows[start : start + _CHUNK] for start in range(0, len(windows), _CHUNK)] or [windows]
    made = [_forecast_chunk(model_input, chunk, season) for chunk in chunks]
    return {name: np.concatenate([part[name] for part in made]) for name in made[0]}


def _forecast_chunk(model_input: ModelInput, windows: Int64, season: int) -> dict[str, Float64]:
    horizon = model_input.horizon
    last = model_input.past(windows, np.array([0]))
    starts = model_input.series_starts[model_input.window_series[windows]]
    passed, first = model_input.window_origin[windows] - starts, model_input.raw_target[starts][:, None]
    seasonal = seasonal_naive(model_input.past(windows, seasonal_ages(horizon, season)), last)
    seasons_ahead = (np.arange(horizon) // season + 1) * season
    return {
        "last_value": last_value(last, horizon),
        "moving_average": moving_average(model_input.past(windows, np.arange(model_input.lookback)[::-1]), horizon),
        "seasonal_naive": seasonal,
        "drift": last + drift(last, first, passed, np.arange(1, horizon + 1)),
        "seasonal_naive_with_drift": seasonal + drift(last, first, passed, seasons_ahead),
    }
