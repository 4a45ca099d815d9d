"""Scalers: a centre and a scale per feature, learnt from observed training values only."""

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from spline_lstm.errors import ValuesError
from spline_lstm.types import Float32, Float64


class ScalerState(TypedDict):
    """`scaled = (value - center) / scale`."""

    kind: str
    center: float
    scale: float


def fit_scaler(kind: str, train_values: Float64) -> ScalerState:
    """Learn one feature's scaler.

    Args:
        kind: `standard` (mean, standard deviation), `robust` (median, interquartile range),
            `minmax` (to [0, 1]) or `none`.
        train_values: Observed training values, shape `(n,)`.

    Returns:
        The state; a feature without spread gets scale 1, one without values also centre 0.

    """
    if kind == "none" or not len(train_values):
        return ScalerState(kind=kind, center=0.0, scale=1.0)
    if kind == "standard":
        center, scale = float(np.mean(train_values)), float(np.std(train_values))
    elif kind == "robust":
        low, center, high = (float(value) for value in np.percentile(train_values, [25, 50, 75]))
        scale = high - low
    else:
        center = float(np.min(train_values))
        scale = float(np.max(train_values)) - center
    spread_is_real = scale > 1e-12 * abs(center)
    return ScalerState(kind=kind, center=center, scale=scale if spread_is_real else 1.0)


def apply_scaler(state: ScalerState, values: Float64) -> Float64:
    """Scale one feature's values, shape `(n,)`."""
    scaled = values - state["center"]
    scaled /= state["scale"]
    return scaled


def scaling_of(names: tuple[str, ...], scalers: Mapping[str, Mapping[str, Any]]) -> tuple[Float64, Float64]:
    """Centre and scale of some features, each of shape `(len(names),)`."""
    states = [scalers[name] for name in names]
    return np.array([state["center"] for state in states]), np.array([state["scale"] for state in states])


def in_target_units(y: Float32 | Float64, center: Float64, scale: Float64) -> Float64:
    """Undo the scaling of `(windows, horizon * F_target)`; returns `(windows, horizon, F_target)`."""
    return y.reshape(len(y), -1, len(center)).astype(np.float64) * scale + center


def check_target_varies(train_values: Float64, column: str, source: str) -> None:
    """Refuse a target that is constant in the training part; an empty part has no windows and is refused for that.

    Raises:
        ValuesError: The values do not vary.

    """
    if len(train_values) and np.std(train_values) <= 1e-12 * np.max(np.abs(train_values)):
        raise ValuesError(
            f"{source}, column '{column}': the target is always {train_values[0]:g} in the training part; it must vary"
        )
