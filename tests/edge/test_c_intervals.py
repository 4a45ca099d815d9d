"""The intervals that a C forecaster keeps are those of the runtime helper, step by step."""

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spline_lstm.edge import c_library
from spline_lstm.edge.c_file import make_c_files
from spline_lstm.edge.running_intervals import RunningIntervals

pytestmark = pytest.mark.skipif(not c_library.has_compiler(), reason="there is no C compiler")
HORIZON, STEPS, STEP_SECONDS = 3, 40, 5_400
SHARES = [0.1, 0.5, 0.9]


def make_intervals(half_life: int | None, series: list[str], parts: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    states = {
        name: {
            "mean": random.uniform(0.1, 1, HORIZON).tolist(), "count": [5, 7, 9],
            "usual": random.uniform(0.2, 3, parts).tolist(),
        }
        for name in series
    }  # fmt: skip
    target = {
        "usual": random.uniform(0.2, 3, parts).tolist(),
        "nonnegative": True, "pooled": [0.2, 0.3, 0.4], "series": states,
        "multiples": [[-1.5, -1.4, None], [0.0, 0.1, 0.1], [1.5, 1.7, None]],
    }  # fmt: skip
    return {
        "half_life": half_life,
        "cycle": {"part_seconds": 3_600, "parts": parts, "step_seconds": STEP_SECONDS} if parts else None,
        "levels": [0.8],
        "quantiles": [0.5],
        "probabilities": SHARES,
        "targets": {"y": target},
    }


@pytest.mark.parametrize(
    ("half_life", "series", "parts"),
    [(None, ["all"], 0), (4, ["all"], 24), (4, ["a", "b"], 0), (None, ["a", "b"], 24)],
)
def test_a_c_forecaster_keeps_the_intervals_of_the_runtime_helper(
    trained: Any, tmp_path: Path, half_life: int | None, series: list[str], parts: int
) -> None:
    intervals = make_intervals(half_life, series, parts)
    contract = dataclasses.replace(trained.contract, intervals=intervals)
    for name, content in make_c_files(trained.model.network, contract).items():
        (tmp_path / name).write_bytes(content)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsanitize=address,undefined", f"-I{tmp_path}"]
    sources = [tmp_path / "model.c", Path(__file__).with_name("intervals.c")]
    subprocess.run(["cc", *flags, *sources, "-o", tmp_path / "intervals", "-lm"], check=True)

    random = np.random.default_rng(1)
    truth = random.uniform(-5, 50, STEPS)
    truth[[3, 20]] = np.nan
    forecasts = random.uniform(0, 50, (STEPS, HORIZON, 1))
    scale = contract.scalers[contract.target_names[0]]["scale"]
    helper, expected = RunningIntervals(intervals, [scale], series[0] if len(series) == 1 else None), []
    seconds = np.arange(STEPS) * STEP_SECONDS - 20 * STEP_SECONDS  # some of them before 1970
    for time, value, forecast in zip(seconds.tolist(), truth, forecasts, strict=True):
        helper.observe([value], time)
        helper.remember(forecast)
        expected.append(helper.quantiles(forecast)[SHARES[-1]].ravel())
    lines = [
        " ".join(map(str, [time, value, *forecast.ravel()]))
        for time, value, forecast in zip(seconds, truth, forecasts, strict=True)
    ]
    done = subprocess.run([tmp_path / "intervals"], input="\n".join(lines), capture_output=True, text=True, check=True)
    found = np.array([line.split() for line in done.stdout.splitlines()], dtype=float)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
