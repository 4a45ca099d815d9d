"""Differences between forecasts: one score to rank them by, and one rule for what counts as level."""

from collections.abc import Mapping
from typing import Any

import numpy as np

LEVEL = 5e-4
"""Relative difference of two errors up to which they count as the same."""


def typical_rmse(scores: Mapping[str, Any]) -> float:
    """Return the geometric mean of the targets' RMSE.

    Its ratio between two forecasts does not depend on the targets' units, so no target counts for more than another;
    of one target it is the RMSE itself (Fleming and Wallace, "How not to lie with statistics: the correct way to
    summarize benchmark results", Communications of the ACM 29(3), 1986).

    Args:
        scores: What `metrics.score` returned; targets without an observed value do not count.

    """
    found = [each["rmse"] for each in scores["per_target"].values() if each["rmse"] is not None]
    return float(found[0]) if len(found) == 1 else float(np.exp(np.mean(np.log(np.maximum(found, 1e-300)))))


def is_level(error: float, other: float) -> bool:
    """Tell whether two errors are the same for all practical purposes."""
    return abs(error - other) <= LEVEL * other
