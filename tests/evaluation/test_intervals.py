"""Prediction intervals: calibrated on validation, scored on test."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.evaluation.intervals import fit_half_widths, half_widths, make_bounds, make_intervals, score_intervals
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float64


def column(*errors: float) -> Float64:
    """Errors of as many windows, one step, one target."""
    return np.array(errors).reshape(-1, 1, 1)


def observed(count: int) -> Bool:
    return np.ones((count, 1, 1), dtype=bool)


@pytest.mark.parametrize(
    ("level", "expected"),
    [(0.4, 2.0), (0.5, 3.0), (0.6, 3.0), (0.61, 4.0), (0.8, 4.0), (0.81, np.inf), (0.95, np.inf)],
)
def test_the_half_width_is_the_order_statistic_of_the_formula(level: float, expected: float) -> None:
    assert fit_half_widths(column(-3, 1, 4, -2), observed(4), level).tolist() == [[expected]]


def test_a_rank_that_is_whole_is_not_rounded_up() -> None:
    assert fit_half_widths(column(*range(1, 20)), observed(19), 0.95).tolist() == [[19]]


def test_what_was_not_observed_does_not_count() -> None:
    mask = np.array([True, True, True, False]).reshape(4, 1, 1)
    assert fit_half_widths(column(3, 1, 2, 100), mask, 0.75).tolist() == [[3]]


def test_nothing_observed_gives_no_interval() -> None:
    assert fit_half_widths(column(1), ~observed(1), 0.5).tolist() == [[np.inf]]


def test_each_target_and_step_has_its_own_half_width() -> None:
    error = np.arange(1.0, 13.0).reshape(3, 2, 2)
    assert fit_half_widths(error, np.ones_like(error, dtype=bool), 0.75).tolist() == [[9, 10], [11, 12]]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_exchangeable_errors_are_covered_as_promised(level: float) -> None:
    random = np.random.default_rng(0)
    covered = [
        abs(errors[-1]) <= fit_half_widths(column(*errors[:-1]), observed(20), level)[0, 0]
        for errors in random.standard_t(3, (4_000, 21))
    ]
    assert level - 0.02 <= np.mean(covered) <= level + 1 / 21 + 0.02


@pytest.fixture(scope="module")
def made(two_targets: ModelInput) -> dict[str, Any]:
    """Forecasts that are off by 2 on validation."""
    windows = two_targets.windows_of(1)
    return make_intervals(two_targets, windows, two_targets.truth(windows)[0] + 2, (0.8, 0.99))


def test_intervals_name_the_half_width_of_each_target_and_step(made: dict[str, Any]) -> None:
    (entry, _), names = made["levels"], ("target", "dew_point")
    assert entry["level"] == 0.8
    assert {name: entry["half_width"][name] for name in names} == {name: pytest.approx([2, 2, 2]) for name in names}


def test_a_level_for_which_too_little_was_observed_has_no_half_width(made: dict[str, Any]) -> None:
    assert made["levels"][1]["half_width"]["target"] == [None] * 3
    assert np.isinf(half_widths(made["levels"][1], ("target",))).all()


@pytest.mark.parametrize(("error", "coverage"), [(1.9, 1.0), (2.1, 0.0)])
def test_the_score_counts_what_is_covered(
    error: float, coverage: float, made: dict[str, Any], two_targets: ModelInput
) -> None:
    windows = two_targets.windows_of(2)
    truth, mask = two_targets.truth(windows)
    assert not mask.all()
    scored = score_intervals(two_targets, windows, np.where(mask, truth - error, 1e6), made)[0]
    assert (scored["coverage"], scored["mean_width"]) == (coverage, pytest.approx(4))
    assert scored["per_target"]["dew_point"]["coverage"] == coverage
    assert [entry["step"] for entry in scored["per_horizon"]] == [1, 2, 3]


def test_an_interval_without_end_covers_everything_and_has_no_width(
    made: dict[str, Any], two_targets: ModelInput
) -> None:
    windows = two_targets.windows_of(2)
    scored = score_intervals(two_targets, windows, two_targets.truth(windows)[0] + 9, made)[1]
    assert (scored["coverage"], scored["mean_width"]) == (1.0, None)


def test_bounds_lie_around_the_forecast_under_the_name_of_their_level(made: dict[str, Any]) -> None:
    bounds = make_bounds(np.zeros((1, 3, 2)), made, ("target", "dew_point"))
    assert list(bounds) == ["lower_80", "upper_80", "lower_99", "upper_99"]
    np.testing.assert_allclose(bounds["lower_80"], -2)
    np.testing.assert_allclose(bounds["upper_80"], 2)
