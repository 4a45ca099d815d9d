"""Cells that a person should look at before a table is used."""

import numpy as np

from spline_lstm.series.cells import marked_cell, row_number
from spline_lstm.series.roles import ColumnKind, outliers
from spline_lstm.types import DataFrame

_MOST_MARKS = 3


def marked_numbers(table: DataFrame, kinds: dict[str, ColumnKind]) -> list[str]:
    """Tell, one line for each column, how numbers with marks such as `1,234 kg` or `12 %` are read."""
    read = []
    for name, item in kinds.items():
        row = marked_cell(table[name]) if item.kind == "number" and item.values is not None else None
        if row is not None and item.values is not None:
            read.append(f"column '{name}': '{table[name].iloc[row]}' is read as {item.values[row]:.12g}")
    more = len(read) - _MOST_MARKS
    return read[:_MOST_MARKS] + ([f"{more} more columns hold such numbers"] if more > 0 else [])


def far_values(table: DataFrame, kinds: dict[str, ColumnKind]) -> list[str]:
    """Tell, one line for each, which numbers lie far from all others of their column."""
    found = []
    numbers = {name: item.values for name, item in kinds.items() if item.values is not None}
    for name, values in numbers.items():
        median = np.nanmedian(values)
        found += [
            f"row {row_number(table.index, int(row))}, column '{name}': {values[row]:.6g} lies far from all other "
            f"values (median {median:.6g}); correct it if it is an error"
            for row in outliers(values)
        ]
    return found
