"""The rule by which a simpler choice is left for a better one, and the record of what was compared."""

import logging
from typing import Any, TypeVar

logger = logging.getLogger(__name__)
Choice = TypeVar("Choice", bound=str | float)

_CLEARLY_BETTER = 0.98
"""Error, relative to the simplest choice, from which another one is taken: what is a tie on one stretch of time is
noise."""


def choose(scores: dict[Choice, float]) -> Choice:
    """Return the best choice, or the first, simplest one where no other is clearly better."""
    simplest = next(iter(scores))
    best = min(scores, key=lambda choice: scores[choice])
    return best if scores[best] <= _CLEARLY_BETTER * scores[simplest] else simplest


def make_record(name: str, chosen: Any, scores: dict[Any, float], decided_on: str) -> dict[str, Any]:
    """Return what `run.json` says of a choice, and log it.

    Args:
        name: The parameter.
        chosen: What it is from now on.
        scores: Each choice that was compared to its error.
        decided_on: The part of the data that decided.

    """
    logger.info("%s=%s chosen on %s", name, chosen, decided_on)
    return {
        "chosen": chosen,
        "decided_on": decided_on,
        "ridge_rmse": {str(choice): score for choice, score in scores.items()},
    }
