"""The step that suits a table: its usual one or, for irregular or rare readings, a longer one."""

from dataclasses import dataclass

import numpy as np

from spline_lstm.errors import TimeAxisError
from spline_lstm.series.columns import Resample
from spline_lstm.series.durations import DAY_NS
from spline_lstm.series.frequency import Frequency, infer_frequency, parse_frequency
from spline_lstm.series.grid import Grid, make_grid
from spline_lstm.series.observations import Observations
from spline_lstm.series.resampling import resample

USUAL_MISSING = 0.3
_MOST_MISSING, _MOST_ROWS = 0.9, 10
_ANY_GAP = 2**62
_STEPS = (
    *("s", "5s", "10s", "15s", "30s", "min", "2min", "5min", "10min", "15min", "30min"),
    *("h", "2h", "3h", "6h", "12h", "D", "W", "MS", "QS", "YS"),
)


@dataclass(frozen=True)
class Steps:
    """Series on a grid, and the settings that put them there."""

    observed: Observations
    grid: Grid
    freq: str | None
    """The step; None if it is the usual one of the rows."""
    resample: Resample
    trouble: str = ""
    """Why the rows need another step."""


def find_steps(observed: Observations, freq: str | None, how: Resample) -> Steps:
    """Put series on their grid with the usual step, or else the shortest step with few empty steps.

    Args:
        observed: Validated rows.
        freq: The wanted step, or None.
        how: As `resample`; with `none` and no `freq`, irregular readings get a step and their mean.

    Raises:
        TimeAxisError: Rows are off the wanted grid.
        InsufficientDataError: No series has two rows.

    """
    if freq or how != "none":
        regular = resample(observed, freq, how)
        return Steps(regular, make_grid(regular, freq, _ANY_GAP), freq, how)
    frequency = infer_frequency(observed.series, observed.timestamps)
    trouble = f"most steps of {frequency.alias} have no row"
    if _expected_rows(observed, frequency) < _MOST_ROWS * len(observed.series) + 1_000:
        try:
            grid = make_grid(observed, None, _ANY_GAP)
        except TimeAxisError as error:
            trouble = error.message.removeprefix(f"{observed.source}, ").partition(";")[0]
        else:
            if missing_ratio(grid) <= _MOST_MISSING:
                return Steps(observed, grid, None, "none")
    return _resampled(observed, trouble)


def missing_ratio(grid: Grid) -> float:
    """Return the share of missing first targets in the series with the largest such share."""
    missing = np.isnan(grid.values[:, 0])
    return float((np.bincount(grid.series, weights=missing) / np.bincount(grid.series)).max())


def _expected_rows(observed: Observations, frequency: Frequency) -> float:
    """Return the expected number of rows of the grid."""
    first = np.searchsorted(observed.series, np.arange(len(observed.series_names)))
    last = np.append(first[1:], len(observed.series)) - 1
    spans = observed.timestamps[last].astype(np.float64) - observed.timestamps[first]
    return float((spans / _length(frequency)).sum())


def _length(frequency: Frequency) -> float:
    """Return the approximate length of a step in nanoseconds."""
    days = {"fixed": 0, "business": 1}.get(frequency.kind, 30)
    return float(frequency.step * days * DAY_NS if days else frequency.step)


def _resampled(observed: Observations, trouble: str) -> Steps:
    steps = np.diff(observed.timestamps)[np.diff(observed.series) == 0]
    usual = float(np.median(steps))
    longer = [freq for freq in _STEPS if _length(parse_frequency(freq)) >= 0.75 * usual] or [_STEPS[-1]]
    for freq in longer:
        regular = resample(observed, freq, "mean")
        if _expected_rows(regular, parse_frequency(freq)) > _MOST_ROWS * len(observed.series) + 1_000:
            continue
        grid = make_grid(regular, freq, _ANY_GAP)
        if missing_ratio(grid) <= USUAL_MISSING:
            break
    return Steps(regular, grid, freq, "mean", trouble)
