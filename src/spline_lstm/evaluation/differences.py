"""Differences between forecasts: a score to rank them, and a test whether a difference is more than chance.

The test is a paired block bootstrap (H. R. Künsch, "The jackknife and the bootstrap for general stationary
observations", Annals of Statistics 17(3), 1989). The errors of neighbouring windows overlap and drift together, so
whole blocks of time, each at least a horizon long, are drawn with replacement, the same for both forecasts. If there
are at least five series, series are drawn too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Float64, Int64

LEVEL = 5e-4
"""Relative difference up to which two errors count as level if there is too little data for the test."""

_MOST_BLOCKS, _MOST_GROUPS = 60, 20
_ENOUGH = 5
"""With fewer blocks of time, or series, than this, none are drawn."""
_DRAWS = 1_000
_CHANCE = 0.05


@dataclass(frozen=True)
class Difference:
    """The error of one forecast relative to that of another.

    Attributes:
        ratio: Root mean squared error divided by the other's; over several targets the geometric mean.
        low: Lower end of the interval of the ratio on other periods of the same length, with a probability of 95 % for
            all comparisons together; None if there is too little data.
        high: As `low`, the upper end.

    """

    ratio: float
    low: float | None = None
    high: float | None = None

    @property
    def is_level(self) -> bool:
        """Whether the difference may be chance."""
        if self.low is None or self.high is None:
            return bool(abs(self.ratio - 1) <= LEVEL)
        return self.low <= 1 <= self.high


def typical_rmse(scores: Mapping[str, Any]) -> float:
    """Return the geometric mean of the targets' RMSE.

    Its ratio between two forecasts does not depend on the targets' units, so no target counts for more than another;
    of one target it is the RMSE itself (Fleming and Wallace, "How not to lie with statistics: the correct way to
    summarize benchmark results", Communications of the ACM 29(3), 1986).

    Args:
        scores: Result of `metrics.score`; targets without an observed value do not count.

    """
    found = [each["rmse"] for each in scores["per_target"].values() if each["rmse"] is not None]
    return float(found[0]) if len(found) == 1 else float(np.exp(np.mean(np.log(np.maximum(found, 1e-300)))))


def make_blocks(model_input: ModelInput, windows: Int64, forecasts: Mapping[str, Float64]) -> dict[str, Any]:
    """Sum up the squared errors of every group of series and block of time.

    Args:
        model_input: Preprocessed data.
        windows: Window numbers.
        forecasts: Name to forecasts in the target's unit, `(windows, horizon, F_target)`.

    Returns:
        `shape`, `(groups, blocks, F_target)`; `steps` of a block; `counts` of observed values and, by name,
        `squared_errors`, all flat. A group is one series; more than 20 series are joined into fewer groups, and fewer
        than five series are one group.

    """
    truth, mask = model_input.truth(windows)
    block, steps = _time_blocks(model_input, windows)
    tested, series = np.unique(model_input.window_series[windows], return_inverse=True)
    groups = min(len(tested), _MOST_GROUPS) if len(tested) >= _ENOUGH else 1
    shape = groups, int(block.max(initial=0)) + 1, truth.shape[2]
    places = (series % groups) * shape[1] + block

    def total(values: Float64) -> list[float]:
        by_window = values.sum(axis=1)
        sums = [np.bincount(places, column, shape[0] * shape[1]) for column in by_window.T]
        return [float(number) for number in np.stack(sums, axis=1).ravel()]

    squares = {name: total(np.where(mask, np.square(made - truth), 0.0)) for name, made in forecasts.items()}
    return {"shape": list(shape), "steps": steps, "counts": total(mask.astype(np.float64)), "squared_errors": squares}


def _time_blocks(model_input: ModelInput, windows: Int64) -> tuple[Int64, int]:
    """Return the block of time of every window, by its origin, and the steps of a block."""
    stamps = np.unique(model_input.row_timestamp[model_input.window_origin[windows]])
    step = np.diff(stamps).min(initial=np.iinfo(np.int64).max) if len(stamps) > 1 else 1
    passed = (model_input.row_timestamp[model_input.window_origin[windows]] - stamps[0]) // step
    steps = max(model_input.horizon, -(-(int(passed.max(initial=0)) + 1) // _MOST_BLOCKS))
    return passed // steps, steps


def compare(part: Mapping[str, Any], other: str, *, comparisons: int = 1, target: int | None = None) -> Difference:
    """Compare the model with a baseline on one part.

    Args:
        part: Result of `scores.evaluate` for this part.
        other: Name of the baseline.
        comparisons: Number of comparisons made together; more widen the interval (Bonferroni).
        target: Number of a target, to compare this target alone.

    """
    names = list(part["model"]["per_target"])
    chosen = names if target is None else [names[target]]
    ratio = typical_rmse(_of_targets(part["model"], chosen)) / max(
        typical_rmse(_of_targets(part["baselines"][other], chosen)), 1e-300
    )
    if "blocks" not in part:  # of an earlier version
        return Difference(ratio)
    blocks = part["blocks"]
    model, baseline = (block_errors(blocks, name) for name in ("model", other))
    return draw_difference(ratio, model, baseline, blocks, comparisons=comparisons, target=target)


def _of_targets(scores: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {"per_target": {name: scores["per_target"][name] for name in names}}


def block_errors(blocks: Mapping[str, Any], name: str) -> Float64:
    """Return the summed squared errors of a forecast, `(groups, blocks, F_target)`."""
    return np.array(blocks["squared_errors"][name], dtype=np.float64).reshape(blocks["shape"])


def draw_difference(
    ratio: float,
    errors: Float64,
    others: Float64,
    blocks: Mapping[str, Any],
    *,
    comparisons: int = 1,
    target: int | None = None,
) -> Difference:
    """Estimate how a ratio of errors varies over other periods and series.

    Args:
        ratio: The measured ratio.
        errors: Summed squared errors of a forecast, `(groups, blocks, F_target)`.
        others: Those of the other forecast.
        blocks: Result of `make_blocks`.
        comparisons: Number of comparisons made together.
        target: Number of a target, to compare this target alone.

    """
    counts = np.array(blocks["counts"], dtype=np.float64).reshape(blocks["shape"])
    seen = counts.sum(axis=(0, 1)) > 0
    if target is not None:
        seen &= np.arange(len(seen)) == target
    used_groups, used_blocks = counts.any(axis=(1, 2)), counts.any(axis=(0, 2))
    kept = np.ix_(used_groups, used_blocks, seen)
    groups, times = int(used_groups.sum()), int(used_blocks.sum())
    if max(groups, times) < _ENOUGH or not seen.any():
        return Difference(ratio)
    random = np.random.default_rng(0)
    of_groups, of_times = (_draw(random, count) for count in (groups, times))
    drawn, drawn_others = (
        np.einsum("rg,rb,gbt->rt", of_groups, of_times, sums[kept], optimize=True) for sums in (errors, others)
    )
    ratios = np.exp(np.mean(np.log(np.maximum(drawn, 1e-300)) - np.log(np.maximum(drawn_others, 1e-300)), axis=1) / 2)
    low, high = np.quantile(ratios, [_CHANCE / comparisons / 2, 1 - _CHANCE / comparisons / 2])
    return Difference(ratio, float(low), float(high))


def _draw(random: np.random.Generator, count: int) -> Float64:
    """Return how often each item is drawn, `(draws, count)`; always once if there are too few."""
    if count < _ENOUGH:
        return np.ones((_DRAWS, count))
    return random.multinomial(count, np.full(count, 1 / count), _DRAWS).astype(np.float64)
