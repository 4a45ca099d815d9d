"""The lines at the end of a run: what was found, where it lies, and what to type next."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from spline_lstm.datasets import CSVDataset, FilesDataset, JSONDataset, ParquetDataset, TextDataset
from spline_lstm.hooks.summary import ClosingHooks
from spline_lstm.project.invocation import Invocation

SCORES = {"model": (5.65, 0.84), "ridge": (5.72, 0.85), "seasonal_naive": (9.16, 1.49)}


def scores_of(name: str) -> dict[str, Any]:
    """Scores of one target, as `metrics.json` has them."""
    scores = dict(zip(("rmse", "mase"), SCORES[name], strict=True))
    return {"overall": scores, "per_target": {"target": scores}}


METRICS = {
    "units": {"target": "°F"},
    "val": {"windows": 3786},
    "test": {
        "windows": 3858,
        "model": {**scores_of("model"), "per_horizon": [{"step": step} for step in range(1, 25)]},
        "baselines": {name: scores_of(name) for name in SCORES if name != "model"},
    },
}
FILE = {
    "precision": "fp32", "verdict": "PASS", "criteria": [{"name": "p95"}], "latency_p95_ms": 0.05, "size_bytes": 84438,
}  # fmt: skip
GATE = {
    "run_id": "gru-1", "model_type": "gru", "f_total": 8,
    "files": {"model.onnx": FILE, "model.int8.onnx": {**FILE, "precision": "int8", "verdict": "FAIL"}},
}  # fmt: skip
ROW = {"RMSE": 5.65, "typical RMSE": 5.65, "MASE": 0.84, "p95(ms)": 0.4, "model_size(MB)": 0.2}
WINNER = {"model_type": "gru", "data_mode": "multivariate"}
COMPARISON = {
    "benchmark_id": "benchmark-1", "units": {"target": "°F"},
    "summary": [
        {**WINNER, **ROW},
        {"model_type": "lstm", "data_mode": "univariate", **ROW, "RMSE": 6.66, "typical RMSE": 6.66},
    ],
    "baselines": [{"model_type": "ridge", "data_mode": "multivariate", **ROW, "RMSE": 5.72, "typical RMSE": 5.72}],
    "verdicts": {
        "recommendation": {**WINNER, "loses_to_ridge": False}, "accuracy": WINNER,
        "edge": {"model_type": "lstm", "data_mode": "univariate"},
    },
}  # fmt: skip
FORECAST = pd.DataFrame(
    {
        "series_id": "EWR", "target": "target", "timestamp": pd.date_range("2024-01-01", periods=3, freq="h"),
        "origin": pd.Timestamp("2023-12-31 23:00"),
        "y_pred": [30.0, 31.0, 32.0], "lower_80": 25.0, "upper_80": np.inf,
    }
)  # fmt: skip
KINDS: dict[str, Any] = {
    "metrics": JSONDataset, "report_page": TextDataset, "edge_gate": JSONDataset, "edge_report": TextDataset,
    "backtest": JSONDataset, "backtest_page": TextDataset,
    "comparison": JSONDataset, "comparison_page": TextDataset, "edge_matrix": JSONDataset,
    "edge_matrix_report": TextDataset, "forecast": ParquetDataset, "forecast_csv": CSVDataset,
    "drift": JSONDataset,
    "table_profile": TextDataset, "table_schema": JSONDataset, "table_parameters": TextDataset,
    "model_input": FilesDataset,
}  # fmt: skip
INVOCATION = Invocation(env="ci", given={"epochs": 2})


@pytest.fixture
def close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Close a run that made some datasets; returns what is printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(earlier: dict[str, Any] | None = None, invocation: Invocation = INVOCATION, **made: Any) -> str:
        parameters = {"params:run_id": MemoryDataset("gru-1"), "params:forecast_id": MemoryDataset("later")}
        values = made | (earlier or {})
        results = {
            name: KINDS[name](filepath=str(tmp_path / "data" / name))
            for name in {**values, "comparison": None, "metrics": None}
        }
        for name, value in values.items():
            results[name].save(value)
        node = Node(lambda _: None, "raw_table", list(made), name="make")
        hooks = ClosingHooks()
        hooks.after_context_created(SimpleNamespace(invocation=invocation))
        hooks.after_pipeline_run(Pipeline([node]), DataCatalog(parameters | results))
        return capsys.readouterr().out

    return run


def test_a_run_shows_the_model_among_its_baselines(close: Any) -> None:
    printed = close(metrics=METRICS, report_page="")
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert "gru-1, 3,858 test windows" in lines
    assert lines.index("this model 5.65 0.84") < lines.index("ridge 5.72 0.85 1.2% below")
    assert "Report data/report_page" in lines


@pytest.mark.parametrize("drifting", [0, 2])
def test_a_forecast_names_the_file_of_its_drift_where_there_is_some(drifting: int, close: Any) -> None:
    item = {"train_low": -1.0, "train_high": 1.0, "beyond": 2.0, "series": "EWR", "drift": drifting}
    drift = {"steps": 24, "series": 3, "columns": {"target": item}}
    printed = close(forecast=FORECAST, forecast_csv=FORECAST, drift=drift)
    assert ("Drift    data/drift" in printed) == bool(drifting)


def test_a_run_with_few_windows_says_so_first(close: Any) -> None:
    few = {**METRICS, "test": {**METRICS["test"], "windows": 12}}
    lines = close(metrics=few, report_page="").splitlines()
    assert lines[1] == "Little evidence: windows are few (12 in test; 240 steps are ten horizons)."


@pytest.mark.parametrize(
    ("freq", "first"), [("h", "2024-01-01 00:00"), ("D", "2024-01-01"), ("MS", "2024-01"), ("YS", "2024")]
)
def test_months_and_years_are_shown_as_such(freq: str, first: str, close: Any) -> None:
    stamps = pd.date_range(
        "2023-01-01" if freq == "YS" else "2023-12-01" if freq == "MS" else "2024-01-01", periods=4, freq=freq
    )
    stamps = stamps[1:] if freq in ("MS", "YS") else stamps[:3]
    origin = stamps[0] - pd.tseries.frequencies.to_offset(freq)
    printed = close(forecast=FORECAST.assign(timestamp=stamps, origin=origin), forecast_csv=FORECAST)
    assert f" {first} " in printed
    assert "unknown" in printed


def test_the_modelling_is_followed_by_the_gate_with_the_same_parameters(close: Any) -> None:
    assert close(metrics=METRICS, report_page="").endswith(
        "Next     kedro run --pipeline=edge_poc --env ci --params epochs=2\n"
    )


def test_the_gates_verdicts_are_those_of_the_files_to_release(close: Any) -> None:
    printed = close(edge_gate=GATE, edge_report="")
    assert "model.onnx" in printed
    assert "PASS" in printed
    assert "int8" not in printed


def test_the_gate_is_followed_by_a_forecast_with_the_run(close: Any) -> None:
    printed = close(edge_gate=GATE, edge_report="")
    assert printed.endswith("Next     kedro run --pipeline=forecasting --env ci --params run_id=gru-1\n")


def test_a_file_that_does_not_run_has_no_figures(close: Any) -> None:
    failed = {"precision": "fp32", "verdict": "FAIL", "reason": "it does not load", "criteria": []}
    assert "–" in close(edge_gate={**GATE, "files": {"model.onnx": failed}}, edge_report="")


def test_nothing_exported_is_told(close: Any) -> None:
    assert "Nothing was exported" in close(edge_gate={**GATE, "files": {}}, edge_report="")


def test_a_benchmark_names_its_winners_beside_ridge(close: Any) -> None:
    lines = [" ".join(line.split()) for line in close(comparison=COMPARISON, comparison_page="").splitlines()]
    assert "recommended gru multivariate 5.65 0.84 0.4 0.2" in lines
    assert "on a device lstm univariate 6.66 0.84 0.4 0.2" in lines
    assert "for scale ridge multivariate 5.72 0.84 0.4 0.2" in lines
    assert lines[-1] == "Next kedro run --pipeline=edge_matrix --env ci --params epochs=2"


def test_a_backtest_has_a_row_a_fold_and_their_mean(close: Any) -> None:
    scores = {name: {"rmse": rmse, "mase": mase} for name, (rmse, mase) in SCORES.items()}
    fold = {"fold": 1, "test_from": "2024-01-01 00:00:00", "scores": scores}
    backtest = {"run_id": "gru-1", "units": {}, "folds": [fold], "mean": scores, "spread": scores}
    backtest["single_split"] = {"windows": 9, "scores": scores}
    lines = [" ".join(line.split()) for line in close(backtest=backtest, backtest_page="").splitlines()]
    assert "1 2024-01-01 00:00 5.65 5.72 9.16" in lines
    assert "mean 5.65 5.72 9.16" in lines
    assert "single split 5.65 5.72 9.16" in lines
    assert lines[-1] == "Next kedro run --pipeline=forecasting --env ci --params run_id=gru-1"


def test_a_recommendation_that_loses_to_ridge_is_told(close: Any) -> None:
    verdicts = {**COMPARISON["verdicts"], "recommendation": {**WINNER, "loses_to_ridge": True}}  # type: ignore[dict-item]
    assert "loses to the ridge regression" in close(comparison={**COMPARISON, "verdicts": verdicts}, comparison_page="")


def test_the_matrix_lists_every_model(close: Any) -> None:
    printed = close(edge_matrix={"gates": [GATE, {**GATE, "model_type": "lstm"}]}, edge_matrix_report="")
    assert [line.split()[0] for line in printed.splitlines() if "PASS" in line] == ["gru", "lstm"]


def test_the_matrix_is_followed_by_a_forecast_with_the_recommended_run(close: Any) -> None:
    rows = [{"model_type": "lstm", "data_mode": "univariate", "run_id": "lstm-7"}, {**WINNER, "run_id": "gru-7"}]
    compared: dict[str, Any] = {"edge_matrix": {"gates": [GATE], "verdicts": {}}, "edge_matrix_report": ""}
    assert close(**compared).endswith("--params run_id=gru-1\n")
    compared["edge_matrix"] = {"gates": [GATE], "verdicts": {"recommendation": {**WINNER, "file": "model.onnx"}}}
    assert close(**compared, earlier={"comparison": {**COMPARISON, "rows": rows}}).endswith("--params run_id=gru-7\n")


def test_a_forecast_shows_its_first_and_last_step(close: Any) -> None:
    printed = close(forecast=FORECAST, forecast_csv=FORECAST)
    assert "2024-01-01 00:00" in printed
    assert "2024-01-01 02:00" in printed
    assert "unknown" in printed


def test_of_many_series_some_are_shown(close: Any) -> None:
    many = pd.concat([FORECAST.assign(series_id=f"S{number}") for number in range(9)])
    assert "and 5 more" in close(forecast=many, forecast_csv=many)


def test_a_description_says_where_it_lies_and_what_to_copy(close: Any) -> None:
    printed = close(table_profile="", table_schema={}, table_parameters="")
    assert "Profile  data/table_profile" in printed
    assert printed.endswith("Next     cp data/table_parameters conf/local/ && kedro run\n")


def test_a_description_is_copied_into_the_configuration_in_use(close: Any, tmp_path: Path) -> None:
    made: dict[str, Any] = {"table_profile": "", "table_schema": {}, "table_parameters": ""}
    (tmp_path / "my conf").mkdir()
    printed = close(**made, invocation=Invocation(conf_source="my conf"))
    assert printed.endswith("conf/local/' && kedro run --conf-source 'my conf'\n")
    assert "Next" not in close(**made, invocation=Invocation(conf_source="conf.tar.gz"))


def test_a_forecast_is_shown_by_kedro_viz_where_there_is_a_project(close: Any) -> None:
    made = {"forecast": FORECAST, "forecast_csv": FORECAST}
    here = close(**made, invocation=Invocation(env="ci", runner="ThreadRunner"))
    assert here.endswith("Next     kedro viz run --env ci --params run_id=gru-1,forecast_id=later  # plot_forecast\n")
    assert "Next" not in close(**made, invocation=Invocation(program="python -m spline_lstm"))


def test_the_preprocessing_is_followed_by_the_modelling(close: Any) -> None:
    printed = close(model_input={})
    assert printed.endswith("Next     kedro run --pipeline=modelling --env ci --params epochs=2\n")


def test_a_part_of_a_pipeline_closes_with_nothing(close: Any) -> None:
    assert close(report_page="") == ""


def test_what_cannot_be_read_breaks_nothing(close: Any) -> None:
    assert close(metrics={}, report_page="") == ""


def test_nothing_is_printed_in_a_notebook(close: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert close(metrics=METRICS, report_page="") == ""
