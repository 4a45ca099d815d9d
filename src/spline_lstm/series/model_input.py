"""Windows ready for training, and the checks of their shapes."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spline_lstm.errors import ShapeContractError
from spline_lstm.series.lazy_windows import Cuts, cut_lookbacks
from spline_lstm.series.scaling import SeriesScalers, SeriesScales, in_target_units, known_series_scales, scaling_of
from spline_lstm.types import Bool, Float32, Float64, Int8, Int64


@dataclass(frozen=True)
class ModelInput:
    """Windows ready for training, traceable to their rows.

    Shapes: `B` windows, `T` rows (steps of all series, one after another).

    Attributes:
        window_series: Series number of each window, `(B,)`.
        window_origin: Row of the last lookback step, `(B,)`.
        window_split: 0 train, 1 val, 2 test, `(B,)`.
        horizon: Steps predicted.
        feature_names: Names of the features, in order, `(F_total,)`.
        target_indices: Which of them are the targets, `(F_target,)`.
        series_names: Names of the series, in order of their numbers.
        scaled: Scaled features, `(T, F_total)`; `X` and `y` are cut from it.
        ages: Steps from each row of a window to the origin, `(lookback, F_total)`, the oldest first.
        raw_target: Targets in their own unit, `(T, F_target)`, filled where imputed.
        is_imputed: Where `raw_target` is a fill, `(T, F_target)`.
        row_series, row_timestamp: Series number and nanoseconds since 1970 (UTC), `(T,)`.
        row_split: Part of its series that a row lies in, `(T,)`.
        preprocessor: Contents of `preprocessor.pkl`.
        meta: Contents of `meta.json`.

    """

    window_series: Int64
    window_origin: Int64
    window_split: Int8
    horizon: int
    feature_names: tuple[str, ...]
    target_indices: tuple[int, ...]
    series_names: tuple[str, ...]
    scaled: Float32
    ages: Int64
    raw_target: Float64
    is_imputed: Bool
    row_series: Int64
    row_timestamp: Int64
    row_split: Int8
    preprocessor: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def X(self) -> Cuts:  # noqa: N802 - the field's name
        """Scaled inputs, `(B, lookback, F_total)`."""
        starts = self.series_starts
        return self._cuts(
            lambda at: cut_lookbacks(self.scaled, self.window_origin[at], self.ages, starts[self.window_series[at]])
        )

    @property
    def y(self) -> Cuts:
        """Scaled targets, `(B, horizon * F_target)`, step-major; NaN where not observed."""
        return self._cuts(self._targets_of)

    @property
    def y_mask(self) -> Cuts:
        """Where `y` was observed; elsewhere it is neither trained on nor scored."""
        return self._cuts(lambda at: ~np.isnan(self._targets_of(at)))

    def _targets_of(self, windows: Int64) -> Float32:
        rows, indices = self._rows_ahead(windows), list(self.target_indices)
        targets = self.scaled.take(rows, axis=0)[:, :, indices]
        targets[self.is_imputed.take(rows, axis=0)] = np.nan
        return targets.reshape(len(windows), self.horizon * len(indices))

    def _rows_ahead(self, windows: Int64) -> Int64:
        """Rows of each horizon, shape `(windows, horizon)`."""
        return self.window_origin[windows, None] + np.arange(1, self.horizon + 1)

    def _cuts(self, cut: Callable[[Int64], NDArray[Any]]) -> Cuts:
        return Cuts(cut, self._windows)

    @functools.cached_property
    def _windows(self) -> Int64:
        return np.arange(len(self.window_origin))

    @property
    def lookback(self) -> int:
        """Rows of a window."""
        return len(self.ages)

    @property
    def target_ages(self) -> tuple[int, ...]:
        """Steps before the origin at which a window shows the targets, the oldest first."""
        return tuple(self.ages[:, self.target_indices[0]].tolist())

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the targets, in order."""
        return tuple(self.feature_names[index] for index in self.target_indices)

    @property
    def processed_id(self) -> str:
        """Id of the preprocessed data."""
        return str(self.meta["run_id"])

    @property
    def series_starts(self) -> Int64:
        """First row of each series."""
        return np.searchsorted(self.row_series, np.arange(len(self.series_names)))

    def windows_of(self, split: int) -> Int64:
        """Numbers of the windows that belong to a split."""
        return np.flatnonzero(self.window_split == split)

    @property
    def series_scalers(self) -> SeriesScalers:
        """Centre and scale of each series' targets; empty where all series share one scale."""
        scalers: SeriesScalers = self.preprocessor.get("series_scalers", {})
        return scalers

    @functools.cached_property
    def _series_scales(self) -> SeriesScales:
        return known_series_scales(self.series_scalers, self.target_names, self.series_names)

    def target_scaling(self, windows: Int64) -> tuple[Float64, Float64]:
        """Centre and scale of each window's targets, each of shape `(windows, F_target)`."""
        if not self.series_scalers:
            center, scale = scaling_of(self.target_names, self.preprocessor["scalers"])
            shape = (len(windows), len(center))
            return np.broadcast_to(center, shape), np.broadcast_to(scale, shape)
        series = self.window_series[windows]
        return self._series_scales.center[series], self._series_scales.scale[series]

    @property
    def target_zeros(self) -> tuple[float, ...]:
        """Scaled value of 0 in each target's own unit; only if all series share one scale."""
        center, scale = scaling_of(self.target_names, self.preprocessor["scalers"])
        return tuple((-center / scale).tolist())

    def in_target_units(self, y: Float32 | Float64, windows: Int64) -> Float64:
        """Undo the scaling of forecasts.

        Args:
            y: Shape `(windows, horizon * F_target)`.
            windows: Window numbers, `(windows,)`.

        Returns:
            Shape `(windows, horizon, F_target)`.

        """
        return in_target_units(y, *self.target_scaling(windows))

    def past(self, windows: Int64, ages: Int64) -> Float64:
        """Return the targets `ages` steps before each origin, in their own unit.

        Args:
            windows: Window numbers.
            ages: Steps before the origin, shape `(steps,)`.

        Returns:
            Shape `(windows, steps, F_target)`; NaN before the series begins.

        """
        rows = self.window_origin[windows, None] - ages
        inside = rows >= 0
        rows = np.where(inside, rows, 0)
        inside &= self.row_series[rows] == self.window_series[windows, None]
        return np.where(inside[..., None], self.raw_target[rows], np.nan)

    def truth(self, windows: Int64) -> tuple[Float64, Bool]:
        """Return the targets of each horizon, in their own unit, and whether they were observed.

        Returns:
            Two arrays of shape `(windows, horizon, F_target)`.

        """
        rows = self._rows_ahead(windows)
        return self.raw_target[rows], ~self.is_imputed[rows]


def fingerprint(model_input: ModelInput) -> dict[str, str]:
    """Hash the data that comparable runs share.

    Returns:
        SHA-256 of `windows` (series, origin and time of each), `splits` and `targets` (values and observed mask).

    """
    parts: dict[str, tuple[np.ndarray, ...]] = {
        "windows": (
            model_input.window_series,
            model_input.window_origin,
            model_input.row_timestamp[model_input.window_origin],
        ),
        "splits": (model_input.window_split, model_input.row_split),
        "targets": (model_input.raw_target, model_input.is_imputed),
    }
    return {name: _digest(arrays) for name, arrays in parts.items()}


def window_fingerprint(model_input: ModelInput, windows: Int64) -> str:
    """Hash the series, time and true values of some windows: models are compared on equal hashes.

    Args:
        model_input: Preprocessed data.
        windows: Window numbers.

    """
    stamps = model_input.row_timestamp[model_input.window_origin[windows]]
    return _digest((model_input.window_series[windows], stamps, *model_input.truth(windows)))


def _digest(arrays: tuple[np.ndarray, ...]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def check_model_input(model_input: ModelInput) -> None:
    """Check that all arrays fit together and that every window lies within them.

    Raises:
        ShapeContractError: Names the array, what it has and what is needed.

    """
    windows, steps = len(model_input.window_origin), len(model_input.scaled)
    f_total, f_target = len(model_input.feature_names), len(model_input.target_indices)
    needed: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(("window_series", "window_origin", "window_split"), (windows,)),
        "scaled": (steps, f_total),
        "ages": (model_input.lookback, f_total),
        **dict.fromkeys(("raw_target", "is_imputed"), (steps, f_target)),
        **dict.fromkeys(("row_series", "row_timestamp", "row_split"), (steps,)),
    }
    for name, shape in needed.items():
        check_shape(name, getattr(model_input, name).shape, shape)
    if not 1 <= f_target <= f_total:
        raise ShapeContractError(f"F_total >= F_target >= 1 is needed; found F_total={f_total}, F_target={f_target}")
    _check_within("target_indices", np.array(model_input.target_indices), f_total)
    _check_within("window_origin", model_input.window_origin, steps - model_input.horizon)
    _check_within("window_series", model_input.window_series, len(model_input.series_names))
    _check_within("ages", model_input.ages, np.iinfo(np.int64).max)
    if not np.isfinite(model_input.scaled).all():
        raise ShapeContractError("'scaled' holds values that are not finite")


def check_shape(name: str, found: tuple[int, ...], needed: tuple[int, ...]) -> None:
    """Refuse an array of another shape.

    Raises:
        ShapeContractError: Names the array, its shape and the one needed.

    """
    if found != needed:
        raise ShapeContractError(f"'{name}' has the shape {found}; {needed} is needed")


def _check_within(name: str, numbers: Int64, end: int) -> None:
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < end:
        found = f"{numbers.min()} to {numbers.max()}"
        raise ShapeContractError(f"'{name}' reaches from {found}; 0 to {end - 1} is possible")


def check_windows(
    X: Any, y: Any = None, *, input_features: int, target_count: int = 1, lookback: int | None = None
) -> None:
    """Check window arrays; every model and every `ModelInput` passes this one check.

    Args:
        X: Inputs, shape `(B, lookback, input_features)`, finite (uncut windows: their rows were checked before).
        y: Targets, shape `(B, horizon * target_count)`, or None.
        input_features: `F_total`.
        target_count: `F_target`, at most `F_total`.
        lookback: Rows of a window, if fixed.

    Raises:
        ShapeContractError: Names the array, its shape and the one needed.

    """
    if not 1 <= target_count <= input_features:
        raise ShapeContractError(
            f"F_total >= F_target >= 1 is needed; found F_total={input_features}, F_target={target_count}"
        )
    if X.ndim != 3 or X.shape[2] != input_features or lookback not in (None, X.shape[1]):
        raise ShapeContractError(
            f"X has the shape {X.shape}; (windows, {lookback or 'lookback'}, {input_features}) is needed"
        )
    if not isinstance(X, Cuts) and not np.isfinite(X).all():
        raise ShapeContractError("X holds values that are not finite")
    if y is None:
        return
    if y.ndim != 2 or len(y) != len(X) or not y.shape[1] or y.shape[1] % target_count:
        raise ShapeContractError(f"y has the shape {y.shape}; ({len(X)}, horizon * {target_count}) is needed")
    if not isinstance(y, Cuts) and np.isinf(y).any():
        raise ShapeContractError("y holds infinite values")
