"""Intervals of one series on a device: they follow its errors with a few numbers for each step, without a refit.

    running = RunningIntervals(intervals, scale=[9.8], series="JFK")
    running.observe(truth, seconds)      # each step, before the forecast of that step
    running.remember(forecast)           # each forecast, in the target's unit
    running.quantiles(forecast)          # the same forecast with its quantiles

`intervals` has the content of `intervals.json`. The state is `running.errors`; save it with the state of the device.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spline_lstm.evaluation.error_cycle import UsualErrors
from spline_lstm.evaluation.quantiles import QuantileRule
from spline_lstm.evaluation.running_errors import RunningErrors, add_errors
from spline_lstm.series.durations import SECOND_NS
from spline_lstm.types import Float64


class RunningIntervals:
    """The running errors of one series, and its forecasts without a known truth."""

    def __init__(self, intervals: Mapping[str, Any], scale: Sequence[float], series: str | None = None) -> None:
        """Begin with the running errors at the end of the run's table, or for a new series with the pooled errors.

        Args:
            intervals: The content of `intervals.json`.
            scale: The `scale` of each target; that of the series if each series has its own.
            series: Its name.

        """
        targets = list(intervals["targets"].values())
        pooled = np.array([target["pooled"] for target in targets]).T
        states = [target["series"].get(series) for target in targets]
        mean, count = pooled, np.ones(pooled.shape, dtype=np.int64)
        if all(states):
            mean, count = (np.array([state[name] for state in states]).T for name in ("mean", "count"))
        self.errors = RunningErrors(mean, count)
        self.rule = QuantileRule.read(intervals)
        self._usual = UsualErrors.read(intervals, [series])
        self._ahead = np.ones(pooled.shape)
        self._half_life = intervals["half_life"]
        self._scale = np.asarray(scale, dtype=np.float64)
        self._forecasts: deque[tuple[Float64, Float64]] = deque(maxlen=len(pooled))

    def observe(self, truth: Sequence[float], seconds: float | None = None) -> None:
        """Update the running errors with the next step.

        Args:
            truth: Its targets, `(targets,)` in their own unit; NaN where nothing was observed.
            seconds: Its time, in seconds since 1970 in UTC; needed if `intervals` has a `cycle`.

        Raises:
            ValueError: The time is needed but missing.

        """
        size, steps = np.full(self.errors.mean.shape, np.nan), range(len(self._forecasts))
        for step in steps:
            made, usual = self._forecasts[-1 - step]
            size[step] = np.abs(np.asarray(truth) - made[step]) / self._scale / usual[step]
        known = ~np.isnan(size)
        self.errors = add_errors(self.errors, np.where(known, size, 0.0), known, self._half_life)
        self._ahead = self._usual_after(seconds)
        self._forecasts.append((np.full(size.shape, np.nan), self._ahead))

    def _usual_after(self, seconds: float | None) -> Float64:
        """Return the usual errors of the steps after a time, `(horizon, targets)`."""
        if self._usual is None:
            return self._ahead
        if seconds is None:
            raise ValueError("errors have usual sizes by the hour or the weekday here, so the time of a step is needed")
        time = np.array([round(seconds * SECOND_NS)])
        ahead: Float64 = self._usual.at(np.zeros(1, dtype=np.int64), time, len(self._ahead))[0]
        return ahead

    def remember(self, forecast: Float64) -> None:
        """Keep the forecast made at the last step, `(horizon, targets)`, to compare it with the coming truth."""
        if self._forecasts:
            self._forecasts.pop()
        self._forecasts.append((forecast, self._ahead))

    def quantiles(self, forecast: Float64) -> dict[float, Float64]:
        """Return the quantiles of a forecast by probability, `(horizon, targets)`; infinite with too few errors."""
        spread = self.rule.spread(self.errors.mean[None], self._scale[None]) * self._ahead
        return {share: self.rule.quantile(share, forecast[None], spread)[0] for share in self.rule.probabilities}
