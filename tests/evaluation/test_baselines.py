"""Naive forecasts: numbers worked out by hand."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from spline_lstm.evaluation.baselines import last_value, moving_average, naive_forecasts, seasonal_naive
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Float64

NOT_KNOWN = float("nan")


def history(*values: float) -> Float64:
    """One window with one target."""
    return np.array(values)[None, :, None]


def test_last_value_repeats_the_last_value() -> None:
    assert last_value(history(1, 2, 3), 2).tolist() == [[[3], [3]]]


def test_moving_average_repeats_the_mean_of_the_last_steps() -> None:
    assert moving_average(history(100, 2, 4), 2, width=2).tolist() == [[[3], [3]]]


def test_moving_average_leaves_out_what_lies_before_the_series() -> None:
    assert moving_average(history(NOT_KNOWN, 2, 4), 1, width=3).tolist() == [[[3]]]


@pytest.mark.parametrize(
    ("horizon", "season", "expected"),
    [(2, 3, [2, 3]), (3, 3, [2, 3, 4]), (5, 3, [2, 3, 4, 2, 3]), (3, 1, [4, 4, 4]), (4, 4, [1, 2, 3, 4])],
)
def test_seasonal_naive_repeats_the_last_season(horizon: int, season: int, expected: list[float]) -> None:
    assert seasonal_naive(history(1, 2, 3, 4), horizon, season)[0, :, 0].tolist() == expected


def test_seasonal_naive_takes_the_last_value_where_history_is_shorter_than_the_season() -> None:
    assert seasonal_naive(history(1, 2, 3, 4), 4, season=6)[0, :, 0].tolist() == [4, 4, 1, 2]


def test_seasonal_naive_takes_the_last_value_where_the_series_has_not_begun() -> None:
    assert seasonal_naive(history(NOT_KNOWN, NOT_KNOWN, 3, 4), 4, season=4)[0, :, 0].tolist() == [4, 4, 3, 4]


def test_targets_are_forecast_by_themselves() -> None:
    two = np.array([[[1, 10], [2, 20], [3, 30]]])
    assert seasonal_naive(two, 2, season=2).tolist() == [[[2, 20], [3, 30]]]


@pytest.fixture(scope="module")
def bundle(prepare_table: Any, make_table: Any) -> ModelInput:
    """Two series, windows of lookback 6 and horizon 3."""
    bundle: ModelInput = prepare_table(make_table(steps=60))
    return bundle


@pytest.mark.parametrize("season", [2, 6, 24])
def test_on_windows_the_season_may_be_longer_than_the_lookback(bundle: ModelInput, season: int) -> None:
    windows = np.arange(len(bundle.X))
    forecast = naive_forecasts(bundle, windows, season)["seasonal_naive"]
    for window, origin in enumerate(bundle.window_origin):
        start = np.argmax(bundle.row_series == bundle.window_series[window])
        for step in range(3):
            row = origin + 1 + step % season - season
            assert forecast[window, step, 0] == bundle.raw_target[row if row >= start else origin, 0]


def test_on_windows_the_last_value_is_that_of_the_origin(bundle: ModelInput) -> None:
    forecast = naive_forecasts(bundle, np.arange(len(bundle.X)), 24)["last_value"]
    np.testing.assert_array_equal(forecast[:, 2], bundle.raw_target[bundle.window_origin])


def test_on_windows_the_moving_average_is_that_of_the_lookback(bundle: ModelInput) -> None:
    forecast = naive_forecasts(bundle, np.array([5]), 24)["moving_average"]
    origin = bundle.window_origin[5]
    np.testing.assert_allclose(forecast[0, :, 0], bundle.raw_target[origin - 5 : origin + 1].mean())


def test_nothing_after_the_origin_is_looked_at(bundle: ModelInput) -> None:
    changed = bundle.raw_target.copy()
    changed[bundle.window_origin[5] + 1 :] = -999
    before = naive_forecasts(bundle, np.array([5]), 24)
    after = naive_forecasts(dataclasses.replace(bundle, raw_target=changed), np.array([5]), 24)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
