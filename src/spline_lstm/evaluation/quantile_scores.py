"""Scores of quantiles and intervals on test: pinball loss, CRPS, SQL, coverage, width and Winkler score.

The pinball loss is the mean over the quantiles (R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46(1),
1978). Twice this loss approximates the CRPS (T. Gneiting and A. E. Raftery, "Strictly proper scoring
rules, prediction, and estimation", Journal of the American Statistical Association 102(477), 2007), and the CRPS
divided by the naive error of each series is the scaled quantile loss, SQL.
"""

from typing import Any

import numpy as np

from spline_lstm.evaluation.calibration import Calibration
from spline_lstm.evaluation.quantile_fit import winkler
from spline_lstm.evaluation.quantiles import ends_of
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float32, Float64

SCALED = {"crps": "sql"}
"""Metrics that are also divided by the naive error of their series, with the new names."""
_BLOCK_HORIZONS = 10
"""Number of horizons in one block of time: ten days for a forecast of a day."""


def score_quantiles(
    truth: Float64, forecast: Float64, found: Calibration, quantiles: tuple[float, ...], levels: tuple[float, ...]
) -> dict[str, Float32]:
    """Score the quantiles of each forecast.

    Args:
        truth: Targets of the test windows, `(windows, horizon, F_target)`.
        forecast: Forecasts of the same shape.
        found: The calibration of these forecasts.
        quantiles: Probabilities of the quantiles.
        levels: Levels of the intervals.

    Returns:
        `pinball`, `crps`, and for each level `coverage_80`, `width_80` and `winkler_80`, each of the same shape, in
        single precision: they are only averaged.

    """
    rule, spread = found.rule, found.spread
    pinball = np.zeros_like(truth)
    for share in quantiles:
        over = truth - rule.quantile(share, forecast, spread)
        pinball += np.maximum(share * over, (share - 1) * over) / len(quantiles)
    scored = {"pinball": pinball, "crps": 2 * pinball}
    for level in levels:
        low, high = (rule.quantile(end, forecast, spread) for end in ends_of(level))
        scored |= {
            f"coverage_{100 * level:g}": ((low <= truth) & (truth <= high)).astype(np.float64),
            f"width_{100 * level:g}": high - low,
            f"winkler_{100 * level:g}": winkler(truth, low, high, level),
        }
    return {name: values.astype(np.float32) for name, values in scored.items()}


def describe_levels(
    scores: dict[str, Any], covered: dict[str, Float32], model_input: ModelInput, levels: tuple[float, ...]
) -> list[dict[str, Any]]:
    """Collect the figures of each level for the report.

    Args:
        scores: Result of `metrics.score` for the model on test, with the metrics of `score_quantiles`, and
            `per_series`.
        covered: Result of `score_quantiles`.
        model_input: Preprocessed data.
        levels: Levels of the intervals.

    Returns:
        For each level `level`, `coverage` (a share), `mean_width` and `winkler` over all, `per_target` and
        `per_horizon`, the `worst_series` with its coverage, and the coverage `over_time`, block by block.

    """
    mask = model_input.truth(model_input.windows_of(2))[1]
    described = []
    for level in levels:
        percent = f"{100 * level:g}"
        by_series = {name: each[f"coverage_{percent}"] for name, each in scores["per_series"].items()}
        known = {name: share for name, share in by_series.items() if share is not None}
        worst = min(known, key=lambda name: known[name], default=None)
        described.append(
            {
                "level": level,
                **_of_level(scores["overall"], percent),
                "per_target": {name: _of_level(each, percent) for name, each in scores["per_target"].items()},
                "per_horizon": [{"step": each["step"], **_of_level(each, percent)} for each in scores["per_horizon"]],
                "worst_series": None if worst is None else {"series": worst, "coverage": known[worst]},
                "over_time": _over_time(covered[f"coverage_{percent}"], mask, model_input),
            }
        )
    return described


def _of_level(scores: dict[str, float | None], percent: str) -> dict[str, float | None]:
    names = {"coverage": "coverage", "mean_width": "width", "winkler": "winkler"}
    return {name: scores[f"{of}_{percent}"] for name, of in names.items()}


def _over_time(covered: Float32, mask: Bool, model_input: ModelInput) -> list[dict[str, Any]]:
    """Return the coverage of blocks of ten horizons, by the origins of their windows; the last may be shorter."""
    origins = model_input.row_timestamp[model_input.window_origin[model_input.windows_of(2)]]
    steps = np.diff(model_input.row_timestamp)[np.diff(model_input.row_series) == 0]
    length = _BLOCK_HORIZONS * model_input.horizon * int(np.median(steps))
    block = (origins - origins.min()) // length
    counts, sums = (
        np.bincount(block, np.where(mask, values, 0.0).sum(axis=(1, 2))) for values in (np.ones_like(covered), covered)
    )
    return [
        {
            "from": str((origins.min() + int(at) * length).astype("datetime64[ns]").astype("datetime64[s]")),
            "coverage": float(sums[at] / counts[at]),
            "forecasts": int(counts[at]),
        }
        for at in np.flatnonzero(counts)
    ]
