from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import SchemaError, ValuesError
from spline_lstm.series.categories import make_static_codes
from spline_lstm.series.features import check_leads
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.schema import CovariateSchema

Prepare = Callable[..., ModelInput]
MakeSchema = Callable[..., CovariateSchema]
MakeTable = Callable[..., pd.DataFrame]
Refuses = Callable[..., Any]
NAN = np.nan
MULTIVARIATE = {"feature_mode": "multivariate"}
NO_CALENDAR = {"calendar_features": {"enabled": False}}


def channel(bundle: ModelInput, name: str) -> np.ndarray:
    return bundle.scaled[:, bundle.feature_names.index(name)]


def test_a_covariate_unknown_until_after_train_enters_as_zero_there(
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    table = make_table(series=("EWR",), gaps={"humidity": list(range(45))})
    bundle = prepare_table(table, make_schema(dynamic_covariates=[{"name": "humidity"}]), **MULTIVARIATE)
    assert not channel(bundle, "humidity")[:45].any()
    assert channel(bundle, "humidity")[45:].all()


def test_scalers_learn_from_observed_values_alone(prepare_table: Prepare, make_table: MakeTable) -> None:
    table = make_table(series=("EWR",), gaps={"target": [5, 6, 7], "humidity": [0, 1, 2, 20]})
    states = prepare_table(table, **MULTIVARIATE).preprocessor["scalers"]
    for name in ("target", "humidity"):
        train = table[name][:42].dropna()
        assert states[name]["center"] == pytest.approx(train.mean(), rel=1e-12)
        assert states[name]["scale"] == pytest.approx(train.std(ddof=0), rel=1e-12)


def test_a_covariate_known_ahead_shows_the_value_of_the_horizon(
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    covariates = [{"name": "humidity"}, {"name": "dew_point", "known_future": True}]
    table = make_table()
    bundle = prepare_table(table, make_schema(dynamic_covariates=covariates, **NO_CALENDAR), **MULTIVARIATE)
    assert bundle.feature_names == ("target", "humidity", "dew_point_lead3")
    state = bundle.preprocessor["scalers"]["dew_point_lead3"]
    scaled = ((table["dew_point"] - state["center"]) / state["scale"]).to_numpy(dtype=np.float32)
    for window, origin in enumerate(bundle.window_origin):
        np.testing.assert_array_equal(bundle.X[window][:, 2], scaled[origin - 6 + 1 + 3 : origin + 1 + 3])


@pytest.mark.parametrize("lag", [3, 4, 24])
def test_a_seasonal_lag_shows_the_target_one_season_before_the_horizon(
    lag: int, prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    bundle = prepare_table(make_table(steps=100), make_schema(seasonal_lags=[lag]), **MULTIVARIATE)
    column = bundle.feature_names.index(f"target_lag{lag}")
    for window, origin in enumerate(bundle.window_origin):
        horizon_a_season_ago = bundle.scaled[origin + 1 - lag : origin + 1 + 3 - lag, 0]
        np.testing.assert_array_equal(bundle.X[window][-3:, column], horizon_a_season_ago)


def test_a_window_that_reaches_before_the_series_for_a_lag_is_left_out(
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    bundle = prepare_table(make_table(steps=100), make_schema(seasonal_lags=[24]), **MULTIVARIATE)
    first = bundle.window_origin[bundle.window_series == 1].min() - 100
    assert first - 6 + 1 + 3 - 24 == 0


@pytest.mark.parametrize(
    ("known_future", "ahead", "suffix"), [(True, 3, "_lead3"), (None, 3, "_lead3"), (False, 0, "")]
)
def test_the_calendar_is_shown_ahead_unless_the_schema_says_that_it_is_not(
    known_future: bool | None,
    ahead: int,
    suffix: str,
    prepare_table: Prepare,
    make_table: MakeTable,
    make_schema: MakeSchema,
) -> None:
    calendar = {"features": ["hour_sin"], "known_future": known_future}
    bundle = prepare_table(make_table(), make_schema(calendar_features=calendar), **MULTIVARIATE)
    hours = (np.arange(60) + ahead) % 24
    expected = np.tile(np.sin(2 * np.pi * hours / 24), 2)
    np.testing.assert_allclose(channel(bundle, f"hour_sin{suffix}"), expected, atol=1e-6)


def test_the_calendar_is_not_shown_ahead_where_the_horizon_does_not_fit_into_the_lookback(
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    schema = make_schema(calendar_features={"features": ["hour_sin"]}, seasonal_lags=[])
    bundle = prepare_table(make_table(), schema, **MULTIVARIATE | {"lookback": 2, "horizon": 3})
    assert "hour_sin" in bundle.feature_names
    assert bundle.preprocessor["feature_schema"]["calendar_features"]["known_future"] is False


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"dynamic_covariates": [{"name": "a", "known_future": True}], **NO_CALENDAR}, "'a' is known ahead"),
        ({"calendar_features": {"features": ["hour_sin"], "known_future": True}}, "'hour_sin' is known ahead"),
        ({"seasonal_lags": [24], **NO_CALENDAR}, "'seasonal lag 24' is known ahead"),
    ],
)
def test_leads_need_a_horizon_within_the_lookback(
    changes: dict[str, Any], found: str, make_schema: MakeSchema, refuses: Refuses
) -> None:
    with refuses(SchemaError, 14, found, "needs horizon <= lookback; found horizon=7, lookback=6"):
        check_leads(make_schema(**changes), lookback=6, horizon=7)


def test_a_lag_shorter_than_the_horizon_is_refused(make_schema: MakeSchema, refuses: Refuses) -> None:
    with refuses(SchemaError, 14, "seasonal lag 23 is shorter than horizon=24"):
        check_leads(make_schema(seasonal_lags=[24, 23]), lookback=24, horizon=24)


def test_a_schema_without_leads_fits_any_horizon(make_schema: MakeSchema) -> None:
    assert check_leads(make_schema(**NO_CALENDAR), lookback=1, horizon=99) is None


def test_a_dynamic_category_becomes_its_rank_among_those_seen_in_train(
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    table = make_table(series=("EWR",)).assign(sky=["clear", "rain"] * 21 + ["fog", ""] * 9)
    schema = make_schema(dynamic_covariates=[{"name": "sky", "dtype": "category", "encoding": "ordinal"}])
    bundle = prepare_table(table, schema, **MULTIVARIATE)
    assert bundle.preprocessor["scalers"]["sky"] == {"kind": "ordinal", "categories": ["clear", "rain"]}
    assert channel(bundle, "sky")[[0, 1, 42, 43]].tolist() == [0.5, 1.0, 0.0, 0.0]


def test_a_dynamic_category_that_is_not_known_yet_enters_as_zero(
    prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    table = make_table().assign(sky=["clear"] * 60 + [""] * 45 + ["clear"] * 15)
    bundle = prepare_table(
        table, make_schema(dynamic_covariates=[{"name": "sky", "dtype": "category"}]), **MULTIVARIATE
    )
    assert channel(bundle, "sky").tolist() == [1.0] * 60 + [0.0] * 45 + [1.0] * 15


def codes_of(labels: tuple[str, ...], dim: int) -> dict[str, list[float]]:
    return make_static_codes({"city": labels}, {"city": dim})["city"]


@pytest.mark.parametrize(("count", "dim"), [(1, 1), (2, 3), (3, 3), (5, 8)])
def test_static_codes_are_orthonormal_while_there_is_room(count: int, dim: int) -> None:
    codes = np.array(list(codes_of(tuple("abcdefgh"[:count]), dim).values()))
    np.testing.assert_array_equal(codes @ codes.T, np.eye(count))


def test_static_codes_are_distinct_unit_vectors_beyond() -> None:
    codes = np.array(list(codes_of(tuple("abcdefgh"), 3).values()))
    np.testing.assert_allclose((codes**2).sum(axis=1), 1, rtol=1e-12)
    assert len(np.unique(codes.round(6), axis=0)) == 8


def test_static_codes_do_not_depend_on_the_order_of_the_series() -> None:
    assert codes_of(("b", "a", "b", "c"), 2) == codes_of(("c", "b", "a"), 2)


def test_a_series_without_category_has_no_code_of_its_own() -> None:
    assert list(codes_of(("a", "", "b"), 2)) == ["a", "b"]


@pytest.mark.parametrize("cities", [("x", ""), ("", "")])
def test_a_missing_static_category_enters_as_the_zero_vector(
    cities: tuple[str, str], prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema
) -> None:
    table = make_table()
    table["city"] = table["station"].map({"EWR": cities[0], "JFK": cities[1]})
    schema = make_schema(static_covariates=[{"name": "city", "dim": 2}])
    changes = {"static_covariates": "city", "series_id_cols": "station"}
    bundle = prepare_table(table, schema, **changes, **MULTIVARIATE)
    assert bundle.feature_names[-2:] == ("city_0", "city_1")
    np.testing.assert_array_equal(bundle.scaled[:60, -2:], [[float(cities[0] == "x"), 0]] * 60)
    assert not bundle.scaled[60:, -2:].any()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"dynamic_covariates": [{"name": "target_lag24"}], "seasonal_lags": [24]}, "target_lag24"),
        (
            {
                "dynamic_covariates": [{"name": "hour_sin"}],
                "calendar_features": {"features": ["hour_sin"], "known_future": False},
            },
            "hour_sin",
        ),
    ],
)
def test_a_column_with_the_name_of_a_derived_feature_is_refused(
    changes: dict[str, Any], name: str, prepare_table: Prepare, make_table: MakeTable, make_schema: MakeSchema,
    refuses: Refuses,
) -> None:  # fmt: skip
    table = make_table(steps=100)
    table[name] = table["humidity"]
    with refuses(SchemaError, 14, f"'{name}' is the name of a column and of a derived feature"):
        prepare_table(table, make_schema(**changes), **MULTIVARIATE)


def test_a_value_that_does_not_fit_32_bits_when_scaled_is_refused(
    prepare_table: Prepare, make_table: MakeTable, refuses: Refuses
) -> None:
    table = make_table()
    table["target"] /= 1e10
    table.loc[58, "target"] = 1e30
    with refuses(ValuesError, 12, "column 'target': a value is too far from those in the training part"):
        prepare_table(table)
