from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ValuesError
from spline_lstm.series.scaling import ScalerState, apply_scaler, check_target_varies, fit_scaler

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
    [([5.0, 5.0], "always 5"), ([5.0], "always 5"), ([0.0, 0.0], "always 0"), ([1e9, 1e9 + 1e-7], "always 1e+09")],
)
def test_a_target_that_does_not_vary_is_refused(values: list[float], found: str, refuses: Callable[..., Any]) -> None:
    with refuses(ValuesError, 12, f"table.csv, column 'load': the target is {found} in the training part"):
        check_target_varies(np.array(values), "load", "table.csv")


@pytest.mark.parametrize("values", [[5.0, 5.1], [0.0, 1e-30], [-1e30, 1e30]])
def test_a_target_that_varies_is_taken(values: list[float]) -> None:
    check_target_varies(np.array(values), "load", "table.csv")
    assert fit_scaler("standard", np.array(values))["scale"] == pytest.approx(np.ptp(values) / 2)
