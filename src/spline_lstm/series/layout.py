"""From a wide table, with a column for each series or month, to a long one, with a row for each series and time."""

import re
from typing import Any

import numpy as np

from spline_lstm.errors import ParameterError, TableError
from spline_lstm.series.cells import MISSING_TOKENS, text_of
from spline_lstm.series.columns import TableSpec, names_of, source_of, timestamp_columns
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.time_parts import month_number
from spline_lstm.text import examples
from spline_lstm.types import Bool, DataFrame

SERIES_ID = "series_id"
"""The column that holds the names of the melted columns."""
_QUARTER = re.compile(r"(?:q|qtr|quarter)[ _-]?([1-4])")
_TIME = re.compile(
    r"X?(\d{4}(?:[-/. ]?[QMWqmw]?\d{1,2}(?:[-/.]\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?)?)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|[A-Za-z]{3,9}[- ]\d{2,4}|[Qq][1-4][- ]\d{4})(?: \[YR\d{4}\])?"
)
"""A time as the name of a column, also as R (`X2020`) and the World Bank (`2020 [YR2020]`) write it."""
_NUMBER = re.compile(r"(?:m|month|h|hr|hour)?[ _-]?([0-9]{1,2})(?::00){0,2}")


def make_long(table: DataFrame, schema: CovariateSchema, spec: TableSpec) -> tuple[DataFrame, TableSpec]:
    """Melt a wide table into one target; a long table stays as it is.

    The columns `wide_cols` become series of the one target, told apart by `series_id`. By default these are all columns
    except the time, the columns that the schema declares and those that identify series. Twelve months, four quarters
    or 24 hours become part of the time instead. If the table has no column of times, the columns whose names are times
    become this column, and rows without a value are left out.

    Args:
        table: The raw table.
        schema: What the columns mean.
        spec: How the table is read.

    Returns:
        The long table, whose index is the number of each row of the wide one, and the settings that fit it.

    Raises:
        ParameterError: There are several targets.
        TableError: A column is missing, or there is none to melt.

    """
    if spec.layout == "long":
        return table, spec
    found, source = names_of(table), source_of(table)
    if len(spec.target_cols) > 1:
        raise ParameterError(
            "layout=wide makes one target of several columns: name them with wide_cols="
            f"{'+'.join(spec.target_cols)}, and the target with target_cols=..."
        )
    times = timestamp_columns(schema, spec, found)
    ids = tuple(name for name in schema.static_names if name in found)
    ids = ids if spec.series_id_cols == ("auto",) else spec.series_id_cols
    kept = {*times, *ids, *schema.dynamic_names, *schema.static_names}
    across = () if set(times) & set(found) or spec.wide_cols else times_across(found)
    melted = spec.wide_cols or across or tuple(name for name in found if name not in kept)
    missing = [name for name in melted if name not in found]
    if across and len(times) > 1:
        raise TableError(f"{source}: column '{times[0]}' is missing; found: {examples(found, 12)}")
    if missing or not melted:
        named = f"column '{missing[0]}' is missing" if missing else "there is no column to melt"
        raise TableError(f"{source}: {named}; found: {examples(found, 12)}")
    if across:
        table = table[~empty_rows(table, melted)]
    part, labels = part_of_columns(melted) or ("", melted)
    name = part or SERIES_ID
    if across:
        part, name, labels = "", times[0], tuple(match[1] for match in map(_TIME.fullmatch, melted) if match)
    others = [column for column in found if column not in melted]
    if name in others or spec.target_cols[0] in others:
        taken = name if name in others else spec.target_cols[0]
        raise TableError(f"{source}: the long table has a column '{taken}' of its own; rename that of the table")
    long = _melt(table, others, melted, labels, (name, spec.target_cols[0]))
    changes: dict[str, Any] = {"layout": "long", "wide_cols": ()}
    if across:
        changes |= {"series_id_cols": ids}
    elif part:
        changes |= {
            "timestamp_col": (*times, part),
            "timestamp_format": _format_with(spec.timestamp_format, times, part),
        }
    else:
        changes |= {"series_id_cols": (*(column for column in ids if column != name), name)}
    return long, spec.model_copy(update=changes)


def times_across(names: list[str]) -> tuple[str, ...]:
    """Return the columns whose names are times, such as `1960` or `1/22/20`; none if there are fewer than three."""
    found = tuple(name for name in names if _TIME.fullmatch(name))
    return found if len(found) > 2 else ()


def empty_rows(table: DataFrame, names: tuple[str, ...]) -> Bool:
    """Tell which rows are empty in all of the given columns, shape `(rows,)`."""
    empty = np.ones(len(table), dtype=bool)
    for name in names:
        empty[empty] = text_of(table[name][empty], MISSING_TOKENS)[1]
    return empty


def _format_with(spelling: str | None, times: tuple[str, ...], part: str) -> str | None:
    """Add a part to the format of the other columns of the time, unless the format has it already."""
    return f"{spelling}+{part}" if spelling and len(spelling.split("+")) == len(times) else spelling


def parts_among(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns named as the twelve months or the four quarters, without others such as a sum.

    Return all columns if there are no months or quarters.
    """
    for is_part in (lambda name: month_number(name) is not None, lambda name: _QUARTER.fullmatch(name.strip().lower())):
        chosen = tuple(name for name in names if is_part(name))
        if part_of_columns(chosen):
            return chosen
    return names


def part_of_columns(names: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Tell by their names whether columns are the months, quarters or hours of a time.

    Returns:
        The part of the time and the number of each column; None for other columns.

    """
    plain = [name.strip().lower() for name in names]
    months = [month_number(name) for name in plain]
    quarters = [_QUARTER.fullmatch(name) for name in plain]
    numbers = [_NUMBER.fullmatch(name) for name in plain]
    counted = [int(match[1]) if match else -1 for match in numbers]
    for part, found, first, last in (
        ("month", [month or -1 for month in months], 1, 12),
        ("quarter", [int(match[1]) if match else -1 for match in quarters], 1, 4),
        ("month", counted, 1, 12),
        ("hour", counted, 0, 23),
        ("hour", counted, 1, 24),
    ):
        if sorted(found) == list(range(first, last + 1)):
            return part, tuple(map(str, found))
    return None


def _melt(
    table: DataFrame, others: list[str], melted: tuple[str, ...], labels: tuple[str, ...], named: tuple[str, str]
) -> DataFrame:
    """Stack the melted columns, and repeat the others beside them."""
    import pandas as pd

    rows, count = len(table), len(melted)
    every = np.tile(np.arange(rows), count)
    long = table[others].iloc[every] if others else pd.DataFrame(index=table.index[every])
    long[named[0]] = pd.Categorical.from_codes(np.repeat(np.arange(count), rows), categories=pd.Index(labels)).astype(
        "str"
    )
    long[named[1]] = pd.concat([table[name] for name in melted], ignore_index=True).to_numpy()
    long.attrs = dict(table.attrs)
    return long
