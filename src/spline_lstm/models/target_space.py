"""The target space, in which the stack sees the targets: smoothed, on the link's scale, normalised per window.

Each transformation exists twice: in the Keras graph, and in NumPy for the regressions in this space.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spline_lstm.models.backend import load_keras
from spline_lstm.models.smoothing import make_smoothing_matrix
from spline_lstm.types import Float32, Float64

Normalization = Literal["none", "last", "instance"]
NORMALIZATIONS: tuple[Normalization, ...] = ("none", "last", "instance")
Link = Literal["identity", "log"]

LEVELS = "levels"
"""Name of the first layer of a logarithmic link."""
LINK_OFFSET = 0.1
"""Added before the logarithm to a scaled target, measured from zero in its own unit; about a tenth of its deviation."""
_LOWEST, _HIGHEST = math.log(LINK_OFFSET), 20.0
"""Limits on the logarithmic scale: zero, and 5e8 scaled units, so that the exponential does not overflow."""
_INSTANCE_FLOOR = 1e-3  # a flat window must not divide by zero


@dataclass(frozen=True)
class TargetSpace:
    """The transformation of the targets before the stack, and its inverse after the stack.

    Attributes:
        target_indices: Channels of a window that are targets.
        input_features: Channels of a window.
        target_ages: Steps from each row of a window to the origin, for the targets, falling.
        target_zeros: Scaled value of zero in each target's own unit; the logarithm measures from there.
        normalization: The values that a window's targets are shifted and divided by.
        spline_smoothing: Penalty of the smoothing spline over the lookback; 0 leaves the targets unchanged.
        link: `log` for targets that are never negative and vary more at high levels (McCullagh and Nelder,
            "Generalized Linear Models", 1989, section 2.2); no forecast is then below zero.

    """

    target_indices: tuple[int, ...]
    input_features: int
    target_ages: tuple[int, ...]
    target_zeros: tuple[float, ...]
    normalization: Normalization
    spline_smoothing: float
    link: Link

    @property
    def is_identity(self) -> bool:
        """Whether the targets stay unchanged."""
        return self.spline_smoothing == 0 and self.link == "identity" and self.normalization == "none"

    @property
    def positions(self) -> tuple[int, ...]:
        """Channels of the targets in the space: as in the window, or the first channels."""
        return self.target_indices if self.is_identity else tuple(range(len(self.target_indices)))

    def enter(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Transform the targets of a Keras tensor `(B, steps, input_features)` into the space.

        Returns:
            The sequence, with changed targets as first channels; and the centre and scale that undo the normalisation,
            each `(B, 1, F_target)` or None.

        """
        keras = load_keras()
        ops = keras.ops
        given = targets = ops.take(inputs, list(self.target_indices), axis=2)
        center = scale = None
        if self.spline_smoothing > 0:
            targets = self._smooth(targets)
        if self.link == "log":
            offsets = [LINK_OFFSET - zero for zero in self.target_zeros]
            levels = keras.layers.Rescaling(1.0, offsets, name=LEVELS)(targets)
            targets = ops.log(ops.maximum(levels, LINK_OFFSET))
        if self.normalization == "last":
            center = targets[:, -1:, :]
            targets = targets - center
        if self.normalization == "instance":
            center = ops.mean(targets, axis=1, keepdims=True)
            variance = ops.mean(ops.square(targets - center), axis=1, keepdims=True)
            scale = ops.sqrt(variance + _INSTANCE_FLOOR**2)
            targets = (targets - center) / scale
        if targets is given:
            return inputs, None, None
        if self._others:
            targets = ops.concatenate([targets, ops.take(inputs, self._others, axis=2)], axis=2)
        return targets, center, scale

    def _smooth(self, targets: Any) -> Any:
        """Replace targets by their smoothing splines, with a frozen Dense layer over the steps."""
        keras = load_keras()
        matrix = make_smoothing_matrix(self.target_ages, self.spline_smoothing)
        smoother = keras.layers.Dense(len(matrix), use_bias=False, trainable=False, name="spline_smoothing")
        smooth = keras.layers.Permute((2, 1))(smoother(keras.layers.Permute((2, 1))(targets)))
        smoother.set_weights([matrix.T.astype(np.float32)])
        return smooth

    def leave(self, outputs: Any, center: Any, scale: Any) -> Any:
        """Transform a Keras tensor `(B, horizon * F_target)` back from the space."""
        if center is None and self.link == "identity":
            return outputs
        keras = load_keras()
        ops, count = keras.ops, len(self.target_indices)
        steps = ops.reshape(outputs, (-1, outputs.shape[1] // count, count))
        if scale is not None:
            steps = steps * scale
        if center is not None:
            steps = steps + center
        if self.link == "log":
            levels = ops.exp(ops.clip(steps, _LOWEST, _HIGHEST))
            offsets = [zero - LINK_OFFSET for zero in self.target_zeros]
            steps = keras.layers.Rescaling(1.0, offsets, name="targets")(levels)
        return ops.reshape(steps, (-1, outputs.shape[1]))

    def enter_windows(self, X: Float32) -> tuple[Float32, Float64, Float64]:
        """Transform the targets of windows into the space, as the graph does.

        Returns:
            The windows, and the centre and scale of each, `(B, 1, F_target)`.

        """
        count = len(self.target_indices)
        center, scale = np.zeros((len(X), 1, count)), np.ones((len(X), 1, count))
        if self.is_identity:
            return X, center, scale
        matrix = make_smoothing_matrix(self.target_ages, self.spline_smoothing)
        smooth = np.einsum("st,btf->bsf", matrix, X[:, :, list(self.target_indices)].astype(np.float64))
        targets = self._linked(smooth)
        if self.normalization == "last":
            center = targets[:, -1:]
        elif self.normalization == "instance":
            center = targets.mean(axis=1, keepdims=True)
            scale = np.sqrt(targets.var(axis=1, keepdims=True) + _INSTANCE_FLOOR**2)
        windows = np.concatenate([(targets - center) / scale, X[:, :, self._others]], axis=2)
        return windows.astype(np.float32), center, scale

    def enter_horizons(self, y: Float32, center: Float64, scale: Float64) -> Float32:
        """Transform the targets to forecast, `(B, horizon * F_target)`, into the space of their windows."""
        steps = self._linked(y.reshape(len(y), -1, len(self.target_indices)).astype(np.float64))
        result: Float32 = ((steps - center) / scale).reshape(y.shape).astype(np.float32)
        return result

    def leave_horizons(self, outputs: Float64, center: Float64, scale: Float64) -> Float64:
        """Transform forecasts, `(B, horizon * F_target)`, back from the space of their windows."""
        steps = outputs.reshape(len(outputs), -1, len(self.target_indices)) * scale + center
        if self.link == "log":
            steps = np.exp(np.clip(steps, _LOWEST, _HIGHEST)) - LINK_OFFSET + self.target_zeros
        return steps.reshape(outputs.shape)

    def _linked(self, targets: Float64) -> Float64:
        if self.link == "identity":
            return targets
        return np.log(np.maximum(targets - self.target_zeros, 0.0) + LINK_OFFSET)

    @property
    def _others(self) -> list[int]:
        return [index for index in range(self.input_features) if index not in self.target_indices]
