"""Irregular readings on a regular grid, without looking ahead."""

from dataclasses import replace

import numpy as np

from spline_lstm.series.columns import Resample
from spline_lstm.series.durations import DAY_NS
from spline_lstm.series.frequency import Frequency, infer_frequency, parse_frequency
from spline_lstm.series.observations import Observations
from spline_lstm.types import Bool, Float64, Int64

_MONDAY = 4 * DAY_NS
"""The first Monday after 1 January 1970."""


def resample(observed: Observations, freq: str | None, how: Resample) -> Observations:
    """Give every grid point the readings after the point before it, up to the point itself and nothing later.

    A point without readings is absent, and its gap is filled like any other. Labels take the last reading. A sum
    over a step that may be incomplete is left out: the first and the last of a series, unless a reading falls on it.

    Args:
        observed: Validated rows, sorted by series and time.
        freq: The step as a pandas offset; None takes the most frequent one.
        how: `none` leaves the rows as they are; `last`, `mean` or `sum` of the readings.

    Raises:
        InsufficientDataError: No step is given, and none can be found.

    """
    if how == "none":
        return observed
    frequency = parse_frequency(freq) if freq else infer_frequency(observed.series, observed.timestamps)
    points = _next_points(observed.timestamps, frequency)
    starts = np.flatnonzero(np.r_[True, (np.diff(points) != 0) | (np.diff(observed.series) != 0)])
    count = len(observed.columns.targets)
    of_covariates: Resample = "mean" if how == "sum" else how  # a temperature does not add up
    ways: list[Resample] = [how] * count
    ways += ["last" if item.is_category else of_covariates for item in observed.columns.dynamic]
    values = np.column_stack([_join(column, starts, way) for column, way in zip(observed.values.T, ways, strict=True)])
    if how == "sum":
        _leave_out_borders(values[:, :count], observed, starts, points)
    return replace(observed, series=observed.series[starts], timestamps=points[starts], values=values)


def _next_points(timestamps: Int64, frequency: Frequency) -> Int64:
    """Return the first grid point at or after each time; days and longer steps begin at midnight."""
    if frequency.kind == "fixed":
        anchor = _MONDAY if frequency.step % (7 * DAY_NS) == 0 else 0
        return anchor - (anchor - timestamps) // frequency.step * frequency.step
    days = (-(-timestamps // DAY_NS)).astype("datetime64[D]")
    if frequency.kind != "business":
        months = days.astype("datetime64[M]")
        late = days > frequency.days_in(months, np.zeros_like(timestamps))
        numbers = months.astype(np.int64) + late
        at_end = frequency.kind in ("month_ends", "business_ends")  # a quarter ends with its third month
        numbers = -(-(numbers + at_end) // frequency.step) * frequency.step - at_end
        days = frequency.days_in(numbers.astype("datetime64[M]"), np.zeros_like(timestamps))
    else:
        days = np.busday_offset(days, 0, roll="forward")
    points: Int64 = days.astype("datetime64[ns]").astype(np.int64)
    return points


def _leave_out_borders(targets: Float64, observed: Observations, starts: Int64, points: Int64) -> None:
    """Set sums over incomplete steps to NaN: the first of a series, and the last unless a reading falls on its end."""
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(points))))
    for position in range(targets.shape[1]):
        rows = np.flatnonzero(~np.isnan(observed.values[:, position]))
        series = observed.series[rows]
        first = rows[np.r_[True, np.diff(series) != 0]] if len(rows) else rows
        last = rows[np.r_[np.diff(series) != 0, True]] if len(rows) else rows
        targets[group[first], position] = np.nan
        targets[group[last[observed.timestamps[last] != points[last]]], position] = np.nan


def _join(values: Float64, starts: Int64, how: Resample) -> Float64:
    """Join the readings of each group, leaving out missing ones; NaN where there are none.

    Args:
        values: Readings, shape `(rows,)`.
        starts: First row of each group, shape `(groups,)`.
        how: `last`, `mean` or `sum`.

    """
    observed: Bool = ~np.isnan(values)
    counts = np.add.reduceat(observed.astype(np.int64), starts)
    if how == "last":
        rows = np.maximum.reduceat(np.where(observed, np.arange(len(values)), -1), starts)
        return np.where(rows < 0, np.nan, values[rows])
    sums = np.add.reduceat(np.where(observed, values, 0.0), starts)
    with np.errstate(invalid="ignore"):
        joined: Float64 = np.where(counts == 0, np.nan, sums if how == "sum" else sums / counts)
    return joined
