"""Choices that differ by table, made on validation and cheap: closed-form ridge regressions decide."""

import logging
from typing import Any

import numpy as np

from spline_lstm.models.base import NORMALIZATIONS, ForecastModel
from spline_lstm.models.registry import ModelSpec, make_model
from spline_lstm.models.ridge import fit_ridge
from spline_lstm.models.training import Windows

logger = logging.getLogger(__name__)

_CLEARLY_BETTER = 0.98
"""Validation error, relative to no normalisation, from which another one is taken."""
_LEARNING_RATES = {"none": 1e-3, "ridge": 1e-4}
"""Beside a solved linear path little is left to learn, and large steps only move away from it."""


def resolve_model(spec: ModelSpec, train: Windows, val: Windows, **shape: Any) -> tuple[ModelSpec, dict[str, Any]]:
    """Replace every `auto` by what validation decides.

    A normalisation other than `none` is taken only where a ridge regression in its space has a
    validation RMSE at least 2 % lower: what is a tie on one stretch of time is noise.

    Args:
        spec: Architecture and optimiser, with or without `auto`.
        train: Training windows `X` and `y`; NaN in `y` does not count.
        val: Validation windows.
        shape: What `make_model` needs beside the specification.

    Returns:
        The specification without `auto`, and a record of what was compared.

    """
    chosen: dict[str, Any] = {}
    record: dict[str, Any] = {}
    if spec.normalization == "auto":
        scores = {name: _ridge_rmse(_with(spec, name), train, val, shape) for name in NORMALIZATIONS}
        best = min(scores, key=lambda name: scores[name])
        chosen["normalization"] = best if scores[best] <= _CLEARLY_BETTER * scores["none"] else "none"
        record["normalization"] = {"chosen": chosen["normalization"], "ridge_val_rmse": scores}
        logger.info("Normalisation '%s' chosen on validation", chosen["normalization"])
    if spec.learning_rate == "auto":
        chosen["learning_rate"] = _LEARNING_RATES[spec.linear_path]
        record["learning_rate"] = {"chosen": chosen["learning_rate"]}
    return spec.model_copy(update=chosen), record


def _with(spec: ModelSpec, normalization: str) -> ModelSpec:
    return spec.model_copy(update={"normalization": normalization, "learning_rate": _LEARNING_RATES["none"]})


def _ridge_rmse(spec: ModelSpec, train: Windows, val: Windows, shape: dict[str, Any]) -> float:
    """Validation RMSE, in scaled units, of a ridge regression on windows normalised as `spec` says."""
    model: ForecastModel = make_model(spec, **shape)
    data, _, scale = model.ridge_data(*val)
    fitted = fit_ridge(model.ridge_data(*train)[0], data)
    error = (fitted.predict(data.inputs) - data.targets).reshape(len(scale), -1, scale.shape[2]) * scale
    return float(np.sqrt(np.mean(np.square(error.reshape(data.mask.shape)[data.mask]))))
