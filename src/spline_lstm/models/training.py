"""The training loop. Windows are cut for many steps at a time, and TensorFlow runs these steps in one call."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from spline_lstm.errors import TrainingDivergedError
from spline_lstm.models.backend import load_keras
from spline_lstm.models.target_space import LINK_OFFSET
from spline_lstm.series.lazy_windows import Cuts, draw
from spline_lstm.types import Float32, Int64

Windows = tuple[Float32 | Cuts, Float32 | Cuts]
"""Inputs `X` and targets `y`, as arrays or uncut; NaN in `y` marks unobserved values."""

CHOICE_WINDOWS = 20_000
"""Most windows for a choice; of more windows, this number is drawn."""

WINDOWS_AN_EPOCH = 51_200
"""Most training windows per epoch: with many more, validation would be too rare."""

LossName = Literal["squared", "absolute"]
"""The training loss; the squared error on validation decides in any case."""

Loss = Callable[[Any, Any], Any]
"""Maps targets and forecasts, `(B, outputs)`, to a loss of each window."""

_PREDICT_BATCH = 1_024
_CHUNK = 8 * _PREDICT_BATCH
_STEPS_A_CALL = 64
_BYTES_A_CALL = 256_000_000
_LEARNING_RATES = (1e-4, 1e-3, 1e-2)
_TRIAL_EPOCHS = 3
_TRIAL_STEPS = 500
_CLEARLY_LOWER = 0.988
"""Validation loss, relative to that of the smallest learning rate, at or below which a larger rate is better."""
_LEAST_LEARNING_RATE = 0.99e-4


@dataclass(frozen=True)
class TrainingRecord:
    """The record of a training.

    Attributes:
        history: One entry per epoch from 0 (before any step): `epoch`, `loss` (None for epoch 0), `val_loss`.
        learning_rate: The learning rate at the start.
        trials: Learning rate to the lowest validation loss of its trial; empty if the rate was given.
        best_epoch: Epoch with the lowest validation loss.
        schedule: Learning rate of each epoch that led to the best weights, without undone epochs.
        best_weights: Weights after the best epoch.
        discarded: Why the training was discarded and epoch 0 kept; None if training was not discarded.
        last_weights: Weights after the last epoch.

    """

    history: list[dict[str, float | None]]
    learning_rate: float
    trials: dict[float, float]
    best_epoch: int
    schedule: tuple[float, ...]
    best_weights: list[Float32]
    last_weights: list[Float32]
    discarded: str | None = None

    @property
    def first_loss(self) -> float:
        """Validation loss before any step."""
        return cast("float", self.history[0]["val_loss"])

    @property
    def best_loss(self) -> float:
        """Validation loss of the best epoch."""
        return cast("float", self.history[self.best_epoch]["val_loss"])


def train_network(
    network: Any,
    train: Windows,
    val: Windows,
    *,
    learning_rate: float | Literal["auto"],
    epochs: int,
    batch_size: int,
    patience: int,
    seed: int,
    loss: Loss,
    val_series: Int64 | None,
    on_epoch: Callable[[dict[str, float | None]], None],
    on_part: Callable[[float], None],
) -> TrainingRecord:
    """Train with Adam, in a new seeded order every epoch; for any loss, the squared validation error decides.

    For several series, the validation error is the square of the mean of the series' root mean squared errors, so that
    every series counts equally. An epoch uses at most 51,200 windows; of more windows, it draws new ones each time.

    If validation has not improved for `patience` epochs, training returns to the best weights and continues with a
    tenth of the learning rate. It ends if the rate would fall below 1e-4. Epoch 0, before any step, is a candidate for
    the best epoch. `auto` tries three learning rates for three epochs (of at most 500 steps) each. Training then starts
    again with the smallest rate, or with the largest rate whose validation loss was clearly lower: large steps can win
    by chance on few windows and lose on others.

    Raises:
        TrainingDivergedError: A loss is not finite.

    """
    keras = load_keras()
    keras.utils.set_random_seed(seed)
    reported = [] if loss is masked_mse_loss else [masked_mse_loss]
    network.compile(optimizer=keras.optimizers.Adam(clipnorm=1.0), loss=loss, metrics=reported)
    run_epoch, forecast = _make_epoch(network, train, batch_size, on_part), make_forecast(network)
    start = [(variable, np.array(variable)) for variable in (*network.variables, *network.optimizer.variables)]

    def begin(rate: float, most: int | None = None) -> Callable[[], float]:
        """Reset everything to the start; return a function that trains one epoch on at most `most` windows."""
        for variable, value in start:
            variable.assign(value)
        network.optimizer.learning_rate.assign(rate)
        order = np.random.default_rng(seed)
        return lambda: run_epoch(order.permutation(len(train[0]))[: most or WINDOWS_AN_EPOCH])

    def try_rate(rate: float, drawn: Windows, drawn_series: Int64) -> float:
        """Train a few short epochs from the start; return the lowest validation loss, infinity if any is not finite."""
        step, losses = begin(rate, _TRIAL_STEPS * batch_size), []
        for _ in range(_TRIAL_EPOCHS):
            step()
            losses.append(_squared_error(forecast, drawn, drawn_series))
        return min(losses) if np.isfinite(losses).all() else np.inf

    series = np.zeros(len(val[0]), dtype=np.int64) if val_series is None else val_series
    best_epoch, best_loss, weights = 0, _squared_error(forecast, val, series), _weights(network)
    best_weights = weights
    history: list[dict[str, float | None]] = [{"epoch": 0, "loss": None, "val_loss": best_loss}]
    _check_finite(0, best_loss)
    on_epoch(history[0])
    trials: dict[float, float] = {}
    if learning_rate == "auto":
        drawn, rows = draw_windows(val, CHOICE_WINDOWS), draw(np.arange(len(series)), CHOICE_WINDOWS)
        trials = {tried: try_rate(tried, drawn, series[rows]) for tried in _LEARNING_RATES}
        del drawn
    rate = _choose_learning_rate(trials) if learning_rate == "auto" else learning_rate
    step, current_rate, waited = begin(rate), rate, 0
    schedule: list[float] = []
    best_schedule: tuple[float, ...] = ()
    for epoch in range(1, epochs + 1):
        train_loss, val_loss = step(), _squared_error(forecast, val, series)
        weights = _weights(network)
        history.append({"epoch": epoch, "loss": train_loss, "val_loss": val_loss})
        _check_finite(epoch, train_loss, val_loss)
        on_epoch(history[-1])
        waited += 1
        schedule.append(current_rate)
        if val_loss < best_loss:
            best_epoch, best_loss, best_weights, waited = epoch, val_loss, weights, 0
            best_schedule = tuple(schedule)
        if waited == patience:
            current_rate, waited = current_rate / 10, 0
            if current_rate < _LEAST_LEARNING_RATE:
                break
            network.set_weights(best_weights)
            schedule = list(best_schedule)
            network.optimizer.learning_rate.assign(current_rate)
    return TrainingRecord(history, rate, trials, best_epoch, best_schedule, best_weights, weights)


def repeat_training(
    network: Any,
    train: Windows,
    schedule: tuple[float, ...],
    *,
    batch_size: int,
    seed: int,
    loss: Loss,
    on_epoch: Callable[[dict[str, float | None]], None],
    on_part: Callable[[float], None],
) -> None:
    """Train with Adam for the epochs of a schedule, one learning rate each, and keep the last weights.

    Raises:
        TrainingDivergedError: A loss is not finite.

    """
    keras = load_keras()
    keras.utils.set_random_seed(seed)
    network.compile(optimizer=keras.optimizers.Adam(clipnorm=1.0), loss=loss)
    run_epoch, order = _make_epoch(network, train, batch_size, on_part), np.random.default_rng(seed)
    for epoch, rate in enumerate(schedule, start=1):
        network.optimizer.learning_rate.assign(rate)
        train_loss = run_epoch(order.permutation(len(train[0]))[:WINDOWS_AN_EPOCH])
        _check_finite(epoch, train_loss)
        on_epoch({"epoch": epoch, "loss": train_loss, "val_loss": None})


def _check_finite(epoch: int, *losses: float) -> None:
    if not np.isfinite(losses).all():
        raise TrainingDivergedError(
            f"the loss is no longer a finite number after epoch {epoch}; try a smaller learning_rate"
        )


def _choose_learning_rate(trials: dict[float, float]) -> float:
    """Return the largest rate that is clearly better than the smallest rate: training lowers a large rate itself."""
    smallest = min(trials)
    better = [rate for rate, loss in trials.items() if loss <= _CLEARLY_LOWER * trials[smallest]]
    return max(better, default=smallest)


def masked_mse_loss(y_true: Any, y_pred: Any) -> Any:
    """Return the squared error, averaged over all outputs; NaN targets count as zero error."""
    ops = load_keras().ops
    error = ops.where(ops.isnan(y_true), 0.0, y_true - y_pred)
    return ops.mean(ops.square(error), axis=-1)


def masked_mae_loss(y_true: Any, y_pred: Any) -> Any:
    """Return the absolute error, averaged over all outputs; NaN targets count as zero error."""
    ops = load_keras().ops
    error = ops.where(ops.isnan(y_true), 0.0, y_true - y_pred)
    return ops.mean(ops.abs(error), axis=-1)


def make_relative_loss(zeros: Float32) -> Loss:
    """Make the squared error relative to a variance that is proportional to the forecast's level.

    Its gradient is that of the Poisson likelihood, whose forecasts are unbiased whatever the true variance is
    (Wedderburn, "Quasi-likelihood functions, generalized linear models, and the Gauss-Newton method", 1974).

    Args:
        zeros: Scaled value of zero in each output's own unit, `(outputs,)`; levels are measured from there.

    """

    def relative_loss(y_true: Any, y_pred: Any) -> Any:
        ops = load_keras().ops
        level = ops.stop_gradient(ops.relu(y_pred - zeros) + LINK_OFFSET)
        error = ops.where(ops.isnan(y_true), 0.0, y_true - y_pred)
        return ops.mean(ops.square(error) / level, axis=-1)

    return relative_loss


def draw_windows(windows: Windows, most: int) -> tuple[Float32, Float32]:
    """Cut at most `most` windows, the same windows every time."""
    X, y = windows
    drawn = draw(np.arange(len(X)), most)
    return X[drawn], y[drawn]


def mean_squared_error(forecast: Callable[[Float32 | Cuts], Float32], windows: Windows) -> float:
    """Return the mean squared error over the observed targets, in chunks."""
    return _squared_error(forecast, windows, np.zeros(len(windows[0]), dtype=np.int64))


def _squared_error(forecast: Callable[[Float32 | Cuts], Float32], windows: Windows, series: Int64) -> float:
    """Return the square of the series' mean root mean squared error; for one series, its mean squared error."""
    X, y = windows
    totals, counts = (np.zeros(int(series.max(initial=0)) + 1) for _ in range(2))
    for start in range(0, len(X), _CHUNK):
        truth, of_series = y[start : start + _CHUNK], series[start : start + _CHUNK]
        known = ~np.isnan(truth)  # NaN in the forecast counts, and makes the result NaN
        error = np.square(forecast(X[start : start + _CHUNK]) - truth, dtype=np.float64)
        totals += np.bincount(of_series, np.where(known, error, 0.0).sum(axis=1), len(totals))
        counts += np.bincount(of_series, known.sum(axis=1), len(counts))
    errors = totals[counts > 0] / counts[counts > 0]
    if len(errors) == 1:
        return float(errors[0])
    return float(np.square(np.sqrt(errors).mean())) if len(errors) else 0.0


def _make_epoch(
    network: Any, train: Windows, batch_size: int, on_part: Callable[[float], None]
) -> Callable[[Int64], float]:
    """Return a function that trains one epoch in a given order of windows, and returns the mean loss."""
    import tensorflow as tf

    network.optimizer.build(network.trainable_variables)
    X, y = train

    def run_steps(inputs: Any, targets: Any) -> None:
        for start in tf.range(0, tf.shape(inputs)[0], batch_size):
            network.train_step((inputs[start : start + batch_size], targets[start : start + batch_size]))

    window_bytes = 4 * max(1, math.prod(X.shape[1:]))
    windows_a_call = batch_size * max(1, min(_STEPS_A_CALL, _BYTES_A_CALL // (batch_size * window_bytes)))
    signature = [tf.TensorSpec([None, *part.shape[1:]], tf.float32) for part in train]
    compiled = tf.function(run_steps, input_signature=signature)

    def run_epoch(order: Int64) -> float:
        network.reset_metrics()
        for start in range(0, len(order), windows_a_call):  # between calls a signal can stop the run
            rows = order[start : start + windows_a_call]
            compiled(X[rows], y[rows])
            on_part((start + len(rows)) / len(order))
        results = network.get_metrics_result()
        return float(results.get(masked_mse_loss.__name__, results["loss"]))

    return run_epoch


def make_forecast(network: Any) -> Callable[[Float32 | Cuts], Float32]:
    """Return the network as a compiled function that forecasts any number of windows, in chunks."""
    import tensorflow as tf

    compiled = tf.function(
        lambda windows: network(windows, training=False),
        input_signature=[tf.TensorSpec(network.input_shape, tf.float32)],
    )

    def forecast(X: Float32 | Cuts) -> Float32:
        result = np.empty((len(X), network.output_shape[1]), dtype=np.float32)
        for start in range(0, len(X), _PREDICT_BATCH):
            result[start : start + _PREDICT_BATCH] = compiled(X[start : start + _PREDICT_BATCH])
        return result

    return forecast


def _weights(network: Any) -> list[Float32]:
    return [np.array(weight) for weight in network.get_weights()]
