"""The card that goes with a model's file."""

import dataclasses
from typing import Any

import pytest

from spline_lstm.project.places import RECORDED
from spline_lstm.reporting.model_card import make_model_card
from spline_lstm.series.model_input import ModelInput

RUN: dict[str, Any] = {
    "run_id": "gru-7", "processed_run_id": "test", "commit_hash": "0123456789abcdef", "seed": 7, "size_bytes": 12_345,
    "places": {name: f"data/{name}" for name in RECORDED},
    "command": "kedro run --params model_type=gru", "params": 1_234, "best_epoch": 2, "train_seconds": 3.4,
    "settings": {
        "model_type": "gru", "hidden_units": [4], "dropout": 0.0, "learning_rate": "auto", "batch_size": 8,
        "epochs": 9, "normalization": "none", "spline_smoothing": 0.0, "linear_path": "none", "link": "log",
        "segment": 1, "loss": "squared",
        "stride": 1,
    },
    "choices": {"learning_rate": {"chosen": 0.001, "decided_on": "validation"}}, "source_sha256": "a1",
    "sha256": {"model.keras": "b2", "last.keras": "b3"}, "processed_sha256": {"processed.npz": "c3"},
    "versions": {"keras": "3.15.1"}, "finished_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "# Model card of gru-7\n\nLittle evidence: windows are few (14 in validation and 16 in test; 30 steps are ten ",
        "Test RMSE, geometric mean over 2 targets: 50.0% below the strongest baseline",
        "Forecasts the next 3 steps of h of target (°F), dew_point (°F) from 6 rows that reach 6 steps back",
        "SHA-256 `a1`",
        "2 series, 160 steps of h; filled: 6 of target, 0 of dew_point",
        "- test: 2024-01-03 to 2024-01-04, ",
        "| target | °F | the past |",
        "- gru, 1,234 parameters, 12,345 bytes",
        "`learning_rate` was chosen on validation: 0.001",
        "epoch 2 of at most 9, batches of 8, 3 s",
        "| this model | 0.5 | 0.5 | ",
        "| ridge | 1 | 1 | ",
        "RMSE is 0.5 at step 1 and 0.5 at step 3.",
        "Tested on 16 windows of 2 series (EWR, JFK) in the period above",
        "| level | covered on test | mean width | worst series |",
        "The training part is shorter than a year",
        "| `data/model` | `b2` |",
        "| `data/model_input/processed.npz` | `c3` |",
        "- `kedro run --params model_type=gru`\n- seed 7, commit 0123456789abcdef\n- keras 3.15.1",
    ],
)
def test_the_card_says(evaluate_error: Any, two_targets: ModelInput, text: str) -> None:
    metrics = evaluate_error(0.5, 1.0)
    metrics["units"] = {"target": "°F", "dew_point": "°F"}
    assert text in make_model_card(metrics, RUN, two_targets)


@pytest.mark.parametrize(("coverage", "told"), [(0.7, True), (0.78, False), (None, False)])
def test_intervals_that_cover_too_little_are_a_limit(
    evaluate_error: Any, two_targets: ModelInput, coverage: float | None, told: bool
) -> None:
    metrics = evaluate_error(0.5, 1.0)
    metrics["intervals"] = [{"level": 0.8, "coverage": coverage, "mean_width": 1.0, "worst_series": None}]
    found = "Intervals of 80.0 % are too narrow" in make_model_card(metrics, RUN, two_targets)
    assert found == told


def test_annual_features_learnt_from_less_than_a_year_are_a_limit(evaluate_error: Any, two_targets: ModelInput) -> None:
    seen = two_targets.meta["seen"] | {"extrapolated_features": ["year_sin"]}
    bundle = dataclasses.replace(two_targets, meta=two_targets.meta | {"seen": seen})
    assert "Annual features are extrapolated: year_sin." in make_model_card(evaluate_error(0.5, 1.0), RUN, bundle)


def test_data_of_an_earlier_version_has_no_section_of_its_own(evaluate_error: Any, two_targets: ModelInput) -> None:
    meta = {name: value for name, value in two_targets.meta.items() if name in ("run_id", "units")}
    card = make_model_card(evaluate_error(0.5, 1.0), RUN, dataclasses.replace(two_targets, meta=meta))
    assert "## Data" not in card
    assert "Forecasts the next 3 steps of target" in card
