"""Errors by what forecasts have in common."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.evaluation.error_groups import errors_by, rmse_by
from spline_lstm.evaluation.forecast_table import make_predictions
from spline_lstm.series.model_input import ModelInput


@pytest.fixture(scope="module")
def predictions(two_targets: ModelInput) -> pd.DataFrame:
    windows = two_targets.windows_of(2)
    truth = two_targets.truth(windows)[0]
    return make_predictions(two_targets, windows, truth + np.random.default_rng(0).normal(size=truth.shape))


def test_they_are_those_of_a_loop_over_the_scored_forecasts(predictions: pd.DataFrame) -> None:
    found = errors_by(predictions, "hour", "series")
    errors: dict[Any, list[float]] = {}
    for row in predictions[predictions["is_scored"]].itertuples():
        errors.setdefault((row.target, row.timestamp.hour, row.series_id), []).append(row.y_pred - row.y_true)
    assert set(found.index) == set(errors)
    for group, values in errors.items():
        expected = [np.mean(np.square(values)) ** 0.5, np.mean(np.abs(values)), np.mean(values), len(values)]
        np.testing.assert_allclose(found.loc[group], expected)


def test_a_kind_of_which_there_is_one_group_is_left_out(predictions: pd.DataFrame) -> None:
    found = rmse_by(predictions, ("hour", "month"))
    assert list(found) == ["hour"]
    expected = errors_by(predictions, "hour").loc["target"]["rmse"]
    assert found["hour"] == {str(hour): error for hour, error in expected.items()}


def test_days_of_the_week_stand_in_their_order() -> None:
    days = pd.date_range("2024-01-01", periods=14)
    table = pd.DataFrame({"timestamp": days, "target": "a", "y_pred": 1.0, "y_true": 0.0, "is_scored": True})
    assert list(errors_by(table, "weekday").index)[::6] == ["Monday", "Sunday"]


@pytest.mark.parametrize(("groups", "named"), [(("hours",), "'hours'"), ((), "none given")])
def test_an_unknown_group_is_refused_with_those_that_there_are(
    groups: tuple[str, ...], named: str, predictions: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match=f"unknown groups: {named}; known: 'hour', 'weekday'"):
        errors_by(predictions, *groups)
