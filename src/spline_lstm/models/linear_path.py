"""The linear path, a frozen regression beside the stack: its layer, and the data that it is fitted on."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spline_lstm.models.backend import load_keras
from spline_lstm.models.ridge import Ridge, RidgeData
from spline_lstm.types import Bool, Float32, Float64

LinearPathName = Literal["none", "ridge", "shared"]
LAYER = "linear_path"
"""Name of the layer that holds the regression."""


@dataclass(frozen=True)
class LinearPath:
    """A regression from the whole window to all targets, or from each target's past to its own future.

    Attributes:
        name: `shared` is one regression for all targets; the number of weights does not depend on the targets.
        targets: Channels of a window that are targets.
        horizon: Steps to forecast.

    """

    name: LinearPathName
    targets: tuple[int, ...]
    horizon: int

    def join(self, sequence: Any) -> Any:
        """Return the path's output, `(B, horizon * F_target)`, for a Keras tensor `(B, steps, channels)`."""
        keras = load_keras()
        outputs = self.horizon * (1 if self.name == "shared" else len(self.targets))
        path = keras.layers.Dense(outputs, kernel_initializer="zeros", trainable=False, name=LAYER)
        if self.name == "ridge":
            return path(keras.layers.Flatten(name="flat")(sequence))
        targets = keras.ops.take(sequence, list(self.targets), axis=2)
        by_target = path(keras.layers.Permute((2, 1), name="targets_apart")(targets))
        return keras.layers.Flatten(name="flat")(keras.layers.Permute((2, 1), name="steps_apart")(by_target))

    def data(self, windows: Float32, targets: Float32, mask: Bool) -> RidgeData:
        """Return the data that the regression is fitted on.

        Args:
            windows: Shape `(B, steps, channels)`.
            targets: Shape `(B, horizon * F_target)`.
            mask: Whether each target was observed, same shape.

        """
        if self.name == "ridge":
            return RidgeData(windows.reshape(len(windows), -1), targets, mask)
        past = np.moveaxis(windows[:, :, list(self.targets)], 2, 1).reshape(-1, windows.shape[1])
        return RidgeData(past, self._by_target(targets), self._by_target(mask))

    def forecast(self, ridge: Ridge, data: RidgeData) -> Float64:
        """Return a regression's forecasts for all windows, `(B, horizon * F_target)`."""
        found = ridge.predict(data.inputs)
        if self.name == "ridge":
            return found
        by_window = found.reshape(-1, len(self.targets), self.horizon)
        return np.moveaxis(by_window, 1, 2).reshape(len(by_window), -1)

    def _by_target(self, values: Any) -> Any:
        steps = values.reshape(len(values), self.horizon, len(self.targets))
        return np.moveaxis(steps, 2, 1).reshape(-1, self.horizon)
