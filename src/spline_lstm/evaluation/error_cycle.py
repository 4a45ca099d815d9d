"""The usual size of errors at each hour of the day, or on each day of the week.

For example, few people pass a sensor at night, so night forecasts have small errors. The width of intervals then
depends on the hour, and running errors take each error relative to the usual one of its hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from spline_lstm.series.durations import DAY, HOUR, SECOND_NS, WEEK
from spline_lstm.types import Bool, Float64, Int64

MOST_PARTS = DAY // HOUR
_LEAST = 0.2
"""Least usual error: a quiet hour of validation may have larger errors later, which would then count too much."""
_PRIOR = 2
"""Weight of the shrinkage in errors, as a multiple of the horizon."""


@dataclass(frozen=True)
class Cycle:
    """The parts of a cycle, counted from the beginning of 1970, in UTC.

    Attributes:
        part_seconds: Length of a part.
        parts: Number of parts of a cycle.
        step_seconds: Length of a step of the series.

    """

    part_seconds: int
    parts: int
    step_seconds: float

    @classmethod
    def of_step(cls, step_seconds: float) -> Self | None:
        """Return hours of a day for shorter steps in whole seconds, days of a week for days, and None for others."""
        if 0 < step_seconds < DAY and step_seconds % 1 == 0:
            return cls(HOUR, MOST_PARTS, step_seconds)
        return cls(DAY, WEEK // DAY, step_seconds) if step_seconds == DAY else None

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.parts * self.part_seconds

    def parts_of(self, origin: Int64, horizon: int) -> Int64:
        """Return the part of each step after an origin.

        Args:
            origin: Nanoseconds since 1970, `(windows,)`.
            horizon: Number of steps.

        Returns:
            Shape `(windows, horizon)`.

        """
        ahead = np.round(np.arange(1, horizon + 1) * self.step_seconds * SECOND_NS).astype(np.int64)
        parts: Int64 = (origin[:, None] + ahead) // (self.part_seconds * SECOND_NS) % self.parts
        return parts


@dataclass(frozen=True)
class UsualErrors:
    """Usual absolute errors of each series in each part of a cycle, relative to their mean.

    Attributes:
        cycle: The parts.
        shares: `(series, parts, F_target)`.
        pooled: Those of an unknown series, `(parts, F_target)`.

    """

    cycle: Cycle
    shares: Float64
    pooled: Float64

    @classmethod
    def read(cls, intervals: Mapping[str, Any], names: Sequence[str | None]) -> Self | None:
        """Read those of some series from the content of `intervals.json`; None stands for a new series."""
        if not intervals.get("cycle"):
            return None
        targets = list(intervals["targets"].values())
        shares = [[target["series"].get(name, target)["usual"] for target in targets] for name in names]
        cycle, of_all = Cycle(**intervals["cycle"]), np.array([target["usual"] for target in targets]).T
        return cls(cycle, np.moveaxis(np.reshape(shares, (len(names), len(targets), cycle.parts)), 1, 2), of_all)

    def at(self, series: Int64, origin: Int64, horizon: int) -> Float64:
        """Return the share of each step after an origin, `(windows, horizon, F_target)`; see `Cycle.parts_of`."""
        return self.shares[series[:, None], self.cycle.parts_of(origin, horizon)]


def usual_at(usual: UsualErrors | None, series: Int64, origin: Int64, horizon: int) -> Float64:
    """Return the shares of each step after an origin, or ones, `(1, 1, 1)`, without usual errors."""
    return np.ones((1, 1, 1)) if usual is None else usual.at(series, origin, horizon)


class ErrorSums:
    """Sums of absolute errors by series, part of the cycle and target, which give the usual errors."""

    def __init__(self, cycle: Cycle, series: int, targets: int) -> None:
        """Begin without errors."""
        self._cycle = cycle
        self._sums = np.zeros((2, series * cycle.parts, targets))
        self._horizon = 1

    def add(self, size: Float64, known: Bool, series: Int64, origin: Int64) -> None:
        """Add absolute errors, divided by the mean one of their step.

        Args:
            size: The errors, `(windows, horizon, F_target)`.
            known: Where the truth was observed.
            series: Series number of each window, `(windows,)`.
            origin: Time of each origin, in nanoseconds since 1970.

        """
        self._horizon = size.shape[1]
        cells = series[:, None] * self._cycle.parts + self._cycle.parts_of(origin, self._horizon)
        for target in range(size.shape[2]):
            seen = known[:, :, target]
            for sums, values in zip(self._sums, (size[:, :, target][seen], None), strict=True):
                sums[:, target] += np.bincount(cells[seen], values, len(sums))

    def usual_errors(self) -> UsualErrors:
        """Return the usual errors: those of a series are shrunk towards those of all, and these towards their mean."""
        sums, counts = self._sums.reshape(2, -1, self._cycle.parts, self._sums.shape[2])
        mean = sums.sum(axis=1, keepdims=True) / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        relative = sums / np.where(mean > 0, mean, 1.0)
        prior = _PRIOR * self._horizon
        of_all = (relative.sum(axis=0) + prior) / (counts.sum(axis=0) + prior)
        shares = (relative + prior * of_all) / (counts + prior)
        return UsualErrors(self._cycle, np.maximum(shares, _LEAST), np.maximum(of_all, _LEAST))
