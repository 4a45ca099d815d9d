"""The runtime without TensorFlow: what it lets through of the native libraries' talk."""

import os
import subprocess
import sys
import tempfile

import pytest

from spline_lstm.edge.export import export
from spline_lstm.edge.runtime import _without_greetings


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
        "run = runtime.load_forecaster(Path(sys.argv[1])).run; "
        "run(np.zeros((1, *map(int, sys.argv[2:])), dtype=np.float32))"
    )
    shape = map(str, trained.bundle.X.shape[1:])
    result = subprocess.run([sys.executable, "-c", script, path, *shape], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("", "")
