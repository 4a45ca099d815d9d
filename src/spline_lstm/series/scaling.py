"""Scalers: a centre and a scale for each feature or each series, learnt from observed training values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np

from spline_lstm.errors import ValuesError
from spline_lstm.types import Bool, Float32, Float64, Int64

TargetScaling = Literal["global", "series"]
"""Whether all series share the scale of a target, or each has its own."""
SeriesScalers = dict[str, dict[str, tuple[float, float]]]
"""Target to series to centre and scale."""
_SMALLEST_SPREAD = 1e-12
"""Smallest spread relative to the centre; below it only rounding varies."""


class ScalerState(TypedDict):
    """`scaled = (value - center) / scale`."""

    kind: str
    center: float
    scale: float


def fit_scaler(kind: str, train_values: Float64) -> ScalerState:
    """Fit one feature's scaler.

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
    spread_is_real = scale > _SMALLEST_SPREAD * abs(center)
    return ScalerState(kind=kind, center=center, scale=scale if spread_is_real else 1.0)


def apply_scaler(state: ScalerState, values: Float64) -> Float64:
    """Scale one feature's values, shape `(n,)`."""
    scaled = values - state["center"]
    scaled /= state["scale"]
    return scaled


@dataclass(frozen=True)
class SeriesScales:
    """Centre and scale of each series' targets, both of shape `(series, F_target)`."""

    center: Float64
    scale: Float64

    def apply(self, values: Float64, series: Int64, target: int) -> Float64:
        """Scale one target's values, shape `(steps,)`, given the series number of each."""
        scaled: Float64 = (values - self.center[series, target]) / self.scale[series, target]
        return scaled

    def to_state(self, targets: tuple[str, ...], names: tuple[str, ...]) -> SeriesScalers:
        """Return the scales as builtins."""
        return {
            target: dict(zip(names, zip(center.tolist(), scale.tolist(), strict=True), strict=True))
            for target, center, scale in zip(targets, self.center.T, self.scale.T, strict=True)
        }


def fit_series_scales(values: Float64, series: Int64, counts: Bool, names: int) -> SeriesScales:
    """Learn mean and standard deviation of every series.

    A series whose values do not vary gets their magnitude as its scale; a series without values gets centre 0, scale 1.

    Args:
        values: Targets with NaN where nothing was observed, shape `(steps, F_target)`.
        series: Series number of every row, shape `(steps,)`.
        counts: Whether to learn from each row, shape `(steps,)`, or from each value, of the shape of `values`.
        names: Number of series.

    """
    center, scale = np.zeros((names, values.shape[1])), np.ones((names, values.shape[1]))
    every = np.broadcast_to(counts.reshape(len(counts), -1), values.shape)
    for target, column in enumerate(values.T):
        known = every[:, target] & ~np.isnan(column)
        of, found = series[known], column[known]
        count = np.maximum(np.bincount(of, minlength=names), 1)
        mean = np.bincount(of, found, names) / count
        found -= mean[of]  # in place: a large table has tens of millions of rows
        spread = np.sqrt(np.bincount(of, np.square(found, out=found), names) / count)
        varies = spread > _SMALLEST_SPREAD * np.abs(mean)
        center[:, target] = mean
        scale[:, target] = np.where(varies, spread, np.where(mean == 0, 1.0, np.abs(mean)))
    return SeriesScales(center, scale)


def known_series_scales(state: SeriesScalers, targets: tuple[str, ...], names: tuple[str, ...]) -> SeriesScales:
    """Return the learnt scales of the named series; NaN for unknown series."""
    unknown = (np.nan, np.nan)
    pairs = np.array([[state[target].get(name, unknown) for target in targets] for name in names])
    return SeriesScales(pairs[..., 0], pairs[..., 1])


def scaling_of(names: tuple[str, ...], scalers: Mapping[str, Mapping[str, Any]]) -> tuple[Float64, Float64]:
    """Centre and scale of some features, each of shape `(len(names),)`."""
    states = [scalers[name] for name in names]
    return np.array([state["center"] for state in states]), np.array([state["scale"] for state in states])


def in_target_units(y: Float32 | Float64, center: Float64, scale: Float64) -> Float64:
    """Undo the scaling of forecasts.

    Args:
        y: Shape `(windows, horizon * F_target)`.
        center: Of each target, `(F_target,)`, or of each window's targets, `(windows, F_target)`.
        scale: Scale, shaped as `center`.

    Returns:
        Shape `(windows, horizon, F_target)`.

    """
    targets = center.shape[-1]
    steps = y.reshape(len(y), y.shape[1] // targets, targets).astype(np.float64)
    return steps * scale[..., None, :] + center[..., None, :]


def check_target_varies(train_values: Float64, column: str, source: str) -> None:
    """Refuse a target that is constant in the training part; a single value is left to the check of windows.

    Raises:
        ValuesError: The values do not vary.

    """
    if len(train_values) > 1 and np.std(train_values) <= _SMALLEST_SPREAD * np.max(np.abs(train_values)):
        raise ValuesError(
            f"{source}, column '{column}': the target is always {train_values[0]:g} in the training part; it must vary"
        )
