"""Naive forecasts: numbers worked out by hand."""

import dataclasses
import tracemalloc
from typing import Any

import numpy as np
import pytest

from spline_lstm.evaluation import baselines
from spline_lstm.evaluation.baselines import BesideNaive, last_value, moving_average, seasonal_ages, seasonal_naive
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Float64

NOT_KNOWN = float("nan")


def one_window(*values: float) -> Float64:
    """One window with one target."""
    return np.array(values)[None, :, None]


def test_last_value_repeats_the_last_value() -> None:
    assert last_value(one_window(3), 2).tolist() == [[[3], [3]]]


def test_moving_average_repeats_the_mean_of_the_last_steps() -> None:
    assert moving_average(one_window(2, 4), 2).tolist() == [[[3], [3]]]


def test_moving_average_leaves_out_what_lies_before_the_series() -> None:
    assert moving_average(one_window(NOT_KNOWN, 2, 4), 1).tolist() == [[[3]]]


@pytest.mark.parametrize(
    ("horizon", "season", "expected"),
    [(2, 3, [2, 1]), (3, 3, [2, 1, 0]), (5, 3, [2, 1, 0, 2, 1]), (3, 1, [0, 0, 0]), (4, 4, [3, 2, 1, 0])],
)
def test_each_step_repeats_the_one_a_season_before(horizon: int, season: int, expected: list[int]) -> None:
    assert seasonal_ages(horizon, season).tolist() == expected


def test_seasonal_naive_takes_the_last_value_where_the_series_has_not_begun() -> None:
    assert seasonal_naive(one_window(NOT_KNOWN, 3, 4), one_window(5)).tolist() == [[[5], [3], [4]]]


def test_targets_are_forecast_by_themselves() -> None:
    two = np.array([[[2, 20], [3, 30]]])
    assert seasonal_naive(two, two[:, -1:]).tolist() == [[[2, 20], [3, 30]]]


def test_a_long_season_takes_no_more_memory_than_a_short_one(bundle: ModelInput) -> None:
    windows = np.tile(np.arange(len(bundle.X)), 200)

    def peak(season: int) -> int:
        tracemalloc.start()
        dict(BesideNaive({}, bundle, windows, season))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)  # what is made once
    assert peak(10_000) < 1.2 * peak(2)


def test_many_windows_are_forecast_as_each_alone(bundle: ModelInput) -> None:
    windows = np.tile(np.arange(len(bundle.X)), 200)
    together, alone = BesideNaive({}, bundle, windows, 24), BesideNaive({}, bundle, windows[:1], 24)
    assert len(windows) > baselines._CHUNK
    for name, forecast in together.items():
        np.testing.assert_array_equal(forecast[:: len(bundle.X)], np.repeat(alone[name], 200, axis=0))


@pytest.fixture(scope="module")
def bundle(prepare_table: Any, make_table: Any) -> ModelInput:
    """Two series, windows of lookback 6 and horizon 3."""
    bundle: ModelInput = prepare_table(make_table(steps=60))
    return bundle


@pytest.mark.parametrize("season", [2, 6, 24])
def test_on_windows_the_season_may_be_longer_than_the_lookback(bundle: ModelInput, season: int) -> None:
    windows = np.arange(len(bundle.X))
    forecast = BesideNaive({}, bundle, windows, season)["seasonal_naive"]
    for window, origin in enumerate(bundle.window_origin):
        start = np.argmax(bundle.row_series == bundle.window_series[window])
        for step in range(3):
            row = origin + 1 + step % season - season
            assert forecast[window, step, 0] == bundle.raw_target[row if row >= start else origin, 0]


def test_on_windows_the_last_value_is_that_of_the_origin(bundle: ModelInput) -> None:
    forecast = BesideNaive({}, bundle, np.arange(len(bundle.X)), 24)["last_value"]
    np.testing.assert_array_equal(forecast[:, 2], bundle.raw_target[bundle.window_origin])


def test_on_windows_the_moving_average_is_that_of_the_lookback(bundle: ModelInput) -> None:
    forecast = BesideNaive({}, bundle, np.array([5]), 24)["moving_average"]
    origin = bundle.window_origin[5]
    np.testing.assert_allclose(forecast[0, :, 0], bundle.raw_target[origin - 5 : origin + 1].mean())


def test_nothing_after_the_origin_is_looked_at(bundle: ModelInput) -> None:
    changed = bundle.raw_target.copy()
    changed[bundle.window_origin[5] + 1 :] = -999
    before = BesideNaive({}, bundle, np.array([5]), 24)
    after = BesideNaive({}, dataclasses.replace(bundle, raw_target=changed), np.array([5]), 24)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_drift_goes_on_along_the_line_from_the_first_value_to_the_last(bundle: ModelInput) -> None:
    forecast = BesideNaive({}, bundle, np.arange(len(bundle.X)), 24)["drift"]
    for window in (0, len(bundle.X) - 1):
        origin = bundle.window_origin[window]
        start = int(np.argmax(bundle.row_series == bundle.window_series[window]))
        last, first = bundle.raw_target[origin, 0], bundle.raw_target[start, 0]
        slope = (last - first) / (origin - start)
        np.testing.assert_allclose(forecast[window, :, 0], last + slope * np.array([1, 2, 3]))


def test_the_seasonal_naive_forecast_with_drift_rises_by_a_season_of_the_line(bundle: ModelInput) -> None:
    made = BesideNaive({}, bundle, np.arange(len(bundle.X)), 2)
    slope = made["drift"][:, 1] - made["drift"][:, 0]
    rise = made["seasonal_naive_with_drift"] - made["seasonal_naive"]
    np.testing.assert_allclose(rise[:, :, 0], slope * np.array([[2, 2, 4]]), atol=1e-9)
