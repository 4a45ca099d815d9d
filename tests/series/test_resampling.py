"""Irregular readings on the grid: each point from what was read up to it, nothing later."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.series.columns import ReadingSpec, Resample
from spline_lstm.series.frequency import parse_frequency
from spline_lstm.series.observations import Observations, make_observations
from spline_lstm.series.resampling import _next_points, resample

SECOND = 1_000_000_000
NOW = pd.Timestamp("2024-01-01").value


def observe(select_from: Any, seconds: list[int], values: list[float]) -> Observations:
    stamps = pd.to_datetime(NOW + np.array(seconds) * SECOND)
    table = pd.DataFrame({"timestamp": stamps, "target": values})
    return make_observations(table, select_from(table), ReadingSpec(duplicates="last"))


def points(observed: Observations) -> dict[int, float]:
    return {
        int(stamp - NOW) // SECOND: value
        for stamp, value in zip(observed.timestamps, observed.values[:, 0], strict=True)
    }


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("last", {0: 1, 60: 3, 120: 4, 240: 6}),
        ("mean", {0: 1, 60: 2.5, 120: 4, 240: 5.5}),
        ("sum", {0: np.nan, 60: 5, 120: 4, 240: np.nan}),
    ],
)
def test_a_point_takes_the_readings_after_the_point_before_up_to_itself(
    how: Resample, expected: dict[int, float], select_from: Any
) -> None:
    observed = observe(select_from, [0, 1, 60, 61, 181, 239], [1, 2, 3, 4, 5, 6])
    assert points(resample(observed, "min", how)) == pytest.approx(expected, nan_ok=True)


def test_the_last_sum_counts_where_a_reading_falls_on_its_point(select_from: Any) -> None:
    observed = observe(select_from, [30, 90, 180], [1, 2, 3])
    assert points(resample(observed, "min", "sum"))[180] == 3


READINGS = st.lists(st.tuples(st.integers(0, 3_000), st.floats(-1e6, 1e6)), min_size=1, max_size=60)


@given(first=READINGS, one=READINGS, other=READINGS, how=st.sampled_from(["last", "mean"]))
def test_nothing_after_a_point_changes_it_by_a_bit(
    first: Any, one: Any, other: Any, how: Any, select_from: Any
) -> None:
    def past(later: list[tuple[int, float]]) -> bytes:
        rows = [*first, *((3_060 + seconds, value) for seconds, value in later)]
        made = resample(observe(select_from, *map(list, zip(*rows, strict=True))), "min", how)
        seen = made.timestamps <= NOW + 3_000 * SECOND
        return made.timestamps[seen].tobytes() + made.values[seen].tobytes()

    assert past(one) == past(other)


@given(
    stamp=st.integers(pd.Timestamp("1900-01-01").value, pd.Timestamp("2200-01-01").value),
    freq=st.sampled_from(["min", "7min", "h", "D", "W", "2W", "B", "MS", "ME", "QS", "QE", "YS", "YE", "BMS", "BME"]),
)
def test_the_next_point_is_the_first_that_is_not_before(stamp: int, freq: str) -> None:
    frequency = parse_frequency(freq)
    point = _next_points(np.array([stamp]), frequency)
    assert point[0] >= stamp
    assert _next_points(point, frequency)[0] == point[0]
    assert _next_points(point - 1, frequency)[0] == point[0]
    after = _next_points(point + 1, frequency)
    positions, on_grid = frequency.positions(after, point)
    assert (positions[0], on_grid[0]) == (1, True)


def test_without_it_rows_stay_as_they_are(select_from: Any) -> None:
    observed = observe(select_from, [0, 7], [1, 2])
    assert resample(observed, None, "none") is observed


def test_a_sum_adds_up_targets_and_takes_the_mean_of_covariates(make_table: Any, observe_table: Any) -> None:
    table = make_table(series=("EWR",), freq="15min", steps=80).assign(target=1.0, dew_point=20.0)
    joined = resample(observe_table(table, feature_mode="multivariate"), "h", "sum")
    assert np.nanmax(joined.values[:, 0]) == 4
    assert set(joined.values[:, 1].tolist()) == {20.0}
