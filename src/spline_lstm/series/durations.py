"""Lengths of time in seconds, or with `_NS` in nanoseconds, the unit of timestamps."""

HOUR = 3_600
DAY = 24 * HOUR
WEEK = 7 * DAY
YEAR = 365 * DAY
SECOND_NS = 1_000_000_000
DAY_NS = DAY * SECOND_NS
YEAR_NS = YEAR * SECOND_NS
