"""Intervals of one series on a device, which follow its errors: a few numbers for each step, and no refit.

    running = RunningIntervals(intervals, scale=[9.8], series="JFK")
    running.observe(truth)               # each step, before the forecast of that step
    running.remember(forecast)           # each forecast, in the target's unit
    running.quantiles(forecast)          # the same forecast with its quantiles

`intervals` is what `intervals.json` holds. The state is `running.errors`; save it with the device's own.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spline_lstm.evaluation.quantiles import QuantileRule
from spline_lstm.evaluation.running_errors import RunningErrors, add_errors
from spline_lstm.types import Float64


class RunningIntervals:
    """The running errors of one series, and the forecasts whose truth is not known yet."""

    def __init__(self, intervals: Mapping[str, Any], scale: Sequence[float], series: str | None = None) -> None:
        """Begin with what the run knew of the series at the end of its table, else with the pooled errors.

        Args:
            intervals: The content of `intervals.json`.
            scale: The `scale` of each target, or of the series' targets where each series has its own.
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
        self._half_life = intervals["half_life"]
        self._scale = np.asarray(scale, dtype=np.float64)
        self._forecasts: deque[Float64] = deque(maxlen=len(pooled))

    def observe(self, truth: Sequence[float]) -> None:
        """Take in the targets of the next step, `(targets,)` in their own unit; NaN where nothing was observed."""
        size, steps = np.full(self.errors.mean.shape, np.nan), range(len(self._forecasts))
        for step in steps:
            made = self._forecasts[-1 - step]
            size[step] = np.abs(np.asarray(truth) - made[step]) / self._scale
        known = ~np.isnan(size)
        self.errors = add_errors(self.errors, np.where(known, size, 0.0), known, self._half_life)
        self._forecasts.append(np.full(size.shape, np.nan))

    def remember(self, forecast: Float64) -> None:
        """Keep the forecast that was made at the last step, `(horizon, targets)`, to compare it with what comes."""
        if not self._forecasts:
            self._forecasts.append(forecast)
        self._forecasts[-1] = forecast

    def quantiles(self, forecast: Float64) -> dict[float, Float64]:
        """Return probability to quantile, `(horizon, targets)`, of a forecast; infinite where too little was known."""
        spread = self.rule.spread(self.errors.mean[None], self._scale[None])
        return {share: self.rule.quantile(share, forecast[None], spread)[0] for share in self.rule.probabilities}
