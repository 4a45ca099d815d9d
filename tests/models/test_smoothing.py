"""The smoothing spline as a matrix."""

import numpy as np
import pytest
from scipy.interpolate import make_smoothing_spline

from spline_lstm.models.smoothing import make_smoothing_matrix


def consecutive(steps: int) -> tuple[int, ...]:
    return tuple(range(steps))[::-1]


LENGTHS_AND_PENALTIES = [(3, 1.0), (6, 0.1), (24, 5.0), (168, 1000.0)]


@pytest.mark.parametrize(("steps", "penalty"), LENGTHS_AND_PENALTIES)
def test_every_row_adds_up_to_one(steps: int, penalty: float) -> None:
    np.testing.assert_allclose(make_smoothing_matrix(consecutive(steps), penalty).sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize(("steps", "penalty"), LENGTHS_AND_PENALTIES)
def test_a_straight_line_is_left_as_it_is(steps: int, penalty: float) -> None:
    line = 3 - 0.5 * np.arange(steps)
    np.testing.assert_allclose(make_smoothing_matrix(consecutive(steps), penalty) @ line, line, atol=1e-8)


@pytest.mark.parametrize(("steps", "penalty"), [(5, 0.3), (6, 0.1), (24, 5.0), (168, 1000.0)])
def test_it_is_the_smoothing_spline_of_scipy(steps: int, penalty: float) -> None:
    values = np.random.default_rng(0).normal(size=steps)
    expected = make_smoothing_spline(np.arange(steps), values, lam=penalty)(np.arange(steps))
    np.testing.assert_allclose(make_smoothing_matrix(consecutive(steps), penalty) @ values, expected, atol=1e-8)


def test_rows_that_lie_apart_are_smoothed_as_scipy_does() -> None:
    ages = (95, 60, 31, 30, 12, 5, 2, 1, 0)
    values = np.random.default_rng(0).normal(size=len(ages))
    places = -np.array(ages, dtype=float)
    expected = make_smoothing_spline(places, values, lam=40.0)(places)
    np.testing.assert_allclose(make_smoothing_matrix(ages, 40.0) @ values, expected, atol=1e-8)


def test_a_large_penalty_leads_to_the_straight_line_of_least_squares() -> None:
    values = np.random.default_rng(0).normal(size=12)
    line = np.polyval(np.polyfit(np.arange(12), values, 1), np.arange(12))
    np.testing.assert_allclose(make_smoothing_matrix(consecutive(12), 1e9) @ values, line, atol=1e-4)


@pytest.mark.parametrize(("steps", "penalty"), [(6, 0.0), (2, 5.0), (1, 5.0)])
def test_nothing_is_smoothed_without_a_penalty_or_below_three_steps(steps: int, penalty: float) -> None:
    np.testing.assert_array_equal(make_smoothing_matrix(consecutive(steps), penalty), np.eye(steps))
