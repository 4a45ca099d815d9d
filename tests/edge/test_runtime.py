"""The runtime without TensorFlow: what it lets through of the native libraries' talk."""

import os
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
import pytest

from spline_lstm.edge.export import export
from spline_lstm.edge.runtime import _without_greetings, checked
from spline_lstm.errors import ArtifactDamagedError, ShapeContractError


def test_greetings_of_native_code_are_left_out_and_all_else_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with _without_greetings():
        os.write(2, b"INFO: hello\nWARNING: a real one\nINFO: more\n")
    os.write(2, b"INFO: after it\n")
    assert capfd.readouterr().err == "WARNING: a real one\nINFO: after it\n"


def test_what_is_said_before_a_failure_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), _without_greetings():
        _ = os.write(2, b"ERROR: it breaks\n") / 0
    assert capfd.readouterr().err == "ERROR: it breaks\n"


def test_without_room_for_temporary_files_greetings_are_passed_on(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with _without_greetings():
        os.write(2, b"INFO: hello\n")
    assert capfd.readouterr().err == "INFO: hello\n"


def test_an_exported_file_is_opened_and_run_without_a_word(trained, edge_spec, tmp_path) -> None:
    path = tmp_path / "model.tflite"
    files = export(trained.model.network, trained.contract, ("tflite",), edge_spec)
    path.write_bytes(files["model.tflite"])
    script = (
        "import sys; from pathlib import Path; import numpy as np; from spline_lstm.edge import runtime; "
        "run = runtime.load_model(Path(sys.argv[1])).run; "
        "run(np.zeros((1, *map(int, sys.argv[2:])), dtype=np.float32))"
    )
    shape = map(str, trained.bundle.X.shape[1:])
    result = subprocess.run([sys.executable, "-c", script, path, *shape], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("", "")


def fail(_: Any) -> Any:
    raise RuntimeError("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions")


WINDOW = np.zeros((1, 6, 2), dtype=np.float32)
OUTPUTS: dict[str, tuple[Any, type[Exception], int, str]] = {
    "too few": (lambda _: np.zeros((1, 2), np.float32), ShapeContractError, 22, "returns float32 of shape (1, 2)"),
    "too many": (lambda _: np.zeros((1, 4), np.float32), ShapeContractError, 22, "float32 of shape (1, 3) is needed"),
    "another rank": (lambda _: np.zeros((1, 3, 1), np.float32), ShapeContractError, 22, "of shape (1, 3, 1)"),
    "another batch": (lambda _: np.zeros((2, 3), np.float32), ShapeContractError, 22, "of shape (2, 3)"),
    "another type": (lambda _: np.zeros((1, 3), np.int64), ShapeContractError, 22, "returns int64"),
    "no run": (fail, ShapeContractError, 22, "does not run on windows of shape (1, 6, 2): [ONNXRuntimeError]"),
    "NaN": (lambda _: np.full((1, 3), np.nan, np.float32), ArtifactDamagedError, 21, "such as nan"),
    "infinity": (lambda _: np.full((1, 3), np.inf, np.float32), ArtifactDamagedError, 21, "such as inf"),
    "too much": (lambda _: np.full((1, 3), 1e30, np.float32), ArtifactDamagedError, 21, "such as 1e+30"),
}


@pytest.mark.parametrize("made", OUTPUTS)
def test_what_is_no_forecast_is_refused_before_it_is_given(made: str, refuses: Any) -> None:
    run, error, code, words = OUTPUTS[made]
    with refuses(error, code, "model.onnx", words, "export"):
        checked(run, 3, "model.onnx")(WINDOW)


def test_a_forecast_is_given_as_it_is() -> None:
    made = np.array([[1.0, 2.0, 3.0]], dtype=np.float32)
    assert checked(lambda _: made, 3, "model.onnx")(WINDOW) is made
