"""Each criterion of the gate, both ways."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from spline_lstm.edge.contract import METADATA_KEY
from spline_lstm.edge.gate import EdgeSpec, judge, make_probe_windows
from spline_lstm.edge.live_network import count_macs
from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.errors import ParameterError


@pytest.fixture(scope="module")
def content(trained):
    return make_onnx(trained.model.network, {METADATA_KEY: trained.contract.to_text()})


def changed(content: bytes, change) -> bytes:
    """Return the model with the kernel of its last layer changed."""
    model = onnx.load_model_from_string(content)
    kernel = next(tensor for tensor in model.graph.initializer if tensor.name == "head/kernel")
    kernel.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(kernel).copy()), kernel.name))
    return model.SerializeToString()


def failed(verdict: dict) -> list[str]:
    return [entry["name"] for entry in verdict["criteria"] if not entry["passed"]]


def with_limits(spec: EdgeSpec, **changes) -> EdgeSpec:
    return spec.model_copy(update=changes)


def test_a_faithful_export_passes(content, trained, edge_spec):
    verdict = judge(content, "onnx", "fp32", trained.reference, edge_spec)
    assert (verdict["verdict"], failed(verdict)) == ("PASS", [])
    assert verdict["calls"] >= 1_000


def test_a_broken_weight_fails_parity(content, trained, edge_spec):
    broken = changed(content, lambda weight: weight * 3)
    verdict = judge(broken, "onnx", "fp32", trained.reference, edge_spec)
    assert verdict["verdict"] == "FAIL"
    assert "parity" in failed(verdict)


@pytest.mark.parametrize("metadata", [{}, {METADATA_KEY: "of another run"}], ids=["none", "another"])
def test_a_file_without_the_runs_contract_fails(trained, edge_spec, metadata):
    verdict = judge(make_onnx(trained.model.network, metadata), "onnx", "fp32", trained.reference, edge_spec)
    assert (verdict["verdict"], failed(verdict)) == ("FAIL", ["missing or foreign input contract"])


def test_a_model_that_returns_nan_fails(content, trained, edge_spec):
    broken = changed(content, lambda weight: weight * np.nan)
    verdict = judge(broken, "onnx", "fp32", trained.reference, edge_spec)
    assert verdict["verdict"] == "FAIL"
    assert {"parity", "RMSE ratio"} <= set(failed(verdict))
    assert next(entry["found"] for entry in verdict["criteria"] if entry["name"] == "parity") is None


def test_a_file_that_does_not_load_fails_with_the_reason(trained, edge_spec):
    verdict = judge(b"garbage", "onnx", "fp32", trained.reference, edge_spec)
    assert verdict["verdict"] == "FAIL"
    assert "is not an ONNX file" in verdict["reason"]


@pytest.mark.parametrize(("limit", "name"), [("p95_ms", "p95"), ("size_mb", "size"), ("rmse_ratio", "RMSE ratio")])
def test_a_threshold_of_zero_fails_its_criterion(content, trained, edge_spec, limit, name):
    verdict = judge(content, "onnx", "fp32", trained.reference, with_limits(edge_spec, **{limit: 0.0}))
    assert (verdict["verdict"], failed(verdict)) == ("FAIL", [name])


def test_a_board_holds_flash_memory_and_time_against_a_file(content, trained, edge_spec):
    verdict = judge(content, "onnx", "fp32", trained.reference, with_limits(edge_spec, profile="cortex-m4"))
    found = {entry["name"]: entry for entry in verdict["criteria"]}
    assert failed(verdict) == ["RAM"]  # that of onnxruntime is not known
    assert found["flash"]["limit"] == 1_048_576 / 2000
    assert found["estimated time"]["found"] == trained.reference.macs * 8 / 168_000


def test_the_multiply_accumulates_of_a_forecast_are_counted(make_random):
    network = make_random("attention_lstm", units=(4,), features=2).network
    recurrent, hidden, score, context, head = 6 * 4 * 4 * (2 + 4), 6 * 4 * 4, 6 * 4, 6 * 4, 4 * 3
    assert count_macs(network) == recurrent + hidden + score + context + head


def test_a_loop_is_a_foreign_operator(content, trained, edge_spec):
    model = onnx.load_model_from_string(content)
    info = onnx.helper.make_tensor_value_info
    flag, value = onnx.TensorProto.BOOL, onnx.TensorProto.FLOAT
    body = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["go"], ["go_on"]), onnx.helper.make_node("Identity", ["given"], ["kept"])],
        "body",
        [info("step", onnx.TensorProto.INT64, []), info("go", flag, []), info("given", value, None)],
        [info("go_on", flag, []), info("kept", value, None)],
    )
    last = model.graph.node.pop()
    model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.int64), "once"))
    model.graph.node.append(onnx.helper.make_node("Loop", ["once", "", last.input[0]], list(last.output), body=body))
    verdict = judge(model.SerializeToString(), "onnx", "fp32", trained.reference, edge_spec)
    assert failed(verdict) == ["foreign operators"]
    assert verdict["foreign_operators"] == ["Loop"]


def test_outputs_that_differ_between_repeats_fail(content, trained, edge_spec):
    model = onnx.load_model_from_string(content)
    last = model.graph.node[-1]
    noise = onnx.helper.make_node("RandomNormalLike", [last.input[0]], ["noise"], scale=1e-6)
    summed = onnx.helper.make_node("Add", [last.input[0], "noise"], list(last.output))
    del model.graph.node[-1]
    model.graph.node.extend([noise, summed])
    verdict = judge(model.SerializeToString(), "onnx", "fp32", trained.reference, edge_spec)
    assert failed(verdict) == [f"differing outputs in {edge_spec.repeats} repeats"]


def test_smaller_weights_are_judged_by_their_own_tolerance(content, trained, edge_spec):
    nudged = changed(content, lambda weight: weight + np.float32(5e-4))
    strict = judge(nudged, "onnx", "fp32", trained.reference, edge_spec)
    lenient = judge(nudged, "onnx", "int8", trained.reference, edge_spec)
    assert "parity" in failed(strict)
    assert "parity" not in failed(lenient)


def test_the_gate_feeds_all_test_windows(trained):
    real = trained.bundle.X[trained.bundle.windows_of(2)]
    assert np.array_equal(trained.reference.windows[: len(real)], real)
    assert len(trained.reference.truth) == len(real)


def test_the_gate_feeds_extremes_behind_the_real_windows():
    real = np.full((3, 4, 2), 0.5, dtype=np.float32)
    windows = make_probe_windows(real)
    assert np.array_equal(windows[:3], real)
    assert {0.0, 5.0, -5.0} <= {float(window.flat[0]) for window in windows[3:] if np.ptp(window) == 0}


def test_unobserved_targets_do_not_count_in_the_rmse(trained):
    reference = trained.reference
    wild = replace(reference, truth=np.where(reference.mask, reference.truth, np.float32(1e9)))
    assert wild.rmse(reference.outputs) == reference.rmse(reference.outputs)


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("precisions", ["int8"], "fp32 is needed"),
        ("precisions", ["fp32", "int4"], "allowed: fp32, fp16, int8"),
        ("latency_calls", 999, "greater than or equal to 1000"),
        ("profile", "cortex-m0", "'laptop', 'cortex-m4', 'cortex-m7' or 'esp32'"),
        ("tflite_form", "rolled", "'auto', 'unrolled' or 'loop'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(make_parameters, edge_spec, key, value, part):
    with pytest.raises(ParameterError, match=part) as caught:
        make_parameters(edge_poc={**edge_spec.model_dump(), key: value})
    assert caught.value.exit_code == 2
