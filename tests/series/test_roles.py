"""What the columns of a stranger's table are taken for, and how it is read."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import TableError, TimeAxisError
from spline_lstm.series.first_look import profile_table
from spline_lstm.series.profile import TableProfile
from spline_lstm.series.roles import is_wide, kind_of, outliers

DAYS = pd.date_range("2023-01-01", periods=60).strftime("%Y-%m-%d")
RANDOM = np.random.default_rng(0)


def panel(**labels: list[Any]) -> pd.DataFrame:
    """Lay out daily sales of every combination of labels, in text as it comes from CSV."""
    parts = pd.MultiIndex.from_product(labels.values(), names=list(labels)).to_frame(index=False)
    table = parts.merge(pd.DataFrame({"date": DAYS}), how="cross")
    table["sales"] = RANDOM.normal(50, 5, len(table)).round(2)
    return table.astype("str")


def ids(table: pd.DataFrame, **given: Any) -> tuple[str, ...]:
    return profile_table(table, given).series_id


def test_numbers_that_label_series_are_told_from_readings() -> None:
    table = panel(store=[1, 2, 3], item=[10, 20]).assign(
        sensor=lambda rows: RANDOM.integers(0, 40, len(rows)).astype(str)
    )
    assert set(ids(table)) == {"store", "item"}


def test_three_columns_may_be_needed() -> None:
    assert set(ids(panel(country=["A", "B"], store=["x", "y"], item=["1", "2"]))) == {"country", "store", "item"}


def test_of_a_thousand_labels_the_right_column_is_taken() -> None:
    table = panel(unique_id=[f"id{number}" for number in range(300)])
    table["note"] = [f"n{number % 977}" for number in range(len(table))]
    assert ids(table) == ("unique_id",)


def test_a_few_repeated_rows_are_no_series(make_table: Any) -> None:
    table = make_table(steps=200, series=("EWR",)).drop(columns="station").assign(sensor=range(200))
    found = profile_table(pd.concat([table, table.iloc[[50]]], ignore_index=True))
    assert found.series_id == ()
    assert found.spec.duplicates == "first"
    assert "rows 52 and 202 are alike; 1 such row in all" in found.unusual[0]


def test_repeated_rows_that_differ_are_averaged(make_table: Any) -> None:
    table = make_table(steps=200, series=("EWR",)).drop(columns="station")
    found = profile_table(pd.concat([table, table.iloc[[50]].assign(target=1.0)]))
    assert found.spec.duplicates == "mean"


def test_many_repeated_times_without_labels_are_refused_with_what_to_type(refuses: Any) -> None:
    with refuses(TimeAxisError, 11, "60 rows have the time of another one", "series_id_cols=...", "duplicates=mean"):
        profile_table(panel(store=["a", "b"]).drop(columns="store"))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"date": DAYS}, ("date",)),
        ({"value": range(1900, 1960), "date": DAYS}, ("date",)),
        ({"created": DAYS, "timestamp": DAYS}, ("timestamp",)),
        ({"created_at": DAYS, "updated_at": DAYS}, ("created_at",)),
        ({"YEAR": range(1900, 1960)}, ("YEAR",)),
        ({"": range(1900, 1960)}, ("",)),
        ({"date": np.repeat(DAYS[:3], 20), "hour": [*range(20)] * 3}, ("date", "hour")),
        ({"year": np.repeat(range(1960, 1975), 4), "quarter": [1, 2, 3, 4] * 15}, ("year", "quarter")),
        ({"Year": np.repeat(range(1960, 1965), 12), "Month": [*range(1, 13)] * 5, "week": 1}, ("Year", "Month")),
    ],
)
def test_the_columns_of_the_time_are_found(columns: dict[str, Any], expected: tuple[str, ...]) -> None:
    columns = {name or "index": cells for name, cells in columns.items()}
    table = pd.DataFrame({**columns, "y": RANDOM.normal(size=60)}).astype("str")
    found = profile_table(table)
    assert found.spec.timestamp_col == tuple(name or "index" for name in expected)
    assert found.spec.target_cols == ("y",)


def look(cells: dict[str, Any], rows: int = 120) -> TableProfile:
    days = pd.date_range("2023-01-01", periods=rows).strftime("%Y-%m-%d")
    return profile_table(pd.DataFrame({"date": days, **cells}))


def test_numbered_columns_are_series_and_others_are_not() -> None:
    waves = {f"sensor{number}": RANDOM.normal(20, 5, 120) for number in range(4)}
    found = look(waves)
    assert (found.spec.layout, found.grid.series_names) == ("wide", tuple(waves))
    assert look({"load": RANDOM.normal(20, 5, 120), "wind": RANDOM.normal(5, 1, 120)}).spec.layout == "long"


def test_a_target_may_be_named_where_columns_are_numbered() -> None:
    waves = {f"sensor{number}": RANDOM.normal(20, 5, 120) for number in range(4)}
    table = pd.DataFrame({"date": pd.date_range("2023-01-01", periods=120), **waves})
    assert profile_table(table, {"target_cols": ("sensor2",)}).spec.target_cols == ("sensor2",)


def test_names_that_usually_say_so_are_the_target_and_counters_never_are() -> None:
    found = look(
        {"no": range(120), "flag": [0, 1] * 60, "wind": RANDOM.normal(size=120), "load": RANDOM.normal(size=120)}
    )
    assert found.spec.target_cols == ("load",)
    assert "others that vary: wind" in found.reasons["target_cols"]


def test_readings_off_the_grid_are_put_on_it() -> None:
    stamps = pd.date_range("2024-01-01 00:00:03", periods=600, freq="min").to_numpy().copy()
    stamps[300:] += np.timedelta64(17, "s")
    found = profile_table(pd.DataFrame({"time": stamps, "y": RANDOM.normal(size=600)}))
    assert (found.spec.resample, found.spec.freq) == ("mean", "min")
    assert "is off the grid of step min" in found.unusual[0]


def test_business_days_with_holidays_are_business_days() -> None:
    days = pd.bdate_range("2020-01-01", periods=300).delete([40, 41, 200])
    found = profile_table(pd.DataFrame({"Date": days.strftime("%d-%b-%y"), "Close": RANDOM.normal(size=297)}))
    assert (found.grid.frequency.alias, found.longest_gap) == ("B", 2)


def test_a_column_that_is_nearly_numbers_says_why_it_is_not_used() -> None:
    found = look({"y": RANDOM.normal(size=120), "wind": ["1"] * 119 + ["calm"]})
    assert "row 121, column 'wind': 'calm' is not a number" in found.unusual[0]


def test_a_target_that_is_nearly_numbers_is_refused_for_its_cell(refuses: Any) -> None:
    with refuses(TableError, 10, "row 121, column 'y': '1,5' is not a number; use a decimal point"):
        look({"y": ["1"] * 119 + ["1,5"]})


def test_too_many_columns_are_refused_in_one_line(refuses: Any) -> None:
    table = pd.DataFrame(np.zeros((1, 10_001)), columns=[f"c{number}" for number in range(10_001)])
    with refuses(TableError, 10, "10001 columns; at most 10000 can be looked at"):
        profile_table(table)


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ([*RANDOM.normal(10, 2, 500), 1048.0], [500]),
        ([*RANDOM.exponential(1, 500)], []),
        ([*RANDOM.normal(10, 2, 500)], []),
        ([5.0] * 500 + [6.0], []),
        ([1.0, 1000.0], []),
    ],
)
def test_what_lies_far_from_everything_else_is_an_outlier(values: list[float], rows: list[int]) -> None:
    assert outliers(np.array(values)).tolist() == rows


def test_a_table_with_a_column_named_target_is_not_wide() -> None:
    names = ["target", *(f"a{letter}" for letter in "bcdefghijk")]
    numbers = {name: kind_of(pd.Series(np.random.default_rng(0).normal(5, 1, 50)), name) for name in names}
    assert not is_wide(numbers, 0, np.arange(50))


def test_a_minimum_is_no_minute_and_a_month_of_other_numbers_no_month() -> None:
    found = look(
        {"min": RANDOM.normal(size=120), "max": RANDOM.normal(size=120), "month": RANDOM.normal(size=120) * 100}
    )
    assert found.spec.target_cols == ("min",)
    assert "others that vary: max, month" in found.reasons["target_cols"]


def test_what_stands_above_the_header_is_said() -> None:
    table = pd.DataFrame({"date": pd.date_range("2023-01-01", periods=99), "y": RANDOM.normal(size=99)})
    found = profile_table(table.set_axis(range(2, 101)))
    assert found.unusual[0] == "the header is row 3; the lines above it are left out"


def across(rows: int, **ids: Any) -> pd.DataFrame:
    """Lay out a table with a column for each year."""
    return pd.DataFrame(RANDOM.normal(size=(rows, 40)), columns=list(map(str, range(1960, 2000)))).assign(**ids)


def test_rows_are_series_where_columns_are_times() -> None:
    found = profile_table(across(3, code=[1, 2, 3], place=["a", "b", "c"]))
    assert (found.series_id, found.grid.series_names, found.longest) == (("place",), ("a", "b", "c"), 40)


def test_rows_without_a_value_are_no_series() -> None:
    table = across(3, place=["a", "b", "c"]).astype("str")
    table.iloc[1, :40] = ".."
    found = profile_table(table)
    assert found.grid.series_names == ("a", "c")
    assert found.unusual[0] == "rows without a value are left out: 3"


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({"place": ["a", "a", "b"]}, "each row seems to be a series, and no columns tell all rows apart"),
        ({}, "no columns tell all rows apart"),
    ],
)
def test_rows_that_nothing_tells_apart_are_refused(ids: dict[str, Any], message: str, refuses: Any) -> None:
    with refuses(TableError, 10, message):
        profile_table(across(3, **ids))


def test_rows_of_months_below_years_are_refused(refuses: Any) -> None:
    months = pd.date_range("2000-01-01", periods=12, freq="MS").strftime("%b")
    with refuses(TableError, 10, "the rows are months, and the columns years; give each year a row of its own"):
        profile_table(across(12, month=months))


def test_columns_named_as_years_beside_a_time_are_series() -> None:
    found = profile_table(across(60, day=pd.date_range("2024-01-01", periods=60)))
    assert (found.spec.timestamp_col, len(found.grid.series_names)) == (("day",), 40)


def test_row_numbers_are_no_covariate() -> None:
    days = pd.date_range("2023-01-01", periods=99)
    found = profile_table(pd.DataFrame({"id": range(99), "day": days, "y": RANDOM.normal(size=99)}))
    assert {column.name: column.role for column in found.columns}["id"] == "not used"


@pytest.mark.parametrize("cell", ["12.5M", "12 p", "~12", "12.5 %"])
def test_a_column_of_nearly_numbers_is_refused_for_its_first_odd_cell(cell: str, refuses: Any) -> None:
    with refuses(TableError, 10, f"row 3, column 'y': '{cell}' is not a number"):
        look({"y": ["1", cell] * 60})


def test_how_numbers_with_marks_are_read_is_said() -> None:
    found = look({"y": [f"{value:,.2f}" for value in range(1000, 1120)], "share": ["12 %", "13 %"] * 60})
    assert found.unusual[:2] == (
        "column 'y': '1,000.00' is read as 1000",
        "column 'share': '12 %' is read as 12",
    )
