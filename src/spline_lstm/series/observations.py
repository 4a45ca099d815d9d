"""The raw table: which columns are used, and whether every cell is what it should be."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from spline_lstm.errors import TableError, TimeAxisError, ValuesError
from spline_lstm.series.columns import Columns, source_of
from spline_lstm.types import Bool, DataFrame, Float64, Int64

if TYPE_CHECKING:
    import pandas as pd

MISSING_TOKENS = ("", "na", "n/a", "nan", "null", "none")
LARGEST_VALUE = 1e30  # squares and sums of such values still fit a double, and scaled ones a 32-bit float
# [0-9], as \d takes the digits of every script.
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_FLAGS = {"true": "1", "yes": "1", "false": "0", "no": "0"}
_INFINITE = r"[+-]?inf(?:inity)?"
_ISO_8601 = (
    r"\d{4}-\d{1,2}(?:-\d{1,2}(?:[T ]\d{2}:?\d{2}(?::?\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?)?|\d{8}"
)

# Counted from the time part, which keeps the hyphens of the date out of it.
_OFFSET = r"\d[T ]\d{2}.*(?:Z|[+-]\d{2}(?::?\d{2})?)$"


@dataclass(frozen=True)
class Observations:
    """A validated table in the order of series and time.

    Shapes: `series` and `timestamps` `(rows,)`, `values` `(rows, targets + dynamic)`, each entry of
    `labels` (per categorical covariate) and of `statics` (per static covariate) sorted categories.
    """

    source: str
    """The table's name, for messages."""
    sha256: str | None
    """Hash of the table's file; None where it does not come from one."""
    columns: Columns
    has_offsets: bool
    """Whether the timestamps came with an offset from UTC; others are taken as they stand."""
    series_names: tuple[str, ...]
    series: Int64
    timestamps: Int64
    values: Float64
    labels: dict[str, tuple[str, ...]]
    statics: dict[str, tuple[str, ...]]
    """Static covariate to its category in every series, in series order."""

    def __deepcopy__(self, _: Any) -> Self:
        """Return itself: nothing in it is ever changed, and Kedro copies what passes from node to node."""
        return self


def make_observations(table: DataFrame, columns: Columns) -> Observations:
    """Validate every cell that takes part and sort the rows by series and time.

    Rows may come in any order: the result is the same bit for bit.

    Raises:
        TableError: No rows, or a cell that is not a number.
        TimeAxisError: A timestamp that is missing, not ISO 8601, or given twice in a series.
        ValuesError: An infinite value, or one beyond `LARGEST_VALUE`.

    """
    source = source_of(table)
    if table.empty:
        raise TableError(f"{source}: the table has a header but no rows")
    labels_of, series = series_codes(table, columns.series_id, source)
    names = _series_names(labels_of)
    timestamps = to_timestamps(table[columns.timestamp], source)
    order = _order(series, timestamps)
    series, timestamps = series[order], timestamps[order]
    _check_no_duplicates(series, timestamps, names, columns, source)

    numbers = (*columns.targets, *(item.name for item in columns.dynamic))
    categories = {item.name for item in columns.dynamic if item.is_category}
    flags = {item.name for item in columns.dynamic if item.is_flag}
    binary = {item.name for item in columns.dynamic if item.encoding == "binary"}
    values = np.empty((len(table), len(numbers)))
    labels: dict[str, tuple[str, ...]] = {}
    for position, name in enumerate(numbers):
        if name in categories:
            codes, labels[name] = _codes(table[name])
            values[:, position] = np.where(codes < 0, np.nan, codes)[order]
        else:
            read = to_numbers(table[name], source, flags=name in flags)
            if name in binary:
                _check_binary(read, table[name], source)
            values[:, position] = read[order]
    statics = {item.name: _static_labels(table[item.name], series, order, names, source) for item in columns.static}
    sha256 = table.attrs.get("sha256")
    offsets = _has_offsets(table[columns.timestamp])
    return Observations(source, sha256, columns, offsets, names, series, timestamps, values, labels, statics)


def _series_names(labels_of: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Join the labels of each series; where two series would have one name, bars inside labels are escaped."""
    names = tuple("|".join(labels) or "series" for labels in labels_of)
    if len(set(names)) == len(names):
        return names
    return tuple("|".join(label.replace("\\", "\\\\").replace("|", "\\|") for label in labels) for labels in labels_of)


def _order(series: Int64, timestamps: Int64) -> slice | Int64:
    """Return what sorts rows by series and time; most tables are in that order, and long ones then need no copy."""
    later = series[1:] > series[:-1]
    later |= (series[1:] == series[:-1]) & (timestamps[1:] > timestamps[:-1])
    return slice(None) if later.all() else np.lexsort((timestamps, series))


def _text(column: "pd.Series[Any]", missing_tokens: tuple[str, ...]) -> tuple["pd.Series[Any]", Bool]:
    """Return the cells as stripped text, and which of them are missing."""
    text = column.astype("str").str.strip()
    missing = column.isna() | text.str.lower().isin(missing_tokens)
    return text, missing.to_numpy(dtype=bool)


def _codes(column: "pd.Series[Any]") -> tuple[Int64, tuple[str, ...]]:
    """Number the sorted distinct labels of a column; -1 is missing."""
    import pandas as pd

    rows: slice | Int64 = slice(None)
    if isinstance(column.dtype, pd.StringDtype):  # few labels in many rows; in other types 1 equals True
        rows, distinct = pd.factorize(column, use_na_sentinel=False)
        column = pd.Series(distinct)
    text, missing = _text(column, ("",))  # 'NA' may be a label
    codes, labels = pd.factorize(text.mask(missing), sort=True)
    return codes.astype(np.int64)[rows], tuple(str(label) for label in labels)


def series_codes(table: DataFrame, id_cols: tuple[str, ...], source: str) -> tuple[list[tuple[str, ...]], Int64]:
    """Number the series in the order of the labels in their id columns.

    Returns:
        The labels of every series, and the number of each row's, shape `(rows,)`.

    Raises:
        TableError: An id is missing.

    """
    import pandas as pd

    codes = np.zeros(len(table), dtype=np.int64)
    found: list[tuple[str, ...]] = [()]
    for name in id_cols:
        column_codes, labels = _codes(table[name])
        if (column_codes < 0).any():
            row = _row(table.index, column_codes < 0)
            raise TableError(f"{source} {row}, column '{name}': the series id is missing")
        codes, joined = pd.factorize(codes * len(labels) + column_codes, sort=True)
        found = [(*found[value // len(labels)], labels[value % len(labels)]) for value in joined.tolist()]
    return found, codes.astype(np.int64, copy=False)


def _row(index: "pd.Index[Any]", wrong: Bool) -> str:
    """Name the first wrong row as an editor or spreadsheet does: the header is row 1.

    Args:
        index: Number of each row in its table, of which these may be a part.
        wrong: Which rows are.

    """
    first = int(np.argmax(wrong))
    return f"row {(index[first] if index.dtype.kind == 'i' else first) + 2}"


def to_numbers(column: "pd.Series[Any]", source: str, *, flags: bool = False) -> Float64:
    """Read a column as numbers; missing cells become NaN, and `true` and `yes` are 1, `false` and `no` 0 where `flags`.

    Text is converted exactly (to the nearest double), never by guessing at separators.

    Raises:
        TableError: A cell is not a number.
        ValuesError: A value is infinite, or beyond `LARGEST_VALUE`.

    """
    import pandas as pd
    import pyarrow as pa

    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        text, missing = _text(column, MISSING_TOKENS)
        if flags:
            text = text.str.lower().replace(_FLAGS)
        fits = text.str.fullmatch(_NUMBER).to_numpy(dtype=bool)
        infinite = text.str.lower().str.fullmatch(_INFINITE).to_numpy(dtype=bool)
        wrong = ~(missing | fits | infinite)
        if wrong.any():
            _refuse_text(text, wrong, str(column.name), source)
        values = np.full(len(column), np.nan)
        exact = pa.array(text[fits].str.removeprefix("+"), type=pa.string()).cast(pa.float64())
        values[fits] = exact.to_numpy(zero_copy_only=False)
        values[infinite] = np.inf
    large = np.abs(values) > LARGEST_VALUE
    if large.any():
        value, row = values[int(np.argmax(large))], _row(column.index, large)
        found = "infinite" if np.isinf(value) else f"{value:g}, too large to compute with"
        raise ValuesError(f"{source} {row}, column '{column.name}': the value is {found}")
    return values


def _check_binary(values: Float64, column: "pd.Series[Any]", source: str) -> None:
    wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
    if wrong.any():
        raise TableError(
            f"{source} {_row(column.index, wrong)}, column '{column.name}': {values[int(np.argmax(wrong))]:g} is "
            "neither 0 nor 1, as encoding 'binary' needs"
        )


def _refuse_text(text: "pd.Series[Any]", wrong: Bool, name: str, source: str) -> None:
    value = str(text.iloc[int(np.argmax(wrong))])
    hint = "; use a decimal point and no thousands separator" if any(mark in value for mark in ",' ") else ""
    shown = value if len(value) <= 40 else value[:39] + "…"
    raise TableError(f"{source} {_row(text.index, wrong)}, column '{name}': '{shown}' is not a number{hint}")


def to_timestamps(column: "pd.Series[Any]", source: str) -> Int64:
    """Read timestamps as nanoseconds since 1970 in UTC; naive ones are taken as they stand.

    Raises:
        TimeAxisError: A cell is missing or not ISO 8601, or some have a UTC offset and others none.

    """
    import pandas as pd

    where = f"column '{column.name}'"
    if pd.api.types.is_numeric_dtype(column.dtype):
        raise TimeAxisError(
            f"{source}, {where}: numbers are no timestamps; ISO 8601 is needed, like 2024-05-31T13:00:00Z"
        )
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        column = _parse_timestamps(column, source, where)
    missing = column.isna().to_numpy(dtype=bool)
    if missing.any():
        raise TimeAxisError(f"{source} {_row(column.index, missing)}, {where}: the timestamp is missing")
    if column.dt.tz is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if column.min() < pd.Timestamp.min or column.max() > pd.Timestamp.max:
        outside = (column < pd.Timestamp.min) | (column > pd.Timestamp.max)
        row = _row(column.index, outside.to_numpy(dtype=bool))
        raise TimeAxisError(f"{source} {row}, {where}: years from 1678 to 2261 are possible")
    return column.astype("datetime64[ns]").to_numpy().astype(np.int64)


def _has_offsets(column: "pd.Series[Any]") -> bool:
    """Tell whether timestamps that have been found valid, which are all alike, have an offset from UTC."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.dt.tz is not None
    return bool(column.iloc[:1].astype("str").str.strip().str.contains(_OFFSET).any())


def _parse_timestamps(column: "pd.Series[Any]", source: str, where: str) -> "pd.Series[Any]":
    import pandas as pd

    text, missing = _text(column, MISSING_TOKENS)
    fits = text.str.fullmatch(_ISO_8601).to_numpy(dtype=bool)
    aware = text.str.contains(_OFFSET).to_numpy(dtype=bool)
    parsed = pd.to_datetime(text.mask(missing | ~fits), format="ISO8601", errors="coerce", utc=bool(aware.any()))
    wrong = missing | parsed.isna().to_numpy(dtype=bool)
    if wrong.any():
        position, row = int(np.argmax(wrong)), _row(text.index, wrong)
        if missing[position]:
            raise TimeAxisError(f"{source} {row}, {where}: the timestamp is missing")
        raise TimeAxisError(
            f"{source} {row}, {where}: '{str(text.iloc[position])[:40]}' is not a timestamp; "
            "ISO 8601 is needed, like 2024-05-31T13:00:00Z"
        )
    if aware.any() and not aware.all():
        raise TimeAxisError(
            f"{source} {_row(text.index, ~aware)}, {where}: a timestamp without UTC offset among others with one"
        )
    return parsed


def _check_no_duplicates(
    series: Int64, timestamps: Int64, names: tuple[str, ...], columns: Columns, source: str
) -> None:
    same = (np.diff(series) == 0) & (np.diff(timestamps) == 0)
    if not same.any():
        return
    position = int(np.argmax(same))
    stamp = np.datetime_as_string(timestamps[position].astype("datetime64[ns]"), unit="auto")
    hint = "if this is local time at the end of summer time, give UTC or an offset"
    if not columns.series_id:
        hint += "; if the table holds several series, name their columns: series_id_cols=..."
    raise TimeAxisError(
        f"{source}, column '{columns.timestamp}', series '{names[series[position]]}': "
        f"{stamp} is there twice (duplicates in all: {int(same.sum())}); {hint}"
    )


def _static_labels(
    column: "pd.Series[Any]", series: Int64, order: slice | Int64, names: tuple[str, ...], source: str
) -> tuple[str, ...]:
    """Return a static covariate's label for every series; a missing one is the empty text."""
    codes, labels = _codes(column)
    sorted_codes = codes[order]
    changes = (np.diff(series) == 0) & (np.diff(sorted_codes) != 0)
    if changes.any():
        name = names[series[int(np.argmax(changes))]]
        raise TableError(f"{source}, column '{column.name}', series '{name}': a static covariate changes over time")
    first = np.searchsorted(series, np.arange(len(names)))
    return tuple(labels[code] if code >= 0 else "" for code in sorted_codes[first])
