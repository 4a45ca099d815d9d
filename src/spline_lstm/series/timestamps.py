"""The time axis: from the cells of one column, or of several that make up a time, to nanoseconds since 1970."""

import functools
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spline_lstm.errors import TimeAxisError
from spline_lstm.series.cells import MISSING_TOKENS, row_of, shown, text_of
from spline_lstm.series.month_names import in_english
from spline_lstm.series.time_formats import (
    ISO_8601,
    LAST_SHORT_YEAR,
    TimeFormat,
    format_of,
    formats_that_fit,
    is_epoch,
)
from spline_lstm.series.time_parts import CLOCK, day_of, kinds_of, read_clock, read_part, whole_numbers
from spline_lstm.series.time_readers import has_offset, local_time
from spline_lstm.series.time_spans import ends_of, find_mark
from spline_lstm.text import quoted
from spline_lstm.types import DataFrame, Int64

if TYPE_CHECKING:
    import pandas as pd

_NEARLY_ISO = r"^\d{4}/\d|(?:UTC|GMT)$| [+-]\d{2}:?\d{2}$"
_NO_READING = "if the row is a title, units, a total or a note, delete it"
_NEEDED = "ISO 8601 is needed, like 2024-05-31T13:00:00Z, or timestamp_format=..., like %d/%m/%Y %H:%M"


@dataclass(frozen=True)
class Times:
    """A time axis that was read."""

    stamps: Int64
    """Nanoseconds since 1970, in UTC where the cells have an offset, shape `(rows,)`."""
    format: str
    """The format found; `ISO8601` for cells that are times, not text. It is recorded and holds for later tables."""
    has_offsets: bool
    """Whether the cells have an offset from UTC; without one they are taken as they are."""


def read_times(table: DataFrame, columns: tuple[str, ...], spelling: str | None, source: str) -> Times:
    """Read the time axis of a table.

    Args:
        table: Rows in any order.
        columns: The column, or the columns that make up a time together, such as a date and an hour.
        spelling: Its format, or None to find the only one that the whole column allows.
        source: The table's name, for messages.

    Raises:
        TimeAxisError: A cell is missing or not a time; two readings are possible; or only some cells have a UTC offset.

    """
    if len(columns) == 1:
        return _read_column(table[columns[0]], spelling, source)
    if spelling and "%" in spelling and "+" not in spelling:
        cells = [whole_numbers(table[name]).astype("str").str.strip() for name in columns]
        joined = functools.reduce(lambda one, other: one + " " + other, cells).rename("+".join(columns))
        return _read_column(joined, spelling, source)
    return _read_parts(table, columns, spelling, source)


def _read_parts(table: DataFrame, columns: tuple[str, ...], spelling: str | None, source: str) -> Times:
    """Read a year or a date in one column, and smaller parts in others."""
    import pandas as pd

    kinds, named = kinds_of(columns, spelling, source)
    parts = dict(zip(kinds, columns, strict=True))
    numbers = {kind: read_part(table[name], kind, source) for kind, name in parts.items() if kind not in ("", CLOCK)}
    where = f"columns {quoted(columns)}"
    found, aware = "", False
    if "" in parts:
        base = _read_column(table[parts[""]], named[parts[""]], source)
        stamps, found, aware = base.stamps.astype("datetime64[ns]"), base.format, base.has_offsets
    else:
        stamps = day_of(numbers, table.index, f"{source} {{row}}, {where}")
    for unit, kind in (("h", "hour"), ("m", "minute"), ("s", "second")):
        stamps = stamps + numbers[kind].astype(f"timedelta64[{unit}]") if kind in numbers else stamps
    if CLOCK in parts:
        stamps = stamps + read_clock(table[parts[CLOCK]], source)
    nanoseconds = _nanoseconds(pd.Series(stamps, index=table.index), source, where)
    return Times(nanoseconds, "+".join(kind or found for kind in kinds), aware)


def _read_column(column: "pd.Series[Any]", spelling: str | None, source: str) -> Times:
    import pandas as pd

    where = f"column '{column.name}'"
    typed = pd.api.types.is_datetime64_any_dtype(column.dtype)
    text, missing = (
        (column, column.isna().to_numpy(dtype=bool)) if typed else text_of(whole_numbers(column), MISSING_TOKENS)
    )
    if missing.any():
        raise TimeAxisError(
            f"{source} {row_of(column.index, missing)}, {where}: the timestamp is missing; {_NO_READING}"
        )
    if typed:
        local = _without_zone(column)
        read = local if _is_daily(local) else _in_utc(column)
        return Times(_nanoseconds(read, source, where), ISO_8601, _is_aware(column))
    codes, distinct = pd.factorize(text)
    cells, place = in_english(pd.Series(distinct)), f"{source} {{row}}, {where}"
    if spelling:
        spelling, mark = ends_of(spelling)
    else:
        mark = find_mark(cells, lambda cell: {form.name for form in formats_that_fit(_one_as_iso(cell))})
    ends = cells.str.partition(mark)[2] if mark else None
    cells = _as_iso(cells.str.partition(mark)[0] if mark else cells)
    form, found = _only_reading(cells, codes, text, spelling, place)
    if ends is not None:
        _check_ends(form(_as_iso(ends)), found, codes, text, place)
    aware = _is_aware(found)
    if aware and form.name == ISO_8601 and not cells.str.endswith("Z").all():
        local = local_time(cells)
        found = local if _is_daily(local) else found
    read = _in_utc(found).iloc[codes].set_axis(column.index)
    name = f"{form.name}{mark}{form.name}" if mark else form.name
    return Times(_nanoseconds(read, source, where), name, aware)


def _check_ends(
    ends: "pd.Series[Any]", starts: "pd.Series[Any]", codes: Int64, text: "pd.Series[Any]", where: str
) -> None:
    """Refuse a span without an end, and one that ends before it starts."""
    wrong = (ends.isna() | (_without_zone(ends) < _without_zone(starts))).to_numpy(dtype=bool)[codes]
    if wrong.any():
        place, cell = where.replace("{row}", row_of(text.index, wrong)), shown(text.iloc[int(np.argmax(wrong))])
        raise TimeAxisError(f"{place}: '{cell}' is not a span of time from a start to a later end")


def _as_iso(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """Rewrite `2024/05/31 13:00 UTC` and `13:00 +0100` as ISO 8601; leave others unchanged."""
    odd = cells.str.contains(_NEARLY_ISO).to_numpy(dtype=bool)
    return cells.mask(odd, cells[odd].map(_one_as_iso)) if odd.any() else cells


def _one_as_iso(cell: str) -> str:
    dashed = re.sub(r"^(\d{4})/(\d{1,2})(?:/(?=\d)|$)", r"\1-\2-", cell).removesuffix("-")
    return re.sub(r" (?=[+-]\d{2}:?\d{2}$)", "", re.sub(r" ?(?:UTC|GMT)$", "Z", dashed))


def _is_aware(column: "pd.Series[Any]") -> bool:
    return getattr(column.dtype, "tz", None) is not None


def _without_zone(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.dt.tz_localize(None) if _is_aware(column) else column


def _in_utc(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.dt.tz_convert("UTC").dt.tz_localize(None) if _is_aware(column) else column


def _is_daily(local: "pd.Series[Any]") -> bool:
    """Tell whether all rows have the same time of day: steps are then calendar days of 23, 24 or 25 hours."""
    return local.nunique() > 1 and (local - local.dt.normalize()).nunique() == 1


def _nanoseconds(column: "pd.Series[Any]", source: str, where: str) -> Int64:
    import pandas as pd

    if column.min() < pd.Timestamp.min or column.max() > pd.Timestamp.max:
        outside = (column < pd.Timestamp.min) | (column > pd.Timestamp.max)
        row = row_of(column.index, outside.to_numpy(dtype=bool))
        raise TimeAxisError(f"{source} {row}, {where}: years from 1678 to 2261 are possible")
    return column.astype("datetime64[ns]").to_numpy().astype(np.int64)


def _only_reading(
    cells: "pd.Series[Any]", codes: Int64, text: "pd.Series[Any]", spelling: str | None, where: str
) -> tuple[TimeFormat, "pd.Series[Any]"]:
    """Return the one format that reads all cells, and the times that it reads.

    Args:
        cells: The distinct cells.
        codes: Which of them each row holds.
        text: The cells of all rows, for messages.
        spelling: The given format, or None.
        where: Place for messages, with `{row}`.

    Raises:
        TimeAxisError: No format reads all cells, or two read them differently.

    """
    forms = [format_of(spelling)] if spelling else _candidates(cells)
    readings = [(form, form(cells)) for form in forms]
    complete = [reading for reading in readings if reading[1].notna().all()]
    if not complete:
        _refuse_cell(readings, codes, text, where, given=spelling is not None)
    form, read = complete[0]
    for other in complete[1:]:
        _check_alike((form, read), other, codes, text, where)
    _check_short_years(form, read, codes, text, where)
    if form.name == ISO_8601 and _is_aware(read):
        naive = ~has_offset(cells)[codes]
        if naive.any():
            place = where.replace("{row}", row_of(text.index, naive))
            raise TimeAxisError(f"{place}: a timestamp without UTC offset among others with one")
    return form, read


def _check_short_years(
    form: TimeFormat, read: "pd.Series[Any]", codes: Int64, text: "pd.Series[Any]", where: str
) -> None:
    """Refuse two digits that may be a year of this or of the last century."""
    late = (read.dt.year > LAST_SHORT_YEAR).to_numpy(dtype=bool)[codes]
    if "%y" in form.name and late.any():
        row, place = int(np.argmax(late)), where.replace("{row}", row_of(text.index, late))
        cell, year = shown(text.iloc[row]), read.iloc[codes[row]].year
        raise TimeAxisError(f"{place}: the year of '{cell}' may be {year - 100} or {year}; write it with four digits")


def _candidates(cells: "pd.Series[Any]") -> list[TimeFormat]:
    """Return the formats that fit the first, the middle or the last cell; ISO 8601 alone if it is clear."""
    probes = dict.fromkeys(str(cells.iloc[position]) for position in (0, len(cells) // 2, -1))
    found = {form.name: form for cell in probes for form in formats_that_fit(cell)}
    iso = found.get(ISO_8601)
    if iso and iso(cells).notna().all():
        return [iso]
    # Digits that are a date in every row are not seconds since 1970.
    dates = [form for name, form in found.items() if not is_epoch(name)]
    counted = len(dates) < len(found)
    return dates if counted and any(form(cells).notna().all() for form in dates) else list(found.values())


def _refuse_cell(
    readings: list[tuple[TimeFormat, "pd.Series[Any]"]],
    codes: Int64,
    text: "pd.Series[Any]",
    where: str,
    *,
    given: bool,
) -> None:
    """Raise for the first cell that the best format does not read."""
    form, read = max(readings, key=lambda reading: int(reading[1].notna().sum()), default=(None, None))
    wrong = np.ones(len(text), dtype=bool) if read is None else read.isna().to_numpy(dtype=bool)[codes]
    needed = _NEEDED
    if form and (given or (form.name != ISO_8601 and not wrong.all())):
        needed = f"{'timestamp_format' if given else 'the format of most cells'} is {form.name}"
    cell = shown(text.iloc[int(np.argmax(wrong))])
    if not any(character.isdigit() for character in cell) and not wrong.all():
        needed = f"{needed}; {_NO_READING}"
    if re.search(r"\d ?[A-Z]{3,4}$", cell):
        needed = "write the time zone as an offset from UTC, like 2024-05-31T13:00:00-05:00"
    if re.fullmatch(r"-\d+", cell):
        needed = "write times before 1970 as dates, like 1969-12-31T23:00:00"
    raise TimeAxisError(f"{where.replace('{row}', row_of(text.index, wrong))}: '{cell}' is not a timestamp; {needed}")


def _check_alike(
    one: tuple[TimeFormat, "pd.Series[Any]"],
    other: tuple[TimeFormat, "pd.Series[Any]"],
    codes: Int64,
    text: "pd.Series[Any]",
    where: str,
) -> None:
    differ = (_without_zone(one[1]) != _without_zone(other[1])).to_numpy(dtype=bool)[codes]
    if not differ.any():
        return
    row = int(np.argmax(differ))
    first, second = (f"{read.iloc[codes[row]]:%-d %B %Y}" for _, read in (one, other))
    place = where.replace("{row}", row_of(text.index, differ))
    raise TimeAxisError(
        f"{place}: '{shown(text.iloc[row])}' may be {first} or {second}, and no row decides; "
        f"give {_typed(one[0].name)} or {_typed(other[0].name)}"
    )


def _typed(name: str) -> str:
    """Return the parameter ready to paste, quoted if a shell would split it."""
    return shlex.quote(f"timestamp_format={name}")
