"""The spellings of dates and times: each reads text to datetimes and leaves out what it does not fit."""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spline_lstm.series.durations import DAY
from spline_lstm.series.time_parts import CLOCK, PARTS
from spline_lstm.text import nearest
from spline_lstm.types import Float64, Int64

if TYPE_CHECKING:
    import pandas as pd

ISO_8601 = "ISO8601"
_TIME = r"\d{1,2}:?\d{2}(?::?\d{2}(?:[.,]\d{1,9})?)?"
_COMPACT = r"\d{8}T\d{4}(?:\d{2})?(?:Z|[+-]\d{2}(?::?\d{2})?)"
_ISO = rf"\d{{4}}-\d{{1,2}}(?:-\d{{1,2}}(?:[T ]{_TIME}(?:Z|[+-]\d{{2}}(?::?\d{{2}})?)?)?)?|\d{{8}}|{_COMPACT}"
# Counted from the time part, which keeps the hyphens of the date out of it.
_END_OF_DAY = r"(?<=[ T])24:00(?=(?::00)?$)"
"""Midnight as the end of its day."""
_WEEK = "(?:[Ww]|[Ww]eek|KW|CW)"
_SPAN = re.compile(r"(.+?)( (?:-|–|—|to) )(.+)|([^/]+)(/)([^/]+)")
"""A time from one moment to another."""
_OFFSET = r"\d[T ]\d{1,2}.*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_EPOCHS = {"epoch_s": (1, 9, 10), "epoch_ms": (10**3, 12, 13), "epoch_us": (10**6, 15, 16), "epoch_ns": (10**9, 18, 19)}
_LAST_EPOCH = 1_900_000_000
"""In seconds, in 2030. Later ones look like a date, such as 2024053113, and need their format."""
_YEARS = (1678, 2261)
_EXCEL_BEGINS = np.datetime64("1899-12-30", "ns")
LAST_SHORT_YEAR = 2039
"""Two digits from 69 to 99 are years of the last century, and 00 to 39 of this one; others may be of both."""
_DIRECTIVES = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"\d{1,2}",
    "d": r"\d{1,2}",
    "H": r"\d{1,2}",
    "I": r"\d{1,2}",
    "M": r"\d{2}",
    "S": r"\d{2}",
    "f": r"\d{1,9}",
    "b": "[A-Za-z]{3}",
    "B": "[A-Za-z]+",
    "a": "[A-Za-z]{3}",
    "A": "[A-Za-z]+",
    "p": "[AaPp][Mm]",
    "j": r"\d{3}",
}
_DATES = (
    *(f"%{first}{mark}%{second}{mark}%{year}" for year in "Yy" for mark in "/-." for first, second in ("dm", "md")),
    *(f"{year}{mark}%m{mark}%d" for year in ("%Y", "%y") for mark in "-/."),
    *(
        f"{day}{mark}%{month}{mark}%{year}"
        for day in ("%d", "%a %d")
        for month in "bB"
        for mark in " -/"
        for year in "Yy"
    ),
    *(f"{day}%{month} %d{mark} %Y" for day in ("", "%a ", "%a, ", "%A, ") for month in "bB" for mark in ("", ",")),
    *(f"%Y{mark}%{month}{mark}%d" for month in "bB" for mark in " -"),
    *("%d%b%Y", "%d%b%y"),
)
_CLOCKS = (
    "",
    *(
        f"{gap}{clock}"
        for gap in (" ", "T", ", ")
        for clock in (
            "%H:%M",
            "%H:%M:%S",
            "%H:%M:%S.%f",
            "%H.%M.%S",
            "%I:%M %p",
            "%I:%M:%S %p",
            "%I:%M%p",
            "%I:%M:%S%p",
            "%I %p",
        )
    ),
)
_MONTHS = (
    *("%m/%Y", "%m-%Y", "%Y%m", "%Y-%j"),
    *(f"%{month}{mark}%{year}" for month in "bB" for mark in " -/" for year in "Yy"),
    *(f"%Y{mark}%{month}" for month in "bB" for mark in (" ", "-", "")),
)
_DIGITS = tuple(
    f"{date}{clock}"
    for date in ("%Y%m%d", "%y%m%d")
    for clock in ("", "%H", "%H%M", "%H%M%S", " %H%M", " %H:%M", " %H:%M:%S", "T%H%M", "T%H%M%S")
)


@dataclass(frozen=True)
class TimeFormat:
    """One spelling."""

    name: str
    """As the parameter `timestamp_format` names it."""
    pattern: str
    """Regular expression that a cell fits as a whole; the empty one leaves it to `read`."""
    read: Callable[["pd.Series[Any]"], "pd.Series[Any]"]
    """Read text; NaT where it is no time. Times with an offset come out in UTC."""

    def fits(self, text: str) -> bool:
        """Tell whether one cell looks like it."""
        return not self.pattern or re.fullmatch(self.pattern, text) is not None

    def __call__(self, text: "pd.Series[Any]") -> "pd.Series[Any]":
        """Read text, shape `(cells,)`; NaT where it does not fit."""
        fits = text.str.fullmatch(self.pattern) if self.pattern else text.notna()
        text = text.where(fits.astype(bool))
        ends_day = text.str.contains(_END_OF_DAY).fillna(False).astype(bool)
        if not ends_day.any():
            return self.read(text)
        stamps = self.read(text.str.replace(_END_OF_DAY, "00:00", regex=True))
        next_day: pd.Series[Any] = stamps + ends_day.to_numpy().astype("timedelta64[D]").astype("timedelta64[ns]")
        return next_day


def has_offset(text: "pd.Series[Any]") -> Any:
    """Tell which cells end with an offset from UTC."""
    return text.str.contains(_OFFSET).to_numpy(dtype=bool)


def local_time(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read ISO 8601 as the clock on the wall shows it, without the offset."""
    return _read_iso(text.str.replace(r"[ ]?(?:Z|[+-]\d{2}(?::?\d{2})?)$", "", regex=True))


def _read_iso(text: "pd.Series[Any]") -> "pd.Series[Any]":
    import pandas as pd

    one_digit = text.str.contains(r"[T ]\d:").fillna(False).astype(bool)
    if one_digit.any():
        text = text.mask(one_digit, text[one_digit].map(lambda cell: re.sub(r"([T ])(\d:)", r"\g<1>0\2", cell)))
    return pd.to_datetime(text, format="ISO8601", errors="coerce", utc=bool(has_offset(text.fillna("")).any()))


@functools.cache
def strptime(pattern: str) -> TimeFormat:
    """Return the format of a strptime pattern such as `%d/%m/%Y %H:%M`."""
    import pandas as pd

    def read(text: "pd.Series[Any]") -> "pd.Series[Any]":
        stamps = pd.to_datetime(text, format=pattern, errors="coerce", utc="%z" in pattern)
        return stamps.where(stamps.dt.year.between(*_YEARS))

    return TimeFormat(pattern, _expression(pattern), read)


def _expression(pattern: str) -> str:
    """Return the regular expression of a strptime pattern; none for directives that only pandas knows.

    Where no mark follows a number it has all its digits, as in `20240131`.
    """
    parts = re.split(r"(%.)", pattern)
    found = ""
    for position, part in enumerate(parts):
        if not part.startswith("%"):
            found += re.escape(part)
        elif part[1] not in _DIRECTIVES:
            return ""
        else:
            runs_on = position + 1 < len(parts) and not parts[position + 1] and parts[position + 2 : position + 3] != []
            before = position >= 2 and not parts[position - 1]
            digits = _DIRECTIVES[part[1]]
            found += r"\d{2}" if digits == r"\d{1,2}" and (runs_on or before) and part[1] != "I" else digits
    return found


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


def _read_year(text: "pd.Series[Any]") -> "pd.Series[Any]":
    return _compose(_numbers(text, r"(\d{4})")[0])


def _read_quarter(text: "pd.Series[Any]") -> "pd.Series[Any]":
    first = _numbers(text, r"^(\d{4})\D+([1-4])$")
    last = _numbers(text, r"([1-4])\D+(\d{4})$")
    year, quarter = first[0].fillna(last[1]), first[1].fillna(last[0])
    return _compose(year, 3 * quarter - 2)


def _read_month(text: "pd.Series[Any]") -> "pd.Series[Any]":
    found = _numbers(text, r"(\d{4})\D+(\d{1,2})")
    return _compose(found[0], found[1])


def _read_week(text: "pd.Series[Any]") -> "pd.Series[Any]":
    import pandas as pd

    found = text.str.extract(r"(\d{4})[ -]?[A-Za-z]+[ -]?(\d{1,2})(?:-?([1-7]))?$")
    turned = text.str.extract(r"(\d{1,2})\D+(\d{4})$")
    cells = found[0].fillna(turned[1]) + " " + found[1].fillna(turned[0]) + " " + found[2].fillna("1")
    return pd.to_datetime(cells, format="%G %V %u", errors="coerce")


def _read_epoch(per_second: int) -> Callable[["pd.Series[Any]"], "pd.Series[Any]"]:
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


def _read_excel(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read days as spreadsheets count them, to the second."""
    import pandas as pd

    seconds = (text.astype("Float64") * DAY).round()
    spans = seconds.fillna(0).to_numpy(dtype=np.int64).astype("timedelta64[s]")
    return pd.Series(_EXCEL_BEGINS + spans, index=text.index).where(seconds.notna())


def _read_decimal_year(text: "pd.Series[Any]") -> "pd.Series[Any]":
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
    """Read 1960.1 as the first quarter or 1960.01 as January where the digits are that throughout, else None."""
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
    """Seconds since 1970 of years with a fraction."""
    whole = np.floor(years).astype(np.int64) - 1970
    borders = (number.astype("datetime64[Y]").astype("datetime64[s]") for number in (whole, whole + 1))
    start, end = (border.astype(np.int64) for border in borders)
    seconds: Float64 = (years - np.floor(years)) * (end - start) + start
    return seconds


def _weeks_of(years: Float64, seconds: Float64) -> Any:
    days: Int64 = np.round(seconds / DAY).astype(np.int64)
    if ((days - days.min()) % 7 == 0).all():
        return days.astype("datetime64[D]").astype("datetime64[s]")
    weeks: Int64 = np.round((years - years.min()) * 52).astype(np.int64)  # as R counts them: 52 a year
    return (days.min() + 7 * weeks).astype("datetime64[D]").astype("datetime64[s]")


_NAMED = (
    TimeFormat(ISO_8601, _ISO, _read_iso),
    TimeFormat("year", r"(?:FY ?)?\d{4}", _read_year),
    TimeFormat(
        "quarter", r"\d{4}[ :./-]?(?:[Qq]|[Qq]tr)[ -]?[1-4]|(?:[Qq]|[Qq]tr)[ -]?[1-4][ :./-]\d{4}", _read_quarter
    ),
    TimeFormat("month", r"\d{4}[ :-]?[Mm]\d{1,2}", _read_month),
    TimeFormat(
        "week",
        rf"\d{{4}}-?[Ww]\d{{2}}(?:-?[1-7])?|\d{{4}}[ -]?{_WEEK}[ -]?\d{{1,2}}|{_WEEK}[ -]?\d{{1,2}}[ /,-]+\d{{4}}",
        _read_week,
    ),
    *(
        TimeFormat(
            name, rf"\d{{{fewest},{most}}}" + (r"(?:\.\d+)?" if per_second == 1 else ""), _read_epoch(per_second)
        )
        for name, (per_second, fewest, most) in _EPOCHS.items()
    ),
    TimeFormat("excel_days", r"[345]\d{4}(?:\.\d+)?", _read_excel),  # 1982 to 2064
    TimeFormat("decimal_year", r"\d{4}(?:\.\d+)?", _read_decimal_year),
)
NAMES = tuple(form.name for form in _NAMED)


def format_of(name: str) -> TimeFormat:
    """Return the format that a parameter or an earlier run names."""
    if (halves := _halves(name)) and halves[0] == halves[2]:
        return _span(format_of(halves[0]), halves[1])
    return next((form for form in _NAMED if form.name == name), None) or strptime(name)


def _halves(text: str) -> tuple[str, str, str] | None:
    """Take a span apart, into its start, what stands between, and its end; None where text is no span."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    start, mark, end = (part for part in found.groups() if part is not None)
    return start, mark, end


def _span(form: TimeFormat, mark: str) -> TimeFormat:
    """Return the format of spans whose ends have a format; a span is read as its start."""
    pattern = rf"(?:{form.pattern}){re.escape(mark)}(?:{form.pattern})"
    return TimeFormat(f"{form.name}{mark}{form.name}", pattern, lambda text: form(text.str.partition(mark)[0]))


def formats_that_fit(cell: str) -> Iterator[TimeFormat]:
    """Yield the formats that a cell looks like, those that a name describes first."""
    if halves := _halves(cell):
        start, mark, end = halves
        yield from (_span(form, mark) for form in formats_that_fit(start) if form.pattern and form.fits(end))
    yield from (form for form in _NAMED if form.fits(cell))
    yield from (form for form in map(strptime, (*_DIGITS, *_MONTHS)) if form.fits(cell))
    for clock in _CLOCKS:
        if re.fullmatch(f".*{_expression(clock)}", cell):
            yield from (form for form in (strptime(date + clock) for date in _DATES) if form.fits(cell))


def check_format(name: str) -> str:
    """Refuse a parameter that names no format.

    Raises:
        ValueError: It is no pattern with directives such as `%Y`, and a part of it has no known name.

    """
    known, halves = (*NAMES, *PARTS, CLOCK), _halves(name)
    parts = [halves[0]] if halves and halves[0] == halves[2] else name.split("+")
    unknown = [part for part in parts if "%" not in part and part not in known]
    if unknown:
        raise ValueError(
            f"a pattern such as %d/%m/%Y is needed, or one of {', '.join(known)}{nearest(unknown[0], known)}"
        )
    return name


def is_epoch(name: str) -> bool:
    """Tell whether a format counts from 1970."""
    return name in _EPOCHS
