"""Causal gap filling with a modified Akima spline.

Each filled value depends on at most three observations on either side of its gap and records the
last one it used, so that leakage can be excluded exactly. The weights are those of the modified
Akima scheme (H. Akima, "A new method of interpolation and smooth curve fitting based on local
procedures", J. ACM 17(4), 1970; modification by MathWorks, 2019, also `scipy.interpolate`'s
`Akima1DInterpolator(method="makima")`). Unlike the common implementations, which compare slopes
with the largest of the whole series, nothing here looks beyond the stencil: a far value cannot
change a fill by a bit.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from spline_lstm.errors import ValuesError
from spline_lstm.series.grid import Grid
from spline_lstm.spec import Spec, StrictFloat, StrictInt
from spline_lstm.types import Bool, Float64, Int64


class FillSpec(Spec):
    """How much may be missing."""

    max_gap: Annotated[StrictInt, Field(ge=0)]
    max_missing_ratio: Annotated[StrictFloat, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class Fill:
    """Filled columns. Shapes: all `(steps, columns)`.

    `last_used` is the row of the last observation that a value depends on: the row itself where it
    was observed.
    """

    values: Float64
    is_imputed: Bool
    last_used: Int64


def fill_gaps(values: Float64, series: Int64, is_train: Bool) -> Fill:
    """Fill the gaps between observations.

    A gap in the training part is filled from the training part alone: if the gap ends after it, the last value is held.
    So no value after the training part changes anything in it.

    Args:
        values: Columns with NaN where nothing was observed, shape `(steps, columns)`; the first row of every series is
            observed. After the last observation its value is held.
        series: Series number of every row, sorted, shape `(steps,)`.
        is_train: Whether a row belongs to the training part, shape `(steps,)`.

    """
    filled = values.copy()
    last_used = np.broadcast_to(np.arange(len(values))[:, None], values.shape).copy()
    for column in range(values.shape[1]):
        missing = np.flatnonzero(np.isnan(values[:, column]))
        if len(missing):
            fills = _fill_column(values[:, column], missing, series, is_train)
            filled[missing, column], last_used[missing, column] = fills
    return Fill(filled, np.isnan(values), last_used)


def _fill_column(values: Float64, missing: Int64, series: Int64, is_train: Bool) -> tuple[Float64, Int64]:
    """Return the values at the rows `missing` of one column, and the last row each depends on."""
    observed = np.flatnonzero(~np.isnan(values))
    right = np.searchsorted(observed, missing)  # index of the first observation after each missing row
    stencil = right[:, None] + np.arange(-3, 3)  # (missing, 6): three observations on either side
    inside = (stencil >= 0) & (stencil < len(observed))
    rows = observed[np.clip(stencil, 0, len(observed) - 1)]
    usable = inside & (series[rows] == series[missing][:, None])
    usable[:, 3:] &= is_train[rows[:, 3:]] | ~is_train[missing][:, None]

    last_left = rows[:, 2]
    bridged = usable[:, 3]
    fills = values[last_left]
    fills[bridged] = _modified_akima(rows[bridged], values[rows[bridged]], usable[bridged], missing[bridged])
    last_right = np.max(np.where(usable, rows, -1), axis=1)
    return fills, np.where(bridged, last_right, last_left)


def _modified_akima(rows: Int64, values: Float64, usable: Bool, at: Int64) -> Float64:
    """Evaluate the spline between the third and fourth point of each stencil.

    Args:
        rows: Positions of the stencils' points, shape `(n, 6)`.
        values: Their values, shape `(n, 6)`.
        usable: Which points exist, shape `(n, 6)`; extrapolated slopes replace missing outer points, as Akima does at
            the ends of a curve.
        at: Where to evaluate, shape `(n,)`.

    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.diff(values, axis=1) / np.diff(rows, axis=1)  # (n, 5)
    m0, m1, m2, m3, m4 = slopes.T
    has_m1, has_m0 = usable[:, 1], usable[:, 1] & usable[:, 0]
    has_m3, has_m4 = usable[:, 4], usable[:, 4] & usable[:, 5]
    inner_left = np.where(has_m1, m1, np.where(has_m3, 2 * m2 - m3, m2))
    inner_right = np.where(has_m3, m3, np.where(has_m1, 2 * m2 - m1, m2))
    outer_left = np.where(has_m0, m0, 2 * inner_left - m2)
    outer_right = np.where(has_m4, m4, 2 * inner_right - m2)
    start_slope = _blend(outer_left, inner_left, m2, inner_right)
    end_slope = _blend(inner_left, m2, inner_right, outer_right)

    width = (rows[:, 3] - rows[:, 2]).astype(np.float64)
    t = (at - rows[:, 2]) / width
    # Cubic Hermite basis on [0, 1].
    return (
        (1 + 2 * t) * (1 - t) ** 2 * values[:, 2]
        + t * (1 - t) ** 2 * width * start_slope
        + t**2 * (3 - 2 * t) * values[:, 3]
        + t**2 * (t - 1) * width * end_slope
    )


def _blend(m0: Float64, m1: Float64, m2: Float64, m3: Float64) -> Float64:
    """Modified Akima slope at the point between the slopes `m1` and `m2`."""
    weight_left = np.abs(m3 - m2) + np.abs(m3 + m2) / 2
    weight_right = np.abs(m1 - m0) + np.abs(m1 + m0) / 2
    total = weight_left + weight_right
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, (weight_left * m1 + weight_right * m2) / total, 0.0)


def check_gaps(grid: Grid, spec: FillSpec) -> None:
    """Refuse targets with too many missing values.

    Args:
        grid: Regular series.
        spec: The limits.

    Raises:
        ValuesError: A gap longer than `max_gap`, or a series missing more than `max_missing_ratio`.

    """
    series = grid.series
    for column, name in enumerate(grid.columns.targets):
        missing = np.isnan(grid.values[:, column])
        if not missing.any():
            continue
        lengths, ends = run_lengths(missing, series)
        if lengths.max() > spec.max_gap:
            longest = int(np.argmax(lengths))
            raise ValuesError(
                f"{grid.source}, column '{name}', series '{grid.series_names[series[ends[longest]]]}': a gap of "
                f"{lengths[longest]} steps; at most max_gap={spec.max_gap} are filled"
            )
        share = np.bincount(series, weights=missing) / np.bincount(series)
        if share.max() > spec.max_missing_ratio:
            worst = int(np.argmax(share))
            raise ValuesError(
                f"{grid.source}, column '{name}', series '{grid.series_names[worst]}': {share[worst]:.0%} of the steps "
                f"are missing; at most max_missing_ratio={spec.max_missing_ratio:.0%} may be"
            )


def run_lengths(missing: Bool, series: Int64) -> tuple[Int64, Int64]:
    """Return the lengths of the runs of missing rows, and the last row of each."""
    rows = np.flatnonzero(missing)
    new_run = np.r_[True, (np.diff(rows) > 1) | (np.diff(series[rows]) > 0)]
    first = np.flatnonzero(new_run)
    last = np.r_[first[1:], len(rows)] - 1
    return last - first + 1, rows[last]
