"""Quantiles are learnt on validation and followed through test."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.evaluation import calibration
from spline_lstm.evaluation.calibration import Calibration, calibrate, to_intervals
from spline_lstm.evaluation.intervals import Intervals, QuantileSpec
from spline_lstm.evaluation.quantile_fit import fit_multiples, winkler
from spline_lstm.evaluation.quantiles import make_bounds
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float64

NAMES = {"run_id": "r", "processed_run_id": "p", "model_sha256": "0"}
LEVELS = (0.5, 0.8)


def column(*errors: float) -> Float64:
    """Relative errors of as many windows, one step, one target."""
    return np.array(errors).reshape(-1, 1, 1)


def observed(count: int) -> Bool:
    return np.ones((count, 1, 1), dtype=bool)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.1, -np.inf), (0.2, -3), (0.4, -2), (0.5, 1), (0.6, 1), (0.8, 4), (0.81, np.inf)],
)
def test_a_quantile_is_the_order_statistic_of_the_formula(share: float, expected: float) -> None:
    assert fit_multiples(column(-3, 1, 4, -2), observed(4), (share,)).item() == expected


def test_what_was_not_observed_does_not_count() -> None:
    mask = np.array([True, True, True, False]).reshape(4, 1, 1)
    assert fit_multiples(column(3, 1, 2, 100), mask, (0.75,)).item() == 3


def test_nothing_observed_gives_no_quantile() -> None:
    assert fit_multiples(column(1), ~observed(1), (0.2, 0.5)).ravel().tolist() == [-np.inf, np.inf]


def test_each_target_and_step_has_its_own_quantile() -> None:
    error = np.arange(1.0, 13.0).reshape(3, 2, 2)
    assert fit_multiples(error, np.ones_like(error, dtype=bool), (0.75,))[0].tolist() == [[9, 10], [11, 12]]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_exchangeable_errors_lie_below_a_quantile_as_often_as_promised(share: float) -> None:
    random = np.random.default_rng(0)
    below = [
        errors[-1] <= fit_multiples(column(*errors[:-1]), observed(20), (share,)).item()
        for errors in random.standard_t(3, (4_000, 21))
    ]
    assert np.mean(below) == pytest.approx(share, abs=1 / 21 + 0.02)


def test_the_winkler_score_is_the_width_and_what_is_missed() -> None:
    truth, low, high = np.array([0.0, 3.0, -1.0]), np.array([-1.0, 0.0, 0.0]), np.array([1.0, 2.0, 2.0])
    assert winkler(truth, low, high, 0.8).tolist() == pytest.approx([2, 2 + 10, 2 + 10])


def perfect(bundle: ModelInput, error: float = 0.0) -> dict[str, Float64]:
    """Forecasts of val and test that are off by so much."""
    return {name: bundle.truth(bundle.windows_of(split))[0] - error for name, split in (("val", 1), ("test", 2))}


def bounds_of(found: Calibration, forecast: Float64) -> dict[str, Float64]:
    return make_bounds(found.rule, forecast, found.spread, levels=LEVELS, quantiles=(0.5,))


@pytest.mark.parametrize("method", ["adaptive", "split"])
@pytest.mark.parametrize("error", [0.0, 2.0, -3.0])
def test_errors_that_are_always_the_same_leave_no_doubt(method: Any, error: float, two_targets: ModelInput) -> None:
    made = perfect(two_targets, error)
    bounds = bounds_of(calibrate(two_targets, made, QuantileSpec(interval_method=method), LEVELS), made["test"])
    for name in ("lower_80", "upper_80", "q50"):
        np.testing.assert_allclose(bounds[name], made["test"] + error, atol=1e-9)


@pytest.fixture(scope="module")
def drifting(prepare_table: Any) -> tuple[ModelInput, dict[str, Float64]]:
    """Two series of unequal length whose errors are three times as large in the second half of test."""
    random = np.random.default_rng(0)
    lengths = {"a": 4_000, "b": 2_800}
    parts = [
        pd.DataFrame(
            {
                "timestamp": pd.date_range("2024-01-01", periods=steps, freq="h", tz="UTC"),
                "station": name,
                "target": 10 + random.normal(size=steps),
            }
        )
        for name, steps in lengths.items()
    ]
    bundle: ModelInput = prepare_table(pd.concat(parts, ignore_index=True))
    made = perfect(bundle)
    noise = {name: random.normal(size=values.shape) for name, values in made.items()}
    origins = bundle.window_origin[bundle.windows_of(2)]
    late = np.concatenate(
        [rows > np.median(rows) for rows in np.split(origins, np.flatnonzero(np.diff(origins) > 5) + 1)]
    )
    noise["test"][late] *= 3
    return bundle, {name: values + noise[name] for name, values in made.items()}


def coverage(bundle: ModelInput, made: dict[str, Float64], method: Any, half: slice = slice(None)) -> float:
    bounds = bounds_of(calibrate(bundle, made, QuantileSpec(interval_method=method), LEVELS), made["test"])
    truth = bundle.truth(bundle.windows_of(2))[0]
    return float(np.mean((bounds["lower_80"] <= truth) & (truth <= bounds["upper_80"])))


def test_adaptive_intervals_follow_errors_that_grow(drifting: tuple[ModelInput, dict[str, Float64]]) -> None:
    assert coverage(*drifting, "split") < 0.65
    assert coverage(*drifting, "adaptive") > 0.72


def test_with_few_validation_windows_widths_stay(two_targets: ModelInput) -> None:
    assert calibrate(two_targets, perfect(two_targets, 1.0), QuantileSpec(), LEVELS).half_life is None


def test_an_origin_does_not_see_the_truth_after_it(drifting: tuple[ModelInput, dict[str, Float64]]) -> None:
    bundle, made = drifting
    window = 100
    row = bundle.window_origin[bundle.windows_of(2)[window]]
    later = bundle.raw_target.copy()
    later[row + 1 :] += 1e6
    changed = dataclasses.replace(bundle, raw_target=np.where(bundle.row_split[:, None] == 2, later, bundle.raw_target))
    spreads = [calibrate(each, made, QuantileSpec(), LEVELS).spread[window] for each in (bundle, changed)]
    np.testing.assert_array_equal(*spreads)


def test_series_that_are_followed_some_at_a_time_give_the_same(
    drifting: tuple[ModelInput, dict[str, Float64]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, made = drifting
    whole = calibrate(bundle, made, QuantileSpec(), LEVELS)
    monkeypatch.setattr(calibration, "MOST_WINDOWS", 10)
    spread, end = calibration._follow(bundle, made, whole.rule, whole.half_life, whole.usual)
    np.testing.assert_array_equal(spread, whole.spread)
    np.testing.assert_array_equal(end.mean, whole.end.mean)


def test_quantiles_are_learnt_from_whole_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "MOST_WINDOWS", 5)
    series = np.repeat([0, 1, 2, 3], 4)
    chosen = calibration._draw_series(series)
    assert np.bincount(series[chosen], minlength=4).tolist().count(4) == 2
    assert chosen.sum() == 8


def test_quantiles_never_cross(drifting: tuple[ModelInput, dict[str, Float64]]) -> None:
    bundle, made = drifting
    found = calibrate(bundle, made, QuantileSpec(), LEVELS)
    quantiles = [found.rule.quantile(share, made["test"], found.spread) for share in found.rule.probabilities]
    assert all((low <= high).all() for low, high in itertools.pairwise(quantiles))


def test_counts_have_no_quantile_below_zero(prepare: Any) -> None:
    counts = np.random.default_rng(0).poisson(1.0, 600)
    bundle = prepare(counts, noise=0.0)
    made = {name: np.full_like(values, 0.5) for name, values in perfect(bundle).items()}
    found = calibrate(bundle, made, QuantileSpec(), LEVELS)
    bounds = bounds_of(found, made["test"])
    assert bounds["lower_80"].min() == 0
    # Errors reach further up than down, and so do intervals.
    assert (bounds["upper_80"] - 0.5 > 0.5 - bounds["lower_80"]).all()


def test_nor_have_the_forecasts_of_a_model_that_is_never_below_zero(prepare: Any) -> None:
    bundle = prepare(np.full(600, 5.0))
    made = {name: np.full_like(values, 0.5) for name, values in perfect(bundle).items()}
    assert calibrate(bundle, made, QuantileSpec(), LEVELS, nonnegative=True).rule.nonnegative.all()


def test_a_target_that_never_reaches_zero_may_have_quantiles_below_it(prepare: Any) -> None:
    bundle = prepare(np.full(600, 5.0))
    made = {name: np.zeros_like(values) - 3 for name, values in perfect(bundle).items()}
    found = calibrate(bundle, made, QuantileSpec(quantiles=(0.1,)), LEVELS)
    assert not found.rule.nonnegative.any()


@pytest.fixture(scope="module")
def learnt(drifting: tuple[ModelInput, dict[str, Float64]]) -> tuple[Calibration, Intervals]:
    bundle, made = drifting
    found = calibrate(bundle, made, QuantileSpec(), LEVELS)
    return found, to_intervals(found, bundle, QuantileSpec(), LEVELS, NAMES)


def test_the_file_holds_what_was_learnt(learnt: tuple[Calibration, Intervals]) -> None:
    found, intervals = learnt
    read = Intervals.model_validate_json(intervals.model_dump_json())
    assert read == intervals
    np.testing.assert_array_equal(read.rule.multiples, found.rule.multiples)
    running, seen = read.running(("a", "b"))
    assert seen.all()
    np.testing.assert_array_equal(running.mean, found.end.mean)
    np.testing.assert_array_equal(running.count, found.end.count)


def test_a_series_that_was_not_tested_begins_with_pooled_widths(learnt: tuple[Calibration, Intervals]) -> None:
    running, seen = learnt[1].running(("b", "new"))
    assert seen.tolist() == [True, False]
    np.testing.assert_array_equal(running.mean[1], learnt[0].rule.pooled)
    assert (running.count[1] == 1).all()


@pytest.fixture(scope="module")
def at_night(drifting: tuple[ModelInput, dict[str, Float64]]) -> tuple[ModelInput, dict[str, Float64]]:
    """The same truth, whose forecasts are off by a tenth as much between midnight and noon, in UTC."""
    bundle, _ = drifting
    random, made = np.random.default_rng(1), perfect(bundle)
    for name, split in (("val", 1), ("test", 2)):
        windows = bundle.windows_of(split)
        ahead = bundle.window_origin[windows][:, None] + np.arange(1, bundle.horizon + 1)
        quiet = bundle.row_timestamp[ahead] // (3_600 * 10**9) % 24 < 12
        made[name] = made[name] + random.normal(size=made[name].shape) * np.where(quiet, 0.1, 1.0)[:, :, None]
    return bundle, made


def test_intervals_are_narrow_at_the_hours_of_small_errors(at_night: tuple[ModelInput, dict[str, Float64]]) -> None:
    bundle, made = at_night
    found = calibrate(bundle, made, QuantileSpec(), LEVELS)
    assert found.usual is not None
    shares = found.usual.shares[:, :, 0]
    assert shares.shape == (2, 24)
    assert (shares[:, :12] > 0.1).all()
    assert (shares[:, :12] < 0.3).all()
    assert (shares[:, 12:] > 1.3).all()
    truth, bounds = bundle.truth(bundle.windows_of(2))[0], bounds_of(found, made["test"])
    ahead = bundle.window_origin[bundle.windows_of(2)][:, None] + np.arange(1, bundle.horizon + 1)
    quiet = bundle.row_timestamp[ahead] // (3_600 * 10**9) % 24 < 12
    covered = (bounds["lower_80"] <= truth) & (truth <= bounds["upper_80"])
    assert covered[quiet].mean() == pytest.approx(0.8, abs=0.05)
    assert covered[~quiet].mean() == pytest.approx(0.8, abs=0.05)


def test_one_validation_window_a_series_is_too_little_for_usual_errors(prepare_table: Any) -> None:
    random = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=20, freq="h", tz="UTC")
    parts = [
        pd.DataFrame({"timestamp": times, "station": f"s{number}", "target": random.normal(size=20)})
        for number in range(60)
    ]
    bundle: ModelInput = prepare_table(pd.concat(parts, ignore_index=True))
    assert len(bundle.windows_of(1)) >= 10 * bundle.horizon
    assert calibrate(bundle, perfect(bundle, 1.0), QuantileSpec(), LEVELS).usual is None


@pytest.mark.parametrize("method", ["adaptive", "split"])
def test_errors_that_are_alike_at_all_hours_have_no_usual_sizes(
    drifting: tuple[ModelInput, dict[str, Float64]], at_night: tuple[ModelInput, dict[str, Float64]], method: Any
) -> None:
    bundle, made = drifting if method == "adaptive" else at_night
    assert calibrate(bundle, made, QuantileSpec(interval_method=method), LEVELS).usual is None


def test_a_baseline_learns_its_own_usual_errors_where_the_model_has_some(
    drifting: tuple[ModelInput, dict[str, Float64]], at_night: tuple[ModelInput, dict[str, Float64]]
) -> None:
    bundle, made = at_night
    of_model = calibrate(bundle, made, QuantileSpec(), LEVELS)
    of_baseline = calibrate(bundle, drifting[1], QuantileSpec(), LEVELS, of_model)
    assert of_baseline.half_life == of_model.half_life
    assert of_baseline.usual is not None
    np.testing.assert_allclose(of_baseline.usual.shares, 1.0, atol=0.25)


def test_a_new_series_has_the_usual_errors_of_all(at_night: tuple[ModelInput, dict[str, Float64]]) -> None:
    bundle, made = at_night
    found = calibrate(bundle, made, QuantileSpec(), LEVELS)
    assert found.usual is not None
    intervals = to_intervals(found, bundle, QuantileSpec(), LEVELS, NAMES)
    read = Intervals.model_validate_json(intervals.model_dump_json()).usual(("b", "new"))
    assert read is not None
    assert read.cycle == found.usual.cycle
    np.testing.assert_array_equal(read.shares, [found.usual.shares[1], found.usual.pooled])
