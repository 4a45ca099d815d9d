"""Calendar features: smooth functions of the timestamp, known for any future step."""

from collections.abc import Callable

import numpy as np

from spline_lstm.series.durations import DAY_NS, SECOND_NS
from spline_lstm.types import Float64, Int64

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday counts 0


def _day_fraction(timestamps: Int64) -> Float64:
    return (timestamps % DAY_NS) / DAY_NS


def _hour_fraction(timestamps: Int64) -> Float64:
    return (timestamps % (3_600 * SECOND_NS)) / (3_600 * SECOND_NS)


def _week_fraction(timestamps: Int64) -> Float64:
    return ((timestamps // DAY_NS + _EPOCH_WEEKDAY) % 7) / 7


def _month_fraction(timestamps: Int64) -> Float64:
    months = timestamps.astype("datetime64[ns]").astype("datetime64[M]")
    return (months.astype(np.int64) % 12) / 12


def _year_fraction(timestamps: Int64) -> Float64:
    """Share of the mean Gregorian year (365.2425 days) passed since 1 January."""
    years = timestamps.astype("datetime64[ns]").astype("datetime64[Y]").astype("datetime64[ns]")
    return (timestamps - years.astype(np.int64)) / (365.2425 * DAY_NS)


def _is_weekend(timestamps: Int64) -> Float64:
    return ((timestamps // DAY_NS + _EPOCH_WEEKDAY) % 7 >= 5).astype(np.float64)


def _sine(fraction: Callable[[Int64], Float64]) -> Callable[[Int64], Float64]:
    return lambda timestamps: _wave(np.sin, fraction(timestamps))


def _cosine(fraction: Callable[[Int64], Float64]) -> Callable[[Int64], Float64]:
    return lambda timestamps: _wave(np.cos, fraction(timestamps))


def _wave(function: np.ufunc, fraction: Float64) -> Float64:
    fraction *= 2 * np.pi  # in place: tables are long
    function(fraction, out=fraction)
    return fraction


CALENDAR_FEATURES: dict[str, Callable[[Int64], Float64]] = {
    "minute_sin": _sine(_hour_fraction),
    "minute_cos": _cosine(_hour_fraction),
    "hour_sin": _sine(_day_fraction),
    "hour_cos": _cosine(_day_fraction),
    "dow_sin": _sine(_week_fraction),
    "dow_cos": _cosine(_week_fraction),
    "month_sin": _sine(_month_fraction),
    "month_cos": _cosine(_month_fraction),
    "year_sin": _sine(_year_fraction),
    "year_cos": _cosine(_year_fraction),
    "is_weekend": _is_weekend,
}
"""Feature name to function of timestamps (nanoseconds since 1970, UTC); all lie within [-1, 1]."""

ANNUAL_FEATURES = frozenset({"month_sin", "month_cos", "year_sin", "year_cos"})
"""Features that repeat once a year: with less than a year of training data they mislead."""
