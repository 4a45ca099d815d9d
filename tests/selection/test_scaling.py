"""Whether each series gets a scale of its own."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.selection.scaling import resolve_target_scaling
from spline_lstm.series.model_input import ModelInput


@pytest.fixture(scope="module")
def prepare_sizes(prepare_table: Any, make_schema: Any) -> Any:
    """Preprocess series of one shape and several sizes."""

    def run(*sizes: float) -> ModelInput:
        random, stamps = np.random.default_rng(0), pd.date_range("2024-01-01", periods=300, freq="h", tz="UTC")
        wave = np.sin(2 * np.pi * np.arange(300) / 24)
        frames = [
            pd.DataFrame(
                {"timestamp": stamps, "station": f"s{number}", "target": size * (5 + wave + random.normal(0, 0.3, 300))}
            )
            for number, size in enumerate(sizes)
        ]
        bundle: ModelInput = prepare_table(pd.concat(frames), make_schema(dynamic_covariates=[]))
        return bundle

    return run


def test_series_of_very_different_sizes_get_scales_of_their_own(prepare_sizes: Any) -> None:
    scaling, record = resolve_target_scaling("auto", prepare_sizes(1.0, 1e3, 1e6))
    assert scaling == record["chosen"] == "series"
    assert record["ridge_rmse"]["series"] < 0.5 * record["ridge_rmse"]["global"]


def test_series_of_one_size_share_a_scale(prepare_sizes: Any) -> None:
    scaling, record = resolve_target_scaling("auto", prepare_sizes(1.0, 1.0, 1.0))
    assert scaling == record["chosen"] == "global"


def test_a_single_series_is_not_compared(prepare_sizes: Any) -> None:
    assert resolve_target_scaling("auto", prepare_sizes(1.0)) == ("global", {})


@pytest.mark.parametrize("asked", ["global", "series"])
def test_what_is_asked_for_is_taken(prepare_sizes: Any, asked: Any) -> None:
    assert resolve_target_scaling(asked, prepare_sizes(1.0, 1e6)) == (asked, {})
