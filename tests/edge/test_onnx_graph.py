"""The native ONNX graph computes what Keras computes, with native operators."""

from collections import Counter

import numpy as np
import onnx
import pytest

from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.edge.runtime import open_onnx
from spline_lstm.errors import ExportError
from spline_lstm.models.registry import MODELS

OPTIONS = [
    {"features": 1},
    {"features": 8},
    {"features": 5, "target_indices": (0, 1), "normalization": "last", "linear_path": "shared"},
    {"features": 2, "target_indices": (0, 1), "normalization": "instance", "spline_smoothing": 0.5},
    {"features": 4, "target_indices": (2,), "normalization": "instance", "linear_path": "ridge"},
    {"features": 3, "segment": 2, "normalization": "last", "linear_path": "ridge"},
    {"features": 3, "spline_smoothing": 1.0, "linear_path": "ridge", "units": (8,)},
    {"features": 3, "target_indices": (0, 2), "link": "log", "target_zeros": (-1.0, 0.5)},
    {"features": 4, "link": "log", "normalization": "last", "spline_smoothing": 1.0, "linear_path": "ridge"},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("model_type", MODELS)
def test_the_graph_agrees_with_keras_for_any_batch(make_random, model_type, options):
    network = make_random(model_type, **options).network
    run, _ = open_onnx(make_onnx(network, {}), "test")
    windows = np.random.default_rng(0).normal(size=(7, *network.input_shape[1:])).astype(np.float32)
    np.testing.assert_allclose(run(windows), network.predict(windows, verbose=0), atol=1e-5)
    np.testing.assert_allclose(run(windows[:1]), network.predict(windows[:1], verbose=0), atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("model_type", MODELS)
def test_for_batch_1_every_value_has_a_fixed_shape(make_random, model_type, options):
    network = make_random(model_type, **options).network
    content = make_onnx(network, {}, batch=1)
    graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(content), strict_mode=True).graph
    shapes = {item.name: item.type.tensor_type.shape.dim for item in (*graph.input, *graph.value_info, *graph.output)}
    assert {name for node in graph.node for name in node.output if name} <= set(shapes)
    assert all(size.dim_value > 0 for shape in shapes.values() for size in shape)
    windows = np.random.default_rng(0).normal(size=(1, *network.input_shape[1:])).astype(np.float32)
    fixed, dynamic = (open_onnx(file, "test")[0] for file in (content, make_onnx(network, {})))
    np.testing.assert_array_equal(fixed(windows), dynamic(windows))


@pytest.mark.parametrize(("model_type", "operator"), [("lstm", "LSTM"), ("gru", "GRU"), ("attention_lstm", "LSTM")])
def test_recurrent_layers_are_native_operators_and_never_loops(make_random, model_type, operator):
    graph = onnx.load_model_from_string(make_onnx(make_random(model_type).network, {})).graph
    counts = Counter(node.op_type for node in graph.node)
    assert counts[operator] == 2
    assert not counts.keys() & {"Loop", "Scan", "If"}


def test_a_gru_without_reset_after_is_translated_too(make_random):
    import keras

    inputs = keras.Input((6, 3))
    network = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.GRU(4, reset_after=False)(inputs)))
    run, _ = open_onnx(make_onnx(network, {}), "test")
    windows = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(run(windows), network.predict(windows, verbose=0), atol=1e-6)


def test_the_file_is_at_most_three_percent_larger_than_its_weights():
    network = MODELS["lstm"](24, (64, 32), 0.2, 1e-3, 24, 1).build()
    assert len(make_onnx(network, {})) <= 1.03 * 4 * network.count_params()


def test_metadata_travels_with_the_file(make_random):
    model = onnx.load_model_from_string(make_onnx(make_random("gru").network, {"key": "value"}))
    assert {item.key: item.value for item in model.metadata_props} == {"key": "value"}


def test_a_layer_without_translation_is_refused_by_name():
    import keras

    inputs = keras.Input((6, 3))
    network = keras.Model(inputs, keras.layers.GlobalAveragePooling1D(name="pool")(inputs))
    with pytest.raises(
        ExportError, match="layer 'pool' of kind GlobalAveragePooling1D has no ONNX translation"
    ) as caught:
        make_onnx(network, {})
    assert caught.value.exit_code == 50


def test_an_activation_without_translation_is_refused():
    import keras

    inputs = keras.Input((6, 3))
    network = keras.Model(inputs, keras.layers.LSTM(4, activation="relu", name="odd")(inputs))
    with pytest.raises(ExportError, match="layer 'odd': only forward layers with tanh and sigmoid"):
        make_onnx(network, {})
