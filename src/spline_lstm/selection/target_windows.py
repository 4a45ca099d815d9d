"""Windows of the targets alone with rows of any ages, and the error of a ridge regression on them."""

import numpy as np

from spline_lstm.models.ridge import PENALTIES, RidgeData, fit_ridge
from spline_lstm.selection.choice import series_rmse
from spline_lstm.series.lazy_windows import cut_lookbacks
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Int64


def consecutive(rows: int) -> Int64:
    """Return the ages of consecutive rows up to the origin, the oldest first."""
    return np.arange(rows)[::-1]


def with_history(model_input: ModelInput, windows: Int64, rows: int) -> Int64:
    """Return the windows that have so many rows of their series up to the origin."""
    starts = model_input.series_starts[model_input.window_series[windows]]
    return windows[model_input.window_origin[windows] - starts + 1 >= rows]


def keeps_enough(model_input: ModelInput, rows: int, share: float) -> bool:
    """Tell whether windows of so many rows leave every series and this share of the training windows."""
    windows = model_input.windows_of(0)
    kept = with_history(model_input, windows, rows)
    series = np.isin(model_input.window_series[windows], model_input.window_series[kept])
    return bool(series.all()) and len(kept) >= share * len(windows)


def target_error(model_input: ModelInput, ages: Int64, train: Int64, val: Int64) -> float:
    """Return the error of a ridge regression on the targets at some ages: the mean over the series, in scaled units.

    Args:
        model_input: Windows; their horizons are forecast.
        ages: Steps from the rows that the regression sees to the origin, falling to 0.
        train: Numbers of the windows to fit.
        val: Numbers of the windows to judge on.

    Returns:
        The error, with or without subtracting the window's last value, whichever is better.

    """
    return min(_ridge_error(model_input, ages, train, val, subtract=subtract) for subtract in (False, True))


def _ridge_error(model_input: ModelInput, ages: Int64, train: Int64, val: Int64, *, subtract: bool) -> float:
    fitted_to, held_out = (_windows(model_input, ages, windows, subtract=subtract) for windows in (train, val))
    ridge = fit_ridge(fitted_to, held_out, penalties=PENALTIES[::2])
    error = np.where(held_out.mask, ridge.predict(held_out.inputs) - held_out.targets, np.nan)
    return series_rmse(error, model_input.window_series[val])


def _windows(model_input: ModelInput, ages: Int64, windows: Int64, *, subtract: bool) -> RidgeData:
    """Return the scaled targets at some ages, and those of the horizon; a row before its series shows the first row."""
    scaled = model_input.scaled[:, list(model_input.target_indices)]
    starts = model_input.series_starts[model_input.window_series[windows]]
    past = cut_lookbacks(
        scaled, model_input.window_origin[windows], np.repeat(ages[:, None], scaled.shape[1], axis=1), starts
    )
    targets = model_input.y[windows].reshape(len(windows), -1, past.shape[2])
    mask = ~np.isnan(targets)
    last = past[:, -1:] if subtract else np.zeros_like(past[:, -1:])
    flat = [(part - last).reshape(len(windows), -1) for part in (past, np.nan_to_num(targets))]
    return RidgeData(flat[0], flat[1], mask.reshape(len(windows), -1))
