import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spline_lstm.datasets.inputs import read_schema
from spline_lstm.errors import SchemaError
from spline_lstm.series.calendar import CALENDAR_FEATURES
from spline_lstm.series.schema import CovariateSchema, parse_schema

Make = Callable[..., CovariateSchema]
Refuses = Callable[..., Any]
SMALLEST = {"version": "phase5.v1", "target_cols": ["target"]}


def test_the_smallest_schema_takes_the_policies_of_the_contract() -> None:
    schema = parse_schema(json.dumps(SMALLEST), "small.json")
    assert schema.timestamp_col == "timestamp"
    assert schema.missing_policy.model_dump() == {
        "target": "interpolate_then_drop_if_remaining",
        "dynamic_covariates": "ffill_bfill_then_zero",
        "static_covariates": "unknown_token",
    }


def test_the_schema_that_the_project_ships_is_valid(project: Path) -> None:
    schema = read_schema(project / "conf" / "base" / "covariates" / "default.schema.json")
    assert schema.target_cols == ("target",)
    assert schema.static_names == ("station",)


def test_a_schema_survives_the_way_to_json_and_back(default_schema: CovariateSchema) -> None:
    assert parse_schema(json.dumps(default_schema.model_dump(mode="json")), "again.json") == default_schema


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"version": "phase5.v1",\n  "target_cols": [}', "s.json line 2, column 19: not valid JSON"),
        ("", "s.json line 1, column 1: not valid JSON"),
        ("[1]", "s.json: a JSON object is needed, found list"),
        ("null", "s.json: a JSON object is needed, found NoneType"),
        ('{"units": NaN}', "s.json: NaN is not valid JSON"),
        ("[" * 100_000, "s.json: maximum recursion depth exceeded"),
        ('{"version": "phase5.v1", "version": "phase5.v1"}', "s.json: key 'version' is given twice in one object"),
        ('{"calendar_features": {"enabled": true, "enabled": true}}', "key 'enabled' is given twice"),
    ],
)
def test_malformed_json_is_refused_with_its_place(text: str, found: str, refuses: Refuses) -> None:
    with refuses(SchemaError, 14, found):
        parse_schema(text, "s.json")


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({"target_col": ["a"]}, "'target_col' is unknown; did you mean 'target_cols'?; known: version, timestamp_col"),
        ({"dynamic_covariates": [{"name": "a", "scalr": "x"}]}, "did you mean 'scaler'?; known: name, dtype"),
        ({"static_covariates": [{"name": "a", "dims": 2}]}, "did you mean 'dim'?; known: name, dtype, encoding, dim"),
        ({"calendar_features": {"feature": []}}, "did you mean 'features'?; known: enabled, features, known_future"),
        ({"missing_policy": {"targt": "x"}}, "did you mean 'target'?; known: target, dynamic_covariates"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_and_all_known(
    changes: dict[str, Any], known: str, make_schema: Make, refuses: Refuses
) -> None:
    with refuses(SchemaError, 14, "test.schema.json: key '", known):
        make_schema(**changes)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"version": "phase4.v1"}, "'version' is 'phase4.v1'; it should be 'phase5.v1'"),
        ({"target_cols": []}, "'target_cols' is []; it should have at least 1 item"),
        ({"target_cols": [""]}, "a name is empty"),
        ({"missing_policy": {"target": "interpolate_then_drop"}}, "did you mean 'interpolate_then_drop_if_remaining'?"),
        ({"missing_policy": {"dynamic_covariates": "ffill"}}, "it should be 'ffill_bfill_then_zero'"),
        ({"missing_policy": {"static_covariates": "drop"}}, "it should be 'unknown_token'"),
        ({"dynamic_covariates": [{"name": "a", "scaler": "standrd"}]}, "did you mean 'standard'?"),
        ({"dynamic_covariates": [{"name": "a", "dtype": "flaot"}]}, "did you mean 'float'?"),
        ({"dynamic_covariates": [{"name": "a", "dtype": "category", "encoding": "onehot"}]}, "'ordinal' or 'binary'"),
        (
            {"dynamic_covariates": [{"name": "a", "dtype": "category", "scaler": "standard"}]},
            "takes encoding 'ordinal'",
        ),
        ({"dynamic_covariates": [{"name": "a", "encoding": "ordinal"}]}, "'a' is a number: it takes a scaler"),
        ({"dynamic_covariates": [{"name": "a", "required": "yes"}]}, "it should be a valid boolean"),
        ({"dynamic_covariates": [{"dtype": "float"}]}, "key 'dynamic_covariates.0.name' is missing"),
        ({"static_covariates": [{"name": "a"}]}, "key 'static_covariates.0.dim' is missing"),
        ({"static_covariates": [{"name": "a", "dim": 0}]}, "it should be greater than or equal to 1"),
        ({"static_covariates": [{"name": "a", "dim": True}]}, "it should be a valid integer"),
        ({"static_covariates": [{"name": "a", "dim": 2, "encoding": "onehot"}]}, "it should be 'embedding'"),
        (
            {"calendar_features": {"features": ["hour_sine"]}},
            "unknown calendar feature 'hour_sine'; allowed: minute_sin",
        ),
        ({"calendar_features": {"features": ["hour_sin", "hour_sin"]}}, "'hour_sin' is given twice"),
        ({"seasonal_lags": [0]}, "it should be greater than or equal to 1"),
        ({"seasonal_lags": [24, 24]}, "a lag is given twice"),
        ({"seasonal_lags": [24.5]}, "it should be a valid integer"),
    ],
)
def test_a_value_outside_the_contract_is_refused(
    changes: dict[str, Any], found: str, make_schema: Make, refuses: Refuses
) -> None:
    with refuses(SchemaError, 14, found):
        make_schema(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"dynamic_covariates": [{"name": "target"}]},
        {"static_covariates": [{"name": "target", "dim": 1}]},
        {"dynamic_covariates": [{"name": "station"}], "target_cols": ["station"], "static_covariates": []},
        {"dynamic_covariates": [{"name": "station"}]},
        {"dynamic_covariates": [{"name": "a"}, {"name": "a"}]},
        {"static_covariates": [{"name": "a", "dim": 1}, {"name": "a", "dim": 2}]},
        {"timestamp_col": "target"},
    ],
)
def test_a_name_declared_twice_is_refused(changes: dict[str, Any], make_schema: Make, refuses: Refuses) -> None:
    with refuses(SchemaError, 14, "test.schema.json: '", "' is declared more than once"):
        make_schema(**changes)


def test_a_target_named_twice_is_refused(make_schema: Make, refuses: Refuses) -> None:
    with refuses(SchemaError, 14, "'a' is given twice"):
        make_schema(target_cols=["a", "a"])


def test_half_of_a_surrogate_pair_is_refused(make_schema: Make, refuses: Refuses) -> None:
    with refuses(SchemaError, 14, r"test.schema.json: '\ud800' is not a character"):
        make_schema(units={"target": "\ud800"})


@pytest.mark.parametrize(
    "dtype",
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "int", "float", "double", "string", "category"),
    ],
)
def test_cells_of_every_numpy_type_and_labels_can_be_declared(dtype: str, make_schema: Make) -> None:
    schema = make_schema(
        dynamic_covariates=[{"name": "a", "dtype": dtype}], static_covariates=[{"name": "b", "dtype": dtype, "dim": 1}]
    )
    assert schema.dynamic_covariates[0].is_category == (dtype in ("string", "category"))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "category", "string", "bool"])
def test_numbers_may_be_labels(dtype: str, make_schema: Make) -> None:
    schema = make_schema(dynamic_covariates=[{"name": "a", "dtype": dtype, "encoding": "ordinal"}])
    assert schema.dynamic_covariates[0].is_category


def test_a_binary_covariate_takes_no_scaler(make_schema: Make, refuses: Refuses) -> None:
    with refuses(SchemaError, 14, "'a' is binary: it stays 0 and 1, so it takes no scaler"):
        make_schema(dynamic_covariates=[{"name": "a", "encoding": "binary", "scaler": "standard"}])


def test_disabled_calendar_features_are_not_in_use(make_schema: Make) -> None:
    schema = make_schema(calendar_features={"enabled": False, "features": ["hour_sin"]})
    assert schema.calendar_features.names == ()


@pytest.mark.parametrize("name", CALENDAR_FEATURES)
def test_every_calendar_feature_can_be_declared(name: str, make_schema: Make) -> None:
    assert make_schema(calendar_features={"features": [name]}).calendar_features.names == (name,)
