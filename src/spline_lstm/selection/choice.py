"""The rule by which a simpler choice is left for a better one, and the record of what was compared."""

import logging
from typing import Any, TypeVar

import numpy as np

from spline_lstm.types import Float64, Int64

logger = logging.getLogger(__name__)
Choice = TypeVar("Choice", bound=str | float)

CLEARLY_BETTER = 0.98
"""Error, relative to the simplest choice, from which another one is taken: what is a tie on one stretch of time is
noise."""


def choose(scores: dict[Choice, float], clearly: float = CLEARLY_BETTER) -> Choice:
    """Return the best choice, or the first, simplest one where no other is clearly better."""
    simplest = next(iter(scores))
    best = min(scores, key=lambda choice: scores[choice])
    return best if scores[best] <= clearly * scores[simplest] else simplest


def series_rmse(error: Float64, series: Int64) -> float:
    """Mean over the series of each one's root mean squared error, so that every series counts alike.

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
    """Return what `run.json` says of a choice, and log it.

    Args:
        name: The parameter.
        chosen: What it is from now on.
        scores: Each choice that was compared to its error.
        decided_on: The part of the data that decided.
        judge: Whose error it is: that of a `ridge` regression, or of the `network` after a short training.

    """
    compared = ", ".join(f"{choice} {score:.4g}" for choice, score in scores.items())
    logger.info("%s=%s chosen on %s; RMSE of the %s: %s", name, chosen, decided_on, judge, compared)
    return {
        "chosen": chosen,
        "decided_on": decided_on,
        f"{judge}_rmse": {str(choice): score for choice, score in scores.items()},
    }
