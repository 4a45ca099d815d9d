"""Forecasts from an exported file, without TensorFlow.

    model = load_model(Path("model.onnx"))
    model.forecast(window)               # raw units in, raw units out

`model.contract` describes the window: features, their order, units and steps.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spline_lstm.edge import onnx_file, tflite_file
from spline_lstm.edge.contract import METADATA_KEY, EdgeContract
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, ShapeContractError, SplineLSTMError
from spline_lstm.strict_json import parse_json
from spline_lstm.text import first_line
from spline_lstm.types import Float32, Float64

_STDERR = threading.Lock()
"""It belongs to the whole process."""

_LARGEST = 1e12
"""Limit of valid outputs in scaled units; NaN and infinity are not below it."""
Run = Callable[[Float32], Float32]
"""One inference in scaled units: `(1, lookback, features)` to `(1, horizon * targets)`."""


@dataclass(frozen=True)
class EdgeModel:
    """An exported model ready to run."""

    contract: EdgeContract
    run: Run

    def forecast(self, window: Float64, series: str | None = None) -> Float64:
        """Forecast from raw values.

        Args:
            window: Features of the last `lookback` steps in their own units, in the contract's
                order, shape `(lookback, features)`.
            series: Name of the series; needed if each series has its own scale (`contract.series_scalers`).

        Returns:
            The targets of the next steps in their own units, shape `(horizon, targets)`.

        Raises:
            ShapeContractError: The window has another shape, or holds values that are not finite.
            ParameterError: The series is not named, or is not in the contract.

        """
        return self.contract.unscale(self.run(self.contract.scale(window, series)), series)


def load_model(path: Path) -> EdgeModel:
    """Load a `.onnx` or `.tflite` file that this project exported.

    Raises:
        ArtifactMissingError: There is no such file.
        ArtifactDamagedError: The file is damaged, differs from the `index.json` beside it, or has no contract.

    """
    content = read_exported(path)
    open_file = open_tflite if path.suffix == ".tflite" else open_onnx
    run, text = open_file(content, str(path))
    contract = EdgeContract.from_text(text, str(path))
    outputs = contract.horizon * len(contract.target_indices)
    return EdgeModel(contract, checked(run, outputs, str(path)))


def checked(run: Run, outputs: int, source: str) -> Run:
    """Return a function that runs the model and checks its output against the contract.

    Args:
        run: One inference in scaled units.
        outputs: Values of a forecast, `horizon * targets`.
        source: The model file's name, for messages.

    """

    def run_checked(window: Float32) -> Float32:
        try:
            forecast = run(window)
        except SplineLSTMError:
            raise
        except Exception as error:  # the runtimes' errors have no common base
            raise ShapeContractError(
                f"{source} does not run on windows of shape {window.shape}: {first_line(error)}; export it again"
            ) from None
        needed = (len(window), outputs)
        if forecast.shape != needed or forecast.dtype != np.float32:
            raise ShapeContractError(
                f"{source} returns {forecast.dtype} of shape {forecast.shape}; float32 of shape {needed} is needed; "
                "export it again"
            )
        if not (np.abs(forecast) < _LARGEST).all():
            raise ArtifactDamagedError(
                f"{source} returns values that are not a forecast, such as "
                f"{forecast[~(np.abs(forecast) < _LARGEST)][0]:g}; train and export again"
            )
        return forecast

    return run_checked


def read_exported(path: Path) -> bytes:
    """Read an exported file.

    Raises:
        ArtifactMissingError: There is no such file.
        ArtifactDamagedError: It differs from the `index.json` beside it.

    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ArtifactMissingError(f"{path} is missing; make it with: kedro run --pipeline=edge_poc") from None
    _check_hash(content, path)
    return content


def _check_hash(content: bytes, path: Path) -> None:
    """Compare the file with the index beside it; a file copied alone has none."""
    try:
        digest = parse_json(path.with_name("index.json").read_bytes())[path.name]
    except FileNotFoundError:
        return
    except (ValueError, LookupError, TypeError):
        digest = None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ArtifactDamagedError(f"{path} is not the file that index.json beside it describes; export it again")


def open_onnx(content: bytes, source: str) -> tuple[Run, str | None]:
    """Open an ONNX model in onnxruntime with one thread; return a function that runs it, and its metadata.

    Raises:
        ArtifactDamagedError: onnxruntime refuses it.

    """
    import onnxruntime

    onnx_file.check_structure(content, source)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        (name,), (output,) = ([item.name for item in items] for items in (session.get_inputs(), session.get_outputs()))
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    except Exception as error:  # its exceptions have no common base class
        raise ArtifactDamagedError(f"{source} does not load in onnxruntime: {first_line(error)}") from None

    def run(window: Float32) -> Float32:
        forecast: Float32 = session.run([output], {name: window})[0]
        return forecast

    return run, text


def open_tflite(content: bytes, source: str) -> tuple[Run, str | None]:
    """Open a TFLite model in LiteRT with one thread; return a function that runs it, and its metadata.

    Raises:
        ArtifactDamagedError: The interpreter refuses it.

    """
    from ai_edge_litert.interpreter import Interpreter

    tflite_file.check_header(content, source)
    try:
        with _without_greetings():
            interpreter = Interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
        text = tflite_file.read_metadata(content, METADATA_KEY)
        (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    except Exception as error:  # ValueError, RuntimeError, and any error of a damaged buffer
        raise ArtifactDamagedError(f"{source} does not load in LiteRT: {first_line(error)}") from None

    def run(window: Float32) -> Float32:
        interpreter.set_tensor(given["index"], window)
        interpreter.invoke()
        forecast: Float32 = interpreter.get_tensor(made["index"])
        return forecast

    return run, text


@contextmanager
def _without_greetings() -> Iterator[None]:
    """Suppress native lines that begin with `INFO:`: LiteRT has no switch for the line that it prints at its start."""
    with ExitStack() as stack:
        stack.enter_context(_STDERR)
        try:
            caught, stderr = stack.enter_context(tempfile.TemporaryFile()), os.dup(2)
        except OSError:  # no room for temporary files, or no stderr: the line does no harm
            yield
            return
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            caught.seek(0)
            os.write(stderr, b"".join(line for line in caught if not line.startswith(b"INFO:")))
            os.close(stderr)
