import io
import json
import logging
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import InsufficientDataError, SchemaError, ValuesError
from spline_lstm.series.bundle_format import META_KEYS
from spline_lstm.series.filled_series import FilledSeries, make_filled_table
from spline_lstm.series.model_input import ModelInput, check_model_input
from spline_lstm.series.schema import CovariateSchema

Prepare = Callable[..., ModelInput]
MakeSchema = Callable[..., CovariateSchema]
MakeTable = Callable[..., pd.DataFrame]
Refuses = Callable[..., Any]
MULTIVARIATE = {"feature_mode": "multivariate"}
ALL = {**MULTIVARIATE, "static_covariates": "station"}


def test_a_univariate_bundle_has_one_feature(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table()[["timestamp", "station", "target"]])
    assert bundle.feature_names == ("target",)
    assert bundle.X.shape[1:] == (6, 1)
    assert bundle.y.shape[1:] == (3,)


def test_a_table_of_timestamp_and_target_is_one_series(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table(series=("EWR",))[["timestamp", "target"]])
    assert bundle.series_names == ("series",)


def test_features_come_as_targets_dynamic_calendar_static(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table(), target_cols="target+pressure", **ALL)
    assert bundle.feature_names == (
        "target", "pressure", "dew_point", "humidity",
        "hour_sin_lead3", "hour_cos_lead3", "dow_sin_lead3", "dow_cos_lead3",
        "station_0", "station_1", "station_2",
    )  # fmt: skip
    assert bundle.target_indices == (0, 1)


def test_the_arrays_have_the_shapes_of_the_contract(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table(), target_cols="target+pressure", **ALL)
    check_model_input(bundle)
    windows = len(bundle.window_origin)
    assert bundle.X.shape == (windows, 6, 11)
    assert bundle.y.shape == bundle.y_mask.shape == (windows, 3 * 2)
    assert (bundle.X.dtype, bundle.y.dtype, bundle.scaled.dtype) == (np.float32, np.float32, np.float32)


def test_windows_are_cut_from_the_scaled_rows(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table(gaps={"target": [20, 21]}), target_cols="target+pressure", **ALL)
    for window, origin in enumerate(bundle.window_origin):
        np.testing.assert_array_equal(bundle.X[window], bundle.scaled[origin - 5 : origin + 1])
        ahead = slice(origin + 1, origin + 4)
        expected = np.where(bundle.is_imputed[ahead], 0, bundle.scaled[ahead, :2])
        np.testing.assert_array_equal(np.nan_to_num(bundle.y[window]).reshape(3, 2), expected)


def test_scaled_targets_return_to_their_unit(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table(), target_cols="target+pressure")
    windows = np.arange(len(bundle.y))
    np.testing.assert_allclose(bundle.in_target_units(bundle.y[:], windows), bundle.truth(windows)[0], rtol=1e-6)


def of_two_sizes(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the second series a million times larger."""
    larger = table.copy()
    larger.loc[larger["station"] == "JFK", "target"] *= 1e6
    return larger


def test_each_series_may_have_a_scale_of_its_own(
    prepare_table: Prepare, make_table: MakeTable, make_schema: Callable[..., CovariateSchema]
) -> None:
    bundle = prepare_table(
        of_two_sizes(make_table(gaps={"target": [7]})), make_schema(seasonal_lags=[4]),
        feature_mode="multivariate", target_scaling="series",
    )  # fmt: skip
    train = (bundle.row_split == 0) & ~bundle.is_imputed[:, 0]
    for series in range(2):
        scaled = bundle.scaled[train & (bundle.row_series == series), 0]
        assert (scaled.mean(), scaled.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))
    windows = np.arange(len(bundle.y))
    truth, mask = bundle.truth(windows)
    np.testing.assert_allclose(bundle.in_target_units(bundle.y[:], windows)[mask], truth[mask], rtol=1e-5)
    lag = bundle.scaled[:, bundle.feature_names.index("target_lag4")]
    row = bundle.window_origin[5]
    assert lag[row] == bundle.scaled[row - 1, 0]  # the target 4 steps before the step that is 3 steps ahead


def test_what_follows_the_training_part_does_not_change_a_series_scale(
    prepare_table: Prepare, make_table: MakeTable
) -> None:
    table = make_table()
    before = prepare_table(table, target_scaling="series")
    table.loc[table.groupby("station").cumcount() >= 42, "target"] *= 1000
    after = prepare_table(table, target_scaling="series")
    assert before.series_scalers == after.series_scalers
    assert set(before.series_scalers["target"]) == {"EWR", "JFK"}


def test_raw_targets_are_the_cells_of_the_table(prepare_table: Prepare, make_table: MakeTable) -> None:
    table = make_table(gaps={"target": [20, 21]})
    bundle = prepare_table(table)
    observed = ~bundle.is_imputed[:, 0]
    np.testing.assert_array_equal(bundle.raw_target[observed, 0], table["target"].dropna())


def test_a_filled_target_is_not_scored(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table(gaps={"target": [20, 21, 50]}, absent=(30,)))
    for window, origin in enumerate(bundle.window_origin):
        ahead = [row % 60 for row in range(origin + 1, origin + 4)]
        assert bundle.y_mask[window].tolist() == [row not in (20, 21, 50, 30) for row in ahead]
    np.testing.assert_array_equal(np.isnan(bundle.y), ~bundle.y_mask[:])


def test_each_target_is_masked_by_itself(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table(gaps={"target": [20], "pressure": [21]}), target_cols="target+pressure")
    window = int(np.flatnonzero(bundle.window_origin == 18)[0])
    assert bundle.y_mask[window].tolist() == [True, True, False, True, True, False]


def test_a_horizon_with_one_observed_target_counts(prepare_table: Prepare, make_table: MakeTable) -> None:
    table = make_table(gaps={"target": [20, 21, 22, 23]})
    bundle = prepare_table(table, target_cols="target+pressure")
    window = int(np.flatnonzero(bundle.window_origin == 19)[0])
    assert bundle.y_mask[window].tolist() == [False, True] * 3


def test_rows_know_their_series_time_and_split(prepare_table: Prepare, make_table: MakeTable) -> None:
    table = make_table(steps=60)
    bundle = prepare_table(table)
    assert bundle.series_names == ("EWR", "JFK")
    np.testing.assert_array_equal(bundle.row_series, [0] * 60 + [1] * 60)
    np.testing.assert_array_equal(bundle.row_timestamp, pd.DatetimeIndex(table["timestamp"]).as_unit("ns").asi8)
    np.testing.assert_array_equal(bundle.row_split, ([0] * 42 + [1] * 9 + [2] * 9) * 2)


@pytest.mark.parametrize(
    "table_changes",
    [{}, {"gaps": {"target": [7, 8, 30], "humidity": [0, 1, 2, 3, 20]}, "absent": (12, 40)}],
    ids=["complete", "leading and inner gaps"],
)
@pytest.mark.parametrize("lags", [[], [24]])
def test_univariate_and_multivariate_runs_have_the_same_windows(
    lags: list[int], table_changes: dict[str, Any],
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema,
) -> None:  # fmt: skip
    table, schema = make_table(steps=120, **table_changes), make_schema(seasonal_lags=lags)
    univariate, multivariate = prepare_table(table, schema), prepare_table(table, schema, **ALL)
    for name in ("window_origin", "window_series", "window_split", "y", "y_mask", "raw_target"):
        assert np.asarray(getattr(univariate, name)).tobytes() == np.asarray(getattr(multivariate, name)).tobytes()
    assert univariate.X[:].tobytes() == np.ascontiguousarray(multivariate.X[:][:, :, :1]).tobytes()


def test_a_subset_of_covariates_gives_both_modes_the_same_windows(
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    table = make_table(gaps={"dew_point": list(range(9))}).drop(columns="pressure")
    changes = {"dynamic_covariates": "dew_point"}
    schema = make_schema(seasonal_lags=[4])
    univariate, multivariate = prepare_table(table, schema, **changes), prepare_table(table, schema, **changes, **ALL)
    assert "target_lag4" in multivariate.feature_names
    np.testing.assert_array_equal(univariate.window_origin, multivariate.window_origin)


def test_univariate_mode_does_without_leads_that_it_cannot_show(
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema, refuses: Refuses
) -> None:
    schema = make_schema(seasonal_lags=[2])
    assert prepare_table(make_table(), schema).feature_names == ("target",)
    with refuses(SchemaError, 14, "seasonal lag 2 is shorter than horizon=3"):
        prepare_table(make_table(), schema, **MULTIVARIATE)


def test_the_same_table_gives_the_same_bits(prepare_table: Prepare, make_table: MakeTable) -> None:
    table = make_table(gaps={"target": [20]})
    first, second = prepare_table(table, **ALL), prepare_table(table.sample(frac=1, random_state=1), **ALL)
    assert first.X[:].tobytes() == second.X[:].tobytes()
    assert (first.meta, first.preprocessor) == (second.meta, second.preprocessor)


def test_meta_has_the_keys_of_the_contract_and_is_plain_json(prepare_table: Prepare, make_table: MakeTable) -> None:
    meta = prepare_table(make_table(), **ALL).meta
    assert set(META_KEYS) <= set(meta)
    assert json.loads(json.dumps(meta, allow_nan=False)) == meta


def test_meta_tells_what_validation_saw(prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema) -> None:
    covariates = [{"name": "humidity"}, {"name": "wind", "required": False}]
    table = make_table(gaps={"target": [0, 20, 21], "humidity": [5]}, absent=(30,))
    bundle = prepare_table(table, make_schema(dynamic_covariates=covariates), **MULTIVARIATE)
    seen = bundle.meta["seen"]
    assert seen["steps"] == 2 * 59
    assert seen["trimmed_rows"] == 2
    assert seen["absent_rows"] == 2
    assert seen["filled_targets"] == {"target": 6}
    assert seen["missing_ratio"] == {"target": pytest.approx(3 / 59), "humidity": pytest.approx(2 / 59)}
    assert seen["absent_covariates"] == ["wind"]
    assert (seen["first"], seen["last"]) == ("2024-01-01T01:00:00", "2024-01-03T11:00:00")
    assert sum(bundle.meta["split"]["windows"].values()) == len(bundle.X)


def test_windows_that_were_dropped_are_counted(prepare_table: Prepare, make_table: MakeTable) -> None:
    complete, gappy = prepare_table(make_table()), prepare_table(make_table(gaps={"target": [20]}))
    assert complete.meta["seen"]["dropped_windows"] == 0
    assert gappy.meta["seen"]["dropped_windows"] == len(complete.X) - len(gappy.X) == 2 * 3


def test_the_preprocessor_loads_without_imports(prepare_table: Prepare, make_table: MakeTable) -> None:
    class NoImports(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            raise AssertionError(f"{module}.{name}")

    preprocessor = prepare_table(make_table(), **ALL).preprocessor
    assert NoImports(io.BytesIO(pickle.dumps(preprocessor, protocol=4))).load() == preprocessor


def test_the_preprocessor_holds_all_that_a_forecast_needs(prepare_table: Prepare, make_table: MakeTable) -> None:
    bundle = prepare_table(make_table(), **ALL)
    preprocessor = bundle.preprocessor
    assert preprocessor["feature_order"] == list(bundle.feature_names)
    assert list(preprocessor["scalers"]) == ["target", "dew_point", "humidity", "pressure"]
    assert preprocessor["static_codes"]["station"] == {"EWR": [1.0, 0.0, 0.0], "JFK": [0.0, 1.0, 0.0]}
    assert preprocessor["windows"]["lookback"] == 6
    assert preprocessor["freq"] == "h"


@pytest.mark.parametrize(("days", "said"), [(365, True), (520, True), (540, False)])
def test_annual_features_on_less_than_a_year_of_training_are_told(
    days: int, said: bool, prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    schema = make_schema(calendar_features={"features": ["hour_sin", "month_sin"]})
    with caplog.at_level(logging.INFO):
        prepare_table(make_table(steps=days, freq="D"), schema, **MULTIVARIATE)
    assert ("the yearly pattern of month_sin is extrapolated" in caplog.text) == said


def test_the_filled_table_shows_every_step_with_its_mark(
    fill_table: Callable[..., FilledSeries], make_table: MakeTable
) -> None:
    table = make_filled_table(fill_table(make_table(gaps={"target": [20]})))
    assert list(table.columns) == ["series_id", "timestamp", "split", "target", "target_is_imputed"]
    assert table.loc[table["target_is_imputed"], "series_id"].tolist() == ["EWR", "JFK"]
    assert table.groupby("split", observed=True).size().to_dict() == {"train": 84, "val": 18, "test": 18}


def test_a_target_that_is_constant_in_train_is_refused(
    prepare_table: Prepare, make_table: MakeTable, refuses: Refuses
) -> None:
    table = make_table(series=("EWR",))
    table.loc[:41, "target"] = 7
    with refuses(ValuesError, 12, "raw_table, column 'target': the target is always 7 in the training part"):
        prepare_table(table)


def test_a_table_of_one_row_is_too_little_history(
    prepare_table: Prepare, make_table: MakeTable, refuses: Refuses
) -> None:
    with refuses(InsufficientDataError, 26, "the train split holds no window", "the longest series has 1 steps"):
        prepare_table(make_table(steps=1), freq="h")


def test_too_little_history_is_refused(prepare_table: Prepare, make_table: MakeTable, refuses: Refuses) -> None:
    with refuses(InsufficientDataError, 26, "the val split holds no window"):
        prepare_table(make_table(steps=16))
