"""Wide tables become long ones."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import ParameterError, TableError
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.layout import make_long, part_of_columns
from spline_lstm.series.reading import read_observations

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@pytest.fixture
def wide() -> pd.DataFrame:
    days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    return pd.DataFrame({"timestamp": days, "a": ["1", "2", ""], "b": ["4", "5", "6"], "wind": ["7", "8", "9"]})


@pytest.fixture
def read(make_parameters: Any, make_schema: Any) -> Any:
    def run(table: pd.DataFrame, schema: dict[str, Any] | None = None, **changes: Any) -> Any:
        spec = make_parameters(layout="wide", **changes).part(TableSpec)
        return read_observations(table, make_schema(dynamic_covariates=[], **(schema or {})), spec)

    return run


def test_columns_become_series_of_one_target(read: Any, wide: pd.DataFrame) -> None:
    observed = read(wide.drop(columns="wind"))
    assert observed.series_names == ("a", "b")
    np.testing.assert_array_equal(observed.values[:, 0], [1, 2, np.nan, 4, 5, 6])


def test_other_columns_stay_beside_each_series(make_parameters: Any, make_schema: Any, wide: pd.DataFrame) -> None:
    spec = make_parameters(layout="wide", wide_cols="a+b", feature_mode="multivariate").part(TableSpec)
    observed = read_observations(wide, make_schema(dynamic_covariates=[{"name": "wind"}]), spec)
    np.testing.assert_array_equal(observed.values[:, 1], [7, 8, 9, 7, 8, 9])


def test_a_bad_cell_is_named_by_its_row_in_the_wide_table(read: Any, wide: pd.DataFrame, refuses: Any) -> None:
    with refuses(TableError, 10, "row 3, column 'target': 'x' is not a number"):
        read(wide.replace("5", "x"))


def test_twelve_months_beside_a_year_are_one_series(read: Any) -> None:
    table = pd.DataFrame(np.arange(24).reshape(2, 12), columns=MONTHS).assign(YEAR=["1950", "1951"])
    observed = read(table, timestamp_col="YEAR")
    assert observed.series_names == ("series",)
    assert observed.values[:, 0].tolist() == list(range(24))
    assert str(observed.timestamps[13].astype("datetime64[ns]"))[:10] == "1951-02-01"


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (MONTHS, "month"), ([str(number) for number in range(1, 13)], "month"),
        (["Qtr1", "Qtr2", "Qtr3", "Qtr4"], "quarter"),
        ([f"{hour}:00" for hour in range(24)], "hour"), ([f"{hour:02}:00:00" for hour in range(24)], "hour"),
        ([f"H{hour}" for hour in range(24)], "hour"), ([f"hour_{hour}" for hour in range(1, 25)], "hour"),
        (["a", "b"], None), (MONTHS[:11], None),
    ],
)  # fmt: skip
def test_months_quarters_and_hours_are_parts_of_the_time(names: list[str], part: str | None) -> None:
    found = part_of_columns(tuple(names))
    assert (found[0] if found else None) == part


def test_years_and_months_of_several_stations_are_several_series(read: Any) -> None:
    table = pd.DataFrame(np.arange(24).reshape(2, 12), columns=MONTHS).assign(year="1950", place=["x", "y"])
    assert read(table, timestamp_col="year", series_id_cols="place").series_names == ("x", "y")


@pytest.mark.parametrize(
    ("changes", "error", "code", "message"),
    [
        ({"target_cols": "a+b"}, ParameterError, 2, "name them with wide_cols=a+b"),
        ({"wide_cols": "a+z"}, TableError, 10, "column 'z' is missing; found: timestamp, a, b, wind"),
        ({"wide_cols": "a", "target_cols": "b"}, TableError, 10, "the long table has a column 'b' of its own"),
    ],
)
def test_what_cannot_be_melted_is_refused(
    changes: Any, error: Any, code: int, message: str, read: Any, wide: pd.DataFrame, refuses: Any
) -> None:
    with refuses(error, code, message):
        read(wide, **changes)


def test_a_long_table_stays_as_it_is(wide: pd.DataFrame, make_parameters: Any, default_schema: Any) -> None:
    spec = make_parameters().part(TableSpec)
    assert make_long(wide, default_schema, spec)[0] is wide
