"""Intervals that a device keeps itself are those of the run, step by step."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from spline_lstm.edge.running_intervals import RunningIntervals
from spline_lstm.evaluation.calibration import Calibration, calibrate, to_intervals
from spline_lstm.evaluation.intervals import QuantileSpec
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Float64

LEVELS = (0.8,)
NAMES = {"run_id": "r", "processed_run_id": "p", "model_sha256": "0"}


@pytest.fixture(scope="module")
def bundle(prepare_table: Any, make_table: Any) -> ModelInput:
    """Two stations, two targets, with hours in test that were not observed."""
    made: ModelInput = prepare_table(
        make_table(steps=300, gaps={"target": [280, 290]}), target_cols=["target", "dew_point"]
    )
    return made


def noisy(bundle: ModelInput, quiet: float) -> dict[str, Float64]:
    """Forecasts whose errors are so much smaller between midnight and noon."""
    random, made = np.random.default_rng(0), {}
    for name, split in (("val", 1), ("test", 2)):
        windows = bundle.windows_of(split)
        truth = bundle.truth(windows)[0]
        ahead = bundle.window_origin[windows][:, None] + np.arange(1, bundle.horizon + 1)
        hour = bundle.row_timestamp[ahead] // (3_600 * 10**9) % 24
        made[name] = truth + random.normal(size=truth.shape) * np.where(hour < 12, quiet, 1.0)[:, :, None]
    return made


@pytest.fixture(scope="module", params=[1.0, 0.1], ids=["alike", "by the hour"])
def forecasts(bundle: ModelInput, request: pytest.FixtureRequest) -> dict[str, Float64]:
    return noisy(bundle, request.param)


@pytest.fixture(scope="module")
def found(bundle: ModelInput, forecasts: dict[str, Float64]) -> Calibration:
    return calibrate(bundle, forecasts, QuantileSpec(), LEVELS)


def start_of(found: Calibration, bundle: ModelInput, *, anew: bool = False, **changes: Any) -> RunningIntervals:
    content = to_intervals(found, bundle, QuantileSpec(), LEVELS, NAMES).model_dump(mode="json")
    for target in content["targets"].values() if anew else ():
        for state in target["series"].values():
            state |= {"mean": target["pooled"], "count": [1] * bundle.horizon}
    scale = bundle.target_scaling(np.array([0]))[1][0]
    return RunningIntervals(content, scale.tolist(), **changes)


def test_a_device_that_walks_through_the_windows_has_the_bits_of_the_run(
    bundle: ModelInput, forecasts: dict[str, Float64], found: Calibration
) -> None:
    windows = np.flatnonzero((bundle.window_split > 0) & (bundle.window_series == 0))
    by_row = {}
    for split, name in ((1, "val"), (2, "test")):
        of_split = bundle.windows_of(split)
        by_row |= dict(
            zip(bundle.window_origin[of_split].tolist(), zip(of_split, forecasts[name], strict=True), strict=True)
        )
    truth = np.where(bundle.is_imputed, np.nan, bundle.raw_target)
    test = bundle.windows_of(2).tolist()
    device, checked = start_of(found, bundle, anew=True, series=bundle.series_names[0]), 0
    for row in range(bundle.window_origin[windows[0]], bundle.window_origin[windows[-1]] + bundle.horizon + 1):
        device.observe(truth[row], bundle.row_timestamp[row] / 1e9)
        if row not in by_row:
            continue
        window, forecast = by_row[row]
        device.remember(forecast)
        if window in test:
            at = test.index(window)
            expected = found.rule.quantile(0.9, forecast, found.spread[at])
            np.testing.assert_array_equal(device.quantiles(forecast)[0.9], expected)
            checked += 1
    assert checked > 20
    np.testing.assert_array_equal(device.errors.mean, found.end.mean[0])
    np.testing.assert_array_equal(device.errors.count, found.end.count[0])


def test_a_series_of_the_run_begins_where_the_run_ended(bundle: ModelInput, found: Calibration) -> None:
    np.testing.assert_array_equal(start_of(found, bundle, series="JFK").errors.mean, found.end.mean[1])
    np.testing.assert_array_equal(start_of(found, bundle, series="new").errors.mean, found.rule.pooled)


def test_a_step_without_a_forecast_changes_nothing(bundle: ModelInput, found: Calibration) -> None:
    device = start_of(found, bundle)
    before = device.errors
    for _ in range(5):
        device.observe([50.0, 40.0], 0)
    np.testing.assert_array_equal(device.errors.count, before.count)


def test_usual_errors_by_the_hour_need_the_time(bundle: ModelInput) -> None:
    found = calibrate(bundle, noisy(bundle, 0.1), QuantileSpec(), LEVELS)
    assert found.usual is not None
    with pytest.raises(ValueError, match="the time of a step is needed"):
        start_of(found, bundle).observe([50.0, 40.0])


def test_it_needs_neither_tensorflow_nor_pydantic() -> None:
    code = (
        "import sys, spline_lstm.edge.running_intervals;"
        "print([name for name in ('tensorflow', 'pydantic', 'pandas', 'kedro') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
