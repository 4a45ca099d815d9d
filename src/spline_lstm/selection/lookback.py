"""How far back the rows of a window reach: ridge regressions on the training part decide."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spline_lstm.models.ridge import PENALTIES, RidgeData, fit_ridge, masked_mse
from spline_lstm.models.training import CHOICE_WINDOWS
from spline_lstm.selection.choice import choose, make_record
from spline_lstm.series.assembly import spread_ages
from spline_lstm.series.lazy_windows import draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.windows import make_ages, make_season_ages
from spline_lstm.types import Int64

_SPANS = (1, 2, 4, 7, 14)
"""In lookbacks."""
ENOUGH_WINDOWS = 1_000
_FIT_SHARE = 0.8


def resolve_ages(span: int | str, model_input: ModelInput, seasons: Sequence[int]) -> tuple[Int64, dict[str, Any]]:
    """Decide how many steps before the origin the rows of a window lie.

    Ridge regressions are fitted to the first four fifths of the training windows and judged on the last fifth. Rows
    stay consecutive unless others have an RMSE at least 2 % lower there, on at least 1,000 windows. Only the training
    part decides, so that preprocessed data does not depend on anything later.

    Args:
        span: How many steps back the rows reach, or `auto`.
        model_input: Windows of consecutive rows.
        seasons: Seasons in steps; `auto` also tries rows of which half lie one season before the horizon.

    Returns:
        The ages of the rows that show the past, `(lookback,)`, and a record of the comparison (empty without one).

    """
    if isinstance(span, int):
        return make_ages(model_input.lookback, span), {}
    train, val = draw_training(model_input)
    candidates = age_candidates(model_input, seasons)
    if min(len(train), len(val)) < ENOUGH_WINDOWS or len(candidates) < 2:
        return make_ages(model_input.lookback, model_input.lookback), {}
    scores = {name: _ages_rmse(model_input, past, train, val) for name, past in candidates.items()}
    chosen = choose(scores)
    return candidates[chosen], make_record("lookback_span", chosen, scores, "the training part")


def draw_training(model_input: ModelInput) -> tuple[Int64, Int64]:
    """Return training windows to fit on and later ones to judge on; a random sample if there are many."""
    limits = (CHOICE_WINDOWS, round(CHOICE_WINDOWS * (1 - _FIT_SHARE) / _FIT_SHARE))
    first, last = _split_training(model_input)
    return draw(first, limits[0]), draw(last, limits[1])


def age_candidates(model_input: ModelInput, seasons: Sequence[int]) -> dict[int | str, Int64]:
    """Name the ages to try, consecutive ones first, no older than a tenth of the longest series."""
    longest, nearest = int(np.bincount(model_input.row_series).max()) // 10, model_input.lookback + model_input.horizon
    spans = [
        model_input.lookback * factor for factor in _SPANS if factor == 1 or model_input.lookback * factor <= longest
    ]
    candidates: dict[int | str, Int64] = {span: make_ages(model_input.lookback, span) for span in spans}
    for season in seasons:
        if model_input.lookback > 1 and nearest <= season <= longest:
            candidates[f"season of {season}"] = make_season_ages(model_input.lookback, model_input.horizon, season)
    return candidates


def _split_training(model_input: ModelInput) -> tuple[Int64, Int64]:
    """Split the training windows of every series by time; no horizon of the first part reaches into the second."""
    windows = model_input.windows_of(0)
    series, origin = model_input.window_series[windows], model_input.window_origin[windows]
    counts = np.bincount(series, minlength=len(model_input.series_names))
    first = np.cumsum(counts) - counts  # windows are sorted by series
    last_fitted = first + (counts * _FIT_SHARE).astype(np.int64)
    border = origin[np.minimum(last_fitted, len(origin) - 1)][series]
    return windows[origin + model_input.horizon < border], windows[origin >= border]


def _ages_rmse(model_input: ModelInput, past: Int64, train: Int64, val: Int64) -> float:
    """Return the RMSE on `val`, in scaled units, of a ridge regression on windows with the ages `past`."""
    spread = replace(model_input, ages=spread_ages(model_input, past))
    fitted_to, held_out = (
        RidgeData(spread.X[windows].reshape(len(windows), -1), model_input.y[windows], model_input.y_mask[windows])
        for windows in (train, val)
    )
    fitted = fit_ridge(fitted_to, held_out, penalties=PENALTIES[::2])  # finer steps change the error by less than a tie
    return float(np.sqrt(masked_mse(fitted.predict(held_out.inputs), held_out)))
