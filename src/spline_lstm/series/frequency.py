"""The frequency of a series: its step, read from an alias or inferred from the timestamps."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spline_lstm.errors import InsufficientDataError, ParameterError
from spline_lstm.series.durations import DAY_NS, SECOND_NS
from spline_lstm.types import Bool, Int64

# Longest first: an inferred step is named in the longest unit that divides it.
_FIXED_UNITS = {
    "W": 7 * DAY_NS,
    "D": DAY_NS,
    "h": 3_600 * SECOND_NS,
    "min": 60 * SECOND_NS,
    "s": SECOND_NS,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
_MONTH_UNITS = {
    f"{before}{unit}{side}": months
    for before in ("", "B")
    for unit, months in (("M", 1), ("Q", 3), ("Y", 12))
    for side in "SE"
}
MonthKind = Literal["months", "month_ends", "business_starts", "business_ends"]
_MONTH_KINDS: dict[str, MonthKind] = {"S": "months", "E": "month_ends", "BS": "business_starts", "BE": "business_ends"}
_ALIAS = re.compile(r"([0-9]{0,18})([A-Za-z]+)(?:-[A-Z]{3})?")
_LONGEST_STEP = 36_525 * DAY_NS


@dataclass(frozen=True)
class Frequency:
    """The step of a grid.

    `step` counts nanoseconds (`fixed`), months (`months`: on the day of the month of the first row,
    or on the last day of a shorter month; `month_ends`: always on the last day; `business_starts` and
    `business_ends`: on the first and the last weekday) or weekdays (`business`).
    """

    kind: Literal["fixed", "business"] | MonthKind
    step: int
    alias: str
    """The pandas offset alias."""

    def positions(self, timestamps: Int64, starts: Int64) -> tuple[Int64, Bool]:
        """Count the steps from each start to each timestamp, and tell which lie on the grid.

        Args:
            timestamps: Nanoseconds since 1970, shape `(rows,)`.
            starts: First timestamp of each row's series, shape `(rows,)`.

        """
        if self.kind == "fixed":
            # Divided first: a difference of more than 292 years does not fit 64 bits.
            steps = timestamps // self.step - starts // self.step
        elif self.kind == "business":
            steps = np.busday_count(_days(starts), _days(timestamps)).astype(np.int64)
        else:
            steps = (_months(timestamps) - _months(starts)) // self.step
        return steps, self.timestamps(starts, steps) == timestamps

    def timestamps(self, starts: Int64, positions: Int64) -> Int64:
        """Return the timestamps that lie `positions` steps after `starts`, in nanoseconds since 1970."""
        if self.kind == "fixed":
            return starts + positions * self.step
        time_of_day = starts % DAY_NS
        if self.kind == "business":
            days = np.busday_offset(_days(starts), positions, roll="forward")
        else:
            days = self.days_in((_months(starts) + positions * self.step).astype("datetime64[M]"), starts)
        stamps: Int64 = days.astype("datetime64[ns]").astype(np.int64) + time_of_day
        return stamps

    def days_in(self, months: np.ndarray, starts: Int64) -> np.ndarray:
        """Return the grid point of each month as a day, `datetime64[D]`; only for steps of months."""
        first, length = months.astype("datetime64[D]").astype(np.int64), _month_length(months)
        if self.kind == "business_starts":
            return np.busday_offset(first.astype("datetime64[D]"), 0, roll="forward")
        last = first + length - 1
        if self.kind == "business_ends":
            return np.busday_offset(last.astype("datetime64[D]"), 0, roll="backward")
        days = last if self.kind == "month_ends" else first + np.minimum(_day_of_month(starts), length) - 1
        return days.astype("datetime64[D]")


def _days(timestamps: Int64) -> np.ndarray:
    return timestamps.astype("datetime64[ns]").astype("datetime64[D]")


def _months(timestamps: Int64) -> Int64:
    months: Int64 = timestamps.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    return months


def _month_length(months: np.ndarray) -> Int64:
    following = (months.astype(np.int64) + 1).astype("datetime64[M]")
    length: Int64 = (following.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    return length


def _day_of_month(timestamps: Int64) -> Int64:
    days = _days(timestamps)
    day: Int64 = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    return day


def _is_month_end(timestamps: Int64) -> Bool:
    last: Bool = _day_of_month(timestamps) == _month_length(_days(timestamps).astype("datetime64[M]"))
    return last


def parse_frequency(alias: str) -> Frequency:
    """Read a pandas offset alias: `15min`, `h`, `D`, `B`, `W`, `MS`, `ME`, `QE`, ...

    The first row is the anchor. `W` counts weeks from it; `MS`, `QS`, `YS` count months on its day of the month. `ME`,
    `QE`, `YE` need the last day of the month, `BMS` and `BME` the first and the last weekday.

    Raises:
        ParameterError: An unknown alias.

    """
    match = _ALIAS.fullmatch(alias)
    count, unit = (int(match[1] or 1), match[2]) if match else (0, "")
    if unit in _FIXED_UNITS and 1 <= count <= _LONGEST_STEP // _FIXED_UNITS[unit]:
        return Frequency("fixed", count * _FIXED_UNITS[unit], alias)
    if unit in _MONTH_UNITS and 1 <= count <= 1_200:
        kind = _MONTH_KINDS[unit.replace(unit[-2], "")]
        return Frequency(kind, count * _MONTH_UNITS[unit], alias)
    if count == 1 and unit == "B":
        return Frequency("business", 1, alias)
    allowed = ", ".join([*_FIXED_UNITS, "B", *_MONTH_UNITS])
    raise ParameterError(
        f"parameter 'freq' is '{alias}'; a pandas offset is needed: {allowed}, or a multiple like 15min"
    )


def infer_frequency(series: Int64, timestamps: Int64) -> Frequency:
    """Return the most frequent step within series as the frequency.

    Steps of a month or more are calendar months if they always fall on the same day of the month, or on the last day,
    or on the first or last weekday. Single days that never fall on a weekend are business days.

    Args:
        series: Series number of every row, shape `(rows,)`, sorted.
        timestamps: Nanoseconds since 1970, sorted within series.

    Raises:
        InsufficientDataError: No series has two rows.

    """
    inside = np.diff(series) == 0
    steps = np.diff(timestamps)[inside]
    if not len(steps):
        raise InsufficientDataError("the table has no series of two rows or more; give more history, or freq=...")
    step = most_frequent(steps)
    if step >= 28 * DAY_NS:
        months = most_frequent(np.diff(_months(timestamps))[inside])
        for kind, end in _month_kinds(timestamps):
            return Frequency(kind, months, _month_alias(months, end))
    if step == DAY_NS and np.is_busday(_days(timestamps)).all() and np.count_nonzero(steps == 3 * DAY_NS) >= 2:
        return Frequency("business", 1, "B")
    return Frequency("fixed", step, _fixed_alias(step))


def _month_kinds(timestamps: Int64) -> Iterator[tuple[MonthKind, str]]:
    """Yield the kinds of months that fit all timestamps, with the ends of their aliases."""
    days = _days(timestamps)
    months = days.astype("datetime64[M]")
    if _is_month_end(timestamps).all():
        yield "month_ends", "E"
    if np.all(_day_of_month(timestamps) == _day_of_month(timestamps[:1])):
        yield "months", "S"
    weekdays: tuple[tuple[MonthKind, str], ...] = (("business_ends", "BE"), ("business_starts", "BS"))
    yield from (
        (kind, end)
        for kind, end in weekdays
        if np.array_equal(Frequency(kind, 1, "").days_in(months, timestamps), days)
    )


def most_frequent(steps: Int64) -> int:
    """Return the most frequent value, the smallest if several are equally frequent."""
    if steps.min() == steps.max():  # faster than the sort below, and long tables are mostly regular
        return int(steps[0])
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])


def _fixed_alias(step: int) -> str:
    unit = next(unit for unit, length in _FIXED_UNITS.items() if step % length == 0)
    return _alias(step // _FIXED_UNITS[unit], unit)


def _month_alias(months: int, end: str) -> str:
    length, unit = next((length, unit) for length, unit in ((12, "Y"), (3, "Q"), (1, "M")) if months % length == 0)
    return _alias(months // length, f"{end[:-1]}{unit}{end[-1]}")


def _alias(count: int, unit: str) -> str:
    return unit if count == 1 else f"{count}{unit}"
