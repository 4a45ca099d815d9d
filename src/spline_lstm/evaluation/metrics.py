"""Accuracy metrics in the target's own unit.

MASE follows Hyndman and Koehler, "Another look at measures of forecast accuracy", International
Journal of Forecasting 22(4), 2006; for a panel it is the mean of the series' values, as in S. Makridakis, E. Spiliotis
and V. Assimakopoulos, "The M4 competition", International Journal of Forecasting 36(1), 2020. The robust MAPE bounds
its denominator from below, so that targets near zero do not dominate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float32, Float64, Int64

METRICS = ("mae", "mse", "rmse", "robust_mape", "mase", "r2")
_SMALLEST_FLOOR = 1e-8

Scores = dict[str, float | None]
"""Metric to value; None if undefined, such as R2 of a constant truth."""


@dataclass(frozen=True)
class ErrorScales:
    """Denominators of the errors, learnt from train.

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
        season: Steps in a season; 1 is used if the training part of a series is not longer than that.

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
        mask: Where the truth was observed; the rest is not scored.
        series: Series number of each window.
        further: Further values of each forecast by name, whose means are scores; NaN means undefined.
        scaled: Name in `further` to new name: those whose means are also divided by the naive error, as for MASE.

    """

    truth: Float64
    forecast: Float64
    mask: Bool
    series: Int64
    further: Mapping[str, Float32 | Float64] = field(default_factory=dict)
    scaled: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sums:
    """Sums over the forecasts of one target, for each series and step; all scores are computed from them.

    Attributes:
        count: Forecasts with an observed truth, `(series, horizon)`.
        of: Metric to the sum of its values, `(series, horizon)`.
        truth_mean: Mean of the truth, `(series, horizon)`; zero where nothing was observed.
        truth_squares: Sum of the squared distances from `truth_mean`.
        naive_error: As in `ErrorScales`, of this target, `(series,)`.
        scaled: As in `Scored`.

    """

    count: Float64
    of: dict[str, Float64]
    truth_mean: Float64
    truth_squares: Float64
    naive_error: Float64
    scaled: Mapping[str, str]


def sum_up(made: Scored, scales: ErrorScales) -> list[Sums]:
    """Sum up forecasts, target by target."""
    return [_sum_target(made, scales, target) for target in range(made.truth.shape[2])]


def _sum_target(made: Scored, scales: ErrorScales, target: int) -> Sums:
    known = made.mask[:, :, target]
    shape = (len(scales.naive_error), known.shape[1])
    cell = (made.series[:, None] * shape[1] + np.arange(shape[1]))[known]

    def total(values: Float32 | Float64) -> Float64:
        return np.bincount(cell, values, shape[0] * shape[1]).astype(np.float64).reshape(shape)

    truth = made.truth[:, :, target][known]
    absolute = np.abs(made.forecast[:, :, target][known] - truth)
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    mean = total(truth) / np.maximum(count, 1)
    of = {
        "mae": total(absolute),
        "mse": total(absolute**2),
        "robust_mape": 100 * total(absolute / np.maximum(np.abs(truth), scales.floor[target])),
    }
    of |= {name: total(values[:, :, target][known]) for name, values in made.further.items()}
    squares = total((truth - mean.ravel()[cell]) ** 2)
    return Sums(count, of, mean, squares, scales.naive_error[:, target], {"mae": "mase", **made.scaled})


def score(sums: list[Sums], names: tuple[str, ...]) -> dict[str, Any]:
    """Score forecasts overall, per target and per horizon step.

    Args:
        sums: Result of `sum_up`.
        names: Names of the targets.

    Returns:
        `overall` (the mean over the targets), `per_target` and `per_horizon`
        (a list with `step` from 1).

    """
    every = [_row(_score(each, (0, 1)), ()) for each in sums]
    by_step = [_score(each, (0,)) for each in sums]
    return {
        "overall": _mean(every),
        "per_target": dict(zip(names, every, strict=True)),
        "per_horizon": [
            {"step": step + 1, **_mean([_row(scores, step) for scores in by_step])}
            for step in range(sums[0].count.shape[1])
        ],
    }


def score_series(sums: list[Sums]) -> list[dict[str, Float64]]:
    """Score every series: for each target, metric to `(series,)`; NaN if undefined."""
    return [_score(each, (1,)) for each in sums]


def _score(sums: Sums, axes: tuple[int, ...]) -> dict[str, Float64]:
    """Score over series (axis 0), steps (axis 1) or both; NaN if undefined."""
    count = sums.count.sum(axis=axes)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = {name: values.sum(axis=axes) / count for name, values in sums.of.items()}
        center = (sums.count * sums.truth_mean).sum(axis=axes, keepdims=True) / sums.count.sum(axis=axes, keepdims=True)
        between = np.where(sums.count > 0, sums.count * (sums.truth_mean - center) ** 2, 0.0)
        spread = (sums.truth_squares + between).sum(axis=axes) / count
        r2 = np.where(spread > 0, 1 - means["mse"] / spread, np.nan)
        scaled = {name: _mean_of_series(sums, of, axes) for of, name in sums.scaled.items()}
    return {
        "mae": means["mae"],
        "mse": means["mse"],
        "rmse": np.sqrt(means["mse"]),
        "robust_mape": means["robust_mape"],
        "mase": scaled["mase"],
        "r2": r2,
        **{name: value for name, value in (means | scaled).items() if name not in METRICS},
    }


def _mean_of_series(sums: Sums, of: str, axes: tuple[int, ...]) -> Float64:
    """Return the mean over series of their own means, each divided by the naive error of the series."""
    of_steps = tuple(axis for axis in axes if axis == 1)
    naive = sums.naive_error if of_steps else sums.naive_error[:, None]
    own: Float64 = sums.of[of].sum(axis=of_steps) / sums.count.sum(axis=of_steps) / np.where(naive > 0, naive, np.nan)
    if 0 not in axes:
        return own
    known = ~np.isnan(own)
    result: Float64 = np.where(known, own, 0.0).sum(axis=0) / known.sum(axis=0)
    return result


def _means(values: Float64, group: Int64, count: int) -> Float64:
    """Return the mean of each group without NaN; NaN for an empty group."""
    known = ~np.isnan(values)
    counts = np.bincount(group[known], minlength=count)
    sums = np.bincount(group[known], values[known], count)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _row(scores: Mapping[str, Float64], group: int | tuple[()]) -> Scores:
    return {name: float(values[group]) if np.isfinite(values[group]) else None for name, values in scores.items()}


def _mean(scores: list[Scores]) -> Scores:
    means: Scores = {}
    for metric in scores[0]:
        values = [value for value in (item[metric] for item in scores) if value is not None]
        means[metric] = float(np.mean(values)) if values else None
    return means
