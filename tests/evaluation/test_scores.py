"""Forecasts are scored beside the baselines, and laid out as a table."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.evaluation.baselines import BesideNaive
from spline_lstm.evaluation.forecast_table import make_predictions
from spline_lstm.evaluation.metrics import METRICS
from spline_lstm.evaluation.scores import evaluate
from spline_lstm.series.model_input import ModelInput


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_model_stands_beside_all_baselines(evaluate_error: Any, split: str) -> None:
    naive = ["last_value", "moving_average", "seasonal_naive", "drift", "seasonal_naive_with_drift"]
    assert list(evaluate_error(1, 2)[split]["baselines"]) == ["ridge", *naive]


def test_every_forecast_is_scored_overall_per_target_and_per_step(evaluate_error: Any) -> None:
    scores = evaluate_error(1, 2)["test"]["baselines"]["last_value"]
    assert list(scores["overall"])[: len(METRICS)] == list(METRICS)
    assert list(scores["per_target"]) == ["target", "dew_point"]
    assert [step["step"] for step in scores["per_horizon"]] == [1, 2, 3]


def test_errors_are_in_the_unit_of_the_target(evaluate_error: Any) -> None:
    metrics = evaluate_error(1.5, -4)["test"]
    assert metrics["model"]["overall"]["mae"] == pytest.approx(1.5)
    assert metrics["baselines"]["ridge"]["overall"]["mae"] == pytest.approx(4)


def test_the_units_come_from_the_data(evaluate_error: Any) -> None:
    assert evaluate_error(1, 2)["units"] == {"target": "°F", "dew_point": "°F"}


def test_the_windows_of_each_split_are_counted(evaluate_error: Any, two_targets: ModelInput) -> None:
    metrics = evaluate_error(1, 2)
    assert [metrics[split]["windows"] for split in ("val", "test")] == [
        len(two_targets.windows_of(split)) for split in (1, 2)
    ]


@pytest.mark.parametrize(("season", "expected"), [("auto", 24), (12, 12)])
def test_the_season_is_that_of_the_frequency_or_as_asked(evaluate_error: Any, season: Any, expected: int) -> None:
    assert evaluate_error(1, 2, season)["season"] == expected


def test_data_without_a_known_step_has_a_season_of_one(two_targets: ModelInput) -> None:
    earlier = dataclasses.replace(two_targets, meta={"run_id": "old"})
    assert evaluate(earlier, {}, {}, "auto")["season"] == 1


def test_a_filled_target_is_not_scored(two_targets: ModelInput) -> None:
    rows = two_targets.windows_of(2)
    truth, mask = two_targets.truth(rows)
    assert not mask.all()
    forecast = np.where(mask, truth, 1e6)
    scores = evaluate(two_targets, {"test": rows}, {"test": {"model": forecast}}, "auto")["test"]["model"]
    assert scores["overall"]["mae"] == 0


def test_baselines_are_scored_on_the_same_truth(two_targets: ModelInput) -> None:
    rows = two_targets.windows_of(2)
    forecast = BesideNaive({}, two_targets, rows, 24)["seasonal_naive"]
    scores = evaluate(two_targets, {"test": rows}, {"test": {"model": forecast}}, 24)["test"]
    assert scores["model"] == scores["baselines"]["seasonal_naive"]


@pytest.fixture(scope="module")
def predictions(two_targets: ModelInput) -> pd.DataFrame:
    rows = two_targets.windows_of(2)
    truth, _ = two_targets.truth(rows)
    return make_predictions(two_targets, rows, truth + np.arange(truth.size).reshape(truth.shape))


def test_predictions_have_a_row_for_each_window_step_and_target(
    predictions: pd.DataFrame, two_targets: ModelInput
) -> None:
    assert len(predictions) == len(two_targets.windows_of(2)) * 3 * 2
    assert not predictions.duplicated(["series_id", "origin", "step", "target"]).any()


def test_predictions_lie_beside_the_truth_of_their_own_row(predictions: pd.DataFrame, two_targets: ModelInput) -> None:
    names = np.array(two_targets.series_names)[two_targets.row_series]
    stamps = two_targets.row_timestamp.astype("datetime64[ns]")
    for row in predictions.sample(40, random_state=0).itertuples():
        at = (names == row.series_id) & (stamps == row.timestamp.to_numpy())
        column = two_targets.target_names.index(row.target)
        assert two_targets.raw_target[at, column].tolist() == [row.y_true]
        assert two_targets.is_imputed[at, column].tolist() == [not row.is_scored]


def test_a_step_lies_so_many_hours_after_its_origin(predictions: pd.DataFrame) -> None:
    hours = (predictions["timestamp"] - predictions["origin"]) / pd.Timedelta(hours=1)
    assert (hours == predictions["step"]).all()


def test_predictions_keep_the_order_of_the_forecast(predictions: pd.DataFrame) -> None:
    np.testing.assert_allclose(predictions["y_pred"] - predictions["y_true"], np.arange(len(predictions)), atol=1e-9)
