"""The last window of every series of a table, and earlier windows; `forecast_windows` cuts them."""

from dataclasses import dataclass

import numpy as np

from spline_lstm.series.lazy_windows import Cuts
from spline_lstm.series.scaling import in_target_units
from spline_lstm.types import Float32, Float64, Int64


@dataclass(frozen=True)
class PastWindows:
    """Windows before the last one of every series, in the order of series and time, to compare with the truth.

    Attributes:
        X: Scaled inputs, `(windows, lookback, F_total)`, cut when they are read.
        series: Series number of each, `(windows,)`.
        origin: Row of the last lookback step, `(windows,)`, counted through all series.
        time: Timestamp of that step, in nanoseconds since 1970, `(windows,)`.
        truth: Targets of the horizon in their own unit, `(windows, horizon, F_target)`, NaN where not observed.

    """

    X: Cuts
    series: Int64
    origin: Int64
    time: Int64
    truth: Float64


@dataclass(frozen=True)
class LatestWindows:
    """The last window of every series.

    Attributes:
        source: The table's name.
        target_names: Names of the targets, in order.
        X: Scaled inputs, `(series, lookback, F_total)`.
        center: Centre of each series' targets, `(series, F_target)`.
        scale: Scale, shaped as `center`.
        bounds: Least and greatest scaled forecast, `(series, F_target, 2)`: the range of the training part for a series
            with a static category that is new to the run, infinite for the others.
        origin: Timestamp of the last step with all targets, in nanoseconds since 1970, `(series,)`.
        timestamps: Timestamps of the horizon, `(series, horizon)`.
        means: Mean of each scaled feature over the lookback, `(series, F_total)`; of leads and lags, over the steps
            that they show.
        seen_timestamps: Timestamps of the lookback, `(series, lookback)`.
        seen_target: Targets of the lookback in their own unit, `(series, lookback, F_target)`, NaN where
            nothing was observed.
        past: Earlier windows.

    """

    source: str
    series_names: tuple[str, ...]
    target_names: tuple[str, ...]
    X: Float32
    center: Float64
    scale: Float64
    bounds: Float64
    origin: Int64
    timestamps: Int64
    means: Float32
    seen_timestamps: Int64
    seen_target: Float64
    past: PastWindows


def to_target_units(y: Float32 | Float64, windows: LatestWindows, series: Int64) -> Float64:
    """Undo the scaling of forecasts, after keeping them within `bounds`.

    Args:
        y: Scaled forecasts, `(windows, horizon * F_target)`.
        windows: The windows that were forecast.
        series: Series number of each forecast, `(windows,)`.

    Returns:
        Shape `(windows, horizon, F_target)`, in the target's unit.

    """
    center, scale, bounds = windows.center[series], windows.scale[series], windows.bounds[series]
    low, high = (bounds[:, None, :, side] * scale[:, None] + center[:, None] for side in (0, 1))
    return np.clip(in_target_units(y, center, scale), low, high)
