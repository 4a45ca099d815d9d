"""A table that grows row by row, cut to the rows that the next forecasts need."""

import numpy as np

from spline_lstm.series.columns import names_of, timestamp_columns
from spline_lstm.series.forecast_windows import make_long_as_trained, read_as_trained
from spline_lstm.series.frequency import parse_frequency
from spline_lstm.series.observations import Observations, series_codes
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.time_formats import ISO_8601
from spline_lstm.series.timestamps import read_times
from spline_lstm.types import DataFrame

_STENCIL = 3
"""Observations before a gap that a fill depends on."""
_ALL = np.iinfo(np.int64).min // 2


def add_rows(table: DataFrame, rows: DataFrame, preprocessor: Preprocessor) -> DataFrame:
    """Append rows; a row replaces an earlier one of the same series and time.

    Args:
        table: The rows so far.
        rows: Rows with the same columns.
        preprocessor: How the run's table is read.

    """
    import pandas as pd

    found = names_of(rows)
    times = timestamp_columns(preprocessor.feature_schema, preprocessor.table, found)
    keys = [name for name in (*times, *preprocessor.series_id_cols) if name in found] or found
    again = pd.MultiIndex.from_frame(table[keys]).isin(pd.MultiIndex.from_frame(rows[keys]))
    return pd.concat([table[~again], rows], ignore_index=True)


def keep_recent(table: DataFrame, preprocessor: Preprocessor, past: int) -> DataFrame:
    """Drop old rows that do not change any bit of the next forecasts.

    All rows stay if steps differ in length, such as months, because the first row fixes the day of the month. They stay
    too for a series that the run has not seen, because its whole history gives its scale.

    Args:
        table: A table that can be forecast.
        preprocessor: How the run's table is read.
        past: Origins before the last one whose windows are needed as well.

    """
    step = parse_frequency(preprocessor.freq)
    if step.kind != "fixed":
        return table
    observed = read_as_trained(table, preprocessor)
    span = (past + max(preprocessor.span, preprocessor.history)) * step.step
    first = np.array([_first_needed(observed, number, span) for number in range(len(observed.series_names))])
    if preprocessor.table.target_scaling == "series":
        known = preprocessor.series_scalers[preprocessor.target_names[0]]
        first[[name not in known for name in observed.series_names]] = _ALL
    long, _ = make_long_as_trained(table, preprocessor)
    _, series = series_codes(long, observed.columns.series_id, observed.source)
    spelling = preprocessor.time_format or ISO_8601
    stamps = read_times(long, observed.columns.timestamps, spelling, observed.source).stamps
    # The first step takes all readings after the step before it.
    recent = long.index[stamps > first[series] - step.step].unique().sort_values()
    return table.loc[recent].reset_index(drop=True)


def _first_needed(observed: Observations, series: int, span: int) -> int:
    """Return the time of the first row that the last `span` nanoseconds before a series' origin depend on.

    A series begins with a row that has all targets. From that row on lie the observations that fills use and the last
    value of each covariate. One more such row is kept, because a sum over the first step may be incomplete.
    """
    rows = slice(*np.searchsorted(observed.series, [series, series + 1]))
    stamps, known = observed.timestamps[rows], ~np.isnan(observed.values[rows])
    complete = np.flatnonzero(known[:, : len(observed.columns.targets)].all(axis=1))
    if not len(complete):
        return _ALL
    before = stamps <= stamps[complete[-1]] - span
    last_values = [np.flatnonzero(column & before)[-1:] for column in known.T]
    starts = complete[before[complete]][: 1 - _STENCIL]
    starts = starts[starts <= np.concatenate(last_values).min(initial=len(stamps))]
    return int(stamps[starts[-2]]) if len(starts) > 1 else _ALL
