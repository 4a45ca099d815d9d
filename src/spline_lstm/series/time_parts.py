"""Times in parts: a year, a month or an hour in a column of its own."""

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from spline_lstm.errors import TimeAxisError
from spline_lstm.series.cells import MISSING_TOKENS, row_of, shown, text_of
from spline_lstm.text import quoted
from spline_lstm.types import Float64, Int64

if TYPE_CHECKING:
    import pandas as pd

CLOCK = "time"
PARTS = {
    "year": (r"(\d{4})", 1678, 2261),
    "quarter": (r"(?:[Qq](?:tr)?)?(\d)", 1, 4),
    "month": (r"[Mm]?(\d{1,2})", 1, 12),
    "week": (r"[Ww]?(\d{1,2})", 1, 53),
    "dayofyear": (r"(\d{1,3})", 1, 366),
    "day": (r"(\d{1,2})", 1, 31),
    "hour": (r"(\d{1,2})(?::00(?::00)?)?", 0, 24),
    "minute": (r"(\d{1,2})", 0, 59),
    "second": (r"(\d{1,2})", 0, 59),
}
"""Part of a time to the pattern of its cells and the range of its numbers."""
_ALSO = {
    "yr": "year",
    "yyyy": "year",
    "q": "quarter",
    "qtr": "quarter",
    "mon": "month",
    "mo": "month",
    "mnth": "month",
    "mm": "month",
    "wk": "week",
    "isoweek": "week",
    "weekofyear": "week",
    "weeknumber": "week",
    "doy": "dayofyear",
    "yday": "dayofyear",
    "dd": "day",
    "dayofmonth": "day",
    "mday": "day",
    "hr": "hour",
    "hh": "hour",
    **dict.fromkeys(("hourofday", "hourending", "hourbeginning", "he"), "hour"),
    "min": "minute",
    "sec": "second",
    **dict.fromkeys(("jahr", "annee", "ano", "anno", "jaar"), "year"),
    **dict.fromkeys(("quartal", "trimestre", "kwartaal"), "quarter"),
    **dict.fromkeys(("monat", "mois", "mes", "mese", "maand"), "month"),
    **dict.fromkeys(("woche", "kw", "semaine", "semana", "settimana"), "week"),
    **dict.fromkeys(("tag", "jour", "dia", "giorno", "dag"), "day"),
    **dict.fromkeys(("stunde", "heure", "hora", "ora", "uur"), "hour"),
    "uhrzeit": CLOCK,
    "clock": CLOCK,
    "timeofday": CLOCK,
}
_MEASURES = ("min", "sec")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


def part_of(name: str) -> str | None:
    """Return the part of a time that a column's name says, or None."""
    plain = re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", name.lower()))
    known = _ALSO.get(plain, plain)
    return known if known in PARTS or known == CLOCK else None


def is_part(name: str, values: Float64 | None) -> bool:
    """Tell by name and values whether a column repeats a part of the time; a column `min` may also be a minimum.

    Args:
        name: The column's name.
        values: Its numbers, or None for labels, shape `(rows,)`.

    """
    part = part_of(name)
    if part is None or name.strip().lower() in _MEASURES:
        return False
    if values is None or part not in PARTS:
        return True
    found, (_, lowest, highest) = values[~np.isnan(values)], PARTS[part]
    return bool(((found == np.round(found)) & (found >= lowest) & (found <= highest)).all())


def month_number(name: str) -> int | None:
    """Return 1 to 12 for the English name of a month, or three letters or more of it; else None."""
    plain = name.strip().lower().rstrip(".")
    found = [number for number, month in enumerate(_MONTHS, start=1) if len(plain) > 2 and month.startswith(plain)]
    return found[0] if found else None


def whole_numbers(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return whole numbers stored as decimals, such as `1960.0`, without the zero; leave others unchanged."""
    text = column.astype("str").str.strip()
    if not len(text) or not re.fullmatch(r"\d+\.0*", str(text.iloc[0])):
        return column
    return text.str.replace(r"\.0*$", "", regex=True) if text.str.fullmatch(r"\d+\.0*").all() else column


def kinds_of(columns: tuple[str, ...], spelling: str | None, source: str) -> tuple[list[str], dict[str, str | None]]:
    """Return the part that each column holds, by its name or format; the empty text means a date.

    Returns:
        The parts, and the given format of each column.

    Raises:
        TimeAxisError: The columns do not make a time.

    """
    given = spelling.split("+") if spelling else [None] * len(columns)
    if len(given) != len(columns):
        raise TimeAxisError(
            f"{source}: timestamp_format={spelling} has {len(given)} parts, and timestamp_col={'+'.join(columns)} has "
            f"{len(columns)}; give one for each"
        )
    kinds = [
        part_of(name) or "" if form is None else form if form in (*PARTS, CLOCK) else ""
        for name, form in zip(columns, given, strict=True)
    ]
    if kinds.count("") + kinds.count("year") != 1 or len(set(kinds)) < len(kinds):
        raise TimeAxisError(
            f"{source}: columns {quoted(columns)} do not make a time; one must hold dates or years, and each "
            f"of the others a different part: {', '.join([*PARTS, CLOCK])}; name them: timestamp_format=year+month"
        )
    return kinds, dict(zip(columns, given, strict=True))


def read_part(column: "pd.Series[Any]", part: str, source: str) -> Int64:
    """Read one part of a time as numbers, shape `(rows,)`; months may have names.

    Raises:
        TimeAxisError: A cell is not such a part, or out of range.

    """
    import pandas as pd

    pattern, lowest, highest = PARTS[part]
    text, missing = text_of(whole_numbers(column), MISSING_TOKENS)
    codes, distinct = pd.factorize(text)
    cells = pd.Series(distinct)
    found = cells.str.extract(rf"^{pattern}$")[0].astype("Float64")
    if part == "month":
        found = found.fillna(cells.map(month_number).astype("Float64"))
    numbers: Int64 = np.asarray(found.fillna(-1), dtype=np.int64)[codes]
    wrong = missing | (numbers < lowest) | (numbers > highest)
    if wrong.any():
        place = f"{source} {row_of(column.index, wrong)}, column '{column.name}'"
        cell = shown(text.iloc[int(np.argmax(wrong))])
        raise TimeAxisError(f"{place}: '{cell}' is not a valid {part}; {lowest} to {highest} is needed")
    return numbers


def day_of(numbers: dict[str, Int64], index: Any, where: str) -> Any:
    """Return the day of a year and a month, quarter, week or day.

    Args:
        numbers: Part to its numbers, `year` among them.
        index: Number of each row in its table.
        where: Place for messages, with `{row}`.

    Returns:
        `datetime64[ns]`, shape `(rows,)`.

    Raises:
        TimeAxisError: There is no such day.

    """
    year = (numbers["year"] - 1970).astype("datetime64[Y]")
    if "week" in numbers:
        fourth = year.astype("datetime64[D]").astype(np.int64) + 3  # 4 January lies in the first ISO week
        monday = fourth - (fourth + 3) % 7
        day = monday + 7 * (numbers["week"] - 1) + numbers.get("day", 1) - 1
        return day.astype("datetime64[D]").astype("datetime64[ns]")
    month = 3 * numbers["quarter"] - 2 if "quarter" in numbers else numbers.get("month", np.int64(1))
    first = (year.astype("datetime64[M]").astype(np.int64) + month - 1).astype("datetime64[M]")
    day_in_it = numbers.get("dayofyear", numbers.get("day", np.int64(1)))
    days = (first.astype("datetime64[D]").astype(np.int64) + day_in_it - 1).astype("datetime64[D]")
    beyond = days.astype("datetime64[Y]") != year if "dayofyear" in numbers else days.astype("datetime64[M]") != first
    if beyond.any():
        raise TimeAxisError(f"{where.replace('{row}', row_of(index, beyond))}: there is no such day")
    return days.astype("datetime64[ns]")


def read_clock(column: "pd.Series[Any]", source: str) -> Any:
    """Read times of the day, such as `13:00`, `13.00.00`, `1:30 PM` or `1300`, as `timedelta64[ns]`, shape `(rows,)`.

    Raises:
        TimeAxisError: A cell is not a time of day.

    """
    text, missing = text_of(whole_numbers(column), MISSING_TOKENS)
    text = text.str.replace(r"^(\d{1,2})\.(\d{2})\.(\d{2})$", r"\1:\2:\3", regex=True)
    cells = text.str.extract(r"^(\d{1,2}):?(\d{2})(?::?(\d{2})(?:\.(\d{1,9}))?)?(?: ?([AaPp])[Mm])?$")
    hours, minutes, seconds = (cells[part].fillna("0").astype("int64").to_numpy() for part in (0, 1, 2))
    fractions = cells[3].fillna("0").str.ljust(9, "0").astype("int64").to_numpy()
    half = cells[4].str.lower()
    hours = np.where(half.isna(), hours, hours % 12 + 12 * (half == "p").to_numpy(dtype=bool))
    wrong = missing | cells[0].isna().to_numpy(dtype=bool) | (hours > 24) | (minutes > 59) | (seconds > 59)
    if wrong.any():
        place = f"{source} {row_of(column.index, wrong)}, column '{column.name}'"
        raise TimeAxisError(f"{place}: '{shown(text.iloc[int(np.argmax(wrong))])}' is not a time of day")
    return ((hours * 3_600 + minutes * 60 + seconds) * 10**9 + fractions).astype("timedelta64[ns]")
