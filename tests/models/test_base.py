"""Training, the ridge path, and which files are refused."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, ShapeContractError
from spline_lstm.models import training
from spline_lstm.models.archive import archive_network, load_network
from spline_lstm.models.backend import load_keras
from spline_lstm.models.lstm import LSTMModel
from spline_lstm.models.ridge import RidgeData, fit_ridge
from spline_lstm.models.training import masked_mse_loss


def test_a_model_with_a_ridge_path_is_never_worse_than_the_ridge_on_val(
    make_tiny: Any, make_windows: Any, fit: Any
) -> None:
    (X, y), val = make_windows(), make_windows(seed=1)
    model = make_tiny(linear_path="ridge", learning_rate=10.0)
    fit(model, (X, y), val)
    flat = [RidgeData(inputs.reshape(len(inputs), -1), t, np.ones(t.shape, dtype=bool)) for inputs, t in ((X, y), val)]
    ridge = fit_ridge(*flat)
    assert model.evaluate(*val) <= np.mean((ridge.predict(flat[1].inputs) - val[1]) ** 2) + 1e-6


def test_training_leaves_the_ridge_path_frozen(make_tiny: Any, make_windows: Any, fit: Any) -> None:
    model, train = make_tiny(linear_path="ridge"), make_windows()
    fit(model, train, epochs=2)
    flat = RidgeData(train[0].reshape(24, -1), train[1], np.ones(train[1].shape, dtype=bool))
    np.testing.assert_array_equal(
        model.network.get_layer("linear_path").get_weights()[0], fit_ridge(flat, flat).weights.astype(np.float32)
    )


def test_a_refit_solves_the_ridge_path_with_the_penalty_that_was_found(make_tiny: Any, make_windows: Any) -> None:
    model, (X, y) = make_tiny(linear_path="ridge"), make_windows()
    model.refit_model((X, y), (), 0.1, batch_size=8)
    flat = RidgeData(X.reshape(24, -1), y, np.ones(y.shape, dtype=bool))
    expected = fit_ridge(flat, flat, penalties=(0.1,)).weights.astype(np.float32)
    np.testing.assert_array_equal(model.network.get_layer("linear_path").get_weights()[0], expected)


def test_a_refit_on_the_same_windows_ends_with_the_weights_of_the_training(make_tiny: Any, make_windows: Any) -> None:
    train, models = make_windows(), [make_tiny(), make_tiny()]
    record = models[0].fit_model(train, train, epochs=3, batch_size=8, patience=5)
    assert record.schedule == (1e-2,) * record.best_epoch
    assert record.best_epoch > 0
    models[1].refit_model(train, record.schedule, None, batch_size=8)
    assert models[1].to_bytes() == models[0].to_bytes()


def test_evaluate_is_the_squared_error_over_what_was_observed(make_tiny: Any, make_windows: Any) -> None:
    model = make_tiny()
    model.build()
    X, _ = make_windows(2)
    y = model.predict(X) + np.array([[1, np.nan, 3], [np.nan, np.nan, 5]], dtype=np.float32)
    assert model.evaluate(X, y) == pytest.approx((1 + 9 + 25) / 3, rel=1e-5)


def test_the_loss_leaves_out_targets_that_are_nan() -> None:
    y_true = np.array([[1, np.nan, 2, 2]], dtype=np.float32)
    y_pred = np.array([[3, 100, 2, 0]], dtype=np.float32)
    assert np.asarray(masked_mse_loss(y_true, y_pred)).tolist() == [(4 + 0 + 0 + 4) / 4]


def test_a_forecast_that_is_no_number_has_no_error_that_is_one() -> None:
    X, y = np.zeros((3, 6, 1), dtype=np.float32), np.array([[1.0], [np.nan], [3.0]], dtype=np.float32)
    zeros = np.zeros_like(y)
    assert training.mean_squared_error(lambda _: zeros, (X, y)) == 5
    assert np.isnan(training.mean_squared_error(lambda _: np.full_like(y, np.nan), (X, y)))


def test_over_several_series_the_score_is_the_mean_of_their_own_errors_squared() -> None:
    X, y = np.zeros((3, 6, 1), dtype=np.float32), np.array([[3.0], [3.0], [1.0]], dtype=np.float32)
    val = X, y
    model = LSTMModel(6, (4,), 0.0, 1e-3, 1, 1, seed=1)
    model.build()
    model.network.get_layer("head").set_weights([np.zeros((4, 1)), np.zeros(1)])
    record = model.fit_model(val, val, epochs=1, batch_size=8, patience=1, val_series=np.array([0, 0, 2]))
    assert record.first_loss == pytest.approx(((3 + 1) / 2) ** 2)


def test_the_absolute_loss_leaves_out_targets_that_are_nan() -> None:
    y_true = np.array([[1, np.nan, 2, 2]], dtype=np.float32)
    y_pred = np.array([[3, 100, 2, 0]], dtype=np.float32)
    assert np.asarray(training.masked_mae_loss(y_true, y_pred)).tolist() == [(2 + 0 + 0 + 2) / 4]


def test_an_epoch_takes_a_limited_number_of_windows(
    make_tiny: Any, make_windows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    make_epoch = training._make_epoch

    def spy(*arguments: Any) -> Callable[[Any], float]:
        run_epoch = make_epoch(*arguments)
        return lambda order: (seen.append(order.tolist()), run_epoch(order))[1]

    monkeypatch.setattr(training, "_make_epoch", spy)
    monkeypatch.setattr(training, "WINDOWS_AN_EPOCH", 10)
    train = make_windows()
    make_tiny().fit_model(train, train, epochs=2, batch_size=8, patience=5)
    assert [len(order) for order in seen] == [10, 10]
    assert set(seen[0]) != set(seen[1])


@pytest.mark.parametrize(("segment", "expected"), [(1, (None, 6, 1)), (2, (None, 3, 4)), (6, (None, 1, 4))])
def test_the_stack_sees_one_step_a_segment(make_tiny: Any, segment: int, expected: tuple[int | None, ...]) -> None:
    network = make_tiny(segment=segment).build()
    assert network.get_layer("recurrent_0").input.shape == expected


def test_refuses_a_segment_that_does_not_divide_the_window(refuses: Any, make_tiny: Any) -> None:
    with refuses(ShapeContractError, 22, "segment=4 does not divide sequence_length=6"):
        make_tiny(segment=4)


def test_a_learning_rate_that_breaks_the_weights_is_not_taken(
    make_tiny: Any, make_windows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_epoch(trained: Any, *_: Any) -> Callable[[Any], float]:
        def run_epoch(_: Any) -> float:
            if float(trained.optimizer.learning_rate.numpy()) > 5e-3:
                trained.set_weights([weight * np.nan for weight in trained.get_weights()])
            return 1.0

        return run_epoch

    monkeypatch.setattr(training, "_make_epoch", make_epoch)
    train = make_windows()
    record = make_tiny(learning_rate="auto").fit_model(train, train, epochs=1, batch_size=8, patience=5)
    assert record.trials[1e-2] == np.inf
    assert record.learning_rate == 1e-4


def never_better(network: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, bool]]:
    """Note the learning rate of every epoch, and whether it began with the first weights; each one makes it worse."""
    seen: list[tuple[float, bool]] = []
    first = [np.array(weight) for weight in network.get_weights()]

    def make_epoch(trained: Any, *_: Any) -> Callable[[Any], float]:
        def run_epoch(_: Any) -> float:
            weights = trained.get_weights()
            began_anew = all(map(np.array_equal, weights, first))
            seen.append((float(trained.optimizer.learning_rate.numpy()), began_anew))
            trained.set_weights([weight + 10 for weight in weights])
            return 1.0

        return run_epoch

    monkeypatch.setattr(training, "_make_epoch", make_epoch)
    return seen


@pytest.mark.parametrize(
    ("rate", "rates"), [(1e-2, [1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4]), (1e-4, [1e-4, 1e-4]), (1e-5, [1e-5, 1e-5])]
)
def test_without_improvement_the_learning_rate_falls_and_then_training_ends(
    make_tiny: Any, make_windows: Any, monkeypatch: pytest.MonkeyPatch, rate: float, rates: list[float]
) -> None:
    model, train = make_tiny(learning_rate=rate), make_windows()
    seen = never_better(model.build(), monkeypatch)
    record = model.fit_model(train, train, epochs=20, batch_size=8, patience=2)
    np.testing.assert_allclose([found for found, _ in seen], rates, rtol=1e-5)
    assert [anew for _, anew in seen] == [True, False] * (len(rates) // 2)
    assert (record.best_epoch, record.learning_rate, record.trials) == (0, rate, {})


def test_auto_tries_three_learning_rates_from_the_same_start(make_tiny: Any, make_windows: Any) -> None:
    train, val = make_windows(64), make_windows(32, seed=1)
    records = {}
    for rate in ("auto", 1e-4, 1e-3, 1e-2):
        records[rate] = make_tiny(learning_rate=rate, dropout=0.0).fit_model(
            train, val, epochs=3, batch_size=8, patience=5
        )
    assert set(records["auto"].trials) == {1e-4, 1e-3, 1e-2}
    lowest = {rate: min(entry["val_loss"] for entry in records[rate].history[1:4]) for rate in (1e-4, 1e-3, 1e-2)}
    assert records["auto"].trials == lowest
    assert records["auto"].learning_rate == 1e-2
    assert lowest[1e-2] < 0.98 * lowest[1e-4]
    assert records["auto"].history == records[records["auto"].learning_rate].history  # it starts anew


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [
        ((1.0, 0.99, 0.995), 1e-4),
        ((1.0, 0.95, 0.97), 1e-2),
        ((1.0, 0.95, 0.99), 1e-3),
        ((1.0, np.inf, 0.9), 1e-2),
        ((1.0, np.inf, np.inf), 1e-4),
    ],
)
def test_larger_steps_are_taken_only_where_they_are_clearly_better(losses: Any, chosen: float) -> None:
    trials = dict(zip((1e-4, 1e-3, 1e-2), losses, strict=True))
    assert training._choose_learning_rate(trials) == chosen


@pytest.mark.parametrize("targets", [1, 2])
def test_a_gain_on_few_validation_windows_does_not_replace_the_ridge_path(
    make_tiny: Any, make_windows: Any, targets: int, caplog: pytest.LogCaptureFixture
) -> None:
    train = make_windows(200, features=targets, targets=targets)
    for count, improves in ((29, False), (30, True)):  # ten horizons of three steps, however many targets there are
        caplog.clear()
        model = make_tiny(
            linear_path="ridge", learning_rate=0.05, dropout=0.0,
            features=targets, target_indices=tuple(range(targets)),
        )  # fmt: skip
        record = model.fit_model(train, tuple(part[:count] for part in train), epochs=8, batch_size=8, patience=5)
        assert min(entry["val_loss"] for entry in record.history[1:]) < record.history[0]["val_loss"]
        assert (record.best_epoch > 0) == improves
        assert ("the ridge path alone is kept: 29 validation windows are fewer than 10 horizons" in caplog.text) != (
            improves
        )
        assert (record.discarded is None) == improves


def test_refuses_outputs_that_are_no_multiple_of_the_targets(refuses: Any) -> None:
    with refuses(ShapeContractError, 22, "output_units=3 is no multiple of F_target=2"):
        LSTMModel(6, (4,), 0.0, 0.01, 3, 2, target_indices=(0, 1))


def _network_with_lambda(path: Path) -> bytes:
    keras = load_keras()
    inputs = keras.Input((6, 1))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x)(inputs), name="lstm").save(path)
    return path.read_bytes()


def test_refuses_a_network_with_a_lambda_layer(refuses: Any, tmp_path: Path) -> None:
    content = _network_with_lambda(tmp_path / "model.keras")
    with refuses(ArtifactDamagedError, 21, "model.keras cannot be loaded: ", "Lambda"):
        load_network(content, "model.keras")


def _archive_with_config(config: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    return buffer.getvalue()


@pytest.mark.parametrize("module", ["os", "builtins", "keras.utils", ["os"], {"module": "subprocess"}])
def test_refuses_a_network_that_names_anything_else_than_layers(refuses: Any, module: Any) -> None:
    layer = {"module": module, "class_name": "system", "config": "true"}
    with refuses(ArtifactDamagedError, 21, "only layers, initializers and operations of Keras may be named"):
        load_network(_archive_with_config({"config": {"layers": [layer]}}), "model.keras")


def test_refuses_an_archive_that_claims_far_more_than_it_is(refuses: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", bytes(100_000_000))
    with refuses(ArtifactDamagedError, 21, "claim to hold 100,000,000"):
        load_network(buffer.getvalue(), "model.keras")


def test_refuses_to_predict_before_there_is_a_network(refuses: Any, make_windows: Any) -> None:
    with refuses(ArtifactMissingError, 20, "build or fit it first"):
        LSTMModel(6, (4,), 0.0, 0.01, 3, 1).predict(np.zeros((1, 6, 1), dtype=np.float32))


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04garbage", bytes(4096)], ids=range(4))
def test_refuses_a_file_that_is_no_network(refuses: Any, content: bytes) -> None:
    with refuses(ArtifactDamagedError, 21, "model.keras cannot be loaded: ", "; train again"):
        load_network(content, "model.keras")


def test_refuses_a_truncated_network(refuses: Any, make_tiny: Any) -> None:
    model = make_tiny()
    model.build()
    content = model.to_bytes()
    for share in range(25):
        with refuses(ArtifactDamagedError, 21, "model.keras"):
            load_network(content[: len(content) * share // 25], "model.keras")


def test_a_flipped_bit_of_a_network_is_refused_or_changes_nothing(make_tiny: Any) -> None:
    model = make_tiny()
    model.build()
    content, silent = model.to_bytes(), []
    intact = load_network(content, "model.keras")
    for position in np.linspace(0, 8 * len(content) - 1, 60).astype(int):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        try:
            loaded = load_network(bytes(damaged), "model.keras")
        except ArtifactDamagedError:
            continue
        pairs = zip(loaded.get_weights(), intact.get_weights(), strict=True)
        if loaded.get_config() != intact.get_config() or not all(np.array_equal(*pair) for pair in pairs):
            silent.append(int(position))
    assert silent == []


def test_a_network_is_archived_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    network = LSTMModel(6, (2,), 0.0, 1e-3, 3, 2, seed=1).build()
    today = archive_network(network)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "localtime", lambda _=0: time.gmtime(0))
    assert archive_network(network) == today
