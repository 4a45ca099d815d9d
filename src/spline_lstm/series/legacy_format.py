"""Bundles of earlier versions: a `processed.npz` whose `meta.json` has no `schema_version`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spline_lstm.errors import ArtifactDamagedError, InsufficientDataError, ShapeContractError
from spline_lstm.series.model_input import ModelInput, check_model_input
from spline_lstm.series.scaling import fit_scaler
from spline_lstm.series.splits import SPLITS, make_split_borders
from spline_lstm.series.windows import WindowSpec, consecutive_ages, make_window_index
from spline_lstm.types import Float32, Int8

LEGACY_KEYS = ("X", "y", "X_mv", "y_mv", "scaled", "raw_target", "feature_names", "target_indices")
"""Keys of an earlier `processed.npz`, in order of preference; other keys are ignored, unread."""


def adapt_legacy_arrays(arrays: Mapping[str, np.ndarray], meta: dict[str, Any], spec: WindowSpec) -> ModelInput:
    """Bring files of an earlier version into today's form: a single series, split chronologically.

    Takes `X` and `y`, else `X_mv` and `y_mv`, else windows cut from `scaled`, else from
    `raw_target`, which is standardised on its training part first.

    Args:
        arrays: Those of `LEGACY_KEYS` that the file has.
        meta: The file beside it; `lookback` and `horizon` there win over `spec`.
        spec: Window lengths and shares of the splits.

    Raises:
        ArtifactDamagedError: No key is there, or one holds values that are not finite numbers.
        ShapeContractError: The arrays do not fit together.
        InsufficientDataError: A split has no window.

    """
    for X, y in (("X", "y"), ("X_mv", "y_mv")):
        if X in arrays and y in arrays:
            return _finish(_from_windows(_numbers(arrays, X), _numbers(arrays, y), arrays, meta, spec))
    for name in ("scaled", "raw_target"):
        if name in arrays:
            rows = _numbers(arrays, name)
            rows = rows.reshape(len(rows), -1) if rows.ndim < 3 else rows
            lengths = {key: _count(meta, key, getattr(spec, key)) for key in ("lookback", "horizon")}
            return _finish(
                _from_rows(rows, arrays, meta, spec.model_copy(update=lengths), standardise=name == "raw_target")
            )
    raise ArtifactDamagedError(
        f"processed.npz holds none of X and y, X_mv and y_mv, scaled, raw_target; found: {sorted(arrays)}"
    )


def _numbers(arrays: Mapping[str, np.ndarray], name: str) -> Float32:
    values = arrays[name]
    if values.dtype.kind not in "fiu":
        raise ArtifactDamagedError(f"processed.npz: '{name}' has the type {values.dtype}; numbers are needed")
    if not values.ndim or not values.size:
        raise ShapeContractError(f"'{name}' has the shape {values.shape}; at least one row is needed")
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise ArtifactDamagedError(f"processed.npz: '{name}' holds values that are not finite")
    return values


def _count(meta: Mapping[str, Any], key: str, default: int) -> int:
    value = meta.get(key, default)
    if type(value) is not int or value < 1:
        raise ArtifactDamagedError(f"meta.json: '{key}' is {value!r}; a whole number of at least 1 is needed")
    return value


def _finish(model_input: ModelInput) -> ModelInput:
    check_model_input(model_input)
    return model_input


def _names(arrays: Mapping[str, np.ndarray], f_total: int, f_target: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the stored names and target positions; names are made up if their number is wrong."""
    found = np.ravel(arrays.get("target_indices", np.arange(f_target)))
    indices = found.tolist()
    distinct = set(indices) & set(range(f_total))
    if found.dtype.kind not in "iu" or not 0 < len(indices) == len(distinct):
        raise ShapeContractError(f"target_indices {indices} are not distinct positions within {f_total} features")
    names = [str(name) for name in np.ravel(arrays.get("feature_names", []))]
    if len(names) != f_total or len(set(names)) < f_total:
        names = [f"feature_{position}" for position in range(f_total)]
        for number, position in enumerate(indices):
            names[position] = "target" if len(indices) == 1 else f"target_{number}"
    return tuple(names), tuple(indices)


def _preprocessor(run_id: str, names: tuple[str, ...], scalers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    identity = {name: {"kind": "none", "center": 0.0, "scale": 1.0} for name in names}
    return {"run_id": run_id, "feature_order": list(names), "scalers": {**identity, **(scalers or {})}}


def _from_windows(
    X: Float32, y: Float32, arrays: Mapping[str, np.ndarray], meta: dict[str, Any], spec: WindowSpec
) -> ModelInput:
    """Each window becomes a series of its own, because the rows between windows are unknown."""
    X = X[..., None] if X.ndim == 2 else X
    y = y.reshape(len(y), -1)
    if X.ndim != 3 or len(X) != len(y):
        raise ShapeContractError(f"X has the shape {X.shape} and y {y.shape}; (windows, lookback, features) is needed")
    count, lookback, f_total = X.shape
    names, indices = _names(arrays, f_total, _count(meta, "f_target", 1))
    if y.shape[1] % len(indices):
        raise ShapeContractError(f"y has the shape {y.shape}; horizon * {len(indices)} columns are needed")
    horizon = y.shape[1] // len(indices)
    split = _split_of_windows(count, horizon, spec)
    kept = split >= 0
    X, y, split = X[kept], y[kept], split[kept]
    ahead = np.zeros((len(X), horizon, f_total), dtype=np.float32)
    ahead[:, :, list(indices)] = y.reshape(len(X), horizon, -1)
    rows = np.concatenate([X, ahead], axis=1)  # (windows, lookback + horizon, features)
    steps = lookback + horizon
    scaled = rows.reshape(-1, f_total)
    raw_target = scaled[:, list(indices)].astype(np.float64)
    window = np.arange(len(X))
    return ModelInput(
        window_series=window,
        window_origin=window * steps + lookback - 1,
        window_split=split,
        horizon=horizon,
        feature_names=names,
        target_indices=indices,
        series_names=tuple(f"window {number}" for number in window),
        scaled=scaled,
        ages=consecutive_ages(lookback, f_total),
        raw_target=raw_target,
        is_imputed=np.zeros(raw_target.shape, dtype=bool),
        row_series=np.repeat(window, steps),
        row_timestamp=np.arange(len(scaled)),
        row_split=np.repeat(split, steps),
        preprocessor=_preprocessor(meta["run_id"], names),
        meta=meta,
    )


def _split_of_windows(count: int, horizon: int, spec: WindowSpec) -> Int8:
    """Split windows in their order, as if they were one step apart; -1 where a horizon crosses a border."""
    borders = make_split_borders(np.array([0, count + horizon - 1]), spec.split)
    first = np.arange(count)
    last = first + horizon - 1
    in_train, in_test = last < borders.train_end, first >= borders.val_end
    in_val = (first >= borders.train_end) & (last < borders.val_end)
    split = np.select([in_train, in_val, in_test], [0, 1, 2], -1).astype(np.int8)
    empty = [name for number, name in enumerate(SPLITS) if not (split == number).any()]
    if empty:
        raise InsufficientDataError(f"the {empty[0]} split of {count} windows is empty; more windows are needed")
    return split


def _from_rows(
    rows: Float32, arrays: Mapping[str, np.ndarray], meta: dict[str, Any], spec: WindowSpec, *, standardise: bool
) -> ModelInput:
    if rows.ndim != 2:
        raise ShapeContractError(f"the rows have the shape {rows.shape}; (steps, features) is needed")
    steps, f_total = rows.shape
    if standardise:  # every column is a target; the stored positions count features of X
        names, indices = _names({**arrays, "target_indices": np.arange(f_total)}, f_total, f_total)
    else:
        names, indices = _names(arrays, f_total, _count(meta, "f_target", 1))
    series = np.zeros(steps, dtype=np.int64)
    borders = make_split_borders(np.array([0, steps]), spec.split)
    is_train = borders.is_train()
    scalers: dict[str, Any] = {}
    raw_target = rows[:, list(indices)].astype(np.float64)
    if standardise:
        scalers = {
            name: fit_scaler("standard", rows[is_train, index].astype(np.float64)) for index, name in enumerate(names)
        }
        center = np.array([scalers[name]["center"] for name in names])
        scale = np.array([scalers[name]["scale"] for name in names])
        rows = ((rows - center) / scale).astype(np.float32)
    index = make_window_index(series, borders, np.arange(steps), np.ones(steps, dtype=bool), spec)
    ages = consecutive_ages(spec.lookback, f_total)
    return ModelInput(
        window_series=series[index.origin],
        window_origin=index.origin,
        window_split=index.split,
        horizon=spec.horizon,
        feature_names=names,
        target_indices=indices,
        series_names=("series",),
        scaled=rows,
        ages=ages,
        raw_target=raw_target,
        is_imputed=np.zeros(raw_target.shape, dtype=bool),
        row_series=series,
        row_timestamp=np.arange(steps),
        row_split=borders.row_split(),
        preprocessor=_preprocessor(meta["run_id"], names, scalers),
        meta=meta,
    )
