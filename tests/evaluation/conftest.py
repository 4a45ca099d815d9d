"""A bundle with two targets and gaps, and what an evaluation of it says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spline_lstm.evaluation.forecasts import evaluate
from spline_lstm.evaluation.intervals import make_intervals, score_intervals
from spline_lstm.series.model_input import ModelInput


@pytest.fixture(scope="module")
def two_targets(prepare_table: Any, make_table: Any) -> ModelInput:
    """Hourly weather of two stations, two targets, with filled hours in each split."""
    table = make_table(steps=80, gaps={"target": [20, 62, 75]})
    bundle: ModelInput = prepare_table(table, target_cols=["target", "dew_point"])
    return bundle


@pytest.fixture(scope="module")
def evaluate_error(two_targets: ModelInput) -> Callable[..., dict[str, Any]]:
    """Evaluate forecasts that are off by a given amount everywhere, for the model and for the ridge."""

    def run(model: float, ridge: float, season: Any = "auto") -> dict[str, Any]:
        windows = {"val": two_targets.windows_of(1), "test": two_targets.windows_of(2)}
        made = {
            split: {"model": np.add(two_targets.truth(rows)[0], model), "ridge": two_targets.truth(rows)[0] + ridge}
            for split, rows in windows.items()
        }
        metrics = evaluate(two_targets, windows, made, season)
        intervals = make_intervals(two_targets, windows["val"], made["val"]["model"], (0.8,))
        scored = score_intervals(two_targets, windows["test"], made["test"]["model"], intervals)
        return metrics | {"intervals": scored}

    return run
