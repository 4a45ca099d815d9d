"""Forecasts laid out as a table."""

from dataclasses import dataclass

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, DataFrame, Float64, Int64


@dataclass(frozen=True)
class ForecastAxes:
    """The axes of forecasts of shape `(windows, horizon, F_target)`.

    Attributes:
        series: Series number of each window, `(windows,)`.
        origin: Timestamp of each window's last lookback step, in nanoseconds since 1970, `(windows,)`.
        timestamps: Timestamps of the steps, `(windows, horizon)`.

    """

    series: Int64
    series_names: tuple[str, ...]
    target_names: tuple[str, ...]
    origin: Int64
    timestamps: Int64


def make_predictions(
    model_input: ModelInput, windows: Int64, forecast: Float64, bounds: dict[str, Float64] | None = None
) -> DataFrame:
    """Return a table of forecasts beside the truth.

    Args:
        model_input: Preprocessed data.
        windows: Window numbers.
        forecast: Shape `(windows, horizon, F_target)`, in the target's unit.
        bounds: Ends of intervals and quantiles, of the same shape.

    Returns:
        The columns of `lay_out`: `y_true`, `y_pred`, `is_scored` (whether the truth was observed) and the bounds.

    """
    truth, mask = model_input.truth(windows)
    origin = model_input.window_origin[windows]
    axes = ForecastAxes(
        series=model_input.window_series[windows],
        series_names=model_input.series_names,
        target_names=model_input.target_names,
        origin=model_input.row_timestamp[origin],
        timestamps=model_input.row_timestamp[origin[:, None] + np.arange(1, model_input.horizon + 1)],
    )
    return lay_out(axes, {"y_true": truth, "y_pred": forecast, "is_scored": mask, **(bounds or {})})


def lay_out(axes: ForecastAxes, values: dict[str, Float64 | Bool]) -> DataFrame:
    """Return values as a table, one row for each window, step and target.

    Args:
        axes: The axes of the values.
        values: Column name to `(windows, horizon, F_target)`.

    Returns:
        Columns `series_id`, `origin`, `timestamp`, `step` (from 1), `target`, and those of `values`.

    """
    import pandas as pd

    count, horizon = axes.timestamps.shape
    targets = len(axes.target_names)
    return pd.DataFrame(
        {
            "series_id": pd.Categorical.from_codes(
                np.repeat(axes.series, horizon * targets), categories=pd.Index(axes.series_names)
            ),
            "origin": np.repeat(axes.origin, horizon * targets).astype("datetime64[ns]"),
            "timestamp": np.repeat(axes.timestamps.reshape(-1), targets).astype("datetime64[ns]"),
            "step": np.tile(np.repeat(np.arange(1, horizon + 1), targets), count),
            "target": pd.Categorical.from_codes(
                np.tile(np.arange(targets), count * horizon), categories=pd.Index(axes.target_names)
            ),
            **{name: value.reshape(-1) for name, value in values.items()},
        }
    )
