"""The C forecaster computes what Keras computes, and what the pipelines make of a table."""

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest

from spline_lstm.edge import c_library
from spline_lstm.edge.c_file import make_c_files, with_header
from spline_lstm.edge.gate import judge, make_reference
from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.edge.quantise import quantise_onnx
from spline_lstm.edge.runtime import open_onnx
from spline_lstm.errors import ExportError
from spline_lstm.models.registry import MODELS

pytestmark = pytest.mark.skipif(not c_library.has_compiler(), reason="there is no C compiler")

OPTIONS = [
    {"features": 1},
    {"features": 5, "target_indices": (0, 1), "normalization": "last", "linear_path": "shared"},
    {"features": 2, "target_indices": (0, 1), "normalization": "instance", "spline_smoothing": 0.5},
    {"features": 3, "segment": 2, "normalization": "last", "linear_path": "ridge"},
    {"features": 4, "link": "log", "normalization": "last", "spline_smoothing": 1.0, "linear_path": "ridge"},
    {"features": 3, "target_indices": (0, 2), "link": "log", "target_zeros": (-1.0, 0.5)},
]
CLEAN = (
    "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-fsanitize=address,undefined",
    "-fno-sanitize-recover",
)  # fmt: skip


@pytest.fixture(scope="module")
def contract_of(trained):
    """The contract of a network with any number of features."""

    def make(network, targets=(0,)):
        _, lookback, features = network.input_shape
        names = [f"f{place}" for place in range(features)]
        return dataclasses.replace(
            trained.contract,
            lookback=lookback, horizon=network.output_shape[1] // len(targets), feature_order=names,
            target_indices=list(targets), ages={name: list(range(lookback))[::-1] for name in names},
            steps_kept=lookback, steps_needed=lookback, scalers={}, units={}, intervals={},
        )  # fmt: skip

    return make


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("model_type", MODELS)
def test_the_network_agrees_with_keras(make_random, contract_of, model_type, options):
    network = make_random(model_type, **options).network
    files = make_c_files(network, contract_of(network, options.get("target_indices", (0,))))
    run, _ = c_library.open_c(with_header(files["model.c"], files["model.h"]), "test")
    windows = np.random.default_rng(0).normal(size=(20, *network.input_shape[1:])).astype(np.float32)
    found = np.concatenate([run(window[None]) for window in windows])
    np.testing.assert_allclose(found, network.predict(windows, verbose=0), atol=1e-5, rtol=1e-5)


def test_the_gate_judges_a_c_file_as_any_other(trained, edge_spec):
    files = make_c_files(trained.model.network, trained.contract)
    verdict = judge(with_header(files["model.c"], files["model.h"]), "c", "fp32", trained.reference, edge_spec)
    assert verdict["verdict"] == "PASS", verdict["reason"]
    assert next(entry["found"] for entry in verdict["criteria"] if entry["name"] == "parity") <= 1e-5
    assert verdict["footprint"].keys() == {"code", "constants", "stack", "state"}
    assert 0 < verdict["size_bytes"] - 4 * trained.reference.params < 10_000


def test_the_program_of_the_how_to_compiles_and_forecasts(trained, project, tmp_path):
    page = (project / "docs" / "how-to" / "c-file.md").read_text()
    (tmp_path / "main.c").write_text(page.split("```c\n")[1].split("```")[0])
    for name, content in make_c_files(trained.model.network, trained.contract).items():
        (tmp_path / name).write_bytes(content)
    command = page.split("```sh\ncc")[1].split("```")[0]
    done = subprocess.run(f"cc{command}", shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 steps ahead: ")
    assert len(done.stdout.splitlines()) == trained.contract.horizon


@pytest.mark.parametrize(("precision", "most_bytes"), [("fp16", 2.6), ("int8", 1.6)])
def test_a_c_file_with_smaller_weights_is_small_and_close(trained, make_random, edge_spec, precision, most_bytes):
    network = make_random("gru", features=len(trained.bundle.feature_names), units=(64,), linear_path="ridge").network
    path = network.get_layer("linear_path")
    kernel, bias = path.get_weights()
    kernel[:2] = [[30.0] * kernel.shape[1], [-30.0] * kernel.shape[1]]
    path.set_weights([kernel, bias])
    files = make_c_files(network, trained.contract, precision)
    assert set(files) == {f"model.{precision}.c", f"model.{precision}.h"}
    reference = make_reference(trained.bundle, network, trained.contract, edge_spec)
    content = with_header(files[f"model.{precision}.c"], files[f"model.{precision}.h"])
    verdict = judge(content, "c", precision, reference, edge_spec)
    found = {entry["name"]: entry["found"] for entry in verdict["criteria"]}
    assert found["parity"] < 0.1
    assert verdict["bytes_per_param"] < most_bytes


@pytest.mark.parametrize("model_type", MODELS)
def test_weights_in_16_bits_are_those_of_the_onnx_file(make_random, contract_of, model_type):
    network = make_random(model_type, units=(64,), linear_path="ridge").network
    files = make_c_files(network, contract_of(network), "fp16")
    run, _ = c_library.open_c(with_header(files["model.fp16.c"], files["model.fp16.h"]), "test")
    through_onnx, _ = open_onnx(quantise_onnx(make_onnx(network, {}), "fp16"), "test")
    windows = np.random.default_rng(0).normal(size=(20, *network.input_shape[1:])).astype(np.float32)
    found = np.concatenate([run(window[None]) for window in windows])
    np.testing.assert_allclose(found, through_onnx(windows), atol=1e-5, rtol=1e-5)


def test_every_finite_number_in_16_bits_is_read_exactly(project, tmp_path):
    main = r"""
#include <stdint.h>
#include <stdio.h>
typedef int16_t weight;
FULL
int main(void)
{
    long stored;
    for (stored = -32768; stored < 32768; stored++)
        printf("%.9g\n", (double)full((weight)stored));
    return 0;
}
"""
    (tmp_path / "main.c").write_text(main.replace("FULL", (project / "src/spline_lstm/edge/c/full_half.c").read_text()))
    subprocess.run(["cc", *CLEAN, tmp_path / "main.c", "-o", tmp_path / "main"], check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    expected = np.arange(-32768, 32768, dtype=np.int16).view(np.float16).astype(np.float32)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.array(done.stdout.split(), dtype=np.float32)[finite], expected[finite])


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_program_with_smaller_weights_is_clean(trained, project, tmp_path, precision):
    page = (project / "docs" / "how-to" / "c-file.md").read_text()
    program = page.split("```c\n")[1].split("```")[0].replace('"model.h"', f'"model.{precision}.h"')
    (tmp_path / "main.c").write_text(program)
    for name, content in make_c_files(trained.model.network, trained.contract, precision).items():
        (tmp_path / name).write_bytes(content)
    sources = [tmp_path / "main.c", tmp_path / f"model.{precision}.c"]
    subprocess.run(["cc", *CLEAN, *sources, "-o", tmp_path / "forecast", "-lm"], check=True)
    done = subprocess.run([tmp_path / "forecast"], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == trained.contract.horizon


def test_the_contract_of_another_run_fails(trained, edge_spec):
    other = dataclasses.replace(trained.contract, units={"target": "*/ a /* b \n"})
    files = make_c_files(trained.model.network, other)
    verdict = judge(with_header(files["model.c"], files["model.h"]), "c", "fp32", trained.reference, edge_spec)
    failed = [entry["name"] for entry in verdict["criteria"] if not entry["passed"]]
    assert failed == ["missing or foreign input contract"]


def test_without_a_compiler_nothing_is_judged(trained, edge_spec, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    verdict = judge(b"", "c", "fp32", trained.reference, edge_spec)
    assert (verdict["verdict"], verdict["reason"]) == ("NOT JUDGED", "there is no C compiler: cc is not on the path")


def test_a_file_that_does_not_compile_fails_with_the_compilers_words(trained, edge_spec):
    verdict = judge(b"int x = y;\n", "c", "fp32", trained.reference, edge_spec)
    assert verdict["verdict"] == "FAIL"
    assert "the c file does not compile: " in verdict["reason"]


def test_a_layer_without_translation_is_refused_by_name(contract_of):
    import keras

    inputs = keras.Input((6, 3))
    network = keras.Model(inputs, keras.layers.GlobalAveragePooling1D(name="pool")(inputs))
    with pytest.raises(ExportError, match="layer 'pool' of kind GlobalAveragePooling1D has no C translation"):
        make_c_files(network, contract_of(network))


def test_the_activations_vectorise_without_fast_math(make_random, contract_of, tmp_path):
    network = make_random("gru", units=(64,)).network
    files = make_c_files(network, contract_of(network))
    path = tmp_path / "model.c"
    path.write_bytes(with_header(files["model.c"], files["model.h"]))
    command = ["cc", "-std=c99", "-O3", "-march=native", "-fopt-info-vec-optimized", "-c", str(path), "-o", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = path.read_text().splitlines()
    first, last = (lines.index(f"static void {name}(float *v, int n)") for name in ("tanh_all", "sigmoid_all"))
    vectorised = {int(line.split(":")[1]) for line in done.stderr.splitlines() if "loop vectorized" in line}
    assert vectorised & set(range(first, last))
