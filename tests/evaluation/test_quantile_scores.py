"""Scores of quantiles and intervals: numbers worked out by hand, and their place in the metrics."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.evaluation.calibration import Calibration
from spline_lstm.evaluation.quantile_scores import score_quantiles
from spline_lstm.evaluation.quantiles import QuantileRule
from spline_lstm.evaluation.running_errors import start_running
from spline_lstm.evaluation.scores import EvaluationSpec, evaluate, evaluate_quantiles
from spline_lstm.series.model_input import ModelInput


@pytest.fixture(scope="module")
def scored() -> dict[str, Any]:
    """Truth 0 and 5, forecast 0; the quantiles of 0.1, 0.5 and 0.9 lie at -1, 0 and 2."""
    multiples = np.array([-1.0, 0.0, 2.0]).reshape(3, 1, 1)
    rule = QuantileRule((0.1, 0.5, 0.9), multiples, np.ones((1, 1)), np.array([False]))
    found = Calibration(rule, None, np.ones((2, 1, 1)), start_running(np.ones((1, 1)), 1))
    truth = np.array([0.0, 5.0]).reshape(2, 1, 1)
    return {
        name: values.ravel().tolist()
        for name, values in score_quantiles(truth, np.zeros_like(truth), found, (0.1, 0.5, 0.9), (0.8,)).items()
    }


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("pinball", [(0.1 * 1 + 0 + 0.1 * 2) / 3, (0.1 * 6 + 0.5 * 5 + 0.9 * 3) / 3]),
        ("crps", [2 * 0.3 / 3, 2 * 5.8 / 3]),
        ("coverage_80", [1, 0]),
        ("width_80", [3, 3]),
        ("winkler_80", [3, 3 + 10 * 3]),
    ],
)
def test_a_score_is_what_its_formula_gives(metric: str, expected: list[float], scored: dict[str, Any]) -> None:
    assert scored[metric] == pytest.approx(expected)


def test_the_model_and_every_baseline_have_quantile_scores_on_test(evaluate_error: Any) -> None:
    test = evaluate_error(1, 2)["test"]
    for scores in (test["model"], *test["baselines"].values()):
        assert {"pinball", "crps", "sql", "coverage_50", "width_50", "winkler_50"} < set(scores["overall"])
        assert "winkler_50" in scores["per_horizon"][0]


def test_each_tested_series_has_every_metric(evaluate_error: Any) -> None:
    model = evaluate_error(1, 2)["test"]["model"]
    assert list(model["per_series"]) == ["EWR", "JFK"]
    assert set(model["per_series"]["EWR"]) == set(model["overall"])


def test_a_level_tells_coverage_by_target_step_and_time_and_the_worst_series(evaluate_error: Any) -> None:
    (entry,) = evaluate_error(1, 2)["intervals"]
    assert entry["level"] == 0.5
    assert list(entry["per_target"]) == ["target", "dew_point"]
    assert [step["step"] for step in entry["per_horizon"]] == [1, 2, 3]
    assert entry["worst_series"]["series"] in ("EWR", "JFK")
    assert all(set(block) == {"from", "coverage", "forecasts"} for block in entry["over_time"])


def test_the_table_has_a_row_for_each_forecast_target_and_series(two_targets: ModelInput) -> None:
    made = {
        name: {"model": two_targets.truth(two_targets.windows_of(split))[0] + 1.0}
        for name, split in (("val", 1), ("test", 2))
    }
    spec = EvaluationSpec(season=24, interval_levels=(0.5,))
    windows = {"val": two_targets.windows_of(1), "test": two_targets.windows_of(2)}
    _, table, _ = evaluate_quantiles(two_targets, made, spec, evaluate(two_targets, windows, made, 24))
    assert len(table) == 6 * 2 * 2
    assert list(table.columns[:4]) == ["series_id", "target", "forecast", "windows"]
    model = table[table["forecast"] == "model"]
    np.testing.assert_allclose(model["mae"], 1)
    assert model["windows"].sum() == 2 * len(windows["test"])
