from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import MissingCovariateError, TableError, TimeAxisError
from spline_lstm.series.columns import Columns, ReadingSpec
from spline_lstm.series.observations import make_observations
from spline_lstm.series.schema import CovariateSchema

Refuses = Callable[..., Any]
Select = Callable[..., Columns]
MULTIVARIATE = {"feature_mode": "multivariate"}


def test_a_missing_target_is_refused_with_the_columns_found(select_from: Select, refuses: Refuses) -> None:
    with refuses(TableError, 10, "raw_table: column 'target' is missing; found: timestamp, load"):
        select_from(pd.DataFrame(columns=["timestamp", "load"]))


def test_the_file_is_named_where_the_table_comes_from_one(select_from: Select, refuses: Refuses) -> None:
    table = pd.DataFrame(columns=["time", "target"])
    table.attrs["source"] = "data/my.csv"
    with refuses(TableError, 10, "data/my.csv: column 'timestamp' is missing; found: time, target"):
        select_from(table)


def test_the_targets_of_the_schema_are_proposed_where_they_are_there(
    select_from: Select, make_schema: Callable[..., CovariateSchema], refuses: Refuses
) -> None:
    table = pd.DataFrame(columns=["timestamp", "load", "price"])
    with refuses(TableError, 10, "type target_cols=load+price"):
        select_from(table, make_schema(target_cols=["load", "price"]))


def test_univariate_mode_needs_nothing_but_timestamp_and_target(select_from: Select) -> None:
    columns = select_from(pd.DataFrame(columns=["timestamp", "target"]))
    assert columns == Columns(("timestamp",), ("target",), (), (), (), (), described=False)


def test_all_dynamic_covariates_of_the_schema_are_taken_by_default(
    select_from: Select, make_table: Callable[..., pd.DataFrame]
) -> None:
    columns = select_from(make_table(steps=2), **MULTIVARIATE)
    assert [item.name for item in columns.dynamic] == ["dew_point", "humidity", "pressure"]


def test_named_covariates_are_taken_in_the_order_given(
    select_from: Select, make_table: Callable[..., pd.DataFrame]
) -> None:
    columns = select_from(make_table(steps=2), dynamic_covariates="pressure+dew_point", **MULTIVARIATE)
    assert [item.name for item in columns.dynamic] == ["pressure", "dew_point"]


def test_static_covariates_are_taken_only_when_named(
    select_from: Select, make_table: Callable[..., pd.DataFrame]
) -> None:
    table = make_table(steps=2)
    assert select_from(table, **MULTIVARIATE).static == ()
    assert [item.name for item in select_from(table, static_covariates="station", **MULTIVARIATE).static] == ["station"]


@pytest.mark.parametrize("absent", ["dew_point", "pressure"])
def test_a_required_covariate_that_is_absent_is_refused(
    absent: str, select_from: Select, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    with refuses(MissingCovariateError, 13, f"required covariate '{absent}' is missing; found: timestamp, station"):
        select_from(make_table(steps=2).drop(columns=absent), **MULTIVARIATE)


def test_an_optional_covariate_that_is_absent_is_left_out_and_recorded(
    select_from: Select, make_schema: Callable[..., CovariateSchema], make_table: Callable[..., pd.DataFrame]
) -> None:
    schema = make_schema(dynamic_covariates=[{"name": "dew_point"}, {"name": "wind", "required": False}])
    columns = select_from(make_table(steps=2), schema, **MULTIVARIATE)
    assert [item.name for item in columns.dynamic] == ["dew_point"]
    assert columns.absent == ("wind",)


def test_an_optional_covariate_that_is_named_and_absent_is_refused(
    select_from: Select,
    make_schema: Callable[..., CovariateSchema],
    make_table: Callable[..., pd.DataFrame],
    refuses: Refuses,
) -> None:
    schema = make_schema(dynamic_covariates=[{"name": "wind", "required": False}])
    with refuses(MissingCovariateError, 13, "'wind' is missing"):
        select_from(make_table(steps=2), schema, dynamic_covariates="wind", **MULTIVARIATE)


def test_a_covariate_that_the_schema_does_not_declare_is_refused(
    select_from: Select, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    with refuses(MissingCovariateError, 13, "'wind' is not declared", "declared: dew_point, humidity, pressure"):
        select_from(make_table(steps=2), dynamic_covariates="wind", **MULTIVARIATE)


def test_the_nearest_covariate_of_the_schema_is_proposed(
    select_from: Select, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    with refuses(
        MissingCovariateError, 13, "'humidty' is not declared in the covariate schema; did you mean 'humidity'?"
    ):
        select_from(make_table(), feature_mode="multivariate", dynamic_covariates=["humidty"])


@pytest.mark.parametrize("targets", [["series_id"], ["split"], ["target", "target_is_imputed"]])
def test_a_target_that_would_hide_a_column_of_the_filled_series_is_refused(
    select_from: Select, make_table: Callable[..., pd.DataFrame], refuses: Refuses, targets: list[str]
) -> None:
    table = make_table().assign(**dict.fromkeys(targets, 1.0))
    with refuses(TableError, 10, f"column '{targets[-1]}' cannot be a target"):
        select_from(table, target_cols=targets)


def test_a_target_is_not_a_covariate_too(select_from: Select, make_table: Callable[..., pd.DataFrame]) -> None:
    columns = select_from(make_table(steps=2), target_cols="target+humidity", **MULTIVARIATE)
    assert [item.name for item in columns.dynamic] == ["dew_point", "pressure"]


@pytest.mark.parametrize("mode", ["univariate", "multivariate"])
def test_the_same_columns_are_checked_in_either_mode(
    mode: str, select_from: Select, make_table: Callable[..., pd.DataFrame]
) -> None:
    table = make_table(steps=2).drop(columns="pressure")
    columns = select_from(table, dynamic_covariates="dew_point", feature_mode=mode)
    assert [item.name for item in columns.dynamic] == ["dew_point"]
    assert columns.described


def test_series_are_told_apart_by_the_static_covariates_of_the_schema(
    select_from: Select, make_table: Callable[..., pd.DataFrame]
) -> None:
    assert select_from(make_table(steps=2)).series_id == ("station",)


def test_a_missing_series_id_column_is_refused(
    select_from: Select, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    with refuses(TableError, 10, "series id column 'city' is missing; found: timestamp, station"):
        select_from(make_table(steps=2), series_id_cols="city")


@pytest.mark.parametrize(("duplicates", "target", "label"), [("first", 1, "x"), ("last", 3, "y"), ("mean", 2, "x")])
def test_a_time_that_is_there_twice_is_settled_as_asked(
    duplicates: Any, target: float, label: str, select_from: Select, make_schema: Any
) -> None:
    schema = make_schema(dynamic_covariates=[{"name": "sky", "dtype": "category"}])
    days = ["2024-01-01", "2024-01-02", "2024-01-01"]
    table = pd.DataFrame({"timestamp": days, "target": [1.0, 5.0, 3.0], "sky": ["x", "x", "y"]})
    observed = make_observations(table, select_from(table, schema), ReadingSpec(duplicates=duplicates))
    assert observed.values[:, 0].tolist() == [target, 5]
    assert observed.labels["sky"][int(observed.values[0, 1])] == label
    assert observed.reading.repeated_rows == 1


def test_a_mean_of_repeated_rows_leaves_out_what_is_missing(select_from: Select) -> None:
    days = ["2024-01-01"] * 2 + ["2024-01-02"] * 2
    table = pd.DataFrame({"timestamp": days, "target": [np.nan, 3.0, np.nan, np.nan]})
    observed = make_observations(table, select_from(table), ReadingSpec(duplicates="mean"))
    np.testing.assert_array_equal(observed.values[:, 0], [3, np.nan])


def test_repeated_rows_are_refused_with_their_numbers_and_what_settles_them(select_from: Select, refuses: Any) -> None:
    table = pd.DataFrame({"timestamp": ["2024-01-02", "2024-01-01", "2024-01-02"], "target": [1.0, 2.0, 3.0]})
    with refuses(TimeAxisError, 11, "rows 2 and 4, column 'timestamp'", "duplicates=first, last or mean settles it"):
        make_observations(table, select_from(table))


@pytest.mark.parametrize("given", ["when+hour", ["when", "hour"]])
def test_the_time_may_lie_in_several_columns(given: Any, observe_table: Any, make_schema: Any) -> None:
    table = pd.DataFrame({"when": ["2024-01-01"] * 2, "hour": ["0", "1"], "target": [1.0, 2.0]})
    columns = observe_table(table, timestamp_col=given).columns
    assert (columns.timestamps, columns.timestamp) == (("when", "hour"), "when+hour")
    assert observe_table(table, make_schema(timestamp_col="when+hour")).columns.timestamps == ("when", "hour")


def test_a_missing_time_column_is_refused_with_what_to_type(select_from: Select, refuses: Refuses) -> None:
    with refuses(TableError, 10, "column 'timestamp' is missing; found: date, y; name the column of times"):
        select_from(pd.DataFrame(columns=["date", "y"]))
