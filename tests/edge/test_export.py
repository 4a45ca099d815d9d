"""Everything that is exported for a run, and the child process that converts."""

import hashlib
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from spline_lstm.edge import conversion, onnx_file, tflite_file
from spline_lstm.edge.contract import CONTRACT_FILE, METADATA_KEY
from spline_lstm.edge.export import FIXED_BATCH, SECOND_ROUTE, choose_form, export, file_name, parse_file_name
from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.edge.quantise import quantise_onnx, quantise_tflite
from spline_lstm.edge.runtime import load_model, open_onnx, open_tflite
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, ExportError, ShapeContractError
from spline_lstm.models.archive import archive_network
from spline_lstm.models.registry import MODELS


@pytest.fixture(scope="module")
def exported(trained, edge_spec):
    return export(trained.model.network, trained.contract, ("onnx", "tflite"), edge_spec)


def test_both_formats_come_in_all_precisions_and_onnx_for_batch_1_and_by_a_second_route(exported):
    names = {file_name(kind, precision) for kind in ("onnx", "tflite") for precision in ("fp32", "fp16", "int8")}
    assert set(exported) == names | {FIXED_BATCH, SECOND_ROUTE, CONTRACT_FILE}


@pytest.mark.parametrize(
    ("name", "parts"),
    [("model.onnx", ("onnx", "fp32")), (FIXED_BATCH, ("onnx", "fp32")), ("model.int8.tflite", ("tflite", "int8"))],
)
def test_a_file_name_tells_format_and_precision(name, parts):
    assert parse_file_name(name) == parts


def test_the_contract_lies_beside_the_files_with_the_text_that_is_in_them(exported):
    text = exported[CONTRACT_FILE].decode()
    assert text == open_onnx(exported["model.onnx"], "")[1] == open_tflite(exported["model.int8.tflite"], "")[1]
    assert text == open_onnx(exported[FIXED_BATCH], "")[1]


def test_no_format_exports_nothing(trained, edge_spec):
    assert export(trained.model.network, trained.contract, ("none",), edge_spec) == {}


@pytest.mark.parametrize("name", ["model.onnx", FIXED_BATCH, "model.tflite", SECOND_ROUTE])
def test_full_weights_agree_with_keras(exported, trained, name):
    run, _ = (open_tflite if name.endswith("tflite") else open_onnx)(exported[name], name)
    outputs = np.concatenate([run(window[None]) for window in trained.reference.windows])
    np.testing.assert_allclose(outputs, trained.reference.outputs, atol=1e-5)


@pytest.fixture(scope="module")
def beside_ridge(make_random):
    """A network whose regression has large weights that nearly cancel, and its files in full precision."""
    network = make_random("lstm", units=(64,), linear_path="ridge").network
    path = network.get_layer("linear_path")
    kernel, bias = path.get_weights()
    kernel[:2] = [[100.0] * kernel.shape[1], [-100.0] * kernel.shape[1]]
    path.set_weights([kernel, bias])
    loop = conversion.convert(archive_network(network), ("loop",), second_route=False)["loop"]
    return network, {"onnx": make_onnx(network, {}), "tflite": loop}


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_smaller_weights_compute_exactly_what_their_rounded_weights_say(beside_ridge, kind, precision):
    network, full = beside_ridge
    quantise, open_file = (quantise_onnx, open_onnx) if kind == "onnx" else (quantise_tflite, open_tflite)
    small = quantise(full[kind], precision)
    assert len(small) < len(full[kind])
    windows = np.random.default_rng(0).normal(size=(20, 6, 8)).astype(np.float32)
    run = open_file(small, "small")[0]
    rounded = with_rounded_weights(network, precision)
    expected = rounded.predict(windows, verbose=0)
    np.testing.assert_allclose(np.concatenate([run(window[None]) for window in windows]), expected, atol=1e-4)


def with_rounded_weights(network, precision):
    """Return the network with the weights that a smaller file stores, by a slow and obvious way."""
    rounded = keras.models.clone_model(network)
    for layer, source in zip(rounded.layers, network.layers, strict=True):
        layer.set_weights([round_weight(weight, layer.name, precision) for weight in source.get_weights()])
    return rounded


def round_weight(weight, layer, precision):
    if weight.ndim < 2 or weight.shape[0] < 2 or weight.size < 64 or "bias" in layer:
        return weight
    if precision == "fp16" or layer == "linear_path":
        return weight.astype(np.float16).astype(np.float32)
    scale = np.abs(weight).max(axis=0) / 127
    return np.round(weight / scale) * scale


def test_int8_takes_at_most_two_bytes_a_parameter():
    network = MODELS["lstm"](24, (64,), 0.2, 1e-3, 24, 8, linear_path="ridge").build()
    loop = conversion.convert(archive_network(network), ("loop",), second_route=False)["loop"]
    smallest = tflite_file.finish(quantise_tflite(loop, "int8"), METADATA_KEY, "")
    for content in (quantise_onnx(make_onnx(network, {}), "int8"), smallest):
        assert len(content) <= 2 * network.count_params()


def test_a_released_tflite_file_has_aligned_weights_and_no_names(exported):
    model = tflite_file.schema().Model.GetRootAs(exported["model.tflite"], 0)
    addresses = [model.Buffers(position)._tab.Offset(4) for position in range(model.BuffersLength())]
    vectors = [model.Buffers(position)._tab.Vector(offset) for position, offset in enumerate(addresses) if offset]
    assert vectors
    assert {vector % 16 for vector in vectors} == {0}
    graph = model.Subgraphs(0)
    assert {graph.Tensors(position).Name() for position in range(graph.TensorsLength())} == {None}


def test_both_forms_agree_with_keras_and_the_loop_is_smaller(trained):
    made = conversion.convert(trained.content, ("loop", "unrolled"), second_route=False)
    assert len(made["loop"]) < len(made["unrolled"])
    assert ["WHILE" in tflite_file.operators(made[form]) for form in ("loop", "unrolled")] == [True, False]
    for form, content in made.items():
        run, _ = open_tflite(content, form)
        np.testing.assert_allclose(run(trained.reference.windows[:1]), trained.reference.outputs[:1], atol=1e-5)


@pytest.mark.parametrize(
    ("model_type", "units", "forms"),
    [
        ("gru", (8,), ["loop", "loop"]),
        ("lstm", (8, 4), ["unrolled", "loop"]),
        ("attention_lstm", (8,), ["unrolled", "loop"]),
    ],
)
def test_full_weights_are_unrolled_where_a_layer_returns_every_step(make_random, model_type, units, forms):
    network = make_random(model_type, units=units).network
    assert [choose_form(network, precision, "auto") for precision in ("fp32", "int8")] == forms
    assert choose_form(network, "int8", "unrolled") == "unrolled"


def test_a_failing_conversion_is_refused_with_the_childs_last_words():
    with pytest.raises(ExportError, match=r"the conversion failed: .*cannot be loaded") as caught:
        conversion.convert(b"no archive", ("loop",), second_route=False)
    assert caught.value.exit_code == 50


@pytest.mark.parametrize("name", ["model.onnx", "model.int8.onnx", "model.tflite", "model.fp16.tflite"])
def test_the_file_alone_is_enough_to_forecast_from_raw_values(exported, trained, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(exported[name])
    forecaster = load_model(path)
    assert forecaster.contract == trained.contract
    names = forecaster.contract.feature_order
    states = [trained.bundle.preprocessor["scalers"].get(feature, {"center": 0.0, "scale": 1.0}) for feature in names]
    scaled = trained.bundle.X[0]
    raw = scaled * [state["scale"] for state in states] + [state["center"] for state in states]
    expected = trained.bundle.in_target_units(forecaster.run(scaled[None]), np.array([0]))[0]
    np.testing.assert_allclose(forecaster.forecast(raw), expected, atol=1e-3)
    assert forecaster.forecast(raw).shape == (trained.bundle.horizon, 1)


@pytest.mark.parametrize("window", [np.zeros((2, 2)), np.full((6, 8), np.nan)])
def test_a_window_of_another_shape_or_with_nan_is_refused(exported, tmp_path, window):
    path = tmp_path / "model.onnx"
    path.write_bytes(exported["model.onnx"])
    with pytest.raises(ShapeContractError, match=r"a finite window of shape \(6, 8\) is needed"):
        load_model(path).forecast(window)


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(ArtifactMissingError, match="kedro run --pipeline=edge_poc"):
        load_model(tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["model.onnx", "model.tflite"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00\x00\x00\x00TFL3" + b"\xff" * 64])
def test_garbage_is_refused_and_the_process_survives(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ArtifactDamagedError) as caught:
        load_model(path)
    assert caught.value.exit_code == 21


def test_a_truncated_onnx_file_is_refused_before_onnxruntime_sees_it(exported):
    content = exported["model.onnx"]
    for share in range(25):
        with pytest.raises(ArtifactDamagedError, match=r"model\.onnx is not an ONNX file"):
            open_onnx(content[: len(content) * share // 25], "model.onnx")


@pytest.mark.parametrize(
    "content", [b"\xff" * 11, b"\x08\x0a", b"\x08\x0a\x3c", b"\x08\x0a\x3a\x7f", b"\x0d" + bytes(4)]
)
def test_what_has_not_the_fields_of_a_model_is_refused(content):
    with pytest.raises(ArtifactDamagedError, match=r"model\.onnx is not an ONNX file"):
        onnx_file.check_structure(content, "model.onnx")


@pytest.mark.parametrize("index", ["{}", "[", "[]", '{"model.onnx": "0"}'])
def test_a_file_that_the_index_beside_it_does_not_describe_is_refused(exported, tmp_path, index):
    (tmp_path / "model.onnx").write_bytes(exported["model.onnx"])
    (tmp_path / "index.json").write_text(index)
    with pytest.raises(ArtifactDamagedError, match=r"is not the file that index\.json beside it describes"):
        load_model(tmp_path / "model.onnx")


def test_a_file_that_the_index_beside_it_describes_is_taken(exported, tmp_path):
    (tmp_path / "model.onnx").write_bytes(exported["model.onnx"])
    digest = hashlib.sha256(exported["model.onnx"]).hexdigest()
    (tmp_path / "index.json").write_text(json.dumps({"model.onnx": digest}))
    assert load_model(tmp_path / "model.onnx").contract.run_id == "gru-test"


def test_a_file_without_contract_is_refused(trained, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(make_onnx(trained.model.network, {}))
    with pytest.raises(ArtifactDamagedError, match="carries no input contract"):
        load_model(path)


def test_tflite_metadata_is_kept_beside_what_was_there(exported):
    content = tflite_file.finish(exported["model.tflite"], "other", "text")
    assert tflite_file.read_metadata(content, "other") == "text"
    assert tflite_file.read_metadata(content, METADATA_KEY) is not None
    assert tflite_file.read_metadata(content, "nothing") is None


@pytest.mark.parametrize("name", ["model.onnx", "model.tflite"])
def test_an_exported_file_forecasts_without_tensorflow(exported, tmp_path, name):
    (tmp_path / name).write_bytes(exported[name])
    code = f"""
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None  # importing either fails
from pathlib import Path
import numpy as np
from spline_lstm.edge.runtime import load_model
print(load_model(Path({name!r})).forecast(np.ones((6, 8))).shape)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(3, 1)"
