"""A trained run opened through Keras, ONNX or TFLite; only Keras loads TensorFlow."""

from dataclasses import dataclass
from typing import Any, Literal

from spline_lstm.edge import runtime
from spline_lstm.edge.contract import EdgeContract
from spline_lstm.edge.forecaster import Forecaster, check_same_windows, windows_at_once
from spline_lstm.edge.runtime import Run
from spline_lstm.errors import ArtifactDamagedError, RunIdMismatchError
from spline_lstm.evaluation.intervals import Intervals
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.spec import Flag, Spec

Backend = Literal["keras", "onnx", "tflite"]
MODEL_FILES: dict[Backend, str] = {"keras": "model.keras", "onnx": "model.onnx", "tflite": "model.tflite"}


class ForecastSpec(Spec):
    """The runtime of the forecasts."""

    backend: Backend
    strict: Flag = False
    """Whether a series that is too short is refused; otherwise it is left out with a warning."""


@dataclass(frozen=True)
class TrainedRun:
    """The artifacts of a run that forecasts need.

    Attributes:
        record: The run's record, `run.json`.
        preprocessor: How the run's table became windows.
        backend: Runtime of the model file.
        model_file: The model file for this runtime.

    """

    record: dict[str, Any]
    preprocessor: Preprocessor
    backend: Backend
    model_file: bytes

    @property
    def model_sha256(self) -> str:
        """Hash of the run's Keras file, recorded in every result and export of the run."""
        return str(self.record["sha256"]["model.keras"])


def open_forecaster(trained: TrainedRun, intervals: dict[str, Any]) -> Forecaster:
    """Open a run for forecasts.

    Args:
        trained: The run.
        intervals: Contents of the run's `intervals.json`.

    Raises:
        ArtifactDamagedError: The intervals are damaged, or the model file does not load.
        RunIdMismatchError: The intervals or the exported file belong to another training.
        ShapeContractError: The intervals or the exported file do not fit the run's windows.

    """
    run_id, preprocessor = trained.record["run_id"], trained.preprocessor
    subject = f"intervals.json of run '{run_id}' (its modelling makes it again): key"
    learnt = Intervals.parse(intervals, ArtifactDamagedError, subject)
    if learnt.model_sha256 != trained.model_sha256:
        raise RunIdMismatchError(f"the intervals of run '{run_id}' belong to another training; run its modelling again")
    horizon, targets = preprocessor.windows.horizon, preprocessor.target_names
    learnt.check_fits(horizon, targets)
    name = MODEL_FILES[trained.backend]
    run = runtime.checked(_open(trained), horizon * len(targets), name)
    return Forecaster(preprocessor, learnt, run, windows_at_once(name))


def _open(trained: TrainedRun) -> Run:
    """Return the function that forecasts windows in scaled units."""
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
    check_same_windows(contract, trained.preprocessor, name)
    return run
