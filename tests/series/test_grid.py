from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import TimeAxisError, ValuesError
from spline_lstm.series.grid import Grid

GridOf = Callable[..., Grid]
Refuses = Callable[..., Any]


def days(*texts: str) -> pd.DataFrame:
    """Lay out a table of one series with these timestamps."""
    return pd.DataFrame({"timestamp": texts, "target": np.arange(len(texts), dtype=float)})


@pytest.mark.parametrize(
    ("dates", "freq", "found"),
    [
        (
            ["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:17", "2024-01-01 03:00", "2024-01-01 04:00"],
            None,
            "2024-01-01T02:17 after 2024-01-01T01:00 is off the grid of step h (1 such rows)",
        ),
        (["2024-01-01", "2024-02-01", "2024-02-15"], "MS", "2024-02-15 after 2024-02-01 is off the grid of step MS"),
        (["2024-01-31", "2024-02-29", "2024-03-30"], "ME", "2024-03-30 after 2024-02-29 is off the grid of step ME"),
        (["2024-01-15", "2024-02-15"], "ME", "2024-01-15 at the start is off the grid of step ME (2 such rows)"),
        (["2024-01-05", "2024-01-06"], "B", "2024-01-06 after 2024-01-05 is off the grid of step B"),
        (["2024-01-06", "2024-01-08"], "B", "2024-01-06 at the start is off the grid of step B"),
        (["2024-01-01", "2024-01-02 01:00"], "B", "2024-01-02T01:00 after 2024-01-01 is off the grid"),
    ],
)
def test_a_timestamp_off_the_grid_is_refused_with_the_first_offending_pair(
    dates: list[str], freq: str | None, found: str, grid_table: GridOf, refuses: Refuses
) -> None:
    with refuses(TimeAxisError, 11, "raw_table, column 'timestamp', series 'series': ", found):
        grid_table(days(*dates), freq=freq)


def test_each_series_has_a_grid_of_its_own(grid_table: GridOf, make_table: Callable[..., pd.DataFrame]) -> None:
    table = make_table(steps=4)
    table.loc[4:, "timestamp"] += pd.Timedelta("17min")
    assert grid_table(table).absent_rows == 0


def test_absent_rows_are_put_in_as_missing(grid_table: GridOf, make_table: Callable[..., pd.DataFrame]) -> None:
    grid = grid_table(make_table(steps=8, absent=(2, 3)))
    assert grid.absent_rows == 4
    np.testing.assert_array_equal(grid.borders, [0, 8, 16])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(grid.values[:, 0])), [2, 3, 10, 11])


def test_observed_values_stay_as_they_are(grid_table: GridOf, make_table: Callable[..., pd.DataFrame]) -> None:
    table = make_table(steps=8, absent=(2, 3))
    grid = grid_table(table)
    np.testing.assert_array_equal(grid.values[~np.isnan(grid.values[:, 0]), 0], table["target"])


def test_more_absent_rows_than_the_limit_are_refused(
    grid_table: GridOf, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    table = make_table(steps=12, absent=(3, 4, 5))
    assert grid_table(table, max_gap=3).absent_rows == 6
    with refuses(ValuesError, 12, "series 'EWR': 3 rows are absent after 2024-01-01T02:00; at most max_gap=2"):
        grid_table(table, max_gap=2)


def test_rows_without_targets_at_either_end_are_trimmed(
    grid_table: GridOf, make_table: Callable[..., pd.DataFrame]
) -> None:
    grid = grid_table(make_table(steps=8, gaps={"target": [0, 1, 3, 7]}))
    assert grid.trimmed_rows == 6
    np.testing.assert_array_equal(grid.borders, [0, 5, 10])
    assert np.isnan(grid.values[1, 0])


def test_the_first_and_last_row_have_all_targets(grid_table: GridOf, make_table: Callable[..., pd.DataFrame]) -> None:
    table = make_table(steps=8, gaps={"target": [0], "humidity": [7]})
    grid = grid_table(table, target_cols="target+humidity")
    assert not np.isnan(grid.values[[0, 5, 6, 11], :2]).any()


def test_a_series_without_any_target_is_refused(
    grid_table: GridOf, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    table = make_table(steps=4)
    table.loc[4:, "target"] = np.nan
    with refuses(ValuesError, 12, "column 'target', series 'JFK': no row has a value"):
        grid_table(table)
