"""Forecasts of a trained run through Keras, ONNX or TFLite; only Keras loads TensorFlow."""

import logging
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spline_lstm.edge import runtime
from spline_lstm.edge.contract import EdgeContract
from spline_lstm.edge.runtime import Run
from spline_lstm.errors import RunIdMismatchError, ShapeContractError
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.series.latest_windows import LatestWindows, to_target_units
from spline_lstm.series.model_input import check_windows
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.spec import Flag, Spec
from spline_lstm.types import Float64

logger = logging.getLogger(__name__)

Backend = Literal["keras", "onnx", "tflite"]
_AT_ONCE = 4_096
"""Past windows that a model runs on at once; TFLite files take one."""
MODEL_FILES: dict[Backend, str] = {"keras": "model.keras", "onnx": "model.onnx", "tflite": "model.tflite"}


class ForecastSpec(Spec):
    """What a forecast runs through."""

    backend: Backend
    strict: Flag = False
    """Whether a series that is too short is refused; else it is left out, with a warning."""


@dataclass(frozen=True)
class TrainedRun:
    """What a run leaves for forecasts.

    Attributes:
        record: The run's record, `run.json`.
        preprocessor: How the run's table became windows.
        backend: What the model file is for.
        model_file: The model in that form.

    """

    record: dict[str, Any]
    preprocessor: Preprocessor
    backend: Backend
    model_file: bytes

    @property
    def model_sha256(self) -> str:
        """Hash of the run's Keras file, which every result and export of the run names."""
        return str(self.record["sha256"]["model.keras"])


def forecast(trained: TrainedRun, windows: LatestWindows) -> tuple[Float64, Float64]:
    """Forecast the last window of every series, and those before it, with a trained run.

    Args:
        trained: The run.
        windows: The windows and what undoes their scaling.

    Returns:
        Targets in their own unit, `(series, horizon, F_target)`, and those of the past windows,
        `(past windows, horizon, F_target)`.

    Raises:
        ArtifactDamagedError: The model file does not load.
        RunIdMismatchError: The exported file was made from another training.
        ShapeContractError: The windows do not fit the run.

    """
    preprocessor = trained.preprocessor
    lookback, features = preprocessor.windows.lookback, len(preprocessor.feature_order)
    check_windows(windows.X, input_features=features, lookback=lookback)
    targets = len(preprocessor.target_names)
    run = runtime.checked(_open(trained), preprocessor.windows.horizon * targets, MODEL_FILES[trained.backend])
    latest = np.concatenate([run(window[None]) for window in windows.X])
    past, started = np.empty((len(windows.past.X), latest.shape[1]), dtype=np.float32), time.perf_counter()
    at_once = 1 if trained.backend == "tflite" else _AT_ONCE
    for start in range(0, len(past), at_once):
        past[start : start + at_once] = run(windows.past.X[start : start + at_once])
    seconds = time.perf_counter() - started
    if len(past):
        logger.info("%d forecasts of the table's own history, which intervals follow: %.2f s", len(past), seconds)
    every = np.arange(len(latest))
    return to_target_units(latest, windows, every), to_target_units(past, windows, windows.past.series)


def _open(trained: TrainedRun) -> Run:
    """Return one inference in scaled units."""
    name = MODEL_FILES[trained.backend]
    if trained.backend == "keras":
        model_type = trained.record["settings"]["model_type"]
        return TrainedNetwork.from_bytes(trained.model_file, name, model_type).predict
    open_file = runtime.open_tflite if trained.backend == "tflite" else runtime.open_onnx
    run, text = open_file(trained.model_file, name)
    contract = EdgeContract.from_text(text, name)
    if contract.model_sha256 != trained.model_sha256:
        raise RunIdMismatchError(
            f"{name} was exported from another training than that of run '{trained.record['run_id']}'; export it again"
        )
    windows, order = trained.preprocessor.windows, list(trained.preprocessor.feature_order)
    if (contract.lookback, contract.horizon, contract.feature_order) != (windows.lookback, windows.horizon, order):
        raise ShapeContractError(f"{name} is of other windows than run '{trained.record['run_id']}'; export it again")
    return run
