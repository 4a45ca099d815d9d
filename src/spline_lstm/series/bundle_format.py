"""The contents of `processed.npz` and `meta.json`: from `ModelInput` to plain arrays and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spline_lstm.errors import ArtifactDamagedError, RunIdMismatchError, ShapeContractError
from spline_lstm.series.model_input import ModelInput, check_model_input, check_shape
from spline_lstm.text import examples

ARTIFACT_VERSION = "artifacts.v1"
"""Version of the three files; files of another version are refused."""

META_KEYS = {
    "run_id": "id of the preprocessed data",
    "schema_version": f"`{ARTIFACT_VERSION}`; where it is missing, the files are of an earlier version",
    "feature_mode": "`univariate` or `multivariate`",
    "model_type_candidates": "model types that can be trained on it",
    "target_cols": "the targets",
    "dynamic_covariates": "names of the dynamic channels, seasonal lags included",
    "static_covariates": "static covariates in use",
    "X_shape": "shape of `X`",
    "y_shape": "shape of `y`",
    "f_total": "number of features of `X`",
    "f_target": "number of targets among them",
    "horizon": "steps predicted",
    "lookback": "rows seen",
    "split": "the shares of the splits, and their numbers of windows",
}
"""Keys of every `meta.json`, and their meaning."""


_KINDS = {
    "window_series": "i",
    "window_origin": "i",
    "window_split": "i",
    "horizon": "i",
    "feature_names": "U",
    "target_indices": "i",
    "series_names": "U",
    "scaled": "f",
    "ages": "i",
    "raw_target": "f",
    "is_imputed": "b",
    "row_series": "i",
    "row_timestamp": "i",
    "row_split": "i",
}
ARRAYS = tuple(_KINDS)
"""Keys of `processed.npz` beside `run_id`."""
_WINDOW_KINDS = {"X": "f", "y": "f", "y_mask": "b"}
WINDOW_ARRAYS = {
    "X": "scaled inputs, `(B, lookback, F_total)`: `X[w, l, f]` is `scaled[window_origin[w] - ages[l, f], f]`, or the "
    "first row of the series where that lies before it",
    "y": "scaled targets, `(B, horizon * F_target)`, step-major; 0 where not observed",
    "y_mask": "where `y` was observed; elsewhere it is neither trained on nor scored",
}
"""Further keys, if the windows are stored too, for readers that cannot cut windows."""


def to_arrays(model_input: ModelInput, *, windows: bool) -> dict[str, np.ndarray]:
    """Return the plain arrays of `processed.npz`.

    Args:
        model_input: Preprocessed data.
        windows: Whether the cut windows are written too; `y` is 0 where not observed.

    """
    arrays = {
        "run_id": np.asarray(model_input.processed_id),
        **{name: np.asarray(getattr(model_input, name)) for name in ARRAYS},
    }
    if not windows:
        return arrays
    return {"X": model_input.X[:], "y": np.nan_to_num(model_input.y[:]), "y_mask": model_input.y_mask[:], **arrays}


def window_bytes(model_input: ModelInput) -> int:
    """Size of `X`, `y` and `y_mask`."""
    X, y = model_input.ages.size, model_input.horizon * len(model_input.target_indices)
    return len(model_input.window_origin) * (4 * X + 4 * y + y)


def from_arrays(
    arrays: Mapping[str, np.ndarray],
    stored: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]],
    preprocessor: dict[str, Any],
    meta: dict[str, Any],
) -> ModelInput:
    """Build `ModelInput` from the contents of the three files.

    Args:
        arrays: Those of `ARRAYS`, and `run_id`.
        stored: Shape and type of the stored `WINDOW_ARRAYS`; they are not read, as the same windows are cut from
            `scaled`.
        preprocessor: Contents of `preprocessor.pkl`.
        meta: Contents of `meta.json`.

    Raises:
        ArtifactDamagedError: A key is missing or of the wrong kind.
        RunIdMismatchError: The files belong to different runs.
        ShapeContractError: The shapes do not fit together.

    """
    wanted = tuple(WINDOW_ARRAYS) if stored else ()
    missing = [name for name in (*ARRAYS, *wanted) if name not in arrays and name not in stored]
    if missing:
        raise ArtifactDamagedError(f"processed.npz lacks '{missing[0]}'; run the preprocessing again")
    ids = {"processed.npz": str(arrays.get("run_id", "")), "preprocessor.pkl": preprocessor.get("run_id")}
    check_same_run(meta["run_id"], ids)
    types = {name: arrays[name].dtype for name in ARRAYS} | {name: dtype for name, (_, dtype) in stored.items()}
    for name, dtype in types.items():
        if dtype.kind != (_KINDS | _WINDOW_KINDS)[name]:
            raise ArtifactDamagedError(f"processed.npz: '{name}' has the type {dtype}")
    values: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
    values |= {name: tuple(arrays[name].tolist()) for name in ("feature_names", "target_indices", "series_names")}
    values["horizon"] = int(arrays["horizon"])
    model_input = ModelInput(**values, preprocessor=preprocessor, meta=meta)
    check_model_input(model_input)
    for name, (shape, _) in stored.items():
        check_shape(name, shape, getattr(model_input, name).shape)
    _check_shapes_in_meta(model_input)
    return model_input


def _check_shapes_in_meta(model_input: ModelInput) -> None:
    """Refuse a `meta.json` that describes other arrays."""
    found = {
        "X_shape": list(model_input.X.shape),
        "y_shape": list(model_input.y.shape),
        "f_total": len(model_input.feature_names),
        "f_target": len(model_input.target_indices),
        "lookback": model_input.lookback,
        "horizon": model_input.horizon,
        "target_cols": list(model_input.target_names),
    }
    for key, value in found.items():
        if model_input.meta[key] != value:
            raise ShapeContractError(f"meta.json says {key}={model_input.meta[key]}, but processed.npz has {value}")


def check_same_run(run_id: str, others: Mapping[str, Any]) -> None:
    """Refuse artifacts of different runs.

    Args:
        run_id: The id of `meta.json`, or the one asked for.
        others: File name to the run id it holds.

    Raises:
        RunIdMismatchError: Names the first file that disagrees.

    """
    for name, found in others.items():
        if found != run_id:
            raise RunIdMismatchError(
                f"{name} belongs to run '{found}', not to '{run_id}'; run the preprocessing again, or give "
                "processed_run_id"
            )


def check_meta(meta: Any, source: str) -> None:
    """Refuse a `meta.json` without all keys of `META_KEYS`.

    Raises:
        ArtifactDamagedError: Not an object, a key is missing, or another schema version.

    """
    if not isinstance(meta, dict):
        raise ArtifactDamagedError(f"{source} is not a JSON object; run the preprocessing again")
    if "schema_version" not in meta:
        return
    if meta["schema_version"] != ARTIFACT_VERSION:
        raise ArtifactDamagedError(
            f"{source} has schema_version '{meta['schema_version']}', '{ARTIFACT_VERSION}' is needed; "
            "run the preprocessing again"
        )
    missing = [key for key in META_KEYS if key not in meta]
    if missing:
        raise ArtifactDamagedError(f"{source} lacks {examples(missing)}; run the preprocessing again")
