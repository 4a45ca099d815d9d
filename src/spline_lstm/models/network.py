"""A trained network for forecasts, from memory or from its archive."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from spline_lstm.errors import ArtifactDamagedError, ShapeContractError
from spline_lstm.models.archive import archive_network, load_network
from spline_lstm.models.target_space import LEVELS
from spline_lstm.models.training import make_forecast, mean_squared_error
from spline_lstm.series.lazy_windows import Cuts
from spline_lstm.series.model_input import check_windows
from spline_lstm.types import Float32


class TrainedNetwork:
    """A Keras network from windows `(B, lookback, features)` to forecasts `(B, outputs)`, in scaled units."""

    def __init__(self, keras_model: Any) -> None:
        """Take a Keras network."""
        self.keras_model = keras_model
        self._forecast: Callable[[Float32 | Cuts], Float32] = make_forecast(keras_model)

    @classmethod
    def from_bytes(cls, content: bytes, source: str, model_type: str) -> Self:
        """Read a `.keras` archive in Keras' safe mode.

        Args:
            content: The archive.
            source: The archive's name in messages.
            model_type: The required model type.

        Raises:
            ArtifactDamagedError: The content is not such an archive, or is of another model type.

        """
        network = load_network(content, source)
        if network.name != model_type:
            raise ArtifactDamagedError(
                f"the model file holds '{network.name}', not '{model_type}'; give the model_type that it was trained "
                "as, or train again"
            )
        return cls(network)

    @property
    def is_nonnegative(self) -> bool:
        """Whether the link is logarithmic: no forecast is then below zero in the target's unit."""
        return any(layer.name == LEVELS for layer in self.keras_model.layers)

    @property
    def ridge_kernel(self) -> Float32 | None:
        """Weights of the linear path, one row per input; None if there is no path."""
        paths = [layer for layer in self.keras_model.layers if layer.name == "linear_path"]
        return paths[0].get_weights()[0] if paths else None

    def predict(self, X: Float32 | Cuts) -> Float32:
        """Forecast, shape `(B, outputs)`, in scaled units.

        Raises:
            ShapeContractError: `X` does not fit the network or is not finite.

        """
        self._check(X)
        return self._forecast(X)

    def evaluate(self, X: Float32 | Cuts, y: Float32 | Cuts) -> float:
        """Return the mean squared error over the observed values of `y`, in scaled units.

        Raises:
            ShapeContractError: The arrays do not fit the network.

        """
        self._check(X, y)
        return mean_squared_error(self._forecast, (X, y))

    def _check(self, X: Float32 | Cuts, y: Float32 | Cuts | None = None) -> None:
        _, lookback, features = self.keras_model.input_shape
        check_windows(X, y, input_features=features, lookback=lookback)
        outputs = self.keras_model.output_shape[1]
        if y is not None and y.shape[1] != outputs:
            raise ShapeContractError(f"y has the shape {y.shape}; ({len(X)}, {outputs}) is needed")

    def to_bytes(self) -> bytes:
        """Return the network as a `.keras` archive; the same weights give the same bytes."""
        return archive_network(self.keras_model)

    def save(self, path: Path) -> None:
        """Write the network as a `.keras` archive."""
        path.write_bytes(self.to_bytes())
