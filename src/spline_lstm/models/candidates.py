"""Which models are trained, and which is taken: what `auto` of path and link means, decided on validation."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from spline_lstm.contracts import ModelInput
from spline_lstm.cuts import draw
from spline_lstm.errors import ParameterError, TrainingDivergedError
from spline_lstm.models.base import ENOUGH_HORIZONS, ForecastModel
from spline_lstm.models.registry import ModelSpec, make_model
from spline_lstm.models.selection import CLEARLY_BETTER
from spline_lstm.models.target_space import LINK_OFFSET
from spline_lstm.models.training import TrainingRecord, Windows

logger = logging.getLogger(__name__)

_FAR_BELOW = 0.9
"""Validation loss, relative to that of the ridge path alone, from which the plain stack is trained too: so much is left
to the stack that the path may be in its way. Also the variance of the errors, relative to a constant one, from which
one in proportion to the level is taken to describe them."""
_MOST_WINDOWS = 20_000


def check_link(spec: ModelSpec, data: ModelInput) -> None:
    """Refuse a logarithmic link for a target that falls below zero.

    Raises:
        ParameterError: Names the target and its lowest value in the training part.

    """
    lowest = _lowest_targets(data)
    if spec.link == "log" and min(lowest) < 0:
        name = data.target_names[int(np.argmin(lowest))]
        raise ParameterError(
            f"'link' is 'log', and the target '{name}' falls to {min(lowest):g} in the training part; a logarithm "
            "needs targets that are never negative: take link=identity"
        )


def fit_candidates(
    spec: ModelSpec, data: ModelInput, val: Windows, seed: int, fit: Callable[[ForecastModel], TrainingRecord]
) -> tuple[ForecastModel, TrainingRecord, dict[str, Any]]:
    """Train a model, with `auto` for path or link a second one where that may be better, and return the better one.

    The first has, where that is `auto`, a ridge path and the identity as its link. The second has a logarithmic link
    where the errors of the first on validation vary more at higher forecasts and no target is negative; it has no path
    where its link is another, or where the loss of the first is at least 10 % below that of its ridge path alone. It
    is taken where its validation RMSE is at least 2 % lower.

    Args:
        spec: Architecture and optimiser, without another `auto` than those of path, link and learning rate.
        data: What it is to be trained on; decides the shapes.
        val: Validation windows.
        seed: As for `make_model`.
        fit: Trains a model.

    Returns:
        The model, the record of its training, and a record of what was compared, by parameter.

    """
    simple = {"linear_path": "ridge", "link": "identity"}
    autos = [name for name in simple if getattr(spec, name) == "auto"]
    first = chosen = spec.model_copy(update={name: simple[name] for name in autos})
    model = make_model(first, data, seed)
    record = fit(model)
    losses: dict[str, float | None] = {_name(first): record.best_loss}
    if first.linear_path == "ridge":
        losses = {"ridge path alone": record.first_loss, **losses}
    other = {"linear_path": "none", "link": "identity"}
    if "link" in autos and _spread_grows(model, data, val):
        other["link"] = "log"
    elif record.best_loss >= _FAR_BELOW * record.first_loss:
        other["linear_path"] = first.linear_path
    second = spec.model_copy(update={name: other[name] for name in autos})
    if second != first:
        logger.info("Training once more, with %s", _name(second))
        second_model = make_model(second, data, seed)
        try:
            second_record = fit(second_model)
        except TrainingDivergedError:
            losses[_name(second)] = None
        else:
            losses[_name(second)] = second_record.best_loss
            if second_record.best_loss <= CLEARLY_BETTER**2 * record.best_loss:
                chosen, model, record = second, second_model, second_record
    compared = {"decided_on": "validation", "val_loss": losses}
    return model, record, {name: {"chosen": getattr(chosen, name), **compared} for name in autos}


def _name(spec: ModelSpec) -> str:
    return f"linear_path={spec.linear_path}, link={spec.link}"


def _lowest_targets(data: ModelInput) -> list[float]:
    lowest: list[float] = np.nanmin(data.raw_target[data.row_split == 0], axis=0).tolist()
    return lowest


def _spread_grows(model: ForecastModel, data: ModelInput, val: Windows) -> bool:
    """Tell whether a variance in proportion to the level describes the errors clearly better than a constant one.

    The normal log-likelihoods of both are compared, with the scale of each at its best; negative targets rule it out,
    and so few windows that what they tell is chance.
    """
    if min(_lowest_targets(data)) < 0 or len(val[0]) < ENOUGH_HORIZONS * model.output_units:
        return False
    zeros = np.array(data.target_zeros)
    rows = draw(np.arange(len(val[0])), _MOST_WINDOWS)
    truth = val[1][rows].reshape(len(rows), -1, len(zeros))
    forecast = model.predict(val[0][rows]).reshape(truth.shape)
    square = np.square(forecast - truth, dtype=np.float64)
    level = np.where(np.isnan(square), np.nan, np.maximum(forecast - zeros, 0) + LINK_OFFSET)
    by_target = (0, 1)
    constant = np.log(np.nanmean(square, axis=by_target))
    growing = np.log(np.nanmean(square / level, axis=by_target)) + np.nanmean(np.log(level), axis=by_target)
    return bool(np.mean(growing - constant) <= np.log(_FAR_BELOW))
