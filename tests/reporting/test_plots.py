"""The plots of a run hold what they are to show."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.evaluation.forecast_table import make_predictions
from spline_lstm.reporting import plots
from spline_lstm.series.filled_series import make_filled_table
from spline_lstm.series.model_input import ModelInput

SIDES = {"lower": -1, "upper": 1}


def traces(figure: Any, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


@pytest.fixture(scope="module")
def predictions(two_targets: ModelInput) -> pd.DataFrame:
    windows = two_targets.windows_of(2)
    made = two_targets.truth(windows)[0] + 1
    ends = {"50": 0.5, "80": 1.0, "99": np.inf}
    bounds = {f"{side}_{name}": made + sign * end for name, end in ends.items() for side, sign in SIDES.items()}
    return make_predictions(two_targets, windows, made, bounds)


@pytest.fixture(scope="module")
def windows_plot(predictions: pd.DataFrame) -> Any:
    return plots.make_windows_plot(predictions)


def test_windows_of_the_first_and_of_the_last_series_are_shown(windows_plot: Any) -> None:
    titles = [note.text.partition(",")[0] for note in windows_plot.layout.annotations]
    assert titles == ["EWR", "EWR", "JFK", "JFK"]


@pytest.mark.parametrize("panel", range(4))
def test_a_window_is_shown_as_it_was_predicted(panel: int, windows_plot: Any, predictions: pd.DataFrame) -> None:
    shown = traces(windows_plot, "forecast")[panel]
    series, _, origin = windows_plot.layout.annotations[panel].text.partition(", from ")
    rows = predictions[(predictions["series_id"] == series) & (predictions["origin"] == origin)]
    np.testing.assert_array_equal(shown.y, rows[rows["target"] == "target"]["y_pred"])


def test_a_single_window_is_shown_once(predictions: pd.DataFrame) -> None:
    figure = plots.make_windows_plot(predictions.head(6))
    assert len(traces(figure, "forecast")) == 1


def test_what_was_filled_is_not_shown_as_actual(windows_plot: Any, predictions: pd.DataFrame) -> None:
    rows = predictions[predictions["target"] == "target"]
    filled = rows.groupby(["series_id", "origin"], observed=True)["is_scored"].transform("all")
    assert not filled.all()
    whole = plots.make_windows_plot(rows[~filled])
    assert all(np.isnan(trace.y).any() for trace in traces(whole, "actual"))


def test_a_level_has_a_band_and_one_that_reaches_infinity_has_none(windows_plot: Any) -> None:
    assert [len(traces(windows_plot, name)) for name in ("50 %", "80 %", "99 %")] == [4, 4, 0]


def test_the_band_of_a_forecast_lies_around_it(windows_plot: Any) -> None:
    upper, shown = traces(windows_plot, "80 %")[0], traces(windows_plot, "forecast")[0]
    np.testing.assert_allclose(upper.y - shown.y, 1)


def test_the_actual_values_before_a_window_are_shown_too(windows_plot: Any) -> None:
    actual, shown = traces(windows_plot, "actual")[1], traces(windows_plot, "forecast")[1]
    assert len(actual.x) > len(shown.x)
    assert list(actual.x[-3:]) == list(shown.x)
    assert (np.diff(actual.x) == np.timedelta64(1, "h")).all()


def test_coverage_is_shown_against_the_level_by_step_and_over_time(evaluate_error: Any) -> None:
    metrics = evaluate_error(1, 2)
    figure = plots.make_coverage_plot(metrics)
    assert [len(traces(figure, name)) for name in ("covered", "promised", "50 %")] == [1, 1, 2]
    by_step, over_time = traces(figure, "50 %")
    assert list(by_step.x) == [1, 2, 3]
    assert list(over_time.x) == [block["from"] for block in metrics["intervals"][0]["over_time"]]


def test_the_error_by_step_is_that_of_model_and_baselines(evaluate_error: Any) -> None:
    figure = plots.make_steps_plot(evaluate_error(1, 2))
    names = ["this model", "ridge", "last value", "moving average", "seasonal naive", "drift"]
    names.append("seasonal naive with drift")
    assert [trace.name for trace in figure.data] == names
    np.testing.assert_allclose(traces(figure, "ridge")[0].y, [2, 2, 2])


def test_residuals_count_what_was_scored(predictions: pd.DataFrame) -> None:
    figure = plots.make_residuals_plot(predictions)
    counts = {trace.name: int(sum(trace.y)) for trace in figure.data}
    assert counts == predictions[predictions["is_scored"]].groupby("target", observed=True).size().to_dict()


def test_the_training_shows_both_losses_and_the_epoch_that_is_kept() -> None:
    history = [{"epoch": 0, "loss": None, "val_loss": 2.0}, {"epoch": 1, "loss": 3.0, "val_loss": 1.0}]
    figure = plots.make_training_plot({"history": history, "best_epoch": 1})
    assert [tuple(trace.y) for trace in figure.data] == [(None, 3.0), (2.0, 1.0)]
    assert figure.layout.shapes[0].x0 == 1


def test_fills_are_told_from_observations(fill_table: Any, make_table: Any) -> None:
    filled = make_filled_table(fill_table(make_table(steps=60, gaps={"target": [20, 21]})))
    figure = plots.make_fills_plot(filled, ("target",))
    for trace in traces(figure, "spline fill"):
        assert np.flatnonzero(~np.isnan(trace.y)).tolist() == [20, 21]
    assert [np.isnan(trace.y).sum() for trace in traces(figure, "observed")] == [2, 2]


def test_of_a_long_series_the_stretch_with_most_fills_is_shown(fill_table: Any, make_table: Any) -> None:
    table = make_table(steps=900, series=("EWR",), gaps={"target": [50, 700, 702]})
    figure = plots.make_fills_plot(make_filled_table(fill_table(table)), ("target",))
    (shown,) = traces(figure, "spline fill")
    assert np.count_nonzero(~np.isnan(shown.y)) == 2


def test_a_forecast_stands_behind_what_was_seen() -> None:
    stamps = pd.date_range("2024-01-01", periods=4, freq="h")
    keys = {"series_id": "EWR", "target": "target"}
    seen = pd.DataFrame({**keys, "timestamp": stamps[:2], "y_true": [1.0, 2.0]})
    made = pd.DataFrame({**keys, "timestamp": stamps[2:], "y_pred": [3.0, 4.0], "lower_80": 2.0, "upper_80": 5.0})
    figure = plots.make_forecast_plot(made, seen)
    assert {trace.name: list(trace.y) for trace in figure.data if trace.name} == {
        "80 %": [5, 5], "forecast": [3, 4], "seen": [1, 2],
    }  # fmt: skip


def test_at_most_six_panels_are_drawn() -> None:
    rows = [{"series_id": str(number), "target": "target", "timestamp": 0, "y_pred": 1.0} for number in range(9)]
    made = pd.DataFrame(rows)
    figure = plots.make_forecast_plot(made, made.rename(columns={"y_pred": "y_true"}))
    assert len(traces(figure, "forecast")) == 6
