from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ValuesError
from spline_lstm.series.scaling import (
    ScalerState,
    apply_scaler,
    check_target_varies,
    fit_scaler,
    fit_series_scales,
    known_series_scales,
)

VALUES = np.array([1.0, 2.0, 3.0, 4.0, 10.0])


@pytest.mark.parametrize(
    ("kind", "center", "scale"),
    [
        ("standard", 4.0, 10**0.5),
        ("robust", 3.0, 2.0),
        ("minmax", 1.0, 9.0),
        ("none", 0.0, 1.0),
    ],
)
def test_a_scaler_learns_centre_and_scale(kind: str, center: float, scale: float) -> None:
    state = fit_scaler(kind, VALUES)
    assert state == ScalerState(kind=kind, center=center, scale=pytest.approx(scale, rel=1e-15))


@pytest.mark.parametrize("kind", ["standard", "robust", "minmax"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_values_without_spread_get_scale_one(kind: str, value: float) -> None:
    state = fit_scaler(kind, np.full(7, value))
    assert state["scale"] == 1.0
    assert state["center"] == pytest.approx(value)


@pytest.mark.parametrize("kind", ["standard", "robust", "minmax", "none"])
def test_no_values_leave_the_feature_as_it_is(kind: str) -> None:
    assert fit_scaler(kind, np.array([])) == ScalerState(kind=kind, center=0.0, scale=1.0)


def test_scaling_takes_the_centre_away_and_divides_and_leaves_the_values_as_they_are() -> None:
    values = np.array([1.0, 3.0, 7.0])
    assert apply_scaler(ScalerState(kind="standard", center=3.0, scale=4.0), values).tolist() == [-0.5, 0.0, 1.0]
    assert values.tolist() == [1.0, 3.0, 7.0]


@pytest.mark.parametrize("kind", ["standard", "robust", "minmax", "none"])
def test_the_state_holds_plain_numbers(kind: str) -> None:
    assert [type(value) for value in fit_scaler(kind, VALUES).values()] == [str, float, float]


@pytest.mark.parametrize(
    ("values", "found"),
    [([5.0, 5.0], "always 5"), ([0.0, 0.0], "always 0"), ([1e9, 1e9 + 1e-7], "always 1e+09")],
)
def test_a_target_that_does_not_vary_is_refused(values: list[float], found: str, refuses: Callable[..., Any]) -> None:
    with refuses(ValuesError, 12, f"table.csv, column 'load': the target is {found} in the training part"):
        check_target_varies(np.array(values), "load", "table.csv")


@pytest.mark.parametrize("values", [[5.0, 5.1], [0.0, 1e-30], [-1e30, 1e30]])
def test_a_target_that_varies_is_taken(values: list[float]) -> None:
    check_target_varies(np.array(values), "load", "table.csv")
    assert fit_scaler("standard", np.array(values))["scale"] == pytest.approx(np.ptp(values) / 2)


def test_each_series_learns_its_own_mean_and_deviation() -> None:
    random = np.random.default_rng(0)
    series, values = np.repeat([0, 1, 2], 20), random.normal(size=(60, 2)) * 10.0 ** np.arange(3).repeat(20)[:, None]
    values[random.random((60, 2)) < 0.2] = np.nan
    counts = random.random(60) < 0.7
    scales = fit_series_scales(values, series, counts, 3)
    for number in range(3):
        for target in range(2):
            own = values[(series == number) & counts, target]
            assert scales.center[number, target] == pytest.approx(np.nanmean(own))
            assert scales.scale[number, target] == pytest.approx(np.nanstd(own))


@pytest.mark.parametrize(
    ("values", "center", "scale"), [([7.0, 7.0], 7.0, 7.0), ([-2.0, -2.0], -2.0, 2.0), ([0.0, 0.0], 0.0, 1.0)]
)
def test_a_series_that_does_not_vary_gets_its_size_as_scale(values: list[float], center: float, scale: float) -> None:
    scales = fit_series_scales(np.array(values)[:, None], np.zeros(2, dtype=int), np.ones(2, dtype=bool), 1)
    assert (scales.center.item(), scales.scale.item()) == (center, scale)


def test_a_series_without_values_is_left_as_it_is() -> None:
    scales = fit_series_scales(np.full((2, 1), np.nan), np.zeros(2, dtype=int), np.ones(2, dtype=bool), 1)
    assert (scales.center.item(), scales.scale.item()) == (0.0, 1.0)


def test_the_scales_of_series_return_from_what_is_stored() -> None:
    values, series = np.array([[1.0], [3.0], [10.0], [30.0]]), np.array([0, 0, 1, 1])
    scales = fit_series_scales(values, series, np.ones(4, dtype=bool), 2)
    state = scales.to_state(("target",), ("a", "b"))
    assert state == {"target": {"a": (2.0, 1.0), "b": (20.0, 10.0)}}
    known = known_series_scales(state, ("target",), ("b", "new"))
    assert known.center[0, 0] == 20.0
    assert np.isnan(known.center[1, 0])
