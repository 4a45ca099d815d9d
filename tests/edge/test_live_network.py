"""What is exported of a network whose recurrent stack adds nothing."""

import json
from collections import Counter

import numpy as np
import pytest

from spline_lstm.edge import tflite_file
from spline_lstm.edge.contract import METADATA_KEY
from spline_lstm.edge.export import export
from spline_lstm.edge.gate import judge, make_reference
from spline_lstm.edge.live_network import is_regression_alone, make_live_network

OPTIONS = [
    {},
    {"normalization": "instance", "spline_smoothing": 1.0},
    {"normalization": "last", "segment": 3},
    {"normalization": "last", "link": "log", "target_indices": (0, 2)},
    {"normalization": "last", "target_indices": (0, 2), "linear_path": "shared"},
]


def with_zero_head(network):
    head = network.get_layer("head")
    head.set_weights([np.zeros_like(weight) for weight in head.get_weights()])
    return network


@pytest.mark.parametrize("options", OPTIONS)
def test_where_the_head_is_zero_the_regression_alone_is_left_and_computes_the_same(make_random, options):
    network = with_zero_head(make_random("attention_lstm", **{"linear_path": "ridge"} | options).network)
    live = make_live_network(network)
    assert is_regression_alone(network)
    assert not {"LSTM", "Add"} & {type(layer).__name__ for layer in live.layers}
    windows = np.random.default_rng(0).normal(size=(5, 6, 8)).astype(np.float32)
    assert np.array_equal(live.predict(windows, verbose=0), network.predict(windows, verbose=0))


@pytest.mark.parametrize("linear_path", ["none", "ridge"])
def test_a_network_with_a_living_stack_stays_as_it_is(make_random, linear_path):
    network = make_random("gru", linear_path=linear_path).network
    assert make_live_network(network) is network


def test_a_zero_head_without_a_regression_beside_it_stays(make_random):
    network = with_zero_head(make_random("gru").network)
    assert make_live_network(network) is network


def test_the_files_of_a_regression_alone_pass_and_hold_nothing_else(trained, make_random, edge_spec):
    bundle = trained.bundle
    network = with_zero_head(
        make_random("gru", features=len(bundle.feature_names), linear_path="ridge", units=(64,)).network
    )
    files = export(network, trained.contract, ("onnx", "tflite"), edge_spec)
    reference = make_reference(bundle, network, trained.contract, edge_spec)
    assert reference.params == network.get_layer("linear_path").count_params()
    for name in ("model.onnx", "model.tflite"):
        verdict = judge(files[name], name.removeprefix("model."), "fp32", reference, edge_spec)
        assert verdict["verdict"] == "PASS"
        assert not {"GRU", "WHILE"} & set(verdict["operators"])
    assert Counter(tflite_file.operators(files["model.tflite"]))["FULLY_CONNECTED"] == 1
    assert json.loads(tflite_file.read_metadata(files["model.tflite"], METADATA_KEY))["run_id"] == "gru-test"
