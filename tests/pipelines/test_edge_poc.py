"""The edge gate's nodes: what is enforced, what is exported, what a person reads."""

import hashlib
import json
from typing import Any

import pytest

from spline_lstm.edge.export import ExportSpec
from spline_lstm.errors import (
    ArtifactDamagedError,
    EdgeGateError,
    Failure,
    RunIdMismatchError,
    TrainingDivergedError,
)
from spline_lstm.models.registry import MODELS, ModelSpec
from spline_lstm.pipelines.edge_matrix.nodes import join_gates
from spline_lstm.pipelines.edge_poc.nodes import enforce_gate, export_model, judge_exports, write_edge_report
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.reporting.gate_report import explain_verdict, make_edge_report
from spline_lstm.reporting.page import make_page
from spline_lstm.series.model_input import ModelInput

PAGE = make_page("# Run gru-1\n\nFirst words.\n\n## Files\n", {}, {"release": "verdict", "edge gate": "Files"})

# Keras 3 turns TensorFlow variables into arrays through `__array__`, which lacks NumPy 2's copy keyword.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def judged(verdict: str = "PASS", precision: str = "fp32") -> dict[str, Any]:
    criterion = {"name": "p95", "found": 0.04, "limit": 30.0, "unit": "ms", "passed": verdict == "PASS"}
    return {
        "format": "onnx", "precision": precision, "path": "model.onnx", "verdict": verdict, "reason": None,
        "criteria": [
            {"name": "parity", "found": 1e-7, "limit": 1e-3, "unit": "sigma", "passed": True},
            {"name": "RMSE ratio", "found": 1.0, "limit": 1.02, "unit": "", "passed": True},
            criterion,
        ],
        "operators": {"GRU": 1}, "foreign_operators": [], "footprint": {}, "runtime": "onnxruntime",
        "ram_bytes": None, "windows": 12, "test_windows": 10,
        "size_bytes": 100,
        "size_to_smallest": 1.01, "bytes_per_param": 4.04, "latency_p50_ms": 0.03, "latency_p95_ms": 0.04,
        "latency_to_keras": 0.05, "calls": 1000, "stable": True,
    }  # fmt: skip


def gate(**files: dict[str, Any]) -> dict[str, Any]:
    released = [item for item in files.values() if item["precision"] == "fp32"]
    return {
        "run_id": "gru-1", "model_type": "gru", "feature_mode": "univariate",
        "f_total": 1, "files": files, "params": 25, "trained_params": 25,
        "macs": 100, "profile": "laptop",
        "regression_only": False, "second_route": None,
        "keras": {"latency_p50_ms": 0.6, "calls": 1000},
        "verdict": "PASS" if all(item["verdict"] == "PASS" for item in released) else "FAIL",
    }  # fmt: skip


@pytest.fixture(scope="module")
def run_spec() -> RunSpec:
    settings, places = {"feature_mode": "univariate"}, {"exported_models": "elsewhere/gru-1"}
    return RunSpec(
        run_id="gru-1", processed_run_id="data", commit_hash=None,
        settings=json.dumps(settings), places=json.dumps(places),
    )  # fmt: skip


def test_a_pass_is_released() -> None:
    assert enforce_gate(gate(onnx=judged())) is None


def test_a_fail_ends_the_run_naming_file_and_criterion(refuses: Any) -> None:
    with refuses(EdgeGateError, 51, "run 'gru-1' did not pass the edge gate: onnx (p95)"):
        enforce_gate(gate(onnx=judged("FAIL")))


def test_smaller_weights_that_fail_hold_nothing_up() -> None:
    assert enforce_gate(gate(onnx=judged(), int8=judged("FAIL", "int8"))) is None


@pytest.mark.parametrize(
    ("name", "item", "words"),
    [
        ("model.onnx", judged(), "PASS"),
        ("model.onnx", judged("FAIL"), "FAIL (p95)"),
        ("model.int8.onnx", judged("FAIL", "int8"), "FAIL (p95); a smaller variant, only fp32 decides on release"),
        ("second_route.onnx", judged(), "PASS; for comparison only"),
    ],
)
def test_a_verdict_says_what_failed_and_whether_it_counts(name: str, item: dict[str, Any], words: str) -> None:
    assert explain_verdict(name, item) == words


def test_nothing_exported_is_nothing_released(refuses: Any) -> None:
    with refuses(EdgeGateError, 51, "nothing was exported"):
        enforce_gate(gate())


def test_the_format_none_exports_nothing_and_the_report_says_so(make_parameters: Any, run_spec: RunSpec) -> None:
    parameters = make_parameters(export_formats="none")
    exported = export_model(b"", None, {}, None, parameters.part(ExportSpec), parameters.edge_poc, run_spec)  # type: ignore[arg-type]
    assert exported == {}
    assert "Nothing was exported" in make_edge_report(gate())


def test_the_model_of_a_failed_cell_ends_the_export_with_its_code(
    make_parameters: Any, run_spec: RunSpec, refuses: Any
) -> None:
    failure = Failure("cell 'gru-1': the loss is no longer a number", 30)
    parameters = make_parameters()
    with refuses(TrainingDivergedError, 30, "cell 'gru-1'"):
        export_model(failure, None, {}, None, parameters.part(ExportSpec), parameters.edge_poc, run_spec)  # type: ignore[arg-type]


def test_the_report_has_each_number_beside_its_threshold_and_warns_of_few_windows() -> None:
    text = make_edge_report(gate(**{"model.onnx": judged("FAIL")}))
    assert "| p95 | 0.04 ms | ≤ 30 ms | **FAIL** |" in text
    assert "fewer than 1,000 test windows" in text


def test_what_a_c_file_takes_is_in_the_report() -> None:
    footprint = {"code": 2434, "constants": 82160, "stack": 280, "state": 7336}
    text = make_edge_report(gate(**{"model.c": judged() | {"footprint": footprint}}))
    assert "code 2,434 bytes, constants 82,160 bytes, stack at most 280 bytes" in text
    assert "| model.c | 1e-07 of 0.001 sigma | 1 of 1.02 | 0.04 of 30 ms |" in text
    assert "a forecast takes 100 multiply-accumulates" in text


def test_a_file_that_is_not_judged_is_not_released(refuses: Any) -> None:
    unjudged = {"precision": "fp32", "verdict": "NOT JUDGED", "reason": "there is no C compiler", "criteria": []}
    found = gate(**{"model.c": unjudged | {"path": "model.c", "format": "c"}}) | {"verdict": "NOT JUDGED"}
    assert "model.c: **NOT JUDGED**" in make_edge_report(found)
    with refuses(EdgeGateError, 51, "did not pass the edge gate: model.c (there is no C compiler)"):
        enforce_gate(found)


def test_the_report_says_where_the_files_hold_the_regression_alone() -> None:
    found = gate(**{"model.onnx": judged()}) | {"regression_only": True, "params": 600, "trained_params": 19056}
    assert "The files hold the regression alone, 600 of 19,056 parameters." in make_edge_report(found)


def test_the_matrix_lists_every_model_gru_first(make_parameters: Any) -> None:
    lstm = gate(onnx=judged()) | {"model_type": "lstm"}
    joined, text = join(make_parameters(), lstm, gate(onnx=judged("FAIL")))
    assert [item["model_type"] for item in joined["gates"]] == ["gru", "lstm"]
    assert "1 of 2 files pass all criteria" in text


def test_the_matrix_says_which_file_to_ship(make_parameters: Any) -> None:
    lstm = gate(onnx=judged()) | {"model_type": "lstm"}
    joined, text = join(make_parameters(), lstm, gate(onnx=judged("FAIL")))
    assert {name: item["file"] for name, item in joined["verdicts"].items()} == dict.fromkeys(
        ("accuracy", "edge", "recommendation"), "onnx"
    )
    assert "- **Ship: lstm, univariate, onnx** – best balance of validation RMSE (2) and the edge score" in text
    assert "(0.04 ms, 0.0001 MB); its test RMSE is 2.1, the lowest (weights: accuracy 0.8, edge 0.2)" in text


def test_where_no_file_passes_none_is_to_be_shipped(make_parameters: Any) -> None:
    joined, text = join(make_parameters(), gate(onnx=judged("FAIL")))
    assert joined["verdicts"] == {}
    assert "None: no file with 32-bit weights passes all criteria." in text


def join(parameters: Any, *gates: dict[str, Any]) -> tuple[dict[str, Any], str]:
    scores = {"RMSE": 2.1, "RMSE spread": 0.1, "typical RMSE": 2.1, "typical val RMSE": 2.0, "loses_to_ridge": False}
    models = [{"model_type": name, "data_mode": "univariate", "notes": ""} for name in ("gru", "lstm")]
    comparison = {"units": {"target": None}, "rows": models, "summary": [model | scores for model in models]}
    return join_gates(parameters.edge_poc, parameters.benchmark, comparison, *gates)


def test_judging_nothing_finds_nothing(
    make_parameters: Any, run_spec: RunSpec, prepare_table: Any, make_table: Any
) -> None:
    parameters = make_parameters()
    bundle = prepare_table(make_table(steps=80))
    found = judge_exports({}, b"", bundle, {}, parameters.part(ModelSpec), parameters.edge_poc, run_spec)
    assert found["files"] == {}


@pytest.fixture(scope="module")
def small(prepare_table: Any, make_table: Any) -> tuple[bytes, ModelInput, dict[str, Any]]:
    """An LSTM, not trained, univariate data that fits it, and its intervals."""
    bundle = prepare_table(make_table(steps=80))
    model = MODELS["lstm"](bundle.lookback, (2,), 0.0, 1e-3, bundle.horizon, 1)
    model.build()
    content = model.to_bytes()
    return content, bundle, {"model_sha256": hashlib.sha256(content).hexdigest()}


def test_a_model_of_another_type_than_was_typed_is_not_exported(
    small: tuple[bytes, ModelInput, dict[str, Any]], make_parameters: Any, run_spec: RunSpec, refuses: Any
) -> None:
    parameters = make_parameters(model_type="gru", export_formats="onnx")
    parts = parameters.part(ModelSpec), parameters.part(ExportSpec), parameters.edge_poc
    with refuses(ArtifactDamagedError, 21, "holds 'lstm', not 'gru'; give the model_type that it was trained as"):
        export_model(*small, *parts, run_spec)


def test_a_model_of_another_type_than_was_typed_is_not_judged(
    small: tuple[bytes, ModelInput, dict[str, Any]], make_parameters: Any, run_spec: RunSpec, refuses: Any
) -> None:
    parameters = make_parameters(model_type="gru")
    with refuses(ArtifactDamagedError, 21, "holds 'lstm', not 'gru'"):
        judge_exports({"model.onnx": b""}, *small, parameters.part(ModelSpec), parameters.edge_poc, run_spec)


def test_intervals_of_another_training_are_not_exported(
    small: tuple[bytes, ModelInput, dict[str, Any]], make_parameters: Any, run_spec: RunSpec, refuses: Any
) -> None:
    parameters = make_parameters(model_type="lstm", export_formats="onnx")
    parts = parameters.part(ModelSpec), parameters.part(ExportSpec), parameters.edge_poc
    with refuses(RunIdMismatchError, 23, "the intervals of run 'gru-1' belong to another training"):
        export_model(*small[:2], {"model_sha256": "0"}, *parts, run_spec)


def test_an_exported_model_is_judged_with_the_mode_of_its_data(
    small: tuple[bytes, ModelInput, dict[str, Any]], make_parameters: Any, run_spec: RunSpec
) -> None:
    parameters = make_parameters(model_type="lstm", export_formats="onnx")
    model, edge_poc = parameters.part(ModelSpec), parameters.edge_poc.model_copy(update={"precisions": ("fp32",)})
    exported = export_model(*small, model, parameters.part(ExportSpec), edge_poc, run_spec)
    typed = run_spec.model_copy(update={"settings": '{"feature_mode": "multivariate"}'})
    found = judge_exports(exported, *small, model, edge_poc, typed)
    assert list(found["files"]) == ["model.onnx", "model_batch1.onnx"]
    assert (found["second_route"]["format"], found["second_route"]["verdict"]) == ("onnx", "PASS")
    assert (found["model_type"], found["feature_mode"], found["f_total"]) == ("lstm", "univariate", 1)
    assert found["files"]["model.onnx"]["path"] == "elsewhere/gru-1/model.onnx"
    assert found["verdict"] == "PASS"
    text, page = write_edge_report(found, PAGE)
    assert "model.onnx" in text
    assert "<td>model.onnx</td>" in page
