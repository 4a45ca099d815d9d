"""The training loop. Whole epochs run inside TensorFlow: no batch passes through Python."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spline_lstm.models.backend import load_keras
from spline_lstm.types import Float32, Int64

Windows = tuple[Float32, Float32]
"""Inputs `X` and targets `y`; NaN in `y` marks what was not observed."""

_PREDICT_BATCH = 1_024


@dataclass(frozen=True)
class TrainingRecord:
    """What a training was like.

    Attributes:
        history: One entry an epoch from 0 (before any step): `epoch`, `loss` (None for epoch 0), `val_loss`.
        best_epoch: Epoch with the lowest validation loss.
        best_weights: Weights after that epoch.
        last_weights: Weights after the last epoch.

    """

    history: list[dict[str, float | None]]
    best_epoch: int
    best_weights: list[Float32]
    last_weights: list[Float32]


def train_network(
    network: Any,
    train: Windows,
    val: Windows,
    *,
    learning_rate: float,
    epochs: int,
    batch_size: int,
    patience: int,
    seed: int,
    on_epoch: Callable[[dict[str, float | None]], None],
) -> TrainingRecord:
    """Train with Adam, in a new seeded order every epoch, until validation has not improved for `patience` epochs.

    Epoch 0, before any step, counts as a candidate for the best. A loss that is not finite ends the training
    and is the last one in the history.
    """
    keras = load_keras()
    keras.utils.set_random_seed(seed)
    network.compile(optimizer=keras.optimizers.Adam(learning_rate, clipnorm=1.0), loss=masked_mse_loss)
    run_epoch, forecast = _make_epoch(network, train, batch_size), make_forecast(network)
    order = np.random.default_rng(seed)
    history: list[dict[str, float | None]] = []
    best_epoch, best_loss, weights = 0, np.inf, _weights(network)
    best_weights = weights
    for epoch in range(epochs + 1):
        loss = run_epoch(order.permutation(len(train[0]))) if epoch else None
        val_loss = float(np.nanmean(np.square(forecast(val[0]) - val[1], dtype=np.float64)))
        weights = _weights(network)
        history.append({"epoch": epoch, "loss": loss, "val_loss": val_loss})
        on_epoch(history[-1])
        if val_loss < best_loss:
            best_epoch, best_loss, best_weights = epoch, val_loss, weights
        if not np.isfinite([loss or 0.0, val_loss]).all() or epoch - best_epoch >= patience:
            break
    return TrainingRecord(history, best_epoch, best_weights, weights)


def masked_mse_loss(y_true: Any, y_pred: Any) -> Any:
    """Squared error with NaN targets left out, averaged over all outputs."""
    ops = load_keras().ops
    error = ops.where(ops.isnan(y_true), 0.0, y_true - y_pred)
    return ops.mean(ops.square(error), axis=-1)


def _make_epoch(network: Any, train: Windows, batch_size: int) -> Callable[[Int64], float]:
    """Return what trains once through the windows in a given order; it returns the mean loss."""
    import tensorflow as tf

    network.optimizer.build(network.trainable_variables)
    X, y = (tf.constant(part) for part in train)

    def run_steps(order: Any) -> None:
        for start in tf.range(0, tf.size(order), batch_size):
            rows = order[start : start + batch_size]
            network.train_step((tf.gather(X, rows), tf.gather(y, rows)))

    compiled = tf.function(run_steps, input_signature=[tf.TensorSpec([None], tf.int64)])

    def run_epoch(order: Int64) -> float:
        network.reset_metrics()
        compiled(order)
        return float(network.get_metrics_result()["loss"])

    return run_epoch


def make_forecast(network: Any) -> Callable[[Float32], Float32]:
    """Return the network as a function of arrays, compiled, that takes any number of windows chunk by chunk."""
    import tensorflow as tf

    compiled = tf.function(
        lambda windows: network(windows, training=False),
        input_signature=[tf.TensorSpec(network.input_shape, tf.float32)],
    )

    def forecast(X: Float32) -> Float32:
        result = np.empty((len(X), network.output_shape[1]), dtype=np.float32)
        for start in range(0, len(X), _PREDICT_BATCH):
            result[start : start + _PREDICT_BATCH] = compiled(X[start : start + _PREDICT_BATCH])
        return result

    return forecast


def _weights(network: Any) -> list[Float32]:
    return [np.array(weight) for weight in network.get_weights()]
