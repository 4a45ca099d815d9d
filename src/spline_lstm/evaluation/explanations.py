"""Explanations of a model: which inputs matter, at which lag, and what structure its errors still have."""

from collections.abc import Callable
from typing import Any

import numpy as np

from spline_lstm.series.lazy_windows import draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import DataFrame, Float32, Float64, Int64

_MOST_WINDOWS, _MOST_VALUES = 1_000, 20_000_000
_LAGS = 48
_MOST_NAMES = 20


def find_importances(model_input: ModelInput, predict: Callable[[Float32], Any], seed: int) -> list[dict[str, Any]]:
    """Measure how much the error on validation grows when one input is taken from other windows.

    L. Breiman, "Random forests", Machine Learning 45(1), 2001, section 10: each input is exchanged between whole
    windows, so its own course over the lookback stays intact. At most 1,000 windows are used.

    Args:
        model_input: Preprocessed data.
        predict: Function from windows to forecasts, both scaled.
        seed: Of the permutations.

    Returns:
        One row for each input, the most important first: `input`, and `error_ratio`, the RMSE divided by that with all
            inputs intact; at most 20 rows.

    """
    random = np.random.default_rng(seed)
    most = min(_MOST_WINDOWS, _MOST_VALUES // (model_input.lookback * len(model_input.feature_names)))
    windows = draw(model_input.windows_of(1), max(most, 2))
    X, y = model_input.X[windows], model_input.y[windows]
    usual = max(_rmse(predict(X), y), float(np.finfo(np.float32).tiny))
    found: list[dict[str, Any]] = []
    for column, name in enumerate(model_input.feature_names):
        changed = X.copy()
        changed[:, :, column] = X[random.permutation(len(X)), :, column]
        found.append({"input": name, "error_ratio": _rmse(predict(changed), y) / usual})
    return sorted(found, key=lambda row: -row["error_ratio"])[:_MOST_NAMES]


def _rmse(forecast: Any, y: Float32) -> float:
    return float(np.sqrt(np.nanmean(np.square(np.asarray(forecast, dtype=np.float64) - y))))


def weigh_lags(model_input: ModelInput, kernel: Float32) -> list[dict[str, Any]]:
    """Tabulate the weights of a linear path by input and lag.

    Args:
        model_input: Preprocessed data.
        kernel: Shape `(lookback * F_total, outputs)`, or `(lookback, horizon)` if all targets share the path.

    Returns:
        One row for each input, the heaviest first: `input`, `steps_before` (of each row, the oldest first), and
            `weights`, the mean absolute weight over all outputs at each row; at most 20 rows.

    """
    size = np.abs(kernel).mean(axis=1, dtype=np.float64).reshape(model_input.lookback, -1)
    is_shared = size.shape[1] < len(model_input.feature_names)
    names = model_input.target_names if is_shared else model_input.feature_names
    rows: list[dict[str, Any]] = [
        {
            "input": name,
            "steps_before": model_input.ages[:, column].tolist(),
            "weights": size[:, 0 if is_shared else column].tolist(),
        }
        for column, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: -sum(row["weights"]))[:_MOST_NAMES]


def correlate_errors(predictions: DataFrame, origins: Int64) -> dict[str, Any]:
    """Return the autocorrelation of the one-step-ahead errors on test, for the first target, over all series.

    Args:
        predictions: Result of `forecast_table.make_predictions`.
        origins: Row of the table at which each of its windows ends, shape `(windows,)`.

    Returns:
        `correlation` at the lags 1 to 48 steps (None if few errors lie that far apart), and `chance`: independent
        errors stay below it 19 times out of 20.

    """
    target = predictions["target"].cat.categories[0]
    rows = predictions[(predictions["target"] == target) & (predictions["step"] == 1)]
    error = (rows["y_pred"] - rows["y_true"]).where(rows["is_scored"]).to_numpy(np.float64)
    error = error - np.nanmean(error) if np.isfinite(error).any() else error
    series = rows["series_id"].cat.codes.to_numpy()
    known = int(np.isfinite(error).sum())
    variance = float(np.nanmean(np.square(error))) if known else 0.0
    correlation = [_correlation(error, series, origins, lag, variance, known // 4) for lag in range(1, _LAGS + 1)]
    return {"correlation": correlation, "chance": 1.96 / max(1, known) ** 0.5}


def _correlation(error: Float64, series: Any, origins: Int64, lag: int, variance: float, few: int) -> float | None:
    """Correlate the errors that lie exactly `lag` steps apart."""
    pairs = (series[lag:] == series[:-lag]) & (origins[lag:] - origins[:-lag] == lag)
    products = (error[lag:] * error[:-lag])[pairs]
    products = products[np.isfinite(products)]
    return float(products.mean() / variance) if len(products) > few and variance else None
