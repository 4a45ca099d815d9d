"""The report in Markdown."""

import dataclasses
import re
from typing import Any

import pytest

from spline_lstm.project.places import RECORDED
from spline_lstm.reporting.run_report import make_report
from spline_lstm.reporting.versions import package_versions
from spline_lstm.series.model_input import ModelInput

SETTINGS = {
    "model_type": "gru", "feature_mode": "univariate", "hidden_units": [4], "dropout": 0.0, "learning_rate": 0.01,
    "batch_size": 8, "epochs": 2, "normalization": "none", "spline_smoothing": 0.0, "linear_path": "auto",
        "link": "identity", "segment": 1, "loss": "squared", "seed": 7,
}  # fmt: skip
RUN: dict[str, Any] = {
    "run_id": "gru-7", "processed_run_id": "test", "commit_hash": "0123456789abcdef", "settings": SETTINGS,
    "places": {name: f"data/{name}" for name in RECORDED},
    "size_bytes": 12_345, "params": 1_234, "best_epoch": 2, "train_seconds": 3.4,
    "choices": {"linear_path": {"chosen": "ridge", "decided_on": "validation"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "ridge", "verdict"),
    [
        (0.5, 1.0, "The model beats every baseline."),
        (1.0, 0.5, "The model loses to ridge: do not ship it as it is."),
        (1e6, 1e5, "seasonal naive and drift and seasonal naive with drift: do not ship it"),
    ],
)
def test_the_verdict_names_every_baseline_that_wins(
    evaluate_error: Any, two_targets: ModelInput, model: float, ridge: float, verdict: str
) -> None:
    assert verdict in make_report(evaluate_error(model, ridge), RUN, two_targets)


@pytest.mark.parametrize(
    "text",
    [
        "# Run gru-7\n",
        "| **this model** | 0.5 | 0.25 | 0.5 |",
        "| last value | ",
        "| moving average | ",
        "| seasonal naive | ",
        "| ridge | 1 | 1 | 1 |",
        "## By target",
        "| 50 % | 100.0 % | ",
        "Split conformal, one width for each step, calibrated on 14 validation windows.",
        "| forecast | pinball loss | CRPS | SQL | Winkler 50 % |",
        "## By series",
        "| of the series | RMSE | MAE | MASE | in 50 % |",
        "| worst series | RMSE |",
        "`data/series_metrics`",
        "## RMSE by step of the horizon",
        "- Table: raw_table, 2 series, 160 steps of h from 2024-01-01 to 2024-01-04 07:00:00",
        "targets filled: target 6, dew_point 0",
        "`data/model` | 12,345 bytes, 1,234 parameters",
        "`data/model_input/`",
        "Trained in 3 s, best epoch 2. Commit 0123456789ab.",
        "model_type gru, feature_mode univariate, hidden_units [4]",
        "linear_path auto (ridge), link identity, segment 1, loss squared, seed 7",
    ],
)
def test_the_report_shows(text: str, evaluate_error: Any, two_targets: ModelInput) -> None:
    assert text in make_report(evaluate_error(0.5, 1), RUN, two_targets)


def test_the_half_life_of_widths_that_follow_the_errors_is_told(evaluate_error: Any, two_targets: ModelInput) -> None:
    report = make_report(evaluate_error(0.5, 1) | {"half_life": 48}, RUN, two_targets)
    assert "Widths follow the known errors of each series, with a half life of 48 errors, calibrated on 14" in report


def test_forecasts_are_listed_from_best_to_worst(evaluate_error: Any, two_targets: ModelInput) -> None:
    report = make_report(evaluate_error(2.5, 1), RUN, two_targets)
    assert report.index("| ridge | 1 |") < report.index("| **this model** | 2.5 |") < report.index("| last value |")


def test_a_metric_that_is_undefined_is_a_dash(evaluate_error: Any, two_targets: ModelInput) -> None:
    metrics = evaluate_error(0.5, 1)
    metrics["test"]["model"]["overall"]["r2"] = None
    assert "| – | 0.5 |" in make_report(metrics, RUN, two_targets)


def test_at_most_eight_steps_are_listed(evaluate_error: Any, two_targets: ModelInput) -> None:
    metrics = evaluate_error(0.5, 1)
    for scores in (metrics["test"]["model"], *metrics["test"]["baselines"].values()):
        scores["per_horizon"] = [{"step": step, "rmse": 1.0} for step in range(1, 25)]
    section = make_report(metrics, RUN, two_targets).split("## RMSE by step")[1].split("##")[0]
    assert [line.split(" | ")[0] for line in section.splitlines()[4:-1]] == [
        "| 1", "| 4", "| 8", "| 11", "| 14", "| 17", "| 21", "| 24",
    ]  # fmt: skip


def test_what_to_type_next_keeps_the_options_of_the_run(evaluate_error: Any, two_targets: ModelInput) -> None:
    made = RUN | {"command": "kedro run --env ci --params model_type=gru,epochs=5"}
    section = make_report(evaluate_error(0.5, 1), made, two_targets).partition("## Next\n\n")[2]
    assert re.findall(r"`(.*)`", section) == [
        "kedro run --env ci --pipeline=forecasting --params run_id=gru-7",
        "kedro run --env ci --params model_type=gru,epochs=5 --pipeline=edge_poc",
        "kedro run --env ci --pipeline=backtest --params model_type=gru,epochs=5,backtest.folds=4",
        "kedro run --env ci --pipeline=refit --params run_id=gru-7",
        "kedro run --env ci --params model_type=gru,epochs=5",
    ]


def test_the_number_of_settings_that_were_tried_is_told(evaluate_error: Any, two_targets: ModelInput) -> None:
    tuned = RUN | {"settings": RUN["settings"] | {"settings_tried": 20}}
    assert "the best of 20 that were tried on validation" in make_report(evaluate_error(0.5, 1), tuned, two_targets)


def test_changes_beside_the_commit_are_told(evaluate_error: Any, two_targets: ModelInput) -> None:
    changed = RUN | {"commit_hash": "0123456789abcdef-dirty"}
    assert "Commit 0123456789ab-dirty." in make_report(evaluate_error(0.5, 1), changed, two_targets)


def test_a_run_outside_git_has_no_commit(evaluate_error: Any, two_targets: ModelInput) -> None:
    assert "Commit none." in make_report(evaluate_error(0.5, 1), RUN | {"commit_hash": None}, two_targets)


def test_data_of_an_earlier_version_has_a_report_too(evaluate_error: Any, two_targets: ModelInput) -> None:
    earlier = dataclasses.replace(two_targets, meta={"run_id": "old"})
    assert "## Data\n\n- Windows:" in make_report(evaluate_error(0.5, 1), RUN, earlier)


@pytest.mark.parametrize("package", ["keras", "numpy", "pandas", "scipy", "kedro", "spline-lstm"])
def test_the_versions_of_a_package_are_recorded(package: str) -> None:
    assert package_versions()[package]
