"""Calibration: the quantiles of a forecast are learnt from its errors on validation.

The method is split conformal calibration (J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani and L. Wasserman,
"Distribution-free predictive inference for regression", Journal of the American Statistical Association 113(523),
2018): of n errors, the `ceil((n + 1) * p)`-th smallest is at least as large as the next error with a probability of at
least p, if all errors are exchangeable. The errors are divided by the running error known at their origin and pooled
over all series. They keep their signs, so intervals reach further to the side with larger errors. With `split` the
running error never changes: plain split conformal calibration for each target and step, as in K. Stankevičiūtė, A. Alaa
and M. van der Schaar, "Conformal time-series forecasting", NeurIPS 34, 2021. Windows of one series overlap and drift,
so the errors are only roughly exchangeable: the coverage on test shows how well the intervals hold.
"""

import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from spline_lstm.evaluation.error_cycle import Cycle, ErrorSums, UsualErrors
from spline_lstm.evaluation.intervals import CycleSpec, Intervals, QuantileSpec, SeriesState, TargetIntervals
from spline_lstm.evaluation.quantile_fit import Errors, Fitting, mean_size
from spline_lstm.evaluation.quantiles import QuantileRule, probabilities_of
from spline_lstm.evaluation.running_errors import RunningErrors, follow_errors, start_running
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float64, Int64

HALF_LIVES: tuple[int | None, ...] = (24, 48, 96)
"""Candidates, the fastest first."""
MOST_WINDOWS = 100_000
"""Most windows to learn quantiles from, and to follow at once; a series is never divided."""
_ENOUGH_HORIZONS = 10
"""With fewer validation windows than this many horizons, running errors are noise."""
_AS_GOOD = 1.005
"""A faster candidate is taken if its Winkler score is at most this multiple of the best: it follows drift sooner."""
_CLEARLY_BETTER = 0.97
"""Usual errors by the hour are used if the Winkler score is at most this multiple of the score without them."""


@dataclass(frozen=True)
class Calibration:
    """The rule learnt from one forecast's errors on validation, and the running errors through test.

    Attributes:
        rule: The rule that turns forecasts and running errors into quantiles.
        half_life: Half life of the running errors; None keeps them constant.
        spread: Running errors at the origin of each test window, in the target's unit, `(windows, horizon, F_target)`.
        end: The running errors of all series after the last known truth, scaled.
        usual: Usual size of errors by the hour or the weekday; None if it is not clear.

    """

    rule: QuantileRule
    half_life: int | None
    spread: Float64
    end: RunningErrors
    usual: UsualErrors | None = None

    @property
    def cycle_seconds(self) -> int | None:
        """Length of the cycle of usual errors."""
        return self.usual.cycle.seconds if self.usual else None


def calibrate(
    model_input: ModelInput,
    made: dict[str, Float64],
    spec: QuantileSpec,
    levels: tuple[float, ...],
    settled: Calibration | None = None,
    *,
    nonnegative: bool = False,
) -> Calibration:
    """Learn the quantiles of a forecast on validation, and follow its errors from there through test.

    Args:
        model_input: Preprocessed data.
        made: Forecasts of all windows of `val` and `test`, `(windows, horizon, F_target)`, in the target's unit.
        spec: The method and the quantiles.
        levels: Levels of the intervals.
        settled: Calibration of another forecast: its half life is taken over, and whether usual errors are used.
            Without it, the adaptive method decides; it keeps the widths constant if validation has fewer windows than
            ten horizons have steps.
        nonnegative: Whether no quantile may be below zero, even if the target is never zero before test.

    """
    val = model_input.windows_of(1)
    chosen = _draw_series(model_input.window_series[val])
    errors = _errors(model_input, val[chosen], made["val"][chosen])
    floored, series = _reach_zero(model_input) | nonnegative, len(model_input.series_names)
    fitting = Fitting(levels, probabilities_of(levels, spec.quantiles), floored, series)
    stays = spec.interval_method == "split" or len(val) < _ENOUGH_HORIZONS * model_input.horizon
    half_lives = (settled.half_life,) if settled else (None,) if stays else HALF_LIVES
    cycle = None if stays else Cycle.of_step(model_input.meta.get("step_seconds", 0))
    by_hour = cycle and (settled.usual if settled else _depends_on_the_hour(fitting, errors, half_lives, cycle))
    usual = None
    if cycle and by_hour:  # of all series, drawn or not
        chunks = _chunks(model_input.window_series[val])
        every = (_errors(model_input, val[chunk], made["val"][chunk]) for chunk in chunks)
        usual = _learn_usual(cycle, every, mean_size(errors.signed, errors.known), series)
    half_life, rule = _fit_quickest(fitting, errors, half_lives, usual)
    spread, end = _follow(model_input, made, rule, half_life, usual)
    return Calibration(rule, half_life, spread, end, usual)


def _draw_series(series: Int64) -> Bool:
    """Choose the windows to learn from: those of all series, or of enough whole series."""
    numbers, counts = np.unique(series, return_counts=True)
    order = np.random.default_rng(0).permutation(len(numbers))
    enough = np.cumsum(counts[order]) - counts[order] < MOST_WINDOWS
    return np.isin(series, numbers[order[enough]])


def _fit_quickest(
    fitting: Fitting, errors: Errors, half_lives: tuple[int | None, ...], usual: UsualErrors | None = None
) -> tuple[int | None, QuantileRule]:
    """Fit with each half life, and return the fastest that is as good as the best over all levels."""
    relative, size = errors.over(usual), errors.usual(usual)
    fits = [fitting.fit(relative, half_life) for half_life in half_lives]
    scores = np.array([fitting.score(fit, relative, usual=size) for fit in fits])
    finite = np.isfinite(scores).all(axis=0) & (scores > 0).all(axis=0)
    found = scores[:, finite]
    to_best = (found / found.min(axis=0)).mean(axis=1) if finite.any() else np.ones(len(fits))
    chosen = int(np.argmax(to_best <= _AS_GOOD * to_best.min()))
    return half_lives[chosen], fits[chosen].rule


def _depends_on_the_hour(fitting: Fitting, errors: Errors, half_lives: tuple[int | None, ...], cycle: Cycle) -> bool:
    """Tell whether usual errors, learnt from the first half of validation, improve the intervals of the second."""
    first, later = _halves(errors)
    if not first.any():
        return False
    half_life = half_lives[len(half_lives) // 2]
    plain = fitting.fit(errors, half_life, first)
    usual = _learn_usual(cycle, [errors.at(first)], plain.rule.pooled, fitting.series)
    relative = errors.over(usual)
    with_usual = fitting.score(fitting.fit(relative, half_life, first), relative, later, errors.usual(usual))
    without = fitting.score(plain, errors, later)
    scored = np.isfinite(with_usual) & np.isfinite(without) & (without > 0)
    return bool(scored.any() and (with_usual[scored] / without[scored]).mean() <= _CLEARLY_BETTER)


def _halves(errors: Errors) -> tuple[Bool, Bool]:
    """Return the windows in the first half of their series, and the later ones that share no truth with them."""
    start = np.searchsorted(errors.series, errors.series)
    middle = start + np.bincount(errors.series)[errors.series] // 2
    return np.arange(len(start)) < middle, errors.row >= errors.row[middle] + errors.horizon


def _learn_usual(cycle: Cycle, parts: Iterable[Errors], pooled: Float64, series: int) -> UsualErrors:
    """Learn the usual errors of every series; `pooled` is the mean absolute error of each step."""
    sums = ErrorSums(cycle, series, pooled.shape[1])
    for errors in parts:
        sums.add(np.abs(errors.signed) / pooled, errors.known, errors.series, errors.time)
    return sums.usual_errors()


def _follow(
    model_input: ModelInput,
    made: dict[str, Float64],
    rule: QuantileRule,
    half_life: int | None,
    usual: UsualErrors | None,
) -> tuple[Float64, RunningErrors]:
    """Follow the errors through validation and test, some series at a time; see `Calibration`."""
    forecast = {1: made["val"], 2: made["test"]}
    windows = np.flatnonzero(model_input.window_split > 0)
    place = np.empty(len(model_input.window_split), dtype=np.int64)
    for number, values in forecast.items():
        place[model_input.windows_of(number)] = np.arange(len(values))
    running = start_running(rule.pooled, len(model_input.series_names))
    mean, count, spread = running.mean.copy(), running.count.copy(), np.empty_like(made["test"])
    for chunk in _chunks(model_input.window_series[windows]):
        rows = windows[chunk]
        split = model_input.window_split[rows]
        of_chunk = np.empty((len(rows), *spread.shape[1:]))
        for number, values in forecast.items():
            of_chunk[split == number] = values[place[rows[split == number]]]
        errors = _errors(model_input, rows, of_chunk)
        known, end = follow_errors(errors.over(usual).followed, running, half_life)
        test = rows[split == 2]
        spread[place[test]] = rule.spread(known[split == 2], model_input.target_scaling(test)[1])
        spread[place[test]] *= errors.at(split == 2).usual(usual)
        of = np.unique(model_input.window_series[rows])
        mean[of], count[of] = end.mean[of], end.count[of]
    return spread, RunningErrors(mean, count)


def _chunks(series: Int64) -> list[slice]:
    """Cut sorted windows into pieces of whole series, of about `MOST_WINDOWS` or one series."""
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    piece = starts // MOST_WINDOWS
    borders = [*starts[np.flatnonzero(np.diff(piece, prepend=-1))].tolist(), len(series)]
    return [slice(start, end) for start, end in itertools.pairwise(borders)]


def _errors(model_input: ModelInput, windows: Int64, forecast: Float64) -> Errors:
    truth, mask = model_input.truth(windows)
    signed = (truth - forecast) / model_input.target_scaling(windows)[1][:, None]
    row = model_input.window_origin[windows]
    return Errors(signed, mask, model_input.window_series[windows], row, model_input.row_timestamp[row])


def _reach_zero(model_input: ModelInput) -> Bool:
    """Tell whether zero is the lowest value of each target before test: zero is then its floor, as for counts."""
    rows = (model_input.row_split < 2)[:, None] & ~model_input.is_imputed
    lowest: Float64 = np.min(model_input.raw_target, axis=0, where=rows, initial=np.inf)
    return np.equal(lowest, 0.0)


def to_intervals(
    found: Calibration, model_input: ModelInput, spec: QuantileSpec, levels: tuple[float, ...], names: dict[str, str]
) -> Intervals:
    """Return the content of `intervals.json`; `names` are its ids and the hash of the model."""
    return Intervals(
        **names,
        interval_method=spec.interval_method,
        windows=len(model_input.windows_of(1)),
        half_life=found.half_life,
        cycle=None if found.usual is None else CycleSpec.model_validate(asdict(found.usual.cycle)),
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
        usual=() if found.usual is None else tuple(found.usual.pooled[:, at].tolist()),
        series={
            model_input.series_names[number]: SeriesState(
                mean=tuple(found.end.mean[number, :, at].tolist()),
                count=tuple(found.end.count[number, :, at].tolist()),
                usual=() if found.usual is None else tuple(found.usual.shares[number, :, at].tolist()),
            )
            for number in tested
        },
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
