"""The formats of dates and times, by name or strptime pattern, and the formats that a cell fits."""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spline_lstm.series.time_parts import CLOCK, PARTS
from spline_lstm.series.time_readers import (
    read_decimal_year,
    read_epoch,
    read_excel,
    read_iso,
    read_month,
    read_quarter,
    read_week,
    read_year,
)
from spline_lstm.series.time_spans import ends_of
from spline_lstm.text import nearest

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
_EPOCHS = {"epoch_s": (1, 9, 10), "epoch_ms": (10**3, 12, 13), "epoch_us": (10**6, 15, 16), "epoch_ns": (10**9, 18, 19)}
_YEARS = (1678, 2261)
LAST_SHORT_YEAR = 2039
"""Two digits from 69 to 99 are years of the last century and 00 to 39 of this one; 40 to 68 may be either."""
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
    """One format of dates and times."""

    name: str
    """Name in the parameter `timestamp_format`."""
    pattern: str
    """Regular expression for a whole cell; if empty, `read` decides."""
    read: Callable[["pd.Series[Any]"], "pd.Series[Any]"]
    """Read text; NaT where it is not a time. Times with an offset come out in UTC."""

    def fits(self, text: str) -> bool:
        """Tell whether one cell has this format."""
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


@functools.cache
def strptime(pattern: str) -> TimeFormat:
    """Return the format of a strptime pattern such as `%d/%m/%Y %H:%M`."""
    import pandas as pd

    def read(text: "pd.Series[Any]") -> "pd.Series[Any]":
        stamps = pd.to_datetime(text, format=pattern, errors="coerce", utc="%z" in pattern)
        if "%j" in pattern:  # pandas takes day 366 of a common year for the next year's first
            stamps = stamps.where(stamps.dt.strftime(pattern) == text)
        return stamps.where(stamps.dt.year.between(*_YEARS))

    return TimeFormat(pattern, _expression(pattern), read)


def _expression(pattern: str) -> str:
    """Return the regular expression of a strptime pattern; empty for directives that only pandas knows.

    A number without a mark after it has all its digits, as in `20240131`.
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


_NAMED = (
    TimeFormat(ISO_8601, _ISO, read_iso),
    TimeFormat("year", r"(?:FY ?)?\d{4}", read_year),
    TimeFormat(
        "quarter", r"\d{4}[ :./-]?(?:[Qq]|[Qq]tr)[ -]?[1-4]|(?:[Qq]|[Qq]tr)[ -]?[1-4][ :./-]\d{4}", read_quarter
    ),
    TimeFormat("month", r"\d{4}[ :-]?[Mm]\d{1,2}", read_month),
    TimeFormat(
        "week",
        rf"\d{{4}}-?[Ww]\d{{2}}(?:-?[1-7])?|\d{{4}}[ -]?{_WEEK}[ -]?\d{{1,2}}|{_WEEK}[ -]?\d{{1,2}}[ /,-]+\d{{4}}",
        read_week,
    ),
    *(
        TimeFormat(name, rf"\d{{{fewest},{most}}}" + (r"(?:\.\d+)?" if per_second == 1 else ""), read_epoch(per_second))
        for name, (per_second, fewest, most) in _EPOCHS.items()
    ),
    TimeFormat("excel_days", r"[345]\d{4}(?:\.\d+)?", read_excel),  # 1982 to 2064
    TimeFormat("decimal_year", r"\d{4}(?:\.\d+)?", read_decimal_year),
)
NAMES = tuple(form.name for form in _NAMED)


def format_of(name: str) -> TimeFormat:
    """Return the format that a parameter or an earlier run names."""
    return next((form for form in _NAMED if form.name == name), None) or strptime(name)


def formats_that_fit(cell: str) -> Iterator[TimeFormat]:
    """Yield the formats that fit a cell, named formats first."""
    yield from (form for form in _NAMED if form.fits(cell))
    yield from (form for form in map(strptime, (*_DIGITS, *_MONTHS)) if form.fits(cell))
    for clock in _CLOCKS:
        if re.fullmatch(f".*{_expression(clock)}", cell):
            yield from (form for form in (strptime(date + clock) for date in _DATES) if form.fits(cell))


def check_format(name: str) -> str:
    """Refuse a parameter that is not a format.

    Raises:
        ValueError: Neither a pattern with directives such as `%Y` nor a known name.

    """
    known = (*NAMES, *PARTS, CLOCK)
    unknown = [part for part in ends_of(name)[0].split("+") if "%" not in part and part not in known]
    if unknown:
        raise ValueError(
            f"a pattern such as %d/%m/%Y is needed, or one of {', '.join(known)}{nearest(unknown[0], known)}"
        )
    return name


def is_epoch(name: str) -> bool:
    """Tell whether a format counts time since 1970."""
    return name in _EPOCHS
