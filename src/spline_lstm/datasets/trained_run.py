"""What a run leaves for forecasts: its record, its preprocessor and its model, checked against each other."""

import hashlib
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset

from spline_lstm.datasets.files import FilesDataset, JSONDataset
from spline_lstm.datasets.model_input import load_preprocessor
from spline_lstm.datasets.storage import read_bytes, shown
from spline_lstm.edge.backends import MODEL_FILES, Backend, TrainedRun
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, RunIdMismatchError
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.text import examples, nearest

_KEYS = ("run_id", "processed_run_id", "settings", "sha256", "processed_sha256")


class TrainedRunDataset(AbstractDataset[TrainedRun, Any]):
    """A finished run, read-only.

    The record decides which preprocessed data is the run's; of that only `preprocessor.pkl` is read.
    """

    def __init__(
        self, *, filepath: str, backend: Backend, run_command: str, metadata: dict[str, Any] | None = None
    ) -> None:
        """Take the path of the run's record, `.../08_reporting/<run id>/run.json`, and how to call Kedro."""
        self._record = Path(filepath)
        data = self._record.parents[2]
        self._models = data / "06_models" / self._record.parent.name
        self._processed = data / "05_model_input"
        self._backend = backend
        self._run_command = run_command
        self.metadata = metadata

    def load(self) -> TrainedRun:
        """Read the run.

        Raises:
            ArtifactMissingError: There is no such run, or a file of it is missing.
            ArtifactDamagedError: A file is damaged.
            RunIdMismatchError: A file belongs to another training or preprocessing.

        """
        record = self._load_record()
        model_file = self._load_keras(record) if self._backend == "keras" else self._load_export(record)
        return TrainedRun(record, self._load_preprocessor(record), self._backend, model_file)

    def _load_record(self) -> dict[str, Any]:
        run_id = self._record.parent.name
        made_by = f"{self._run_command} --params run_id={run_id}"
        if not self._record.is_file():
            runs = [path.parent.name for path in self._record.parent.parent.glob("*/run.json")]
            raise ArtifactMissingError(
                f"run '{run_id}' is not there ({shown(self._record)} is missing){_others(run_id, runs)}; "
                f"make it with: {made_by}"
            )
        record = JSONDataset(filepath=str(self._record)).load()
        if not isinstance(record, dict) or any(key not in record for key in _KEYS):
            raise ArtifactDamagedError(f"{shown(self._record)} is no record of a run; make it with: {made_by}")
        return record

    def _load_preprocessor(self, record: dict[str, Any]) -> Preprocessor:
        path = self._processed / record["processed_run_id"] / "preprocessor.pkl"
        content = read_bytes(path, f"{self._run_command} --params {_settings(record)}")
        _check_hash(content, record["processed_sha256"].get(path.name), path, record["run_id"])
        state = load_preprocessor(content, shown(path))
        return Preprocessor.parse(state, ArtifactDamagedError, f"{shown(path)}: key")

    def _load_keras(self, record: dict[str, Any]) -> bytes:
        path = self._models / MODEL_FILES["keras"]
        content = read_bytes(path, f"{self._run_command} --params {_settings(record)}")
        _check_hash(content, record["sha256"].get(path.name), path, record["run_id"])
        return content

    def _load_export(self, record: dict[str, Any]) -> bytes:
        made_by = f"{self._run_command} --pipeline=edge_poc --params {_settings(record)},export_formats={self._backend}"
        name = MODEL_FILES[self._backend]
        files = FilesDataset(filepath=str(self._models / "edge"), made_by=made_by).load()
        if name not in files:
            raise ArtifactMissingError(f"{shown(self._models / 'edge' / name)} is missing; make it with: {made_by}")
        return files[name]

    def save(self, data: Any) -> NoReturn:  # noqa: ARG002 - Kedro's interface
        """Refuse: a run is written by its own pipelines."""
        raise ArtifactDamagedError(f"{shown(self._record)} is written by the modelling")

    def _exists(self) -> bool:
        return self._record.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._record), "backend": self._backend}


def _settings(record: dict[str, Any]) -> str:
    """Name the run, and what would otherwise be another model under its name."""
    shaping = ("run_id", "processed_run_id", "model_type", "feature_mode")
    return ",".join(f"{name}={record['settings'][name]}" for name in shaping)


def _others(run_id: str, runs: list[str]) -> str:
    """Name the run that was probably meant, or those that there are."""
    return nearest(run_id, runs) or (f"; found: {examples(sorted(runs))}" if runs else "")


def _check_hash(content: bytes, digest: str | None, path: Path, run_id: str) -> None:
    if hashlib.sha256(content).hexdigest() != digest:
        raise RunIdMismatchError(
            f"{shown(path)} is not the file that run '{run_id}' was made with; run its preprocessing and modelling"
        )
