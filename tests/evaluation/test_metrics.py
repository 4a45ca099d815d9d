"""Metrics: numbers worked out by hand."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spline_lstm.evaluation.metrics import METRICS, ErrorScales, Scored, fit_error_scales, score, score_series, sum_up
from spline_lstm.series.model_input import ModelInput

SCALES = ErrorScales(floor=np.array([2.0]), naive_error=np.array([[0.5]]))


def score_one(
    truth: list[float], forecast: list[float], mask: list[bool] | None = None, scales: ErrorScales = SCALES
) -> dict[str, float | None]:
    """One target and one step: every number is a window."""
    shape = (len(truth), 1, 1)
    observed = np.ones(shape, dtype=bool) if mask is None else np.reshape(mask, shape)
    made = Scored(np.reshape(truth, shape), np.reshape(forecast, shape), observed, np.zeros(len(truth), dtype=int))
    scores = score(sum_up(made, scales), ("target",))
    overall: dict[str, float | None] = scores["overall"]
    return overall


# Truth 1, -1, 4, 10 (mean 3.5) and forecast 2, -1, 2, 13: errors 1, 0, -2, 3; |1| and |-1| lie below the floor of 2.
@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("mae", 6 / 4),
        ("mse", 14 / 4),
        ("rmse", (14 / 4) ** 0.5),
        ("robust_mape", 100 * (1 / 2 + 0 / 2 + 2 / 4 + 3 / 10) / 4),
        ("mase", (6 / 4) / 0.5),
        ("r2", 1 - 14 / (2.5**2 + 4.5**2 + 0.5**2 + 6.5**2)),
    ],
)
def test_a_metric_is_what_its_formula_gives(metric: str, expected: float) -> None:
    assert score_one([1, -1, 4, 10], [2, -1, 2, 13])[metric] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "expected"), [("mae", 0), ("mse", 0), ("rmse", 0), ("robust_mape", 0), ("mase", 0), ("r2", 1)]
)
def test_a_perfect_forecast_has_the_best_score(metric: str, expected: float) -> None:
    assert score_one([1, 5, 9], [1, 5, 9])[metric] == expected


def test_what_was_not_observed_is_not_scored() -> None:
    masked = score_one([1, 777, 4], [2, 0, 2], [True, False, True])
    assert masked == score_one([1, 4], [2, 2])


def test_a_truth_that_is_nan_is_not_scored_where_it_was_not_observed() -> None:
    assert score_one([1, np.nan], [2, 0], [True, False])["mae"] == 1


def test_r2_of_a_constant_truth_is_undefined() -> None:
    assert score_one([4, 4], [3, 5])["r2"] is None


@pytest.mark.parametrize("naive_error", [0.0, np.nan])
def test_mase_without_a_naive_error_is_undefined(naive_error: float) -> None:
    assert score_one([4, 5], [3, 5], scales=ErrorScales(SCALES.floor, np.array([[naive_error]])))["mase"] is None


def test_every_metric_is_undefined_where_nothing_was_observed() -> None:
    assert score_one([4, 5], [3, 5], [False, False]) == dict.fromkeys(METRICS)


def two_targets() -> dict[str, Any]:
    """Two windows, two steps, two targets; the errors are 1 and 3 for one target, 10 and 30 for the other."""
    truth = np.zeros((2, 2, 2)) + [100, 1000] + np.arange(2)[:, None, None]
    forecast = truth + np.array([[1, 10], [3, 30]])
    scales = ErrorScales(np.ones(2), np.array([[1.0, 10.0]]))
    made = Scored(truth, forecast, np.ones(truth.shape, dtype=bool), np.zeros(2, dtype=int))
    return score(sum_up(made, scales), ("a", "b"))


def test_targets_are_scored_by_themselves() -> None:
    assert {name: scores["mae"] for name, scores in two_targets()["per_target"].items()} == {"a": 2, "b": 20}


def test_the_overall_score_is_the_mean_of_the_targets() -> None:
    assert two_targets()["overall"]["rmse"] == pytest.approx((5**0.5 + 500**0.5) / 2)


def test_steps_of_the_horizon_are_scored_by_themselves() -> None:
    steps = two_targets()["per_horizon"]
    assert [(step["step"], step["mae"], step["mase"]) for step in steps] == [(1, 5.5, 1), (2, 16.5, 3)]


def test_the_mean_over_targets_leaves_out_what_is_undefined() -> None:
    mask = np.array([[[True, False]], [[True, False]]])
    made = Scored(np.ones((2, 1, 2)), np.zeros((2, 1, 2)), mask, np.zeros(2, dtype=int))
    scores = score(sum_up(made, ErrorScales(np.ones(2), np.ones((1, 2)))), ("a", "b"))
    assert scores["overall"]["mae"] == 1


@pytest.fixture(scope="module")
def with_rows(prepare_table: Any, make_table: Any) -> Callable[..., ModelInput]:
    """A bundle whose rows are the given values of one target; all are observed and in train unless told otherwise."""
    bundle = prepare_table(make_table())

    def make(values: list[float], **rows: Any) -> ModelInput:
        nothing = np.zeros(len(values), dtype=np.int64)
        imputed = np.array(rows.get("is_imputed", [False] * len(values)))[:, None]
        return dataclasses.replace(
            bundle,
            raw_target=np.array(values, dtype=np.float64)[:, None],
            is_imputed=imputed,
            row_series=np.array(rows.get("row_series", nothing)),
            row_split=np.array(rows.get("row_split", nothing)),
        )

    return make


@pytest.mark.parametrize(("season", "expected"), [(1, (2 + 3 + 4) / 3), (2, (5 + 7) / 2), (3, 9), (4, 3), (50, 3)])
def test_the_naive_error_is_that_of_a_season_or_of_a_step_where_train_is_shorter(
    with_rows: Any, season: int, expected: float
) -> None:
    assert fit_error_scales(with_rows([1, 3, 6, 10]), season).naive_error[0].tolist() == [expected]


def test_the_naive_error_leaves_out_what_was_filled(with_rows: Any) -> None:
    bundle = with_rows([1, 99, 6, 10], is_imputed=[False, True, False, False])
    assert fit_error_scales(bundle, 1).naive_error[0].tolist() == [4]


def test_each_series_has_its_own_naive_error(with_rows: Any) -> None:
    naive = fit_error_scales(with_rows([1, 3, 100, 104], row_series=[0, 0, 1, 1]), 1).naive_error
    assert naive.tolist() == [[2], [4]]


def test_a_series_that_is_no_longer_than_a_season_has_the_error_of_one_step(with_rows: Any) -> None:
    naive = fit_error_scales(with_rows([1, 3, 6, 100, 104], row_series=[0, 0, 0, 1, 1]), 2).naive_error
    assert naive.tolist() == [[5], [4]]


def test_the_scales_are_learnt_from_train(with_rows: Any) -> None:
    train, rest = with_rows([1, 3, 6]), with_rows([1, 3, 6, 500, 900], row_split=[0, 0, 0, 1, 2])
    found, expected = fit_error_scales(rest, 1), fit_error_scales(train, 1)
    assert found.floor == expected.floor
    np.testing.assert_array_equal(found.naive_error, expected.naive_error)


def test_the_naive_error_is_unknown_with_a_single_row(with_rows: Any) -> None:
    assert np.isnan(fit_error_scales(with_rows([1]), 1).naive_error).all()


def test_the_floor_is_the_fifth_percentile_of_the_absolute_values(with_rows: Any) -> None:
    values = [(-1) ** number * number for number in range(1, 102)]
    assert fit_error_scales(with_rows(values), 1).floor == pytest.approx([6.0])


def test_the_floor_is_never_zero(with_rows: Any) -> None:
    assert fit_error_scales(with_rows([0, 0, 0, 1]), 1).floor.tolist() == [1e-8]


def panel() -> Scored:
    """Two series: three windows with an error of 1, and one with an error of 100; two steps, one target."""
    forecast = np.array([1.0, 1.0, 1.0, 100.0]).reshape(-1, 1, 1) * np.ones((4, 2, 1))
    shape = forecast.shape
    return Scored(
        np.zeros(shape), forecast, np.ones(shape, dtype=bool), np.array([0, 0, 0, 1]),
        {"crps": forecast / 2}, {"crps": "sql"},
    )  # fmt: skip


PANEL_SCALES = ErrorScales(np.ones(1), np.array([[0.5], [200.0]]))


def test_the_mase_of_a_panel_is_the_mean_of_the_series_own() -> None:
    scores = score(sum_up(panel(), PANEL_SCALES), ("target",))
    assert scores["overall"]["mase"] == pytest.approx((1 / 0.5 + 100 / 200) / 2)
    assert [step["mase"] for step in scores["per_horizon"]] == pytest.approx([1.25, 1.25])
    assert scores["overall"]["mae"] == pytest.approx(103 / 4)


def test_a_series_without_a_naive_error_does_not_count_for_mase() -> None:
    scales = ErrorScales(np.ones(1), np.array([[0.5], [np.nan]]))
    assert score(sum_up(panel(), scales), ("target",))["overall"]["mase"] == pytest.approx(2)


def test_a_further_metric_is_averaged_and_scaled_as_asked() -> None:
    overall = score(sum_up(panel(), PANEL_SCALES), ("target",))["overall"]
    assert (overall["crps"], overall["sql"]) == (pytest.approx(103 / 8), pytest.approx((1 + 0.25) / 2))


def test_every_series_is_scored_by_itself() -> None:
    (scores,) = score_series(sum_up(panel(), PANEL_SCALES))
    assert scores["rmse"].tolist() == [1, 100]
    assert scores["mase"].tolist() == [2, 0.5]
    assert scores["sql"].tolist() == [1, 0.25]


def test_a_series_without_a_window_has_no_score() -> None:
    scales = ErrorScales(np.ones(1), np.ones((3, 1)))
    (scores,) = score_series(sum_up(panel(), scales))
    assert np.isnan(scores["mae"]).tolist() == [False, False, True]
