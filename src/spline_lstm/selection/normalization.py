"""How windows are normalised and smoothed, decided by ridge regressions on validation."""

from typing import Any

import numpy as np

from spline_lstm.models.registry import ModelSpec, make_model
from spline_lstm.models.ridge import fit_ridge
from spline_lstm.models.target_space import NORMALIZATIONS
from spline_lstm.models.training import CHOICE_WINDOWS, Windows, draw_windows
from spline_lstm.selection.choice import choose, make_record
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Float32

_SMOOTHING = (0.0, 0.1, 1.0, 10.0)


def resolve_model(
    spec: ModelSpec, model_input: ModelInput, train: Windows, val: Windows, seed: int
) -> tuple[ModelSpec, dict[str, Any]]:
    """Replace `auto` by what validation decides; those of learning rate, path and link are left to the training.

    Another normalisation than `none`, or a smoothing other than 0, is taken only where a ridge regression
    in its space has a validation RMSE at least 2 % lower.

    Args:
        spec: Architecture and optimiser, with or without `auto`.
        model_input: The preprocessed data; decides the shapes.
        train: Training windows `X` and `y`; NaN in `y` does not count.
        val: Validation windows.
        seed: As for `make_model`.

    Returns:
        The specification, and a record of what was compared.

    """
    record: dict[str, Any] = {}
    resolved = spec.model_copy(
        update={
            name: simplest
            for name, simplest in (("normalization", "none"), ("spline_smoothing", 0.0))
            if getattr(spec, name) == "auto"
        }
    )
    for name, candidates in (("normalization", NORMALIZATIONS), ("spline_smoothing", _SMOOTHING)):
        if getattr(spec, name) == "auto":
            drawn = draw_windows(train, CHOICE_WINDOWS), draw_windows(val, CHOICE_WINDOWS)
            tried = {value: resolved.model_copy(update={name: value}) for value in candidates}
            scores = {value: _ridge_rmse(choice, model_input, *drawn, seed) for value, choice in tried.items()}
            chosen = choose(scores)
            resolved = tried[chosen]
            record[name] = make_record(name, chosen, scores, "validation")
    return resolved, record


def _ridge_rmse(
    spec: ModelSpec, model_input: ModelInput, train: tuple[Float32, Float32], val: tuple[Float32, Float32], seed: int
) -> float:
    """Validation RMSE, in scaled units, of a ridge regression on windows prepared as `spec` says."""
    link = "identity" if spec.link == "auto" else spec.link
    model = make_model(spec.model_copy(update={"linear_path": "ridge", "link": link}), model_input, seed)
    held_out, center, scale = model.ridge_data(*val)
    fitted = fit_ridge(model.ridge_data(*train)[0], held_out)
    forecast = model.space.leave_horizons(fitted.predict(held_out.inputs), center, scale)
    return float(np.sqrt(np.nanmean(np.square(forecast - val[1]))))
