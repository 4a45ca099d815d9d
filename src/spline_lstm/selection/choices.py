"""Choices that differ by table and are made by closed-form ridge regressions."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from spline_lstm.models.registry import ModelSpec, make_model
from spline_lstm.models.ridge import PENALTIES, RidgeData, fit_ridge, masked_mse
from spline_lstm.models.target_space import NORMALIZATIONS
from spline_lstm.models.training import CHOICE_WINDOWS, Windows, draw_windows
from spline_lstm.series.assembly import spread_ages
from spline_lstm.series.lazy_windows import draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.windows import make_ages, make_season_ages
from spline_lstm.types import Float32, Int64

logger = logging.getLogger(__name__)
Choice = TypeVar("Choice", bound=str | float)

_CLEARLY_BETTER = 0.98
"""Validation error, relative to the simplest choice, from which another one is taken: what is a tie on one
stretch of time is noise."""
_SMOOTHING = (0.0, 0.1, 1.0, 10.0)
_SPANS = (1, 2, 4, 7, 14)
"""In lookbacks."""
_ENOUGH_WINDOWS = 1_000
_FIT_SHARE = 0.8


def resolve_model(
    spec: ModelSpec, data: ModelInput, train: Windows, val: Windows, seed: int
) -> tuple[ModelSpec, dict[str, Any]]:
    """Replace `auto` by what validation decides; those of learning rate, path and link are left to the training.

    Another normalisation than `none`, or a smoothing other than 0, is taken only where a ridge regression
    in its space has a validation RMSE at least 2 % lower.

    Args:
        spec: Architecture and optimiser, with or without `auto`.
        data: The preprocessed data; decides the shapes.
        train: Training windows `X` and `y`; NaN in `y` does not count.
        val: Validation windows.
        seed: As for `make_model`.

    Returns:
        The specification, and a record of what was compared.

    """
    record: dict[str, Any] = {}
    resolved = spec.model_copy(
        update={
            name: simplest
            for name, simplest in (("normalization", "none"), ("spline_smoothing", 0.0))
            if getattr(spec, name) == "auto"
        }
    )
    for name, candidates in (("normalization", NORMALIZATIONS), ("spline_smoothing", _SMOOTHING)):
        if getattr(spec, name) == "auto":
            drawn = draw_windows(train, CHOICE_WINDOWS), draw_windows(val, CHOICE_WINDOWS)
            tried = {value: resolved.model_copy(update={name: value}) for value in candidates}
            scores = {value: _ridge_rmse(choice, data, *drawn, seed) for value, choice in tried.items()}
            chosen = _choose(scores)
            resolved = tried[chosen]
            record[name] = _record(name, chosen, scores, "validation")
    return resolved, record


def resolve_ages(span: int | str, data: ModelInput, seasons: Sequence[int]) -> tuple[Int64, dict[str, Any]]:
    """Decide how many steps before the origin the rows of a window lie.

    Others than consecutive rows are taken only where a ridge regression on the first four fifths of the training
    windows has an RMSE at least 2 % lower on the last fifth, and where that has at least 1,000 windows. The training
    part decides alone, so that preprocessed data does not depend on what comes after it.

    Args:
        span: A number of steps that the rows are spread over, or `auto`.
        data: Windows of consecutive rows.
        seasons: Seasons in steps; `auto` tries rows of which half lie one of them before the horizon.

    Returns:
        The ages of the rows that show the past, `(lookback,)`, and a record of what was compared (empty where nothing
        was).

    """
    if isinstance(span, int):
        return make_ages(data.lookback, span), {}
    limits = (CHOICE_WINDOWS, round(CHOICE_WINDOWS * (1 - _FIT_SHARE) / _FIT_SHARE))
    train, val = (draw(windows, most) for windows, most in zip(_split_training(data), limits, strict=True))
    candidates = _age_candidates(data, seasons)
    if min(len(train), len(val)) < _ENOUGH_WINDOWS or len(candidates) < 2:
        return make_ages(data.lookback, data.lookback), {}
    scores = {name: _ages_rmse(data, past, train, val) for name, past in candidates.items()}
    chosen = _choose(scores)
    return candidates[chosen], _record("lookback_span", chosen, scores, "the training part")


def _age_candidates(data: ModelInput, seasons: Sequence[int]) -> dict[int | str, Int64]:
    """Name the ages that are tried, consecutive ones first, no older than a tenth of the longest series."""
    longest, nearest = int(np.bincount(data.row_series).max()) // 10, data.lookback + data.horizon
    spans = [data.lookback * factor for factor in _SPANS if factor == 1 or data.lookback * factor <= longest]
    candidates: dict[int | str, Int64] = {span: make_ages(data.lookback, span) for span in spans}
    for season in seasons:
        if data.lookback > 1 and nearest <= season <= longest:
            candidates[f"season of {season}"] = make_season_ages(data.lookback, data.horizon, season)
    return candidates


def _choose(scores: dict[Choice, float]) -> Choice:
    """Return the best choice, or the first, simplest one where no other is clearly better."""
    simplest = next(iter(scores))
    best = min(scores, key=lambda choice: scores[choice])
    return best if scores[best] <= _CLEARLY_BETTER * scores[simplest] else simplest


def _record(name: str, chosen: Any, scores: dict[Any, float], decided_on: str) -> dict[str, Any]:
    logger.info("%s=%s chosen on %s", name, chosen, decided_on)
    return {
        "chosen": chosen,
        "decided_on": decided_on,
        "ridge_rmse": {str(choice): score for choice, score in scores.items()},
    }


def _split_training(data: ModelInput) -> tuple[Int64, Int64]:
    """Split the training windows of every series by time; no horizon of the first ones reaches the last ones."""
    windows = data.windows_of(0)
    series, origin = data.window_series[windows], data.window_origin[windows]
    counts = np.bincount(series, minlength=len(data.series_names))
    first = np.cumsum(counts) - counts  # windows stand in the order of their series
    last_fitted = first + (counts * _FIT_SHARE).astype(np.int64)
    border = origin[np.minimum(last_fitted, len(origin) - 1)][series]
    return windows[origin + data.horizon < border], windows[origin >= border]


def _ages_rmse(data: ModelInput, past: Int64, train: Int64, val: Int64) -> float:
    """RMSE on `val`, in scaled units, of a ridge regression on windows whose rows have the ages `past`."""
    spread = replace(data, ages=spread_ages(data, past))
    fitted_to, held_out = (
        RidgeData(spread.X[windows].reshape(len(windows), -1), data.y[windows], data.y_mask[windows])
        for windows in (train, val)
    )
    fitted = fit_ridge(fitted_to, held_out, penalties=PENALTIES[::2])  # finer steps change the error by less than a tie
    return float(np.sqrt(masked_mse(fitted.predict(held_out.inputs), held_out)))


def _ridge_rmse(
    spec: ModelSpec, data: ModelInput, train: tuple[Float32, Float32], val: tuple[Float32, Float32], seed: int
) -> float:
    """Validation RMSE, in scaled units, of a ridge regression on windows prepared as `spec` says."""
    link = "identity" if spec.link == "auto" else spec.link
    model = make_model(spec.model_copy(update={"linear_path": "ridge", "link": link}), data, seed)
    held_out, center, scale = model.ridge_data(*val)
    fitted = fit_ridge(model.ridge_data(*train)[0], held_out)
    forecast = model.space.leave_horizons(fitted.predict(held_out.inputs), center, scale)
    return float(np.sqrt(np.nanmean(np.square(forecast - val[1]))))
