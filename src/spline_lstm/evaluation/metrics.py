"""Accuracy metrics in the target's own unit.

MASE follows Hyndman and Koehler, "Another look at measures of forecast accuracy", International
Journal of Forecasting 22(4), 2006; that of a panel is the mean of the series' own, as in S. Makridakis, E. Spiliotis
and V. Assimakopoulos, "The M4 competition", International Journal of Forecasting 36(1), 2020. The robust MAPE bounds
its denominator from below, so that targets near zero do not dominate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float64, Int64

METRICS = ("mae", "mse", "rmse", "robust_mape", "mase", "r2")
_SMALLEST_FLOOR = 1e-8

Scores = dict[str, float | None]
"""Metric to value; None where it is not defined, such as R2 of a constant truth."""


@dataclass(frozen=True)
class ErrorScales:
    """What errors are related to, learnt from train.

    Attributes:
        floor: Smallest denominator of the robust MAPE, the 5th percentile of `|y|`, `(F_target,)`.
        naive_error: Mean absolute error of the seasonal naive forecast of each series within train,
            `(series, F_target)`; NaN if unknown.

    """

    floor: Float64
    naive_error: Float64


def fit_error_scales(model_input: ModelInput, season: int) -> ErrorScales:
    """Learn the scales from the observed training rows.

    Args:
        model_input: Preprocessed data.
        season: Steps in a season; 1 is taken where the training part of a series is not longer.

    """
    observed = np.where(model_input.is_imputed | (model_input.row_split != 0)[:, None], np.nan, model_input.raw_target)
    floors = [np.percentile(np.abs(column[~np.isnan(column)]), 5) for column in observed.T]
    count = len(model_input.series_names)
    naive = np.full((count, len(floors)), np.nan)
    for lag in (season, 1):
        same = model_input.row_series[lag:] == model_input.row_series[:-lag]
        series, steps = model_input.row_series[lag:][same], np.abs(observed[lag:] - observed[:-lag])[same]
        means = np.stack([_means(column, series, count) for column in steps.T], axis=1)
        naive = np.where(np.isnan(naive), means, naive)
    return ErrorScales(np.maximum(floors, _SMALLEST_FLOOR), naive)


@dataclass(frozen=True)
class Scored:
    """Forecasts to score. Shapes: `(windows, horizon, F_target)`, and `(windows,)` for the series.

    Attributes:
        truth: Targets.
        forecast: Forecasts.
        mask: What was observed; the rest is not scored.
        series: Series number of each window.
        further: Further metrics of each forecast by name, whose means are scores; NaN leaves one undefined.
        scaled: Those of them, by name and new name, whose means are related to the naive error as well, as for MASE.

    """

    truth: Float64
    forecast: Float64
    mask: Bool
    series: Int64
    further: Mapping[str, Float64] = field(default_factory=dict)
    scaled: Mapping[str, str] = field(default_factory=dict)


def score(made: Scored, scales: ErrorScales, names: tuple[str, ...]) -> dict[str, Any]:
    """Score forecasts overall, per target and per horizon step.

    Args:
        made: The forecasts and their truth.
        scales: Learnt from train.
        names: Names of the targets.

    Returns:
        `overall` (over several targets the mean of each target's), `per_target` and `per_horizon`
        (a list with `step` from 1).

    """
    horizon = made.truth.shape[1]
    steps = np.broadcast_to(np.arange(horizon), made.truth.shape[:2])
    every = [_row(scores, 0) for scores in _by_group(made, scales, np.zeros_like(steps), 1)]
    by_step = _by_group(made, scales, steps, horizon)
    return {
        "overall": _mean(every),
        "per_target": dict(zip(names, every, strict=True)),
        "per_horizon": [
            {"step": step + 1, **_mean([_row(scores, step) for scores in by_step])} for step in range(horizon)
        ],
    }


def score_series(made: Scored, scales: ErrorScales) -> list[dict[str, Float64]]:
    """Score the forecasts of every series, metric to `(series,)`, for each target; NaN where it is not defined."""
    series = np.broadcast_to(made.series[:, None], made.truth.shape[:2])
    return _by_group(made, scales, series, len(scales.naive_error))


def _by_group(made: Scored, scales: ErrorScales, groups: Int64, count: int) -> list[dict[str, Float64]]:
    """Score groups of forecasts, given the group of each window and step, for each target."""
    return [_score_target(made, scales, groups, count, target) for target in range(made.truth.shape[2])]


def _score_target(made: Scored, scales: ErrorScales, groups: Int64, count: int, target: int) -> dict[str, Float64]:
    known = made.mask[:, :, target]
    group, truth = groups[known], made.truth[:, :, target][known]
    error = made.forecast[:, :, target][known] - truth
    series = np.broadcast_to(made.series[:, None], known.shape)[known]
    naive = scales.naive_error[:, target]

    def mean(values: Float64) -> Float64:
        return _means(values, group, count)

    def mean_of_series(values: Float64) -> Float64:
        return _means_of_series(values, group, count, series, naive)

    absolute, mse = np.abs(error), mean(error**2)
    spread = mean((truth - mean(truth)[group]) ** 2)
    further = {name: values[:, :, target][known] for name, values in made.further.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(spread > 0, 1 - mse / spread, np.nan)
    return {
        "mae": mean(absolute),
        "mse": mse,
        "rmse": np.sqrt(mse),
        "robust_mape": 100 * mean(absolute / np.maximum(np.abs(truth), scales.floor[target])),
        "mase": mean_of_series(absolute),
        "r2": r2,
        **{name: mean(values) for name, values in further.items()},
        **{name: mean_of_series(further[of]) for of, name in made.scaled.items()},
    }


def _means(values: Float64, group: Int64, count: int) -> Float64:
    """Mean of each group, NaN values left out; NaN for a group without any."""
    known = ~np.isnan(values)
    counts = np.bincount(group[known], minlength=count)
    sums = np.bincount(group[known], values[known], count)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _means_of_series(values: Float64, group: Int64, count: int, series: Int64, naive: Float64) -> Float64:
    """Mean over series of their own means, each over the naive error of the series, for each group."""
    cells, cell = np.unique(group * len(naive) + series, return_inverse=True)
    scale = naive[cells % len(naive)]
    scale = np.where(scale > 0, scale, np.nan)
    return _means(_means(values, cell, len(cells)) / scale, cells // len(naive), count)


def _row(scores: Mapping[str, Float64], group: int) -> Scores:
    return {name: float(values[group]) if np.isfinite(values[group]) else None for name, values in scores.items()}


def _mean(scores: list[Scores]) -> Scores:
    means: Scores = {}
    for metric in scores[0]:
        values = [value for value in (item[metric] for item in scores) if value is not None]
        means[metric] = float(np.mean(values)) if values else None
    return means
