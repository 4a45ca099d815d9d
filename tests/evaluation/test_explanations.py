"""Explanations of a model."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.evaluation.explanations import correlate_errors, find_importances, weigh_lags
from spline_lstm.series.model_input import ModelInput


def forecast_from(model_input: ModelInput, name: str) -> Any:
    """A forecast that repeats the last value of one input."""
    column = model_input.feature_names.index(name)
    outputs = model_input.y.shape[1]
    return lambda X: np.repeat(np.asarray(X)[:, -1:, column], outputs, axis=1)


@pytest.fixture(scope="module")
def weather(prepare_table: Any, make_table: Any) -> ModelInput:
    made: ModelInput = prepare_table(make_table(steps=200), feature_mode="multivariate")
    return made


@pytest.mark.parametrize("name", ["target", "dew_point"])
def test_only_the_input_that_a_forecast_goes_by_matters(weather: ModelInput, name: str) -> None:
    first, *others = find_importances(weather, forecast_from(weather, name), seed=1)
    assert first["input"] == name
    assert first["error_ratio"] > 1.1
    assert {row["error_ratio"] for row in others} == {1.0}


def test_the_same_seed_gives_the_same_importances(weather: ModelInput) -> None:
    one, again, other = (find_importances(weather, forecast_from(weather, "target"), seed) for seed in (1, 1, 2))
    assert one == again != other


def test_only_windows_of_the_validation_part_are_looked_at(weather: ModelInput) -> None:
    seen = []

    def watch(X: Any) -> Any:
        seen.append(X)
        return np.zeros((len(X), weather.y.shape[1]))

    find_importances(weather, watch, seed=1)
    np.testing.assert_array_equal(seen[0], weather.X[weather.windows_of(1)])


def test_weights_lie_at_their_input_and_lag(weather: ModelInput) -> None:
    features, column = len(weather.feature_names), weather.feature_names.index("humidity")
    kernel = np.zeros((weather.lookback * features, 2), np.float32)
    kernel[2 * features + column] = [1, -3]
    first = weigh_lags(weather, kernel)[0]
    assert first["input"] == "humidity"
    assert first["weights"] == [0, 0, 2, 0, 0, 0]
    assert first["steps_before"] == weather.ages[:, column].tolist()


def test_a_path_that_all_targets_share_has_one_weight_a_lag_for_each_of_them(two_targets: Any) -> None:
    kernel = np.arange(two_targets.lookback * 3, dtype=np.float32).reshape(-1, 3)
    rows = weigh_lags(two_targets, kernel)
    assert [row["input"] for row in rows] == list(two_targets.target_names)
    assert rows[0]["weights"] == rows[1]["weights"] == kernel.mean(axis=1).tolist()


def predictions_of(errors: Any, hours: Any = None) -> pd.DataFrame:
    hours = np.arange(len(errors)) if hours is None else hours
    return pd.DataFrame(
        {
            "series_id": pd.Categorical(["EWR"] * len(errors)), "target": pd.Categorical(["target"] * len(errors)),
            "timestamp": pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h"), "step": 1,
            "y_true": 0.0, "y_pred": errors, "is_scored": True,
        }
    )  # fmt: skip


def test_errors_that_repeat_are_correlated_at_their_period() -> None:
    found = correlate_errors(predictions_of(np.tile([1.0, 0.0, -1.0, 0.0], 50)), np.arange(200))
    assert [round(value) for value in found["correlation"][:4]] == [0, -1, 0, 1]
    assert found["chance"] == pytest.approx(1.96 / 200**0.5)


def test_errors_across_a_gap_are_not_taken_for_neighbours() -> None:
    hours = [0, 1, 2, 10, 11, 12]
    found = correlate_errors(predictions_of(np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0]) - 1 / 3), np.array(hours))
    assert found["correlation"][0] == pytest.approx(-4 / 4 / (8 / 9) * (8 / 9), abs=0.2)
    assert found["correlation"][40] is None


@pytest.mark.parametrize("error", [0.0, np.nan])
def test_errors_that_do_not_vary_have_no_correlation(error: float) -> None:
    assert set(correlate_errors(predictions_of(np.full(60, error)), np.arange(60))["correlation"]) == {None}
