"""Readers of dates and times: each turns text of one format into datetimes, NaT where it does not fit."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from spline_lstm.series.durations import DAY
from spline_lstm.types import Float64, Int64

if TYPE_CHECKING:
    import pandas as pd

_OFFSET = r"\d[T ]\d{1,2}.*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_LAST_EPOCH = 1_900_000_000
"""In seconds, in 2030. Later ones look like a date, such as 2024053113, so their format must be given."""
_EXCEL_BEGINS = np.datetime64("1899-12-30", "ns")


def has_offset(text: "pd.Series[Any]") -> Any:
    """Tell which cells end with an offset from UTC."""
    return text.str.contains(_OFFSET).to_numpy(dtype=bool)


def local_time(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read ISO 8601 as the clock on the wall shows it, without the offset."""
    return read_iso(text.str.replace(r"[ ]?(?:Z|[+-]\d{2}(?::?\d{2})?)$", "", regex=True))


def read_iso(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read ISO 8601; times with an offset come out in UTC."""
    import pandas as pd

    one_digit = text.str.contains(r"[T ]\d:").fillna(False).astype(bool)
    if one_digit.any():
        text = text.mask(one_digit, text[one_digit].map(lambda cell: re.sub(r"([T ])(\d:)", r"\g<1>0\2", cell)))
    return pd.to_datetime(text, format="ISO8601", errors="coerce", utc=bool(has_offset(text.fillna("")).any()))


def _compose(year: "pd.Series[Any]", month: Any = 1) -> "pd.Series[Any]":
    import pandas as pd

    fields = pd.DataFrame({"year": year, "month": month, "day": 1}).astype("Float64")
    valid = fields.notna().all(axis=1) & fields["month"].between(1, 12)
    months = (fields["year"] - 1970) * 12 + fields["month"] - 1
    stamps = months.where(valid, 0).to_numpy(dtype=np.int64).astype("datetime64[M]").astype("datetime64[s]")
    return pd.Series(stamps, index=year.index).where(valid)


def _numbers(text: "pd.Series[Any]", pattern: str) -> "pd.DataFrame":
    """Extract the groups of a pattern as numbers."""
    return text.str.extract(pattern).astype("Float64")


def read_year(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read `2024` as the first of January."""
    return _compose(_numbers(text, r"(\d{4})")[0])


def read_quarter(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read `2024Q2` or `Q2 2024` as the first day of the quarter."""
    first = _numbers(text, r"^(\d{4})\D+([1-4])$")
    last = _numbers(text, r"([1-4])\D+(\d{4})$")
    year, quarter = first[0].fillna(last[1]), first[1].fillna(last[0])
    return _compose(year, 3 * quarter - 2)


def read_month(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read `2024M05` as the first day of the month."""
    found = _numbers(text, r"(\d{4})\D+(\d{1,2})")
    return _compose(found[0], found[1])


def read_week(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read `2024-W23` or `KW 23/2024` as the Monday of the ISO week, `2024-W23-4` as its Thursday."""
    import pandas as pd

    found = text.str.extract(r"(\d{4})[ -]?[A-Za-z]+[ -]?(\d{1,2})(?:-?([1-7]))?$")
    turned = text.str.extract(r"(\d{1,2})\D+(\d{4})$")
    cells = found[0].fillna(turned[1]) + " " + found[1].fillna(turned[0]) + " " + found[2].fillna("1")
    return pd.to_datetime(cells, format="%G %V %u", errors="coerce")


def read_epoch(per_second: int) -> Callable[["pd.Series[Any]"], "pd.Series[Any]"]:
    """Return the reader of times that count seconds since 1970, or `per_second` parts of one, in UTC."""

    def read(text: "pd.Series[Any]") -> "pd.Series[Any]":
        import pandas as pd

        whole = text.str.extract(r"(\d+)")[0].astype("Float64")
        valid = whole.notna() & (whole < _LAST_EPOCH * per_second)
        unit = {1: "s", 10**3: "ms", 10**6: "us", 10**9: "ns"}[per_second]
        counts = text.where(valid, "0").str.extract(r"(\d+)")[0].astype("int64").to_numpy()
        stamps = pd.Series(counts.astype(f"datetime64[{unit}]").astype("datetime64[ns]"), index=text.index)
        if per_second == 1:
            parts = text.str.extract(r"\.(\d{1,9})")[0].fillna("0").str.ljust(9, "0").astype("int64").to_numpy()
            stamps += pd.Series(parts.astype("timedelta64[ns]"), index=text.index)
        return stamps.where(valid).dt.tz_localize("UTC")

    return read


def read_excel(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read days since 1899-12-30, as spreadsheets count them, to the second."""
    import pandas as pd

    seconds = (text.astype("Float64") * DAY).round()
    spans = seconds.fillna(0).to_numpy(dtype=np.int64).astype("timedelta64[s]")
    return pd.Series(_EXCEL_BEGINS + spans, index=text.index).where(seconds.notna())


def read_decimal_year(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read `1949.083` as `decimal_years` does."""
    import pandas as pd

    years = text.astype("Float64")
    known: Float64 = np.asarray(years.dropna(), dtype=np.float64)
    read = pd.Series(np.full(len(text), np.datetime64("NaT", "s")), index=text.index)
    if len(known):
        read[years.notna()] = decimal_years(known)
    return read


def decimal_years(years: Float64) -> Any:
    """Turn years with a fraction into dates.

    Steps of a month or more become the first day of their month, whatever the fraction rounds to; steps of a week
    and of a day become dates that many days apart; shorter ones are rounded to the hour or the minute.

    Args:
        years: Such as 1949.083, in any order, shape `(n,)`.

    Returns:
        Dates, `datetime64[s]`, shape `(n,)`.

    """
    distinct = np.unique(years)
    parts = _months_as_digits(years, distinct)
    if parts is not None:
        return parts
    step = float(np.median(np.diff(distinct))) if len(distinct) > 1 else 1.0
    if step > 0.9 / 12:
        found = np.floor((years - 1970) * 12 + 0.1).astype(np.int64)
        return found.astype("datetime64[M]").astype("datetime64[s]")
    seconds = _seconds_of(years)
    if step > 0.9 / 53:
        return _weeks_of(years, seconds)
    if step > 0.9 / 366:
        return np.round(seconds / DAY).astype("datetime64[D]").astype("datetime64[s]")
    unit = 3_600 if step > 0.9 / 8_784 else 60
    return (np.round(seconds / unit).astype(np.int64) * unit).astype("datetime64[s]")


def _months_as_digits(years: Float64, distinct: Float64) -> Any:
    """Read 1960.1 as the first quarter, or 1960.01 as January, if all digits allow it; else return None."""
    hundredths = np.round((years - np.floor(years)) * 100, 6)
    steps = np.diff(distinct)
    if len(steps) < 2 or np.ptp(steps) < 0.3 * np.median(steps):
        return None
    first, found = (np.floor(years) - 1970) * 12, set(hundredths.tolist())
    months: Float64
    if found <= {10.0, 20.0, 30.0, 40.0}:
        months = first + (hundredths / 10 - 1) * 3
    elif found <= set(map(float, range(1, 13))):
        months = first + hundredths - 1
    else:
        return None
    return months.astype(np.int64).astype("datetime64[M]").astype("datetime64[s]")


def _seconds_of(years: Float64) -> Float64:
    """Return the seconds since 1970 of years with a fraction."""
    whole = np.floor(years).astype(np.int64) - 1970
    borders = (number.astype("datetime64[Y]").astype("datetime64[s]") for number in (whole, whole + 1))
    start, end = (border.astype(np.int64) for border in borders)
    seconds: Float64 = (years - np.floor(years)) * (end - start) + start
    return seconds


def _weeks_of(years: Float64, seconds: Float64) -> Any:
    days: Int64 = np.round(seconds / DAY).astype(np.int64)
    if ((days - days.min()) % 7 == 0).all():
        return days.astype("datetime64[D]").astype("datetime64[s]")
    weeks: Int64 = np.round((years - years.min()) * 52).astype(np.int64)  # R counts 52 weeks a year
    return (days.min() + 7 * weeks).astype("datetime64[D]").astype("datetime64[s]")
