"""Segments, normalisation, smoothing and loss: validation decides."""

import functools
import logging
from typing import Any, Literal

import numpy as np

from spline_lstm.errors import ParameterError
from spline_lstm.models.base import ENOUGH_HORIZONS
from spline_lstm.models.registry import ROW_BY_ROW, ModelSpec, TrainingSpec, make_model
from spline_lstm.models.ridge import fit_ridge
from spline_lstm.models.target_space import NORMALIZATIONS
from spline_lstm.models.training import CHOICE_WINDOWS, Windows, draw_windows
from spline_lstm.selection.choice import CLEARLY_BETTER, choose, make_record, series_rmse
from spline_lstm.series.lazy_windows import draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Int64

logger = logging.getLogger(__name__)

_SMOOTHING = (0.0, 0.1, 1.0, 10.0)
_OVER_ROWS: dict[str, tuple[tuple[Any, ...], float]] = {
    "normalization": (NORMALIZATIONS, CLEARLY_BETTER),
    "loss": (("squared",), CLEARLY_BETTER),
    "spline_smoothing": (_SMOOTHING, CLEARLY_BETTER),
}
"""The values that `auto` tries, the simplest first, and the relative error that another one must reach; the training
tries learning rates.
"""
_OVER_SEGMENTS: dict[str, tuple[tuple[Any, ...], float]] = {
    "normalization": (NORMALIZATIONS, 1.0),
    "loss": (("absolute", "squared"), CLEARLY_BETTER),
    "learning_rate": ((1e-3, 3e-3), 1.0),
    "spline_smoothing": (_SMOOTHING, CLEARLY_BETTER),
}
_STEPS = 14
_TRIAL_EPOCHS = 3


def resolve_model(
    spec: ModelSpec, model_input: ModelInput, train: Windows, val: Windows, val_series: Int64, training: TrainingSpec
) -> tuple[ModelSpec, dict[str, Any]]:
    """Replace `auto` by the choice on validation; learning rate, path and link are left to the training.

    Without segments, a ridge regression is fitted for each choice; the simplest is kept unless another has a validation
    error at least 2 % lower. Over segments, the network itself is trained for a few hundred steps, because the
    regression prefers other normalisations than the network: the best normalisation and learning rate are taken, and
    the squared loss if it is 2 % better.

    Where fewer than ten series have fewer than ten horizons of validation, no normalisation is compared, because the
    level of so few stretches would decide. The windows then lose their own mean and scale (`instance`; T. Kim et al.,
    "Reversible instance normalization for accurate time-series forecasting against distribution shift", ICLR, 2022).

    Args:
        spec: Architecture and optimiser; values may be `auto`.
        model_input: The preprocessed data; decides the shapes.
        train: Training windows `X` and `y`; NaN in `y` does not count.
        val: Validation windows.
        val_series: Series number of each validation window.
        training: Its seed and batch size.

    Returns:
        The specification, and a record of the comparison.

    """
    record: dict[str, Any] = {}
    segment = resolve_segment(spec.segment, model_input.lookback)
    choices, judge = (_OVER_ROWS, "ridge") if segment == 1 else (_OVER_SEGMENTS, "network")
    choices = {name: choice for name, choice in choices.items() if getattr(spec, name) == "auto"}
    first = {name: candidates[0] for name, (candidates, _) in choices.items()}
    resolved = spec.model_copy(update={"segment": segment, **first})

    @functools.cache
    def error(choice: ModelSpec) -> float:
        if segment == 1:
            return ridge_error(choice, model_input, train, val, val_series, training.seed)
        return _network_error(choice, model_input, train, val, val_series, training)

    if segment != spec.segment and segment > 1:
        record["segment"] = {"chosen": segment, "decided_on": "the length of the window"}
    if segment > 1 and "normalization" in choices and (found := _too_little(model_input, val_series)):
        del choices["normalization"]
        resolved = resolved.model_copy(update={"normalization": "instance"})
        record["normalization"] = {"chosen": "instance", "decided_on": f"the windows, as validation has {found}"}
        logger.info("normalization=instance, as validation has %s: too little to compare", found)
    for name, (candidates, margin) in choices.items():
        if len(candidates) > 1:
            tried = {value: resolved.model_copy(update={name: value}) for value in candidates}
            scores = {value: error(choice) for value, choice in tried.items()}
            chosen = choose(scores, margin)
            resolved = tried[chosen]
            record[name] = make_record(name, chosen, scores, "validation", judge)
    return resolved, record


def _too_little(model_input: ModelInput, val_series: Int64) -> str:
    """Describe the validation part if it is too small to compare networks on, else return an empty text."""
    counts = np.unique(val_series, return_counts=True)[1]
    horizons = counts.max(initial=0) / model_input.horizon
    if max(horizons, len(counts)) >= ENOUGH_HORIZONS:  # a series is as much evidence as a horizon
        return ""
    return f"{horizons:.1f} horizons of {len(counts)} series"


def resolve_segment(asked: int | Literal["auto"], lookback: int) -> int:
    """Return how many rows a recurrent step sees: `auto` takes one, or about a fourteenth of more than 48 rows.

    Raises:
        ParameterError: The segment does not divide the lookback.

    """
    if asked == "auto":
        divisors = [rows for rows in range(1, lookback + 1) if lookback % rows == 0]
        return 1 if lookback <= ROW_BY_ROW else min(divisors, key=lambda rows: (abs(lookback // rows - _STEPS), -rows))
    if lookback % asked:
        raise ParameterError(f"'segment' is {asked} and does not divide lookback={lookback}")
    return asked


def _network_error(
    spec: ModelSpec, model_input: ModelInput, train: Windows, val: Windows, val_series: Int64, training: TrainingSpec
) -> float:
    """Return the validation RMSE, in scaled units, of the network after a short training without a linear path."""
    changes = {"linear_path": "none", "link": "identity" if spec.link == "auto" else spec.link}
    model = make_model(spec.model_copy(update=changes), model_input, training.seed)
    logger.info("Trying normalization=%s, loss=%s, learning_rate=%s", spec.normalization, spec.loss, spec.learning_rate)
    record = model.fit_model(
        train, val, epochs=_TRIAL_EPOCHS, batch_size=training.batch_size, patience=_TRIAL_EPOCHS, val_series=val_series
    )
    return float(np.sqrt(record.best_loss))


def ridge_error(
    spec: ModelSpec, model_input: ModelInput, train: Windows, val: Windows, val_series: Int64, seed: int
) -> float:
    """Return the validation RMSE, in scaled units, of a ridge regression on windows prepared as `spec` says."""
    link = "identity" if spec.link == "auto" else spec.link
    path = "shared" if spec.linear_path == "shared" else "ridge"
    model = make_model(spec.model_copy(update={"linear_path": path, "link": link}), model_input, seed)
    X, y = draw_windows(val, CHOICE_WINDOWS)
    held_out, center, scale = model.ridge_data(X, y)
    fitted = fit_ridge(model.ridge_data(*draw_windows(train, CHOICE_WINDOWS))[0], held_out)
    forecast = model.space.leave_horizons(model.path.forecast(fitted, held_out), center, scale)
    return series_rmse(forecast - y, val_series[draw(np.arange(len(val_series)), CHOICE_WINDOWS)])
