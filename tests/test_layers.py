"""What must not be loaded before it is needed."""

import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "onnxruntime", "onnx", "tf2onnx", "ai_edge_litert")


@pytest.mark.parametrize(
    "module",
    [
        "spline_lstm.project.context",
        "spline_lstm.hooks.run",
        "spline_lstm.pipelines.preprocessing",
        "spline_lstm.pipelines.modelling",
        "spline_lstm.pipelines.edge_poc",
        "spline_lstm.pipelines.benchmarking",
        "spline_lstm.edge.runtime",
    ],
)
def test_importing_a_module_loads_no_heavy_runtime(module):
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
