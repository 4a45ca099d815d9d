"""Quantiles and intervals, computed from forecasts and running errors.

A quantile is the forecast plus a multiple of the running mean absolute error of its series, target and step (see
`running_errors`); `calibration` learns the multiples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from spline_lstm.types import Bool, Float64

_SMALLEST = 1e-3
"""Least running error, as a share of the pooled one: a flat period must not shrink intervals to nothing."""


def probabilities_of(levels: tuple[float, ...], quantiles: tuple[float, ...]) -> tuple[float, ...]:
    """Return the probabilities of all quantiles and interval ends, ascending."""
    ends = [end for level in levels for end in ends_of(level)]
    return tuple(sorted({round(share, 9) for share in (*quantiles, *ends)}))


def ends_of(level: float) -> tuple[float, float]:
    """Return the probabilities of the two ends of an interval."""
    return round((1 - level) / 2, 9), round((1 + level) / 2, 9)


def keep_above(mean: Float64, pooled: Float64) -> Float64:
    """Keep running errors from shrinking to nothing; `pooled` is `(horizon, F_target)`."""
    kept: Float64 = np.maximum(mean, _SMALLEST * pooled)
    return kept


@dataclass(frozen=True)
class QuantileRule:
    """The rule that turns a forecast and the running errors into quantiles.

    Attributes:
        probabilities: Of the quantiles, ascending.
        multiples: `(probabilities, horizon, F_target)`; infinite where too few errors were observed.
        pooled: Pooled mean absolute errors, `(horizon, F_target)`.
        nonnegative: Whether no quantile of a target is below zero, `(F_target,)`.

    """

    probabilities: tuple[float, ...]
    multiples: Float64
    pooled: Float64
    nonnegative: Bool

    @classmethod
    def read(cls, intervals: Mapping[str, Any]) -> Self:
        """Read the rule from the content of `intervals.json`."""
        shares, targets = tuple(intervals["probabilities"]), list(intervals["targets"].values())
        multiples = np.array([target["multiples"] for target in targets], dtype=np.float64)  # (F, P, H)
        unbounded = np.where(np.array(shares) < 0.5, -np.inf, np.inf)[:, None]
        return cls(
            shares,
            np.moveaxis(np.where(np.isnan(multiples), unbounded, multiples), 0, 2),
            np.array([target["pooled"] for target in targets]).T,
            np.array([target["nonnegative"] for target in targets]),
        )

    def quantile(self, share: float, forecast: Float64, spread: Float64) -> Float64:
        """Return one quantile.

        Args:
            share: Its probability.
            forecast: In the target's unit, `(windows, horizon, F_target)`.
            spread: The running errors of each, in the same unit.

        """
        multiple = self.multiples[self.probabilities.index(round(share, 9))]
        made: Float64 = forecast + multiple * spread
        return np.where(self.nonnegative, np.maximum(made, 0.0), made)

    def spread(self, mean: Float64, scale: Float64) -> Float64:
        """Convert running errors, `(windows, horizon, F_target)`, to the unit of a `scale`, `(windows, F_target)`."""
        return keep_above(mean, self.pooled) * scale[:, None]


def make_bounds(
    rule: QuantileRule,
    forecast: Float64,
    spread: Float64,
    *,
    levels: tuple[float, ...] = (),
    quantiles: tuple[float, ...] = (),
) -> dict[str, Float64]:
    """Compute intervals and quantiles of forecasts.

    Args:
        rule: The rule of the quantiles.
        forecast: Shape `(windows, horizon, F_target)`, in the target's unit.
        spread: Running errors of each, in the same unit.
        levels: Levels of the intervals.
        quantiles: Probabilities of further quantiles.

    Returns:
        `lower_80`, `upper_80` and so on, then `q10` and so on, each of the forecasts' shape; infinite if too few errors
        were observed.

    """
    shares: dict[str, float] = {}
    for level in levels:
        shares[f"lower_{100 * level:g}"], shares[f"upper_{100 * level:g}"] = ends_of(level)
    shares |= {f"q{100 * share:g}": share for share in sorted(quantiles)}
    return {name: rule.quantile(share, forecast, spread) for name, share in shares.items()}
