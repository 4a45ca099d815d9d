"""The number of rows of a window: ridge regressions on validation decide `auto`."""

from typing import Any

from spline_lstm.models.registry import ROW_BY_ROW
from spline_lstm.selection.choice import CLEARLY_BETTER, choose, make_record
from spline_lstm.selection.lookback import ENOUGH_WINDOWS, age_candidates
from spline_lstm.selection.target_windows import consecutive, keeps_enough, target_error, with_history
from spline_lstm.series.lazy_windows import draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Int64

SHORT = 24
"""`auto` begins with this number of rows, or with the horizon if it is longer, and tries longer windows."""
_LONG = (168, 336, 720)
_KEPT_WINDOWS = 0.5
_MOST_FITTED, _MOST_JUDGED = 12_000, 4_000


def choose_window_length(model_input: ModelInput, seasons: tuple[int, ...]) -> tuple[Int64, dict[str, Any]]:
    """Decide how many rows a window has and how many steps back they reach.

    The choices are consecutive rows, as many rows over a longer past, and 168, 336 and 720 consecutive rows, which a
    network sees in segments. A long window is not tried if it costs a series or more than half of the training windows.

    Each choice has the validation error of a ridge regression on the targets alone, so that univariate and multivariate
    data of a table have the same windows. The error is the mean over the series in their own scaled units, with or
    without subtracting the window's last value, whichever is better. Short windows stay consecutive unless another
    choice is at least 2 % better. Among long windows within 2 % of the best, the longest is taken: it costs the network
    no more recurrent steps, and the network can ignore rows that the regression must penalise.

    Args:
        model_input: Windows of consecutive rows, as short as `auto` makes them.
        seasons: Seasons in steps; rows of which half lie one season before the horizon are tried too.

    Returns:
        The ages of the rows that show the past, `(lookback,)`, and a record of the comparison (empty without one).

    """
    rows_alone = model_input.lookback <= ROW_BY_ROW
    short = age_candidates(model_input, seasons) if rows_alone else {}
    long: dict[int | str, Int64] = {} if rows_alone else {model_input.lookback: consecutive(model_input.lookback)}
    long |= {
        f"{rows} rows": consecutive(rows)
        for rows in _LONG
        if rows > model_input.lookback and keeps_enough(model_input, rows, _KEPT_WINDOWS)
    }
    candidates = short | long
    longest = max(len(ages) for ages in candidates.values())
    train, val = (with_history(model_input, model_input.windows_of(split), longest) for split in (0, 1))
    if min(len(train), len(val)) < ENOUGH_WINDOWS or len(candidates) < 2:
        return next(iter(candidates.values())), {}
    train, val = draw(train, _MOST_FITTED), draw(val, _MOST_JUDGED)
    scores = {name: target_error(model_input, ages, train, val) for name, ages in candidates.items()}
    chosen = choose(scores) if rows_alone else min(scores, key=lambda name: scores[name])
    if chosen in long:
        level = [name for name in long if CLEARLY_BETTER * scores[name] <= scores[chosen]]
        chosen = max(level, key=lambda name: len(long[name]))
    return candidates[chosen], make_record("lookback", chosen, scores, "validation")
