"""The regular grid: every series gets one row a step from its first to its last observation."""

from dataclasses import dataclass

import numpy as np

from spline_lstm.errors import TimeAxisError, ValuesError
from spline_lstm.series.columns import Columns
from spline_lstm.series.frequency import Frequency, infer_frequency, parse_frequency
from spline_lstm.series.observations import Observations, Reading
from spline_lstm.types import Bool, Float64, Int64


@dataclass(frozen=True)
class Grid:
    """Regular series, one after another; NaN where nothing was observed.

    Shapes: `series`, `timestamps` `(steps,)`, `values` `(steps, targets + dynamic)`, `borders`
    `(series + 1,)`: series `s` has the rows `borders[s]` to `borders[s + 1]`.
    """

    source: str
    columns: Columns
    reading: Reading
    frequency: Frequency
    series_names: tuple[str, ...]
    series: Int64
    timestamps: Int64
    values: Float64
    borders: Int64
    labels: dict[str, tuple[str, ...]]
    statics: dict[str, tuple[str, ...]]
    absent_rows: int
    """Rows of the grid that the table lacks."""
    trimmed_rows: int
    """Rows without a target at either end of a series, which are left out."""


def make_grid(observed: Observations, freq: str | None, max_gap: int) -> Grid:
    """Put every series on its grid, from its first to its last row that has all targets.

    Args:
        observed: Validated rows, sorted by series and time.
        freq: A pandas offset alias, or None to infer it.
        max_gap: Longest run of absent rows in steps.

    Raises:
        TimeAxisError: A timestamp off the grid; the first offending pair is shown.
        ValuesError: More than `max_gap` consecutive rows are absent, or a series has no target at all.
        InsufficientDataError: No frequency can be inferred.

    """
    frequency = parse_frequency(freq) if freq else infer_frequency(observed.series, observed.timestamps)
    kept = _rows_with_targets(observed)
    series, stamps, values = observed.series[kept], observed.timestamps[kept], observed.values[kept]
    first = np.searchsorted(series, np.arange(len(observed.series_names)))
    starts = stamps[first]
    positions, on_grid = frequency.positions(stamps, starts[series])
    _check_on_grid(on_grid, series, stamps, frequency, observed)
    _check_absent_rows(positions, first, max_gap, series, stamps, observed)

    lengths = positions[np.append(first[1:], len(series)) - 1] + 1
    borders = np.concatenate([[0], np.cumsum(lengths)])
    absent_rows, trimmed_rows = int(borders[-1]) - len(series), len(observed.series) - len(series)
    if absent_rows:
        rows = borders[series] + positions
        observed_values, values = values, np.full((borders[-1], values.shape[1]), np.nan)
        values[rows] = observed_values
        series = np.repeat(np.arange(len(lengths)), lengths)
        stamps = frequency.timestamps(starts[series], np.arange(borders[-1]) - borders[series])
    return Grid(
        observed.source,
        observed.columns,
        observed.reading,
        frequency,
        observed.series_names,
        series,
        stamps,
        values,
        borders,
        observed.labels,
        observed.statics,
        absent_rows,
        trimmed_rows,
    )


def _rows_with_targets(observed: Observations) -> slice | Int64:
    """Return the rows of each series from the first to the last with all targets."""
    complete = np.asarray(~np.isnan(observed.values[:, : len(observed.columns.targets)]).any(axis=1))
    count = len(observed.series_names)
    starts = np.searchsorted(observed.series, np.arange(count))
    if complete[starts].all() and complete[np.append(starts[1:], len(complete)) - 1].all():
        return slice(None)
    rows = np.flatnonzero(complete)
    first, last = np.full(count, len(complete)), np.full(count, -1)
    np.minimum.at(first, observed.series[rows], rows)
    np.maximum.at(last, observed.series[rows], rows)
    if (last < 0).any():
        name = observed.series_names[int(np.argmax(last < 0))]
        targets = "', '".join(observed.columns.targets)
        raise ValuesError(f"{observed.source}, column '{targets}', series '{name}': no row has a value")
    every = np.arange(len(complete))
    return np.flatnonzero((every >= first[observed.series]) & (every <= last[observed.series]))


def _stamp(timestamp: int) -> str:
    return str(np.datetime_as_string(np.datetime64(int(timestamp), "ns"), unit="auto"))


def _check_on_grid(on_grid: Bool, series: Int64, stamps: Int64, frequency: Frequency, observed: Observations) -> None:
    if on_grid.all():
        return
    row = int(np.argmin(on_grid))
    is_first = row == 0 or series[row - 1] != series[row]
    place = "at the start" if is_first else f"after {_stamp(stamps[row - 1])}"
    raise TimeAxisError(
        f"{observed.source}, column '{observed.columns.timestamp}', series '{observed.series_names[series[row]]}': "
        f"{_stamp(stamps[row])} {place} is off the grid of step {frequency.alias} "
        f"({int((~on_grid).sum())} such rows); mend the table or give freq=..."
    )


def _check_absent_rows(
    positions: Int64,
    first: Int64,
    max_gap: int,
    series: Int64,
    stamps: Int64,
    observed: Observations,
) -> None:
    absent = np.diff(positions)
    absent -= 1
    absent[first[1:] - 1] = 0  # from one series to the next
    if not len(absent) or absent.max() <= max_gap:
        return
    row = int(np.argmax(absent > max_gap))
    raise ValuesError(
        f"{observed.source}, column '{observed.columns.timestamp}', series '{observed.series_names[series[row]]}': "
        f"{absent[row]} rows are absent after {_stamp(stamps[row])}; "
        f"at most max_gap={max_gap} are filled"
    )
