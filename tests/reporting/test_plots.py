"""The pictures of a run hold what they are to show."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.evaluation.forecast_table import make_predictions
from spline_lstm.reporting import plots
from spline_lstm.reporting.picture import Band, Line, Picture
from spline_lstm.series.filled_series import make_filled_table
from spline_lstm.series.model_input import ModelInput

SIDES = {"lower": -1, "upper": 1}
UNITS = {"units": {"target": "°F", "dew_point": None}}


def marks_of(picture: Picture) -> dict[str, Any]:
    return {mark.name: mark for mark in picture.marks}


@pytest.fixture(scope="module")
def predictions(two_targets: ModelInput) -> pd.DataFrame:
    windows = two_targets.windows_of(2)
    made = two_targets.truth(windows)[0] + 1
    ends = {"50": 0.5, "80": 1.0, "99": np.inf}
    bounds = {f"{side}_{name}": made + sign * end for name, end in ends.items() for side, sign in SIDES.items()}
    return make_predictions(two_targets, windows, made, bounds)


@pytest.fixture(scope="module")
def windows(predictions: pd.DataFrame) -> list[Picture]:
    return plots.make_window_pictures(predictions, UNITS)


def test_windows_of_the_first_and_of_the_last_series_are_shown(windows: list[Picture]) -> None:
    assert [picture.title.partition(",")[0] for picture in windows] == ["EWR", "EWR", "JFK", "JFK"]


@pytest.mark.parametrize("number", range(4))
def test_a_window_is_shown_as_it_was_predicted(number: int, windows: list[Picture], predictions: pd.DataFrame) -> None:
    series, _, origin = windows[number].title.partition(", from ")
    rows = predictions[(predictions["series_id"] == series) & (predictions["origin"] == origin)]
    shown = marks_of(windows[number])["forecast"]
    np.testing.assert_array_equal(shown.y, rows[rows["target"] == "target"]["y_pred"])


@pytest.mark.parametrize(("series", "place"), [("JFK", 3), ("EWR", 1), (None, 1)])
def test_the_window_of_a_series_whose_origin_is_nearest_is_chosen(
    series: str | None, place: int, predictions: pd.DataFrame
) -> None:  # fmt: skip
    rows = predictions[predictions["series_id"] == (series or "EWR")]
    origins = rows["origin"].drop_duplicates().sort_values()
    nearly = origins.iloc[place] + pd.Timedelta(minutes=20)
    chosen = plots.choose_window_picture(predictions, UNITS, series, nearly)
    assert chosen.title == plots.choose_window_picture(predictions, UNITS, series, f"{nearly}Z").title
    assert chosen.title == f"{series or 'EWR'}, from {origins.iloc[place]:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
    last = plots.choose_window_picture(predictions, UNITS, series, None)
    assert last.title == f"{series or 'EWR'}, from {origins.iloc[-1]:%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def test_a_series_that_was_not_forecast_is_refused_with_those_that_were(predictions: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="series 'jfk' was not forecast; did you mean 'JFK'"):
        plots.choose_window_picture(predictions, UNITS, "jfk", None)


def test_a_single_window_is_shown_once(predictions: pd.DataFrame) -> None:
    assert len(plots.make_window_pictures(predictions.head(6), UNITS)) == 1


def test_what_was_filled_is_not_shown_as_actual(predictions: pd.DataFrame) -> None:
    rows = predictions[predictions["target"] == "target"]
    filled = rows.groupby(["series_id", "origin"], observed=True)["is_scored"].transform("all")
    assert not filled.all()
    pictures = plots.make_window_pictures(rows[~filled], UNITS)
    assert all(np.isnan(marks_of(picture)["actual"].y).any() for picture in pictures)


def test_a_level_has_a_band_around_the_forecast_and_one_that_reaches_infinity_has_none(
    windows: list[Picture],
) -> None:
    for marks in map(marks_of, windows):
        assert list(marks) == ["80 %", "50 %", "forecast", "actual"]
        np.testing.assert_allclose(marks["80 %"].upper - marks["forecast"].y, 1)


def test_the_actual_values_before_a_window_are_shown_too(windows: list[Picture]) -> None:
    marks = marks_of(windows[1])
    actual, shown = marks["actual"], marks["forecast"]
    assert len(actual.x) > len(shown.x)
    assert list(actual.x[-3:]) == list(shown.x)
    assert (np.diff(actual.x) == np.timedelta64(1, "h")).all()


def test_coverage_is_shown_by_step_over_time_by_series_and_against_the_level(evaluate_error: Any) -> None:
    metrics = evaluate_error(1, 2)
    by_step, over_time, by_series, against = map(marks_of, plots.make_coverage_pictures(metrics))
    assert list(by_step) == list(over_time) == ["50 % promised", "50 % covered"]
    assert list(by_step["50 % covered"].x) == [1, 2, 3]
    blocks = metrics["intervals"][0]["over_time"]
    assert list(over_time["50 % covered"].x) == [np.datetime64(block["from"]) for block in blocks]
    assert sorted(by_series["50 %"].x) == ["EWR", "JFK"]
    assert against["promised"].y == [50]


def test_the_error_by_step_is_that_of_model_and_baselines(evaluate_error: Any) -> None:
    picture = plots.make_steps_picture(evaluate_error(1, 2))
    names = ["this model", "ridge", "last value", "moving average", "seasonal naive", "drift"]
    names.append("seasonal naive with drift")
    assert list(marks_of(picture)) == names
    np.testing.assert_allclose(marks_of(picture)["ridge"].y, [2, 2, 2])
    assert picture.y_title == "test RMSE (°F)"


def test_errors_are_shown_by_hour_and_by_series(predictions: pd.DataFrame) -> None:
    by_hour, *_, by_series = plots.make_error_pictures(predictions, UNITS)
    np.testing.assert_allclose(by_hour.marks[0].y, 1)  # type: ignore[union-attr]
    assert by_series.marks[0].x == ["EWR", "JFK"]
    assert by_series.y_title == "test RMSE of target (°F)"


def test_of_many_series_the_worst_are_shown() -> None:
    stamps = pd.Timestamp("2024-01-01")
    names = [f"s{number:02}" for number in range(20)]
    rows = {"y_true": 0.0, "y_pred": np.arange(20.0), "is_scored": True, "timestamp": stamps, "step": 1}
    table = pd.DataFrame({"series_id": names, "target": pd.Categorical(["target"] * 20), **rows})
    (by_series,) = plots.make_error_pictures(table, UNITS)
    assert by_series.title == "Error by series, the worst 12"
    assert list(by_series.marks[0].x) == names[:7:-1]


def test_residuals_count_what_was_scored(predictions: pd.DataFrame) -> None:
    pictures = plots.make_residuals_pictures(predictions, UNITS)
    counts = {picture.marks[0].name: int(sum(picture.marks[0].y)) for picture in pictures}  # type: ignore[union-attr]
    assert counts == predictions[predictions["is_scored"]].groupby("target", observed=True).size().to_dict()
    assert "target (°F)" in next(picture.x_title for picture in pictures if picture.marks[0].name == "target")


def test_the_training_shows_both_losses_and_the_epoch_that_is_kept() -> None:
    history = [{"epoch": 0, "loss": None, "val_loss": 2.0}, {"epoch": 1, "loss": 3.0, "val_loss": 1.0}]
    marks = marks_of(plots.make_training_picture({"history": history, "best_epoch": 1}))
    np.testing.assert_array_equal(marks["train"].y, [np.nan, 3.0])
    assert marks["validation"].y == [2.0, 1.0]
    assert (marks["kept"].x, marks["kept"].y) == ([1], [1.0])


def test_fills_are_told_from_observations(fill_table: Any, make_table: Any) -> None:
    filled = make_filled_table(fill_table(make_table(steps=60, gaps={"target": [20, 21]})))
    for marks in map(marks_of, plots.make_fill_pictures(filled, ("target",))):
        assert np.flatnonzero(~np.isnan(marks["spline fill"].y)).tolist() == [20, 21]
        assert np.isnan(marks["observed"].y).sum() == 2


def test_of_a_long_series_the_stretch_with_most_fills_is_shown(fill_table: Any, make_table: Any) -> None:
    table = make_table(steps=900, series=("EWR",), gaps={"target": [50, 700, 702]})
    (picture,) = plots.make_fill_pictures(make_filled_table(fill_table(table)), ("target",))
    assert np.count_nonzero(~np.isnan(marks_of(picture)["spline fill"].y)) == 2


def test_a_forecast_stands_behind_what_was_seen() -> None:
    stamps = pd.date_range("2024-01-01", periods=4, freq="h")
    keys = {"series_id": "EWR", "target": "target"}
    seen = pd.DataFrame({**keys, "timestamp": stamps[:2], "y_true": [1.0, 2.0]})
    made = pd.DataFrame({**keys, "timestamp": stamps[2:], "y_pred": [3.0, 4.0], "lower_80": 2.0, "upper_80": 5.0})
    (picture,) = plots.make_forecast_pictures(made, seen)
    band, forecast, past = picture.marks
    assert isinstance(band, Band)
    assert isinstance(forecast, Line)
    assert (list(band.upper), list(forecast.y), list(past.y)) == ([5, 5], [3, 4], [1, 2])  # type: ignore[union-attr]


def test_at_most_six_series_are_drawn() -> None:
    rows = [{"series_id": str(number), "target": "target", "timestamp": 0, "y_pred": 1.0} for number in range(9)]
    made = pd.DataFrame(rows)
    assert len(plots.make_forecast_pictures(made, made.rename(columns={"y_pred": "y_true"}))) == 6
