"""Partitions of a table: each fills some of the series; joined, they equal the table filled at once."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spline_lstm.errors import ParameterError, TableError, TimeAxisError
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.grid import Grid
from spline_lstm.series.spline import Fill
from spline_lstm.series.splits import SplitBorders, make_split_borders
from spline_lstm.types import Float64

OTHERS = (
    "{source}: some partitions were made from another state of the table, or with other settings; "
    "run it again without --only-missing-outputs"
)
"""The message for partitions that do not belong together."""


def choose_series(names: set[tuple[str, ...]], number: int, count: int, source: str) -> set[tuple[str, ...]]:
    """Return the series of one partition: consecutive ones, so that joined partitions keep the order.

    Args:
        names: Labels of every series of the table.
        number: Which partition, from 0.
        count: Number of partitions.
        source: The table's name, for messages.

    Raises:
        ParameterError: There are fewer series than partitions.

    """
    if len(names) < count:
        raise ParameterError(
            f"parameter 'partitions' is {count}, and {source} has {len(names)} series; a partition takes whole series, "
            f"so at most partitions={len(names)} is possible"
        )
    borders = [len(names) * part // count for part in (number, number + 1)]
    return set(sorted(names)[slice(*borders)])


def join_series(parts: Sequence[FilledSeries], shares: tuple[float, ...]) -> FilledSeries:
    """Join the series of all partitions.

    Args:
        parts: The partitions, in the order of their series.
        shares: Share of train, val and test; the partitions must have been filled with these.

    Raises:
        TableError: The partitions come from different tables or settings.
        TimeAxisError: The partitions have steps of different lengths, or only some of them offsets from UTC.

    """
    first = parts[0]
    for part in parts:
        _check_fit_together(first, part)
    grids = [part.grid for part in parts]
    rows = np.cumsum([0, *(len(grid.series) for grid in grids)])

    def joined(array_of: Callable[[FilledSeries], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([array_of(part) for part in parts])

    def joined_rows(rows_of: Callable[[FilledSeries], NDArray[np.int64]]) -> NDArray[np.int64]:
        return np.concatenate([rows_of(part) + before for part, before in zip(parts, rows[:-1], strict=True)])

    series = np.cumsum([0, *(len(grid.series_names) for grid in grids)])
    labels = _join_labels(grids)
    grid = replace(
        first.grid,
        reading=replace(first.grid.reading, repeated_rows=sum(grid.reading.repeated_rows for grid in grids)),
        series_names=sum((grid.series_names for grid in grids), start=()),
        series=np.concatenate([grid.series + before for grid, before in zip(grids, series[:-1], strict=True)]),
        timestamps=joined(lambda part: part.grid.timestamps),
        values=np.concatenate([_recode(grid, labels) for grid in grids]),
        borders=np.append(joined_rows(lambda part: part.grid.borders[:-1]), rows[-1]),
        labels=labels,
        statics={name: sum((grid.statics[name] for grid in grids), start=()) for name in first.grid.statics},
        absent_rows=sum(grid.absent_rows for grid in grids),
        trimmed_rows=sum(grid.trimmed_rows for grid in grids),
    )
    fills = Fill(
        joined(lambda part: part.fills.values),
        joined(lambda part: part.fills.is_imputed),
        joined_rows(lambda part: part.fills.last_used),
    )
    borders = SplitBorders(
        joined_rows(lambda part: part.borders.start),
        joined_rows(lambda part: part.borders.train_end),
        joined_rows(lambda part: part.borders.val_end),
        joined_rows(lambda part: part.borders.end),
    )
    wanted = make_split_borders(grid.borders, shares)
    if not all(np.array_equal(getattr(borders, item.name), getattr(wanted, item.name)) for item in fields(borders)):
        raise TableError(OTHERS.format(source=grid.source))
    return replace(first, grid=grid, fills=fills, borders=borders)


def _check_fit_together(one: FilledSeries, other: FilledSeries) -> None:
    source = one.grid.source
    if (one.sha256, one.spec, one.grid.columns) != (other.sha256, other.spec, other.grid.columns):
        raise TableError(OTHERS.format(source=source))
    if one.grid.reading.has_offsets != other.grid.reading.has_offsets:
        raise TimeAxisError(f"{source}: there are timestamps without UTC offset among others with one")
    if one.grid.reading.time_format != other.grid.reading.time_format:
        formats = f"{one.grid.reading.time_format} and others of {other.grid.reading.time_format}"
        raise TimeAxisError(f"{source}: there are times of the format {formats}; give timestamp_format=...")
    if one.grid.frequency != other.grid.frequency:
        steps = f"{one.grid.frequency.alias} and others of step {other.grid.frequency.alias}"
        raise TimeAxisError(f"{source}: there are series of step {steps}; give freq=..., or partitions=1")


def _join_labels(grids: Sequence[Grid]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted({label for grid in grids for label in grid.labels[name]})) for name in grids[0].labels}


def _recode(grid: Grid, labels: dict[str, tuple[str, ...]]) -> Float64:
    """Return the values of one partition, with categories numbered as in the whole table."""
    values = grid.values.copy() if labels else grid.values
    for position, covariate in enumerate(grid.columns.dynamic, start=len(grid.columns.targets)):
        if covariate.is_category:
            numbers = {label: number for number, label in enumerate(labels[covariate.name])}
            table = np.array([*(numbers[label] for label in grid.labels[covariate.name]), np.nan])
            codes = values[:, position]
            values[:, position] = table[np.where(np.isnan(codes), -1, codes).astype(np.int64)]
    return values
