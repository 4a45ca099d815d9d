"""Naive forecasts on the same windows: what any model has to beat."""

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Float64, Int64


def last_value(history: Float64, horizon: int) -> Float64:
    """Repeat the last known value.

    Args:
        history: Targets up to the origin, shape `(windows, steps, F_target)`.
        horizon: Steps to forecast.

    Returns:
        Shape `(windows, horizon, F_target)`.

    """
    return np.repeat(history[:, -1:], horizon, axis=1)


def moving_average(history: Float64, horizon: int, width: int) -> Float64:
    """Repeat the mean of the last `width` steps; shapes as for `last_value`."""
    return np.repeat(np.nanmean(history[:, -width:], axis=1, keepdims=True), horizon, axis=1)


def seasonal_naive(history: Float64, horizon: int, season: int) -> Float64:
    """Repeat the last season; where history does not reach back a season, the last value.

    Shapes as for `last_value`.
    """
    steps = np.arange(horizon) % season - season  # negative positions within history
    known = steps >= -history.shape[1]
    forecast = history[:, np.where(known, steps, -1)]
    return np.where(np.isnan(forecast), history[:, -1:], forecast)


def naive_forecasts(model_input: ModelInput, windows: Int64, season: int) -> dict[str, Float64]:
    """Make all naive forecasts for some windows.

    Args:
        model_input: Preprocessed data.
        windows: Window numbers.
        season: Steps in a season.

    Returns:
        Baseline name to forecasts in the target's own unit, shape `(windows, horizon, F_target)`.

    """
    history = model_input.history(windows, max(model_input.lookback, season))
    horizon = model_input.horizon
    return {
        "last_value": last_value(history, horizon),
        "moving_average": moving_average(history, horizon, model_input.lookback),
        "seasonal_naive": seasonal_naive(history, horizon, season),
    }
