"""What all models share: the interface, what surrounds the recurrent stack, and the training loop."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from spline_lstm.contracts import check_windows
from spline_lstm.cuts import Cuts, draw
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, ShapeContractError
from spline_lstm.models.archive import archive_network, load_network
from spline_lstm.models.backend import load_keras
from spline_lstm.models.ridge import MOST_WINDOWS, RidgeData, fit_ridge
from spline_lstm.models.smoothing import make_smoothing_matrix
from spline_lstm.models.training import TrainingRecord, Windows, make_forecast, mean_squared_error, train_network
from spline_lstm.types import Float32, Float64

logger = logging.getLogger(__name__)

Normalization = Literal["none", "last", "instance"]
NORMALIZATIONS: tuple[Normalization, ...] = ("none", "last", "instance")
LinearPath = Literal["none", "ridge"]
_ENOUGH_HORIZONS = 10
_INSTANCE_FLOOR = 1e-3  # of a deviation in scaled units: a flat window must not divide by zero


class ForecastModel(ABC):
    """A forecaster from windows `(B, sequence_length, input_features)` to `(B, output_units)`.

    `output_units` is `horizon * F_target`, step-major. All values are in scaled units; NaN in `y`
    marks what was not observed and is neither trained on nor scored.
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
        linear_path: LinearPath = "none",
        target_ages: tuple[int, ...] | None = None,
        seed: int = 0,
    ) -> None:
        if output_units % len(target_indices):
            raise ShapeContractError(f"output_units={output_units} is no multiple of F_target={len(target_indices)}")
        self.sequence_length = sequence_length
        self.hidden_units = tuple(hidden_units)
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.output_units = output_units
        self.input_features = input_features
        self.target_indices = tuple(target_indices)
        self.normalization = normalization
        self.spline_smoothing = spline_smoothing
        self.linear_path = linear_path
        self.target_ages = target_ages or tuple(range(sequence_length))[::-1]
        self.seed = seed
        self.network: Any = None
        self._forecast: Callable[[Float32 | Cuts], Float32]

    @abstractmethod
    def recurrent_stack(self, sequence: Any) -> Any:
        """Map a sequence `(B, sequence_length, channels)` to a state `(B, units)`."""

    def build(self) -> Any:
        """Build the Keras network with seeded weights and return it."""
        keras = load_keras()
        keras.utils.clear_session(free_memory=False)  # numbering of layers starts anew: same model, same bytes
        keras.utils.set_random_seed(self.seed)
        inputs = keras.Input((self.sequence_length, self.input_features), name="window")
        sequence, center, scale = self._normalize(self._smooth(inputs))
        state = self.recurrent_stack(sequence)
        has_ridge = self.linear_path == "ridge"
        head = keras.layers.Dense(
            self.output_units, kernel_initializer="zeros" if has_ridge else "glorot_uniform", name="head"
        )
        outputs = head(state)
        if has_ridge:
            flat = keras.layers.Flatten(name="flat")(sequence)
            path = keras.layers.Dense(
                self.output_units, kernel_initializer="zeros", trainable=False, name="linear_path"
            )
            outputs = keras.layers.Add(name="sum")([outputs, path(flat)])
        self._take(keras.Model(inputs, self._denormalize(outputs, center, scale), name=self.model_type))
        return self.network

    def _take(self, network: Any) -> None:
        self.network, self._forecast = network, make_forecast(network)

    def _targets(self, inputs: Any) -> Any:
        return load_keras().ops.take(inputs, list(self.target_indices), axis=2)

    def _with_targets(self, inputs: Any, targets: Any) -> Any:
        """Put changed target channels first and the other channels behind them."""
        ops = load_keras().ops
        others = [index for index in range(self.input_features) if index not in self.target_indices]
        if not others:
            return targets
        return ops.concatenate([targets, ops.take(inputs, others, axis=2)], axis=2)

    def _smooth(self, inputs: Any) -> Any:
        """Replace the target channels by their smoothing splines: a frozen Dense over the steps."""
        if self.spline_smoothing == 0:
            return inputs
        keras = load_keras()
        matrix = make_smoothing_matrix(self.target_ages, self.spline_smoothing)
        smoother = keras.layers.Dense(self.sequence_length, use_bias=False, trainable=False, name="spline_smoothing")
        steps_last = keras.layers.Permute((2, 1))(self._targets(inputs))
        smooth = keras.layers.Permute((2, 1))(smoother(steps_last))
        smoother.set_weights([matrix.T.astype(np.float32)])
        return self._with_targets(inputs, smooth)

    def _normalize(self, sequence: Any) -> tuple[Any, Any, Any]:
        """Return the sequence with normalised targets and what undoes it, each `(B, 1, F_target)` or None."""
        if self.normalization == "none":
            return sequence, None, None
        ops = load_keras().ops
        # After smoothing the targets stand first.
        leading = self.spline_smoothing > 0
        count = len(self.target_indices)
        targets = sequence[:, :, :count] if leading else self._targets(sequence)
        center, scale = targets[:, -1:, :], None
        if self.normalization == "instance":
            center = ops.mean(targets, axis=1, keepdims=True)
            variance = ops.mean(ops.square(targets - center), axis=1, keepdims=True)
            scale = ops.sqrt(variance + _INSTANCE_FLOOR**2)
        shifted = targets - center if scale is None else (targets - center) / scale
        if leading:
            joined = (
                shifted if count == self.input_features else ops.concatenate([shifted, sequence[:, :, count:]], axis=2)
            )
        else:
            joined = self._with_targets(sequence, shifted)
        return joined, center, scale

    def _denormalize(self, outputs: Any, center: Any, scale: Any) -> Any:
        if center is None:
            return outputs
        ops = load_keras().ops
        steps = ops.reshape(outputs, (-1, self.output_units // len(self.target_indices), len(self.target_indices)))
        steps = steps + center if scale is None else steps * scale + center
        return ops.reshape(steps, (-1, self.output_units))

    def fit_model(
        self,
        train: Windows,
        val: Windows,
        *,
        epochs: int,
        batch_size: int,
        patience: int,
        on_epoch: Callable[[dict[str, float | None]], None] = lambda _: None,
        on_part: Callable[[float], None] = lambda _: None,
    ) -> TrainingRecord:
        """Train with early stopping; the network ends with its best weights.

        Epoch 0 counts: the untrained network is the first candidate for the best weights. Beside a ridge path it stays
        the best where validation holds fewer windows than ten horizons: a gain on so few is chance.

        Args:
            train: `X` and `y`; NaN in `y` is not trained on.
            val: `X` and `y` that decide which epoch is best.
            epochs: Most passes over the training windows.
            batch_size: Windows a step.
            patience: Epochs without improvement before the learning rate falls, and at last before stopping.
            on_epoch: Called with each entry of the history, for progress.
            on_part: Called within an epoch with the share that is done.

        Raises:
            ShapeContractError: The arrays do not fit the model.
            TrainingDivergedError: A loss is not finite.

        """
        for X, y in (train, val):
            self._check(X, y)
        network = self.network or self.build()
        if self.linear_path == "ridge":
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
            on_epoch=on_epoch,
            on_part=on_part,
        )
        if self.linear_path == "ridge" and len(val[0]) < _ENOUGH_HORIZONS * self.output_units:
            record = replace(record, best_epoch=0, best_weights=solved)
        network.set_weights(record.best_weights)
        return record

    def _solve_linear_path(self, train: Windows, val: Windows) -> None:
        """Set the frozen linear path to the ridge solution in the space of normalised windows."""
        parts = []
        for X, y in (train, val):
            drawn = draw(np.arange(len(X)), MOST_WINDOWS)
            parts.append(self.ridge_data(X[drawn], y[drawn])[0])
        ridge = fit_ridge(*parts)
        weights = [ridge.weights.astype(np.float32), ridge.bias.astype(np.float32)]
        self.network.get_layer("linear_path").set_weights(weights)
        logger.info("Ridge path solved with penalty %.3g", ridge.penalty)

    def ridge_data(self, X: Float32, y: Float32) -> tuple[RidgeData, Float64, Float64]:
        """What the linear path sees and is to predict, and what undoes each window's normalisation.

        Returns:
            The data, and the centre and scale of every window, `(B, 1, F_target)`.

        """
        windows, center, scale = self._normalized_windows(X)
        steps = y.reshape(len(y), -1, len(self.target_indices))
        targets = ((steps - center) / scale).reshape(y.shape).astype(np.float32)
        return RidgeData(windows.reshape(len(windows), -1), np.nan_to_num(targets), ~np.isnan(y)), center, scale

    def _normalized_windows(self, X: Float32) -> tuple[Float32, Float64, Float64]:
        """Smooth and normalise as the network does; returns also each window's centre and scale.

        The channels stand in the network's order: targets first where it smooths or normalises.
        """
        count = len(self.target_indices)
        center, scale = np.zeros((len(X), 1, count)), np.ones((len(X), 1, count))
        if self.spline_smoothing == 0 and self.normalization == "none":
            return X, center, scale
        others = [index for index in range(self.input_features) if index not in self.target_indices]
        matrix = make_smoothing_matrix(self.target_ages, self.spline_smoothing)
        targets = np.einsum("st,btf->bsf", matrix, X[:, :, list(self.target_indices)].astype(np.float64))
        if self.normalization == "last":
            center = targets[:, -1:]
        elif self.normalization == "instance":
            center = targets.mean(axis=1, keepdims=True)
            scale = np.sqrt(targets.var(axis=1, keepdims=True) + _INSTANCE_FLOOR**2)
        windows = np.concatenate([(targets - center) / scale, X[:, :, others]], axis=2)
        return windows.astype(np.float32), center, scale

    def predict(self, X: Float32 | Cuts) -> Float32:
        """Forecast, shape `(B, output_units)`, in scaled units.

        Raises:
            ArtifactMissingError: There is no network yet.
            ShapeContractError: `X` does not fit the model or is not finite.

        """
        self._check_ready(X)
        return self._forecast(X)

    def evaluate(self, X: Float32 | Cuts, y: Float32 | Cuts) -> float:
        """Return the mean squared error over what was observed of `y`, in scaled units.

        Raises:
            ArtifactMissingError: There is no network yet.
            ShapeContractError: The arrays do not fit the model.

        """
        self._check_ready(X, y)
        return mean_squared_error(self._forecast, (X, y))

    def _check_ready(self, X: Float32 | Cuts, y: Float32 | Cuts | None = None) -> None:
        if self.network is None:
            raise ArtifactMissingError("the model has no network yet; build, fit or load it first")
        self._check(X, y)

    def _check(self, X: Float32 | Cuts, y: Float32 | Cuts | None = None) -> None:
        targets = len(self.target_indices)
        check_windows(X, y, input_features=self.input_features, target_count=targets, lookback=self.sequence_length)
        if y is not None and y.shape[1] != self.output_units:
            raise ShapeContractError(f"y has the shape {y.shape}; ({len(X)}, {self.output_units}) is needed")

    def to_bytes(self) -> bytes:
        """Return the network as a `.keras` archive; the same weights give the same bytes."""
        return archive_network(self.network)

    def save(self, path: Path) -> None:
        """Write the network as a `.keras` archive."""
        path.write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a network that `save` wrote, in Keras' safe mode.

        Raises:
            ArtifactDamagedError: Not such an archive, or of another model type.

        """
        return cls.from_network(load_network(path.read_bytes(), str(path)))

    @classmethod
    def from_network(cls, network: Any) -> Self:
        """Wrap a loaded network for `predict` and `evaluate`.

        Raises:
            ArtifactDamagedError: It is of another model type.

        """
        if network.name != cls.model_type:
            raise ArtifactDamagedError(
                f"the model file holds '{network.name}', not '{cls.model_type}'; give the model_type that it was "
                "trained as, or train again"
            )
        _, sequence_length, input_features = network.input_shape
        model = cls(sequence_length, (), 0.0, 0.0, network.output_shape[1], input_features)
        model._take(network)
        return model
