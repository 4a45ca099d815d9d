"""The frozen regression beside the stack, where several targets share it."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.models.lstm import LSTMModel
from spline_lstm.models.ridge import fit_ridge


def make_shared(*, target_indices: tuple[int, ...] = (0, 2), **options: Any) -> LSTMModel:
    units = 3 * len(target_indices)
    return LSTMModel(
        4, (3,), 0.0, 1e-12, units, 3, target_indices=target_indices, linear_path="shared", seed=1, **options
    )


def make_data(seed: int, unseen: bool = False) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    X = random.normal(size=(200, 4, 3)).astype(np.float32)
    y = (X[:, 1:, [0, 2]] * [1.0, 0.5] + 0.1 * random.normal(size=(200, 3, 2))).reshape(200, 6).astype(np.float32)
    if unseen:
        y[::7, 2] = np.nan
    return X, y


@pytest.mark.parametrize("normalization", ["none", "last", "instance"])
def test_the_untrained_network_is_one_regression_from_the_past_of_each_target_to_its_future(normalization: Any) -> None:
    model, train, val = make_shared(normalization=normalization), make_data(0, unseen=True), make_data(1)
    model.fit_model(train, val, epochs=1, batch_size=256, patience=1)
    fitted_to, held_out = (model.ridge_data(*part) for part in (train, val))
    ridge = fit_ridge(fitted_to[0], held_out[0])
    assert ridge.weights.shape == (4, 3)
    expected = model.space.leave_horizons(model.path.forecast(ridge, held_out[0]), *held_out[1:])
    np.testing.assert_allclose(model.predict(val[0]), expected, atol=1e-4)


def test_a_target_is_forecast_from_its_own_past_alone() -> None:
    model, train = make_shared(), make_data(0)
    model.fit_model(train, train, epochs=1, batch_size=256, patience=1)
    X, changed = train[0][:5], train[0][:5].copy()
    changed[:, :, 2] += 1
    difference = (model.predict(changed) - model.predict(X)).reshape(5, 3, 2)
    assert np.abs(difference[:, :, 0]).max() < 1e-5
    assert np.abs(difference[:, :, 1]).min() > 1e-3


def test_its_weights_do_not_grow_with_the_number_of_targets() -> None:
    counts = [
        make_shared(target_indices=targets).build().get_layer("linear_path").count_params()
        for targets in ((0,), (0, 1), (0, 1, 2))
    ]
    assert counts == [4 * 3 + 3] * 3
