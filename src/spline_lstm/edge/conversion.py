"""The conversions that need TensorFlow's converters, run in a child process.

A crash of a converter ends only the child, not the run. Run as a module, this file is the child:
`python -m spline_lstm.edge.conversion FOLDER` reads `model.keras` and `request.json` there and writes one file for each
conversion.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL
from typing import Any, Literal

from spline_lstm.children import end_with_parent
from spline_lstm.errors import ExportError, MemoryShortageError, shortage_of
from spline_lstm.temporary import temporary_folder

TFLiteForm = Literal["unrolled", "loop"]
RECURRENT = ("LSTM", "GRU")
_TIMEOUT_SECONDS = 600


def convert(model_file: bytes, forms: tuple[TFLiteForm, ...], *, second_route: bool) -> dict[str, bytes]:
    """Convert a Keras model in a child process.

    Args:
        model_file: The `.keras` archive.
        forms: TFLite files to make: recurrent layers unrolled, or kept as a loop.
        second_route: Whether to convert to ONNX with tf2onnx as well.

    Returns:
        `unrolled` and `loop` to TFLite files in float32, `tf2onnx` to an ONNX file.

    Raises:
        ExportError: The child failed or crashed; the message has its last line.

    """
    request = {"forms": list(forms), "second_route": second_route}
    with temporary_folder() as folder:
        (folder / "model.keras").write_bytes(model_file)
        (folder / "request.json").write_text(json.dumps(request))
        command = [sys.executable, "-m", "spline_lstm.edge.conversion", str(folder), str(os.getpid())]
        try:
            child = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ExportError(f"the conversion took more than {_TIMEOUT_SECONDS} s and was stopped") from None
        if child.returncode:
            shortage = shortage_of(child.stderr) or (MemoryShortageError if child.returncode == -SIGKILL else None)
            if shortage is not None:
                last = next(iter(child.stderr.strip().splitlines()[-1:]), "it was killed, as systems do")
                raise shortage(f"the conversion of the model ran out of room: {last}; {shortage.advice}")
            crash = f"crashed with signal {-child.returncode}" if child.returncode < 0 else "failed"
            words = (child.stderr.strip().splitlines() or ["no message"])[-1]
            raise ExportError(f"the conversion {crash}: {words}")
        return {path.name: path.read_bytes() for path in sorted((folder / "converted").iterdir())}


def _child(folder: Path) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from spline_lstm.models.archive import load_network

    request = json.loads((folder / "request.json").read_text())
    network = load_network((folder / "model.keras").read_bytes(), "model.keras")
    made = folder / "converted"
    made.mkdir()
    for form in request["forms"]:
        (made / form).write_bytes(_to_tflite(network, unroll=form == "unrolled"))
    if request["second_route"]:
        (made / "tf2onnx").write_bytes(_with_tf2onnx(network))


def _to_tflite(network: Any, *, unroll: bool) -> bytes:
    """Convert a copy of the network for batch 1."""
    import keras
    import tensorflow as tf

    config = network.get_config()
    for layer in config["layers"]:
        if layer["class_name"] == "InputLayer":
            layer["config"]["batch_shape"] = (1, *layer["config"]["batch_shape"][1:])
        if layer["class_name"] in RECURRENT:
            layer["config"]["unroll"] = unroll
    single = keras.Model.from_config(config)
    single.set_weights(network.get_weights())
    function = tf.function(lambda window: single(window, training=False)).get_concrete_function(
        tf.TensorSpec(single.input_shape, tf.float32, name="window")
    )
    # The model is not passed: with it, the converter would not freeze the weights.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return bytes(converter.convert())


def _with_tf2onnx(network: Any) -> bytes:
    import tensorflow as tf
    import tf2onnx

    from spline_lstm.edge.onnx_graph import OPSET

    signature = [tf.TensorSpec(network.input_shape, tf.float32, name="window")]
    model, _ = tf2onnx.convert.from_keras(network, input_signature=signature, opset=OPSET)
    return bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    end_with_parent(int(sys.argv[2]))
    _child(Path(sys.argv[1]))
