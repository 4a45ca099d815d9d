"""A table that no schema describes: what its columns are taken for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import TableError, TimeAxisError, ValuesError
from spline_lstm.series.first_look import profile_table
from spline_lstm.series.profile import TableProfile


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    """Daily sales of two shops, in text as it comes from CSV: other names, ids in numbers, a column for each role."""
    days = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    random = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "country": "CH", "shop": str(shop), "day": days, "kind": kind,
                "sold": [f"{value:.2f}" for value in random.normal(50, 5, 60)],
                "price": [f"{value:.2f}" for value in random.normal(9, 1, 60)],
                "weather": random.choice(["dry", "wet"], 60), "note": [f"note {number}" for number in range(60)],
                "empty": "",
            }
        )
        for shop, kind in ((1, "big"), (2, "small"))
    ]  # fmt: skip
    parts[0].loc[[10, 11, 12], "sold"] = ""
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def profile(sales: pd.DataFrame) -> TableProfile:
    return profile_table(sales)


def roles(table: pd.DataFrame) -> dict[str, str]:
    return {item.name: item.role for item in profile_table(table).columns}


def test_columns_are_taken_for_what_they_seem_to_be(sales: pd.DataFrame) -> None:
    assert roles(sales.drop(columns="kind")) == {
        "country": "not used", "shop": "series id", "day": "timestamp", "sold": "target",
        "price": "dynamic covariate", "weather": "dynamic covariate", "note": "not used", "empty": "not used",
    }  # fmt: skip


def test_labels_tell_series_apart_before_numbers_do(profile: TableProfile) -> None:
    found = {item.name: item.role for item in profile.columns}
    assert (found["kind"], found["shop"]) == ("series id", "not used")


def test_two_columns_may_tell_series_apart(sales: pd.DataFrame) -> None:
    both = [sales.assign(chain=chain).replace({"kind": {"big": "a", "small": "b"}}) for chain in ("x", "y")]
    four = pd.concat(both, ignore_index=True).drop(columns="shop")
    assert profile_table(four).series_id == ("kind", "chain")


def test_one_series_needs_no_id(sales: pd.DataFrame) -> None:
    assert profile_table(sales.head(60)).series_id == ()


def test_a_category_that_is_constant_in_a_series_is_static(sales: pd.DataFrame) -> None:
    third = sales.head(60).assign(shop="3")
    found = roles(pd.concat([sales, third], ignore_index=True))
    assert (found["shop"], found["kind"]) == ("series id", "static covariate")


def test_a_column_named_target_is_the_target(sales: pd.DataFrame) -> None:
    assert roles(sales.rename(columns={"price": "target"}))["target"] == "target"


def test_gaps_and_steps_are_counted(profile: TableProfile) -> None:
    assert (profile.grid.frequency.alias, profile.longest, profile.longest_gap) == ("D", 60, 3)
    assert profile.missing_ratio == pytest.approx(3 / 60)
    assert (profile.days, profile.step_seconds) == (59, 86_400)


def test_the_share_of_missing_cells_is_that_of_the_table(profile: TableProfile) -> None:
    missing = {item.name: item.missing for item in profile.columns}
    assert (missing["sold"], missing["price"], missing["empty"]) == (3 / 120, 0, 1)


def test_a_parquet_with_types_is_read_like_a_csv(sales: pd.DataFrame, profile: TableProfile) -> None:
    typed = sales.assign(day=pd.to_datetime(sales["day"]), sold=pd.to_numeric(sales["sold"]))
    found = [(item.name, item.role, item.missing) for item in profile_table(typed).columns]
    assert found == [(item.name, item.role, item.missing) for item in profile.columns]


Change = Callable[[pd.DataFrame], pd.DataFrame]
REFUSED: dict[str, tuple[Change, type[Exception], int, str]] = {
    "no rows": (lambda table: table.head(0), TableError, 10, "the table has a header but no rows"),
    "no timestamps": (lambda table: table.drop(columns="day"), TimeAxisError, 11, "no column holds timestamps"),
    "a broken timestamp": (
        lambda table: table.rename(columns={"day": "timestamp"}).replace({"timestamp": {"2024-01-03": "soon"}}),
        TimeAxisError, 11, "row 4, column 'timestamp': 'soon' is not a timestamp",
    ),
    "no numbers": (
        lambda table: table.drop(columns=["sold", "price"]), TableError, 10, "no column of numbers that vary",
    ),
    "no id": (
        lambda table: table.drop(columns=["shop", "kind"]), TimeAxisError, 11,
        "no columns tell series apart",
    ),
    "infinite": (lambda table: table.replace({"price": {table["price"][5]: "inf"}}), ValuesError, 12, "is infinite"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_cannot_be_used_is_refused(name: str, sales: pd.DataFrame, refuses: Any) -> None:
    change, error, exit_code, message = REFUSED[name]
    with refuses(error, exit_code, message):
        profile_table(change(sales))


def test_a_table_without_a_header_is_refused(refuses: Any) -> None:
    table = pd.DataFrame({"2020-01-01": ["2020-01-02", "2020-01-03"], "100.38": ["101.2", "99.1"]})
    with refuses(TableError, 10, "row 1 looks like data ('2020-01-01', '100.38'); add a row with the columns' names"):
        profile_table(table)


def test_a_column_of_bytes_is_refused_by_name(make_table: Any, refuses: Any) -> None:
    table = make_table(series=("EWR",)).assign(blob=[b"\xff"] * 60)
    with refuses(TableError, 10, "column 'blob' holds bytes"):
        profile_table(table)


def test_months_beside_their_sum_are_parts_of_the_time_and_the_sum_is_left_out() -> None:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    values = 10 + np.random.default_rng(0).normal(size=(20, 12)).round(2)
    table = pd.DataFrame(values, columns=months).assign(Annual=values.sum(axis=1))
    table.insert(0, "Year", range(1980, 2000))
    profile = profile_table(table)
    assert profile.spec.wide_cols == tuple(months)
    assert (len(profile.grid.series), profile.series_id) == (240, ())
    assert "columns that are not parts of the time are not used: Annual" in profile.unusual


def test_a_time_of_day_with_dots_joins_the_date() -> None:
    hours = pd.date_range("2004-03-10", periods=400, freq="h")
    table = pd.DataFrame(
        {"Date": hours.strftime("%d/%m/%Y"), "Time": hours.strftime("%H.%M.%S"), "CO(GT)": np.arange(400) % 24 + 0.5}
    )
    profile = profile_table(table)
    assert (profile.spec.timestamp_col, profile.series_id) == (("Date", "Time"), ())
    assert profile.step_seconds == 3_600


def test_numbers_that_count_the_parts_of_a_day_are_said_to_do_so() -> None:
    days = pd.date_range("2020-01-01", periods=40).repeat(48)
    table = pd.DataFrame(
        {"date": days.strftime("%Y-%m-%d"), "period": list(range(1, 49)) * 40, "load": np.arange(1920) % 7}
    )
    profile = profile_table(table)
    assert profile.series_id == ("period",)
    assert any(
        "column 'period' has 48 numbers for each time: if they are parts of a day" in line for line in profile.unusual
    )
