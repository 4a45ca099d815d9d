"""What is done to the targets before the stack and undone behind it."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.models.backend import load_keras
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.models.ridge import RidgeData, fit_ridge
from spline_lstm.models.smoothing import make_smoothing_matrix
from spline_lstm.models.target_space import LINK_OFFSET, NORMALIZATIONS
from spline_lstm.models.training import make_relative_loss

SMOOTHING = (0.0, 2.0)
ZEROS = (-1.5, -0.75)


def test_last_value_normalization_moves_the_forecast_with_the_window(make_tiny: Any, make_windows: Any) -> None:
    model = make_tiny(normalization="last")
    model.build()
    X, _ = make_windows()
    np.testing.assert_allclose(model.predict(X + 8), model.predict(X) + 8, atol=1e-5)


def test_instance_normalization_moves_and_stretches_the_forecast_with_the_window(
    make_tiny: Any, make_windows: Any
) -> None:
    model = make_tiny(normalization="instance")
    model.build()
    X, _ = make_windows()
    np.testing.assert_allclose(model.predict(4 * X + 8), 4 * model.predict(X) + 8, atol=1e-4)


def test_instance_normalization_forecasts_a_flat_window(make_tiny: Any) -> None:
    model = make_tiny(normalization="instance")
    model.build()
    assert np.abs(model.predict(np.full((1, 6, 1), 3, dtype=np.float32)) - 3).max() < 0.01


def test_without_normalization_the_forecast_does_not_follow_the_level(make_tiny: Any, make_windows: Any) -> None:
    model = make_tiny()
    model.build()
    X, _ = make_windows()
    assert np.abs(model.predict(X + 8) - model.predict(X) - 8).min() > 1


def test_normalization_undoes_each_target_by_its_own_level(make_tiny: Any, make_windows: Any) -> None:
    model = make_tiny(features=3, target_indices=(0, 2), normalization="last")
    model.build()
    X, _ = make_windows(features=3)
    lifted = X + np.array([8, 0, 20], dtype=np.float32)
    np.testing.assert_allclose(model.predict(lifted), model.predict(X) + np.tile([8, 20], 3), atol=1e-4)


def test_smoothing_in_the_graph_is_the_matrix_on_the_targets(make_tiny: Any, make_windows: Any) -> None:
    smooth, plain = (make_tiny(features=2, spline_smoothing=penalty) for penalty in (2.0, 0.0))
    smooth.build()
    plain.build()
    for layer in ("recurrent_0", "head"):
        smooth.network.get_layer(layer).set_weights(plain.network.get_layer(layer).get_weights())
    X, _ = make_windows(features=2)
    smoothed = X.copy()
    smoothed[:, :, 0] = X[:, :, 0] @ make_smoothing_matrix((5, 4, 3, 2, 1, 0), 2.0).T
    np.testing.assert_allclose(smooth.predict(X), plain.predict(smoothed), atol=1e-5)


@pytest.mark.parametrize("link", ["identity", "log"])
@pytest.mark.parametrize("penalty", SMOOTHING)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_numpy_prepares_windows_for_the_ridge_as_the_graph_does(
    make_tiny: Any, make_windows: Any, normalization: str, penalty: float, link: str
) -> None:
    model = make_tiny(
        features=4, target_indices=(2, 0), normalization=normalization, spline_smoothing=penalty, link=link,
        target_zeros=ZEROS, linear_path="ridge",
    )  # fmt: skip
    network = model.build()
    X, _ = make_windows(features=4)
    in_graph = load_keras().Model(network.input, network.get_layer("flat").output)(X)
    windows, _, _ = model.space.enter_windows(X)
    np.testing.assert_allclose(windows.reshape(len(X), -1), np.asarray(in_graph), atol=1e-5)


@pytest.mark.parametrize(("normalization", "penalty"), [("none", 0.0), ("last", 2.0), ("instance", 2.0)])
def test_the_ridge_path_alone_is_the_closed_form_solution(
    make_tiny: Any, make_windows: Any, fit: Any, normalization: str, penalty: float
) -> None:
    model = make_tiny(
        normalization=normalization, spline_smoothing=penalty, linear_path="ridge", learning_rate=1e-12, dropout=0.0
    )
    train, val = make_windows(), make_windows(seed=1)
    fit(model, train, val)
    prepared = [_prepare(X, y, normalization, penalty) for X, y in (train, val)]
    ridge = fit_ridge(*(RidgeData(flat, y, np.ones(y.shape, dtype=bool)) for flat, y, _, _ in prepared))
    flat, _, center, scale = prepared[1]
    np.testing.assert_allclose(model.predict(val[0]), ridge.predict(flat) * scale + center, atol=1e-5)


def _prepare(X: Any, y: Any, normalization: str, penalty: float) -> Any:
    """One target: flat windows and targets normalised, and the centre and scale of each window."""
    smooth = X[:, :, 0].astype(np.float64) @ make_smoothing_matrix((5, 4, 3, 2, 1, 0), penalty).T
    center, scale = np.zeros((len(X), 1)), np.ones((len(X), 1))
    if normalization == "last":
        center = smooth[:, -1:]
    if normalization == "instance":
        center, scale = smooth.mean(axis=1, keepdims=True), np.sqrt(smooth.var(axis=1, keepdims=True) + 1e-6)
    return ((smooth - center) / scale).astype(np.float32), ((y - center) / scale).astype(np.float32), center, scale


def test_with_a_logarithmic_link_the_stack_sees_logarithms_of_the_targets(make_tiny: Any, make_windows: Any) -> None:
    model = make_tiny(features=3, target_indices=(0, 2), link="log", target_zeros=ZEROS)
    X, _ = make_windows(features=3)
    levels = np.maximum(X[:, :, [0, 2]] - np.float32(ZEROS), 0)
    np.testing.assert_allclose(
        model.space.enter_windows(X)[0], np.concatenate([np.log(levels + LINK_OFFSET), X[:, :, [1]]], axis=2), atol=1e-6
    )


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_what_enters_the_space_as_a_target_leaves_it_as_it_was(make_tiny: Any, normalization: str) -> None:
    space = make_tiny(
        target_indices=(0, 1), features=2, normalization=normalization, link="log", target_zeros=ZEROS
    ).space
    random = np.random.default_rng(0)
    X, y = (np.float32(ZEROS) + random.exponential(size=(5, steps, 2)).astype(np.float32) for steps in (6, 3))
    _, center, scale = space.enter_windows(X)
    entered = space.enter_horizons(y.reshape(5, 6), center, scale)
    as_tensor = load_keras().ops.convert_to_tensor
    left = space.leave(*(as_tensor(values, "float32") for values in (entered, center, scale)))
    np.testing.assert_allclose(left, y.reshape(5, 6), atol=1e-5)
    np.testing.assert_allclose(space.leave_horizons(entered, center, scale), y.reshape(5, 6), atol=1e-5)


@pytest.mark.parametrize(("link", "expected"), [("identity", False), ("log", True)])
def test_a_network_tells_whether_its_forecasts_are_never_negative(make_tiny: Any, link: str, expected: bool) -> None:
    model = make_tiny(link=link, target_zeros=(-1.5,))
    model.build()
    content = model.to_bytes()
    assert TrainedNetwork.from_bytes(content, "model.keras", model.model_type).is_nonnegative == expected


def test_with_a_logarithmic_link_no_forecast_is_below_zero_or_infinite(make_tiny: Any, make_windows: Any) -> None:
    model = make_tiny(link="log", target_zeros=(-1.5,))
    model.build()
    X, _ = make_windows()
    for bias, lowest, highest in ((-100.0, -1.5, -1.499), (100.0, 4.8e8, 4.9e8)):
        kernel, _ = model.network.get_layer("head").get_weights()
        model.network.get_layer("head").set_weights([kernel, np.full(3, bias)])
        forecast = model.predict(X)
        assert lowest - 1e-6 <= forecast.min() <= forecast.max() <= highest


def test_the_relative_loss_has_the_gradient_of_the_poisson_likelihood() -> None:
    import tensorflow as tf

    zeros, truth = np.float32([-1.0, 0.5]), np.float32([[2.0, np.nan], [-1.0, 3.5]])
    forecast = tf.constant([[0.5, 1.0], [1.0, 0.7]])
    with tf.GradientTape() as tape:
        tape.watch(forecast)
        loss = make_relative_loss(zeros)(truth, forecast)
    level, target = (np.asarray(values) - zeros + LINK_OFFSET for values in (forecast, truth))
    expected = np.where(np.isnan(truth), 0, 1 - target / level)  # of level - target * log(level)
    np.testing.assert_allclose(tape.gradient(loss, forecast), 2 * expected / 2, rtol=1e-5)  # mean over two outputs


def test_training_records_the_squared_error_whatever_the_loss(make_tiny: Any, make_windows: Any, fit: Any) -> None:
    model, train = make_tiny(link="log", target_zeros=(-4.0,), dropout=0.0, learning_rate=1e-12), make_windows(8)
    record = fit(model, train)  # one step, too small to change anything
    np.testing.assert_allclose(record.history[1]["loss"], model.evaluate(*train), rtol=1e-4)
