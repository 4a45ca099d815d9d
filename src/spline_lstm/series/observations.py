"""The observations: the used columns of the raw table, with every cell checked."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from spline_lstm.errors import TableError, TimeAxisError
from spline_lstm.series.cells import check_binary, codes_of, row_number, row_of, to_numbers
from spline_lstm.series.columns import Columns, Duplicates, ReadingSpec, source_of
from spline_lstm.series.time_parts import whole_numbers
from spline_lstm.series.timestamps import read_times
from spline_lstm.types import Bool, DataFrame, Float64, Int64

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reading:
    """How a table was read."""

    time_format: str
    """Format of the time axis; it holds for later tables of the run."""
    has_offsets: bool
    """Whether the timestamps have an offset from UTC; without one they are taken as they are."""
    repeated_rows: int
    """Number of rows with the time of another row of their series; `duplicates` says what became of them."""


@dataclass(frozen=True)
class Observations:
    """A validated table, sorted by series and time.

    Shapes: `series` and `timestamps` `(rows,)`, `values` `(rows, targets + dynamic)`, each entry of
    `labels` (per categorical covariate) and of `statics` (per static covariate) sorted categories.
    """

    source: str
    """The table's name, for messages."""
    sha256: str | None
    """Hash of the table's file; None if it has none."""
    columns: Columns
    reading: Reading
    series_names: tuple[str, ...]
    series: Int64
    timestamps: Int64
    values: Float64
    labels: dict[str, tuple[str, ...]]
    statics: dict[str, tuple[str, ...]]
    """Static covariate to its category in every series, in series order."""

    def __deepcopy__(self, _: Any) -> Self:
        """Return itself: Kedro copies data between nodes, but nothing here ever changes."""
        return self


def make_observations(table: DataFrame, columns: Columns, spec: ReadingSpec | None = None) -> Observations:
    """Validate every used cell and sort the rows by series and time.

    Rows may come in any order: the result is the same bit for bit, unless a time occurs twice.

    Args:
        table: A long table.
        columns: The columns to use.
        spec: Format of the time axis, and how to settle a time that occurs twice.

    Raises:
        TableError: No rows, or a cell that is not a number.
        TimeAxisError: A timestamp that is missing, in no known or in several possible formats, or, unless
            `duplicates` settles it, given twice in a series.
        ValuesError: An infinite value, or one beyond `LARGEST_VALUE`.

    """
    source, spec = source_of(table), spec or ReadingSpec()
    if table.empty:
        raise TableError(f"{source}: the table has a header but no rows")
    labels_of, series = series_codes(table, columns.series_id, source)
    names = _series_names(labels_of)
    times = read_times(table, columns.timestamps, spec.timestamp_format, source)
    order = _order(series, times.stamps)
    series, timestamps = series[order], times.stamps[order]
    same = (np.diff(series) == 0) & (np.diff(timestamps) == 0)
    if same.any() and spec.duplicates == "error":
        _refuse_duplicates(same, series, timestamps, names, columns, table.index[order], source)

    numbers = (*columns.targets, *(item.name for item in columns.dynamic))
    categories = {item.name for item in columns.dynamic if item.is_category}
    flags = {item.name for item in columns.dynamic if item.is_flag}
    binary = {item.name for item in columns.dynamic if item.encoding == "binary"}
    values = np.empty((len(table), len(numbers)))
    labels: dict[str, tuple[str, ...]] = {}
    for position, name in enumerate(numbers):
        if name in categories:
            codes, labels[name] = codes_of(whole_numbers(table[name]))
            values[:, position] = np.where(codes < 0, np.nan, codes)[order]
        else:
            read = to_numbers(table[name], source, flags=name in flags)
            if name in binary:
                check_binary(read, table[name], source)
            values[:, position] = read[order]
    statics = {item.name: _static_labels(table[item.name], series, order, names, source) for item in columns.static}
    if same.any():
        first = np.r_[True, ~same]
        values = _settle(values, first, spec.duplicates, [name in categories for name in numbers])
        series, timestamps = series[first], timestamps[first]
    reading = Reading(times.format, times.has_offsets, int(same.sum()))
    sha256 = table.attrs.get("sha256")
    return Observations(source, sha256, columns, reading, names, series, timestamps, values, labels, statics)


def _settle(values: Float64, first: Bool, duplicates: Duplicates, is_label: list[bool]) -> Float64:
    """Merge the rows of the same time into one; labels have no mean, so the first one stays.

    Args:
        values: Rows sorted by series and time, shape `(rows, columns)`.
        first: Whether a row is the first of its time.
        duplicates: `first`, `last` or `mean`; missing values do not count.
        is_label: Which columns hold codes of labels.

    """
    starts = np.flatnonzero(first)
    if duplicates != "mean":
        kept: Float64 = values[starts if duplicates == "first" else np.append(starts[1:], len(values)) - 1]
        return kept
    observed = ~np.isnan(values)
    counts = np.add.reduceat(observed.astype(np.int64), starts, axis=0)
    sums = np.add.reduceat(np.where(observed, values, 0.0), starts, axis=0)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    settled: Float64 = np.where(is_label, values[starts], means)
    return settled


def leave_out(observed: Observations, series: Int64) -> Observations:
    """Leave out some series, given by their numbers."""
    kept = np.setdiff1d(np.arange(len(observed.series_names)), series)
    rows = np.isin(observed.series, kept)
    return replace(
        observed,
        series_names=tuple(observed.series_names[number] for number in kept),
        series=np.searchsorted(kept, observed.series[rows]),
        timestamps=observed.timestamps[rows],
        values=observed.values[rows],
        statics={name: tuple(labels[number] for number in kept) for name, labels in observed.statics.items()},
    )


def _series_names(labels_of: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Join the labels of each series into its name; if two names would be equal, bars inside labels are escaped."""
    names = tuple("|".join(labels) or "series" for labels in labels_of)
    if len(set(names)) == len(names):
        return names
    return tuple("|".join(label.replace("\\", "\\\\").replace("|", "\\|") for label in labels) for labels in labels_of)


def _order(series: Int64, timestamps: Int64) -> slice | Int64:
    """Return the order of rows by series and time; a slice, which copies nothing, if they are sorted already."""
    later = series[1:] > series[:-1]
    later |= (series[1:] == series[:-1]) & (timestamps[1:] > timestamps[:-1])
    return slice(None) if later.all() else np.lexsort((timestamps, series))


def series_codes(table: DataFrame, id_cols: tuple[str, ...], source: str) -> tuple[list[tuple[str, ...]], Int64]:
    """Number the series in the order of the labels in their id columns.

    Returns:
        The labels of every series, and the series number of each row, shape `(rows,)`.

    Raises:
        TableError: An id is missing.

    """
    import pandas as pd

    codes = np.zeros(len(table), dtype=np.int64)
    found: list[tuple[str, ...]] = [()]
    for name in id_cols:
        column_codes, labels = codes_of(table[name])
        if (column_codes < 0).any():
            row = row_of(table.index, column_codes < 0)
            raise TableError(f"{source} {row}, column '{name}': the series id is missing")
        codes, joined = pd.factorize(codes * len(labels) + column_codes, sort=True)
        found = [(*found[value // len(labels)], labels[value % len(labels)]) for value in joined.tolist()]
    return found, codes.astype(np.int64, copy=False)


def _refuse_duplicates(
    same: Bool,
    series: Int64,
    timestamps: Int64,
    names: tuple[str, ...],
    columns: Columns,
    index: "pd.Index[Any]",
    source: str,
) -> None:
    """Name the first two rows of the same time, the number of duplicates and the parameter to give."""
    position = int(np.argmax(same))
    stamp = np.datetime_as_string(timestamps[position].astype("datetime64[ns]"), unit="auto")
    rows = sorted(row_number(index, number) for number in (position, position + 1))
    hint = (
        "if this is local time at the end of summer time, give UTC or an offset; else duplicates=first, last or mean "
        "settles it"
    )
    if not columns.series_id:
        hint += "; if the table holds several series, name their columns: series_id_cols=..."
    raise TimeAxisError(
        f"{source} rows {rows[0]} and {rows[1]}, column '{columns.timestamp}', series '{names[series[position]]}': "
        f"{stamp} occurs twice (duplicates in all: {int(same.sum())}); {hint}"
    )


def _static_labels(
    column: "pd.Series[Any]", series: Int64, order: slice | Int64, names: tuple[str, ...], source: str
) -> tuple[str, ...]:
    """Return a static covariate's label for every series; a missing one is the empty text."""
    codes, labels = codes_of(column)
    sorted_codes = codes[order]
    changes = (np.diff(series) == 0) & (np.diff(sorted_codes) != 0)
    if changes.any():
        name = names[series[int(np.argmax(changes))]]
        raise TableError(f"{source}, column '{column.name}', series '{name}': a static covariate changes over time")
    first = np.searchsorted(series, np.arange(len(names)))
    return tuple(labels[code] if code >= 0 else "" for code in sorted_codes[first])
