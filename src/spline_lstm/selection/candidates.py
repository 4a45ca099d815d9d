"""The model to keep: validation decides `auto` for the linear path and the link."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from spline_lstm.errors import ParameterError, TrainingDivergedError
from spline_lstm.models.base import ENOUGH_HORIZONS, ForecastModel
from spline_lstm.models.linear_path import LinearPathName
from spline_lstm.models.registry import ModelSpec, make_model
from spline_lstm.models.target_space import LINK_OFFSET
from spline_lstm.models.training import CHOICE_WINDOWS, TrainingRecord, Windows, draw_windows
from spline_lstm.selection.choice import CLEARLY_BETTER, choose
from spline_lstm.series.model_input import ModelInput

logger = logging.getLogger(__name__)

_FAR_BELOW = 0.9
"""If the validation loss is at most this share of the loss of the ridge path alone, the plain stack is trained too: it
gains so much that the path may be in its way.
"""
_MOST_WEIGHTS = 100_000
"""Most weights of a linear path on the whole window, over segments or with several targets."""
_CLEARLY_LIKELIER = 0.1
"""From this gain in doubled log-likelihood for each error on, errors count as larger at higher forecasts."""


def check_link(spec: ModelSpec, model_input: ModelInput) -> None:
    """Refuse a logarithmic link for a target that falls below zero, or whose zero differs between series.

    Raises:
        ParameterError: Names the target and its lowest value in the training part.

    """
    if spec.link == "log" and model_input.series_scalers:
        raise ParameterError(
            "'link' is 'log', and each series has a scale of its own, so zero is not the same for all of them: take "
            "link=identity or target_scaling=global"
        )
    if spec.link == "log" and min(lowest := _lowest_targets(model_input)) < 0:
        name = model_input.target_names[int(np.argmin(lowest))]
        raise ParameterError(
            f"'link' is 'log', and the target '{name}' falls to {min(lowest):g} in the training part; a logarithm "
            "needs targets that are never negative: take link=identity"
        )


def fit_candidates(
    spec: ModelSpec,
    model_input: ModelInput,
    val: Windows,
    seed: int,
    fit: Callable[[ForecastModel], TrainingRecord],
    ridge_loss: Callable[[ModelSpec], float],
) -> tuple[ForecastModel, TrainingRecord, dict[str, Any]]:
    """Train a model, and with `auto` for path or link a second one if it may be better; return the better one.

    With `auto`, the first model has the identity link and a linear path; over segments it has no path, because the
    stack alone sees as much of the past as the regression. The second model has a logarithmic link if the errors of the
    first on validation are larger at higher forecasts and no target is negative. It has no path if its link differs
    from the first one's, or if the loss of the first model is at least 10 % below that of the path alone; over segments
    it has a path if the loss is less far below. The model with the lower validation loss is kept; over segments, the
    second only if its loss is 2 % lower, because a path over a long window has many weights.

    Args:
        spec: Architecture and optimiser; only path, link and learning rate may be `auto`.
        model_input: Training data; decides the shapes.
        val: Validation windows.
        seed: As for `make_model`.
        fit: Trains a model.
        ridge_loss: Validation loss of a linear path alone.

    Returns:
        The model, the record of its training, and a record of the comparison by parameter.

    """
    is_segmented = spec.segment != 1
    autos = [name for name in ("linear_path", "link") if getattr(spec, name) == "auto"]
    alone: dict[LinearPathName, float] = {}
    path = spec.linear_path
    if path == "auto":
        path, alone = _choose_path(spec, model_input, ridge_loss)
    simple = {"linear_path": "none" if is_segmented else path, "link": "identity"}
    first = chosen = spec.model_copy(update={name: simple[name] for name in autos})
    model = make_model(first, model_input, seed)
    record = fit(model)
    if first.linear_path != "none":
        alone[path] = record.first_loss
    losses: dict[str, float | None] = {f"{name} path alone": loss for name, loss in alone.items()}
    losses[_name(first)] = record.best_loss
    other = {"linear_path": "none", "link": "identity"}
    if "link" in autos and _spread_grows(model, model_input, val):
        other["link"] = "log"
    elif record.best_loss >= _FAR_BELOW * alone.get(path, np.inf):
        other["linear_path"] = path
    second = spec.model_copy(update={name: other[name] for name in autos})
    if second != first:
        logger.info("Training once more, with %s", _name(second))
        second_model = make_model(second, model_input, seed)
        try:
            second_record = fit(second_model)
        except TrainingDivergedError:
            losses[_name(second)] = None
        else:
            losses[_name(second)] = second_record.best_loss
            if second_record.best_loss < record.best_loss * (CLEARLY_BETTER if is_segmented else 1.0):
                chosen, model, record = second, second_model, second_record
    compared = {"decided_on": "validation", "val_loss": losses}
    return model, record, {name: {"chosen": getattr(chosen, name), **compared} for name in autos}


def _choose_path(
    spec: ModelSpec, model_input: ModelInput, ridge_loss: Callable[[ModelSpec], float]
) -> tuple[LinearPathName, dict[LinearPathName, float]]:
    """Choose the linear path to try: on the whole window, shared by the targets, or none over a long window.

    Returns:
        The path, and the validation loss of each compared one.

    """
    several, weights = len(model_input.target_indices) > 1, model_input.ages.size * model_input.y.shape[1]
    is_small = weights <= _MOST_WEIGHTS or (spec.segment == 1 and not several)
    usable: dict[LinearPathName, bool] = {"ridge": is_small, "shared": several}
    paths = [path for path, is_usable in usable.items() if is_usable]
    if spec.segment == 1 and len(paths) == 1:  # the first model has the path: its epoch 0 gives the loss
        return paths[0], {}
    alone = {path: ridge_loss(spec.model_copy(update={"linear_path": path})) for path in paths}
    return choose(alone, CLEARLY_BETTER**2) if alone else "none", alone


def _name(spec: ModelSpec) -> str:
    return f"linear_path={spec.linear_path}, link={spec.link}"


def _lowest_targets(model_input: ModelInput) -> list[float]:
    """Return the lowest observed value of each target in the training part; fills may undershoot it."""
    rows = (model_input.row_split == 0)[:, None] & ~model_input.is_imputed
    lowest: list[float] = np.min(model_input.raw_target, axis=0, where=rows, initial=np.inf).tolist()
    return lowest


def _spread_grows(model: ForecastModel, model_input: ModelInput, val: Windows) -> bool:
    """Tell whether a variance proportional to the level describes the errors clearly better than a constant one.

    The normal log-likelihoods of both are compared, each with its best scale. The answer is False for series with
    scales of their own (they share no zero to count a level from), for negative targets, and for too few windows.
    """
    too_few = len(val[0]) < ENOUGH_HORIZONS * model.horizon
    if too_few or model_input.series_scalers or min(_lowest_targets(model_input)) < 0:
        return False
    X, y = draw_windows(val, CHOICE_WINDOWS)
    shape = (len(X), model_input.horizon, len(model_input.target_indices))
    by_target = (np.moveaxis(part.reshape(shape), 2, 0) for part in (model.predict(X), y))
    gains = []
    for forecast, truth, zero in zip(*by_target, model_input.target_zeros, strict=True):
        known = ~np.isnan(truth)
        if known.any():
            square = np.square(forecast - truth, dtype=np.float64)[known]
            level = np.maximum(forecast[known] - zero, 0) + LINK_OFFSET
            constant, growing = np.log(square.mean()), np.log((square / level).mean()) + np.log(level).mean()
            gains.append(constant - growing)
    return bool(np.mean(gains) > _CLEARLY_LIKELIER)
