"""Quantiles fitted to the errors of a forecast, and their scores."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from spline_lstm.evaluation.error_cycle import UsualErrors, usual_at
from spline_lstm.evaluation.quantiles import QuantileRule, ends_of, keep_above
from spline_lstm.evaluation.running_errors import Forecasts, follow_errors, start_running
from spline_lstm.types import Bool, Float64, Int64


@dataclass(frozen=True)
class Errors:
    """Errors of one forecast, in the order of series and time.

    Attributes:
        signed: Truth minus forecast, scaled, `(windows, horizon, F_target)`.
        known: Where the truth was observed, of the same shape.
        series: Series number of each window, `(windows,)`.
        row: Row of each window's last known step.
        time: Time of that step, in nanoseconds since 1970.

    """

    signed: Float64
    known: Bool
    series: Int64
    row: Int64
    time: Int64

    @property
    def horizon(self) -> int:
        """Steps of a forecast."""
        return int(self.signed.shape[1])

    @property
    def followed(self) -> Forecasts:
        """The errors as input of the running errors."""
        return Forecasts(np.abs(self.signed), self.known, self.series, self.row)

    def at(self, windows: Bool) -> Self:
        """Return the errors of some windows."""
        return type(self)(*(getattr(self, field.name)[windows] for field in fields(self)))

    def over(self, usual: UsualErrors | None) -> Self:
        """Return the errors relative to the usual ones of their hour."""
        return self if usual is None else replace(self, signed=self.signed / self.usual(usual))

    def usual(self, usual: UsualErrors | None) -> Float64:
        """Return the usual errors of each window, broadcastable to `signed`."""
        return usual_at(usual, self.series, self.time, self.horizon)


@dataclass(frozen=True)
class Fit:
    """A rule, and the running errors it was learnt with, `(windows, horizon, F_target)`."""

    rule: QuantileRule
    mean: Float64


@dataclass(frozen=True)
class Fitting:
    """Settings to learn a rule from errors.

    Attributes:
        levels: Levels of the intervals to score.
        probabilities: Probabilities of the quantiles.
        nonnegative: Whether no quantile of a target is below zero, `(F_target,)`.
        series: Number of series.

    """

    levels: tuple[float, ...]
    probabilities: tuple[float, ...]
    nonnegative: Bool
    series: int

    def fit(self, errors: Errors, half_life: int | None, learnt: Bool | slice = slice(None)) -> Fit:
        """Learn from some windows, with the running errors of all windows."""
        pooled = mean_size(errors.signed[learnt], errors.known[learnt])
        mean = follow_errors(errors.followed, start_running(pooled, self.series), half_life)[0]
        mean = keep_above(mean, pooled)
        relative = errors.signed[learnt] / mean[learnt]
        multiples = fit_multiples(relative, errors.known[learnt], self.probabilities)
        return Fit(QuantileRule(self.probabilities, multiples, pooled, self.nonnegative), mean)

    def score(
        self, fit: Fit, errors: Errors, windows: Bool | slice = slice(None), usual: Float64 | float = 1.0
    ) -> Float64:
        """Score the intervals of some windows.

        Args:
            fit: The rule, and the running errors of all windows.
            errors: The errors of all windows.
            windows: The windows to score.
            usual: The usual errors, which the errors are relative to.

        Returns:
            Mean Winkler score of each level; infinite if a bound is infinite or no truth is known.

        """
        scores = []
        for level in self.levels:
            low, high = (fit.rule.multiples[self.probabilities.index(end)] * fit.mean for end in ends_of(level))
            scored = (winkler(errors.signed, low, high, level) * usual)[windows][errors.known[windows]]
            scores.append(scored.mean() if scored.size else np.inf)
        return np.array(scores)


def mean_size(error: Float64, mask: Bool) -> Float64:
    """Return the mean absolute error of all windows, `(horizon, F_target)`; 1 if it is zero or nothing was observed."""
    mean = np.where(mask, np.abs(error), 0.0).sum(axis=0) / np.maximum(mask.sum(axis=0), 1)
    return np.where(mean > 0, mean, 1.0)


def fit_multiples(relative: Float64, mask: Bool, probabilities: tuple[float, ...]) -> Float64:
    """Calibrate the quantiles of relative errors.

    Args:
        relative: Truth minus forecast over the running error, `(windows, horizon, F_target)`.
        mask: Where the truth was observed, of the same shape; the rest does not count.
        probabilities: Probabilities of the quantiles.

    Returns:
        `(probabilities, horizon, F_target)`; infinite if too few errors were observed.

    """
    ordered = np.sort(np.where(mask, relative, np.inf), axis=0)
    count = mask.sum(axis=0)
    result = np.empty((len(probabilities), *count.shape))
    for at, share in enumerate(probabilities):
        # Rounding first keeps 0.95 * 20 from ending slightly above 19; below the median the rank counts from the top.
        exact = np.round((count + 1) * share, 9)
        rank = (np.floor(exact) if share < 0.5 else np.ceil(exact)).astype(np.int64)
        found = np.take_along_axis(ordered, np.clip(rank, 1, len(ordered))[None] - 1, axis=0)[0]
        result[at] = np.where((rank >= 1) & (rank <= count), found, -np.inf if share < 0.5 else np.inf)
    return result


def winkler(truth: Float64, low: Float64, high: Float64, level: float) -> Float64:
    """Score intervals: width plus `2 / (1 - level)` times the distance of a truth outside (R. L. Winkler, 1972)."""
    missed = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    result: Float64 = high - low + 2 / (1 - level) * missed
    return result
