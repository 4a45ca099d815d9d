from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.errors import TableError, ValuesError
from spline_lstm.series.observations import Observations
from spline_lstm.series.schema import CovariateSchema

Observe = Callable[..., Observations]
Refuses = Callable[..., Any]


def text_table(target: list[Any]) -> pd.DataFrame:
    """Lay out a table as a CSV file is read: all cells are text."""
    days = [f"2024-01-{day:02d}" for day in range(1, len(target) + 1)]
    return pd.DataFrame({"timestamp": days, "target": target}, dtype="str")


def test_a_table_without_rows_is_refused(observe_table: Observe, refuses: Refuses) -> None:
    with refuses(TableError, 10, "the table has a header but no rows"):
        observe_table(text_table([]))


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("1,5", "; use a decimal point and no thousands separator"),
        ("1,234.5", "; use a decimal point and no thousands separator"),
        ("1 234", "; use a decimal point and no thousands separator"),
        ("1'234", "; use a decimal point and no thousands separator"),
        ("abc", ""),
        ("0x10", ""),
        ("1_000", ""),
        ("--1", ""),
        ("true", ""),
        ("١٢", ""),
        ("x" * 100, ""),
    ],
)
def test_a_cell_that_is_not_a_number_is_refused(cell: str, hint: str, observe_table: Observe, refuses: Refuses) -> None:
    with refuses(TableError, 10, "row 3, column 'target': '", f"is not a number{hint}"):
        observe_table(text_table(["1", cell, "3"]))


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e999", np.inf])
def test_an_infinite_cell_is_refused(cell: Any, observe_table: Observe, refuses: Refuses) -> None:
    table = text_table(["1", "2", "3"]).astype({"target": object})
    table.loc[1, "target"] = cell
    with refuses(ValuesError, 12, "row 3, column 'target': the value is infinite"):
        observe_table(table)


@pytest.mark.parametrize("cell", ["1e31", "-9.9e36", "1e308"])
def test_a_cell_too_large_to_compute_with_is_refused(cell: str, observe_table: Observe, refuses: Refuses) -> None:
    with refuses(ValuesError, 12, "row 2, column 'target': the value is", "too large to compute with"):
        observe_table(text_table([cell, "2", "3"]))


@pytest.mark.parametrize("cell", ["", " ", "NA", "n/a", "NaN", "null", "None", None])
def test_an_empty_cell_is_missing(cell: str | None, observe_table: Observe) -> None:
    values = observe_table(text_table(["1", cell, "3"])).values
    np.testing.assert_array_equal(values, [[1.0], [np.nan], [3.0]])


@given(st.lists(st.floats(min_value=-1e30, max_value=1e30), min_size=1, max_size=20))
def test_numbers_are_read_to_the_nearest_double(observe_table: Observe, numbers: list[float]) -> None:
    values = observe_table(text_table([f" {number!r}" for number in numbers])).values
    np.testing.assert_array_equal(values[:, 0], numbers)


@pytest.mark.parametrize("cell", ["+1", "1.", ".5", "-.5", "1.e2", "+1E+2", "1e-400"])
def test_every_spelling_of_a_number_is_read(cell: str, observe_table: Observe) -> None:
    assert observe_table(text_table([cell])).values[0, 0] == float(cell)


@given(cell=st.text(max_size=12) | st.from_regex(r"[-+ ]?[\d.,]+(e-?\d+)?", fullmatch=True))
def test_any_text_is_a_number_or_missing_or_refused(observe_table: Observe, cell: str) -> None:
    try:
        value = observe_table(text_table([cell])).values[0, 0]
    except (TableError, ValuesError):
        return
    assert np.isnan(value) or value == float(cell)


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "bool"])
def test_numbers_of_a_parquet_table_are_taken_as_they_are(dtype: str, observe_table: Observe) -> None:
    values = observe_table(text_table(["0", "1", "1"]).astype({"target": "int64"}).astype({"target": dtype})).values
    np.testing.assert_array_equal(values, [[0.0], [1.0], [1.0]])


def test_truth_values_are_read_where_the_schema_says_bool(
    observe_table: Observe, make_schema: Callable[..., CovariateSchema]
) -> None:
    table = text_table(["1", "2", "3"]).assign(holiday=["True", "false", ""])
    values = observe_table(table, make_schema(dynamic_covariates=[{"name": "holiday", "dtype": "bool"}])).values
    np.testing.assert_array_equal(values[:, 1], [1.0, 0.0, np.nan])


def test_categories_are_numbered_in_alphabetical_order(
    observe_table: Observe, make_schema: Callable[..., CovariateSchema]
) -> None:
    table = text_table(["1", "2", "3"]).assign(sky=["rain", "", "clear"])
    observed = observe_table(table, make_schema(dynamic_covariates=[{"name": "sky", "dtype": "category"}]))
    assert observed.labels == {"sky": ("clear", "rain")}
    np.testing.assert_array_equal(observed.values[:, 1], [1.0, np.nan, 0.0])


@given(st.randoms(use_true_random=False))
def test_rows_out_of_order_give_the_same_bits(
    observe_table: Observe, make_table: Callable[..., pd.DataFrame], random: Any
) -> None:
    table = make_table(steps=12, gaps={"pressure": [0, 3]})
    order = list(range(len(table)))
    random.shuffle(order)
    first, second = (
        observe_table(rows, static_covariates="station", feature_mode="multivariate")
        for rows in (table, table.iloc[order])
    )
    for name in ("series", "timestamps", "values"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert (first.series_names, first.statics) == (second.series_names, second.statics)


def test_several_id_columns_make_one_series_id(observe_table: Observe) -> None:
    table = text_table(["1", "2", "3"]).assign(store=["b", "a", "a"], item=["x", "y", "x"])
    observed = observe_table(table, series_id_cols="store+item")
    assert observed.series_names == ("a|x", "a|y", "b|x")
    assert observed.values[:, 0].tolist() == [3.0, 2.0, 1.0]


def test_a_missing_series_id_is_refused(observe_table: Observe, refuses: Refuses) -> None:
    with refuses(TableError, 10, "row 3, column 'store': the series id is missing"):
        observe_table(text_table(["1", "2"]).assign(store=["a", ""]), series_id_cols="store")


def test_na_can_be_the_name_of_a_series(observe_table: Observe) -> None:
    table = text_table(["1", "2"]).assign(country=["NA", "ZA"])
    assert observe_table(table, series_id_cols="country").series_names == ("NA", "ZA")


def test_a_static_covariate_that_changes_is_refused(
    observe_table: Observe, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    table = make_table(steps=3, series=("EWR",)).assign(city="x", station=["EWR", "EWR", "JFK"])
    with refuses(TableError, 10, "column 'station', series 'x': a static covariate changes over time"):
        observe_table(table, series_id_cols="city", static_covariates="station", feature_mode="multivariate")


def test_id_columns_whose_labels_join_alike_are_two_series(observe_table: Observe) -> None:
    table = text_table(["1", "2"]).assign(store=["a|b", "a"], item=["c", "b|c"])
    assert len(set(observe_table(table, series_id_cols="store+item").series_names)) == 2


@pytest.mark.parametrize("cells", [["0", "1", ""], ["false", "true", ""], ["no", "YES", "NA"], ["0.0", "1.0", "nan"]])
def test_a_binary_covariate_is_zero_or_one(cells: list[str], observe_table: Observe, make_schema: Any) -> None:
    schema = make_schema(dynamic_covariates=[{"name": "promo", "dtype": "int8", "encoding": "binary"}])
    observed = observe_table(text_table(["1", "2", "3"]).assign(promo=cells), schema, feature_mode="multivariate")
    np.testing.assert_array_equal(observed.values[:, 1], [0, 1, np.nan])


def test_a_binary_covariate_of_another_value_is_refused(
    observe_table: Observe, make_schema: Any, refuses: Refuses
) -> None:
    schema = make_schema(dynamic_covariates=[{"name": "promo", "dtype": "int8", "encoding": "binary"}])
    table = text_table(["1", "2"]).assign(promo=["1", "2"])
    with refuses(TableError, 10, "row 3, column 'promo': 2 is neither 0 nor 1"):
        observe_table(table, schema, feature_mode="multivariate")


@pytest.mark.parametrize("column", ["target", "store"])
def test_bytes_are_refused(column: str, observe_table: Observe, refuses: Refuses) -> None:
    table = text_table(["1", "2"]).assign(store="a").astype({column: object})
    table[column] = [b"1", b"2"]
    with refuses(TableError, 10, f"column '{column}' holds bytes; text, numbers or times are needed"):
        observe_table(table, series_id_cols="store")
