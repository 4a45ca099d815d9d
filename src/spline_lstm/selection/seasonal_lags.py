"""The seasonal lags beside the window: ridge regressions decide `auto`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spline_lstm.selection.choice import choose, make_record
from spline_lstm.selection.lookback import ENOUGH_WINDOWS, draw_training
from spline_lstm.selection.target_windows import consecutive, keeps_enough, target_error, with_history
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Int64

_KEPT_WINDOWS = 0.9
"""Lags must leave this share of the training windows: univariate runs have the same windows and see no lags."""


def choose_lags(model_input: ModelInput, seasons: Sequence[int]) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Decide which lags of the targets help beside the window.

    Ridge regressions are compared without a lag, with the lag of each season, and with all of these. They see the
    targets alone, so that univariate and multivariate data of a table have the same windows. They are fitted to the
    first four fifths of the training windows and judged on the last fifth. Lags are taken only if the error is at least
    2 % lower.

    Args:
        model_input: Windows of consecutive rows, without lags.
        seasons: Seasons in steps. Of each, the smallest multiple that is at least the horizon is tried, unless the
            window shows it anyway.

    Returns:
        The lags in steps, and a record of the comparison (empty without one).

    """
    lookback, horizon = model_input.lookback, model_input.horizon
    multiples = sorted({-(-horizon // season) * season for season in seasons})
    lags = [lag for lag in multiples if lag > lookback >= horizon and _fits(lag, model_input)]
    train, val = (with_history(model_input, part, max(lags, default=0)) for part in draw_training(model_input))
    if not lags or min(len(train), len(val)) < ENOUGH_WINDOWS:
        return (), {}
    candidates = [(), *((lag,) for lag in lags), *([tuple(lags)] if len(lags) > 1 else [])]
    named = {"+".join(map(str, chosen)) or "none": chosen for chosen in candidates}
    scores = {
        name: target_error(model_input, _ages(chosen, lookback, horizon), train, val) for name, chosen in named.items()
    }
    best = choose(scores)
    return named[best], make_record("seasonal_lags", best, scores, "the training part")


def _fits(lag: int, model_input: ModelInput) -> bool:
    """Tell whether enough windows have all the rows that this lag needs."""
    return keeps_enough(model_input, lag + model_input.lookback - model_input.horizon, _KEPT_WINDOWS)


def _ages(lags: tuple[int, ...], lookback: int, horizon: int) -> Int64:
    """Return the ages of the window, and of the horizon shifted back by each lag."""
    ago = [np.arange(lag - 1, lag - 1 - horizon, -1) for lag in lags]
    return np.concatenate([*ago, consecutive(lookback)])
