"""How the quantiles of a forecast are learnt from its errors on validation.

By split conformal calibration (J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani and L. Wasserman, "Distribution-free
predictive inference for regression", Journal of the American Statistical Association 113(523), 2018): of n errors, the
`ceil((n + 1) * p)`-th smallest is at or above a further one with a probability of at least p, if all are exchangeable.
The errors are relative to the running error that was known at their origin, and pooled over all series. They have
signs, so intervals reach further to the side where the errors do. With `split` the running error never changes: plain
split conformal calibration for each target and step, as in K. Stankevičiūtė, A. Alaa and M. van der Schaar, "Conformal
time-series forecasting", NeurIPS 34, 2021.

Windows of one series overlap and drift, so exchangeability holds only roughly: the coverage on test says how well.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from spline_lstm.evaluation.intervals import Intervals, QuantileSpec, SeriesState, TargetIntervals
from spline_lstm.evaluation.quantiles import QuantileRule, ends_of, keep_above, probabilities_of
from spline_lstm.evaluation.running_errors import Forecasts, RunningErrors, follow_errors, start_running
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float64, Int64

HALF_LIVES: tuple[int | None, ...] = (24, 48, 96)
"""Candidates, the quickest first."""
MOST_WINDOWS = 100_000
"""Windows that quantiles are learnt from, and that are followed at once; a series stays whole."""
_ENOUGH_HORIZONS = 10
"""Horizons that validation has windows for, from which running errors are more than noise."""
_AS_GOOD = 1.005
"""Winkler score, relative to the best candidate's, up to which a quicker one is taken: it is ready for drift."""


@dataclass(frozen=True)
class Calibration:
    """What was learnt of the errors of one forecast on validation and followed through test.

    Attributes:
        rule: How quantiles follow from forecasts and running errors.
        half_life: Of the running errors; None keeps them as they are.
        spread: Running errors at the origin of each test window, in the target's unit, `(windows, horizon, F_target)`.
        end: The running errors of all series when the truth of all forecasts is known, scaled.

    """

    rule: QuantileRule
    half_life: int | None
    spread: Float64
    end: RunningErrors


def calibrate(
    model_input: ModelInput,
    made: dict[str, Float64],
    spec: QuantileSpec,
    levels: tuple[float, ...],
    half_lives: tuple[int | None, ...] = HALF_LIVES,
    *,
    nonnegative: bool = False,
) -> Calibration:
    """Learn the quantiles of a forecast on validation, and follow its errors from there through test.

    Args:
        model_input: Preprocessed data.
        made: Forecasts of all windows of `val` and `test`, `(windows, horizon, F_target)`, in the target's unit.
        spec: The method and the quantiles.
        levels: Of the intervals.
        half_lives: Candidates, the quickest first, of which the adaptive method takes one; none where validation has
            fewer windows than ten horizons have steps.
        nonnegative: Whether no quantile may be below zero, even of a target that is never zero before test.

    """
    val = model_input.windows_of(1)
    probabilities = probabilities_of(levels, spec.quantiles)
    chosen = _draw_series(model_input.window_series[val])
    error, followed = _errors(model_input, val[chosen], made["val"][chosen])
    pooled = _pooled(error, followed.known)
    start = start_running(pooled, len(model_input.series_names))
    floored = _reach_zero(model_input) | nonnegative
    fits = []
    stays = spec.interval_method == "split" or len(val) < _ENOUGH_HORIZONS * model_input.horizon
    for half_life in (None,) if stays else half_lives:
        mean = keep_above(follow_errors(followed, start, half_life)[0], pooled)
        rule = QuantileRule(probabilities, fit_multiples(error / mean, followed.known, probabilities), pooled, floored)
        fits.append((half_life, rule, _winkler(rule, error, mean, followed.known, levels)))
    half_life, rule = _quickest(fits)
    return Calibration(rule, half_life, *_follow(model_input, made, rule, start, half_life))


def _draw_series(series: Int64) -> Bool:
    """Choose the windows to learn from, whole series of them: all, or those of as many series as give enough."""
    numbers, counts = np.unique(series, return_counts=True)
    order = np.random.default_rng(0).permutation(len(numbers))
    enough = np.cumsum(counts[order]) - counts[order] < MOST_WINDOWS
    return np.isin(series, numbers[order[enough]])


def _follow(
    model_input: ModelInput,
    made: dict[str, Float64],
    rule: QuantileRule,
    running: RunningErrors,
    half_life: int | None,
) -> tuple[Float64, RunningErrors]:
    """Follow the errors through validation and test, some series at a time; see `Calibration`."""
    forecast = {1: made["val"], 2: made["test"]}
    windows = np.flatnonzero(model_input.window_split > 0)
    place = np.empty(len(model_input.window_split), dtype=np.int64)
    for number, values in forecast.items():
        place[model_input.windows_of(number)] = np.arange(len(values))
    mean, count, spread = running.mean.copy(), running.count.copy(), np.empty_like(made["test"])
    for chunk in _chunks(model_input.window_series[windows]):
        rows = windows[chunk]
        split = model_input.window_split[rows]
        of_chunk = np.empty((len(rows), *spread.shape[1:]))
        for number, values in forecast.items():
            of_chunk[split == number] = values[place[rows[split == number]]]
        known, end = follow_errors(_errors(model_input, rows, of_chunk)[1], running, half_life)
        test = rows[split == 2]
        spread[place[test]] = rule.spread(known[split == 2], model_input.target_scaling(test)[1])
        of = np.unique(model_input.window_series[rows])
        mean[of], count[of] = end.mean[of], end.count[of]
    return spread, RunningErrors(mean, count)


def _chunks(series: Int64) -> list[slice]:
    """Cut sorted windows into pieces of whole series, of about `MOST_WINDOWS` or one series."""
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    piece = starts // MOST_WINDOWS
    borders = [*starts[np.flatnonzero(np.diff(piece, prepend=-1))].tolist(), len(series)]
    return [slice(start, end) for start, end in itertools.pairwise(borders)]


def _errors(model_input: ModelInput, windows: Int64, forecast: Float64) -> tuple[Float64, Forecasts]:
    """Truth minus forecast in scaled units, with sign, and as what running errors follow."""
    truth, mask = model_input.truth(windows)
    error = (truth - forecast) / model_input.target_scaling(windows)[1][:, None]
    return error, Forecasts(np.abs(error), mask, model_input.window_series[windows], model_input.window_origin[windows])


def _pooled(error: Float64, mask: Bool) -> Float64:
    """Mean absolute error over all series, `(horizon, F_target)`; one where it is zero or nothing was observed."""
    mean = np.where(mask, np.abs(error), 0.0).sum(axis=0) / np.maximum(mask.sum(axis=0), 1)
    return np.where(mean > 0, mean, 1.0)


def _reach_zero(model_input: ModelInput) -> Bool:
    """Tell whether zero is the lowest value of each target before test: it is then its floor, as for counts."""
    rows = (model_input.row_split < 2)[:, None] & ~model_input.is_imputed
    lowest: Float64 = np.min(model_input.raw_target, axis=0, where=rows, initial=np.inf)
    return np.equal(lowest, 0.0)


def fit_multiples(relative: Float64, mask: Bool, probabilities: tuple[float, ...]) -> Float64:
    """Calibrate the quantiles of relative errors.

    Args:
        relative: Truth minus forecast over the running error, `(windows, horizon, F_target)`.
        mask: What was observed, of the same shape; the rest does not count.
        probabilities: Of the quantiles.

    Returns:
        `(probabilities, horizon, F_target)`; infinite where too little was observed for one.

    """
    ordered = np.sort(np.where(mask, relative, np.inf), axis=0)
    count = mask.sum(axis=0)
    result = np.empty((len(probabilities), *count.shape))
    for at, share in enumerate(probabilities):
        # Rounding first keeps 0.95 * 20 from rising a hair above 19; below the median the rank counts from above.
        exact = np.round((count + 1) * share, 9)
        rank = (np.floor(exact) if share < 0.5 else np.ceil(exact)).astype(np.int64)
        found = np.take_along_axis(ordered, np.clip(rank, 1, len(ordered))[None] - 1, axis=0)[0]
        result[at] = np.where((rank >= 1) & (rank <= count), found, -np.inf if share < 0.5 else np.inf)
    return result


def _winkler(rule: QuantileRule, error: Float64, mean: Float64, mask: Bool, levels: tuple[float, ...]) -> Float64:
    """Mean Winkler score of each level on the windows that were learnt from; infinite where a bound is."""
    scores = []
    for level in levels:
        low, high = (rule.multiples[rule.probabilities.index(end)] * mean for end in ends_of(level))
        scores.append(np.mean(winkler(error, low, high, level)[mask]))
    return np.array(scores)


def winkler(truth: Float64, low: Float64, high: Float64, level: float) -> Float64:
    """Score intervals: their width, and `2 / (1 - level)` times what they miss (R. L. Winkler, 1972)."""
    missed = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    result: Float64 = high - low + 2 / (1 - level) * missed
    return result


def _quickest(fits: list[tuple[int | None, QuantileRule, Float64]]) -> tuple[int | None, QuantileRule]:
    """Return the quickest candidate that is as good as the best, over all levels."""
    scores = np.array([score for *_, score in fits])
    finite = np.isfinite(scores).all(axis=0) & (scores > 0).all(axis=0)
    relative = (scores[:, finite] / scores[:, finite].min(axis=0)).mean(axis=1) if finite.any() else np.ones(len(fits))
    half_life, rule, _ = fits[int(np.argmax(relative <= _AS_GOOD * relative.min()))]
    return half_life, rule


def to_intervals(
    found: Calibration, model_input: ModelInput, spec: QuantileSpec, levels: tuple[float, ...], names: dict[str, str]
) -> Intervals:
    """Put what was learnt into the form of `intervals.json`; `names` are its ids and the hash of the model."""
    return Intervals(
        **names,
        interval_method=spec.interval_method,
        windows=len(model_input.windows_of(1)),
        half_life=found.half_life,
        levels=levels,
        probabilities=found.rule.probabilities,
        quantiles=spec.quantiles,
        targets={name: _target(found, model_input, at) for at, name in enumerate(model_input.target_names)},
    )


def _target(found: Calibration, model_input: ModelInput, at: int) -> TargetIntervals:
    tested = np.unique(model_input.window_series[model_input.window_split > 0])
    return TargetIntervals(
        nonnegative=bool(found.rule.nonnegative[at]),
        pooled=tuple(found.rule.pooled[:, at].tolist()),
        multiples=tuple(tuple(_finite(value) for value in row) for row in found.rule.multiples[:, :, at].tolist()),
        series={
            model_input.series_names[number]: SeriesState(
                mean=tuple(found.end.mean[number, :, at].tolist()), count=tuple(found.end.count[number, :, at].tolist())
            )
            for number in tested
        },
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
