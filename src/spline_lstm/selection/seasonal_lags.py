"""Which seasons ago the targets are shown beside the window, where that is `auto`: decided by ridge regressions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spline_lstm.selection.choice import choose, make_record
from spline_lstm.selection.lookback import ENOUGH_WINDOWS, draw_training
from spline_lstm.selection.target_windows import consecutive, keeps_enough, target_error, with_history
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Int64

_KEPT_WINDOWS = 0.9
"""Share of the training windows that lags must leave: univariate runs have the same windows and see no lags."""


def choose_lags(model_input: ModelInput, seasons: Sequence[int]) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Decide which lags of the targets help beside the window.

    Compared are ridge regressions on the targets alone, so univariate and multivariate data of a table have the same
    windows: without a lag, with the horizon one season ago for each season, and with all of these. The training part
    decides: fitted to the first four fifths of its windows, judged on the last fifth. Lags are taken only where the
    error is at least 2 % lower.

    Args:
        model_input: Windows of consecutive rows, without lags.
        seasons: Seasons in steps. Of each, the least multiple is tried that the horizon has, if the window does not
            show it anyhow.

    Returns:
        The lags in steps, and a record of what was compared (empty where nothing was).

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
    """Tell whether the rows up to the origin that a window with this lag shows are there often enough."""
    return keeps_enough(model_input, lag + model_input.lookback - model_input.horizon, _KEPT_WINDOWS)


def _ages(lags: tuple[int, ...], lookback: int, horizon: int) -> Int64:
    """Ages of the horizon as many steps ago as each lag has, and of the window."""
    ago = [np.arange(lag - 1, lag - 1 - horizon, -1) for lag in lags]
    return np.concatenate([*ago, consecutive(lookback)])
