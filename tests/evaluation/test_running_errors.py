"""The running mean absolute error: what it knows at an origin, and how it forgets."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.evaluation.running_errors import (
    Forecasts,
    RunningErrors,
    add_errors,
    follow_errors,
    start_running,
)
from spline_lstm.types import Float64

HALF_LIFE = 4


def one(mean: float, count: int = 1) -> RunningErrors:
    return RunningErrors(np.full((1, 1, 1), mean), np.full((1, 1, 1), count))


def add(running: RunningErrors, *errors: float, half_life: float | None = HALF_LIFE) -> float:
    for error in errors:
        size = np.full((1, 1, 1), error)
        running = add_errors(running, np.nan_to_num(size), ~np.isnan(size), half_life)
    return float(running.mean[0, 0, 0])


def test_the_first_errors_count_like_the_value_it_began_with() -> None:
    assert add(one(1.0), 3.0, 5.0) == pytest.approx((1 + 3 + 5) / 3)


def test_after_a_half_life_an_error_has_half_its_weight() -> None:
    before, after = add(one(0.0, 1_000), 1.0), add(one(0.0, 1_000), 1.0, *[0.0] * HALF_LIFE)
    assert after == pytest.approx(before / 2)


def test_what_was_not_observed_changes_nothing() -> None:
    assert add(one(1.0), 3.0, np.nan, 5.0) == add(one(1.0), 3.0, 5.0)


def test_without_a_half_life_nothing_changes_it() -> None:
    assert add(one(1.0), 3.0, 5.0, half_life=None) == 1.0


@pytest.fixture(scope="module")
def panel() -> Forecasts:
    """Three series of unequal length, one of them without a window, with dropped windows and unobserved steps."""
    random = np.random.default_rng(0)
    origin = np.concatenate([np.delete(np.arange(40), [7, 8, 20]), 100 + np.arange(12)])
    size = random.exponential(size=(len(origin), 3, 2))
    return Forecasts(size, random.random(size.shape) > 0.2, np.where(origin < 100, 0, 2), origin)


def slowly(made: Forecasts, start: Float64, half_life: float) -> tuple[Float64, RunningErrors]:
    """The same, one number at a time."""
    known = np.empty_like(made.size)
    mean, count = start.copy(), np.ones(start.shape, dtype=int)
    for window, step, target in np.ndindex(*made.size.shape):
        series, origin = made.series[window], made.origin[window]
        value, seen = start[series, step, target], 1
        for other in range(len(made.origin)):
            truth_is_known = made.series[other] == series and made.origin[other] + step + 1 <= origin
            if truth_is_known and made.known[other, step, target]:
                seen += 1
                value += max(1 / seen, 1 - 0.5 ** (1 / half_life)) * (made.size[other, step, target] - value)
        known[window, step, target] = value
    for window, step, target in np.ndindex(*made.size.shape):
        if made.known[window, step, target]:
            at = made.series[window], step, target
            count[at] += 1
            mean[at] += max(1 / count[at], 1 - 0.5 ** (1 / half_life)) * (made.size[window, step, target] - mean[at])
    return known, RunningErrors(mean, count)


def test_all_series_at_once_give_what_a_slow_loop_gives(panel: Forecasts) -> None:
    start = start_running(np.arange(1.0, 7.0).reshape(3, 2), 3)
    known, end = follow_errors(panel, start, HALF_LIFE)
    expected, last = slowly(panel, start.mean, HALF_LIFE)
    np.testing.assert_allclose(known, expected, rtol=1e-12)
    np.testing.assert_allclose(end.mean, last.mean, rtol=1e-12)
    np.testing.assert_array_equal(end.count, last.count)


@pytest.mark.parametrize("window", [5, 20, 36, 45])
def test_no_error_counts_before_its_truth_is_known(window: int, panel: Forecasts) -> None:
    series, origin = panel.series[window], panel.origin[window]
    truth_at = panel.origin[:, None] + np.arange(1, 4)
    later = (truth_at > origin)[:, :, None] & (panel.series == series)[:, None, None]
    changed = Forecasts(np.where(later, 1e9, panel.size), panel.known, panel.series, panel.origin)
    start = start_running(np.ones((3, 2)), 3)
    known: Any = [follow_errors(made, start, HALF_LIFE)[0][window] for made in (panel, changed)]
    np.testing.assert_array_equal(*known)
