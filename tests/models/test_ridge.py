"""The ridge regression, beside the normal equations."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.models.ridge import PENALTIES, RidgeData, fit_ridge, masked_mse
from spline_lstm.types import Bool, Float64


def make_data(count: int = 80, inputs: int = 4, outputs: int = 2, *, noise: float = 0.3, seed: int = 0) -> RidgeData:
    weights = np.random.default_rng(99).normal(size=(inputs, outputs))
    random = np.random.default_rng(seed)
    X = random.normal(loc=2, size=(count, inputs))
    y = X @ weights + 5 + noise * random.normal(size=(count, outputs))
    return RidgeData(X.astype(np.float32), y.astype(np.float32), np.ones(y.shape, dtype=bool))


def with_mask(data: RidgeData, mask: Bool) -> RidgeData:
    return RidgeData(data.inputs, data.targets, mask)


def solve_normal_equations(X: Any, y: Any, shrinkage: float) -> tuple[Float64, float]:
    """One output: the intercept is a column of ones that is not penalised."""
    design = np.column_stack([X, np.ones(len(X))]).astype(np.float64)
    penalty = np.diag([shrinkage] * X.shape[1] + [0.0])
    solution = np.linalg.solve(design.T @ design + penalty, design.T @ y.astype(np.float64))
    return solution[:-1], float(solution[-1])


def solve_each_output(data: RidgeData, penalty: float) -> tuple[Float64, Float64]:
    """The oracle: every output by itself, from the rows where it was observed."""
    solutions = [
        solve_normal_equations(data.inputs[seen], column[seen], penalty * len(data.inputs))
        for column, seen in zip(data.targets.T, data.mask.T, strict=True)
    ]
    return np.array([weights for weights, _ in solutions]).T, np.array([bias for _, bias in solutions])


def test_the_fit_solves_the_normal_equations() -> None:
    train = make_data()
    ridge = fit_ridge(train, make_data(seed=1))
    weights, bias = solve_each_output(train, ridge.penalty)
    np.testing.assert_allclose(ridge.weights, weights, rtol=1e-8)
    np.testing.assert_allclose(ridge.bias, bias, rtol=1e-8)


def test_without_noise_the_fit_is_the_least_squares_solution() -> None:
    train = make_data(noise=0.0)
    ridge = fit_ridge(train, make_data(noise=0.0, seed=1))
    design = np.column_stack([train.inputs, np.ones(80)])
    expected = np.linalg.lstsq(design, train.targets, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([ridge.weights, ridge.bias]), expected, atol=1e-4)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_targets_that_were_not_observed_do_not_count(share: float) -> None:
    data = make_data()
    train = with_mask(data, np.random.default_rng(5).random(data.mask.shape) > share)
    ridge = fit_ridge(train, make_data(seed=1))
    weights, bias = solve_each_output(train, ridge.penalty)
    np.testing.assert_allclose(ridge.weights, weights, atol=1e-5)
    np.testing.assert_allclose(ridge.bias, bias, atol=1e-4)


def test_what_stands_in_unobserved_targets_is_never_read() -> None:
    data = make_data()
    mask = np.random.default_rng(5).random(data.mask.shape) > 0.3
    other = RidgeData(data.inputs, np.where(mask, data.targets, np.float32(1e6)), mask)
    val = make_data(seed=1)
    np.testing.assert_array_equal(fit_ridge(with_mask(data, mask), val).weights, fit_ridge(other, val).weights)


@pytest.mark.parametrize("noise", [0.01, 1.0, 20.0])
def test_the_largest_penalty_within_two_thousandths_of_the_least_error_on_val_is_chosen(noise: float) -> None:
    train, val = make_data(12, noise=noise), make_data(40, noise=noise, seed=1)
    errors = []
    for penalty in PENALTIES:
        weights, bias = solve_each_output(train, penalty)
        errors.append(np.mean((val.inputs @ weights + bias - val.targets) ** 2))
    good = [penalty for penalty, error in zip(PENALTIES, errors, strict=True) if error <= 1.002 * min(errors)]
    assert fit_ridge(train, val).penalty == max(good)


def test_the_error_on_val_leaves_out_what_was_not_observed() -> None:
    data = make_data(3, outputs=1)
    mask = np.array([[True], [False], [True]])
    assert masked_mse(data.targets + np.array([[1.0], [50.0], [3.0]]), with_mask(data, mask)) == pytest.approx(5)


def test_a_shift_of_the_targets_moves_only_the_intercept() -> None:
    data, val = make_data(), make_data(seed=1)
    lifted, val_lifted = (RidgeData(part.inputs, part.targets + 100, part.mask) for part in (data, val))
    plain, shifted = fit_ridge(data, val), fit_ridge(lifted, val_lifted)
    np.testing.assert_allclose(shifted.weights, plain.weights, atol=1e-5)
    np.testing.assert_allclose(shifted.bias, plain.bias + 100, rtol=1e-5)


def test_a_constant_input_takes_no_weight() -> None:
    data = make_data()
    data.inputs[:, 0] = 7
    assert np.abs(fit_ridge(data, make_data(seed=1)).weights[0]).max() < 1e-9


def test_predictions_come_in_the_order_of_the_windows_beyond_one_chunk() -> None:
    ridge = fit_ridge(make_data(), make_data(seed=1))
    X = make_data(9_000, seed=2).inputs
    np.testing.assert_allclose(ridge.predict(X), X.astype(np.float64) @ ridge.weights + ridge.bias)


def test_what_predicts_one_window_limits_no_threads_first(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_data()
    ridge = fit_ridge(data, data)
    expected = ridge.predict(data.inputs[:1])
    monkeypatch.setattr("spline_lstm.models.ridge.threadpool_limits", None)  # it takes milliseconds
    np.testing.assert_array_equal(ridge.apply(data.inputs[:1]), expected)
