"""Accuracy metrics in the target's own unit.

MASE follows Hyndman and Koehler, "Another look at measures of forecast accuracy", International
Journal of Forecasting 22(4), 2006. The robust MAPE bounds its denominator from below, so that
targets near zero do not dominate.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float64

METRICS = ("mae", "mse", "rmse", "robust_mape", "mase", "r2")
_SMALLEST_FLOOR = 1e-8

Scores = dict[str, float | None]
"""Metric to value; None where it is not defined, such as R2 of a constant truth."""


@dataclass(frozen=True)
class ErrorScales:
    """What errors are related to, learnt from train. Shapes: both `(F_target,)`.

    Attributes:
        floor: Smallest denominator of the robust MAPE, the 5th percentile of `|y|`.
        naive_error: Mean absolute error of the seasonal naive forecast within train; NaN if unknown.

    """

    floor: Float64
    naive_error: Float64


def fit_error_scales(model_input: ModelInput, season: int) -> ErrorScales:
    """Learn the scales from the observed training rows.

    Args:
        model_input: Preprocessed data.
        season: Steps in a season; 1 is taken where the training part is not longer.

    """
    observed = np.where(model_input.is_imputed | (model_input.row_split != 0)[:, None], np.nan, model_input.raw_target)
    floors = [np.percentile(np.abs(column[~np.isnan(column)]), 5) for column in observed.T]
    naive = np.full(len(floors), np.nan)
    for lag in (season, 1):
        same = model_input.row_series[lag:] == model_input.row_series[:-lag]
        steps = np.abs(observed[lag:] - observed[:-lag])[same]
        counts = np.count_nonzero(~np.isnan(steps), axis=0)
        means = np.nansum(steps, axis=0) / np.maximum(counts, 1)
        naive = np.where(np.isnan(naive) & (counts > 0), means, naive)
    return ErrorScales(np.maximum(floors, _SMALLEST_FLOOR), naive)


def score(truth: Float64, forecast: Float64, mask: Bool, scales: ErrorScales, names: tuple[str, ...]) -> dict[str, Any]:
    """Score forecasts overall, per target and per horizon step.

    Args:
        truth: Targets, shape `(windows, horizon, F_target)`.
        forecast: Forecasts of the same shape.
        mask: What was observed, of the same shape; the rest is not scored.
        scales: Learnt from train.
        names: Names of the targets.

    Returns:
        `overall` (over several targets the mean of each target's), `per_target` and `per_horizon`
        (a list with `step` from 1).

    """

    def over(steps: slice) -> list[Scores]:
        return [
            _score_one(
                truth[:, steps, target][mask[:, steps, target]],
                forecast[:, steps, target][mask[:, steps, target]],
                float(scales.floor[target]),
                float(scales.naive_error[target]),
            )
            for target in range(len(names))
        ]

    every = over(slice(None))
    return {
        "overall": _mean(every),
        "per_target": dict(zip(names, every, strict=True)),
        "per_horizon": [{"step": step + 1, **_mean(over(slice(step, step + 1)))} for step in range(truth.shape[1])],
    }


def _score_one(truth: Float64, forecast: Float64, floor: float, naive_error: float) -> Scores:
    if not len(truth):
        return dict.fromkeys(METRICS)
    error = forecast - truth
    mae, mse = float(np.mean(np.abs(error))), float(np.mean(error**2))
    spread = float(np.mean((truth - np.mean(truth)) ** 2))
    return {
        "mae": mae,
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "robust_mape": float(100 * np.mean(np.abs(error) / np.maximum(np.abs(truth), floor))),
        "mase": mae / naive_error if naive_error > 0 else None,
        "r2": 1 - mse / spread if spread > 0 else None,
    }


def _mean(scores: list[Scores]) -> Scores:
    means: Scores = {}
    for metric in METRICS:
        values = [value for value in (item[metric] for item in scores) if value is not None]
        means[metric] = float(np.mean(values)) if values else None
    return means
