"""A device that is fed step by step forecasts what the pipeline forecasts from the table."""

import logging
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.edge import c_library
from spline_lstm.edge.c_file import make_c_files
from spline_lstm.edge.c_tables import Columns
from spline_lstm.edge.contract import EdgeContract, make_contract
from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.models.registry import MODELS
from spline_lstm.series.forecast_windows import make_latest_windows
from spline_lstm.series.latest_windows import to_target_units
from spline_lstm.series.preprocessor import Preprocessor

pytestmark = pytest.mark.skipif(not c_library.has_compiler(), reason="there is no C compiler")
SANITIZED = (
    "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-O1", "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)  # fmt: skip
HORIZON = 3
STEP = "5827min"  # so that few steps see every month, weekday and hour, and a leap year
CALENDAR = [f"{name}_{wave}" for name in ("minute", "hour", "dow", "month", "year") for wave in ("sin", "cos")]
CASES = {
    "everything": {"feature_mode": "multivariate", "static_covariates": ["station"], "lookback_span": 11},
    "two targets, each series with its scale": {
        "feature_mode": "multivariate", "target_cols": ["target", "pressure"], "target_scaling": "series",
    },
    "univariate": {"target_scaling": "global"},
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def device(request: Any, tmp_path_factory: Any, prepare_table: Any, make_table: Any, make_schema: Any,
           make_intervals_of: Any) -> Any:  # fmt: skip
    """A model with random weights on a table with everything that a window may show, and its device."""
    dynamic = [{"name": "dew_point"}, {"name": "humidity", "known_future": True}]
    schema = make_schema(
        dynamic_covariates=dynamic, seasonal_lags=[8],
        calendar_features={"features": [*CALENDAR, "is_weekend"], "known_future": True},
    )  # fmt: skip
    options = {"target_scaling": "global", **request.param}
    bundle = prepare_table(make_table(steps=120, freq=STEP), schema, **options)
    model = MODELS["lstm"](
        bundle.lookback, (8,), 0.0, 1e-3, bundle.y.shape[1], len(bundle.feature_names),
        target_indices=bundle.target_indices, seed=1,
    )  # fmt: skip
    network = model.build()
    contract = make_contract(bundle, b"model", make_intervals_of(b"model"), "run", "lstm")
    folder = tmp_path_factory.mktemp("device")
    for name, content in make_c_files(network, contract).items():
        (folder / name).write_bytes(content)
    sources = [folder / "model.c", Path(__file__).with_name("device.c")]
    subprocess.run(["cc", *SANITIZED, f"-I{folder}", *sources, "-o", folder / "device", "-lm"], check=True)
    return Device(folder / "device", network, bundle, contract)


class Device:
    """The program of the device, and the pipeline to compare it with."""

    def __init__(self, program: Path, network: Any, bundle: Any, contract: EdgeContract) -> None:
        self.program, self.network, self.columns = program, network, Columns(contract)
        self.steps_kept = contract.steps_kept
        self.preprocessor = Preprocessor.parse(bundle.preprocessor, ArtifactDamagedError, "key")

    def forecast(self, table: pd.DataFrame, series: str) -> list[str]:
        """Feed the steps up to the last target and return what is printed."""
        steps = table[table["station"] == series].set_index("timestamp")
        fed = pd.DataFrame({name: self._shown(steps, name) for name in self.columns.inputs})
        fed = fed.loc[: steps["target"].last_valid_index()]
        seconds = (fed.index - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)
        lines = [f"{second} {' '.join(map(str, row))}" for second, row in zip(seconds, fed.to_numpy(), strict=True)]
        statics = [series] if self.preprocessor.static_codes else []
        text = "\n".join([" ".join([series, *statics]), *lines])
        done = subprocess.run([self.program], input=text, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    @staticmethod
    def _shown(steps: pd.DataFrame, name: str) -> pd.Series:
        base, _, lead = name.partition("_lead")
        return steps[base].shift(-int(lead or 0))

    def expected(self, table: pd.DataFrame, series: str) -> Any:
        """What the pipeline forecasts from the table."""
        windows = make_latest_windows(table, self.preprocessor)
        y = self.network.predict(windows.X, verbose=0)
        made = to_target_units(y, windows, np.arange(len(y)))
        return made[windows.series_names.index(series)].ravel()


def later(make_table: Any, **options: Any) -> pd.DataFrame:
    """A later table: the last hours hold only what is known ahead."""
    table = make_table(steps=60, seed=5, freq=STEP, **options)
    table.loc[table.groupby("station").cumcount() >= 60 - HORIZON, ["target", "dew_point", "pressure"]] = np.nan
    return table


def numbers(lines: list[str]) -> Any:
    assert lines[:-1] == ["init 0"]
    assert lines[-1].startswith("forecast 0 ")
    return np.array(lines[-1].split()[2:], dtype=float)


@pytest.mark.parametrize("series", ["EWR", "JFK"])
@pytest.mark.parametrize("gaps", [{}, {"dew_point": [0, 1, 54, 55, 56]}], ids=["complete", "a covariate with gaps"])
def test_a_device_forecasts_what_the_pipeline_forecasts(
    device: Device, make_table: Any, series: str, gaps: Any
) -> None:
    table = later(make_table, gaps=gaps)
    expected = device.expected(table, series)
    np.testing.assert_allclose(numbers(device.forecast(table, series)), expected, atol=1e-4 * np.abs(expected).max())


def test_steps_that_no_window_shows_change_no_bit(device: Device, make_table: Any) -> None:
    table = later(make_table)
    recent = table[table.groupby("station").cumcount() >= 60 - HORIZON - device.steps_kept]
    assert len(recent) < 0.5 * len(table)
    assert device.forecast(recent, "EWR") == device.forecast(table, "EWR")


def test_a_short_gap_in_the_target_is_filled_by_a_straight_line(device: Device, make_table: Any) -> None:
    table = later(make_table)
    holed, line = table.copy(), table.copy()
    row = table.index[(table["station"] == "EWR")][53:55]
    holed.loc[row, "target"] = np.nan
    before, after = table.loc[row[0] - 1, "target"], table.loc[row[1] + 1, "target"]
    line.loc[row, "target"] = [before + (after - before) / 3, before + (after - before) * 2 / 3]
    found, expected = (numbers(device.forecast(made, "EWR")) for made in (holed, line))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_after_a_gap_that_is_too_long_the_history_starts_anew(device: Device, make_table: Any) -> None:
    table = later(make_table)
    table.loc[20:53, "target"] = np.nan
    assert device.forecast(table, "EWR") == ["init 0", "forecast 1"]


def test_a_series_that_is_too_short_has_no_forecast(device: Device, make_table: Any) -> None:
    table = later(make_table)
    assert device.forecast(table.iloc[52:], "EWR") == ["init 0", "forecast 1"]


def test_an_infinite_value_is_refused(device: Device, make_table: Any) -> None:
    table = later(make_table)
    table.loc[30, "target"] = np.inf
    assert device.forecast(table, "EWR")[:2] == ["init 0", "push 4"]


def test_a_series_that_was_not_trained_on(device: Device, make_table: Any, caplog: Any) -> None:
    table = later(make_table, series=("LGA",))
    table["target"] += 500
    lines = device.forecast(table, "LGA")
    if device.preprocessor.series_scalers:  # it has no scale
        assert lines[0] == "init 3"
    else:  # where its category is unknown, it is kept within what training saw
        with caplog.at_level(logging.ERROR):
            expected = device.expected(table, "LGA")
        np.testing.assert_allclose(numbers(lines), expected, atol=1e-4 * np.abs(expected).max())
