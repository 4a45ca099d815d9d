from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.errors import InsufficientDataError, ParameterError
from spline_lstm.series.frequency import infer_frequency, parse_frequency
from spline_lstm.series.grid import Grid

GridOf = Callable[..., Grid]
Refuses = Callable[..., Any]
STEPS = ["7s", "15min", "h", "D", "3D", "B", "W", "MS", "ME", "2MS", "QS", "QE", "YS", "YE", "BMS", "BME", "BQE"]


def days(*texts: str) -> pd.DataFrame:
    """Lay out a table of one series with these timestamps."""
    return pd.DataFrame({"timestamp": texts, "target": np.arange(len(texts), dtype=float)})


def stamps_of(grid: Grid) -> list[str]:
    return [str(stamp) for stamp in grid.timestamps.astype("datetime64[ns]").astype("datetime64[m]")]


def nanoseconds(index: pd.DatetimeIndex) -> np.ndarray:
    return index.as_unit("ns").asi8


@pytest.mark.parametrize("freq", STEPS)
def test_the_step_is_inferred(freq: str, grid_table: GridOf, make_table: Callable[..., pd.DataFrame]) -> None:
    grid = grid_table(make_table(steps=30, freq=freq))
    assert (grid.frequency.alias, grid.absent_rows) == (freq, 0)


@pytest.mark.parametrize("freq", STEPS)
def test_an_inferred_step_is_the_one_that_its_alias_names(
    freq: str, grid_table: GridOf, make_table: Callable[..., pd.DataFrame]
) -> None:
    frequency = grid_table(make_table(steps=30, freq=freq)).frequency
    assert parse_frequency(frequency.alias) == frequency


@given(
    freq=st.sampled_from([*STEPS, "W-WED", "500ms"]),
    start=st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2030-01-01")),
    steps=st.integers(1, 40),
)
def test_the_grid_is_that_of_pandas(freq: str, start: Any, steps: int) -> None:
    index = pd.date_range(start, periods=steps, freq=freq)
    frequency, stamps = parse_frequency(freq), nanoseconds(index)
    starts = np.full(steps, stamps[0])
    positions, on_grid = frequency.positions(stamps, starts)
    np.testing.assert_array_equal(positions, np.arange(steps))
    assert on_grid.all()
    np.testing.assert_array_equal(frequency.timestamps(starts, positions), stamps)


@pytest.mark.parametrize(
    ("dates", "alias"),
    [
        (["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15"], "MS"),
        (["2023-04-30", "2023-05-30", "2023-06-30", "2023-07-30"], "MS"),
        (["2023-02-28", "2023-03-28", "2023-04-28", "2023-05-28"], "MS"),
        (["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], "ME"),
        (["2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"], "ME"),
        (["2023-03-15", "2023-06-15", "2023-09-15", "2023-12-15"], "QS"),
        (["2020-06-30", "2021-06-30", "2022-06-30", "2023-06-30"], "YE"),
        (["2024-05-31", "2024-06-28", "2024-07-31", "2024-08-30"], "BME"),
        (["2024-05-01", "2024-06-03", "2024-07-01", "2024-08-01"], "BMS"),
    ],
)
def test_months_are_steps_without_false_gaps(dates: list[str], alias: str, grid_table: GridOf) -> None:
    grid = grid_table(days(*dates))
    assert (grid.frequency.alias, grid.absent_rows) == (alias, 0)
    assert stamps_of(grid) == [f"{date}T00:00" for date in dates]


def test_an_absent_month_end_is_put_on_the_last_day(grid_table: GridOf) -> None:
    grid = grid_table(days("2024-01-31", "2024-03-31", "2024-04-30", "2024-05-31", "2024-06-30"))
    assert stamps_of(grid)[1] == "2024-02-29T00:00"


def test_the_thirtieth_of_each_month_falls_on_the_last_day_of_february(grid_table: GridOf) -> None:
    grid = grid_table(days("2023-01-30", "2023-02-28", "2023-03-30"), freq="MS")
    assert grid.absent_rows == 0


def test_weekends_are_no_gaps_between_business_days(grid_table: GridOf) -> None:
    dates = pd.bdate_range("2024-01-01", periods=20).strftime("%Y-%m-%d").drop("2024-01-10")
    grid = grid_table(days(*dates))
    assert (grid.frequency.alias, grid.absent_rows) == ("B", 1)
    assert stamps_of(grid)[7] == "2024-01-10T00:00"


def test_daily_steps_that_miss_a_weekend_stay_daily(grid_table: GridOf) -> None:
    grid = grid_table(days("2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"))
    assert (grid.frequency.alias, grid.absent_rows) == ("D", 2)


def test_sub_second_steps_are_named(grid_table: GridOf) -> None:
    assert grid_table(days("2024-01-01 00:00:00.0", "2024-01-01 00:00:00.5")).frequency.alias == "500ms"


def test_the_most_frequent_step_wins() -> None:
    frequency = infer_frequency(np.array([0, 0, 0, 0, 1]), np.array([0, 10, 20, 50, 0]))
    assert (frequency.kind, frequency.step) == ("fixed", 10)


@pytest.mark.parametrize(
    "alias", ["hour", "0h", "-1h", "1.5h", "2B", "H1", "99999999999W", "9" * 30 + "h", "9999999YS"]
)
def test_an_unknown_frequency_is_refused_with_those_allowed(alias: str, refuses: Refuses) -> None:
    with refuses(ParameterError, 2, f"parameter 'freq' is '{alias}'; a pandas offset is needed: W, D, h, min, s"):
        parse_frequency(alias)


@pytest.mark.parametrize(("freq", "steps"), [("D", 110_000), ("YS", 310)])
def test_series_of_more_than_292_years_are_counted_exactly(freq: str, steps: int) -> None:
    stamps = nanoseconds(pd.date_range("1700-01-01", periods=steps, freq=freq, unit="us"))
    positions, on_grid = parse_frequency(freq).positions(stamps, np.full(steps, stamps[0]))
    np.testing.assert_array_equal(positions, np.arange(steps))
    assert on_grid.all()


def test_one_row_a_series_has_no_step(grid_table: GridOf, refuses: Refuses) -> None:
    with refuses(InsufficientDataError, 26, "no series of two rows or more"):
        grid_table(days("2024-01-01"))
