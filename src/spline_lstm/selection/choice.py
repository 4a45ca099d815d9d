"""The rule that prefers a simple choice unless another is clearly better, and the record of the comparison."""

import logging
from typing import Any, TypeVar

import numpy as np

from spline_lstm.types import Float64, Int64

logger = logging.getLogger(__name__)
Choice = TypeVar("Choice", bound=str | float)

CLEARLY_BETTER = 0.98
"""Another choice must have at most this error, relative to the simplest one: smaller differences are noise."""


def choose(scores: dict[Choice, float], clearly: float = CLEARLY_BETTER) -> Choice:
    """Return the best choice, or the first (simplest) one if no other is clearly better."""
    simplest = next(iter(scores))
    best = min(scores, key=lambda choice: scores[choice])
    return best if scores[best] <= clearly * scores[simplest] else simplest


def series_rmse(error: Float64, series: Int64) -> float:
    """Return the mean of the series' root mean squared errors, so that every series counts equally.

    Args:
        error: Shape `(windows, outputs)`; NaN where nothing was observed.
        series: Number of each window's series, shape `(windows,)`.

    """
    squares = np.bincount(series, np.nansum(np.square(error), axis=1))
    counts = np.bincount(series, np.count_nonzero(~np.isnan(error), axis=1))
    return float(np.sqrt(squares[counts > 0] / counts[counts > 0]).mean())


def make_record(
    name: str, chosen: Any, scores: dict[Any, float], decided_on: str, judge: str = "ridge"
) -> dict[str, Any]:
    """Return the entry of `run.json` for a choice, and log it.

    Args:
        name: The parameter.
        chosen: The chosen value.
        scores: Each compared value to its error.
        decided_on: The part of the data that decided.
        judge: The model of the errors: a `ridge` regression, or the `network` after a short training.

    """
    compared = ", ".join(f"{choice} {score:.4g}" for choice, score in scores.items())
    logger.info("%s=%s chosen on %s; RMSE of the %s: %s", name, chosen, decided_on, judge, compared)
    return {
        "chosen": chosen,
        "decided_on": decided_on,
        f"{judge}_rmse": {str(choice): score for choice, score in scores.items()},
    }
