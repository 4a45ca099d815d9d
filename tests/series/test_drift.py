"""Drift: a table like the training part is not spoken of, another one by its columns."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.series.drift import describe_drift, find_drift
from spline_lstm.series.forecast_windows import make_latest_windows
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor import Preprocessor

FULL = {"feature_mode": "multivariate", "static_covariates": ["station"]}
STEPS = 60


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Two stations, one about a hundred times the other, in waves of 12 hours; dew point and humidity go with them."""
    stamps = pd.date_range("2024-01-01", periods=STEPS, freq="h", tz="UTC")
    wave = np.sin(np.arange(STEPS) * 2 * np.pi / 12)
    parts = [
        pd.DataFrame({
            "timestamp": stamps, "station": name, "target": size * (10 + wave), "dew_point": size * (5 + wave),
            "humidity": 50 + wave, "pressure": 1000 + wave,
        })
        for name, size in (("EWR", 1.0), ("JFK", 100.0))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def prepare_waves(table: pd.DataFrame, prepare_table: Any, make_schema: Any) -> Any:
    dynamic = [{"name": "dew_point"}, {"name": "humidity", "known_future": True}, {"name": "pressure"}]
    schema = make_schema(dynamic_covariates=dynamic, seasonal_lags=[8])
    return lambda **changes: prepare_table(table, schema, **FULL, **changes)


def find(bundle: ModelInput, table: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    preprocessor = Preprocessor.parse(bundle.preprocessor | changes, ArtifactDamagedError, "preprocessor.pkl: key")
    return find_drift(make_latest_windows(table, preprocessor), preprocessor)


def open_horizon(table: pd.DataFrame) -> pd.DataFrame:
    """The last three hours as a forecast has them: covariates that are known ahead, and nothing else."""
    late = table["timestamp"] > table["timestamp"].max() - pd.Timedelta(hours=3)
    return table.mask(late & True, table.assign(target=np.nan, dew_point=np.nan, pressure=np.nan))


@pytest.mark.parametrize("target_scaling", ["global", "series"])
def test_of_a_table_like_the_training_part_nothing_is_told(
    target_scaling: str, prepare_waves: Any, table: pd.DataFrame
) -> None:
    drift = find(prepare_waves(target_scaling=target_scaling), open_horizon(table))
    assert {name: item["drift"] for name, item in drift["columns"].items()} == dict.fromkeys(
        ["target", "dew_point", "humidity", "pressure"], 0
    )
    assert describe_drift(drift) == ""


@pytest.mark.parametrize("target_scaling", ["global", "series"])
def test_a_single_large_series_is_no_drift(target_scaling: str, prepare_waves: Any, table: pd.DataFrame) -> None:
    large = open_horizon(table)[table["station"] == "JFK"]
    assert describe_drift(find(prepare_waves(target_scaling=target_scaling), large)) == ""


@pytest.mark.parametrize("column", ["target", "dew_point", "humidity", "pressure"])
def test_a_column_that_moves_away_is_told_by_its_name_with_the_series_and_the_side(
    column: str, prepare_waves: Any, table: pd.DataFrame
) -> None:
    moved = open_horizon(table)
    late = (moved["station"] == "JFK") & (moved["timestamp"] >= moved["timestamp"].iloc[STEPS - 12])
    moved.loc[late, column] -= 10 * table[column].std()
    found = describe_drift(find(prepare_waves(), moved))
    assert f" {column} by -" in found
    assert found.count(" by ") == 1
    assert found.endswith("(JFK)")


def test_a_series_with_a_scale_of_its_own_drifts_by_its_own_deviations(prepare_waves: Any, table: pd.DataFrame) -> None:
    moved = open_horizon(table)
    moved.loc[moved["station"] == "EWR", "target"] += 7  # ten deviations of this series, and nothing beside the other
    assert describe_drift(find(prepare_waves(target_scaling="global"), moved)) == ""
    drift = find(prepare_waves(target_scaling="series"), moved)
    assert drift["columns"]["target"]["series"] == "EWR"
    assert drift["columns"]["target"]["beyond"] > 5


def test_the_range_is_that_of_all_means_in_the_training_part(prepare_waves: Any) -> None:
    bundle = prepare_waves()
    at = bundle.feature_names.index("pressure")
    rows = [
        bundle.scaled[row - bundle.lookback + 1 : row + 1, at].mean()
        for row in range(bundle.lookback - 1, len(bundle.scaled))
        if bundle.row_split[row] == 0 and bundle.row_series[row - bundle.lookback + 1] == bundle.row_series[row]
    ]
    np.testing.assert_allclose(bundle.preprocessor["mean_ranges"]["pressure"], [min(rows), max(rows)], atol=1e-6)


def test_a_run_of_an_earlier_version_tells_nothing(prepare_waves: Any, table: pd.DataFrame) -> None:
    drift = find(prepare_waves(), open_horizon(table), mean_ranges={})
    assert drift["columns"] == {}
    assert describe_drift(drift) == ""
