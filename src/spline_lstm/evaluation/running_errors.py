"""The running mean absolute error of each series, target and step, of which prediction intervals are multiples.

Large errors follow large ones (R. F. Engle, "Autoregressive conditional heteroscedasticity", Econometrica 50(4), 1982).
An error counts from the origin on at which its truth is known: an error of step h counts h steps later. The state is a
mean and a count for each series, target and step.
"""

from dataclasses import dataclass

import numpy as np

from spline_lstm.types import Bool, Float64, Int64


@dataclass(frozen=True)
class RunningErrors:
    """The state of the running errors, of each series or of one.

    Attributes:
        mean: Mean absolute error, `(..., horizon, F_target)`.
        count: Number of errors in the mean, plus one for its initial value, of the same shape.

    """

    mean: Float64
    count: Int64


@dataclass(frozen=True)
class Forecasts:
    """Errors of forecasts, sorted by series and origin.

    Attributes:
        size: Absolute errors, `(windows, horizon, F_target)`.
        known: Where the truth was observed, of the same shape; the rest does not count.
        series: Series number of each window, `(windows,)`.
        origin: Row of each window's last known step, `(windows,)`, counted through all series.

    """

    size: Float64
    known: Bool
    series: Int64
    origin: Int64


def start_running(pooled: Float64, series: int) -> RunningErrors:
    """Return the same initial mean for all series, which counts as one error; `pooled` is `(horizon, F_target)`."""
    shape = (series, *pooled.shape)
    return RunningErrors(np.broadcast_to(pooled, shape).copy(), np.ones(shape, dtype=np.int64))


def add_errors(running: RunningErrors, size: Float64, known: Bool, half_life: float | None) -> RunningErrors:
    """Add one error of each series, target and step; unobserved ones change nothing.

    The first errors have equal weights; no new error weighs less than `1 - 0.5 ** (1 / half_life)`.

    Args:
        running: The state before.
        size: Absolute errors, of the shape of `running.mean`.
        known: Where the truth was observed.
        half_life: Number of errors after which an error has half its weight; None keeps the state.

    """
    if half_life is None:
        return running
    count = running.count + known
    weight = np.maximum(1 / count, 1 - 0.5 ** (1 / half_life))
    mean = np.where(known, running.mean + weight * (size - running.mean), running.mean)
    return RunningErrors(mean, count)


def follow_errors(made: Forecasts, start: RunningErrors, half_life: float | None) -> tuple[Float64, RunningErrors]:
    """Follow the running errors through forecasts, all series at once.

    Args:
        made: The forecasts.
        start: The state before the first forecast, `(series, horizon, F_target)`.
        half_life: As for `add_errors`.

    Returns:
        The mean absolute error known at each origin, `(windows, horizon, F_target)`, and the state at the end.

    """
    if half_life is None:
        return start.mean[made.series], start
    mean, count = start.mean.copy(), start.count.copy()
    after = np.empty_like(made.size)
    first = np.searchsorted(made.series, made.series)
    places = np.arange(len(made.series)) - first
    order = np.argsort(places, kind="stable")
    for windows in np.split(order, np.cumsum(np.bincount(places))[:-1]):
        of = made.series[windows]
        added = add_errors(RunningErrors(mean[of], count[of]), made.size[windows], made.known[windows], half_life)
        after[windows] = mean[of] = added.mean
        count[of] = added.count
    return _known_at_origin(made, after, start.mean, first), RunningErrors(mean, count)


def _known_at_origin(made: Forecasts, after: Float64, start: Float64, first: Int64) -> Float64:
    """Look up, step by step, the mean after the last forecast whose truth was known at each origin."""
    known = np.empty_like(after)
    for step in range(after.shape[1]):
        last = np.searchsorted(made.origin, made.origin - (step + 1), side="right") - 1
        there = (last >= first)[:, None]
        known[:, step] = np.where(there, after[np.maximum(last, 0), step], start[made.series, step])
    return known
