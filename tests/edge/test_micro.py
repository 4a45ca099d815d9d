"""TFLite files in the interpreter for microcontrollers, which need not be installed."""

import importlib.util

import numpy as np
import pytest

from spline_lstm.edge import micro
from spline_lstm.edge.export import export
from spline_lstm.edge.gate import judge

installed = pytest.mark.skipif(not micro.has_micro(), reason="the extra micro is not installed")


@pytest.fixture(scope="module")
def files(trained, edge_spec):
    return export(trained.model.network, trained.contract, ("tflite",), edge_spec)


def test_without_the_extra_the_verdict_says_that_it_was_not_tried(files, trained, edge_spec, monkeypatch):
    monkeypatch.setattr(micro, "find_spec", lambda _: None)
    verdict = judge(files["model.tflite"], "tflite", "fp32", trained.reference, edge_spec)
    assert (verdict["verdict"], verdict["runtime"]) == ("PASS", "LiteRT; TFLite Micro was not tried")
    assert verdict["ram_bytes"] is None


@installed
def test_full_weights_run_on_microcontrollers_and_their_arena_is_measured(files, trained, edge_spec):
    verdict = judge(files["model.tflite"], "tflite", "fp32", trained.reference, edge_spec)
    assert verdict["runtime"] == "TFLite Micro"
    assert 1_000 < verdict["ram_bytes"] < 20_000


@installed
def test_smaller_weights_need_litert(files, trained, edge_spec):
    verdict = judge(files["model.int8.tflite"], "tflite", "int8", trained.reference, edge_spec)
    assert verdict["criteria"]
    assert verdict["runtime"] == "LiteRT"


def test_what_the_interpreter_refuses_ends_no_run(monkeypatch):
    monkeypatch.setattr(micro, "find_spec", importlib.util.find_spec if micro.has_micro() else lambda _: True)
    assert micro.run_micro(b"no model", np.zeros((1, 6, 8), dtype=np.float32)) is None
