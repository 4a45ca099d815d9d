"""How many rows a window has, where that is `auto`: decided by ridge regressions on validation."""

from typing import Any

import numpy as np

from spline_lstm.models.registry import ROW_BY_ROW
from spline_lstm.models.ridge import PENALTIES, RidgeData, fit_ridge
from spline_lstm.selection.choice import CLEARLY_BETTER, choose, make_record, series_rmse
from spline_lstm.selection.lookback import ENOUGH_WINDOWS, age_candidates
from spline_lstm.series.lazy_windows import cut_lookbacks, draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Int64

SHORT = 24
"""Rows of a window from which longer ones are looked for, or the horizon where that is longer."""
_LONG = (168, 336, 720)
_KEPT_WINDOWS = 0.5
_MOST_FITTED, _MOST_JUDGED = 12_000, 4_000


def choose_window_length(model_input: ModelInput, seasons: tuple[int, ...]) -> tuple[Int64, dict[str, Any]]:
    """Decide how many rows a window has and how many steps before the origin they lie.

    Compared are consecutive rows, as many rows spread over a longer past, and 168, 336 and 720 consecutive rows, which
    a network sees in segments. A long window is left out where it would cost a series, or more than half of the
    training windows.

    What is compared is the validation error of a ridge regression on the targets alone, so univariate and multivariate
    data of a table have the same windows. It is the mean over the series, each in its own scaled units, with the
    window's last value subtracted or not, whichever is better. Windows of single rows stay consecutive unless another
    choice is at least 2 % better. Among long windows within 2 % of the best the longest is taken: it takes the network
    no more recurrent steps, and it can leave out what the regression has to penalise.

    Args:
        model_input: Windows of consecutive rows, as short as `auto` makes them.
        seasons: Seasons in steps; rows of which half lie one of them before the horizon are tried as well.

    Returns:
        The ages of the rows that show the past, `(lookback,)`, and a record of what was compared (empty where nothing
        was).

    """
    rows_alone = model_input.lookback <= ROW_BY_ROW
    short = age_candidates(model_input, seasons) if rows_alone else {}
    long: dict[int | str, Int64] = {} if rows_alone else {model_input.lookback: _consecutive(model_input.lookback)}
    long |= {f"{rows} rows": _consecutive(rows) for rows in _LONG if _is_enough_left(model_input, rows)}
    candidates = short | long
    longest = max(len(ages) for ages in candidates.values())
    train, val = (_with_history(model_input, split, longest) for split in (0, 1))
    if min(len(train), len(val)) < ENOUGH_WINDOWS or len(candidates) < 2:
        return next(iter(candidates.values())), {}
    train, val = draw(train, _MOST_FITTED), draw(val, _MOST_JUDGED)
    scores = {name: _error(model_input, ages, train, val) for name, ages in candidates.items()}
    chosen = choose(scores) if rows_alone else min(scores, key=lambda name: scores[name])
    if chosen in long:
        level = [name for name in long if CLEARLY_BETTER * scores[name] <= scores[chosen]]
        chosen = max(level, key=lambda name: len(long[name]))
    return candidates[chosen], make_record("lookback", chosen, scores, "validation")


def _consecutive(rows: int) -> Int64:
    return np.arange(rows)[::-1]


def _history(model_input: ModelInput, windows: Int64) -> Int64:
    """Steps of its series up to the origin of each window."""
    origins: Int64 = model_input.window_origin[windows]
    return origins - model_input.series_starts[model_input.window_series[windows]] + 1


def _with_history(model_input: ModelInput, split: int, rows: int) -> Int64:
    """Windows of a split with so many steps before their horizon."""
    windows = model_input.windows_of(split)
    return windows[_history(model_input, windows) >= rows]


def _is_enough_left(model_input: ModelInput, rows: int) -> bool:
    windows, kept = model_input.windows_of(0), _with_history(model_input, 0, rows)
    series: Bool = np.isin(model_input.window_series[windows], model_input.window_series[kept])
    return rows > model_input.lookback and bool(series.all()) and len(kept) >= _KEPT_WINDOWS * len(windows)


def _error(model_input: ModelInput, ages: Int64, train: Int64, val: Int64) -> float:
    return min(_ridge_error(model_input, ages, train, val, subtract=subtract) for subtract in (False, True))


def _ridge_error(model_input: ModelInput, ages: Int64, train: Int64, val: Int64, *, subtract: bool) -> float:
    fitted_to, held_out = (_windows(model_input, ages, windows, subtract=subtract) for windows in (train, val))
    ridge = fit_ridge(fitted_to, held_out, penalties=PENALTIES[::2])
    error = np.where(held_out.mask, ridge.predict(held_out.inputs) - held_out.targets, np.nan)
    return series_rmse(error, model_input.window_series[val])


def _windows(model_input: ModelInput, ages: Int64, windows: Int64, *, subtract: bool) -> RidgeData:
    """Scaled targets at some ages, and what is to be forecast; a row before its series shows the first one."""
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
