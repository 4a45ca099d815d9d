"""The base of all models: the interface, the layers around the recurrent stack, and the training."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from spline_lstm.errors import ArtifactMissingError, ShapeContractError
from spline_lstm.models.backend import load_keras
from spline_lstm.models.linear_path import LAYER, LinearPath, LinearPathName
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.models.ridge import PENALTIES, RidgeData, fit_ridge, most_windows
from spline_lstm.models.target_space import Link, Normalization, TargetSpace
from spline_lstm.models.training import (
    Loss,
    LossName,
    TrainingRecord,
    Windows,
    draw_windows,
    make_relative_loss,
    masked_mae_loss,
    masked_mse_loss,
    repeat_training,
    train_network,
)
from spline_lstm.series.lazy_windows import Cuts
from spline_lstm.series.model_input import check_windows
from spline_lstm.types import Float32, Float64, Int64

logger = logging.getLogger(__name__)

ENOUGH_HORIZONS = 10
"""Validation windows, in horizons, from which a gain is more than chance: fewer windows nearly all overlap."""


class ForecastModel(ABC):
    """A forecaster from windows `(B, sequence_length, input_features)` to `(B, output_units)`.

    `output_units` is `horizon * F_target`, step-major. All values are in scaled units. NaN in `y`
    marks unobserved values, which are neither trained on nor scored.
    """

    model_type: ClassVar[str]

    def __init__(
        self,
        sequence_length: int,
        hidden_units: tuple[int, ...],
        dropout: float,
        learning_rate: float | Literal["auto"],
        output_units: int,
        input_features: int,
        *,
        target_indices: tuple[int, ...] = (0,),
        normalization: Normalization = "none",
        spline_smoothing: float = 0.0,
        linear_path: LinearPathName = "none",
        link: Link = "identity",
        segment: int = 1,
        loss: LossName = "squared",
        target_ages: tuple[int, ...] | None = None,
        target_zeros: tuple[float, ...] | None = None,
        seed: int = 0,
    ) -> None:
        if output_units % len(target_indices):
            raise ShapeContractError(f"output_units={output_units} is no multiple of F_target={len(target_indices)}")
        if sequence_length % segment:
            raise ShapeContractError(f"segment={segment} does not divide sequence_length={sequence_length}")
        self.sequence_length = sequence_length
        self.hidden_units = tuple(hidden_units)
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.output_units = output_units
        self.input_features = input_features
        self.target_indices = tuple(target_indices)
        self.horizon = output_units // len(target_indices)
        self.linear_path = linear_path
        self.segment = segment
        self.loss = loss
        self.space = TargetSpace(
            target_indices=self.target_indices,
            input_features=input_features,
            target_ages=target_ages or tuple(range(sequence_length))[::-1],
            target_zeros=target_zeros or (0.0,) * len(target_indices),
            normalization=normalization,
            spline_smoothing=spline_smoothing,
            link=link,
        )
        self.path = LinearPath(linear_path, self.space.positions, self.horizon)
        self.seed = seed
        self.ridge_penalty: float | None = None
        self._trained: TrainedNetwork | None = None

    @abstractmethod
    def encode(self, sequence: Any) -> Any:
        """Map a sequence `(B, steps, channels)` to a state `(B, units)`."""

    @property
    def has_path(self) -> bool:
        """Whether a frozen linear path is added to the stack."""
        return self.linear_path != "none"

    @property
    def network(self) -> Any:
        """The Keras network; None before it is built."""
        return None if self._trained is None else self._trained.keras_model

    def build(self) -> Any:
        """Build the Keras network with seeded weights and return it."""
        keras = load_keras()
        keras.utils.clear_session(free_memory=False)  # layer numbers start again: same model, same bytes
        keras.utils.set_random_seed(self.seed)
        inputs = keras.Input((self.sequence_length, self.input_features), name="window")
        sequence, center, scale = self.space.enter(inputs)
        state = self.encode(self._segmented(sequence))
        start = "zeros" if self.has_path else "glorot_uniform"
        outputs = keras.layers.Dense(self.output_units, kernel_initializer=start, name="head")(state)
        if self.has_path:
            outputs = keras.layers.Add(name="sum")([outputs, self.path.join(sequence)])
        network = keras.Model(inputs, self.space.leave(outputs, center, scale), name=self.model_type)
        self._trained = TrainedNetwork(network)
        return network

    def _segmented(self, sequence: Any) -> Any:
        """Cut a window into segments; a Dense layer turns each segment into one step of the recurrent stack.

        S. Lin et al., "SegRNN: segment recurrent neural network for long-term time series forecasting", 2023.

        Returns:
            `(B, sequence_length / segment, hidden_units[0])`; the sequence itself if a segment is one row.

        """
        if self.segment == 1:
            return sequence
        keras = load_keras()
        steps, channels = self.sequence_length // self.segment, sequence.shape[2]
        segments = keras.ops.reshape(sequence, (-1, steps, self.segment * channels))
        return keras.layers.Dense(self.hidden_units[0], activation="relu", name="segment_embedding")(segments)

    def fit_model(
        self,
        train: Windows,
        val: Windows,
        *,
        epochs: int,
        batch_size: int,
        patience: int,
        val_series: Int64 | None = None,
        on_epoch: Callable[[dict[str, float | None]], None] = lambda _: None,
        on_part: Callable[[float], None] = lambda _: None,
    ) -> TrainingRecord:
        """Train with early stopping; the network ends with its best weights.

        Epoch 0 counts: the untrained network is the first candidate for the best weights. With a linear path, epoch 0
        stays the best if validation has fewer windows than ten horizons have steps: a gain on so few windows is
        chance. The record and the log report this.

        Args:
            train: `X` and `y`; NaN in `y` is not trained on.
            val: `X` and `y` that decide which epoch is best.
            epochs: Maximum number of epochs.
            batch_size: Windows per step.
            patience: Epochs without improvement before the learning rate falls, or training stops.
            val_series: Series number of each validation window, so that every series counts equally; None is one
                series.
            on_epoch: Called with each entry of the history, for progress.
            on_part: Called within an epoch with the finished share.

        Raises:
            ShapeContractError: The arrays do not fit the model.
            TrainingDivergedError: A loss is not finite.

        """
        for X, y in (train, val):
            self._check(X, y)
        network = self.network or self.build()
        if self.has_path:
            self._solve_linear_path(train, val)
        solved = [np.array(weight) for weight in network.get_weights()]
        record = train_network(
            network,
            train,
            val,
            learning_rate=self.learning_rate,
            epochs=epochs,
            batch_size=batch_size,
            patience=patience,
            seed=self.seed,
            loss=self._loss(),
            val_series=val_series,
            on_epoch=on_epoch,
            on_part=on_part,
        )
        if self.has_path and record.best_epoch and len(val[0]) < ENOUGH_HORIZONS * self.horizon:
            reason = (
                f"{len(val[0])} validation windows are fewer than {ENOUGH_HORIZONS} horizons of {self.horizon} steps, "
                "so a gain over the ridge path may be chance"
            )
            logger.warning("Epoch %d is discarded, the ridge path alone is kept: %s", record.best_epoch, reason)
            record = replace(record, best_epoch=0, schedule=(), best_weights=solved, discarded=reason)
        network.set_weights(record.best_weights)
        return record

    def refit_model(
        self,
        train: Windows,
        schedule: tuple[float, ...],
        penalty: float | None,
        *,
        batch_size: int,
        on_epoch: Callable[[dict[str, float | None]], None] = lambda _: None,
        on_part: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Repeat an earlier training's schedule on other windows, without validation; keep the last weights.

        Args:
            train: `X` and `y`; NaN in `y` is not trained on.
            schedule: Learning rate of each epoch.
            penalty: Ridge penalty of the linear path; None if there is no path.
            batch_size: Windows per step.
            on_epoch: Called with each entry of the history, for progress.
            on_part: Called within an epoch with the finished share.

        Raises:
            ShapeContractError: The arrays do not fit the model.
            TrainingDivergedError: A loss is not finite.

        """
        self._check(*train)
        network = self.network or self.build()
        if penalty is not None:
            self._solve_linear_path(train, train, penalties=(penalty,))
        repeat_training(
            network,
            train,
            schedule,
            batch_size=batch_size,
            seed=self.seed,
            loss=self._loss(),
            on_epoch=on_epoch,
            on_part=on_part,
        )

    def _loss(self) -> Loss:
        """Return the squared or absolute error; with the log link, the squared error relative to the level."""
        if self.space.link == "identity":
            return {"squared": masked_mse_loss, "absolute": masked_mae_loss}[self.loss]
        return make_relative_loss(np.tile(np.array(self.space.target_zeros, dtype=np.float32), self.horizon))

    def _solve_linear_path(self, train: Windows, val: Windows, penalties: Sequence[float] = PENALTIES) -> None:
        """Set the frozen linear path to the ridge solution on windows in the target space."""
        most = most_windows(self.sequence_length * self.input_features)
        data = (self.ridge_data(*draw_windows(part, most))[0] for part in (train, val))
        ridge = fit_ridge(*data, penalties=penalties)
        self.ridge_penalty = ridge.penalty
        weights = [ridge.weights.astype(np.float32), ridge.bias.astype(np.float32)]
        self.network.get_layer(LAYER).set_weights(weights)
        logger.info("Ridge path solved with penalty %.3g", ridge.penalty)

    def ridge_data(self, X: Float32, y: Float32) -> tuple[RidgeData, Float64, Float64]:
        """Return the linear path's inputs and targets, and the values that undo each window's normalisation.

        Returns:
            The data, and the centre and scale of every window, `(B, 1, F_target)`.

        """
        windows, center, scale = self.space.enter_windows(X)
        targets = np.nan_to_num(self.space.enter_horizons(y, center, scale))
        return self.path.data(windows, targets, ~np.isnan(y)), center, scale

    def predict(self, X: Float32 | Cuts) -> Float32:
        """Forecast, shape `(B, output_units)`, in scaled units.

        Raises:
            ArtifactMissingError: There is no network yet.
            ShapeContractError: `X` does not fit the model or is not finite.

        """
        return self._ready().predict(X)

    def evaluate(self, X: Float32 | Cuts, y: Float32 | Cuts) -> float:
        """Return the mean squared error over the observed values of `y`, in scaled units.

        Raises:
            ArtifactMissingError: There is no network yet.
            ShapeContractError: The arrays do not fit the model.

        """
        return self._ready().evaluate(X, y)

    def _ready(self) -> TrainedNetwork:
        if self._trained is None:
            raise ArtifactMissingError("the model has no network yet; build or fit it first")
        return self._trained

    def _check(self, X: Float32 | Cuts, y: Float32 | Cuts) -> None:
        targets = len(self.target_indices)
        check_windows(X, y, input_features=self.input_features, target_count=targets, lookback=self.sequence_length)
        if y.shape[1] != self.output_units:
            raise ShapeContractError(f"y has the shape {y.shape}; ({len(X)}, {self.output_units}) is needed")

    def to_bytes(self) -> bytes:
        """Return the network as a `.keras` archive; the same weights give the same bytes.

        Raises:
            ArtifactMissingError: There is no network yet.

        """
        return self._ready().to_bytes()

    def save(self, path: Path) -> None:
        """Write the network as a `.keras` archive."""
        self._ready().save(path)

    @classmethod
    def load(cls, path: Path) -> TrainedNetwork:
        """Read a network that `save` wrote, for forecasts.

        Raises:
            ArtifactDamagedError: The file is not such an archive, or is of another model type.

        """
        return TrainedNetwork.from_bytes(path.read_bytes(), str(path), cls.model_type)
